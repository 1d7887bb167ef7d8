"""One chat contact: who takes part, what was said, who listens, and how it ended."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from connect_tasks.emulator.flows.run.trace import TraceEntry
from connect_tasks.emulator.flows.steps import Caller, Speaker
from connect_tasks.emulator.instance.details import Details
from connect_tasks.emulator.instance.ended import EndedContact
from connect_tasks.emulator.instance.first_message import first_message, phone_number
from connect_tasks.emulator.instance.identity import Identities
from connect_tasks.emulator.instance.receipts import Receipts
from connect_tasks.emulator.instance.record import ContactRecord
from connect_tasks.emulator.instance.transcript import AttachedFile, TranscriptItem, envelope
from connect_tasks.emulator.instance.uploads import Upload
from connect_tasks.emulator.model.rules import EVENT, PLAIN

__all__ = ["Chat", "QueuedAt"]

_TICK = timedelta(milliseconds=1)


class QueuedAt(NamedTuple):
    """The queue that a contact came to, and when."""

    arn: str
    name: str
    moment: datetime


class Chat:
    """The state of one contact of a chat; most chats have one.

    A contact that follows another shares its customer, sockets and receipts with it.

    Args:
        key: What its ids follow from: the client token.
        request: What StartChatContact or StartOutboundChatContact was given.
        flow: Name of its flow.
        now: The clock.
        identities: Makes its ids.
        continued_from: The ended chat that this one continues, for persistent chats.
        root_id: The first of the contacts that this one is related to, if it is.
        follows: The contact before this one in the same chat, if there is one.
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
        follows: "Chat | None" = None,
    ) -> None:
        self.key = key
        self.request = request
        self.flow = flow
        self.continued_from = continued_from
        self.phone_number = phone_number(request)
        self.begun_by: str = follows.begun_by if follows else "API"
        details = request.get("ParticipantDetails") or {}
        # Who is not named is called as their number (inferred).
        self.customer = Speaker("CUSTOMER", details.get("DisplayName") or self.phone_number or "")
        self.attributes: dict[str, str] = dict(request.get("Attributes") or {})
        self.started_at = now()
        self.connected_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.disconnect_reason: str | None = None
        self.agent_joined: TranscriptItem | None = None
        self.queue: QueuedAt | None = None
        self.trace: list[TraceEntry] = []
        self.trace_left_out = 0
        self.answers: dict[tuple[str, str], dict[str, Any]] = {}
        self.items: list[TranscriptItem] = []
        self.listeners: dict[object, Callable[[str], None]] = {}
        self.sockets: dict[object, Speaker] = {}
        self.watchers: list[Callable[[Chat, TranscriptItem], None]] = []
        self.present: list[Speaker] = []
        self.streams: dict[str, str | None] = {}
        self.details = Details()
        self.uploads: list[Upload] = []
        self._now = now
        self._identities = identities
        self._receipts = Receipts()
        self._published = 0
        self._latest = datetime.min.replace(tzinfo=UTC)
        self._speakers: dict[Speaker, str] = {}
        self.follows = follows
        self.next: Chat | None = None
        self.first: Chat = follows.first if follows else self
        self.contact_id = identities.uuid("contact", key)
        self.session_id: str = continued_from.session_id if continued_from else self.contact_id
        self.initial_contact_id = root_id or self.session_id
        self.participant_id = self.participant_id_of(self.customer)
        if follows is not None:
            self._go_on(follows)
        else:
            self._say_initial_message()

    @property
    def customer_id(self) -> str | None:
        """CustomerId as given to StartChatContact."""
        return self.request.get("CustomerId")

    @property
    def is_open(self) -> bool:
        """Whether the contact has not ended."""
        return self.ended_at is None

    @property
    def latest(self) -> "Chat":
        """The contact that the chat has come to: this one, unless another follows."""
        return self.next.latest if self.next else self

    @property
    def related_id(self) -> str | None:
        """The contact that this one is related to, as the request or persistent chat says."""
        continued_from = self.continued_from.contact_id if self.continued_from else None
        return self.request.get("RelatedContactId") or continued_from

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
        if speaker not in self._speakers:
            names = (self.first.key, speaker.role, speaker.display_name)
            self._speakers[speaker] = self._identities.uuid("participant", *names)
        return self._speakers[speaker]

    def say(self, speaker: Speaker, content: str, content_type: str = PLAIN) -> TranscriptItem:
        """Let somebody say something."""
        return self._publish("MESSAGE", content_type, speaker, content)

    def signal(
        self,
        event: str,
        speaker: Speaker | None = None,
        *,
        silently: bool = False,
        content: str | None = None,
    ) -> TranscriptItem:
        """Let an event happen, named without its common prefix; silently, no socket gets it."""
        if speaker is not None:
            self._note_presence(event, speaker)
        item = self._publish("EVENT", EVENT + event, speaker, content, silently=silently)
        if event == "participant.joined" and item.participant_role == "AGENT":
            self.agent_joined = self.agent_joined or item
        return item

    def attach(self, speaker: Speaker, files: Sequence[AttachedFile]) -> TranscriptItem:
        """Let somebody send files."""
        return self._publish("ATTACHMENT", "", speaker, files=tuple(files))

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

    def rehydrate(self, source: "Chat") -> None:
        """Go on from an ended chat, although it was not asked for at the start."""
        self.continued_from, self.session_id = source, source.session_id
        if self.connected_at is not None:
            self.latest.signal("chat.rehydrated")

    def end(self, reason: str, leaver: Speaker | None = None) -> EndedContact:
        """Close the chat: somebody leaves (the customer unless said otherwise), and it is over."""
        if self.connected_at is not None:
            self.signal("participant.left", leaver or self.customer)
        self.signal("chat.ended")
        return self.conclude(reason)

    def conclude(self, reason: str) -> EndedContact:
        """Close the contact, and say nothing of it: its chat is over, or goes on as another."""
        self.ended_at = self._now()
        self.disconnect_reason = reason
        return self.as_ended(self.ended_at, reason)

    def as_ended(self, ended_at: datetime, reason: str) -> EndedContact:
        """What is remembered of the contact once it has ended."""
        return EndedContact(
            contact_id=self.contact_id,
            started_at=self.started_at,
            connected_at=self.connected_at,
            ended_at=ended_at,
            disconnect_reason=reason,
            begun_by=self.begun_by,
            previous_contact_id=self.follows.contact_id if self.follows else None,
            initial_contact_id=self.initial_contact_id if self.follows else None,
        )

    def bury(self, ended: EndedContact) -> None:
        """The chat was over long ago; nobody is told."""
        self.started_at, self.connected_at = ended.started_at, ended.connected_at
        self.ended_at, self.disconnect_reason = ended.ended_at, ended.disconnect_reason
        self.begun_by = ended.begun_by

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
        before = self.follows.history() if self.follows else []
        return [*related, *before, *map(self._written, self.items)]

    def record(self) -> ContactRecord:
        """The chat as it is now."""
        return ContactRecord(
            contact_id=self.contact_id,
            customer_id=self.customer_id,
            client_token=None if self.follows else self.request.get("ClientToken"),
            display_name=self.customer.display_name,
            flow=self.flow,
            initiation_method="DISCONNECT" if self.follows else self.begun_by,
            phone_number=self.phone_number,
            previous_contact_id=self.follows.contact_id if self.follows else None,
            initial_contact_id=self.initial_contact_id,
            started_at=self.started_at,
            connected_at=self.connected_at,
            ended_at=self.ended_at,
            disconnect_reason=self.disconnect_reason,
            attributes=dict(self.attributes),
            queue=self.queue.name if self.queue else None,
            trace=tuple(self.trace),
            trace_left_out=self.trace_left_out,
            transcript=tuple(self.items),
        )

    def _written(self, item: TranscriptItem) -> dict[str, Any]:
        metadata = self._receipts.metadata(item.id)
        more = {"MessageMetadata": metadata} if metadata else {}
        return {**item.members(), **more, "ContactId": self.contact_id}

    def _go_on(self, before: "Chat") -> None:
        """Take over what belongs to the chat and not to one of its contacts."""
        before.next = self
        self.initial_contact_id = before.initial_contact_id
        self.session_id = before.session_id
        self.attributes = dict(before.attributes)
        self.listeners, self.sockets = before.listeners, before.sockets
        self.watchers, self.present = before.watchers, before.present
        self.streams = before.streams
        # Of the same class, so that nobody else need know of them.
        self.answers, self._receipts = before.answers, before._receipts  # noqa: SLF001
        self._latest = before._latest  # noqa: SLF001
        self.connected_at = self.started_at

    def _say_initial_message(self) -> None:
        message = first_message(self.request, self.customer)
        if message is not None:
            self.say(*message)

    def _publish(
        self,
        kind: str,
        content_type: str,
        speaker: Speaker | None,
        content: str | None = None,
        *,
        silently: bool = False,
        files: tuple[AttachedFile, ...] = (),
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
            attachments=files,
        )
        if item.is_kept:
            self.items.append(item)
        if self.listeners and not silently:
            self._tell(envelope(item, self.contact_id, self.first.contact_id))
        if self.watchers and not silently:
            for watch in tuple(self.watchers):
                watch(self, item)
        return item

    def _note_presence(self, event: str, speaker: Speaker) -> None:
        if event == "participant.joined" and speaker not in self.present:
            self.present.append(speaker)
        elif event == "participant.left" and speaker in self.present:
            self.present.remove(speaker)

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
