"""Tables over a connector that is saved in Prefect, or is none."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from connect_tasks.blocks.tables import given_table
from connect_tasks.errors import InputError
from connect_tasks.tables.reading import open_table
from connect_tasks.tables.sql_query import SqlQuery


class SqlAlchemyConnector:
    """What prefect-sqlalchemy has under this name, as far as it is used."""

    saved = "shop"

    @classmethod
    def load(cls, name: str, *, _sync: bool) -> "SqlAlchemyConnector":
        if name == "broken":
            raise RuntimeError("postgresql://ada:secret@host/shop is no URL")
        if name != cls.saved:
            raise ValueError(f"Unable to find block document named {name}")
        return cls()

    def get_engine(self) -> sa.Engine:
        return sa.create_engine("sqlite://", poolclass=sa.NullPool)


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = SimpleNamespace(SqlAlchemyConnector=SqlAlchemyConnector)
    monkeypatch.setitem(sys.modules, "prefect_sqlalchemy", module)


def read(source: Any) -> list[Any]:
    return [row for chunk in open_table(source).chunks() for row in chunk]


@pytest.fixture
def query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "due now.sql").write_text("SELECT '0042' AS customer_id")
    return "connector://shop/due%20now.sql"


@pytest.mark.usefixtures("_installed")
def test_a_query_goes_over_the_connector_of_a_name(query: str) -> None:
    by_place = given_table(query)
    by_name = given_table(SqlQuery("SELECT '0042' AS customer_id", connector="shop"))

    assert read(by_place) == read(by_name) == [{"customer_id": "0042"}]


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("connector://shop", "names no query: write connector://NAME/path/to/query.sql"),
        ("connector://[shop", "names no query: write connector://NAME/path/to/query.sql"),
        ("connector://shop/nowhere.sql", "The query 'nowhere.sql' cannot be read: No such file"),
        ("connector://other/due%20now.sql", "no SQLAlchemy Connector saved under the name 'other'"),
        ("connector://broken/due%20now.sql", "'broken' cannot be used as it is saved"),
    ],
)
@pytest.mark.usefixtures("query")
def test_what_is_not_there_is_told(place: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        given_table(place)

    assert told in str(caught.value)
    assert "secret" not in f"{caught.value}{caught.value.__cause__}"


def test_what_is_not_installed_is_told(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prefect_sqlalchemy", None)
    with pytest.raises(InputError, match="pip install prefect-sqlalchemy"):
        given_table(query)


def test_a_stream_can_be_read_more_than_once_and_all_else_is_as_it_was() -> None:
    table = given_table(pa.table({"customer_id": ["1"]}).to_reader())

    assert read(table) == read(table) == [{"customer_id": "1"}]
    assert given_table("customers.csv") == "customers.csv"
    assert given_table(["1"]) == ["1"]
