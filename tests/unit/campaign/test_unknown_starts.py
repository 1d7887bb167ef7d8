"""When a run comes back to those of whom nobody knows whether they were contacted."""

from datetime import UTC, datetime

from connect_tasks.campaign.unknown_starts import UnknownStarts
from connect_tasks.ledger.contact import Contact, Status


def contact(number: int = 1, status: Status = Status.UNKNOWN) -> Contact:
    return Contact(
        id=number,
        campaign="c",
        customer_id=f"{number}",
        generation=1,
        status=status,
        client_token="t",
        request="{}",
        messages=(),
        planned_at=datetime(2026, 11, 27, tzinfo=UTC),
    )


def starts() -> UnknownStarts:
    return UnknownStarts(first_seconds=2, longest_seconds=10)


def test_each_pause_is_twice_as_long_as_the_one_before_up_to_the_longest() -> None:
    unknown, now, pauses = starts(), 0.0, []
    for _ in range(6):
        unknown.leave(contact(), now)
        pauses.append(unknown.seconds_left(now))
        now += pauses[-1] or 0
        assert unknown.take_due(now - 0.01) == []
        assert unknown.take_due(now) == [contact()]

    assert pauses == [2, 4, 8, 10, 10, 10]
    assert unknown.seconds_left(now) is None


def test_at_the_end_each_is_tried_once_more_after_a_first_pause_at_most() -> None:
    unknown = starts()
    for left_at in (0, 2, 6):
        unknown.leave(contact(), left_at)
        unknown.take_due(100)
    unknown.leave(contact(), 100)

    assert unknown.hurry()
    assert unknown.hurry()
    assert unknown.seconds_left(100) == 2
    assert unknown.take_due(102) == [contact()]
    unknown.leave(contact(), 102)
    assert not unknown.hurry()
    assert unknown.contacts == [contact()]
    assert unknown.give_up()
    assert not unknown.give_up()


def test_a_try_is_not_the_last_one_if_the_run_goes_on_after_it() -> None:
    unknown = starts()
    unknown.leave(contact(), 0)
    unknown.hurry()
    unknown.take_due(2)
    unknown.leave(contact(), 2)
    unknown.ended(contact(2, Status.COMPLETED))

    assert unknown.seconds_left(2) == 4
    assert unknown.hurry()
