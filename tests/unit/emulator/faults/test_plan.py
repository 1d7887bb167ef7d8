from typing import Any

import pytest

from connect_tasks.emulator.faults.plan import Fault, FaultKind, FaultPlan


def struck(plan: FaultPlan, calls: int, customer_id: str | None = None) -> list[int]:
    """The numbers of the StartChatContact calls that a fault strikes."""
    hits = [plan.next("StartChatContact", customer_id) for _ in range(calls)]
    return [number for number, hit in enumerate(hits, 1) if hit]


def fault(kind: FaultKind = FaultKind.CUT_AFTER, /, **when: Any) -> Fault:
    return Fault(operation="StartChatContact", kind=kind, **when)


@pytest.mark.parametrize(
    ("when", "numbers"),
    [({}, [1, 2, 3, 4, 5, 6]), ({"nth": 2}, [2]), ({"every": 3}, [3, 6]), ({"share": 0}, [])],
)
def test_a_fault_strikes_the_calls_it_names(when: dict[str, object], numbers: list[int]) -> None:
    assert struck(FaultPlan([fault(**when)]), 6) == numbers


def test_a_fault_leaves_other_operations_alone() -> None:
    plan = FaultPlan([fault()])

    assert plan.next("StopContact", None) is None


def test_a_fault_of_one_customer_counts_only_their_calls() -> None:
    plan = FaultPlan([fault(customer_id="c-2", nth=2)])

    assert struck(plan, 3, "c-1") == []
    assert struck(plan, 3, "c-2") == [2]


def test_per_customer_each_has_their_own_count() -> None:
    plan = FaultPlan([fault(nth=2, per_customer=True)])

    assert struck(plan, 3, "c-1") == [2]
    assert struck(plan, 3, "c-2") == [2]


def test_a_share_is_chosen_by_the_seed() -> None:
    first, same, other = (struck(FaultPlan([fault(share=0.3)], s), 200) for s in (1, 1, 2))

    assert first == same != other
    assert 30 < len(first) < 90


def test_of_several_faults_the_first_wins_and_all_count() -> None:
    plan = FaultPlan([fault(FaultKind.DELAY, nth=2), fault(FaultKind.CUT_BEFORE, every=2)])
    hits = [plan.next("StartChatContact", None) for _ in range(4)]

    assert [hit.kind if hit else None for hit in hits] == [
        None,
        FaultKind.DELAY,
        None,
        FaultKind.CUT_BEFORE,
    ]


def test_a_plan_without_faults_is_false() -> None:
    assert not FaultPlan()
    assert FaultPlan([fault()])


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("StartChatContacts", FaultKind.DELAY),
        ("ChatFrame", FaultKind.CUT_AFTER),
        ("SendMessage", FaultKind.FRAME_LOST),
        ("SendMessage", FaultKind.SOCKET_SILENT),
        ("SendMessage", FaultKind.NO_SLOT),
        # This service takes bearer tokens; AWS credentials cannot expire on it.
        ("SendMessage", FaultKind.EXPIRED_CREDENTIALS),
    ],
)
def test_a_fault_that_could_never_strike_is_refused(operation: str, kind: FaultKind) -> None:
    with pytest.raises(ValueError, match=f"cannot strike '{operation}'"):
        Fault(operation=operation, kind=kind)


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"nth": 0}, "nth: must be at least 1, not 0"),
        ({"every": 0}, "every: must be at least 1, not 0"),
        ({"share": 1.1}, "share: must be from 0 to 1, not 1.1"),
        ({"status": 200}, "status: must be from 400 to 599, not 200"),
        ({"seconds": -1}, "seconds: must be from 0 to 86400, not -1"),
    ],
)
def test_a_number_out_of_its_range_is_refused_by_name(when: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        fault(**when)


@pytest.mark.parametrize(
    ("short", "operation", "kind"),
    [
        (Fault.throttle("SendEvent", nth=2), "SendEvent", FaultKind.THROTTLE),
        (Fault.no_slot(nth=2), "StartChatContact", FaultKind.NO_SLOT),
        (Fault.untyped_429("StopContact", nth=2), "StopContact", FaultKind.UNTYPED_429),
        (
            Fault.expired_credentials("StopContact", nth=2),
            "StopContact",
            FaultKind.EXPIRED_CREDENTIALS,
        ),
    ],
)
def test_the_short_ways_to_write_a_fault_mean_the_long_one(
    short: Fault, operation: str, kind: FaultKind
) -> None:
    assert short == Fault(operation=operation, kind=kind, nth=2)
