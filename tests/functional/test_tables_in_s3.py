"""Tables in a store that is S3, as far as moto is: folders, globs, days; and results by date."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from connect_tasks.errors import InputError
from connect_tasks.tables.layouts import MESSAGES
from connect_tasks.tables.reading import open_table
from connect_tasks.tables.shared_tables import SharedTable, SharedTables
from tests.functional.collecting_world import moto_s3

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto_s3() as url:
        yield url


@pytest.fixture
def store(server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A bucket `lake` with some files, and how a place in it is written."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = boto3.client("s3", endpoint_url=server, region_name="us-east-1")
    client.create_bucket(Bucket="lake")
    for name in ("in/date=2026-11-01/a.csv", "in/date=2026-11-02/b.csv", "in/_SUCCESS"):
        body = f"customer_id\n00{name[-5]}\n" if name.endswith("csv") else ""
        client.put_object(Bucket="lake", Key=name, Body=body.encode())
    client.put_object(Bucket="lake", Key="lines/a.jsonl", Body=b'{"customer_id": "007"}')
    options = f"?endpoint_override={urlsplit(server).netloc}&scheme=http&region=us-east-1"
    yield lambda place: f"s3://lake/{place}{options}"
    for found in client.list_objects_v2(Bucket="lake").get("Contents", []):
        client.delete_object(Bucket="lake", Key=found["Key"])


def read(source: str) -> list[dict[str, Any]]:
    return [row for chunk in open_table(source).chunks() for row in chunk]


BOTH = [
    {"customer_id": "00a", "date": "2026-11-01"},
    {"customer_id": "00b", "date": "2026-11-02"},
]


@pytest.mark.parametrize("place", ["in", "in/", "in/date=*/*.csv", "in/**/*.csv"])
def test_a_folder_or_glob_of_a_store_is_one_table_with_its_days(store: Any, place: str) -> None:
    assert read(store(place)) == BOTH


def test_one_day_or_file_of_a_store_is_a_table(store: Any) -> None:
    assert read(store("in/date=2026-11-02/")) == [{"customer_id": "00b"}]
    assert read(store("lines/a.jsonl")) == [{"customer_id": "007"}]
    with pytest.raises(InputError, match=r"'s3://lake/in/\*\.csv' is a folder or glob without"):
        open_table(store("in/*.csv"))


def test_results_by_date_are_appended_to_a_store(store: Any) -> None:
    def write(identity: str, *times: datetime) -> None:
        records = [{"message_id": identity, "absolute_time": time} for time in times]
        tables = {"messages": SharedTable(MESSAGES, records, ("absolute_time",))}
        SharedTables(identity, "renewals", NOON, tables).write_by_date(store("out"))

    later = NOON + timedelta(days=1)
    write("one", NOON, later)
    write("two", later)
    write("one", NOON)
    write("one", NOON)

    found = [(row["campaign_id"], row["date"]) for row in read(store("out/messages"))]
    assert found == [("one", "2026-11-01"), ("two", "2026-11-02")]
