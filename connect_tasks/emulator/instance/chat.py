"""One chat contact: who takes part, what was said, who listens, and how it ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connect_tasks.emulator.flows.scripts import Caller, Speaker
from connect_tasks.emulator.instance.ended import EndedContact
from connect_tasks.emulator.instance.identity import Identities
from connect_tasks.emulator.instance.receipts import Receipts
from connect_tasks.emulator.instance.transcript import TranscriptItem, envelope
from connect_tasks.emulator.model.rules import EVENT, PLAIN

__all__ = ["Chat", "ContactRecord"]

_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRecord:
    """A contact as the local Amazon Connect knows it at one moment.

    Attributes:
        contact_id: The contact's id.
        customer_id: CustomerId as given to StartChatContact.
        client_token: ClientToken as given to StartChatContact.
        display_name: The customer's display name.
        flow: Name of the scripted flow.
        started_at: When StartChatContact made it.
        connected_at: When the customer first subscribed; `None` if that has not happened.
        ended_at: When the chat ended; `None` while it is open.
        disconnect_reason: Why it ended.
        transcript: What was said, in order of time.
    """

    contact_id: str
    customer_id: str | None
    client_token: str | None
    display_name: str
    flow: str
    started_at: datetime
    connected_at: datetime | None
    ended_at: datetime | None
    disconnect_reason: str | None
    transcript: tuple[TranscriptItem, ...]


class Chat:
    """The state of one chat.

    Args:
        key: What its ids follow from: the client token.
        request: The StartChatContact request that made it.
        flow: Name of its scripted flow.
        now: The clock.
        identities: Makes its ids.
        continued_from: The ended chat that this one continues, for persistent chats.
        root_id: The first of the contacts that this one is related to, if it is.
    """

    def __init__(
        self,
        *,
        key: str,
        request: Mapping[str, Any],
        flow: str,
        now: Callable[[], datetime],
        identities: Identities,
        continued_from: "Chat | None" = None,
        root_id: str | None = None,
    ) -> None:
        self.key = key
        self.request = request
        self.flow = flow
        self.continued_from = continued_from
        self.customer = Speaker("CUSTOMER", request["ParticipantDetails"]["DisplayName"])
        self.started_at = now()
        self.connected_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.disconnect_reason: str | None = None
        self.agent_joined: TranscriptItem | None = None
        self.answers: dict[tuple[str, str], dict[str, Any]] = {}
        self.items: list[TranscriptItem] = []
        self.listeners: dict[object, Callable[[str], None]] = {}
        self.sockets: set[object] = set()
        self._now = now
        self._identities = identities
        self._receipts = Receipts()
        self._published = 0
        self._latest = datetime.min.replace(tzinfo=UTC)
        self.contact_id = identities.uuid("contact", key)
        self.session_id: str = continued_from.session_id if continued_from else self.contact_id
        self.initial_contact_id = root_id or self.session_id
        self.participant_id = self.participant_id_of(self.customer)
        self._say_initial_message()

    @property
    def customer_id(self) -> str | None:
        """CustomerId as given to StartChatContact."""
        return self.request.get("CustomerId")

    @property
    def is_open(self) -> bool:
        """Whether the chat has not ended."""
        return self.ended_at is None

    @property
    def caller(self) -> Caller:
        """What the flow gets to know of the customer."""
        return Caller(self.customer.display_name, self.request.get("Attributes") or {})

    @property
    def content_types(self) -> list[str]:
        """The content types that messages may have."""
        return self.request.get("SupportedMessagingContentTypes") or [PLAIN]

    def participant_id_of(self, speaker: Speaker) -> str:
        """The id of somebody in this chat."""
        return self._identities.uuid("participant", self.key, speaker.role, speaker.display_name)

    def say(self, speaker: Speaker, content: str, content_type: str = PLAIN) -> TranscriptItem:
        """Let somebody say something."""
        return self._publish("MESSAGE", content_type, speaker, content)

    def signal(
        self, event: str, speaker: Speaker | None = None, *, silently: bool = False
    ) -> TranscriptItem:
        """Let an event happen, named without its common prefix; silently, no socket gets it."""
        item = self._publish("EVENT", EVENT + event, speaker, silently=silently)
        if event == "participant.joined" and item.participant_role == "AGENT":
            self.agent_joined = self.agent_joined or item
        return item

    def acknowledge(self, event: str, reader: Speaker, message_id: str) -> TranscriptItem:
        """Let somebody confirm that a message was delivered or read; all sockets are told.

        A message of one's own, or of another chat, is nothing to confirm: nobody is told.
        """
        item = self.signal(event, reader, silently=True)
        written_by = {message.id: message.participant_id for message in self.items}
        is_others = written_by.get(message_id) not in (None, item.participant_id)
        if is_others and self._receipts.add(message_id, item):
            self._tell(self._receipts.frame(message_id, item))
        return item

    def connect(self) -> None:
        """The customer is there."""
        self.connected_at = self._now()
        self.signal("participant.joined", self.customer)
        if self.continued_from is not None:
            self.signal("chat.rehydrated")

    def end(self, reason: str, leaver: Speaker | None = None) -> EndedContact:
        """Close the chat: somebody leaves (the customer unless said otherwise), and it is over."""
        if self.connected_at is not None:
            self.signal("participant.left", leaver or self.customer)
        self.signal("chat.ended")
        self.ended_at = self._now()
        self.disconnect_reason = reason
        return EndedContact(
            contact_id=self.contact_id,
            started_at=self.started_at,
            connected_at=self.connected_at,
            ended_at=self.ended_at,
            disconnect_reason=reason,
        )

    def bury(self, ended: EndedContact) -> None:
        """The chat was over long ago; nobody is told."""
        self.started_at, self.connected_at = ended.started_at, ended.connected_at
        self.ended_at, self.disconnect_reason = ended.ended_at, ended.disconnect_reason

    def history(self) -> list[Mapping[str, Any]]:
        """The transcript as GetTranscript writes it, past sessions of a persistent chat first."""
        past = self.continued_from.history() if self.continued_from else []
        related = [
            {
                **{name: value for name, value in item.items() if name != "ContactId"},
                "RelatedContactId": item.get("RelatedContactId") or item["ContactId"],
            }
            for item in past
        ]
        return [*related, *map(self._written, self.items)]

    def record(self) -> ContactRecord:
        """The chat as it is now."""
        return ContactRecord(
            contact_id=self.contact_id,
            customer_id=self.customer_id,
            client_token=self.request.get("ClientToken"),
            display_name=self.customer.display_name,
            flow=self.flow,
            started_at=self.started_at,
            connected_at=self.connected_at,
            ended_at=self.ended_at,
            disconnect_reason=self.disconnect_reason,
            transcript=tuple(self.items),
        )

    def _written(self, item: TranscriptItem) -> dict[str, Any]:
        metadata = self._receipts.metadata(item.id)
        more = {"MessageMetadata": metadata} if metadata else {}
        return {**item.members(), **more, "ContactId": self.contact_id}

    def _say_initial_message(self) -> None:
        message = self.request.get("InitialMessage")
        if message is not None:
            self.say(self.customer, message["Content"], message["ContentType"])

    def _publish(
        self,
        kind: str,
        content_type: str,
        speaker: Speaker | None,
        content: str | None = None,
        *,
        silently: bool = False,
    ) -> TranscriptItem:
        item = TranscriptItem(
            id=self._next_item_id(),
            absolute_time=self._next_time(),
            type=kind,
            content_type=content_type,
            content=content,
            participant_id=self.participant_id_of(speaker) if speaker else None,
            display_name=speaker.display_name if speaker else None,
            participant_role=speaker.role if speaker else None,
        )
        if item.is_kept:
            self.items.append(item)
        if self.listeners and not silently:
            self._tell(envelope(item, self.contact_id))
        return item

    def _tell(self, frame: str) -> None:
        for listener in list(self.listeners.values()):
            listener(frame)

    def _next_item_id(self) -> str:
        self._published += 1
        return self._identities.uuid("item", self.key, self._published)

    def _next_time(self) -> datetime:
        # Written times have milliseconds; clients sort by them, so no two items may share one.
        now = self._now()
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        self._latest = max(now, self._latest + _TICK)
        return self._latest
