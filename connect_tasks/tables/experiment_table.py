"""The table of an experiment, and what its caller knows of customers: frames out and in."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

from connect_tasks.errors import InputError
from connect_tasks.tables.choosing import ids_of
from connect_tasks.tables.table_layout import TableLayout

__all__ = ["experiment_frame", "known_outcomes"]

_TEXT, _COUNT, _RATE, _TRUTH = "string", "Int64", "Float64", "boolean"
_COUNTS = ("assigned", "due", "contacted", "reached", "replied", "opted_out")
_RATES = ("reply_rate", "reply_rate_low", "reply_rate_high")
_APART = ("difference", "difference_low", "difference_high")
_COLUMNS = {
    "arm": _TEXT,
    **dict.fromkeys(_COUNTS, _COUNT),
    **dict.fromkeys((*_RATES, *_APART), _RATE),
    "sample": _COUNT,
    "sample_reached": _TRUTH,
}
_OF_AMOUNTS = {"outcomes_known": _COUNT, "outcome_mean": _RATE}
_OF_TRUTHS = {
    "outcomes_known": _COUNT,
    "outcomes": _COUNT,
    **dict.fromkeys(("outcome_rate", "outcome_rate_low", "outcome_rate_high"), _RATE),
    **{f"outcome_{name}": _RATE for name in _APART},
}
_ID, _OUTCOME = "customer_id", "outcome"


def experiment_frame(
    records: Iterable[Mapping[str, Any]], *, outcomes_are_rates: bool | None
) -> pd.DataFrame:
    """The arms as a DataFrame, in their order; its columns depend on the outcomes' kind alone.

    Args:
        records: One for each arm.
        outcomes_are_rates: Whether the outcomes are true or false, and no amounts; None if there
            are none.
    """
    more = {None: {}, True: _OF_TRUTHS, False: _OF_AMOUNTS}[outcomes_are_rates]
    return TableLayout({**_COLUMNS, **more}).frame(records)


def known_outcomes(
    outcomes: pd.DataFrame, key: Callable[[str], str]
) -> tuple[dict[str, float], bool]:
    """What a caller knows of customers, by their keys; and whether it is true or false of each.

    Args:
        outcomes: With the columns `customer_id` and `outcome`: true or false, or a number. Missing
            outcomes are those that nobody knows.
        key: Ids with the same key are one customer.

    Raises:
        InputError: It is no DataFrame, a column is missing, an outcome is neither, or a customer
            has several.

    Example:
        >>> table = pd.DataFrame({"customer_id": [7, 8], "outcome": [True, False]})
        >>> known_outcomes(table, str)
        ({'7': 1.0, '8': 0.0}, True)
    """
    if not isinstance(outcomes, pd.DataFrame):
        raise InputError(
            f"outcomes is a {type(outcomes).__name__}: give a DataFrame with the columns {_ID!r} "
            f"and {_OUTCOME!r}, true or false or a number for each customer."
        )
    if _OUTCOME not in outcomes.columns:
        raise InputError(
            f"The outcomes have no column {_OUTCOME!r}: give a table with the columns {_ID!r} and "
            f"{_OUTCOME!r}, true or false or a number for each customer."
        )
    values = outcomes[_OUTCOME]
    is_rate = _are_truths(values)
    numbers = pd.to_numeric(values.astype("boolean") if is_rate else values, errors="coerce")
    if (numbers.isna() & values.notna()).any() or numbers.isin([float("inf"), -float("inf")]).any():
        raise InputError("An outcome is neither true nor false nor a number: mend the table.")
    found: dict[str, float] = {}
    seen: set[str] = set()
    for name, value in zip(ids_of(outcomes, _ID), numbers.astype("Float64"), strict=True):
        if name is None:
            continue
        theirs = key(str(name))
        if theirs in seen:
            raise InputError(
                f"Customer {str(name)[:40]!r} has several outcomes: give one row for each customer."
            )
        seen.add(theirs)
        if not pd.isna(value):
            found[theirs] = float(value)
    return found, is_rate


def _are_truths(values: "pd.Series[Any]") -> bool:
    if pd.api.types.is_bool_dtype(values):
        return True
    there = values.dropna()
    return bool(len(there)) and bool(there.map(lambda value: isinstance(value, bool)).all())
