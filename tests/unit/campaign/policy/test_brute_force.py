"""Every minute of a fortnight, in three zones and over two changes of clocks.

Against a reference that knows nothing of the package.
"""

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta

import pytest

from connect_tasks.campaign.policy.decide import Rules as Deciding
from connect_tasks.ledger.verdicts import Allow, Defer, Suppress
from tests.unit.campaign.policy.reference import MINUTE, Person, Rules, may_be_contacted, minutes
from tests.unit.campaign.policy.worlds import customer_of, history_of, policy_of

# Berlin is put forward on 29 March, Sydney back on 5 April; Kolkata is never changed.
SPRING = datetime(2026, 3, 23, tzinfo=UTC)
SPRING_ZONES = ("Europe/Berlin", "Australia/Sydney", "Asia/Kolkata")
# Berlin is put back on 25 October, New York on 1 November.
AUTUMN = datetime(2026, 10, 20, tzinfo=UTC)
AUTUMN_ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata")
FORTNIGHT = timedelta(days=14)
# So long after the fortnight all that can open has opened, and closed.
AFTER = timedelta(days=8)

OFFICE = {
    "MONDAY": [(9 * 60, 12 * 60), (13 * 60, 18 * 60 + 30)],
    "TUESDAY": [(9 * 60, 18 * 60)],
    "WEDNESDAY": [(9 * 60, 18 * 60)],
    "FRIDAY": [(9 * 60, 15 * 60)],
}
# From Saturday night into the hour in which clocks are changed, in it, and out of it.
NIGHT = {
    "SATURDAY": [(22 * 60, 2 * 60 + 15)],
    "SUNDAY": [(2 * 60 + 30, 6 * 60), (23 * 60, 60)],
    "WEDNESDAY": [(0, 24 * 60)],
    "THURSDAY": [(0, 24 * 60)],
}
CHANGING = {"SUNDAY": [(60, 2 * 60 + 20), (2 * 60 + 40, 2 * 60 + 50), (2 * 60 + 55, 5 * 60)]}
LIMITS = ((1, timedelta(days=1)), (2, timedelta(days=5)))

PLACES = [(SPRING, zone) for zone in SPRING_ZONES] + [(AUTUMN, zone) for zone in AUTUMN_ZONES]


def worlds(start: datetime) -> list[tuple[str, Rules, tuple[datetime, ...], tuple[datetime, ...]]]:
    contact = (start - timedelta(hours=7, minutes=13),)
    holiday = (start + timedelta(days=5)).date()
    return [
        ("night", Rules(hours=NIGHT), (), ()),
        ("changing", Rules(hours=CHANGING), (), ()),
        (
            "all",
            Rules(
                hours=OFFICE,
                restricted=((holiday, holiday + timedelta(days=2)), (date(2026, 1, 1),) * 2),
                limits=LIMITS,
                expires_after=timedelta(days=13, hours=2),
            ),
            contact,
            (start + timedelta(days=1, hours=13, minutes=5),),
        ),
    ]


@pytest.mark.parametrize(("start", "zone"), PLACES, ids=[f"{s:%b} {zone}" for s, zone in PLACES])
@pytest.mark.parametrize("which", range(3), ids=[name for name, *_ in worlds(SPRING)])
def test_decides_about_every_minute_as_the_reference_does(
    start: datetime, zone: str, which: int
) -> None:
    _, rules, contacts, suppressed = worlds(start)[which]
    person = Person(zone, start, contacts, suppressed)
    deciding = Deciding(policy_of(rules))
    customer, history = customer_of(person), history_of(person)
    times = list(minutes(start, start + FORTNIGHT + AFTER))
    may = [may_be_contacted(person, rules, at) for at in times]
    opens = [n for n in range(len(may)) if may[n] and (n == 0 or not may[n - 1])]
    closes = [n for n in range(1, len(may)) if may[n - 1] and not may[n]]
    assert any(may)
    assert not all(may)

    for number, at in enumerate(times[: FORTNIGHT // MINUTE]):
        verdict = deciding.verdict(customer, at, history)
        expected: object
        if may[number]:
            later = bisect_right(closes, number)
            until = times[closes[later]] if later < len(closes) else None
            expected = Allow(until)
        elif (later := bisect_left(opens, number)) < len(opens):
            assert isinstance(verdict, Defer), at
            expected = Defer(times[opens[later]], verdict.why)
        else:
            assert isinstance(verdict, Suppress), at
            expected = Suppress(verdict.why)
        assert verdict == expected, at


@pytest.mark.parametrize(("start", "zone"), PLACES, ids=[f"{s:%b} {zone}" for s, zone in PLACES])
def test_whoever_is_contacted_as_soon_as_allowed_is_never_contacted_too_often(
    start: datetime, zone: str
) -> None:
    rules = Rules(hours=NIGHT, limits=LIMITS)
    deciding = Deciding(policy_of(rules))
    contacts: list[datetime] = []
    expected: list[datetime] = []

    at = start
    while at < start + FORTNIGHT:
        person = Person(zone, start, tuple(contacts))
        verdict = deciding.verdict(customer_of(person), at, history_of(person))
        if isinstance(verdict, Allow):
            contacts.append(at)
        at = verdict.until if isinstance(verdict, Defer) else at + MINUTE
    for at in minutes(start, start + FORTNIGHT):
        if may_be_contacted(Person(zone, start, tuple(expected)), rules, at):
            expected.append(at)

    assert contacts == expected
    assert len(contacts) > 2
