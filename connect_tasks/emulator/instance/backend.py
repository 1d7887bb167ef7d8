"""The instance: its contacts and the rules of their lives. No HTTP, no waiting, no wall clock."""

import random
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from connect_tasks.emulator.flows.scripts import FLOWS, End
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.connections import Connections
from connect_tasks.emulator.instance.conversation import Conversation
from connect_tasks.emulator.instance.identity import Identities
from connect_tasks.emulator.instance.schedule import Schedule
from connect_tasks.emulator.model.errors import RefusedError

__all__ = ["INSTANCE_ID", "Backend"]

INSTANCE_ID = "6f1c2d3e-0000-4000-8000-c0ffee000001"
"""Fixed, so that the next process is the same instance again."""

_REGION_AND_ACCOUNT = "us-east-1:111122223333"
_DEFAULT_MINUTES = 25 * 60


class Backend:
    """One Amazon Connect instance in memory.

    Args:
        now: The clock.
        seed: What ids, tokens and times of thought follow from.
        open_chats: How many chats may be open at one time; `None` for any number.
        think_seconds: Least and most seconds before each utterance of a flow.
        connect_window_seconds: How long a new chat waits for its customer.
        instance_id: The instance's id.

    Attributes:
        schedule: What is to happen later; whoever has a clock works it off.
        connections: Tokens and socket URLs.
        chats: Every chat by its contact id, in order of their start.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        seed: int = 0,
        open_chats: int | None = 500,
        think_seconds: tuple[float, float] = (0, 0),
        connect_window_seconds: float = 300,
        instance_id: str = INSTANCE_ID,
    ) -> None:
        self.instance_id = instance_id
        self.flow_ids = {
            name: str(uuid.uuid5(uuid.UUID(instance_id), f"contact-flow/{name}")) for name in FLOWS
        }
        self.chats: dict[str, Chat] = {}
        self.schedule = Schedule(now)
        self._identities = Identities(seed, instance_id)
        self.connections = Connections(now, self._identities)
        self._now = now
        self._seed = seed
        self._open_chats = open_chats
        self._think_seconds = think_seconds
        self._connect_window_seconds = connect_window_seconds
        self._flows = {flow_id: name for name, flow_id in self.flow_ids.items()}
        self._by_client_token: dict[str, Chat] = {}
        self._conversations: dict[str, Conversation] = {}
        self._open_count = 0

    @property
    def instance_arn(self) -> str:
        """The instance's ARN."""
        return f"arn:aws:connect:{_REGION_AND_ACCOUNT}:instance/{self.instance_id}"

    def flow_arn(self, name: str) -> str:
        """The ARN of a flow, by its name."""
        return f"{self.instance_arn}/contact-flow/{self.flow_ids[name]}"

    def start_chat(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """StartChatContact: make a contact, or repeat the one that this client token made."""
        self._check_instance(request)
        flow = self._flows.get(request["ContactFlowId"])
        if flow is None:
            raise _not_found()
        client_token = request.get("ClientToken")
        known = self._by_client_token.get(client_token) if client_token else None
        chat = known or self._open(request, flow)
        return self._started(chat) | self._connection_info(chat, request)

    def stop_contact(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """StopContact: end an open chat in whatever state it is."""
        self._check_instance(request)
        chat = self.chats.get(request["ContactId"])
        if chat is None or not chat.is_open:
            raise RefusedError("ContactNotFoundException", "Contact not found or already ended")
        self.end(chat, End("API"))
        return {}

    def describe_contact(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeContact: the contact's record, ended or not."""
        self._check_instance(request)
        chat = self.chats.get(request["ContactId"])
        if chat is None:
            raise _not_found()
        return {"Contact": self._described(chat)}

    def describe_instance(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeInstance: the instance, which is always active."""
        self._check_instance(request)
        return {
            "Instance": {
                "Id": self.instance_id,
                "Arn": self.instance_arn,
                "IdentityManagementType": "CONNECT_MANAGED",
                "InstanceAlias": "local",
                "InstanceStatus": "ACTIVE",
                "InboundCallsEnabled": False,
                "OutboundCallsEnabled": False,
            }
        }

    def describe_contact_flow(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeContactFlow: a scripted flow; each of them is published."""
        self._check_instance(request)
        name = self._flows.get(request["ContactFlowId"])
        if name is None:
            raise _not_found()
        return {
            "ContactFlow": {
                "Arn": self.flow_arn(name),
                "Id": self.flow_ids[name],
                "Name": name,
                "Type": "CONTACT_FLOW",
                "State": "ACTIVE",
                "Status": "PUBLISHED",
            }
        }

    def connect(self, chat: Chat) -> None:
        """The customer is connected; the first time, the flow starts."""
        if chat.is_open and chat.connected_at is None:
            chat.connect()
            self._conversations[chat.contact_id].begin()

    def hear(self, chat: Chat, text: str) -> None:
        """Pass a message of the customer on to the flow."""
        self._conversations[chat.contact_id].hear(text)

    def end(self, chat: Chat, step: End) -> None:
        """End an open chat and free its slot."""
        chat.end(step.reason, step.leaver)
        self._open_count -= 1

    def _check_instance(self, request: Mapping[str, Any]) -> None:
        if request["InstanceId"] != self.instance_id:
            raise _not_found()

    def _open(self, request: Mapping[str, Any], flow: str) -> Chat:
        continued_from = self._continued_from(request.get("PersistentChat"))
        if self._open_chats is not None and self._open_count >= self._open_chats:
            message = "Quota exceeded for concurrent active chats"
            raise RefusedError("LimitExceededException", message)
        chat = Chat(
            key=request.get("ClientToken") or f"\x1fwithout token {len(self.chats)}",
            request=request,
            flow=flow,
            now=self._now,
            identities=self._identities,
            continued_from=continued_from,
        )
        self._enrol(chat)
        return chat

    def _enrol(self, chat: Chat) -> None:
        self._open_count += 1
        self.chats[chat.contact_id] = chat
        self._by_client_token[chat.key] = chat
        self._conversations[chat.contact_id] = self._conversation(chat)
        minutes = chat.request.get("ChatDurationInMinutes") or _DEFAULT_MINUTES
        self.schedule.after(self._connect_window_seconds, partial(self._give_up, chat))
        self.schedule.after(minutes * 60, partial(self._expire, chat))

    def _conversation(self, chat: Chat) -> Conversation:
        # S311: the choice has to be repeatable, not secret.
        chance = random.Random(f"{self._seed}:{chat.key}")  # noqa: S311
        return Conversation(
            chat,
            FLOWS[chat.flow](chat.caller),
            schedule=self.schedule,
            think=partial(chance.uniform, *self._think_seconds),
            end=self.end,
        )

    def _give_up(self, chat: Chat) -> None:
        if chat.is_open and chat.connected_at is None:
            self.end(chat, End("CUSTOMER_CONNECTION_NOT_ESTABLISHED"))

    def _expire(self, chat: Chat) -> None:
        if chat.is_open:
            self.end(chat, End("EXPIRED"))

    def _continued_from(self, persistent: Mapping[str, str] | None) -> Chat | None:
        if persistent is None:
            return None
        source = self.chats.get(persistent["SourceContactId"])
        if source is None:
            raise _not_found()
        if persistent["RehydrationType"] == "ENTIRE_PAST_SESSION":
            session = (chat for chat in self.chats.values() if chat.session_id == source.session_id)
            ended = [(chat.ended_at, chat.contact_id) for chat in session if chat.ended_at]
            source = self.chats[max(ended)[1]] if ended else source
        if source.is_open:
            raise RefusedError("InvalidRequestException", "The source chat has not ended")
        return source

    def _started(self, chat: Chat) -> dict[str, Any]:
        response = {
            "ContactId": chat.contact_id,
            "ParticipantId": chat.participant_id,
            "ParticipantToken": self.connections.participant_token(chat),
        }
        if chat.continued_from is not None:
            response["ContinuedFromContactId"] = chat.continued_from.contact_id
        if chat.request.get("ChatStreamingConfiguration"):
            response["StreamingId"] = self._identities.uuid("streaming", chat.key)
        return response

    def _connection_info(self, chat: Chat, request: Mapping[str, Any]) -> dict[str, Any]:
        if not chat.is_open:
            return {}
        return self.connections.issue(chat, request.get("ConnectionTypes") or ())

    def _described(self, chat: Chat) -> dict[str, Any]:
        continued_from = chat.continued_from.contact_id if chat.continued_from else None
        updated_at = chat.ended_at or chat.connected_at or chat.started_at
        members = {
            "Arn": f"{self.instance_arn}/contact/{chat.contact_id}",
            "Id": chat.contact_id,
            "InitialContactId": chat.contact_id,
            "InitiationMethod": "API",
            "Channel": "CHAT",
            "InitiationTimestamp": _seconds(chat.started_at),
            "ConnectedToSystemTimestamp": _seconds(chat.connected_at),
            "DisconnectTimestamp": _seconds(chat.ended_at),
            "LastUpdateTimestamp": _seconds(updated_at),
            "DisconnectReason": chat.disconnect_reason,
            "RelatedContactId": chat.request.get("RelatedContactId") or continued_from,
            "CustomerId": chat.customer_id,
            "Attributes": chat.request.get("Attributes"),
            "SegmentAttributes": {
                "connect:Subtype": {"ValueString": "connect:Chat"},
                **(chat.request.get("SegmentAttributes") or {}),
            },
        }
        return {name: value for name, value in members.items() if value is not None}


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment is not None else None


def _not_found() -> RefusedError:
    return RefusedError("ResourceNotFoundException", "Resource not found")
