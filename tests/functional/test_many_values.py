"""Thousands of rows asked for at once: each found as itself, and by an index, in both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from connect_tasks.campaign.policy.judge import PolicyJudge
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.ledger import Ledger
from connect_tasks.ledger.many_values import among, given
from connect_tasks.ledger.schema import suppressions
from connect_tasks.ledger.verdicts import Customer, Suppression

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
ODD = [
    "0042",
    "42",
    "4.2e1",
    "null",
    "true",
    "A",
    "a",
    'say "hi"',
    "it's",
    "back\\slash",
    "{a,b}",
    "[1]",
    "two\nlines",
    "Zoë",
    "\U0001f600",
    "%",
    ":name",
    "?",
]


@pytest.fixture(name="ledger")
def _ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger(ledger_url) as opened:
        yield opened


def test_each_text_is_found_as_itself_whatever_it_holds(ledger: Ledger) -> None:
    ledger.suppressions.add([(name, Suppression("all", "person", "test", NOW)) for name in ODD])
    column, dialect = suppressions.c.customer_id, ledger._engine.dialect.name
    with ledger._reading() as connection:
        for name in ODD:
            wanted = among(column, [name, "nobody"], dialect)
            assert connection.scalars(sa.select(column).where(wanted)).all() == [name]
        everybody = sa.select(column).where(among(column, ODD, dialect))
        assert sorted(connection.scalars(everybody)) == sorted(ODD)
        assert connection.scalars(sa.select(given(ODD, dialect).c.value)).all() == ODD
        assert connection.scalars(sa.select(column).where(among(column, [], dialect))).all() == []


def test_one_customer_in_two_forms_is_on_a_list_once(ledger: Ledger) -> None:
    entry = Suppression("all", "person", "test", NOW)
    ledger.suppressions.add([("42", entry)])

    assert ledger.suppressions.of(["42", "42.0", "42.00"], NOW) == {
        "42": (entry,),
        "42.0": (entry,),
    }


def test_a_list_that_does_not_count_keeps_nobody_out(ledger: Ledger) -> None:
    for name in ("news", "marketing", "B", "all"):
        ledger.suppressions.add([("0042", Suppression(name, "person", "test", NOW))])
    judge = PolicyJudge(OutreachPolicy(suppression=["marketing"]))
    ada = Customer(customer_key="0042", planned_at=NOW)
    theirs = ledger.suppressions.of(["0042"], NOW)["0042"]

    assert [one.list for one in theirs] == ["B", "all", "marketing", "news"]
    why = ledger.verdicts([ada], judge, now=NOW)["0042"].why

    assert [each.value for each in why] == ["all", "marketing"]


def test_a_customers_past_is_found_by_indexes_and_not_by_reading_everybodys(
    ledger: Ledger,
) -> None:
    ledger.suppressions.add([("0042", Suppression("all", "person", "test", NOW))])
    limits = {"limits": [{"max_count_per_recipient": 2, "frequency": 7}]}
    judge = PolicyJudge(OutreachPolicy.model_validate({"communication_limits": limits}))
    ada = Customer(customer_key="0042", planned_at=NOW)
    asked: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        asked.append((statement, parameters))

    sa.event.listen(ledger._engine, "before_cursor_execute", note)
    ledger.verdicts([ada], judge, now=NOW, campaign="calls")
    sa.event.remove(ledger._engine, "before_cursor_execute", note)

    plans = "\n".join(plan_of(ledger, *each) for each in asked)
    assert "contacts_by_recipient" in plans
    assert "invitations_by_recipient" in plans
    assert "suppressions_pkey" in plans or "sqlite_autoindex_suppressions_1" in plans
    assert not [line for line in plans.splitlines() if "SCAN contacts" in line]


def plan_of(ledger: Ledger, statement: str, parameters: Any) -> str:
    with ledger._reading() as connection:
        if ledger._engine.dialect.name == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        else:
            # Of empty tables it would rather read all, and be right.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        return "\n".join(str(row) for row in rows)
