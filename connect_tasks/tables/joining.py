"""Joining: a table of one's own beside what came of its customers."""

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from connect_tasks.errors import InputError
from connect_tasks.tables.column_names import column_name, named_levels
from connect_tasks.tables.columns import plain_values

__all__ = ["beside"]

_SUFFIX = "_contact"


def beside(
    frame: pd.DataFrame,
    outcomes: pd.DataFrame,
    *,
    on: str,
    key: Callable[[str], str],
) -> pd.DataFrame:
    """Put what came of customers beside a table's own columns.

    Args:
        frame: The table: any rows, any index, the id of any dtype. It is not changed.
        outcomes: One row a customer, with the id as text in `customer_id`; of several the first
            counts.
        on: The table's column, or level of its index, with the id.
        key: Ids with the same key are one customer.

    Returns:
        The rows, index and columns of the table, and then the columns of the outcomes without the
        id. One whose name the table has already ends in `_contact`. Rows of nobody are missing
        there.

    Raises:
        InputError: The table has no such column.

    Example:
        >>> mine = pd.DataFrame({"acct": [42, 7], "plan": ["gold", "tin"]})
        >>> theirs = pd.DataFrame({"customer_id": ["42"], "status": ["completed"]})
        >>> beside(mine, theirs, on="acct", key=str).to_dict("list")["status"]
        ['completed', nan]
    """
    found = _positions(_ids(frame, on), outcomes["customer_id"], key)
    # No row is called -1, so whoever is not found has a row of missing values.
    there = outcomes.drop(columns="customer_id").reset_index(drop=True).reindex(found)
    there = there.set_axis(frame.index, axis="index")
    taken = set(frame.columns)
    there.columns = pd.Index([f"{c}{_SUFFIX}" if c in taken else c for c in there.columns])
    return pd.concat([frame, there], axis="columns")


def _positions(ids: Iterable[Any], known: Iterable[Any], key: Callable[[str], str]) -> list[int]:
    places: dict[str, int] = {}
    for place, name in enumerate(known):
        if isinstance(name, str):
            places.setdefault(key(name), place)
    return [-1 if value is None else places.get(key(str(value)), -1) for value in ids]


def _ids(frame: pd.DataFrame, on: str) -> list[Any]:
    names = [column_name(label) for label in frame.columns]
    if on in names:
        return plain_values(frame.iloc[:, names.index(on)])
    levels = named_levels(frame.index, names)
    if on not in levels:
        listed = ", ".join(map(repr, [*levels, *names][:20]))
        raise InputError(
            f"The table has no column {on!r}: say which one holds the id, as on='account'. "
            f"It has {listed}."
        )
    return plain_values(pd.Series(levels[on]))
