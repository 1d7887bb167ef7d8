"""Opening: any file, folder or glob as one table; no piece holds more rows than asked for."""

from connect_tasks.errors import InputError
from connect_tasks.tables.files.csv_file import CsvFile
from connect_tasks.tables.files.file_set import FileSet, Part
from connect_tasks.tables.files.folders import Member, is_in_store, members
from connect_tasks.tables.files.json_lines import JsonLines, say_the_same
from connect_tasks.tables.files.parquet_file import ParquetFile
from connect_tasks.tables.files.sources import Source, find, shown
from connect_tasks.tables.files.spreadsheet import open_sheet
from connect_tasks.tables.pieces import TablePieces

__all__ = ["open_file"]


def open_file(source: str) -> TablePieces:
    """Open a file, or all files of a folder or glob as one table.

    CSV (`.csv`, `.tsv`, `.txt`, also with `.gz`), Parquet (`.parquet`, `.pq`), a spreadsheet
    (`.xlsx`), JSON lines (`.jsonl`, `.ndjson`, also with `.gz`), or a `.zip` with one of these in
    it. Of a folder, files whose names begin with a dot or underscore are passed over.

    Args:
        source: A path, or a URI: `file://`, `https://`, `http://` or `s3://`. Folders and globs are
            of this machine or S3.

    Raises:
        InputError: If there is no such file, or it is no table in spite of its name.

    Example:
        >>> open_file("nowhere.csv")
        Traceback (most recent call last):
        ...
        connect_tasks.errors.InputError: There is no file 'nowhere.csv': check the path.
    """
    if (parts := members(source)) is not None:
        return _together(parts)
    try:
        return _open(find(source))
    except InputError as error:
        if not isinstance(error.__cause__, FileNotFoundError) or not (parts := _stored(source)):
            raise
    return _together(parts)


def _stored(source: str) -> list[Member] | None:
    """What a store has below a name: it has no folders that could be asked for."""
    try:
        return members(source, as_folder=True) if is_in_store(source) else None
    except InputError:
        return None


def _together(found: list[Member]) -> TablePieces:
    parts = [Part(_open(find(each.source)), shown(each.source), each.values) for each in found]
    say_the_same([part.table for part in parts if isinstance(part.table, JsonLines)])
    return FileSet(parts)


def _open(found: Source) -> TablePieces:
    if found.suffix in {".parquet", ".pq"}:
        return ParquetFile(found)
    if found.suffix.startswith((".jsonl", ".ndjson")):
        return JsonLines(found)
    return open_sheet(found) if found.suffix in {".xlsx", ".xlsm"} else CsvFile(found)
