"""The instance: its contacts and the rules of their lives. No HTTP, no waiting, no wall clock."""

import random
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connect_tasks.emulator.flows.steps import End, FollowUp, Invoke, Present
from connect_tasks.emulator.flows.world.world import FunctionAnswer
from connect_tasks.emulator.instance.archive import Archive
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.connections import Connections
from connect_tasks.emulator.instance.contacts import Contacts
from connect_tasks.emulator.instance.conversation import CallFunction, Conversation
from connect_tasks.emulator.instance.ended import EndedContact
from connect_tasks.emulator.instance.identity import (
    ACCOUNT,
    INSTANCE_ID,
    Identities,
    instance_arn,
)
from connect_tasks.emulator.instance.installed_flows import InstalledFlows
from connect_tasks.emulator.instance.presence import Presence
from connect_tasks.emulator.instance.schedule import Errands, Schedule
from connect_tasks.emulator.instance.seats import Seat
from connect_tasks.emulator.instance.started import IssuedConnection, StartedContact
from connect_tasks.emulator.limits import LocalLimits
from connect_tasks.emulator.model.errors import RefusedError, not_found
from connect_tasks.emulator.transcript_storage import TranscriptStorage

__all__ = ["INSTANCE_ID", "Backend"]

_DEFAULT_MINUTES = 25 * 60


def _forget(_: StartedContact | IssuedConnection | EndedContact) -> None:
    """Stand in until somebody wants to remember what happens."""


