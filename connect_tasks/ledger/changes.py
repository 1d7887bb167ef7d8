"""Changes: what is written to the ledger, and what it knows of a customer, as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connect_tasks.aws.contact_record import NEVER_JOINED
from connect_tasks.aws.transcript import Item
from connect_tasks.chat.template.utterance import OwnMessage
from connect_tasks.ledger.contact import Contact, Status, Withdrawal
from connect_tasks.ledger.verdicts import Why

__all__ = ["MAY_BE_UNJOINED", "Change", "Heard", "Known", "Planned", "Progress"]

MAY_BE_UNJOINED = frozenset({Status.STARTING, Status.UNKNOWN, Status.STARTED})
"""A chat may have been made, and perhaps nobody joins it."""


# Not frozen: a table has a million of them, and that would be half of what each takes to make.
@dataclass(slots=True, kw_only=True)
class Planned:
    """A valid row, ready to be written: the exact request and what our side will say.

    `withheld` is why the policy never lets its customer be contacted, if it does not. `endpoint` is
    the number at which they are contacted, if it is not a chat of their own.
    """

    customer_id: str
    customer_key: str
    generation: int
    client_token: str
    request: str
    fingerprint: str
    messages: tuple[OwnMessage, ...]
    time_zone: str | None = None
    variant: str | None = None
    withheld: tuple[Why, ...] = ()
    endpoint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the ledger already holds of a customer: the latest generation."""

    generation: int
    status: Status
    client_token: str
    fingerprint: str
    messages: tuple[OwnMessage, ...]
    error_code: str | None = None
    time_zone: str | None = None
    variant: str | None = None
    planned_at: datetime | None = None

    @property
    def is_forgotten(self) -> bool:
        """Whether the customer was forgotten: then they stay out, whatever a table says."""
        return not self.fingerprint

    @property
    def is_withdrawn(self) -> bool:
        """Whether nobody has contacted the customer, and nobody is to for now."""
        out = self.status is Status.FAILED and self.error_code in set(Withdrawal)
        return out and not self.is_forgotten

    @property
    def is_unjoined(self) -> bool:
        """Whether there was a chat, and nobody joined it."""
        return self.status is Status.COMPLETED and self.error_code == NEVER_JOINED

    @property
    def may_be_followed(self) -> bool:
        """Whether a link may bring another chat after the one that was sent."""
        return self.is_unjoined or self.status in MAY_BE_UNJOINED


@dataclass(frozen=True, slots=True)
class Progress:
    """A contact one step further; `was` is the status that the ledger must hold until now.

    `sends` is whether a start is to be sent next, as far as the campaign's policy allows it, and
    `is_unmade` whether surely nothing was made with its token until now.
    """

    contact: Contact
    was: Status
    release: bool = False
    sends: bool = False
    is_unmade: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """Items of a contact's transcript; those already stored are not stored again."""

    contact: Contact
    items: Sequence[Item]


Change = Progress | Heard
