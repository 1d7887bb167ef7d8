"""The levels of an index that are columns of the table, too: those with a name of their own."""

from collections.abc import Collection
from typing import Any

import pandas as pd

from connect_tasks.tables.names import column_name

__all__ = ["named_levels"]


def named_levels(
    index: "pd.Index[Any] | None", columns: Collection[str]
) -> "dict[str, pd.Index[Any]]":
    """Each level of an index whose name is no column's, by that name.

    Example:
        >>> list(named_levels(pd.Index(["0042"], name="customer_id"), ["name"]))
        ['customer_id']
    """
    if index is None:
        return {}
    named = {column_name(n): i for i, n in enumerate(index.names) if n is not None}
    return {n: index.get_level_values(i) for n, i in named.items() if n not in set(columns)}
