"""Sources: where a table comes from, the path or URI of a file."""

import http.client
import os
import shutil
import tempfile
import urllib.error
import urllib.request
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import SplitResult, unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from connect_tasks.errors import InputError

__all__ = ["Source", "find"]

_DOWNLOAD_SECONDS = 60


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
            weakref.finalize(self, path.unlink, missing_ok=True)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what reading it raises into one sentence.

        Raises:
            InputError: Instead of what a library raised.
        """
        with _explained(str(self.path), self.name):
            yield


def find(source: str, suffixes: Sequence[str]) -> Source:
    """Find a file; one that is elsewhere is copied to this machine's temporary folder.

    Args:
        source: A path, or a URI: `file://`, `https://`, `http://` or `s3://`.
        suffixes: The kinds of files to accept, in small letters.

    Raises:
        InputError: If it is of another kind, or cannot be opened or fetched.

    Example:
        >>> find("customers.xlsx", [".csv", ".parquet"])
        Traceback (most recent call last):
        ...
        connect_tasks.errors.InputError: 'customers.xlsx' is no table: give a .csv or .parquet file.
    """
    place = urlsplit(source)
    name = _shown(source, place)
    file_name = Path(place.path if _is_uri(place) else source).name.lower()
    suffix = next((suffix for suffix in suffixes if file_name.endswith(suffix)), None)
    if suffix is None:
        raise InputError(f"{name!r} is no table: give a .csv or .parquet file.")
    with _explained(source, name):
        path = _path_here(source, place)
        copied = path is None
        return Source(path or _copy(source, place), name=name, suffix=suffix, copied=copied)


def _is_uri(place: SplitResult) -> bool:
    # One letter is a Windows drive.
    return len(place.scheme) > 1


def _shown(source: str, place: SplitResult) -> str:
    """The source without user, password and query, which may hold a signature."""
    if not _is_uri(place):
        return source
    return f"{place.scheme}://{place.netloc.rpartition('@')[2]}{place.path}"


@contextmanager
def _explained(given: str, name: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"There is no file {name!r}: check the path.") from error
    except IsADirectoryError as error:
        raise InputError(f"{name!r} is a folder: give one .csv or .parquet file.") from error
    # What pandas says of a broken file are ValueErrors, too.
    except (OSError, ValueError, http.client.HTTPException, pa.ArrowException) as error:
        # Libraries quote what they were given, query and all.
        text = str(error).replace(given, name).split("\n", 1)[0].strip().removesuffix(".")
        reason = text or type(error).__name__
        raise InputError(f"{name!r} cannot be read: {reason}.") from error


def _path_here(source: str, place: SplitResult) -> Path | None:
    """The file's path if it is on this machine and can be opened; None if it is elsewhere."""
    if _is_uri(place) and place.scheme != "file":
        return None
    path = Path(unquote(place.path)) if _is_uri(place) else Path(source).expanduser()
    path.open("rb").close()
    return path


def _copy(source: str, place: SplitResult) -> Path:
    """A copy of a file that is elsewhere; only this user can read it."""
    if place.scheme not in {"http", "https", "s3"}:
        raise ValueError("give a path, file://, https:// or s3://")
    fetch = _fetch_from_store if place.scheme == "s3" else _download
    descriptor, path = tempfile.mkstemp(prefix="connect-tasks-")
    try:
        with os.fdopen(descriptor, "wb") as copy:
            fetch(source, copy)
    except BaseException:
        Path(path).unlink()
        raise
    return Path(path)


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
