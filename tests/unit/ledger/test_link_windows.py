"""Between when a link may be sent, by whatever a policy says of each moment."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.ledger.link_windows import TOO_LATE, LinkWindow, link_window
from connect_tasks.ledger.standing import Standing, sending_end, standing_to_send
from connect_tasks.ledger.verdicts import (
    Allow,
    Customer,
    Defer,
    History,
    HoldOut,
    Rule,
    Suppress,
    Verdict,
    Why,
)

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADA = Customer(customer_key="0042", planned_at=NOON)
HOURS, CAP = Why(Rule.OUTSIDE_HOURS, "09:00-18:00"), Why(Rule.FREQUENCY_CAPPED, "1 in 7 days")


@dataclass
class Says:
    """A policy that says one thing after another, from each time on."""

    said: Sequence[tuple[datetime, Verdict]]
    asked: list[datetime] = field(default_factory=list)
    lists: frozenset[str] = frozenset({"all"})
    look_back: timedelta = timedelta(0)
    group: str | None = None
    fingerprint: str = "f-1"

    def decide(self, customer: Customer, now: datetime, history: History) -> Verdict:
        assert customer is ADA
        assert history == History((NOON - HOUR,))
        self.asked.append(now)
        return next(verdict for since, verdict in reversed(self.said) if now >= since)


def window(
    *said: tuple[datetime, Verdict], expires_after: timedelta = 24 * HOUR
) -> tuple[Verdict, LinkWindow | None]:
    past = History((NOON - HOUR,))
    return link_window(Says(said), ADA, past, now=NOON, expires_at=NOON + expires_after)


def test_whom_the_policy_allows_now_is_sent_the_link_from_now_until_its_end_says_no() -> None:
    until = NOON + 6 * HOUR

    assert window((NOON, Allow(until))) == (Allow(until), LinkWindow(NOON, until))
    assert window((NOON, Allow())) == (Allow(), LinkWindow(NOON, None))


def test_whom_it_lets_wait_is_sent_the_link_in_the_window_that_opens_then() -> None:
    opens, closes = NOON + 2 * HOUR, NOON + 5 * HOUR

    verdict, found = window((NOON, Defer(opens, (HOURS,))), (opens, Allow(closes)))

    assert found == LinkWindow(opens, closes)
    assert verdict == Defer(opens, (HOURS,))


def test_a_window_that_another_rule_closes_again_is_passed_over_and_the_first_reason_told() -> None:
    once, twice = NOON + 2 * HOUR, NOON + 9 * HOUR

    verdict, found = window(
        (NOON, Defer(once, (CAP,))), (once, Defer(twice, (HOURS,))), (twice, Allow())
    )

    assert found == LinkWindow(twice, None)
    assert verdict == Defer(twice, (CAP,))


@pytest.mark.parametrize(
    "no", [Suppress((Why(Rule.OPTED_OUT, "all"), HOURS)), HoldOut((Why(Rule.HELD_OUT, "0.1"),))]
)
@pytest.mark.parametrize("waits", [False, True])
def test_whom_it_never_allows_there_is_no_window_for_then_or_now(
    no: Suppress | HoldOut, *, waits: bool
) -> None:
    opens = NOON + HOUR
    said = [(NOON, Defer(opens, (HOURS,))), (opens, no)] if waits else [(NOON, no)]

    assert window(*said) == (no, None)


@pytest.mark.parametrize("more", [timedelta(0), timedelta.resolution, HOUR])
def test_a_link_that_ends_before_its_window_opens_has_none_and_the_reasons_are_told(
    more: timedelta,
) -> None:
    opens = NOON + 24 * HOUR + more

    verdict, found = window((NOON, Defer(opens, (CAP, HOURS))), (opens, Allow()))

    assert (verdict, found) == (Suppress((TOO_LATE, CAP, HOURS)), None)


def test_a_link_that_lives_a_moment_longer_than_that_has_one() -> None:
    opens = NOON + 24 * HOUR - timedelta.resolution

    _, found = window((NOON, Defer(opens, (HOURS,))), (opens, Allow()))

    assert found == LinkWindow(opens, None)


def test_a_policy_that_never_comes_to_an_end_has_no_window() -> None:
    verdict, found = window((NOON, Defer(NOON, (HOURS,))))

    assert (verdict, found) == (Suppress((TOO_LATE, HOURS)), None)


spans = st.timedeltas(timedelta(0), timedelta(days=3))


@given(first=st.none() | spans, last=st.none() | spans, end=spans, at=spans)
def test_a_link_may_be_sent_from_its_first_moment_to_before_its_last_or_its_end(
    first: timedelta | None, last: timedelta | None, end: timedelta, at: timedelta
) -> None:
    link: dict[str, Any] = {
        "not_before": None if first is None else NOON + first,
        "not_after": None if last is None else NOON + last,
        "expires_at": NOON + end,
    }
    now = NOON + at

    standing = standing_to_send(link, now)

    moments = {NOON, now, *(NOON + s for s in (first, last, end) if s is not None)}
    may = {
        moment
        for moment in moments
        if first is not None and NOON + first <= moment < NOON + end
        if last is None or moment < NOON + last
    }
    assert (standing is Standing.KEPT) == (now in may)
    assert (standing is Standing.DEFERRED) == (bool(may) and now < min(may))
    assert standing.works == any(moment >= now for moment in may)
    assert (standing is Standing.TOO_LATE) == (not may)
    assert sending_end(link) <= NOON + end
