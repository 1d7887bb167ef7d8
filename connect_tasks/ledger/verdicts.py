"""Verdicts: whether a customer may be contacted now, later or never, and by which rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeAlias

__all__ = [
    "Allow",
    "Customer",
    "Decision",
    "Defer",
    "History",
    "HoldOut",
    "Judge",
    "Moment",
    "Rule",
    "Suppress",
    "Suppression",
    "Verdict",
    "Why",
    "reasons",
]


class Rule(StrEnum):
    """What decided, in the order in which rules are asked: the first that hits is the reason."""

    OPTED_OUT = "opted_out"
    EXPIRED = "expired"
    RESTRICTED_PERIOD = "restricted_period"
    FREQUENCY_CAPPED = "frequency_capped"
    OUTSIDE_HOURS = "outside_hours"
    HELD_OUT = "held_out"
    ALLOWED = "allowed"


class Decision(StrEnum):
    """What a verdict is called in the record."""

    ALLOW = "allow"
    DEFER = "defer"
    SUPPRESS = "suppress"
    HOLD_OUT = "hold_out"


class Moment(StrEnum):
    """When it was decided."""

    PLAN = "plan"
    CLAIM = "claim"
    START = "start"
    LINK = "link"
    RAMP = "ramp"


@dataclass(frozen=True, slots=True)
class Why:
    """A rule that hit, and the value of the policy that it hit with; nothing of the customer's.

    Example:
        >>> print(Why(Rule.FREQUENCY_CAPPED, "2 in 7 days"))
        frequency_capped (2 in 7 days)
    """

    rule: Rule
    value: str = ""

    def __str__(self) -> str:
        return f"{self.rule} ({self.value})" if self.value else str(self.rule)


def reasons(why: Sequence[Why]) -> str:
    """All reasons, in words, the decisive one first.

    Example:
        >>> reasons([Why(Rule.OPTED_OUT, "all"), Why(Rule.OUTSIDE_HOURS)])
        'opted_out (all); outside_hours'
    """
    return "; ".join(map(str, why))


@dataclass(frozen=True, slots=True)
class Allow:
    """They may be contacted now, and until a time (exclusive) unless something else happens."""

    until: datetime | None = None
    why: tuple[Why, ...] = (Why(Rule.ALLOWED),)
    decision = Decision.ALLOW


@dataclass(frozen=True, slots=True)
class Defer:
    """They may be contacted from a time on, as far as is known now."""

    until: datetime
    why: tuple[Why, ...]
    decision = Decision.DEFER


@dataclass(frozen=True, slots=True)
class Suppress:
    """This campaign never contacts them."""

    why: tuple[Why, ...]
    decision = Decision.SUPPRESS


@dataclass(frozen=True, slots=True)
class HoldOut:
    """They could be contacted now, and are not, so that others can be compared with them."""

    why: tuple[Why, ...]
    decision = Decision.HOLD_OUT


Verdict: TypeAlias = Allow | Defer | Suppress | HoldOut


@dataclass(frozen=True, slots=True)
class Suppression:
    """That a customer is on a list of those whom nobody is to contact; until when, if not for good.

    `reason` and `source` are words such as `word`, `person`, `import`, and where it came from.
    """

    list: str
    reason: str
    source: str
    added_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class History:
    """What counts of a customer's past: when they were contacted, oldest first, and their lists."""

    contacts: tuple[datetime, ...] = ()
    suppressions: tuple[Suppression, ...] = ()


class Customer(NamedTuple):
    """Of whom is decided: by their key, in the zone of their row, since when they are planned."""

    customer_key: str
    planned_at: datetime
    time_zone: str | None = None


class Judge(Protocol):
    """A policy as the ledger asks it. `OutreachPolicy` is told to it by `campaign/policy/judge`.

    Attributes:
        lists: The suppression lists that count, `all` among them.
        look_back: How far back contacts count; nothing if none do.
        group: Campaigns of which group count; all if None.
        fingerprint: Which policy it is.
    """

    @property
    def lists(self) -> frozenset[str]: ...  # noqa: D102 - see above
    @property
    def look_back(self) -> timedelta: ...  # noqa: D102 - see above
    @property
    def group(self) -> str | None: ...  # noqa: D102 - see above
    @property
    def fingerprint(self) -> str: ...  # noqa: D102 - see above

    def decide(self, customer: Customer, now: datetime, history: History) -> Verdict:
        """Decide about a customer. Pure: the same for the same values."""
        ...
