"""The instance: its contacts and the rules of their lives. No HTTP, no waiting, no wall clock."""

import random
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

from connect_tasks.emulator.flows.scripts import FLOWS
from connect_tasks.emulator.flows.steps import End, FollowUp
from connect_tasks.emulator.instance.archive import Archive
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.connections import Connections
from connect_tasks.emulator.instance.conversation import Conversation
from connect_tasks.emulator.instance.ended import EndedContact
from connect_tasks.emulator.instance.identity import Identities
from connect_tasks.emulator.instance.schedule import Schedule
from connect_tasks.emulator.model.errors import RefusedError, not_found
from connect_tasks.emulator.transcript_storage import TranscriptStorage

__all__ = ["INSTANCE_ID", "Backend"]

INSTANCE_ID = "6f1c2d3e-0000-4000-8000-c0ffee000001"
"""Fixed, so that the next process is the same instance again."""

_REGION = "us-east-1"
_ACCOUNT = "111122223333"
_DEFAULT_MINUTES = 25 * 60
# AWS says it of the sibling calls, and nothing of StartChatContact.
_TOKEN_LIFE = timedelta(days=7)


def _forget(_: EndedContact) -> None:
    """Stand in until somebody wants to know which contacts ended."""


class Backend:
    """One Amazon Connect instance in memory.

    Args:
        now: The clock.
        seed: What ids, tokens and times of thought follow from.
        open_chats: How many chats may be open at one time; `None` for any number.
        think_seconds: Least and most seconds before each utterance of a flow.
        connect_window_seconds: How long a new chat waits for its customer.
        answer_seconds: How long a flow waits for the customer's next message; for ever if None.
        instance_id: The instance's id.
        remembered: Contacts that ended before a restart; their client tokens stay used.
        on_ended: Told of each contact that ends.
        storage: Where transcripts are kept; nowhere if None.

    Attributes:
        schedule: What is to happen later; whoever has a clock works it off.
        connections: Tokens and socket URLs.
        chats: Every contact by its id, in order of their start.
        remembered: Contacts that ended before a restart, by their id.
        archive: The transcripts of ended contacts.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        seed: int = 0,
        open_chats: int | None = 500,
        think_seconds: tuple[float, float] = (0, 0),
        connect_window_seconds: float = 300,
        answer_seconds: float | None = None,
        instance_id: str = INSTANCE_ID,
        remembered: Iterable[EndedContact] = (),
        on_ended: Callable[[EndedContact], None] = _forget,
        storage: TranscriptStorage | None = None,
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
        self._answer_seconds = answer_seconds
        self._connect_window_seconds = connect_window_seconds
        self._flows = {flow_id: name for name, flow_id in self.flow_ids.items()}
        self.remembered = {ended.contact_id: ended for ended in remembered}
        self._on_ended = on_ended
        self.archive = Archive(storage, now=now, instance_id=instance_id, account_id=_ACCOUNT)
        self._conversations: dict[str, Conversation] = {}
        self._open_count = 0

    @property
    def instance_arn(self) -> str:
        """The instance's ARN."""
        return f"arn:aws:connect:{_REGION}:{_ACCOUNT}:instance/{self.instance_id}"

    def flow_arn(self, name: str) -> str:
        """The ARN of a flow, by its name."""
        return f"{self.instance_arn}/contact-flow/{self.flow_ids[name]}"

    def start_chat(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """StartChatContact: make a contact, or repeat the one that this client token made."""
        self.check_instance(request)
        flow = self.flow_name(request["ContactFlowId"])
        chat = self._known(request, flow) or self._open(request, flow)
        return self._started(chat) | self._connection_info(chat, request)

    def stop_contact(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """StopContact: end an open chat in whatever state it is."""
        self.check_instance(request)
        chat = self.chats.get(request["ContactId"])
        if chat is None or not chat.is_open:
            raise RefusedError("ContactNotFoundException", "Contact not found or already ended")
        self.end(chat, End("API"))
        return {}

    def connect(self, chat: Chat) -> None:
        """The customer is connected; the first time, the flow starts."""
        if chat.is_open and chat.connected_at is None:
            chat.connect()
            self._conversations[chat.contact_id].begin()

    def hear(self, chat: Chat, text: str) -> None:
        """Pass a message of the customer on to the flow."""
        self._conversations[chat.first.contact_id].hear(text)

    def end(self, chat: Chat, step: End) -> None:
        """End an open chat and free its slot."""
        self._note(chat, chat.end(step.reason, step.leaver))
        self._open_count -= 1
        # A flow that nobody hears any more is most of what a chat takes of the memory.
        self._conversations.pop(chat.first.contact_id, None)

    def follow(self, chat: Chat, step: FollowUp) -> Chat:
        """End a contact, and let its chat go on as another one; the chat keeps its slot."""
        self._note(chat, chat.conclude(step.reason))
        key = f"{chat.key}\x1fand then"
        after = self._make(chat.request, chat.flow, key, follows=chat)
        self.chats[after.contact_id] = after
        return after

    def check_instance(self, request: Mapping[str, Any]) -> None:
        """Refuse a request for another instance."""
        if request["InstanceId"] not in (self.instance_id, self.instance_arn):
            raise not_found()

    def flow_name(self, id_or_arn: str) -> str:
        """The name of a flow, or ResourceNotFoundException."""
        name = self._flows.get(id_or_arn.removeprefix(f"{self.instance_arn}/contact-flow/"))
        if name is None:
            raise not_found()
        return name

    def _note(self, chat: Chat, ended: EndedContact) -> None:
        self._on_ended(ended)
        self.archive.add(chat)

    def _known(self, request: Mapping[str, Any], flow: str) -> Chat | None:
        """The contact that a client token has made, also before a restart."""
        if not request.get("ClientToken"):
            return None
        key = self._key(request["ClientToken"])
        contact_id = self._contact_id(key)
        if contact_id in self.remembered and contact_id not in self.chats:
            chat = self._make(request, flow, key)
            chat.bury(self.remembered[contact_id])
            self.chats[contact_id] = chat
        return self.chats.get(contact_id)

    def _key(self, client_token: str) -> str:
        """What ids follow from; another one each time that a client token has lapsed."""
        keys = (f"{client_token}\x1f{again}" if again else client_token for again in count())
        return next(key for key in keys if not self._has_lapsed(self._contact_id(key)))

    def _key_without_token(self) -> str:
        keys = (f"\x1fwithout token {number}" for number in count(len(self.chats)))
        return next(key for key in keys if self._contact_id(key) not in self.remembered)

    def _has_lapsed(self, contact_id: str) -> bool:
        made = self.chats.get(contact_id) or self.remembered.get(contact_id)
        return made is not None and self._now() - made.started_at >= _TOKEN_LIFE

    def _contact_id(self, key: str) -> str:
        return self._identities.uuid("contact", key)

    def _open(self, request: Mapping[str, Any], flow: str) -> Chat:
        client_token = request.get("ClientToken")
        continued_from = self._continued_from(request.get("PersistentChat"))
        if self._open_chats is not None and self._open_count >= self._open_chats:
            message = "Quota exceeded for concurrent active chats"
            raise RefusedError("LimitExceededException", message)
        key = self._key(client_token) if client_token else self._key_without_token()
        chat = self._make(request, flow, key, continued_from)
        self._enrol(chat)
        return chat

    def _make(
        self,
        request: Mapping[str, Any],
        flow: str,
        key: str,
        continued_from: Chat | None = None,
        follows: Chat | None = None,
    ) -> Chat:
        return Chat(
            key=key,
            request=request,
            flow=flow,
            now=self._now,
            identities=self._identities,
            continued_from=continued_from,
            root_id=self._root_of(request.get("RelatedContactId")),
            follows=follows,
        )

    def _root_of(self, related_id: str | None) -> str | None:
        related = self.chats.get(related_id) if related_id else None
        return related.initial_contact_id if related else related_id

    def _enrol(self, chat: Chat) -> None:
        self._open_count += 1
        self.chats[chat.contact_id] = chat
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
            follow=self.follow,
            patience=self._answer_seconds,
        )

    def _give_up(self, chat: Chat) -> None:
        if chat.is_open and chat.connected_at is None:
            self.end(chat, End("CUSTOMER_CONNECTION_NOT_ESTABLISHED"))

    def _expire(self, chat: Chat) -> None:
        if chat.latest.is_open:
            self.end(chat.latest, End("EXPIRED"))

    def _continued_from(self, persistent: Mapping[str, str] | None) -> Chat | None:
        if persistent is None:
            return None
        source = self.chats.get(persistent["SourceContactId"])
        if source is None:
            raise not_found()
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
        if not chat.latest.is_open:
            return {}
        return self.connections.issue(chat, request.get("ConnectionTypes") or ())
