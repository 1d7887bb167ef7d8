"""A socket ends at the first of its ends, whenever somebody looks; the rule is worked out here."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.instance.schedule import Schedule
from connect_tasks.emulator.limits import LocalLimits
from connect_tasks.emulator.server.socket_life import SocketLife

BEGINNING = datetime(2026, 11, 22, 7, tzinfo=UTC)
SPANS = st.integers(0, 40)


class Case:
    """A socket's life, and what is right of it by the rule."""

    def __init__(self, idle: int | None, age: int | None, expiry: int, *, expires: bool) -> None:
        self.now = 0
        self.schedule = Schedule(lambda: BEGINNING + timedelta(seconds=self.now))
        self.ends: list[tuple[int, str]] = []
        limits = LocalLimits(idle_socket_seconds=idle, socket_seconds=age, expiring_sockets=expires)
        self.life = SocketLife(
            self.schedule, limits, lambda reason: self.ends.append((self.now, reason))
        )
        self.life.expire_at(BEGINNING + timedelta(seconds=expiry))
        self._idle = idle
        self._fixed = [end for end in (age, expiry if expires else None) if end is not None]
        self._passed = 0
        self.ended_at: int | None = None

    def come_to(self, now: int, *, by_frame: bool) -> None:
        """A frame passes at a moment, or the schedule is worked off then."""
        self.now = now
        idle = [] if self._idle is None else [self._passed + self._idle]
        if self.ended_at is None and any(now >= end for end in (*self._fixed, *idle)):
            self.ended_at = now
        if by_frame:
            self._passed = now
            self.life.touch()
        else:
            self.schedule.run_due()


@given(
    idle=st.none() | st.integers(1, 50),
    age=st.none() | st.integers(1, 200),
    expiry=st.integers(1, 200),
    expires=st.booleans(),
    steps=st.lists(st.tuples(SPANS, st.booleans()), max_size=20),
)
def test_it_ends_once_at_the_first_look_or_frame_that_is_not_before_an_end(
    idle: int | None,
    age: int | None,
    expiry: int,
    *,
    expires: bool,
    steps: list[tuple[int, bool]],
) -> None:
    case = Case(idle, age, expiry, expires=expires)
    for span, by_frame in steps:
        case.come_to(case.now + span, by_frame=by_frame)

    assert [moment for moment, _ in case.ends] == ([] if case.ended_at is None else [case.ended_at])


@given(
    idle=st.none() | st.integers(1, 50),
    age=st.none() | st.integers(1, 200),
    frames=st.lists(SPANS, max_size=20),
)
def test_where_the_schedule_is_worked_off_in_time_it_ends_at_the_very_moment(
    idle: int | None, age: int | None, frames: list[int]
) -> None:
    case = Case(idle, age, 100, expires=True)
    right: list[int] = []
    for span in frames:
        passed, goal = case.now, case.now + span
        ends = [100, *([] if age is None else [age]), *([] if idle is None else [passed + idle])]
        right += [min(ends)] if goal >= min(ends) and not right else []
        while (left := case.schedule.seconds_left()) is not None and case.now + left <= goal:
            case.come_to(case.now + int(left), by_frame=False)
        case.come_to(goal, by_frame=True)

    assert [moment for moment, _ in case.ends] == right


def test_who_is_gone_ends_no_more_and_leaves_nothing_planned() -> None:
    case = Case(5, 10, 10, expires=True)
    case.life.stop()
    case.now = 1000
    case.schedule.run_due()
    case.life.touch()

    assert case.ends == []
    assert case.schedule.seconds_left() is None
