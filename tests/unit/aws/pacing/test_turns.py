"""Whose turn it is: live chats first, and nobody waits for ever."""

import math

from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.aws.pacing.turns import CAN_WAIT, Ticket, Turn, TurnQueue, Urgency

LIVE, WAITING, QUIET = Turn(Urgency.LIVE), Turn(Urgency.WAITING), Turn(Urgency.QUIET)


def order(*turns: Turn, now: float = 0) -> list[int]:
    """In which order they go that came in this one."""
    queue = TurnQueue()
    tickets = [queue.add(turn) for turn in turns]
    return [tickets.index(ticket) for ticket in iter(lambda: queue.take(now), None)]


def test_those_of_one_urgency_go_first_come_first_served() -> None:
    assert order(WAITING, WAITING, WAITING) == [0, 1, 2]


def test_live_chats_go_before_those_that_wait_to_be_joined_before_new_ones_before_looks() -> None:
    assert order(QUIET, CAN_WAIT, WAITING, LIVE) == [3, 2, 1, 0]


def test_one_that_gives_up_is_passed_over() -> None:
    queue = TurnQueue()
    first, second = queue.add(LIVE), queue.add(WAITING)
    queue.leave(first)
    queue.leave(first)

    assert (len(queue), queue.urgent) == (1, 0)
    assert queue.take(0) is second
    assert queue.take(0) is None


def test_one_whose_time_has_come_goes_alternately_with_live_chats() -> None:
    soon = Turn(Urgency.WAITING, urgent_at=10)

    assert order(LIVE, LIVE, soon, WAITING, soon, LIVE, now=9) == [0, 1, 5, 2, 3, 4]
    assert order(LIVE, LIVE, soon, WAITING, soon, LIVE, now=10) == [2, 0, 4, 1, 5, 3]


def test_those_whose_time_has_come_count_as_urgent() -> None:
    queue = TurnQueue()
    for turn in (LIVE, Turn(Urgency.WAITING, urgent_at=10), Turn(Urgency.NEW, urgent_at=20)):
        queue.add(turn)

    counted = []
    for now in (0, 10, 20):
        queue.age(now)
        counted.append(queue.urgent)
    assert counted == [1, 2, 3]


TURNS = st.builds(
    Turn,
    st.sampled_from(Urgency),
    st.one_of(st.just(math.inf), st.floats(0, 40)),
)
# Seconds go by; somebody comes, somebody's turn comes, or somebody gives up.
STORIES = st.lists(st.one_of(TURNS, st.none(), st.integers(0, 30)), min_size=1, max_size=80)


class Story:
    """A queue, and what its rules say about each turn that it gives."""

    def __init__(self) -> None:
        self.queue = TurnQueue()
        self.waiting: list[Ticket] = []
        self.owed: str | None = None

    def take(self, now: float) -> None:
        ticket = self.queue.take(now)
        assert (ticket is None) == (not self.waiting)
        if ticket is not None:
            kind = self.kind(ticket, now)
            kinds = {self.kind(one, now) for one in self.waiting}
            assert kind in ({self.owed} if self.owed in kinds else self.first(kinds))
            assert ticket is next(one for one in self.waiting if self.kind(one, now) == kind)
            self.waiting.remove(ticket)
            self.owed = {"live": "aged", "aged": "live"}.get(kind)

    def kind(self, ticket: Ticket, now: float) -> str:
        if ticket.urgency is Urgency.LIVE:
            return "live"
        return "aged" if ticket.urgent_at <= now else ticket.urgency.name

    def first(self, kinds: set[str]) -> set[str]:
        """The kinds of which one goes next when nobody was passed over."""
        if urgent := kinds & {"live", "aged"}:
            return urgent
        return {next(one.name for one in Urgency if one.name in kinds)}


@given(STORIES)
def test_live_goes_first_and_those_whose_time_has_come_get_every_second_turn(
    steps: list[Turn | int | None],
) -> None:
    story = Story()
    for now, step in enumerate(steps):
        if isinstance(step, Turn):
            story.waiting.append(story.queue.add(step))
        elif step is None:
            story.take(now)
        elif story.waiting:
            story.queue.leave(story.waiting.pop(step % len(story.waiting)))
        assert len(story.queue) == len(story.waiting)


def test_who_passes_an_empty_queue_counts_where_turns_go_alternately() -> None:
    aged = Turn(Urgency.WAITING, urgent_at=0)
    firsts = []
    for passed in (LIVE, aged):
        queue = TurnQueue()
        queue.pass_by(passed, now=1)
        tickets = {id(queue.add(turn)): turn for turn in (LIVE, aged)}
        firsts.append(tickets[id(queue.take(1))])

    assert firsts == [aged, LIVE]
