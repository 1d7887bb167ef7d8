"""Joining: a table of one's own beside what came of its customers."""

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from connect_tasks.tables.choosing import ids_of

__all__ = ["beside"]


def beside(
    frame: pd.DataFrame,
    outcomes: pd.DataFrame,
    *,
    on: str,
    key: Callable[[str], str],
    suffix: str = "_contact",
    every: bool = False,
) -> pd.DataFrame:
    """Put what came of customers beside a table's own columns.

    Args:
        frame: The table: any rows, any index, the id of any dtype. It is not changed.
        outcomes: The id as text in `customer_id`, and what came of the customer.
        on: The table's column, or level of its index, with the id.
        key: Ids with the same key are one customer.
        suffix: What a name ends in that the table has already.
        every: Whether a row of the table stands once for each of its customer's outcomes, in their
            order, instead of for the first.

    Returns:
        The rows, index and columns of the table, and then the columns of the outcomes without the
        id. Rows of nobody are missing there.

    Raises:
        InputError: The table has no such column.

    Example:
        >>> mine = pd.DataFrame({"acct": [42, 7], "plan": ["gold", "tin"]})
        >>> theirs = pd.DataFrame({"customer_id": ["42"], "status": ["completed"]})
        >>> beside(mine, theirs, on="acct", key=str).to_dict("list")["status"]
        ['completed', nan]
    """
    found = _positions(ids_of(frame, on), outcomes["customer_id"], key, every=every)
    if every:
        frame = frame.iloc[[row for row, places in enumerate(found) for _ in places]]
    # No row is called -1, so whoever is not found has a row of missing values.
    places = [place for theirs in found for place in theirs]
    there = outcomes.drop(columns="customer_id").reset_index(drop=True).reindex(places)
    there = there.set_axis(frame.index, axis="index")
    there.columns = pd.Index(_untaken(there.columns, {*frame.columns}, suffix))
    return pd.concat([frame, there], axis="columns")


def _untaken(names: Iterable[str], taken: set[Any], suffix: str) -> list[str]:
    wanted = list(names)
    for place, name in enumerate(wanted):
        while wanted[place] in taken or (wanted[place] != name and wanted[place] in names):
            wanted[place] += suffix
    return wanted


def _positions(
    ids: Iterable[Any], known: Iterable[Any], key: Callable[[str], str], *, every: bool
) -> list[list[int]]:
    """Where the outcomes of each id are; -1 for nobody's."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(known):
        if isinstance(name, str):
            theirs = places.setdefault(key(name), [])
            if every or not theirs:
                theirs.append(place)
    nobody = [-1]
    return [nobody if value is None else places.get(key(str(value)), nobody) for value in ids]
