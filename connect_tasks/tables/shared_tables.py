"""Shared tables: those of many campaigns as one, in a folder by date or in a database."""

import datetime as dt
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from connect_tasks.databases.opening import Database
from connect_tasks.databases.replacing import NewRows, replace_rows
from connect_tasks.tables.destinations import files_like, folder_for, remove_files, replacing
from connect_tasks.tables.private_files import make_private_file, make_private_folder
from connect_tasks.tables.table_layout import (
    COUNT,
    PIECE_ROWS,
    SECONDS,
    TEXT,
    TIME,
    TRUTH,
    TableLayout,
)

__all__ = ["SharedTable", "SharedTables"]

_KEY = "campaign_id"
_PYTHON = {TEXT: str, COUNT: int, SECONDS: float, TRUTH: bool, TIME: dt.datetime}
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9.-]+")
_LONGEST_NAME = 80
_MOST_HELD_BYTES = 64 * 1024 * 1024
_Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SharedTable:
    """One table of a campaign, as it stands beside those of others.

    Args:
        layout: Its columns, without those that say of which campaign a row is.
        records: Its rows, read anew each time they are gone through.
        times: The columns that say when a row was, the first that is not missing. It must be one
            that never changes, or the row would move to another day.
    """

    layout: TableLayout
    records: Iterable[_Record] = field(repr=False)
    times: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SharedTables:
    """The tables of one campaign; what is written in their place replaces them, and no other's.

    Args:
        campaign_id: What tells the campaign from all others, also of the same name elsewhere.
        campaign: Its name.
        since: When it began: the day of rows that have no time.
        tables: By their names.
    """

    campaign_id: str
    campaign: str
    since: dt.datetime
    tables: Mapping[str, SharedTable]

    def write_by_date(self, place: str | os.PathLike[str]) -> None:
        """Write Parquet files as `contacts/date=2026-11-27/renewals-….parquet`, days in UTC.

        Each table and day of a campaign is one file, in place of the one of an earlier call; the
        same rows make the same bytes. Its files of other days are removed, other files are not, nor
        those of days that another call has written meanwhile.

        Args:
            place: A folder of this machine or an `s3://` URI; made if absent.

        Raises:
            InputError: It is a URI of another kind, or S3 refuses the files.
            OSError: It cannot be written to.
        """
        with folder_for(place) as folder:
            # Before any row is read: what is written from here on has rows that these may lack.
            before = {n: files_like(place, f"{n}/date=*/{self._file}") for n in self.tables}
            written = {name: set(self._dated(folder, name)) for name in self.tables}
        for name, days in written.items():
            remove_files(place, before[name] - days)

    def replace_in(self, database: Database, prefix: str) -> None:
        """Put the rows into tables of a database, in place of the campaign's earlier ones.

        Args:
            database: Which; a file of SQLite is made for its owner's eyes only.
            prefix: What the tables' names begin with.

        Raises:
            InputError: See `connect_tasks.databases.replacing.replace_rows`.
            OSError: The file cannot be made.
        """
        # One that is there its owner may have shared with others.
        if database.file and not database.file.exists():
            make_private_folder(database.file.absolute().parent)
            make_private_file(database.file)
        new = {f"{prefix}{name}": self._rows(table) for name, table in self.tables.items()}
        replace_rows(database, new, key=_KEY, value=self.campaign_id)

    @property
    def _file(self) -> str:
        name = _NOT_IN_A_NAME.sub("-", self.campaign)[:_LONGEST_NAME].strip("-.")
        return f"{name or 'campaign'}-{self.campaign_id}.parquet"

    def _rows(self, table: SharedTable) -> NewRows:
        columns = table.layout.of_campaigns().columns
        kinds = {name: _PYTHON[dtype] for name, dtype in columns.items()}
        return NewRows(kinds, map(self._of_campaign, table.records))

    def _of_campaign(self, record: _Record) -> _Record:
        return {**record, _KEY: self.campaign_id, "campaign": self.campaign}

    def _dated(self, folder: Path, name: str) -> Iterator[str]:
        """Write one table; the files that it came to, from the folder."""
        table = self.tables[name]
        layout = table.layout.of_campaigns()
        with ExitStack() as open_files:
            files = _DayFiles(folder, layout.schema, open_files)
            for path, records in self._by_day(name, table):
                for batch in layout.batches(map(self._of_campaign, records)):
                    files.add(path, batch)
            files.write_rest()
        yield from files.paths

    def _by_day(self, name: str, table: SharedTable) -> Iterator[tuple[str, list[_Record]]]:
        records = iter(table.records)
        while piece := list(islice(records, PIECE_ROWS)):
            dated = [(self._day(record, table.times), record) for record in piece]
            dated.sort(key=lambda pair: pair[0])
            for day, pairs in groupby(dated, key=lambda pair: pair[0]):
                yield f"{name}/date={day}/{self._file}", [record for _, record in pairs]

    def _day(self, record: _Record, times: Iterable[str]) -> str:
        found = (record.get(name) for name in times)
        time: dt.datetime = next((time for time in found if time is not None), self.since)
        return time.astimezone(dt.UTC).date().isoformat()


class _DayFiles:
    """Parquet files that grow in turn: rows are held back until they make a group worth reading.

    Args:
        folder: Where they are.
        schema: Their columns.
        open_files: Closes them, and puts them in their places, at the end.
    """

    def __init__(self, folder: Path, schema: pa.Schema, open_files: ExitStack) -> None:
        self._folder = folder
        self._schema = schema
        self._open_files = open_files
        self._held: dict[str, list[pa.RecordBatch]] = {}
        self._rows: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._writers: dict[str, parquet.ParquetWriter] = {}

    @property
    def paths(self) -> Iterable[str]:
        """The files that were begun."""
        return self._writers.keys()

    def add(self, path: str, batch: pa.RecordBatch) -> None:
        """Take rows for a file."""
        self._held.setdefault(path, []).append(batch)
        self._rows[path] += batch.num_rows
        self._bytes[path] += batch.nbytes
        if self._rows[path] >= PIECE_ROWS:
            self._write(path)
        while self._bytes.total() > _MOST_HELD_BYTES:
            self._write(max(self._bytes, key=self._bytes.__getitem__))

    def write_rest(self) -> None:
        """Write what is still held."""
        for path in list(self._held):
            self._write(path)

    def _write(self, path: str) -> None:
        del self._rows[path], self._bytes[path]
        self._writer(path).write_table(pa.Table.from_batches(self._held.pop(path)))

    def _writer(self, path: str) -> parquet.ParquetWriter:
        if path not in self._writers:
            make_private_folder((self._folder / path).parent)
            new = self._open_files.enter_context(replacing(self._folder / path))
            writer = parquet.ParquetWriter(new, self._schema)
            self._writers[path] = self._open_files.enter_context(writer)
        return self._writers[path]
