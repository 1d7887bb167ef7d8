"""What DescribeContact, DescribeInstance and DescribeContactFlow tell, as Amazon writes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.ended import EndedContact

__all__ = ["describe_chat", "describe_ended", "describe_flow", "describe_instance"]


def describe_chat(chat: Chat, instance_arn: str) -> dict[str, Any]:
    """DescribeContact's answer for a chat, ended or not."""
    request = chat.request
    continued_from = chat.continued_from.contact_id if chat.continued_from else None
    related = request.get("RelatedContactId") or continued_from
    members = {
        **_life(chat, instance_arn),
        # AWS: the ID of the initial contact, if this contact is related to others.
        "InitialContactId": chat.initial_contact_id if related else None,
        "RelatedContactId": related,
        "AgentInfo": _agent(chat),
        "CustomerId": chat.customer_id,
        "Attributes": request.get("Attributes"),
        "SegmentAttributes": {
            "connect:Subtype": {"ValueString": "connect:Chat"},
            **(request.get("SegmentAttributes") or {}),
        },
    }
    return {"Contact": _present(members)}


def describe_ended(ended: EndedContact, instance_arn: str) -> dict[str, Any]:
    """DescribeContact's answer for a contact of which only its end is remembered."""
    return {"Contact": _present(_life(ended, instance_arn))}


def describe_instance(instance_id: str, instance_arn: str) -> dict[str, Any]:
    """DescribeInstance's answer; the instance is always active."""
    return {
        "Instance": {
            "Id": instance_id,
            "Arn": instance_arn,
            "IdentityManagementType": "CONNECT_MANAGED",
            "InstanceAlias": "local",
            "InstanceStatus": "ACTIVE",
            "InboundCallsEnabled": False,
            "OutboundCallsEnabled": False,
        }
    }


def describe_flow(name: str, flow_id: str, flow_arn: str) -> dict[str, Any]:
    """DescribeContactFlow's answer; each scripted flow is published."""
    return {
        "ContactFlow": {
            "Arn": flow_arn,
            "Id": flow_id,
            "Name": name,
            "Type": "CONTACT_FLOW",
            "State": "ACTIVE",
            "Status": "PUBLISHED",
        }
    }


def _life(contact: Chat | EndedContact, instance_arn: str) -> dict[str, Any]:
    updated_at = contact.ended_at or contact.connected_at or contact.started_at
    return {
        "Arn": f"{instance_arn}/contact/{contact.contact_id}",
        "Id": contact.contact_id,
        "InitiationMethod": "API",
        "Channel": "CHAT",
        "InitiationTimestamp": _seconds(contact.started_at),
        "ConnectedToSystemTimestamp": _seconds(contact.connected_at),
        "DisconnectTimestamp": _seconds(contact.ended_at),
        "LastUpdateTimestamp": _seconds(updated_at),
        "DisconnectReason": contact.disconnect_reason,
    }


def _agent(chat: Chat) -> dict[str, Any] | None:
    if chat.agent_joined is None:
        return None
    joined_at = _seconds(chat.agent_joined.absolute_time)
    return {
        "Id": chat.agent_joined.participant_id,
        "AcceptedByAgentTimestamp": joined_at,
        "ConnectedToAgentTimestamp": joined_at,
    }


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment is not None else None
