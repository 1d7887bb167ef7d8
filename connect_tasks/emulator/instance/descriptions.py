"""What is told of contacts, instance and flows, as Amazon writes it."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connect_tasks.emulator.flows.exported.document import Flow
from connect_tasks.emulator.flows.run.numbers import whole
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.ended import EndedContact
from connect_tasks.emulator.instance.metrics import chat_metrics

__all__ = [
    "Contact",
    "describe_chat",
    "describe_ended",
    "describe_flow",
    "describe_instance",
    "describe_view",
    "flow_type",
    "method_of",
    "queue_id",
    "queue_info",
    "summarise",
]

_FLOW_TYPES = {
    "CONTACT_FLOW",
    "CUSTOMER_QUEUE",
    "CUSTOMER_HOLD",
    "CUSTOMER_WHISPER",
    "AGENT_HOLD",
    "AGENT_WHISPER",
    "OUTBOUND_WHISPER",
    "AGENT_TRANSFER",
    "QUEUE_TRANSFER",
    "CAMPAIGN",
}

Contact = Chat | EndedContact
"""A contact of this process, or one of which only its end is remembered."""


def describe_chat(
    chat: Chat, instance_arn: str, recordings: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """DescribeContact's answer for a contact, ended or not.

    Args:
        chat: The contact.
        instance_arn: The instance's ARN.
        recordings: What is told of its transcript.
    """
    members = {
        **_life(chat, instance_arn),
        **_relations(chat),
        "RelatedContactId": chat.related_id,
        **chat.details.members(),
        "AgentInfo": _agent(chat),
        "QueueInfo": queue_info(chat),
        "CustomerId": chat.customer_id,
        "CustomerEndpoint": chat.request.get("DestinationEndpoint"),
        "SystemEndpoint": chat.request.get("SourceEndpoint"),
        "Attributes": dict(chat.attributes) or None,
        "SegmentAttributes": _segment_attributes(chat),
        "ChatMetrics": chat_metrics(chat),
        "Recordings": list(recordings) or None,
    }
    return {"Contact": _present(members)}


def summarise(contact: Contact, instance_arn: str) -> dict[str, Any]:
    """What SearchContacts tells of a contact: neither why it ended, nor whose it was."""
    names = ("Arn", "Id", "InitiationMethod", "Channel", "InitiationTimestamp")
    life = _life(contact, instance_arn)
    members = {
        **{name: life[name] for name in (*names, "DisconnectTimestamp")},
        **_relations(contact),
    }
    if isinstance(contact, Chat):
        agent = {k: v for k, v in (_agent(contact) or {}).items() if not k.startswith("Accepted")}
        members |= {
            "AgentInfo": agent or None,
            "QueueInfo": queue_info(contact),
            "SegmentAttributes": _texts_of(contact),
            "Name": contact.details.name,
            "Tags": dict(contact.details.tags) or None,
        }
    return _present(members)


def method_of(contact: Contact) -> str:
    """The InitiationMethod: how the contact came into being."""
    before = contact.follows if isinstance(contact, Chat) else contact.previous_contact_id
    return "DISCONNECT" if before else contact.begun_by


def _texts_of(chat: Chat) -> dict[str, Any]:
    """The segment attributes that are texts; a search tells of no others."""
    all_of_them = _segment_attributes(chat).items()
    return {
        name: {"ValueString": value["ValueString"]}
        for name, value in all_of_them
        if value.get("ValueString") is not None
    }


def _segment_attributes(chat: Chat) -> dict[str, Any]:
    own = chat.request.get("SegmentAttributes") or {}
    later = chat.details.segment_attributes
    return {"connect:Subtype": {"ValueString": "connect:Chat"}, **own, **later}


def _relations(contact: Contact) -> dict[str, Any]:
    if isinstance(contact, EndedContact):
        return {
            "InitialContactId": contact.initial_contact_id,
            "PreviousContactId": contact.previous_contact_id,
        }
    # AWS: the ID of the initial contact, if this contact is related to others.
    is_related = contact.related_id is not None or contact.follows is not None
    return {
        "InitialContactId": contact.initial_contact_id if is_related else None,
        "PreviousContactId": contact.follows.contact_id if contact.follows else None,
    }


def describe_ended(ended: EndedContact, instance_arn: str) -> dict[str, Any]:
    """DescribeContact's answer for a contact of which only its end is remembered."""
    return {"Contact": _present({**_life(ended, instance_arn), **_relations(ended)})}


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


def describe_flow(
    name: str, flow_id: str, flow_arn: str, flow: Flow | None = None
) -> dict[str, Any]:
    """DescribeContactFlow's answer; each flow is published, and only exported ones have content."""
    content = {}
    if flow is not None:
        digest = hashlib.sha256(flow.content.encode()).hexdigest()
        content = {"Content": flow.content, "FlowContentSha256": digest}
    return {
        "ContactFlow": {
            "Arn": flow_arn,
            "Id": flow_id,
            "Name": name,
            "Type": flow_type(flow),
            "State": "ACTIVE",
            "Status": "PUBLISHED",
            **content,
        }
    }


def flow_type(flow: Flow | None) -> str:
    """What a flow is for, as Connect's API writes it; exports have it as the console does."""
    given = flow.type if flow is not None else ""
    written = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", given).upper()
    return written if written in _FLOW_TYPES else "CONTACT_FLOW"


def describe_view(view: Mapping[str, Any]) -> dict[str, Any]:
    """DescribeView's View for what a flow has shown: its template is on the instance, not here.

    Args:
        view: The view's `resource`, with its id, and the `data` that it was shown with.
    """
    # A flow's document may have anything there.
    resource, data = (_object(view.get(member)) for member in ("resource", "data"))
    given = str(resource.get("Id") or "view")
    name = given.partition(":view/")[2] or given
    schema = {"type": "object", "properties": {key: {} for key in data}}
    return _present(
        {
            "Id": given,
            "Arn": given if given.startswith("arn:") else f"arn:aws:connect:::view/{given}",
            "Name": name,
            "Version": whole(str(resource.get("Version") or "")),
            "Content": {"InputSchema": json.dumps(schema)},
        }
    )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def queue_id(arn: str) -> str:
    """The id of a queue."""
    return arn.rpartition("/")[2]


def queue_info(contact: Contact) -> dict[str, Any] | None:
    """The queue that a contact came to, and when; None if it came to none."""
    queue = contact.queue if isinstance(contact, Chat) else None
    if queue is None:
        return None
    return {"Id": queue_id(queue.arn), "EnqueueTimestamp": _seconds(queue.moment)}


def _life(contact: Contact, instance_arn: str) -> dict[str, Any]:
    updated_at = contact.ended_at or contact.connected_at or contact.started_at
    return {
        "Arn": f"{instance_arn}/contact/{contact.contact_id}",
        "Id": contact.contact_id,
        "InitiationMethod": method_of(contact),
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
