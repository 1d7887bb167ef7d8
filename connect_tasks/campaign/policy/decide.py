"""Deciding: whether a customer may be contacted now, later or never, and by which rules.

The rules of this file:

- Every rule that hits is kept, in the order of `Rule`; the first one is the reason.
- Who waits is told the first instant at which all rules allow it, as far as is known now: what one
  rule allows, another may forbid.
- Whom no instant within their time (or within 400 days) is left to is never contacted.
- Who could be contacted is held out if they are of that share: nobody else is.
- Where no clock is known that counts, nobody is contacted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial

from connect_tasks.campaign.policy.assignment import held_out_by
from connect_tasks.campaign.policy.hours import Clock, Clocks
from connect_tasks.campaign.policy.instants import datetime_of, instant_of, microseconds
from connect_tasks.campaign.policy.limits import Limits
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.policy.words import duration_words, share_words
from connect_tasks.ledger.verdicts import (
    Allow,
    Customer,
    Defer,
    History,
    HoldOut,
    Rule,
    Suppress,
    Suppression,
    Verdict,
    Why,
)

__all__ = ["Rules", "decide"]

_FARTHEST = microseconds(timedelta(days=400))
_TOO_FAR = Why(Rule.EXPIRED, "not within 400 days")
_NO_PAST = History()
# In how many zones and how many plannings.
_IN_COMMON = 1_000
_NO_CLOCK = Why(Rule.OUTSIDE_HOURS, "no time zone is known")


def decide(customer: Customer, now: datetime, history: History, policy: OutreachPolicy) -> Verdict:
    """Decide about a customer; the same for the same values.

    Args:
        customer: Of whom.
        now: The present time.
        history: What counts of their past.
        policy: The campaign's. It is fast as long as it is the same object.

    Example:
        >>> from datetime import UTC
        >>> now = datetime(2026, 11, 27, 12, tzinfo=UTC)
        >>> ada = Customer(customer_key="0042", planned_at=now)
        >>> decide(ada, now, History(), OutreachPolicy()).decision.value
        'allow'
    """
    return _rules_of(policy).verdict(customer, now, history)


@dataclass(slots=True)
class _Case:
    """A customer at an instant: everything that the rules ask for."""

    now: int
    deadline: int | None
    contacts: Sequence[int]
    suppressions: Sequence[Suppression]
    clock: Clock | None
    has_no_clock: bool


class Rules:
    """A policy made ready to decide about many customers.

    Args:
        policy: The policy.
    """

    def __init__(self, policy: OutreachPolicy) -> None:
        self.policy = policy
        self._lists = policy.lists
        self._limits = Limits(policy.communication_limits)
        self._clocks = Clocks(policy.communication_time)
        self._lifetime = microseconds(policy.expires_after) if policy.expires_after else None
        lifetime = duration_words(policy.expires_after) if policy.expires_after else ""
        self._expired = Why(Rule.EXPIRED, lifetime)
        self._is_held_out = held_out_by(policy)
        self._held_out = HoldOut((Why(Rule.HELD_OUT, share_words(policy.hold_out)),))
        # Of most customers there is no past, and what remains many of them have in common.
        self._without_past = lru_cache(_IN_COMMON)(partial(self._may_be_called, _NO_PAST))

    def verdict(self, customer: Customer, now: datetime, history: History) -> Verdict:
        """Decide about a customer: see `decide`."""
        if history.contacts or history.suppressions:
            verdict = self._may_be_called(history, now, customer.planned_at, customer.time_zone)
        else:
            verdict = self._without_past(now, customer.planned_at, customer.time_zone)
        if isinstance(verdict, Allow) and self._is_held_out(customer.customer_key):
            return self._held_out
        return verdict

    def _may_be_called(
        self, history: History, now: datetime, planned_at: datetime, zone: str | None
    ) -> Allow | Defer | Suppress:
        case = self._case(history, instant_of(now), planned_at, zone)
        why = tuple(self._why(case))
        return self._later_or_never(case, why) if why else Allow(self._closes(case))

    def _case(self, history: History, now: int, planned_at: datetime, zone: str | None) -> _Case:
        clock = self._clocks.of(zone)
        deadline = None
        if self._lifetime is not None:
            deadline = instant_of(planned_at) + self._lifetime
        contacts: Sequence[int] = ()
        if history.contacts and self._limits.caps:
            contacts = sorted(map(instant_of, history.contacts))
        suppressions: Sequence[Suppression] = ()
        if history.suppressions:
            suppressions = [one for one in history.suppressions if self._holds(one, now)]
        return _Case(
            now, deadline, contacts, suppressions, clock, clock is None and self._clocks.count
        )

    def _holds(self, one: Suppression, now: int) -> bool:
        return one.list in self._lists and (
            one.expires_at is None or instant_of(one.expires_at) > now
        )

    def _why(self, case: _Case) -> Iterator[Why]:
        for name in sorted({one.list for one in case.suppressions}):
            yield Why(Rule.OPTED_OUT, name)
        if case.deadline is not None and case.now >= case.deadline:
            yield self._expired
        yield from self._closed(case)

    def _closed(self, case: _Case) -> Iterator[Why]:
        span = case.clock.span(case.now) if case.clock else None
        if span is not None:
            for name in span.restricted:
                yield Why(Rule.RESTRICTED_PERIOD, name)
        if case.contacts:
            for words in self._limits.hit(case.contacts, case.now):
                yield Why(Rule.FREQUENCY_CAPPED, words)
        if span is not None and span.outside:
            yield Why(Rule.OUTSIDE_HOURS, span.outside)
        if case.has_no_clock:
            yield _NO_CLOCK

    def _later_or_never(self, case: _Case, why: tuple[Why, ...]) -> Defer | Suppress:
        for_good = any(one.expires_at is None for one in case.suppressions)
        if for_good or case.has_no_clock or self._expired in why:
            return Suppress(why)
        opens = self._opens(case)
        until = None if opens is None else datetime_of(opens)
        if opens is None or until is None:
            return Suppress(_with_expiry(why, self._expired if self._lifetime else _TOO_FAR))
        return Defer(until, why)

    def _opens(self, case: _Case) -> int | None:
        """The first instant at which all rules allow it; None if there is none in time."""
        end = case.now + _FARTHEST
        if case.deadline is not None:
            end = min(end, case.deadline - 1)
        at = self._steps(case, case.now)
        # Only a limit can forbid again what the clock has put off: a link may be sent by then.
        while case.contacts and at is not None and at <= end:
            later = self._steps(case, at)
            if later == at:
                break
            at = later
        return at if at is not None and at <= end else None

    def _steps(self, case: _Case, at: int) -> int | None:
        """Where the rules, asked one after the other, let it be at the earliest."""
        ends = (instant_of(one.expires_at) for one in case.suppressions if one.expires_at)
        at = self._limits.opens(case.contacts, max((at, *ends)))
        return at if case.clock is None else case.clock.opens(at)

    def _closes(self, case: _Case) -> datetime | None:
        ends = [
            case.deadline,
            self._limits.closes(case.contacts, case.now) if case.contacts else None,
            case.clock.closes(case.now) if case.clock else None,
        ]
        first = min((end for end in ends if end is not None), default=None)
        return None if first is None else datetime_of(first)


_latest: list[Rules] = []


def _rules_of(policy: OutreachPolicy) -> Rules:
    """The policy's rules; those of the last one are kept, with what they found out of clocks."""
    for rules in _latest:
        if rules.policy is policy:
            return rules
    made = Rules(policy)
    _latest[:] = [made]
    return made


def _with_expiry(why: tuple[Why, ...], expired: Why) -> tuple[Why, ...]:
    lists = tuple(one for one in why if one.rule is Rule.OPTED_OUT)
    return (*lists, expired, *why[len(lists) :])
