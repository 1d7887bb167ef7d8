"""The event that says that a campaign moves: how often it comes, and when it does not."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.campaign.funnel import Funnel
from connect_tasks.tasks.pulse import Pulse

FUNNEL = Funnel(
    rows=10,
    valid=10,
    rejected=0,
    duplicate=0,
    started=5,
    connected=4,
    replied=3,
    completed=2,
    failed=0,
    unknown=0,
    planned=5,
    open_chats=3,
)
MOVES = ("started", "connected", "replied", "completed", "failed", "unknown", "open_chats")


@dataclass
class Told:
    """A pulse with a clock of its own, and what it told when."""

    now: float = 0.0
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pulse = Pulse("renewals", lambda: self.now, self._tell)

    def _tell(self, what: str, campaign: str, funnel: Funnel, **more: str) -> None:
        assert (what, campaign) == ("progress", "renewals")
        self.events.append((self.now, {"completed": funnel.completed, **more}))

    def feel(self, funnel: Funnel, *, seconds: float) -> None:
        """Show the same funnel twice a second for a while."""
        for _ in range(int(2 * seconds)):
            self.pulse.feel(funnel)
            self.now += 0.5


def moved(steps: int) -> Funnel:
    return replace(FUNNEL, completed=FUNNEL.completed + steps)


def test_a_campaign_that_moves_is_told_of_once_a_minute_also_after_a_day() -> None:
    told = Told()
    for second in range(26 * 3600):
        told.pulse.feel(moved(second))
        told.now += 1

    pauses = {after[0] - before[0] for before, after in pairwise(told.events)}
    assert told.events[0][0] == 60
    assert pauses == {60}


def test_a_campaign_of_less_than_a_minute_tells_nothing_between_its_beginning_and_its_end() -> None:
    told = Told()
    for second in range(59):
        told.feel(moved(second), seconds=1)

    assert told.events == []


def test_one_that_stands_still_is_silent_until_it_moves_again() -> None:
    told = Told()
    told.feel(FUNNEL, seconds=3600)
    silent = list(told.events)
    told.feel(moved(1), seconds=3600)

    assert silent == []
    assert told.events == [(3600, {"completed": 3})]


@pytest.mark.parametrize("count", MOVES)
def test_whatever_of_its_counts_changes_is_a_move(count: str) -> None:
    told = Told()
    told.feel(FUNNEL, seconds=61)
    told.feel(replace(FUNNEL, **{count: getattr(FUNNEL, count) + 1}), seconds=1)

    assert len(told.events) == 1


@given(st.floats(0, 100), st.sampled_from([None, "StartChatContact", "open_chats"]))
def test_what_was_learnt_of_the_instance_and_what_limits_are_no_moves(
    rate: float, limited_by: str | None
) -> None:
    told = Told()
    told.feel(FUNNEL, seconds=61)
    told.feel(replace(FUNNEL, learnt={"starts": rate}, limited_by=limited_by), seconds=61)

    assert told.events == []


def test_one_that_waits_by_its_policy_is_no_silent_one_and_says_until_when() -> None:
    told = Told()
    until = datetime(2026, 11, 28, 8, tzinfo=UTC)
    told.feel(replace(FUNNEL, waits_until=until), seconds=301)

    assert [when for when, _ in told.events] == [60, 120, 180, 240, 300]
    assert told.events[0][1]["until"] == "2026-11-28T08:00:00+00:00"
