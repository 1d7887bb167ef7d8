"""A query as a table: run once, changing nothing, telling no secrets."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connect_tasks.databases.opening import Database, is_database
from connect_tasks.errors import InputError
from connect_tasks.tables.choosing import chosen_rows
from connect_tasks.tables.fingerprint import describe
from connect_tasks.tables.reading import open_table
from connect_tasks.tables.sql_query import QueryPieces, SqlQuery


@pytest.fixture
def shop(tmp_path: Path) -> str:
    """The URL of a database with three buyers, whose cells are of all kinds."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as shop, shop:
        shop.execute("CREATE TABLE buyers (customer_id, name TEXT, spent)")
        rows = [("007", "Ada", 9007199254740993), (8, "Bob", 1.0), ("9", None, b"\xff")]
        shop.executemany("INSERT INTO buyers VALUES (?, ?, ?)", rows)
    return f"sqlite:///{path}"


@pytest.fixture(autouse=True)
def _no_pool_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each engine is disposed of in the end: Python warns of connections that nobody closed."""
    made: list[sa.Engine] = []
    create = sa.create_engine

    def engine(*arguments: Any, **options: Any) -> sa.Engine:
        made.append(create(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(sa, "create_engine", engine)
    yield
    for one in made:
        one.dispose()


def read(query: SqlQuery, **how: Any) -> list[dict[str, Any]]:
    return [row for chunk in open_table(query).chunks(**how) for row in chunk]


def test_a_cell_is_what_the_driver_gave(shop: str) -> None:
    query = SqlQuery("SELECT * FROM buyers", url=shop)

    for rows in (1, 2, 10_000):
        assert read(query, chunk_rows=rows) == [
            {"customer_id": "007", "name": "Ada", "spent": 9007199254740993},
            {"customer_id": 8, "name": "Bob", "spent": 1},
            {"customer_id": "9", "name": None, "spent": b"\xff"},
        ]
    assert read(query, columns=["name"])[0] == {"name": "Ada"}


def test_parameters_are_values_and_no_text_of_the_query(shop: str) -> None:
    query = "SELECT name FROM buyers WHERE name = :name"

    assert read(SqlQuery(query, url=shop, parameters={"name": "Ada"})) == [{"name": "Ada"}]
    with pytest.raises(InputError, match="The table is empty"):
        open_table(SqlQuery(query, url=shop, parameters={"name": "x' OR '1'='1"}))


def test_without_parameters_colons_and_percents_are_what_they_are(shop: str) -> None:
    query = SqlQuery("SELECT 'at 12:30 :x 100%s' AS a FROM buyers WHERE name LIKE 'A%'", url=shop)

    assert read(query) == [{"a": "at 12:30 :x 100%s"}]


def test_a_query_is_run_once_for_a_table_that_is_read_often(shop: str) -> None:
    runs: list[str] = []
    engine = sa.create_engine(shop)

    @sa.event.listens_for(engine, "before_cursor_execute")
    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        runs.extend([statement] if statement.startswith("SELECT") else [])

    table = open_table(SqlQuery("SELECT name FROM buyers", connector=engine))

    assert len(list(table.chunks())) == len(list(table.chunks())) == 1
    assert runs == ["SELECT name FROM buyers"]


class Connector:
    """What Prefect's SqlAlchemyConnector offers."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url)

    def get_engine(self) -> sa.Engine:
        return self._engine


def test_a_connector_is_recognised_by_what_it_offers(shop: str) -> None:
    connector = Connector(shop)

    assert read(SqlQuery("SELECT name FROM buyers LIMIT 1", connector=connector)) == [
        {"name": "Ada"}
    ]
    with connector.get_engine().begin() as still:
        still.exec_driver_sql("INSERT INTO buyers (name) VALUES ('its pool may write again')")


def with_converter(path: str, name: str, convert: Any) -> sa.Engine:
    """A driver that makes values of its own of a declared type."""
    sqlite3.register_converter(name, convert)
    return sa.create_engine(path, connect_args={"detect_types": sqlite3.PARSE_DECLTYPES})


def test_what_is_only_a_view_of_the_drivers_memory_is_kept_as_bytes(shop: str) -> None:
    engine = with_converter(shop, "VIEWED", memoryview)
    with engine.begin() as there:
        there.exec_driver_sql("CREATE TABLE t (a TEXT, b VIEWED)")
        there.exec_driver_sql("INSERT INTO t VALUES ('Ada', x'ff')")

    assert read(SqlQuery("SELECT * FROM t", connector=engine)) == [{"a": "Ada", "b": b"\xff"}]


def test_a_column_of_what_cannot_be_kept_is_named_without_its_values(shop: str) -> None:
    engine = with_converter(shop, "UNKEPT", lambda value: lambda: value)
    with engine.begin() as there:
        there.exec_driver_sql("CREATE TABLE t (a TEXT, b UNKEPT)")
        there.exec_driver_sql("INSERT INTO t VALUES ('Ada', 'Lovelace')")

    with pytest.raises(InputError, match="The column 'b' of the query holds what") as caught:
        open_table(SqlQuery("SELECT * FROM t", connector=engine))
    assert "Lovelace" not in f"{caught.value}{caught.value.__cause__}"


def test_a_query_changes_nothing(shop: str) -> None:
    for change in ("DELETE FROM buyers", "UPDATE buyers SET name = 'x' RETURNING customer_id"):
        with pytest.raises(InputError, match="attempt to write a readonly database"):
            open_table(SqlQuery(change, url=shop))

    assert len(read(SqlQuery("SELECT * FROM buyers", url=shop))) == 3


