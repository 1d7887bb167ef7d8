"""Tables that may give their rows only once, in flows; and what Prefect is told of them."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from connect_tasks.errors import InputError
from connect_tasks.flows.outreach import outreach
from connect_tasks.flows.table_flow import _kept_tables, table_flow
from connect_tasks.tables.fingerprint import describe
from connect_tasks.tables.reading import open_table
from connect_tasks.tables.sql_query import SqlQuery

SECRET = "postgresql://ada:secret@host/shop?sslpassword=secret"


@table_flow(name="count")
def count(customers: Any) -> Any:
    return customers


@table_flow(name="save")
def save(save_to: str | None = None) -> None: ...


@pytest.mark.parametrize("way", ["by place", "by name"])
def test_a_reader_is_gone_through_once_however_often_its_rows_are_asked_for(way: str) -> None:
    table = pa.table({"customer_id": ["1", "2"]})
    reader = table.to_reader()
    args, kwargs = ((), {"customers": reader}) if way == "by name" else ((reader,), {})
    args, kwargs = _kept_tables(count.fn, args, kwargs)
    kept: Any = kwargs["customers"] if kwargs else args[0]

    recorded = count.serialize_parameters({"customers": kept})["customers"]
    rows = [row for chunk in open_table(kept).chunks() for row in chunk]

    assert recorded == describe(pd.DataFrame({"customer_id": ["1", "2"]}))
    assert rows == [{"customer_id": "1"}, {"customer_id": "2"}]


def test_of_a_query_prefect_is_told_which_and_nothing_that_is_in_it() -> None:
    query = SqlQuery("SELECT * FROM t WHERE id = '0042'", url=SECRET, parameters={"id": "0043"})
    recorded = outreach.serialize_parameters({"customers": query, "campaign": "a"})

    assert set(recorded["customers"]) == {"database", "fingerprint"}
    for hidden in ("secret", "0042", "0043", "SELECT"):
        assert hidden not in str(recorded)


@pytest.mark.parametrize("name", ["customers", "cases", "world", "save_to"])
@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://ada:SECRET@host/db",
        "postgresql:ada:SECRET@host/db",
        "mysql://ada:SECRET@host/db",
        "mssql+pyodbc://ada:SE/CRET@host/db",
        "jdbc:postgresql://ada:SECRET@host/db",
        " postgresql://ada:SECRET@host/db",
        "s3://KEY:SECRET@bucket/x.csv",
        "s3://bucket/x.csv?access_key=KEY&secret_key=SECRET",
        "https://files.example.com/x.csv?sv=1&sig=SECRET",
        "https://files.example.com/x.csv?X-Amz-Signature=SECRET",
    ],
)
def test_no_secret_of_a_uri_is_recorded_wherever_it_is_given(name: str, uri: str) -> None:
    recorded = str(count.serialize_parameters({name: uri})[name])

    assert "CRET" not in recorded
    assert recorded == "<an id>" or recorded.lstrip()[:2] == uri.lstrip()[:2]


@pytest.mark.parametrize(
    "place", ["out", "s3://a/b", "/srv/a:b@c/out", "C:\\out", "sqlite:///a.db"]
)
def test_a_place_without_a_secret_is_recorded_as_it_is(place: str) -> None:
    assert count.serialize_parameters({"save_to": place})["save_to"] == place


@pytest.mark.parametrize(
    "place",
    [
        "s3://b[ucket/out",
        "mysql://ada:SE/CRET@host/db",
        "sqlite+nothing:///shop.db",
        "postgresql://ada:SECRET@host:port/db",
    ],
)
def test_where_results_cannot_go_is_told_before_anything_is_done(place: str) -> None:
    told = "Nothing can be written to|is no database's URL"
    with pytest.raises(InputError, match=told) as caught:
        save.validate_parameters({"save_to": place})

    assert "CRET" not in str(caught.value)


@pytest.mark.parametrize(
    "place", [None, "out", "C:\\out", "sqlite:///a.db", "s3://b/x", "file:///x"]
)
def test_where_results_can_go_is_no_error(place: str | None) -> None:
    assert save.validate_parameters({"save_to": place}) == {"save_to": place}


def test_where_results_go_is_recorded_without_a_password() -> None:
    recorded = outreach.serialize_parameters(
        {"customers": "c.csv", "campaign": "a", "save_to": SECRET}
    )

    assert recorded["save_to"] == "postgresql://ada:***@host/shop?sslpassword=***"
    assert outreach.serialize_parameters({"save_to": "s3://a/b"})["save_to"] == "s3://a/b"
