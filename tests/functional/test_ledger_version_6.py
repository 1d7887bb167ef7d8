"""A ledger of version 6, before there were policies, opens, keeps all that is in it, and goes on.

`data/ledger_version_6.sql` and its brother for PostgreSQL were written by the code of that version
and dumped. In `renewals` 0000 (forgotten since) and 0001 are completed, of 0002 nobody knows
whether a chat was made, 0003 is being started and 0004 claimed by a worker that died, 0005 to 0007
are planned, 0008 was withdrawn, and a row was refused. In `links`, by invitation, a has pressed the
button, b has not, and c's link was revoked.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.aws.pacing.clock import SystemClock
from connect_tasks.campaign import CampaignResult, run_campaign, select
from connect_tasks.campaign.audit import decisions
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.emulator import LocalConnect
from connect_tasks.ledger import Ledger
from connect_tasks.ledger.database import make_engine
from connect_tasks.ledger.schema import SCHEMA_VERSION
from tests.functional.world import FAST, QUICK, session
from tests.postgresql import new_database

DATA = Path(__file__).parents[1] / "data"
CONVERSATION = Conversation(settle_seconds=0, messages=("{{ score }}",), max_replies=1)
OLD_TABLES = ("campaigns", "contacts", "refusals", "items", "invitations", "collected")


class LaterClock(SystemClock):
    """A clock that goes on two minutes after the ledger was written."""

    def __init__(self, written_at: datetime) -> None:
        self._ahead = written_at + timedelta(minutes=2) - datetime.now(UTC)

    def now(self) -> datetime:
        return super().now() + self._ahead


@pytest.fixture
def old(ledger_url: str) -> str:
    """The URL of a ledger that the earlier version left behind."""
    if ledger_url.startswith("sqlite"):
        script = (DATA / "ledger_version_6.sql").read_text(encoding="utf-8")
        with closing(sqlite3.connect(ledger_url.removeprefix("sqlite:///"))) as database:
            database.executescript(script)
        return ledger_url
    script = (DATA / "ledger_version_6_postgresql.sql").read_text(encoding="utf-8")
    engine = make_engine(ledger_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(script)
    engine.dispose()
    return ledger_url


@pytest.fixture
def opened(old: str) -> Iterator[Ledger]:
    with Ledger(old) as ledger:
        yield ledger


def read(url: str, query: str) -> list[dict[str, Any]]:
    """Rows past our own code."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            rows = connection.exec_driver_sql(query).mappings().all()
            return sorted(({str(k): v for k, v in row.items()} for row in rows), key=str)
    finally:
        engine.dispose()


def described(url: str) -> dict[str, Any]:
    """Every table with its columns and keys, and every index, as the database tells them."""
    engine = make_engine(url)
    try:
        there = sa.inspect(engine)
        return {name: _described(there, name) for name in there.get_table_names()}
    finally:
        engine.dispose()


def _described(there: sa.Inspector, table: str) -> Any:
    columns = {
        # The same to both databases.
        column["name"]: (str(column["type"]).replace("DATETIME", "TIMESTAMP"), column["nullable"])
        for column in there.get_columns(table)
    }
    indexes = sorted(
        (str(one["name"]), one["column_names"], bool(one["unique"]), _where(one))
        for one in there.get_indexes(table)
    )
    return columns, there.get_pk_constraint(table)["constrained_columns"], indexes


def _where(index: Any) -> str:
    return " ".join(map(str, index.get("dialect_options", {}).values())).strip("()")


