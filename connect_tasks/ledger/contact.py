"""The state machine of a contact: what is known of it, and how that may change.

The rules of this file:

- Whatever a contact's status may become stands in `TRANSITIONS`, and nowhere else. The diagram in
  the documentation is made of it.
- No status moves back. A step back would let a customer be contacted who was contacted before.
- Once a call was sent, out of `starting` leads nothing but an answer of Amazon's, or `unknown`:
  whether a chat was made is never guessed.
- `request` and `client_token` never change after the first call was sent with them, nor does
  `sent_at` become later while a call with it may have had an effect: it is from there that the
  token's validity counts.
- A new status needs a line in `TRANSITIONS`, its place in `OPEN`, `SETTLED` or `CLAIM_ORDER`
  (`claims`), and its word in the report (`campaign/report/words`); tests fail without them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.chat.dialogue import EndReason
from connect_tasks.chat.template.utterance import OwnMessage

__all__ = [
    "OPEN",
    "SETTLED",
    "TRANSITIONS",
    "CampaignMode",
    "CampaignState",
    "Contact",
    "Refusal",
    "Status",
    "Withdrawal",
    "diagram",
]


class Status(StrEnum):
    """What became of a row so far."""

    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    PLANNED = "planned"
    STARTING = "starting"
    STARTED = "started"
    CONNECTED = "connected"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    WITHHELD = "withheld"


class Withdrawal(StrEnum):
    """Who took a customer out before anybody contacted them: the error code of the contact.

    One whom a table took out comes back with a table that has them right; one whom a person took
    out does not.
    """

    BY_TABLE = "WithdrawnByTable"
    BY_PERSON = "WithdrawnByPerson"


class CampaignState(StrEnum):
    """What a person wants of a campaign."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


class CampaignMode(StrEnum):
    """Who speaks as the customer in a campaign's chats; it never changes.

    In a simulation our side does, from the table. By an invitation the person does, when they
    press the button of their link, by a hand-over in the company's own app, at once, and outbound
    on their phone.
    """

    SIMULATION = "simulation"
    INVITATION = "invitation"
    HAND_OVER = "hand_over"
    OUTBOUND = "outbound"


TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.REJECTED: frozenset(),
    Status.DUPLICATE: frozenset(),
    # The second by a person or a table: forgotten or withdrawn before anybody contacted them; the
    # third by the policy.
    Status.PLANNED: frozenset({Status.STARTING, Status.FAILED, Status.WITHHELD}),
    # The last one only where no call was made, or each had a clear refusal.
    Status.STARTING: frozenset({Status.STARTED, Status.FAILED, Status.UNKNOWN, Status.WITHHELD}),
    # The last two by a person: contacted after all, or given up in favour of a new generation.
    Status.UNKNOWN: frozenset({Status.STARTED, Status.COMPLETED, Status.FAILED}),
    Status.STARTED: frozenset({Status.CONNECTED, Status.COMPLETED}),
    Status.CONNECTED: frozenset({Status.COMPLETED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.WITHHELD: frozenset(),
}
"""Every step that a contact may take. There is no way back."""

OPEN = frozenset({Status.STARTED, Status.CONNECTED})
"""A chat exists at Amazon and may still be alive."""

SETTLED = frozenset(
    {Status.REJECTED, Status.DUPLICATE, Status.COMPLETED, Status.FAILED, Status.WITHHELD}
)
"""Nothing more will be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One customer's contact in one campaign, as the ledger remembers it.

    `request` is the JSON text as first sent, client token included: retries send it again byte
    for byte. `sent_at` is when that token was first sent in a call that may have had an effect,
    or None: the token's validity counts from there. `end_reason` is known a moment before the
    chat is closed. `handed_over_at` is when a person's app took the chat: from then on our side
    has nothing more to do with it than to ask what became of it. `transcript_complete` is False
    where something is missing, or may be, and None where nobody can say; `items_skipped` counts
    what came and could not be read as the chat's.
    """

    id: int
    campaign: str
    customer_id: str
    generation: int
    status: Status
    client_token: str
    # Not shown: who it is, and what is said to them.
    request: str = field(repr=False)
    messages: tuple[OwnMessage, ...] = field(repr=False)
    planned_at: datetime
    attempts: int = 0
    sent_at: datetime | None = None
    end_reason: EndReason | None = None
    contact_id: str | None = None
    participant_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    request_id: str | None = None
    started_at: datetime | None = None
    connected_at: datetime | None = None
    first_reply_at: datetime | None = None
    ended_at: datetime | None = None
    transcript_complete: bool | None = None
    items_skipped: int = 0
    handed_over_at: datetime | None = None
    time_zone: str | None = None
    variant: str | None = None

    def advance(self, status: Status, **changes: Any) -> Self:
        """This contact, one step further.

        Args:
            status: The new status; the present one again changes only the other fields.
            changes: New values of other fields.

        Raises:
            ValueError: The step is not in `TRANSITIONS`.
        """
        if status is not self.status and status not in TRANSITIONS[self.status]:
            raise ValueError(f"a {self.status} contact cannot become {status}")
        return replace(self, status=status, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A row of the table that will not be contacted, with the reason.

    `position` is the row's place in the table, from 0.
    """

    position: int
    customer_id: str | None
    status: Status
    error_code: str
    error_message: str

    @property
    def customer_key(self) -> str | None:
        """What the customer is compared by; None where the row does not say who it is."""
        return canonical_key(self.customer_id) or None if self.customer_id else None


# What a row may be at once; the policy may withhold it before it is planned.
_FIRST = (Status.PLANNED, Status.REJECTED, Status.DUPLICATE, Status.WITHHELD)


def diagram() -> str:
    """The transition table as a Mermaid state diagram, for the documentation."""
    starts = [f"    [*] --> {status}" for status in _FIRST]
    steps = [
        f"    {source} --> {target}"
        for source, targets in TRANSITIONS.items()
        for target in sorted(targets)
    ]
    ends = [f"    {status} --> [*]" for status in Status if status in SETTLED]
    return "\n".join(["stateDiagram-v2", *starts, *steps, *ends])
