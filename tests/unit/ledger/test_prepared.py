"""A prepared statement writes what SQLAlchemy itself would write."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.ledger.database import insert_into
from connect_tasks.ledger.prepared import Prepared
from connect_tasks.ledger.redaction import insert_heard
from connect_tasks.ledger.rows import PROGRESS_COLUMNS, SAVE_PROGRESS
from connect_tasks.ledger.schema import contacts, items, metadata

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
CONTACT = {
    "id": 1,
    "campaign": "c",
    "customer_id": "ada",
    "generation": 1,
    "status": "planned",
    "client_token": "t",
    "request": "{}",
    "fingerprint": "f",
    "messages": [],
    "planned_at": NOON,
    "claimed_by": "w",
    "claimed_until": NOON,
}

texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone.max])
times = st.builds(
    lambda seconds, zone: (NOON + timedelta(seconds=seconds)).astimezone(zone),
    st.floats(-1e9, 5e9),
    zones,
)
names = st.text(max_size=3, alphabet="ab")
said = st.fixed_dictionaries(
    {
        "message_id": names,
        "absolute_time": times,
        "type": names,
        **dict.fromkeys(["content_type", "content", "participant_role"], texts),
        **dict.fromkeys(["participant_id", "display_name"], texts),
        "customer_id": st.sampled_from(["ada", "bob"]),
    }
)


@pytest.fixture(scope="module")
def engine() -> Iterator[sa.Engine]:
    made = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    metadata.create_all(made)
    with made.begin() as connection:
        connection.execute(sa.insert(contacts), CONTACT)
    yield made
    made.dispose()


def both(
    engine: sa.Engine, statement: sa.Insert | sa.Update, rows: list[dict[str, Any]], *query: Any
) -> list[list[Any]]:
    """What is there after each way, and how many rows each has changed."""
    found = []
    for is_prepared in (True, False):
        with engine.connect() as connection, connection.begin() as transaction:
            if is_prepared:
                count = Prepared(statement, engine.dialect).execute(connection, rows)
            else:
                counting = {"preserve_rowcount": True}
                count = connection.execute(statement, rows, execution_options=counting).rowcount
            found.append([count, *connection.execute(sa.select(*query)).all()])
            transaction.rollback()
    return found


@given(st.lists(said, min_size=1, max_size=5))
def test_what_was_heard_is_written_as_sqlalchemy_would(
    engine: sa.Engine, heard: list[dict[str, Any]]
) -> None:
    own = {"key": 1, "campaign": "c", "contact_id": "chat"}
    statement = insert_heard(insert_into(items, "sqlite")).on_conflict_do_nothing()

    prepared, plain = both(engine, statement, [{**own, **row} for row in heard], items)

    assert prepared == plain


@given(st.lists(st.tuples(times, texts, st.booleans(), st.none() | st.booleans()), min_size=1))
def test_progress_is_written_as_sqlalchemy_would(
    engine: sa.Engine, steps: list[tuple[Any, ...]]
) -> None:
    rows = [
        {
            **dict.fromkeys(PROGRESS_COLUMNS),
            "status": "planned",
            "attempts": 1,
            "items_skipped": 0,
            "was": "planned",
            "key": 1,
            "worker": "w",
            "sends": "{}",
            "release": release,
            "sent_at": time,
            "error_message": text,
            "transcript_complete": complete,
        }
        for time, text, release, complete in steps
    ]

    prepared, plain = both(engine, SAVE_PROGRESS, rows, contacts)

    assert prepared == plain


def test_nothing_is_written_as_the_column_has_it(engine: sa.Engine) -> None:
    said = sa.Table("said", sa.MetaData(), sa.Column("what", sa.JSON), sa.Column("of", sa.Text))
    said.create(engine)
    rows: list[dict[str, Any]] = [{"what": None, "of": None}, {"what": {"a": None}, "of": "b"}]

    prepared, plain = both(engine, sa.insert(said), rows, sa.cast(said.c.what, sa.Text))

    assert prepared == plain == [2, ("null",), ('{"a": null}',)]


def test_no_rows_are_no_statement(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        assert Prepared(SAVE_PROGRESS, engine.dialect).execute(connection, []) == 0
