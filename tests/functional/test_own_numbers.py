"""One number, one customer: in a table, in its pieces, in later tables, and from two at a time."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connect_tasks import OutboundChatTemplate
from connect_tasks.campaign import manage
from connect_tasks.campaign.plan import Plan
from connect_tasks.campaign.planning import look_over, plan_campaign
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.ledger.contact import CampaignMode, Contact, Status
from connect_tasks.ledger.erasure import forget
from connect_tasks.ledger.store import Ledger
from tests.postgresql import new_database

CAMPAIGN = "by-sms"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TEMPLATE = OutboundChatTemplate(
    source_endpoint="arn:aws:connect:eu-central-1:123456789012:phone-number/p-1",
    destination_endpoint="{{ phone }}",
    initial_system_message="Hi {{ text | default('there') }}",
)
A, B, C = "+4915100000001", "+4915100000002", "+4915100000003"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    with url_of(request.param, tmp_path) as url, Ledger(url) as opened:
        yield opened


@contextmanager
def url_of(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'ledger.db'}"
        return
    with new_database() as url:
        yield url


def row(customer: str, phone: str, **more: Any) -> dict[str, Any]:
    return {"customer_id": customer, "phone": phone, **more}


def plan(
    ledger: Ledger, *pieces: Sequence[Mapping[str, Any]], shared: bool = False, **options: Any
) -> Plan:
    renderer = TEMPLATE.bind(instance_id="i-1", contact_flow_id="f-1")
    ledger.open_campaign(CAMPAIGN, "i-1", now=NOW, mode=CampaignMode.OUTBOUND)
    return plan_campaign(
        ledger, CAMPAIGN, pieces, renderer, now=NOW, shared_numbers=shared, **options
    )


def planned(ledger: Ledger) -> dict[str, str]:
    """Who is to be contacted, and where."""
    records = [dict(one) for one in ledger.contact_records(CAMPAIGN)]
    return {
        one["customer_id"]: one["request"].partition('"Address":"')[2][:14]
        for one in records
        if one["status"] == "planned"
    }


def refused(ledger: Ledger, of: Plan) -> dict[str, str]:
    rows = CampaignResult(CAMPAIGN, ledger.url, of).contacts
    rows = rows[rows["status"].isin(["rejected", "duplicate"])]
    return dict(zip(rows["customer_id"], rows["error_message"], strict=True))


def sent(ledger: Ledger, customer: str) -> Contact:
    """As if a worker had written to them."""
    from connect_tasks.ledger.changes import Progress
    from connect_tasks.ledger.claims import ClaimTerms

    terms = ClaimTerms(lease=timedelta(minutes=5), token_validity=timedelta(days=7))
    claimed = ledger.claim(CAMPAIGN, "w", most=100, now=NOW, terms=terms)
    [contact] = [one for one in claimed if one.customer_id == customer]
    begun = contact.advance(Status.STARTING, sent_at=NOW)
    ledger.apply("w", [Progress(begun, contact.status)])
    ledger.release(CAMPAIGN, "w")
    return begun


def test_the_first_row_has_a_number_and_the_others_are_told_which_it_is(ledger: Ledger) -> None:
    made = plan(ledger, [row("1", A), row("2", B), row("3", A)])

    assert planned(ledger) == {"1": A, "2": B}
    assert refused(ledger, made) == {"3": "repeats the number of row 0 (counted from 0)"}
    assert (made.added, made.duplicate, made.rejected) == (2, 1, 0)


def test_pieces_of_a_table_are_one_table(ledger: Ledger) -> None:
    made = plan(ledger, [row("1", A)], [row("2", A)], commit_rows=1)

    assert planned(ledger) == {"1": A}
    assert list(made.customer_ids) == ["1", None]


def test_a_number_stays_its_customer_s_in_later_tables(ledger: Ledger) -> None:
    plan(ledger, [row("1", A)])
    made = plan(ledger, [row("2", A), row("3", B), row("4", A)])

    assert planned(ledger) == {"1": A, "3": B}
    assert refused(ledger, made) == {
        "2": "has the number of another customer of this campaign",
        "4": "repeats the number of row 0 (counted from 0)",
    }
    assert (made.added, made.known, made.duplicate) == (1, 0, 2)
    assert list(made.customer_ids) == [None, "3", None]


def test_where_it_is_wished_customers_share_a_number(ledger: Ledger) -> None:
    plan(ledger, [row("1", A), row("2", A)], shared=True)
    plan(ledger, [row("3", A)], shared=True)

    assert planned(ledger) == {"1": A, "2": A, "3": A}
    # And what was shared is known to a table that may not.
    assert plan(ledger, [row("4", A)]).duplicate == 1


def test_the_same_table_again_refuses_nobody(ledger: Ledger) -> None:
    table = [row("1", A), row("2", B)]
    plan(ledger, table)
    again = plan(ledger, table)

    assert (again.added, again.known, again.duplicate) == (0, 2, 0)
    changed = plan(ledger, [row("1", A, text="you"), row("2", B)])
    assert (changed.known, changed.duplicate) == (2, 0)


def test_customers_may_exchange_their_numbers_before_anybody_wrote_to_them(
    ledger: Ledger,
) -> None:
    plan(ledger, [row("1", A), row("2", B)])
    made = plan(ledger, [row("1", B), row("2", C), row("3", A)])

    assert planned(ledger) == {"1": B, "2": C, "3": A}
    assert made.duplicate == 0
    # What they have now is theirs.
    assert plan(ledger, [row("4", C)]).duplicate == 1


def test_a_number_that_was_written_to_is_not_given_away_by_a_later_table(ledger: Ledger) -> None:
    plan(ledger, [row("1", A)])
    sent(ledger, "1")
    made = plan(ledger, [row("1", B), row("2", A)])

    assert made.duplicate == 1
    assert made.request_changed == 1
    assert planned(ledger) == {}


def test_who_is_refused_keeps_what_they_had_from_others_in_the_same_table(ledger: Ledger) -> None:
    plan(ledger, [row("1", A), row("2", B)])
    sent(ledger, "2")
    # 1 wants 2's number and does not get it; 3 must not have 1's before that is taken out.
    made = plan(ledger, [row("1", B), row("3", A)])

    assert made.duplicate == 2
    assert planned(ledger) == {}
    assert plan(ledger, [row("3", A)]).duplicate == 0


@pytest.mark.parametrize("by", ["a person", "the policy"])
def test_a_number_of_who_is_not_wanted_is_nobody_elses(ledger: Ledger, by: str) -> None:
    plan(ledger, [row("1", A)])
    if by == "a person":
        manage.withdraw(CAMPAIGN, ["1"], ledger)
    else:
        with ledger._writing() as connection:
            connection.exec_driver_sql("UPDATE contacts SET status = 'withheld'")

    assert plan(ledger, [row("2", A)]).duplicate == 1


def test_a_number_that_stood_in_a_wrong_row_is_free_again(ledger: Ledger) -> None:
    plan(ledger, [row("1", A)])
    plan(ledger, [row("1", "call me")])

    assert plan(ledger, [row("2", A)]).duplicate == 0
    assert planned(ledger) == {"2": A}


def test_a_forgotten_customer_s_number_is_in_no_file_and_not_contacted_again(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger(url) as ledger:
        plan(ledger, [row("1", A)])
    forget("1", url)

    assert A.encode() not in (tmp_path / "ledger.db").read_bytes()
    with Ledger(url) as ledger:
        assert plan(ledger, [row("2", A)]).duplicate == 1


def test_of_two_tables_at_the_same_time_one_finds_what_the_other_wrote(ledger: Ledger) -> None:
    plan(ledger)
    together, plans = threading.Barrier(2), []

    def enter(names: list[str]) -> Callable[[], None]:
        def run() -> None:
            with Ledger(ledger.url) as own:
                together.wait(30)
                plans.append(plan(own, [row(name, f"+49151{int(name[1:]):08}") for name in names]))

        return run

    tables = [[f"{letter}{number}" for number in range(40)] for letter in "xy"]
    threads = [threading.Thread(target=enter(names)) for names in tables]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(set(planned(ledger).values())) == len(planned(ledger)) == 40
    assert sorted(one.duplicate for one in plans) == [0, 40]


def test_a_contact_that_a_person_repeats_keeps_its_number_from_others(ledger: Ledger) -> None:
    plan(ledger, [row("1", A)])
    contact = sent(ledger, "1")
    with ledger._writing() as connection:
        connection.exec_driver_sql("UPDATE contacts SET status = 'unknown'")
    manage.resolve(CAMPAIGN, "1", "contact_again", ledger)

    assert planned(ledger) == {"1": A}
    assert contact.generation == 1
    assert plan(ledger, [row("1", A), row("2", A)]).duplicate == 1
    with ledger._writing() as connection:
        connection.exec_driver_sql("DELETE FROM contacts WHERE generation = 1")
    assert plan(ledger, [row("2", A)]).duplicate == 1


def test_a_dry_run_tells_the_same_and_writes_nothing(ledger: Ledger) -> None:
    plan(ledger, [row("1", A)])
    renderer = TEMPLATE.bind(instance_id="i-1", contact_flow_id="f-1")
    table = [row("2", A), row("3", B), row("4", B)]

    def taken(numbers: Mapping[str, str]) -> set[str]:
        return ledger.numbers_taken(CAMPAIGN, numbers)

    seen = look_over([table], renderer, numbers_taken=taken)
    assert (seen.valid, seen.duplicate) == (1, 2)
    assert look_over([table], renderer, numbers_taken=taken, shared_numbers=True).valid == 3
    assert planned(ledger) == {"1": A}
