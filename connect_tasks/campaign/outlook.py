"""The outlook: how many customers of a table may be contacted now, later or never, and why.

Counts and times only, nothing of any customer: it is told in logs and in Prefect.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from connect_tasks.ledger.link_windows import TOO_LATE
from connect_tasks.ledger.verdicts import Allow, Defer, HoldOut, Rule, Verdict

__all__ = ["Outlook", "OutlookCounter", "Turning", "utc_minute"]

# Zones differ by quarters of an hour, so what opens together stays together; and a table of a
# million customers with a million times comes to no more than these.
_PIECE_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Turning:
    """A time (UTC) from which so many customers may be contacted, or may not any more.

    `expiring` of them may not as they were planned too long ago, and not for the hour.
    """

    at: datetime
    customers: int
    expiring: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a policy says of a table's customers who were not contacted yet.

    Each of them is in one of `now`, `held_out`, `later` and `never`.

    Args:
        as_of: When it was decided (UTC); None where nothing was.
        now: They may be contacted now.
        held_out: They could be contacted now, and are not, so that others can be compared with
            them.
        later: They have to wait, by the rule that lets them: the first that hit.
        never: Nobody contacts them in this campaign, by the first rule that hit.
        held_out_later: How many of those who have to wait are held out then.
        links_too_late: How many of those who are never contacted would be, by a link that works for
            longer.
        first: When the first of those who have to wait and are not held out then may be contacted
            (UTC); None if there is nobody.
        last: When the last of them may be.
        openings: The times between, earliest first. Times within a quarter of an hour are one, and
            the latest of them counts.
        closings: Until when those who may be contacted now may be, as far as it ends; earliest
            first. Times within a quarter of an hour are one, and the earliest of them counts.

    Example:
        >>> from datetime import datetime, UTC
        >>> from connect_tasks.ledger.verdicts import Why
        >>> counter = OutlookCounter(datetime(2026, 11, 27, 21, tzinfo=UTC))
        >>> counter.add(Allow())
        >>> opens = datetime(2026, 11, 28, 8, tzinfo=UTC)
        >>> counter.add(Defer(opens, (Why(Rule.OUTSIDE_HOURS),)))
        >>> print(counter.outlook().words)
        Of 2 customers 1 may be contacted now, 1 later (outside_hours, at 2026-11-28 08:00 UTC)
    """

    as_of: datetime | None = None
    now: int = 0
    held_out: int = 0
    later: Mapping[Rule, int] = field(default_factory=dict)
    never: Mapping[Rule, int] = field(default_factory=dict)
    held_out_later: int = 0
    links_too_late: int = 0
    first: datetime | None = None
    last: datetime | None = None
    openings: tuple[Turning, ...] = ()
    closings: tuple[Turning, ...] = ()

    @property
    def deferred(self) -> int:
        """How many have to wait."""
        return sum(self.later.values())

    @property
    def suppressed(self) -> int:
        """How many nobody contacts in this campaign."""
        return sum(self.never.values())

    @property
    def customers(self) -> int:
        """Of how many was decided."""
        return self.now + self.held_out + self.deferred + self.suppressed

    @property
    def to_contact(self) -> int:
        """How many will be contacted, now or later, as far as is known now."""
        return self.now + self.deferred - self.held_out_later

    @property
    def is_open(self) -> bool:
        """Whether everybody may be contacted now."""
        return self.now == self.customers

    @property
    def words(self) -> str:
        """The outlook in one sentence without its full stop."""
        who = "customer" if self.customers == 1 else "customers"
        return f"Of {self.customers:,} {who} {', '.join(self._parts())}"

    def __str__(self) -> str:
        return self.words

    def _parts(self) -> Iterator[str]:
        yield f"{self.now:,} may be contacted now"
        if self.held_out:
            yield f"{self.held_out:,} {'is' if self.held_out == 1 else 'are'} held out"
        if self.deferred:
            yield f"{self.deferred:,} later ({', '.join(self._of_later())})"
        if self.suppressed:
            yield f"{self.suppressed:,} never ({', '.join(_by_rule(self.never))})"

    def _of_later(self) -> Iterator[str]:
        yield from _by_rule(self.later)
        if self.first is not None and self.last is not None:
            first, last = utc_minute(self.first), utc_minute(self.last)
            yield f"at {first}" if first == last else f"first {first}, last {last}"
        if self.held_out_later:
            verb = "is" if self.held_out_later == 1 else "are"
            yield f"{self.held_out_later:,} of them {verb} held out then"


