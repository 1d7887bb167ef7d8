"""What a ledger keeps of its contacts is so, whoever writes, in whichever order, on each kind."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from connect_tasks.ledger import Ledger
from connect_tasks.ledger.changes import Planned, Progress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import Refusal, Status, Withdrawal
from connect_tasks.ledger.database import make_engine
from connect_tasks.ledger.schema import contacts, refusals, tally_changes
from tests.kept_counts import miscounted
from tests.postgresql import new_database

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)
TERMS = ClaimTerms(lease=timedelta(seconds=30), token_validity=timedelta(hours=24))
CAMPAIGNS = ("renewals", "winback")


def planned(number: int, *, generation: int = 1) -> Planned:
    return Planned(
        customer_id=f"c-{number}",
        customer_key=f"c-{number}",
        generation=generation,
        client_token=f"t-{number}-{generation}",
        request="{}",
        fingerprint="print",
        messages=("Hello",),
    )


def open_ledger(url: str) -> Ledger:
    ledger = Ledger(url)
    for name in CAMPAIGNS:
        ledger.open_campaign(name, "i-1", now=NOW)
    return ledger


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with open_ledger(ledger_url) as opened:
        yield opened


@contextmanager
def engine_of(url: str) -> Iterator[sa.Engine]:
    engine = make_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


@pytest.fixture
def server() -> Iterator[tuple[str, Ledger]]:
    """A ledger of twenty planned customers in each campaign, on PostgreSQL, with its URL."""
    with new_database() as url, open_ledger(url) as ledger:
        for index, name in enumerate(CAMPAIGNS):
            rows = [planned(number + 100 * index) for number in range(20)]
            ledger.plan(name, rows, now=NOW)
        yield url, ledger
        assert miscounted(url) == {}


def as_status(number: int, status: str) -> sa.Update:
    return sa.update(contacts).where(contacts.c.customer_id == f"c-{number}").values(status=status)


# --- whatever is written ---


def any_contact(random: Random, number: int) -> dict[str, Any]:
    def perhaps(value: Any) -> Any:
        return random.choice([None, value])

    return {
        "campaign": random.choice(CAMPAIGNS),
        "customer_id": f"any-{number}",
        "customer_key": f"any-{number % 7}",
        "generation": number,
        "client_token": f"any-{number}",
        "request": "{}",
        "fingerprint": "print",
        "messages": [],
        "planned_at": NOW,
        **any_progress(random, perhaps),
    }


def any_progress(random: Random, perhaps: Any) -> dict[str, Any]:
    return {
        "status": random.choice(list(Status)),
        "error_code": perhaps(random.choice(["WithdrawnByTable", "WithdrawnByPerson", "Other"])),
        "started_at": perhaps(NOW),
        "connected_at": perhaps(NOW),
        "first_reply_at": perhaps(NOW),
        "handed_over_at": perhaps(NOW),
        "transcript_complete": random.choice([None, False, True]),
        "items_skipped": random.randrange(3),
    }


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_written_to_contacts_and_refused_rows_is_counted(
    ledger: Ledger, ledger_url: str, seed: int
) -> None:
    random, columns = Random(seed), contacts.c  # noqa: S311 - no secret
    for name in CAMPAIGNS:
        ledger.plan(name, [planned(100 * CAMPAIGNS.index(name))], now=NOW)
    with engine_of(ledger_url) as engine:
        for number in range(1, 200):
            some = (columns.id % 5 == random.randrange(5)) & columns.customer_id.like("any-%")
            statement: Any = random.choice(
                [
                    sa.insert(contacts).values(
                        [any_contact(random, 2 * number), any_contact(random, 2 * number + 1)]
                    ),
                    sa.update(contacts)
                    .where(some)
                    .values(any_progress(random, lambda value: random.choice([None, value]))),
                    sa.update(contacts).where(some).values(campaign=random.choice(CAMPAIGNS)),
                    sa.update(contacts).where(some).values(claimed_by="w-1"),
                    sa.insert(refusals).values(
                        campaign=random.choice(CAMPAIGNS),
                        position=number,
                        status=random.choice(["rejected", "duplicate"]),
                        error_code="Invalid",
                        error_message="it is wrong",
                    ),
                    sa.delete(refusals).where(refusals.c.position % 5 == random.randrange(5)),
                ]
            )
            with engine.connect() as connection, connection.begin() as transaction:
                connection.execute(statement)
                if random.randrange(4) == 0:
                    transaction.rollback()
        assert miscounted(ledger_url) == {}
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql("SELECT fold_tallies()")
        assert miscounted(ledger_url) == {}
        with engine.begin() as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(tally_changes)) == 0
        assert ledger.miscounted() == {}


def test_what_was_undone_is_not_counted(ledger: Ledger, ledger_url: str) -> None:
    ledger.plan("renewals", [planned(1), planned(2)], now=NOW)
    with engine_of(ledger_url) as engine, engine.connect() as connection:
        connection.execute(as_status(1, "completed"))
        connection.rollback()

    counts = ledger.counts("renewals")

    assert (counts["planned"], counts["completed"]) == (2, 0)


def test_only_the_latest_of_a_customers_contacts_is_counted(ledger: Ledger) -> None:
    ledger.plan("renewals", [planned(1), planned(2)], now=NOW)
    claimed = {one.customer_id: one for one in claims(ledger)}
    over(ledger, claimed["c-1"])
    ledger.plan("renewals", [planned(1, generation=2)], now=NOW + timedelta(hours=1))
    ledger.plan("renewals", [planned(1, generation=3)], now=NOW + timedelta(hours=2))

    counts = ledger.counts("renewals")
    (told,) = (row for row in ledger.campaign_records() if row["campaign"] == "renewals")

    assert (counts["valid"], counts["planned"], counts["completed"]) == (2, 2, 0)
    assert counts["reached_started"] == 0
    assert (told["customers"], told["waiting"]) == (2, 2)
    # When it began is told of all contacts.
    assert (counts["planned_at"], counts["ended_at"]) == (NOW, NOW + timedelta(minutes=5))


def test_a_contact_of_an_earlier_version_for_which_another_stands_is_not_counted(
    ledger: Ledger, ledger_url: str
) -> None:
    ledger.plan("renewals", [planned(1)], now=NOW)
    aside = {"generation": 0, "client_token": "aside", "status": "failed"}
    with engine_of(ledger_url) as engine, engine.begin() as connection:
        row = connection.execute(sa.select(contacts)).mappings().one()
        values = {**{name: value for name, value in row.items() if name != "id"}, **aside}
        connection.execute(sa.insert(contacts).values(values))

    counts = ledger.counts("renewals")

    assert (counts["valid"], counts["failed"]) == (1, 0)


def test_refused_rows_are_counted_as_the_last_table_has_them(ledger: Ledger) -> None:
    def refused(position: int, status: Status) -> Refusal:
        return Refusal(
            position=position,
            customer_id=None,
            status=status,
            error_code="Invalid",
            error_message="it is wrong",
        )

    ledger.replace_refusals("renewals", [refused(n, Status.REJECTED) for n in range(5)])
    ledger.replace_refusals("renewals", [refused(1, Status.REJECTED), refused(2, Status.DUPLICATE)])

    counts = ledger.counts("renewals")

    assert (counts["rejected"], counts["duplicate"]) == (1, 1)


def test_an_end_that_a_fast_clock_wrote_is_not_taken_back(ledger: Ledger) -> None:
    ledger.plan("renewals", [planned(1)], now=NOW)
    ahead = NOW + timedelta(hours=1)
    ledger.withdraw("renewals", {"c-1": "the table"}, Withdrawal.BY_TABLE, now=ahead)
    ledger.withdraw("renewals", {"c-1": "a person"}, Withdrawal.BY_PERSON, now=NOW)

    (row,) = ledger.contact_records("renewals")

    assert (row["error_code"], row["ended_at"]) == ("WithdrawnByPerson", ahead)
    assert ledger.counts("renewals")["ended_at"] == ahead


def test_whoever_doubts_is_told_what_is_not_so(ledger: Ledger, ledger_url: str) -> None:
    ledger.plan("renewals", [planned(1)], now=NOW)
    told = "UPDATE tallies SET planned = planned + 1 WHERE campaign = 'renewals'"
    with engine_of(ledger_url) as engine:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql("SELECT fold_tallies()")
            connection.exec_driver_sql(told)

        assert ledger.miscounted() == {"renewals": {"planned": (2, 1)}}

        with engine.begin() as connection:
            connection.exec_driver_sql(told.replace("+", "-"))
    assert ledger.miscounted() == {}


def claims(ledger: Ledger) -> list[Any]:
    return ledger.claim("renewals", "w-1", most=100, now=NOW, terms=TERMS)


def over(ledger: Ledger, contact: Any) -> None:
    for status, changes in (
        (Status.STARTING, {"sent_at": NOW}),
        (Status.STARTED, {"started_at": NOW, "contact_id": "chat"}),
        (Status.COMPLETED, {"ended_at": NOW + timedelta(minutes=5)}),
    ):
        after = contact.advance(status, **changes)
        ledger.apply("w-1", [Progress(after, contact.status)])
        contact = after


# --- several at once, on PostgreSQL ---


def test_nobody_waits_for_the_counts_of_another_who_has_not_committed(
    server: tuple[str, Ledger],
) -> None:
    url, ledger = server
    with ExitStack() as stack:
        engine = stack.enter_context(engine_of(url))
        one, other = (stack.enter_context(engine.connect()) for _ in range(2))
        for connection in (one, other):
            connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
        # Crosswise: with a row for each campaign they would wait for each other for ever.
        one.execute(as_status(1, "starting"))
        other.execute(as_status(101, "starting"))
        one.execute(as_status(102, "starting"))
        other.execute(as_status(2, "starting"))
        assert ledger.counts("renewals")["starting"] == 0
        one.commit()
        assert ledger.counts("renewals")["starting"] == 1
        other.commit()

    assert [ledger.counts(name)["starting"] for name in CAMPAIGNS] == [2, 2]


def test_changes_are_added_up_while_others_write_and_nobody_waits(
    server: tuple[str, Ledger],
) -> None:
    url, ledger = server
    with ExitStack() as stack:
        engine = stack.enter_context(engine_of(url))
        one, other, third = (stack.enter_context(engine.connect()) for _ in range(3))
        for connection in (one, other, third):
            connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
        one.execute(as_status(1, "starting"))
        other.execute(as_status(2, "starting"))
        one.exec_driver_sql("SELECT fold_tallies()")
        # Somebody else adds up in this moment: that is left to a later one.
        other.exec_driver_sql("SELECT fold_tallies()")
        third.execute(as_status(3, "starting"))
        other.commit()
        one.rollback()
        third.commit()
    assert ledger.counts("renewals")["starting"] == 2

    with engine_of(url) as engine, engine.begin() as connection:
        connection.exec_driver_sql("SELECT fold_tallies()")
    assert ledger.counts("renewals")["starting"] == 2
    assert miscounted(url) == {}


def test_there_are_never_many_changes_that_are_not_added_up(server: tuple[str, Ledger]) -> None:
    url, ledger = server
    ledger.plan("renewals", [planned(number) for number in range(1_000, 2_600)], now=NOW)
    with engine_of(url) as engine:
        for number in range(1_000, 2_600):
            with engine.begin() as connection:
                connection.execute(as_status(number, "starting"))
        with engine.connect() as connection:
            left = connection.scalar(sa.select(sa.func.count()).select_from(tally_changes)) or 0

    # Two rows a change, of five hundred changes.
    assert left <= 1_000
    assert ledger.counts("renewals")["starting"] == 1_600


def test_rows_that_are_copied_in_are_counted(server: tuple[str, Ledger]) -> None:
    url, ledger = server
    names = "campaign, customer_id, customer_key, generation, status, client_token, request"
    statement = f"COPY contacts ({names}, fingerprint, messages, attempts, planned_at) FROM STDIN"
    with engine_of(url) as engine, engine.begin() as connection:
        cursor: Any = connection.connection.cursor()
        with cursor.copy(statement) as copy:
            for number in range(50):
                key = f"copied-{number}"
                row = ("winback", key, key, 1, "planned", key, "{}", "print", "[]", 0, NOW)
                copy.write_row(row)

    assert ledger.counts("winback")["planned"] == 70
