"""Inviting by an outreach policy: what a sender's file says, and what the table of links does."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connect_tasks.campaign.inviting import issue_links
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.standing import Standing
from connect_tasks.ledger.store import Ledger
from connect_tasks.ledger.verdicts import Suppression
from tests.functional.inviting_world import CAMPAIGN, NOON, Inviting, counted, rows

DAY = timedelta(days=1)
WEEKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]


@pytest.fixture(name="here")
def _here(ledger_url: str) -> Iterator[Inviting]:
    with Ledger(ledger_url) as ledger:
        yield Inviting(ledger)


def office(start: str = "09:00", end: str = "18:00", **fields: Any) -> OutreachPolicy:
    hours = {day: [{"start_time": start, "end_time": end}] for day in WEEKDAYS}
    time = {"open_hours": hours, "default_time_zone": "UTC", "time_zone_column": "zone"}
    return OutreachPolicy.model_validate({"communication_time": time, **fields})


def limited(count: int, days: int, **fields: Any) -> OutreachPolicy:
    limits = [{"max_count_per_recipient": count, "frequency": days}]
    return OutreachPolicy.model_validate({"communication_limits": {"limits": limits}, **fields})


def opt_out(here: Inviting, customer: str, list_: str = "all") -> None:
    here.ledger.suppressions.add([(customer, Suppression(list_, "person", "test", here.now))])


def times(row: Mapping[str, str]) -> tuple[str, str, str]:
    return row["not_before"], row["not_after"], row["expires_at"]


def test_each_link_may_be_sent_in_the_hours_of_its_customers_own_zone(here: Inviting) -> None:
    """On a Friday at noon in London: it is 7 in New York, and 21 in Tokyo, where Monday is next."""
    here.policy = office()
    zones = {"gb": "Europe/London", "us": "America/New_York", "jp": "Asia/Tokyo", "none": ""}
    table = [{**row, "zone": zones[row["customer_id"]]} for row in rows(*zones)]

    invited = here.invite(table)

    assert invited.standings == counted(new=2, deferred=2)
    assert invited.working == 4
    end = "2026-12-27T12:00:00Z"
    assert {customer: times(row) for customer, row in here.sent().items()} == {
        "gb": ("2026-11-27T12:00:00Z", "2026-11-27T18:00:00Z", end),
        "us": ("2026-11-27T14:00:00Z", "2026-11-27T23:00:00Z", end),
        "jp": ("2026-11-30T00:00:00Z", "2026-11-30T09:00:00Z", end),
        "none": ("2026-11-27T12:00:00Z", "2026-11-27T18:00:00Z", end),
    }


def test_the_table_of_links_says_the_same_as_the_senders_file(here: Inviting) -> None:
    here.policy = office()
    table = [{**row, "zone": "America/New_York"} for row in rows("0001")]
    here.invite(table)

    record = here.records()["0001"]

    assert record["not_before"] == datetime(2026, 11, 27, 14, tzinfo=UTC)
    assert record["not_after"] == datetime(2026, 11, 27, 23, tzinfo=UTC)


def test_without_a_policy_a_link_may_be_sent_from_now_to_its_end(here: Inviting) -> None:
    here.invite(rows("0001"), expires_after=DAY)

    record = here.records()["0001"]
    assert (record["not_before"], record["not_after"]) == (NOON, NOON + DAY)
    assert times(here.sent()["0001"]) == (
        "2026-11-27T12:00:00Z",
        "2026-11-28T12:00:00Z",
        "2026-11-28T12:00:00Z",
    )


def test_no_link_is_sent_a_fraction_of_a_second_too_early_or_too_late(here: Inviting) -> None:
    here.now = NOON + timedelta(milliseconds=400)
    here.invite(rows("0001"))
    another = Inviting(here.ledger, policy=limited(1, 7), campaign="another", now=here.now)
    another.invite(rows("0001"), expires_after=8 * DAY)

    assert another.records()["0001"]["not_before"] == here.now + 7 * DAY
    assert times(another.sent()["0001"])[:2] == ("2026-12-04T12:00:01Z", "2026-12-05T12:00:00Z")


def test_who_opts_out_between_two_calls_is_not_in_the_second_file(here: Inviting) -> None:
    here.policy = office(suppression=["marketing"])
    here.invite(rows("0001", "0002", "0003"))
    opt_out(here, "0001", "marketing")
    opt_out(here, "0002")
    opt_out(here, "0003", "news")

    assert list(here.sent()) == ["0003"]
    assert here.invite(rows("0001", "0002", "0003")).standings == counted(opted_out=2, kept=1)
    assert list(here.sent()) == ["0003"]
    assert {name: record["status"] for name, record in here.records().items()} == {
        "0001": Status.WITHHELD,
        "0002": Status.WITHHELD,
        "0003": Status.PLANNED,
    }


def test_who_opted_out_gets_no_link_in_a_campaign_without_a_policy(here: Inviting) -> None:
    opt_out(here, "0001")

    assert here.invite(rows("0001", "0002")).standings == counted(opted_out=1, new=1)
    assert list(here.links()) == ["0002"]


def test_a_link_is_counted_by_other_campaigns_and_not_by_its_own(here: Inviting) -> None:
    here.policy = limited(1, 7)
    here.invite(rows("0001"))
    here.later(days=1)
    assert here.invite(rows("0001")).standings == counted(kept=1)
    # Their own click, a day after it was sent, is none of ours.
    here.becomes("0001", status=Status.COMPLETED, sent_at=here.now, contact_id="c-1")

    another = Inviting(here.ledger, policy=here.policy, campaign="another", now=here.now)
    assert another.invite(rows("0001", "0002")).standings == counted(deferred=1, new=1)
    assert times(another.sent()["0001"])[0] == "2026-12-04T12:00:00Z"


def test_who_has_their_link_is_not_told_of_as_one_who_waits_because_of_it(
    here: Inviting,
) -> None:
    here.policy = limited(1, 7)
    here.invite(rows("0001"))
    here.later(days=1)

    plan = here.entered(rows("0001", "0002"))

    assert (plan.outlook.now, dict(plan.outlook.later)) == (2, {})


def test_another_policy_counts_for_links_that_wait_and_for_no_others(here: Inviting) -> None:
    here.policy = office()
    here.invite([{**row, "zone": "America/New_York"} for row in rows("waits")])
    here.invite([{**row, "zone": "UTC"} for row in rows("sent")])
    here.policy = office("11:00", "15:00")

    table = [{**row, "zone": "America/New_York"} for row in rows("waits", "sent")]
    assert here.invite(table).standings == counted(deferred=1, kept=1)

    assert times(here.sent()["waits"])[:2] == ("2026-11-27T16:00:00Z", "2026-11-27T20:00:00Z")
    assert times(here.sent()["sent"])[:2] == ("2026-11-27T12:00:00Z", "2026-11-27T18:00:00Z")


def test_whoever_is_held_out_has_no_link_and_stays_so(here: Inviting) -> None:
    names = [f"{number:03}" for number in range(60)]
    here.policy = OutreachPolicy(hold_out=0.5)
    invited = here.invite(rows(*names))

    held_out = {row["customer_id"] for row in withheld(here)}
    assert 10 < len(held_out) < 50
    assert set(here.links()) == set(names) - held_out
    assert {str(key): count for key, count in invited.standings.items()} == {
        "held_out": len(held_out),
        "new": 60 - len(held_out),
    }
    assert here.invite(rows(*names)).standings == counted(
        held_out=len(held_out), kept=60 - len(held_out)
    )
    assert {row["customer_id"] for row in withheld(here)} == held_out


def test_who_is_held_out_is_not_planned_again_by_a_call_at_another_hour(here: Inviting) -> None:
    names = [f"{number:03}" for number in range(40)]
    here.policy = office(hold_out=0.5)
    here.invite(rows(*names))
    held_out = {row["customer_id"] for row in withheld(here)}
    assert held_out

    for hours in (8, 3, 3):
        here.later(hours=hours)
        here.invite(rows(*names))

    assert {row["customer_id"] for row in withheld(here)} == held_out
    assert len(list(here.ledger.contact_records(CAMPAIGN))) == len(names)
    here.policy = office()
    assert here.invite(rows(*names)).standings[Standing.DEFERRED] == len(held_out)


def withheld(here: Inviting) -> list[Mapping[str, Any]]:
    return [
        row
        for row in here.ledger.contact_records(CAMPAIGN)
        if (row["status"], row["error_code"]) == (Status.WITHHELD, "held_out")
    ]


def test_a_policy_that_a_person_takes_away_lets_links_be_sent_at_once(here: Inviting) -> None:
    here.policy = office()
    here.invite([{**row, "zone": "Asia/Tokyo"} for row in rows("0001")])
    here.policy = OutreachPolicy()

    assert here.invite(rows("0001")).standings == counted(kept=1)
    assert times(here.sent()["0001"])[:2] == ("2026-11-27T12:00:00Z", "2026-12-27T12:00:00Z")


def test_links_are_issued_by_the_policy_that_the_ledger_has(here: Inviting) -> None:
    here.policy = office("14:00", "15:00")
    plan = here.plan = here.entered(rows("0001"))

    issue_links(here.ledger, plan, here.keys, base_url=here.base_url, now=here.now)

    assert times(here.sent()["0001"])[:2] == ("2026-11-27T14:00:00Z", "2026-11-27T15:00:00Z")


def test_what_was_told_says_when_links_may_be_sent_and_who_has_none(here: Inviting) -> None:
    here.policy = office("14:00", "15:00", suppression=["marketing"])
    opt_out(here, "0002", "marketing")

    told = str(here.invite(rows("0001", "0002", "0003")))

    assert told == (
        "2 links work: 2 to be sent later, from their not_before on; "
        "1 opted out, and no link of theirs is sent or works"
    )
