"""Databases of users, one of each kind: a query's rows in, a result's rows out."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from connect_tasks.campaign.results import CampaignResult
from connect_tasks.databases.opening import Database
from connect_tasks.errors import InputError
from connect_tasks.tables.layouts import CONTACTS, REPLIES
from connect_tasks.tables.reading import open_table
from connect_tasks.tables.shared_tables import SharedTable, SharedTables
from connect_tasks.tables.sql_query import SqlQuery

NOON = datetime(2026, 11, 1, 12, 30, 15, 250_000, tzinfo=UTC)


@pytest.fixture
def engine(ledger_url: str) -> Any:
    """An empty database of the user's own."""
    engine = sa.create_engine(ledger_url.replace("postgresql://", "postgresql+psycopg://"))
    yield engine
    engine.dispose()


def read(query: SqlQuery) -> list[dict[str, Any]]:
    return [row for chunk in open_table(query).chunks() for row in chunk]


def shared(**reply: Any) -> SharedTables:
    contact = {"customer_id": "0042", "status": "completed", "attempts": 2, "planned_at": NOON}
    whole = {
        "contacts": SharedTable(CONTACTS, [contact]),
        "replies": SharedTable(REPLIES, [{"customer_id": "0042", **reply}]),
    }
    return SharedTables("f00d", "renewals", NOON, whole)


def test_types_are_right_in_a_database_of_each_kind(ledger_url: str, engine: sa.Engine) -> None:
    reply = {"number": 1, "answer": "a\0b 🎉", "seconds_to_answer": 0.5, "possible_opt_out": False}
    for _ in range(2):
        shared(**reply).replace_in(Database(ledger_url), "ct_")

    there = sa.MetaData()
    there.reflect(engine)
    with engine.connect() as connection:
        contacts, replies = there.tables["ct_contacts"], there.tables["ct_replies"]
        (contact,) = connection.execute(sa.select(contacts)).mappings()
        (answer,) = connection.execute(sa.select(replies)).mappings()
    planned = contact["planned_at"]

    assert planned.replace(tzinfo=planned.tzinfo or UTC) == NOON
    assert (contact["campaign"], contact["attempts"], contact["ended_at"]) == ("renewals", 2, None)
    assert answer["seconds_to_answer"] == 0.5
    assert answer["possible_opt_out"] is False
    assert answer["answer"] == "a\ufffdb 🎉"
    assert isinstance(contacts.c["attempts"].type, sa.BigInteger)


def test_a_result_goes_into_the_ledgers_own_database_too(ledger_url: str) -> None:
    from connect_tasks.ledger.store import Ledger

    with Ledger(ledger_url) as ledger:
        ledger.open_campaign("renewals", "i-1", now=NOON)
        result = CampaignResult("renewals", ledger.url)
        result.to_database(ledger.url)
        result.to_database(ledger.url)
        with pytest.raises(InputError, match=r"The table 'contacts' in .* is somebody else's"):
            result.to_database(ledger.url, prefix="")


def test_a_query_of_each_kind_of_database_is_read_as_its_cells_are(
    ledger_url: str, engine: sa.Engine
) -> None:
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no types of its own: tests/unit/tables/test_sql_query.py")
    query = SqlQuery(
        "SELECT '007'::text AS id, 1.10::numeric AS amount, 2::numeric AS whole,"
        " date '2026-11-01' AS day, timestamptz '2026-11-01 12:30:15.25+00' AS at,"
        " 9007199254740993::bigint AS large, ARRAY['a'] AS tags, '{\"a\": 1}'::jsonb AS more,"
        " interval '1 day' AS span, NULL::text AS nothing, 'a%b' AS percent",
        url=ledger_url,
    )

    assert read(query) == [
        {
            "id": "007",
            "amount": Decimal("1.10"),
            "whole": 2,
            "day": date(2026, 11, 1),
            "at": NOON,
            "large": 9007199254740993,
            "tags": ["a"],
            "more": {"a": 1},
            "span": timedelta(days=1),
            "nothing": None,
            "percent": "a%b",
        }
    ]
    many = SqlQuery("SELECT i FROM generate_series(1, 25000) i ORDER BY i", url=ledger_url)
    assert [row["i"] for row in read(many)] == list(range(1, 25_001))


def test_a_query_of_postgresql_changes_nothing_and_tells_no_value(
    ledger_url: str, engine: sa.Engine
) -> None:
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLite: tests/unit/tables/test_sql_query.py")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE buyers (name text)")
        connection.exec_driver_sql("INSERT INTO buyers VALUES ('Ada')")
        connection.exec_driver_sql(
            "CREATE FUNCTION wipe() RETURNS text LANGUAGE sql AS"
            " 'DELETE FROM buyers RETURNING name'"
        )

    refused = {
        "SELECT wipe()": "read-only transaction",
        "DELETE FROM buyers RETURNING name": 'syntax error at or near "DELETE"',
        "SELECT name::integer FROM buyers": r"cannot be converted or is refused \(22P02\)",
        "SELECT nam FROM buyers": 'column "nam" does not exist',
    }
    for query, told in refused.items():
        with pytest.raises(InputError, match=told) as caught:
            open_table(SqlQuery(query, url=ledger_url))
        assert "Ada" not in str(caught.value)
    assert read(SqlQuery("SELECT * FROM buyers", url=ledger_url)) == [{"name": "Ada"}]


@pytest.fixture(params=["options", "engine"])
def committing(request: pytest.FixtureRequest, engine: sa.Engine) -> Any:
    """The same database by an engine that commits each statement by itself."""
    if request.param == "options":
        yield engine.execution_options(isolation_level="AUTOCOMMIT")
        return
    made = sa.create_engine(engine.url, isolation_level="AUTOCOMMIT")
    yield made
    made.dispose()


def test_what_fails_leaves_the_rows_of_before_whatever_the_engines_own_transactions_are(
    committing: sa.Engine,
) -> None:
    def broken() -> Any:
        yield {"customer_id": "0043"}
        raise RuntimeError("no more")

    shared(answer="yes").replace_in(Database(committing), "ct_")
    table = {"contacts": SharedTable(CONTACTS, broken())}
    with pytest.raises(RuntimeError):
        SharedTables("f00d", "renewals", NOON, table).replace_in(Database(committing), "ct_")

    with committing.connect() as connection:
        found = connection.exec_driver_sql("SELECT customer_id FROM ct_contacts").all()
    assert found == [("0042",)]


def test_a_query_is_read_whatever_the_engines_own_transactions_are(committing: sa.Engine) -> None:
    shared(answer="yes").replace_in(Database(committing), "ct_")
    query = SqlQuery("SELECT customer_id FROM ct_contacts", connector=committing)

    assert read(query) == [{"customer_id": "0042"}]
