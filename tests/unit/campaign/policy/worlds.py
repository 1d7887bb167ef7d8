"""The same policy twice: in plain values for the reference, and as the package has it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.ledger.verdicts import Customer, History, Suppression
from tests.unit.campaign.policy.reference import Person, Rules

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def open_hours(
    hours: Mapping[str, Sequence[tuple[int, int]]],
) -> dict[str, list[dict[str, str]]]:
    return {
        day: [{"start_time": clock(start), "end_time": clock(end)} for start, end in windows]
        for day, windows in hours.items()
    }


def policy_of(rules: Rules) -> OutreachPolicy:
    """The policy that says what these rules say."""
    fields: dict[str, object] = {"expires_after": rules.expires_after}
    if rules.hours is not None or rules.restricted:
        fields["communication_time"] = {
            "open_hours": None if rules.hours is None else open_hours(rules.hours),
            "restricted_periods": [
                {"name": f"period {number}", "start_date": first, "end_date": last}
                for number, (first, last) in enumerate(rules.restricted)
            ],
            "time_zone_column": "zone",
        }
    if rules.limits:
        limits = [
            {"max_count_per_recipient": most, "frequency": period // timedelta(hours=1)}
            | {"unit": "HOUR"}
            if period < timedelta(days=1)
            else {"max_count_per_recipient": most, "frequency": period.days}
            for most, period in rules.limits
        ]
        fields["communication_limits"] = {"limits": limits}
    return OutreachPolicy.model_validate(fields)


def customer_of(person: Person) -> Customer:
    return Customer(customer_key="0042", planned_at=person.planned_at, time_zone=person.zone)


def history_of(person: Person) -> History:
    suppressions = tuple(
        Suppression("all", "person", "test", LONG_AGO, until) for until in person.suppressed_until
    )
    return History(tuple(person.contacts), suppressions)
