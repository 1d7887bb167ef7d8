"""Who was contacted and who was not is on record: in order, for as long as its user keeps it."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connect_tasks.campaign import CampaignResult
from connect_tasks.campaign.audit import decisions, prune_decisions, write_decisions
from connect_tasks.campaign.manage import withdraw
from connect_tasks.errors import InputError
from connect_tasks.flows import audit as audit_flows
from connect_tasks.ledger import forget
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.database import make_engine
from connect_tasks.ledger.schema import decisions as decided
from connect_tasks.ledger.store import Ledger
from connect_tasks.ledger.verdicts import Suppression
from tests.functional.judged_world import DAY, HOUR, NOON, JudgedLinks, Rules

TERMS = ClaimTerms(lease=timedelta(seconds=30), token_validity=timedelta(hours=24))
COLUMNS = {
    **dict.fromkeys(["campaign", "customer_id"], "string"),
    "decided_at": "datetime64[us, UTC]",
    **dict.fromkeys(["moment", "decision", "rule", "value"], "string"),
    "until": "datetime64[us, UTC]",
    **dict.fromkeys(["reasons", "policy"], "string"),
}
PACKAGE = Path(__file__).parents[2] / "connect_tasks"


@pytest.fixture
def here(ledger_url: str) -> Iterator[JudgedLinks]:
    with Ledger(ledger_url) as ledger:
        yield JudgedLinks(ledger)


def claim(here: JudgedLinks, campaign: str = "renewals", **rules: Any) -> list[str]:
    """Ask a policy of some rules who may be contacted now, and be given those."""
    found = here.ledger.claim(
        campaign, "w", most=100, now=here.now, terms=TERMS, judge=lambda: Rules(**rules)
    )
    return [contact.customer_id for contact in found]


def enter(here: JudgedLinks, *customers: str, campaign: str = "renewals") -> None:
    here.enter(*customers, campaign=campaign, mode=CampaignMode.SIMULATION)


def opt_out(here: JudgedLinks, customer: str) -> None:
    entry = Suppression(list="all", reason="person", source="", added_at=here.now - DAY)
    here.ledger.suppressions.add([(customer, entry)])


def told(table: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return list(table[list(columns)].astype(object).itertuples(index=False, name=None))


def insert(url: str, rows: Sequence[dict[str, Any]]) -> None:
    """Decisions of long ago, past our own code."""
    usual = {"campaign": "renewals", "customer_id": "c", "customer_key": "c", "moment": "claim"}
    more = {"decision": "allow", "rule": "allowed", "value": "", "reasons": ["allowed"]}
    engine = make_engine(url)
    with engine.begin() as connection:
        values = [{**usual, **more, "policy": "f-0", **row} for row in rows]
        connection.execute(sa.insert(decided), values)
    engine.dispose()


# --- what it says ---


def test_each_decision_is_a_row_with_its_rule_and_all_reasons(here: JudgedLinks) -> None:
    enter(here, "out", "held", "may")
    opt_out(here, "out")
    assert claim(here, held_out=["held"]) == ["may"]
    table = CampaignResult("renewals", here.ledger.url).decisions

    assert table.dtypes.astype(str).to_dict() == COLUMNS
    assert told(table, "customer_id", "moment", "decision", "rule", "value", "reasons") == [
        ("out", "claim", "suppress", "opted_out", "all", "opted_out (all)"),
        ("held", "claim", "hold_out", "held_out", "", "held_out"),
    ]
    assert set(table["decided_at"]) == {pd.Timestamp(here.now)}
    assert set(table["policy"]) == {"f-1"}
    assert table["until"].isna().all()


def test_who_has_to_wait_is_told_until_when(here: JudgedLinks) -> None:
    enter(here, "a")
    assert claim(here, opens=14, closes=18) == []

    (row,) = told(decisions(here.ledger), "decision", "rule", "value", "until")
    assert row == ("defer", "outside_hours", "14-18", pd.Timestamp(NOON + 2 * HOUR))


def test_a_campaign_without_a_policy_has_the_table_without_rows(here: JudgedLinks) -> None:
    enter(here, "a")
    here.ledger.claim("renewals", "w", most=1, now=here.now, terms=TERMS)
    table = CampaignResult("renewals", here.ledger.url).decisions

    assert table.empty
    assert table.dtypes.astype(str).to_dict() == COLUMNS


def test_a_result_reads_only_its_own_campaign(here: JudgedLinks) -> None:
    for campaign in ("renewals", "surveys"):
        enter(here, "a", campaign=campaign)
        claim(here, campaign, opens=14, closes=18)

    assert told(CampaignResult("surveys", here.ledger.url).decisions, "campaign") == [("surveys",)]
    assert told(decisions(here.ledger), "campaign") == [("renewals",), ("surveys",)]
    # Named as a person would.
    assert len(decisions(here.ledger, campaign=" surveys ")) == 1


def test_decisions_are_asked_for_by_customer_and_time(here: JudgedLinks) -> None:
    enter(here, "0042", "7")
    claim(here, opens=14, closes=18)
    here.now += DAY
    claim(here, opens=14, closes=18)

    assert len(decisions(here.ledger, customer_id=" 0042\N{ZERO WIDTH SPACE}")) == 2
    assert len(decisions(here.ledger, since=NOON)) == 4
    assert len(decisions(here.ledger, since=NOON + timedelta(microseconds=1))) == 2
    later = (NOON + DAY).astimezone(timezone(timedelta(hours=9)))
    assert told(decisions(here.ledger, customer_id="7", since=later), "customer_id") == [("7",)]
    for nobody in ("none", "", " ", "a\0b"):
        assert decisions(here.ledger, customer_id=nobody).empty
    for seven in (7, 7.0, np.int64(7)):
        assert len(decisions(here.ledger, customer_id=seven)) == 2  # type: ignore[arg-type]


def test_what_is_asked_for_wrongly_is_told(here: JudgedLinks) -> None:
    enter(here, "a")

    with pytest.raises(InputError, match="renewals"):
        decisions(here.ledger, campaign="renewal")
    for moment in (datetime(2026, 1, 1), date(2026, 1, 1), "2026-01-01"):  # noqa: DTZ001 - the fault
        with pytest.raises(InputError, match="since is no time with a zone"):
            decisions(here.ledger, since=moment)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="before is no time with a zone"):
            prune_decisions(before=moment, ledger=here.ledger)  # type: ignore[arg-type]
    for fault in (4.2, True, ["7"], object(), float("nan")):
        with pytest.raises(InputError, match="customer_id is no id"):
            decisions(here.ledger, customer_id=fault)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no ledger"):
        prune_decisions(before=NOON, ledger="sqlite:///nowhere/ledger.db")


# --- that it stays ---


def test_only_retention_removes_decisions_and_only_forgetting_renames_in_them() -> None:
    writes = re.compile(
        r"\b(delete|update)\(\s*decisions\b|(DELETE FROM|UPDATE|DROP TABLE) decisions"
    )
    found = {
        path.relative_to(PACKAGE).as_posix(): sorted({m[1] or m[2] for m in matches})
        for path in PACKAGE.rglob("*.py")
        if (matches := list(writes.finditer(path.read_text(encoding="utf-8"))))
    }

    assert found == {"ledger/audit.py": ["delete"], "ledger/unnaming.py": ["update"]}


_REFUSED = "BEGIN SELECT RAISE(ABORT, 'a decision was changed'); END"
_REFUSING = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
_EACH = "FOR EACH ROW EXECUTE FUNCTION refuse()"
_FROZEN = {
    "sqlite": [
        f"CREATE TRIGGER frozen_{what} BEFORE {what} ON decisions {_REFUSED}"
        for what in ("update", "delete")
    ],
    "postgresql": [
        f"{_REFUSING} $$ BEGIN RAISE EXCEPTION 'a decision was changed'; END $$",
        f"CREATE TRIGGER frozen BEFORE UPDATE OR DELETE ON decisions {_EACH}",
    ],
}


def freeze(url: str) -> None:
    """Have the database refuse whatever changes or removes a decision."""
    engine = make_engine(url)
    with engine.begin() as connection:
        for statement in _FROZEN[engine.dialect.name]:
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_what_a_campaign_goes_through_changes_no_decision(here: JudgedLinks) -> None:
    freeze(here.ledger.url)
    enter(here, "a", "b", "c", "d")
    opt_out(here, "d")
    claim(here, opens=14, closes=18)
    before = decisions(here.ledger)
    here.now += DAY
    enter(here, "a", "b", "c", "d")
    claim(here)
    withdraw("renewals", ["c"], here.ledger)
    here.rules = Rules(opens=14, closes=18)
    here.invite("a", "b", campaign="links")
    here.now += DAY
    here.issue("a", "b", campaign="links")
    here.ledger.invitations.revoke("links", ["b"], now=here.now)

    after = decisions(here.ledger)
    assert len(after) > len(before) > 0
    pd.testing.assert_frame_equal(after.iloc[: len(before)], before)
    assert after["decided_at"].is_monotonic_increasing


def test_the_databases_of_these_tests_would_refuse_a_change(here: JudgedLinks) -> None:
    enter(here, "a")
    claim(here, opens=14, closes=18)
    freeze(here.ledger.url)

    with pytest.raises(Exception, match="a decision was changed"):
        prune_decisions(before=here.now + DAY, ledger=here.ledger)


def test_who_was_forgotten_has_another_name_and_is_found_by_their_own(here: JudgedLinks) -> None:
    enter(here, "Ada", "Bob")
    enter(here, "Ada", campaign="surveys")
    for campaign in ("renewals", "surveys"):
        claim(here, campaign, opens=14, closes=18)
        here.ledger.release(campaign, "w")
    before = decisions(here.ledger)
    forget("Ada", here.ledger.url, overwrite=False)
    after = decisions(here.ledger)

    assert told(after, *list(COLUMNS)[2:]) == told(before, *list(COLUMNS)[2:])
    assert "Ada" not in after.to_csv()
    assert told(decisions(here.ledger, customer_id="Ada"), "campaign") == [
        ("renewals",),
        ("surveys",),
    ]
    assert len(decisions(here.ledger, customer_id="Ada", campaign="surveys")) == 1
    assert told(decisions(here.ledger, customer_id="Bob"), "customer_id") == [("Bob",)]


# --- how long it stays ---


def test_only_what_is_older_is_removed_of_all_campaigns_and_how_much_is_said(
    here: JudgedLinks,
) -> None:
    for campaign in ("renewals", "surveys"):
        enter(here, "a", campaign=campaign)
    for _ in range(3):
        for campaign in ("renewals", "surveys"):
            claim(here, campaign, opens=14, closes=18)
        here.now += DAY
    kept = decisions(here.ledger).iloc[2:].reset_index(drop=True)

    # The first time that is kept is the second day's, to the microsecond.
    assert prune_decisions(before=NOON + DAY, ledger=here.ledger) == 2
    pd.testing.assert_frame_equal(decisions(here.ledger), kept)
    assert prune_decisions(before=NOON + DAY, ledger=here.ledger) == 0
    assert prune_decisions(before=NOON - 900 * DAY, ledger=here.ledger) == 0


def test_limits_hold_though_nothing_is_on_record_any_more(here: JudgedLinks) -> None:
    enter(here, "a")
    enter(here, "a", campaign="surveys")
    (contact,) = here.ledger.claim("renewals", "w", most=1, now=here.now, terms=TERMS, judge=Rules)
    with here.ledger._writing() as connection:
        table = sa.table("contacts", sa.column("id"), sa.column("sent_at"))
        sent = sa.update(table).where(table.c.id == contact.id)
        connection.execute(sent.values(sent_at=here.now.replace(tzinfo=None)))
    before = here.ledger.counts("renewals")
    prune_decisions(before=here.now + DAY, ledger=here.ledger)

    assert here.ledger.counts("renewals") == before
    assert claim(here, "surveys", cap=1, look_back=7 * DAY) == []
    assert told(decisions(here.ledger), "rule") == [("frequency_capped",)]


def test_many_decisions_are_removed_in_pieces_and_those_between_stay(here: JudgedLinks) -> None:
    ages = [NOON - timedelta(days=10 if n % 5 else 1, seconds=n) for n in range(31_000)]
    insert(here.ledger.url, [{"decided_at": at} for at in ages])

    assert prune_decisions(before=NOON - 5 * DAY, ledger=here.ledger) == 24_800
    left = decisions(here.ledger)["decided_at"]
    assert left.tolist() == [pd.Timestamp(at) for at in ages if at >= NOON - 5 * DAY]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ages=st.lists(st.integers(0, 8), max_size=12), keep=st.integers(0, 9))
def test_exactly_what_is_older_goes_in_whichever_order_it_was_written(
    here: JudgedLinks, ages: list[int], keep: int
) -> None:
    prune_decisions(before=NOON + DAY, ledger=here.ledger)
    if ages:
        insert(here.ledger.url, [{"decided_at": NOON - age * DAY} for age in ages])
    removed = prune_decisions(before=NOON - keep * DAY, ledger=here.ledger)

    assert removed == sum(age > keep for age in ages)
    kept = [pd.Timestamp(NOON - age * DAY) for age in ages if age <= keep]
    assert decisions(here.ledger)["decided_at"].tolist() == kept


# --- files and flows ---


@pytest.mark.parametrize("name", ["d.csv", "d.parquet"])
def test_the_record_is_written_to_a_file_as_it_is(
    here: JudgedLinks, tmp_path: Path, name: str
) -> None:
    enter(here, "a", "b")
    claim(here, opens=14, closes=18)
    path = tmp_path / "new" / name

    assert write_decisions(path, here.ledger, customer_id="b") == 1
    assert write_decisions(path, here.ledger) == 2
    if name.endswith("csv"):
        assert path.read_text(encoding="utf-8") == decisions(here.ledger).to_csv(index=False)
    else:
        found = pd.read_parquet(path)
        pd.testing.assert_frame_equal(found, decisions(here.ledger), check_dtype=False)


def test_a_file_of_another_kind_is_refused_before_anything_is_made(
    here: JudgedLinks, tmp_path: Path
) -> None:
    for name in ("d.xlsx", "d", "d.csv.gz"):
        with pytest.raises(InputError, match=re.escape(".csv or .parquet")):
            write_decisions(tmp_path / "new" / name, here.ledger)
    assert list(tmp_path.glob("new")) == []


@pytest.mark.usefixtures("prefect_home")
def test_flows_write_the_record_and_remove_what_is_old(here: JudgedLinks, tmp_path: Path) -> None:
    enter(here, "a", "b")
    now = datetime.now(UTC)
    insert(here.ledger.url, [{"decided_at": now - age * DAY} for age in (1, 29, 31, 400)])
    url, file = here.ledger.url, tmp_path / "out.csv"

    assert audit_flows.audit(str(file), ledger=url) == 4
    assert audit_flows.audit(str(file), since=now - 30 * DAY, customer_id="c", ledger=url) == 2
    assert len(pd.read_csv(file)) == 2
    assert audit_flows.prune_decisions(before=now - 100 * DAY, ledger=url) == 1
    assert audit_flows.prune_decisions(keep_days=30, ledger=url) == 1
    assert len(decisions(here.ledger)) == 2


def test_the_flow_wants_to_know_how_long_decisions_are_kept() -> None:
    with pytest.raises(InputError, match="one of keep_days and before"):
        audit_flows.prune_decisions.fn()
    with pytest.raises(InputError, match="one of keep_days and before"):
        audit_flows.prune_decisions.fn(keep_days=1, before=NOON)
