"""Tables that many campaigns share: Parquet by date, and tables of a database."""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.dataset as ds
import pytest
from pyarrow import parquet

from connect_tasks.databases.opening import Database
from connect_tasks.errors import InputError
from connect_tasks.tables import shared_tables
from connect_tasks.tables.layouts import MESSAGES
from connect_tasks.tables.reading import open_table
from connect_tasks.tables.shared_tables import SharedTable, SharedTables

DAY = dt.datetime(2026, 11, 1, 23, 30, tzinfo=dt.UTC)
BERLIN = dt.timezone(dt.timedelta(hours=1))


def message(name: str, at: dt.datetime | None, content: str = "Yes") -> dict[str, Any]:
    return {"customer_id": "0042", "message_id": name, "absolute_time": at, "content": content}


def tables(*records: Any, name: str = "renewals/2026 ä", identity: str = "f00d") -> SharedTables:
    of = SharedTable(MESSAGES, records, ("absolute_time",))
    return SharedTables(identity, name, DAY, {"messages": of})


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


FILE = "renewals-2026-f00d.parquet"


def test_each_day_of_a_table_is_a_file_of_the_campaign(tmp_path: Path) -> None:
    late = DAY.astimezone(BERLIN) + dt.timedelta(hours=1)
    # A day later in Berlin, and not in UTC.
    early = DAY.astimezone(BERLIN)
    tables(message("a", early), message("b", late), message("c", None)).write_by_date(tmp_path)
    folder = tmp_path / "messages"

    assert sorted(files(folder)) == [f"date=2026-11-01/{FILE}", f"date=2026-11-02/{FILE}"]
    rows = [r for c in open_table(folder).chunks(columns=["message_id", "date"]) for r in c]
    assert rows == [
        {"message_id": "a", "date": "2026-11-01"},
        {"message_id": "c", "date": "2026-11-01"},
        {"message_id": "b", "date": "2026-11-02"},
    ]
    read = ds.dataset(folder, partitioning="hive").to_table().to_pydict()
    assert read["campaign_id"] == ["f00d"] * 3
    assert read["campaign"] == ["renewals/2026 ä"] * 3
    assert list(pd.read_parquet(folder)["message_id"]) == ["a", "c", "b"]


def test_the_same_rows_make_the_same_files(tmp_path: Path) -> None:
    once = tables(message("a", DAY))
    once.write_by_date(tmp_path)
    before = files(tmp_path)
    once.write_by_date(tmp_path.as_uri())

    assert files(tmp_path) == before


def test_rows_that_are_gone_are_gone_and_other_files_stay(tmp_path: Path) -> None:
    later = DAY + dt.timedelta(days=3)
    tables(message("a", DAY), message("b", later)).write_by_date(tmp_path)
    tables(message("x", later), identity="cafe").write_by_date(tmp_path)
    (tmp_path / "messages" / "date=2026-11-04" / "mine.parquet").write_bytes(b"mine")
    (tmp_path / "messages" / "notes").mkdir()
    (tmp_path / "messages" / "notes" / FILE).write_bytes(b"mine")

    tables(message("a", DAY)).write_by_date(tmp_path)

    assert sorted(files(tmp_path / "messages")) == [
        f"date=2026-11-01/{FILE}",
        "date=2026-11-04/mine.parquet",
        "date=2026-11-04/renewals-2026-cafe.parquet",
        f"notes/{FILE}",
    ]


def days_in_turn(count: int, days: int) -> list[dict[str, Any]]:
    return [message(f"{n:04}", DAY + dt.timedelta(days=n % days)) for n in range(count)]


def test_days_that_come_in_turn_are_in_no_smaller_groups_than_one_day_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_tables, "PIECE_ROWS", 100)
    tables(*days_in_turn(3000, 30)).write_by_date(tmp_path / "many")
    tables(*days_in_turn(250, 1)).write_by_date(tmp_path / "one")

    groups = [parquet.read_metadata(path).num_row_groups for path in tmp_path.rglob("*.parquet")]
    assert sorted(groups) == [1] * 30 + [3]


def test_however_little_may_be_held_all_rows_are_written_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_tables, "PIECE_ROWS", 10)
    monkeypatch.setattr(shared_tables, "_MOST_HELD_BYTES", 1)
    records = days_in_turn(100, 3)
    tables(*records).write_by_date(tmp_path)

    for n, path in enumerate(sorted(tmp_path.rglob("*.parquet"))):
        expected = [record["message_id"] for record in records[n::3]]
        assert list(pd.read_parquet(path)["message_id"]) == expected


