"""Open chats: how they are shared out, and what an instance really grants."""

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.aws.pacing.concurrency import ConcurrencyLimit, SlotDemand, fair_share

NOON = 1_764_000_000.0


# --- dividing open chats ---


def test_one_worker_alone_may_have_all_slots() -> None:
    assert fair_share(500, SlotDemand(open=0, wanted=900), []) == 500


def test_a_worker_is_given_no_more_than_it_wants() -> None:
    assert fair_share(500, SlotDemand(open=3, wanted=7), []) == 7


def test_two_that_want_all_get_half_each() -> None:
    other = SlotDemand(open=250, wanted=500, granted=250)

    assert fair_share(500, SlotDemand(open=0, wanted=500), [other]) == 250


def test_what_one_does_not_want_is_left_to_the_other() -> None:
    other = SlotDemand(open=10, wanted=20, granted=20)

    assert fair_share(500, SlotDemand(open=0, wanted=900), [other]) == 480


def test_slots_in_others_hands_are_not_given_twice() -> None:
    other = SlotDemand(open=400, wanted=500, granted=500)

    assert fair_share(500, SlotDemand(open=0, wanted=500), [other]) == 0


def test_a_worker_above_its_share_may_not_replace_the_chats_that_close() -> None:
    newcomer = SlotDemand(open=0, wanted=500, granted=0)

    assert fair_share(500, SlotDemand(open=400, wanted=500), [newcomer]) == 250


def test_a_ceiling_below_what_is_open_is_no_negative_number() -> None:
    assert (
        fair_share(2, SlotDemand(open=5, wanted=9), [SlotDemand(open=5, wanted=5, granted=5)]) == 0
    )


@given(
    ceiling=st.integers(1, 50),
    wanted=st.lists(st.integers(0, 60), min_size=1, max_size=5),
    order=st.lists(st.integers(0, 4), max_size=40),
)
def test_workers_that_ask_in_turn_never_hold_more_than_the_ceiling_and_leave_nothing_idle(
    ceiling: int, wanted: list[int], order: list[int]
) -> None:
    held = [SlotDemand(open=0, wanted=want) for want in wanted]
    for number in [*order, *range(len(wanted)), *range(len(wanted))]:
        mine = held[number % len(held)]
        others = [other for other in held if other is not mine]
        granted = fair_share(ceiling, mine, others)
        held[number % len(held)] = replace(mine, granted=granted)

        assert sum(demand.granted for demand in held) <= ceiling

    assert sum(demand.granted for demand in held) == min(ceiling, sum(wanted))


# --- what the instance really grants ---


def probes(ceiling: ConcurrencyLimit, seconds: float) -> Iterator[tuple[float, int]]:
    """When the ceiling changes, looked at each second."""
    for number in range(int(seconds)):
        raised = ceiling.probed(NOON + number)
        if raised.ceiling != ceiling.ceiling:
            yield number, raised.ceiling
        ceiling = raised


def test_a_refusal_teaches_how_many_the_instance_grants() -> None:
    assert ConcurrencyLimit(quota=500, ceiling=500).refused(250, NOON).ceiling == 250


def test_probes_that_are_not_refused_raise_it_faster_and_faster_up_to_the_quota() -> None:
    learnt = ConcurrencyLimit(quota=20, ceiling=20).refused(5, NOON)

    assert list(probes(learnt, 60)) == [(2, 6), (6, 8), (10, 12), (14, 20)]


def test_each_refused_probe_doubles_the_time_to_the_next_up_to_a_minute() -> None:
    ceiling, now, waits = ConcurrencyLimit(quota=10, ceiling=10), NOON, []
    for _ in range(7):
        ceiling = ceiling.refused(5, now)
        waits.append((ceiling.probe_at or 0) - now)
        now += waits[-1]
        ceiling = ceiling.probed(now)

    assert waits == [2, 4, 8, 16, 32, 60, 60]


def test_what_was_learnt_and_not_asked_for_in_a_while_is_forgotten() -> None:
    learnt = ConcurrencyLimit(quota=500, ceiling=500).refused(5, NOON)

    assert learnt.probed(NOON + 600) == ConcurrencyLimit(quota=500, ceiling=500)


def test_a_new_quota_is_taken_as_it_is() -> None:
    learnt = ConcurrencyLimit(quota=500, ceiling=500).refused(5, NOON)

    assert learnt.for_quota(500) == learnt
    assert learnt.for_quota(800).ceiling == 800