def test_its_tables_and_indexes_become_those_of_a_new_ledger(
    old: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    Ledger(old).close()
    if old.startswith("sqlite"):
        new = f"sqlite:///{tmp_path / 'new.db'}"
    else:
        new = request.getfixturevalue("another_database")
    Ledger(new).close()

    assert described(old) == described(new)
    assert read(old, "SELECT schema_version FROM ledger") == [{"schema_version": SCHEMA_VERSION}]


@pytest.fixture
def another_database() -> Iterator[str]:
    with new_database() as url:
        yield url


def test_nothing_that_is_in_it_changes(old: str) -> None:
    before = {table: read(old, f"SELECT * FROM {table}") for table in OLD_TABLES}  # noqa: S608
    columns = {table: ", ".join(rows[0]) for table, rows in before.items()}
    assert all(before.values())

    for _ in range(2):
        Ledger(old).close()
        for table, rows in before.items():
            assert read(old, f"SELECT {columns[table]} FROM {table}") == rows  # noqa: S608


def test_nobody_waits_for_a_policy_that_there_was_not(old: str) -> None:
    Ledger(old).close()

    for row in read(old, "SELECT not_before, time_zone, variant FROM contacts"):
        assert set(row.values()) == {None}
    for row in read(old, "SELECT policy, limits_group, ramp_step FROM campaigns"):
        assert row == {"policy": None, "limits_group": None, "ramp_step": 0}
    assert decisions(old).empty
    assert read(old, "SELECT * FROM suppressions") == []


def test_links_that_were_given_out_count_from_when_they_were_issued(old: str) -> None:
    Ledger(old).close()

    links = read(old, "SELECT issued_at, not_before, not_after FROM invitations")
    assert len(links) == 3
    assert [link["not_before"] for link in links] == [link["issued_at"] for link in links]
    assert {link["not_after"] for link in links} == {None}


def test_it_gets_a_key_for_hashes_once(old: str) -> None:
    Ledger(old).close()
    (first,) = read(old, "SELECT hash_key FROM ledger")
    Ledger(old).close()

    assert len(bytes.fromhex(first["hash_key"])) == 32
    assert read(old, "SELECT hash_key FROM ledger") == [first]


def test_its_results_can_be_read_without_any_run(opened: Ledger) -> None:
    contacts = CampaignResult("renewals", opened.url).contacts
    told = dict(zip(contacts["customer_id"], contacts["status"], strict=True))
    forgotten = [name for name in told if name.startswith("forgotten-")]

    assert {name: told[name] for name in told if name not in forgotten} == {
        "0001": "completed",
        "0002": "unknown",
        "0003": "starting",
        **dict.fromkeys(["0004", "0005", "0006", "0007"], "planned"),
        "0008": "failed",
        "0900": "rejected",
    }
    assert [told[name] for name in forgotten] == ["completed"]
    assert opened.counts("links")["unopened"] == 1
    assert list(select("links", status="unopened", ledger=opened)["customer_id"]) == ["b"]


def go_on(ledger: Ledger, local: LocalConnect, campaign: str, clock: LaterClock) -> None:
    options = ClientOptions(parameters={"endpoint_url": local.endpoint_url})
    instance = Instance(api=ConnectApi(session, options), quotas=FAST, policy=QUICK)
    run_campaign(ledger, campaign, instance, conversation=CONVERSATION, clock=clock)


@pytest.fixture
def clock(opened: Ledger) -> LaterClock:
    return LaterClock(max(row["planned_at"] for row in opened.contact_records("renewals")))


def test_only_those_who_are_left_are_contacted_each_once(
    opened: Ledger, local: LocalConnect, clock: LaterClock
) -> None:
    go_on(opened, local, "renewals", clock)

    left = ["0003", "0004", "0005", "0006", "0007"]
    assert sorted(str(one.customer_id) for one in local.contacts) == left


def test_limits_of_a_new_campaign_count_whom_the_earlier_version_contacted(
    opened: Ledger, local: LocalConnect, clock: LaterClock
) -> None:
    # 0001 and 0003 were sent something minutes ago, b has a link that nobody pressed; of 0002
    # that is two days ago, and 0005 waits in another campaign.
    customers = ["0001", "0002", "0003", "0005", "b", "new"]
    limits = {"limits": [{"max_count_per_recipient": 1, "frequency": 1}]}
    policy = OutreachPolicy.model_validate({"communication_limits": limits})
    stored = policy.model_dump(mode="json")
    opened.open_campaign("again", local.instance_id, now=clock.now(), policy=stored)
    renderer = ChatTemplate().bind(
        instance_id=local.instance_id,
        contact_flow_id=local.flow_id,
        conversation=CONVERSATION,
    )
    rows = [{"customer_id": name, "display_name": "Ada", "score": "9"} for name in customers]
    plan_campaign(opened, "again", [rows], renderer, now=clock.now(), policy=policy)
    go_on(opened, local, "again", clock)

    assert sorted(str(one.customer_id) for one in local.contacts) == ["0002", "0005", "new"]
    waiting = decisions(opened, campaign="again").query("decision == 'defer'")
    assert sorted(waiting["customer_id"].unique()) == ["0001", "0003", "b"]
    assert set(waiting["rule"]) == {"frequency_capped"}