def test_a_day_that_another_wrote_meanwhile_stays(tmp_path: Path) -> None:
    gone, later = DAY - dt.timedelta(days=3), DAY + dt.timedelta(days=3)
    tables(message("x", gone), message("a", DAY)).write_by_date(tmp_path)

    class Meanwhile:
        """Rows as they were, during whose reading another writes what has come since."""

        def __iter__(self) -> Iterator[Any]:
            yield message("a", DAY)
            tables(message("a", DAY), message("b", later)).write_by_date(tmp_path)

    slow = SharedTable(MESSAGES, Meanwhile(), ("absolute_time",))
    replace(tables(), tables={"messages": slow}).write_by_date(tmp_path)

    assert sorted(files(tmp_path / "messages")) == [
        f"date=2026-11-01/{FILE}",
        f"date=2026-11-04/{FILE}",
    ]


def test_what_fails_leaves_the_files_of_before(tmp_path: Path) -> None:
    tables(message("a", DAY)).write_by_date(tmp_path)
    before = files(tmp_path)

    class Broken:
        def __iter__(self) -> Iterator[Any]:
            yield from (message(str(n), DAY, "new") for n in range(30_000))
            raise InputError("the ledger is gone")

    broken = SharedTable(MESSAGES, Broken(), ("absolute_time",))
    with pytest.raises(InputError, match="the ledger is gone"):
        replace(tables(), tables={"messages": broken}).write_by_date(tmp_path)

    assert files(tmp_path) == before


def test_a_table_without_rows_is_no_file(tmp_path: Path) -> None:
    tables(message("a", DAY)).write_by_date(tmp_path)
    tables().write_by_date(tmp_path)

    assert files(tmp_path) == {}


@pytest.mark.parametrize("name", ["../../etc", "…", ".", "_x", "a" * 300, "a\nb"])
def test_a_campaigns_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    tables(message("a", DAY), name=name).write_by_date(tmp_path / "lake")
    (path,) = files(tmp_path)

    assert path.startswith("lake/messages/date=2026-11-01/")
    assert path.count("/") == 3
    assert not path.rpartition("/")[2].startswith((".", "_"))
    assert [r["campaign"] for c in open_table(tmp_path / "lake").chunks() for r in c] == [name]


def select(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as shop:
        return shop.execute(query).fetchall()


IDS = "SELECT campaign_id, message_id FROM mine_messages ORDER BY 1, 2"


def test_a_second_call_doubles_nothing_in_a_database(tmp_path: Path) -> None:
    path = tmp_path / "of" / "shop.db"
    for _ in range(2):
        database = Database(f"sqlite:///{path}")
        tables(message("a", DAY), message("b", DAY)).replace_in(database, "mine_")
        tables(message("x", DAY), identity="cafe").replace_in(database, "mine_")

    assert select(path, IDS) == [("cafe", "x"), ("f00d", "a"), ("f00d", "b")]
    tables(message("b", DAY)).replace_in(Database(f"sqlite:///{path}"), "mine_")
    assert select(path, IDS) == [("cafe", "x"), ("f00d", "b")]
    assert path.stat().st_mode & 0o077 == 0


def test_a_database_of_ones_own_stays_as_open_to_others_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    path.touch()
    path.chmod(0o644)
    tables(message("a", DAY)).replace_in(Database(f"sqlite:///{path}"), "mine_")

    assert path.stat().st_mode & 0o777 == 0o644


def test_what_no_database_holds_is_a_mark_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    said = message("a", DAY, "a\0b\ud800c\udfffd\U0001f600")
    tables(said).replace_in(Database(f"sqlite:///{path}"), "mine_")

    kept = select(path, "SELECT content FROM mine_messages")
    assert kept == [("a\ufffdb\ufffdc\ufffdd\U0001f600",)]


def test_what_fails_leaves_the_rows_of_before(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    database = Database(f"sqlite:///{path}")
    tables(message("a", DAY)).replace_in(database, "mine_")

    class Broken:
        def __iter__(self) -> Iterator[Any]:
            yield message("b", DAY)
            raise InputError("the ledger is gone")

    with pytest.raises(InputError, match="the ledger is gone"):
        replace(tables(), tables={"messages": SharedTable(MESSAGES, Broken())}).replace_in(
            database, "mine_"
        )

    assert select(path, IDS) == [("f00d", "a")]


def test_columns_of_ones_own_stay_and_ours_are_added(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as shop, shop:
        shop.execute("CREATE TABLE mine_messages (campaign_id TEXT, message_id TEXT, note TEXT)")
        shop.execute("INSERT INTO mine_messages VALUES ('cafe', 'x', 'mine')")
    tables(message("a", DAY)).replace_in(Database(f"sqlite:///{path}"), "mine_")

    found = select(path, "SELECT message_id, note, content FROM mine_messages ORDER BY 1")
    assert found == [("a", None, "Yes"), ("x", "mine", None)]


def test_somebody_elses_table_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as shop, shop:
        shop.execute("CREATE TABLE messages (message_id TEXT)")
        shop.execute("INSERT INTO messages VALUES ('x')")

    with pytest.raises(InputError, match=r"The table 'messages' in sqlite:.* Give another prefix"):
        tables(message("a", DAY)).replace_in(Database(f"sqlite:///{path}"), "")

    assert select(path, "SELECT * FROM messages") == [("x",)]