def _never(_step: Invoke, _done: Callable[[FunctionAnswer], None]) -> None:
    """Stand in where no flow has a Python function."""


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
        note: Told of each contact that starts or ends, and of each connection that is handed out.
        storage: Where transcripts are kept; nowhere if None.
        flows: The flows that contacts can start with; the scripted ones if None.
        call: Calls the Python functions of exported flows.
        ended_contacts: How many contacts that have ended are kept whole.

    Attributes:
        schedule: What is to happen later; whoever has a clock works it off.
        identities: Makes its ids and tokens.
        connections: Tokens and socket URLs.
        contacts: Every contact, open, ended and remembered.
        archive: The transcripts of ended contacts.
        views: What flows have shown of views, by the token that each is asked for with.
        welcome: Told of each chat that begins here, before its customer is there.
        presence: Who comes and goes beside customers.
    """

    def __init__(  # noqa: PLR0913 - settings, each with a default of its own
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
        note: Callable[[StartedContact | IssuedConnection | EndedContact], None] = _forget,
        storage: TranscriptStorage | None = None,
        flows: InstalledFlows | None = None,
        call: CallFunction = _never,
        ended_contacts: int = LocalLimits.ended_contacts,
    ) -> None:
        self.instance_id = instance_id
        self.flows = flows or InstalledFlows(instance_id)
        self.schedule = Schedule(now)
        self.identities = Identities(seed, instance_id)
        self.connections = Connections(now, self.identities, note)
        self._now = now
        self._seed = seed
        self._open_chats = open_chats
        self._think_seconds = think_seconds
        self._answer_seconds = answer_seconds
        self._connect_window_seconds = connect_window_seconds
        self._note_down = note
        self.archive = Archive(storage, now=now, instance_id=instance_id, account_id=ACCOUNT)
        self.contacts = Contacts(
            now=now,
            identities=self.identities,
            archive=self.archive,
            connections=self.connections,
            remembered=remembered,
            kept=ended_contacts,
        )
        self.views: dict[str, Mapping[str, Any]] = {}
        self.welcome: list[Callable[[Chat], None]] = []
        self.presence = Presence(self)
        self._shown: dict[str, list[str]] = {}
        self._call = call
        self._conversations: dict[str, Conversation] = {}
        self._errands: dict[str, Errands] = {}
        self._open_count = 0

    @property
    def chats(self) -> dict[str, Chat]:
        """Every contact by its id, in order of their start."""
        return self.contacts.chats

    @property
    def instance_arn(self) -> str:
        """The instance's ARN."""
        return instance_arn(self.instance_id)

    @property
    def flow_ids(self) -> Mapping[str, str]:
        """The id of each flow, by its name."""
        return self.flows.ids

    def flow_arn(self, name: str) -> str:
        """The ARN of a flow, by its name."""
        return self.flows.arn_of(name)

    def start_chat(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """StartChatContact: make a contact, or repeat the one that this client token made."""
        self.check_instance(request)
        flow = self.flow_name(request["ContactFlowId"])
        chat = self.contacts.known(request, flow) or self.open(request, flow)
        return self._started(chat) | self._connection_info(chat, request)

    def stop_contact(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """StopContact: end an open chat in whatever state it is."""
        self.check_instance(request)
        chat = self.chats.get(request["ContactId"])
        if chat is None or not chat.is_open:
            raise RefusedError("ContactNotFoundException", "Contact not found or already ended")
        self.end(chat, End("API"))
        return {}

    def take_up(
        self, started: Iterable[StartedContact], issued: Iterable[IssuedConnection]
    ) -> None:
        """Go on with chats that were open before a restart, under the same ids and tokens.

        Their flows begin anew once the customer is connected; they have as long for that as new
        ones. A chat whose flow is not here any more is left out.
        """
        for contact in started:
            flow = self.flows.name_of(contact.request["ContactFlowId"])
            if flow is not None:
                chat = self.contacts.make(contact.request, flow, contact.key)
                chat.started_at = contact.started_at
                self._enrol(chat)
                if chat.phone_number is None:
                    self.connections.participant_token(chat)
        for connection in issued:
            if connection.contact_id in self.chats:
                self.connections.reissue(self.chats[connection.contact_id], connection)

    def connect(self, chat: Chat) -> None:
        """The customer is connected; the first time, the flow starts."""
        if chat.is_open and chat.connected_at is None:
            chat.connect()
            self._conversations[chat.contact_id].begin()

    def hear(self, chat: Chat, text: str) -> None:
        """Pass a message of the customer on to the flow."""
        self._conversations[chat.first.contact_id].hear(text)

    def conversation_of(self, chat: Chat) -> Conversation | None:
        """The flow at work in a chat; None once it is over."""
        return self._conversations.get(chat.first.contact_id)

    def present(self, chat: Chat, step: Present) -> None:
        """Keep a view for whoever asks for it by its token, as long as its chat is open."""
        self.views[step.token] = step.view
        self._shown.setdefault(chat.first.contact_id, []).append(step.token)

    def end(self, chat: Chat, step: End) -> None:
        """End an open chat and free its slot."""
        ended = chat.end(step.reason, step.leaver)
        self._open_count -= 1
        self._errands.pop(chat.first.contact_id).drop()
        for token in self._shown.pop(chat.first.contact_id, ()):
            del self.views[token]
        self.presence.forget(chat)
        # A flow that nobody hears any more is most of what a chat takes of the memory.
        self._conversations.pop(chat.first.contact_id, None)
        self._note(chat, ended)

    def follow(self, chat: Chat, step: FollowUp) -> Chat:
        """End a contact, and let its chat go on as another one; the chat keeps its slot."""
        ended = chat.conclude(step.reason)
        key = f"{chat.key}\x1fand then"
        after = self.contacts.make(chat.request, chat.flow, key, follows=chat)
        self.chats[after.contact_id] = after
        self._note(chat, ended)
        return after

    def check_instance(self, request: Mapping[str, Any]) -> None:
        """Refuse a request for another instance."""
        if request["InstanceId"] not in (self.instance_id, self.instance_arn):
            raise not_found()

    def flow_name(self, id_or_arn: str) -> str:
        """The name of a flow, or ResourceNotFoundException."""
        name = self.flows.name_of(id_or_arn)
        if name is None:
            raise not_found()
        return name

    def _note(self, chat: Chat, ended: EndedContact) -> None:
        self._note_down(ended)
        self.contacts.conclude(chat)

    def open(self, request: Mapping[str, Any], flow: str) -> Chat:
        """A new contact, if a slot is free.

        Raises:
            RefusedError: There is none, or the chat that it should go on from is not there.
        """
        continued_from = self.contacts.source_of(request.get("PersistentChat"))
        if self._open_chats is not None and self._open_count >= self._open_chats:
            message = "Quota exceeded for concurrent active chats"
            raise RefusedError("LimitExceededException", message)
        key = self.contacts.key_for(request)
        chat = self.contacts.make(request, flow, key, continued_from=continued_from)
        self._enrol(chat)
        self._note_down(
            StartedContact(
                contact_id=chat.contact_id, key=key, request=request, started_at=chat.started_at
            )
        )
        return chat

    def _enrol(self, chat: Chat) -> None:
        self._open_count += 1
        self.chats[chat.contact_id] = chat
        self._errands[chat.contact_id] = errands = Errands(self.schedule)
        self._conversations[chat.contact_id] = self._conversation(chat, errands)
        minutes = chat.request.get("ChatDurationInMinutes") or _DEFAULT_MINUTES
        left = chat.started_at + timedelta(minutes=minutes) - self._now()
        errands.after(self._connect_window_seconds, partial(self._give_up, chat))
        errands.after(left.total_seconds(), partial(self._expire, chat))
        for greet in self.welcome:
            greet(chat)

    def _conversation(self, chat: Chat, errands: Errands) -> Conversation:
        return Conversation(
            chat,
            self.flows.begin(
                chat,
                now=self._now(),
                patience=self._answer_seconds,
                draw_from=f"{self._seed}:{chat.key}",
            ),
            stage=self,
            schedule=errands,
            now=self._now,
            think=self._thought(chat),
            call=self._call,
        )

    def _thought(self, chat: Chat) -> Callable[[], float]:
        if not any(self._think_seconds):
            # What chance starts from costs each chat more than all else that it starts with.
            return float
        # S311: the choice has to be repeatable, not secret.
        chance = random.Random(f"{self._seed}:{chat.key}")  # noqa: S311
        return partial(chance.uniform, *self._think_seconds)

    def _give_up(self, chat: Chat) -> None:
        if chat.is_open and chat.connected_at is None:
            self.end(chat, End("CUSTOMER_CONNECTION_NOT_ESTABLISHED"))

    def _expire(self, chat: Chat) -> None:
        if chat.latest.is_open:
            self.end(chat.latest, End("EXPIRED"))

    def _started(self, chat: Chat) -> dict[str, Any]:
        response = {
            "ContactId": chat.contact_id,
            "ParticipantId": chat.participant_id,
            "ParticipantToken": self.connections.participant_token(chat),
        }
        if chat.continued_from is not None:
            response["ContinuedFromContactId"] = chat.continued_from.contact_id
        if chat.request.get("ChatStreamingConfiguration"):
            response["StreamingId"] = self.identities.uuid("streaming", chat.key)
        return response

    def _connection_info(self, chat: Chat, request: Mapping[str, Any]) -> dict[str, Any]:
        if not chat.latest.is_open:
            return {}
        seat = Seat(chat, chat.customer)
        return self.connections.issue(seat, request.get("ConnectionTypes") or ())