@pytest.mark.parametrize(
    "query",
    [
        "ATTACH '{}' AS zz",
        "/* read */ attach database '{}' AS zz",
        "VACUUM INTO '{}'",
        "VACUUM",
        "DETACH main",
        "PRAGMA query_only=OFF",
        "PRAGMA journal_mode=DELETE",
        "PRAGMA wal_checkpoint",
    ],
)
def test_what_does_more_than_read_is_refused_before_it_is_done(
    shop: str, tmp_path: Path, query: str
) -> None:
    made = tmp_path / "made.db"
    engine = sa.create_engine(shop)
    with pytest.raises(InputError, match="The query does more than read: write a SELECT"):
        open_table(SqlQuery(query.format(made), connector=engine))

    assert not made.exists()
    with engine.connect() as there:
        assert there.exec_driver_sql("PRAGMA query_only").scalar() == 0
        there.exec_driver_sql(f"ATTACH '{made}' AS zz")


def test_what_a_table_is_made_of_may_be_asked(shop: str) -> None:
    query = "SELECT name FROM pragma_table_info('buyers')"

    assert next(row["name"] for row in read(SqlQuery(query, url=shop))) == "customer_id"
    assert read(SqlQuery("PRAGMA table_info(buyers)", url=shop))[1]["name"] == "name"


@pytest.mark.parametrize("text", ["4d656965724de9", "4d656965720a4de9"])
def test_a_text_that_is_no_utf_8_is_told_without_it(shop: str, text: str) -> None:
    query = SqlQuery(f"SELECT CAST(x'{text}' AS TEXT) AS name", url=shop)
    with pytest.raises(InputError, match="Could not decode to UTF-8 column 'name'") as caught:
        open_table(query)

    assert "Meier" not in f"{caught.value}{caught.value.__cause__}"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT * FROM byers", "no such table: byers"),
        ("SELEC 1", 'near "SELEC": syntax error'),
        ("SELECT name, customer_id AS name FROM buyers", "columns of the same name: 'name'"),
        ("BEGIN", "The query gives no rows: write a SELECT"),
        ("SELECT '\ud800'", "a text in it is no Unicode (surrogates not allowed)"),
        ("SELECT * FROM buyers WHERE 0", "The table is empty"),
    ],
)
def test_what_is_wrong_with_a_query_is_told(shop: str, query: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        open_table(SqlQuery(query, url=shop))

    assert told in str(caught.value)


def test_a_file_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.db"
    with pytest.raises(InputError, match=r"There is no file '.*nowhere\.db'"):
        open_table(SqlQuery("SELECT 1", url=f"sqlite:///{path}"))

    assert not path.exists()


SECRET = "postgresql://ada:se%40cret@127.0.0.1:1/shop?sslpassword=other"


@pytest.mark.parametrize(
    "url", [SECRET, SECRET.replace("postgresql", "nothing"), SECRET.replace(":1/", ":se/")]
)
def test_no_secret_is_shown_whatever_goes_wrong(url: str) -> None:
    query = SqlQuery("SELECT 1 AS secret", url=url, parameters={"id": "secret"})
    with pytest.raises(InputError) as caught:
        open_table(query)

    chain = [caught.value, caught.value.__cause__]
    for text in (repr(query), *map(str, chain)):
        assert "secret" not in text
        assert "se%40cret" not in text
        assert "other" not in text


def test_what_is_recorded_is_the_database_and_the_fingerprint_of_the_query(shop: str) -> None:
    one, other = (SqlQuery(q, url=shop) for q in ("SELECT 'a'", "SELECT 'b'"))
    secret = describe(SqlQuery("SELECT 1", url=SECRET))

    assert describe(one) == describe(one)
    assert describe(one)["database"] == describe(other)["database"] == shop
    assert describe(one)["fingerprint"] != describe(other)["fingerprint"]
    assert "cret" not in str(secret)
    assert describe(SqlQuery("SELECT 1", connector="shop"))["database"] == "shop"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"query": " ", "url": "sqlite://"}, "SqlQuery has no query"),
        ({"query": "SELECT 1"}, "needs a url or a connector"),
        ({"query": "SELECT 1", "url": "sqlite://", "connector": "x"}, "only one of them"),
    ],
)
def test_what_is_no_query_is_told(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        SqlQuery(**arguments)


@pytest.mark.parametrize(
    ("given", "told"),
    [("nonsense", "'nonsense' is no database's URL"), (object(), "object is no database")],
)
def test_what_is_no_database_is_told(given: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Database(given)


def test_an_asynchronous_driver_is_told() -> None:
    class AsyncEngine:
        sync_engine = dialect = sa.create_engine("sqlite://").dialect

    with pytest.raises(InputError, match="works asynchronously: give a URL or connector"):
        Database(AsyncEngine())


def test_places_that_are_databases_are_told_from_folders() -> None:
    databases = ["sqlite:///a.db", "postgresql://h/d", "postgresql+psycopg://h/d"]
    databases += ["postgresql://ada:p[w@h/d", "postgres://ada:p]w@h/d"]
    others = ["out", "s3://b/o", "file:///tmp", None, "", "C:\\out", "s3://b[/o", "sqlite/a.db"]

    assert all(map(is_database, databases))
    assert not any(map(is_database, others))


def test_rows_are_chosen_of_a_query(shop: str) -> None:
    query = SqlQuery("SELECT customer_id AS account, name FROM buyers", url=shop)

    assert list(chosen_rows(query, {"8"}.__contains__, on="account")["name"]) == ["Bob"]


def test_the_rows_are_kept_in_a_file_that_is_gone_with_the_table(shop: str) -> None:
    table = QueryPieces(SqlQuery("SELECT * FROM buyers", url=shop))
    path = table._path
    assert path.stat().st_mode & 0o077 == 0

    del table
    assert not path.exists()
