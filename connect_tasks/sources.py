"""Where a table comes from: the path or URI of a CSV or Parquet file."""

import csv
import gzip
import io
import urllib.error
import urllib.request
import warnings
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import pandas as pd
import pyarrow as pa
from pyarrow import fs, parquet

from connect_tasks.errors import InputError

__all__ = ["read_file"]

_DOWNLOAD_SECONDS = 60
_DELIMITERS = ",;\t|"


def read_file(source: str) -> pd.DataFrame:
    """Read a CSV (`.csv`, `.csv.gz`) or Parquet (`.parquet`, `.pq`) file.

    CSV: UTF-8, all columns as text, so that IDs keep their leading zeros; only an empty cell is
    missing, so that people called "Null" and the country "NA" are not; comma, semicolon, tab or
    bar, whichever the first line has most of.

    Args:
        source: A path, or a URI: `file://`, `https://`, `http://` or `s3://`.

    Raises:
        InputError: If there is no such file, or it cannot be read as a table.

    Example:
        >>> read_file("customers.xlsx")
        Traceback (most recent call last):
        ...
        connect_tasks.errors.InputError: 'customers.xlsx' is no table: give a .csv or .parquet file.
    """
    place = urlsplit(source)
    name = _shown(source, place)
    kind = Path(place.path if _is_uri(place) else source).name.lower()
    if not kind.endswith((".csv", ".csv.gz", ".parquet", ".pq")):
        raise InputError(f"{name!r} is no table: give a .csv or .parquet file.")
    content = _content(source, place, name)
    try:
        if kind.endswith(".gz"):
            content = gzip.decompress(content)
        return _csv(content, name) if ".csv" in kind else _parquet(content)
    # UnicodeDecodeError is a ValueError, and so are pandas' parser errors; gzip raises OSErrors.
    except (ValueError, pd.errors.ParserWarning, pa.ArrowException, OSError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name!r} cannot be read: {_reason(error, source, name)}") from error


def _is_uri(place: SplitResult) -> bool:
    # One letter is a Windows drive.
    return len(place.scheme) > 1


def _shown(source: str, place: SplitResult) -> str:
    """The source without user, password and query, which may hold a signature."""
    if not _is_uri(place):
        return source
    return f"{place.scheme}://{place.netloc.rpartition('@')[2]}{place.path}"


def _content(source: str, place: SplitResult, name: str) -> bytes:
    try:
        if not _is_uri(place):
            return Path(source).expanduser().read_bytes()
        if place.scheme == "file":
            return Path(unquote(place.path)).read_bytes()
        if place.scheme in {"http", "https"}:
            return _download(source)
        if place.scheme == "s3":
            return _from_store(source)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {name!r}: check the path.") from error
    except IsADirectoryError as error:
        raise InputError(f"{name!r} is a folder: give one .csv or .parquet file.") from error
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{name!r} cannot be read: {_reason(error, source, name)}") from error
    raise InputError(f"{name!r} cannot be read: give a path, file://, https:// or s3://.")


def _download(uri: str) -> bytes:
    try:
        with urllib.request.urlopen(uri, timeout=_DOWNLOAD_SECONDS) as answer:  # noqa: S310 -- http(s) only, checked
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as refusal:
        # It is an open answer itself.
        refusal.close()
        raise


def _from_store(uri: str) -> bytes:
    store, path = fs.FileSystem.from_uri(uri)
    with store.open_input_file(path) as file:
        content: bytes = file.read()
        return content


def _parquet(content: bytes) -> pd.DataFrame:
    # Arrow's own types keep integers with gaps integers.
    frame: pd.DataFrame = parquet.read_table(io.BytesIO(content)).to_pandas(
        types_mapper=pd.ArrowDtype
    )
    return frame


def _csv(content: bytes, name: str) -> pd.DataFrame:
    text = content.decode("utf-8-sig")
    header = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    _refuse_repeats(next(csv.reader([header], delimiter=delimiter), []), name)
    with warnings.catch_warnings():
        # pandas would drop surplus cells of the first rows with no more than a warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            io.StringIO(text),
            sep=delimiter,
            dtype="string",
            keep_default_na=False,
            na_values=[""],
            index_col=False,
        )


def _refuse_repeats(names: list[str], source: str) -> None:
    # pandas would rename the second one without a word.
    if repeated := sorted({name for name in names if name and names.count(name) > 1}):
        raise InputError(
            f"{source!r} has columns of the same name: {', '.join(map(repr, repeated))}."
            " Rename or drop one of each."
        )


def _reason(error: BaseException, source: str, name: str) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 (byte {error.start}); save it as CSV UTF-8."
    if isinstance(error, pd.errors.EmptyDataError):
        return "it is empty."
    if isinstance(error, pd.errors.ParserWarning):
        return "a row has more cells than the first line has names."
    # Libraries quote what they were given, query and all.
    text = str(error).replace(source, name).split("\n", 1)[0].strip().removesuffix(".")
    return f"{text or type(error).__name__}."
