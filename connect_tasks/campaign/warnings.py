"""Warnings before anything is sent: what is no error and yet looks like a slip.

Pure judgements about what they are told; whoever plans says them in its log.
"""

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from connect_tasks.aws.idempotency import canonical_key

__all__ = ["OddIds", "near_campaigns", "slip_of_the_pen"]

# 4.91512E+11, as a spreadsheet writes a long number that it has rounded.
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+")
# ="0042", as a spreadsheet is kept from making a number of it.
_FORMULA = re.compile(r'="?.*')
_DIGITS = re.compile(r"[0-9]+")
_SHOWN = 5
# How alike two names must be, and how many of the customers they must share.
_ALIKE = 0.75
_SHARED = 0.5


class OddIds:
    """Ids that a spreadsheet has probably changed, collected while a table goes by.

    Example:
        >>> odd = OddIds()
        >>> odd.look(["0042", "4.91512E+11"], first_row=0)
        >>> next(odd.sentences())[:41]
        'row 1 (counted from 0) has an id in scien'
    """

    def __init__(self) -> None:
        self._scientific: list[int] = []
        self._formulas: list[int] = []

    def look(self, customer_ids: Iterable[str | None], first_row: int) -> None:
        """Take some rows' ids in; the rows are counted from 0."""
        for row, name in enumerate(customer_ids, first_row):
            if name is None:
                continue
            if _SCIENTIFIC.fullmatch(name):
                self._scientific.append(row)
            elif name.startswith("=") and _FORMULA.fullmatch(name):
                self._formulas.append(row)

    def sentences(self) -> Iterator[str]:
        """What to say, one sentence a kind."""
        if self._scientific:
            yield (
                f"{_rows(self._scientific)} an id in scientific notation: a spreadsheet has "
                "rounded it, and others may have the same; export the column as text"
            )
        if self._formulas:
            yield (
                f"{_rows(self._formulas)} an id that begins with an equals sign, as a formula of "
                "a spreadsheet does: it is taken as it is"
            )


def _rows(rows: Sequence[int]) -> str:
    if len(rows) == 1:
        return f"row {rows[0]} (counted from 0) has"
    shown = ", ".join(map(str, rows[:_SHOWN]))
    more = f" and {len(rows) - _SHOWN:,} more" if len(rows) > _SHOWN else ""
    return f"rows {shown}{more} (counted from 0) have"


def near_campaigns(name: str, others: Iterable[str]) -> list[str]:
    """Campaigns whose names differ from this one as a slip of the pen does.

    Those that differ in nothing but a number, such as a month, are a series and no slip.

    Example:
        >>> near_campaigns("inrt", ["intr", "renewals-2026-11"])
        ['intr']
        >>> near_campaigns("renewals-2026-12", ["renewals-2026-11"])
        []
    """
    return [other for other in others if other != name and _is_near(name, other)]


def _is_near(name: str, other: str) -> bool:
    one, two = _folded(name), _folded(other)
    is_series = one != two and _DIGITS.sub("#", one) == _DIGITS.sub("#", two)
    return not is_series and difflib.SequenceMatcher(None, one, two).ratio() >= _ALIKE


def _folded(name: str) -> str:
    return canonical_key(name).casefold()


def slip_of_the_pen(
    name: str,
    near: Iterable[str],
    customers: Sequence[str],
    known: Callable[[str, Sequence[str]], Collection[str]],
) -> Iterator[str]:
    """Say that a new campaign may be an old one with its name mistyped.

    Args:
        name: The new campaign.
        near: Campaigns of nearly the same name.
        customers: Some of the table's customers.
        known: Which of them a campaign holds.
    """
    for other in near:
        shared = len(known(other, customers))
        if customers and shared >= _SHARED * len(customers):
            yield (
                f"campaign {name!r} is new, and {other!r} holds {shared:,} of the first "
                f"{len(customers):,} customers of this table: under another name they are "
                "contacted again"
            )