class OutlookCounter:
    """Counts verdicts one by one; keeps nothing of any customer.

    Args:
        as_of: When it is decided.
    """

    def __init__(self, as_of: datetime) -> None:
        self._as_of = as_of
        self._held_out_later = 0
        self._links_too_late = 0
        self._now = 0
        self._held_out = 0
        self._later: Counter[Rule] = Counter()
        self._never: Counter[Rule] = Counter()
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._openings = _Turnings(max)
        self._closings = _Turnings(min)

    def add(
        self, verdict: Verdict, *, is_held_out: bool = False, expires_at: datetime | None = None
    ) -> None:
        """Count one customer, of whom was decided as planning would decide.

        Args:
            verdict: What was decided.
            is_held_out: Whether they are held out when their turn comes.
            expires_at: From when on nobody contacts them any more, whatever the hour.
        """
        if isinstance(verdict, Allow):
            self._now += 1
            if verdict.until is not None:
                self._closings.add(verdict.until, expires=verdict.until == expires_at)
        elif isinstance(verdict, Defer):
            self._defer(verdict, is_held_out=is_held_out)
        elif isinstance(verdict, HoldOut):
            self._held_out += 1
        else:
            self._never[verdict.why[0].rule] += 1
            self._links_too_late += verdict.why[0] == TOO_LATE

    def outlook(self) -> Outlook:
        """What was counted so far."""
        return Outlook(
            as_of=self._as_of,
            now=self._now,
            held_out=self._held_out,
            later=dict(self._later.most_common()),
            never=dict(self._never.most_common()),
            held_out_later=self._held_out_later,
            links_too_late=self._links_too_late,
            first=self._first,
            last=self._last,
            openings=self._openings.in_order(),
            closings=self._closings.in_order(),
        )

    def _defer(self, verdict: Defer, *, is_held_out: bool) -> None:
        until = verdict.until
        self._later[verdict.why[0].rule] += 1
        self._held_out_later += is_held_out
        if is_held_out:
            return
        self._openings.add(until)
        if self._first is None or until < self._first:
            self._first = until
        if self._last is None or until > self._last:
            self._last = until


class _Turnings:
    """Times and how many customers each concerns, in pieces of a quarter of an hour.

    Args:
        which: Which of two times in one piece counts: the later (`max`) or the earlier (`min`).
    """

    def __init__(self, which: Callable[[datetime, datetime], datetime]) -> None:
        self._which = which
        self._times: dict[int, datetime] = {}
        self._counts: Counter[int] = Counter()
        self._expiring: Counter[int] = Counter()

    def add(self, at: datetime, *, expires: bool = False) -> None:
        piece = int(at.timestamp() // _PIECE_SECONDS)
        self._times[piece] = self._which(self._times.get(piece, at), at)
        self._counts[piece] += 1
        self._expiring[piece] += expires

    def in_order(self) -> tuple[Turning, ...]:
        return tuple(
            Turning(self._times[piece].astimezone(UTC), self._counts[piece], self._expiring[piece])
            for piece in sorted(self._counts)
        )


def utc_minute(at: datetime) -> str:
    """A time as people say it, never before it: the next minute that is full, in UTC.

    Example:
        >>> utc_minute(datetime(2026, 11, 28, 7, 59, 1, tzinfo=UTC))
        '2026-11-28 08:00 UTC'
    """
    full = at.astimezone(UTC).replace(second=0, microsecond=0)
    told = full if full == at else full + timedelta(minutes=1)
    return f"{told:%Y-%m-%d %H:%M} UTC"


def _by_rule(counts: Mapping[Rule, int]) -> Iterator[str]:
    """The rules and how many each concerns, the commonest first; no count where there is one."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    for rule, count in ordered:
        yield str(rule) if len(ordered) == 1 else f"{count:,} {rule}"
