"""A campaign's result for polars and DuckDB, for lakes, and for databases of one's own."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pyarrow as pa
import pytest

from connect_tasks.campaign.result_tables import TableName
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.shared_result import shared_tables
from connect_tasks.errors import InputError
from connect_tasks.ledger.erasure import forget
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.reading import open_table
from connect_tasks.tasks import collect_responses
from tests.ledger_rows import enter

PLANNED = "2026-11-26"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with two customers, of whom one has attributes."""
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        request = json.dumps({"Attributes": {"plan": "gold", "campaign": "mine"}})
        enter(ledger, "0042", mode="simulation", request=request, status="completed")
        enter(ledger, "0043", mode="simulation")
        yield ledger


def rows(place: Any, *columns: str) -> list[tuple[Any, ...]]:
    found = (row for chunk in open_table(place).chunks() for row in chunk)
    return [tuple(row[name] for name in columns) for row in found]


@pytest.mark.parametrize("name", get_args(TableName))
def test_arrow_has_the_rows_and_always_the_same_schema(ledger: Ledger, name: TableName) -> None:
    result = CampaignResult("renewals", ledger.url)
    ledger.open_campaign("empty", "i-1", now=datetime.now(UTC))
    found = result.to_arrow(name)

    assert found.schema.names == list(getattr(result, name).columns)
    assert found.num_rows == len(getattr(result, name))
    if name != "attributes":
        empty = CampaignResult("empty", ledger.url).to_arrow(name)
        assert (empty.num_rows, empty.schema) == (0, found.schema)
    assert not {pa.null()} & set(found.schema.types)


def test_another_table_is_told(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="There is no table 'chats': give one of contacts, mess"):
        CampaignResult("renewals", ledger.url).to_arrow("chats")  # type: ignore[arg-type]


def test_a_lake_has_the_whole_campaign_and_attributes_as_rows(
    ledger: Ledger, tmp_path: Path
) -> None:
    of_one_row: Any = SimpleNamespace(customer_ids=["0042"], index=None, table_id=None)
    lake = tmp_path / "lake"
    CampaignResult("renewals", ledger.url, of_one_row).save(lake, layout="by_date")

    contacts = rows(lake / "contacts", "campaign", "customer_id", "date")
    assert contacts == [("renewals", "0042", PLANNED), ("renewals", "0043", PLANNED)]
    assert rows(lake / "attributes", "campaign", "customer_id", "attribute", "value") == [
        ("renewals", "0042", "campaign", "mine"),
        ("renewals", "0042", "plan", "gold"),
    ]
    assert not (lake / "report.html").exists()


def test_campaigns_of_one_name_are_told_apart(ledger: Ledger, tmp_path: Path) -> None:
    with Ledger(f"sqlite:///{tmp_path / 'other.db'}") as other:
        enter(other, "0042", mode="simulation", instance_id="another")
        ids = {shared_tables(each, "renewals").campaign_id for each in (ledger, other)}

        assert len(ids) == 2
        assert shared_tables(other, "renewals").campaign_id in ids


@pytest.mark.parametrize(
    "options", [{"formats": ["csv"]}, {"invitations": True}, {"layout": "by_month"}]
)
def test_what_does_not_go_together_is_told(
    ledger: Ledger, tmp_path: Path, options: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match="layout"):
        CampaignResult("renewals", ledger.url).save(tmp_path, **{"layout": "by_date", **options})


def test_who_was_forgotten_is_gone_from_a_database_with_the_next_call(
    ledger: Ledger, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    collect_responses.fn("renewals", ledger=ledger.url, save_to=url)
    forget("0042", ledger.url)
    collect_responses.fn("renewals", ledger=ledger.url, save_to=url)

    with closing(sqlite3.connect(tmp_path / "shop.db")) as shop:
        found = {
            str(cell)
            for (name,) in shop.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for row in shop.execute(f"SELECT * FROM {name}")  # noqa: S608 - of a test's own
            for cell in row
        }
    assert "0043" in found
    assert not {"0042", "gold"} & found
