"""Sources: where a table comes from, the path or URI of a file."""

import shutil
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import BadGzipFile
from pathlib import Path
from typing import IO
from urllib.parse import SplitResult, unquote, urlsplit

from pyarrow import fs

from connect_tasks.databases.addresses import hide_password_in
from connect_tasks.errors import InputError
from connect_tasks.tables.destinations import as_uri, expanded, without_uri
from connect_tasks.tables.temporary_files import gone_with, temporary_file

__all__ = [
    "SUFFIXES",
    "Source",
    "explained",
    "find",
    "is_passed_over",
    "is_uri",
    "shown",
    "suffix_of",
]

SUFFIXES = (
    *(".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz"),
    *(".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz"),
    *(".parquet", ".pq", ".xlsx", ".xlsm", ".zip"),
)
"""The kinds of files that are tables, in small letters."""

_DOWNLOAD_SECONDS = 60
_MOST_SHOWN = 250


class Source:
    """A file on this machine, or a copy of one that is elsewhere, for as long as this lives.

    Attributes:
        path: Where it can be read.
        name: What it was asked for by, without anything secret.
        suffix: Of which kind it is.
    """

    def __init__(self, path: Path, *, name: str, suffix: str, copied: bool) -> None:
        self.path = path
        self.name = name
        self.suffix = suffix
        if copied:
            gone_with(self, path)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what reading it raises into one sentence.

        Raises:
            InputError: Instead of what a library raised.
        """
        with explained(str(self.path), self.name):
            yield


def find(source: str) -> Source:
    """Find a file; one that is elsewhere is copied to this machine's temporary folder.

    Args:
        source: A path, or a URI: `file://`, `https://`, `http://` or `s3://`.

    Raises:
        InputError: If it is of another kind, or cannot be opened or fetched.

    Example:
        >>> find("customers.json")
        Traceback (most recent call last):
        ...
        connect_tasks.errors.InputError: 'customers.json' is no table: give a .csv, .parquet, \
.xlsx or .jsonl file.
    """
    name = shown(source)
    with explained(source, name):
        place = urlsplit(source)
        suffix = suffix_of(place.path if is_uri(place) else source)
        if suffix is None:
            raise InputError(f"{name!r} is no table: give a .csv, .parquet, .xlsx or .jsonl file.")
        path = _path_here(source, place)
        copied = path is None
        found = Source(path or _copy(source, place), name=name, suffix=suffix, copied=copied)
        return _unzipped(found) if suffix == ".zip" else found


def suffix_of(path: str) -> str | None:
    """Of which kind a file is by its name; None if it is no table."""
    name = path.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), None)


def is_uri(place: SplitResult) -> bool:
    """Whether a source is a URI."""
    # One letter is a Windows drive.
    return len(place.scheme) > 1


def shown(source: str) -> str:
    """The source without user, password and query, which may hold a signature."""
    try:
        place = urlsplit(source)
    except ValueError:
        return "the table's URI"
    if not is_uri(place):
        return source if len(source) <= _MOST_SHOWN else source[:_MOST_SHOWN] + "…"
    return as_uri(source) if "://" in source else f"{place.scheme}:{place.path}"


def is_passed_over(name: str) -> bool:
    """Whether a file or folder is no part of a table by its name: `_SUCCESS`, `.DS_Store`."""
    return name.startswith((".", "_")) and "=" not in name


@contextmanager
def explained(given: str, name: str) -> Iterator[None]:
    """Turn what reading a file raises into one sentence.

    Args:
        given: What libraries quote, and must not be shown.
        name: What to show instead.

    Raises:
        InputError: Instead of what a library raised.
    """
    try:
        yield
    except (InputError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise InputError(f"There is no file {name!r}: check the path.") from error
    except IsADirectoryError as error:
        raise InputError(f"{name!r} is a folder: give a path to its files.") from error
    except (zipfile.BadZipFile, BadGzipFile) as error:
        raise InputError(
            f"{name!r} is not what its name says: it holds something else. Save it as what it is "
            "called, or call it what it is, such as .csv."
        ) from without_uri(error, given)
    # A file that is broken in a new way makes a library raise anything.
    except Exception as error:  # noqa: BLE001
        # Libraries quote what they were given, query and all.
        text = (
            (getattr(error, "strerror", None) or str(error))
            .replace(given, name)
            .split("\n", 1)[0]
            .strip()
            .removesuffix(".")
        )
        text = hide_password_in(text, given) if "://" in given else text
        reason = text or type(error).__name__
        raise InputError(f"{name!r} cannot be read: {reason}.") from without_uri(error, given)


def _path_here(source: str, place: SplitResult) -> Path | None:
    """The file's path if it is on this machine and can be opened; None if it is elsewhere."""
    if is_uri(place) and place.scheme != "file":
        return None
    path = Path(unquote(place.path)) if is_uri(place) else expanded(source)
    path.open("rb").close()
    return path


def _copy(source: str, place: SplitResult) -> Path:
    """A copy of a file that is elsewhere."""
    if place.scheme not in {"http", "https", "s3"}:
        raise ValueError("give a path, file://, https:// or s3://")
    fetch = _fetch_from_store if place.scheme == "s3" else _download
    with temporary_file() as (path, copy):
        fetch(source, copy)
    return path


def _unzipped(found: Source) -> Source:
    """The one table in an archive."""
    with zipfile.ZipFile(found.path) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
        tables = [name for name in names if not any(map(is_passed_over, name.split("/")))]
        suffix = suffix_of(tables[0]) if len(tables) == 1 else None
        if suffix in {None, ".zip"}:
            raise ValueError(f"it holds {len(tables)} files: an archive needs one, a table")
        with archive.open(tables[0]) as member, temporary_file() as (path, copy):
            shutil.copyfileobj(member, copy)
    return Source(path, name=found.name, suffix=str(suffix), copied=True)


def _download(uri: str, copy: IO[bytes]) -> None:
    try:
        with urllib.request.urlopen(uri, timeout=_DOWNLOAD_SECONDS) as answer:  # noqa: S310 -- http(s) only, checked
            shutil.copyfileobj(answer, copy)
            promised = int(answer.headers.get("Content-Length") or 0)
    except urllib.error.HTTPError as refusal:
        # It is an open answer itself.
        refusal.close()
        raise
    # Python takes a connection that was cut for the end, and customers would be forgotten.
    if copy.tell() < promised:
        raise OSError(f"the connection was cut after {copy.tell():,} of {promised:,} bytes")


def _fetch_from_store(uri: str, copy: IO[bytes]) -> None:
    store, path = fs.FileSystem.from_uri(uri)
    with store.open_input_stream(path) as file:
        shutil.copyfileobj(file, copy)
