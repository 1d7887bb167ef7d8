"""A table's fingerprint: what others may know of it, without any of its values."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pandas as pd

from connect_tasks.errors import InputError
from connect_tasks.tables.column_names import column_name, named_levels
from connect_tasks.tables.columns import plain_values

__all__ = ["describe"]


def describe(frame: pd.DataFrame) -> dict[str, Any]:
    """Summarise a table without any of its values, for records that others may read.

    Returns:
        `rows`, `columns` (their names, after those of its index) and `fingerprint`, the SHA-256 of
        the content in its order.

    Raises:
        InputError: It is no DataFrame, or a column's name is no text.

    Example:
        >>> summary = describe(pd.DataFrame({"customer_id": ["0042"]}))
        >>> summary["rows"], summary["columns"], len(summary["fingerprint"])
        (1, ['customer_id'], 64)
    """
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"customers is a {type(frame).__name__}: give a DataFrame.")
    digest = hashlib.sha256()
    names = []
    for name, column in _columns(frame):
        encoded = name.encode(errors="surrogatepass")
        digest.update(b"%d:%b" % (len(encoded), encoded))
        digest.update(_content(column))
        names.append(name)
    return {"rows": len(frame), "columns": names, "fingerprint": digest.hexdigest()}


def _columns(frame: pd.DataFrame) -> "Iterator[tuple[str, pd.Series[Any]]]":
    names = [column_name(label) for label in frame.columns]
    for name, level in named_levels(frame.index, names).items():
        yield name, pd.Series(level)
    for position, name in enumerate(names):
        yield name, frame.iloc[:, position]


def _content(column: "pd.Series[Any]") -> bytes:
    try:
        return pd.util.hash_pandas_object(column, index=False).to_numpy().tobytes()
    # Cells that hold lists or objects of any library, or dtypes that pandas only carries.
    except Exception:  # noqa: BLE001
        cells = hashlib.sha256()
        for value in plain_values(column):
            cells.update(_shown(value).encode(errors="surrogatepass") + b"\n")
        return cells.digest()


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 -- as above
        return type(value).__name__
