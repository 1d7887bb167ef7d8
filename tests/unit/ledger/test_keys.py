"""Contacts of before there were keys: who stands for a customer, and who is let alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.keys import fill_in_keys
from connect_tasks.ledger.schema import contacts, metadata, refusals

CAMPAIGN = "renewals"
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
# How far each has come, the first one the furthest.
WAYS = ["completed", "connected", "started", "unknown", "starting", "failed", "planned"]

UNIQUE = next(index for index in contacts.indexes if index.name == "contacts_by_key")


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    with opened() as connection:
        yield connection


@contextmanager
def opened() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://", poolclass=sa.NullPool)
    with engine.connect() as connection:
        metadata.create_all(connection)
        # It is made when each contact has its key, as in the migration.
        UNIQUE.drop(connection)
        yield connection


def enter(
    connection: sa.Connection,
    *rows: tuple[str, str],
    campaign: str = CAMPAIGN,
    generation: int = 1,
    is_sent: bool = False,
) -> None:
    for customer_id, status in rows:
        values = {
            "campaign": campaign,
            "customer_id": customer_id,
            "customer_key": customer_id,
            "generation": generation,
            "status": status,
            "client_token": f"{campaign}/{customer_id}/{generation}",
            "request": "{}",
            "fingerprint": "f",
            "messages": [],
            "planned_at": NOW,
            "sent_at": NOW if is_sent else None,
            "claimed_by": "a worker",
            "claimed_until": NOW,
        }
        connection.execute(sa.insert(contacts).values(values))


def standing(connection: sa.Connection) -> dict[tuple[str, int], tuple[str, str]]:
    """By key and generation: whose row it is, and how far it has come."""
    fill_in_keys(connection)
    UNIQUE.create(connection)
    rows = connection.execute(sa.select(contacts))
    return {(r.customer_key, r.generation): (r.customer_id, r.status) for r in rows}


def test_ids_that_are_their_own_keys_stay_as_they_are(connection: sa.Connection) -> None:
    enter(connection, ("0042", "completed"), ("ada", "planned"), ("-7", "unknown"))

    assert standing(connection) == {
        ("0042", 1): ("0042", "completed"),
        ("ada", 1): ("ada", "planned"),
        ("-7", 1): ("-7", "unknown"),
    }


def test_whoever_came_furthest_stands_for_ids_that_look_the_same(
    connection: sa.Connection,
) -> None:
    enter(connection, ("ada", "planned"), (" ada", "started"), ("ada\u200b", "failed"))

    assert standing(connection) == {
        ("ada", 1): (" ada", "started"),
        ("ada", 0): ("ada", "failed"),
        ("ada", -1): ("ada\u200b", "failed"),
    }


def test_an_id_has_its_generations_with_it(connection: sa.Connection) -> None:
    enter(connection, ("ada ", "completed"), ("ada", "planned"))
    enter(connection, ("ada ", "started"), generation=2)

    assert standing(connection) == {
        ("ada", 1): ("ada ", "completed"),
        ("ada", 2): ("ada ", "started"),
        ("ada", 0): ("ada", "failed"),
    }


def test_campaigns_have_nothing_to_do_with_each_other(connection: sa.Connection) -> None:
    enter(connection, ("ada ", "planned"))
    enter(connection, ("ada", "planned"), campaign="survey")

    fill_in_keys(connection)

    rows = connection.execute(sa.select(contacts.c.customer_key, contacts.c.status)).all()
    assert rows == [("ada", "planned"), ("ada", "planned")]


@pytest.mark.parametrize(
    ("number", "of_pandas", "stands"),
    [("completed", "planned", "42"), ("planned", "completed", "42.0"), ("planned",) * 2 + ("42",)],
)
def test_a_number_that_pandas_made_a_float_is_contacted_under_one_id(
    connection: sa.Connection, number: str, of_pandas: str, stands: str
) -> None:
    enter(connection, ("42", number), ("42.0", of_pandas))

    ways = {key: status for (key, _), (_, status) in standing(connection).items()}

    assert ways.pop(stands) == {"42": number, "42.0": of_pandas}[stands]
    assert list(ways.values()) == ["failed"]


def test_what_was_sent_is_not_called_failed_though_it_does_not_stand(
    connection: sa.Connection,
) -> None:
    enter(connection, ("ada", "completed"))
    enter(connection, ("ada ", "starting"), is_sent=True)

    assert standing(connection)["ada", 0] == ("ada ", "starting")


def test_whoever_does_not_stand_is_told_so_and_let_go(connection: sa.Connection) -> None:
    enter(connection, ("ada", "completed"), ("ada ", "planned"))

    fill_in_keys(connection)

    row = connection.execute(sa.select(contacts).where(contacts.c.generation < 1)).one()
    assert (row.error_code, row.claimed_by, row.claimed_until) == ("SameCustomer", None, None)
    assert "its id is that of another contact" in row.error_message


def test_refused_rows_have_keys_and_those_without_an_id_have_none(
    connection: sa.Connection,
) -> None:
    names = itself, odd, nobody = "ada", "ada\u00a0", None
    for number, name in enumerate(names):
        values = {
            "campaign": CAMPAIGN,
            "position": number,
            "customer_id": name,
            "status": "refused",
            "error_code": "BadRow",
            "error_message": "is empty",
        }
        connection.execute(sa.insert(refusals).values(values))

    fill_in_keys(connection)

    rows = connection.execute(sa.select(refusals.c.customer_id, refusals.c.customer_key)).all()
    assert set(rows) == {(itself, "ada"), (odd, "ada"), (nobody, None)}


IDS = st.sampled_from(["ada", " ada", "ada\u200b", "42", "42.0", " 42", "42.0 ", "zoe"])


@given(st.dictionaries(IDS, st.sampled_from(WAYS), min_size=1))
def test_at_most_one_row_of_a_customer_waits_and_no_way_that_was_gone_is_lost(
    ways: dict[str, str],
) -> None:
    with opened() as connection:
        enter(connection, *ways.items())
        rows = standing(connection)

    waiting = [key.removesuffix(".0") for (key, _), (_, way) in rows.items() if way == "planned"]
    assert len(waiting) == len(set(waiting))
    gone = {name: way for name, way in ways.items() if way not in {"planned", "starting"}}
    assert gone.items() <= dict(rows.values()).items()
    assert {Status(way) for _, way in rows.values()} <= {Status(way) for way in WAYS}
