"""Segments: customers by what a table says of them, few enough to be compared."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Self, TypeVar

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.campaign.report.words import clean, shorten

__all__ = ["NO_VALUE", "OTHERS", "Segments"]

NO_VALUE = "(no value)"
"""Of whom the table says nothing."""
OTHERS = "(others)"
"""Who has a value that is too rare for a picture of its own."""

_Item = TypeVar("_Item")
_MOST = 6
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Segments:
    """Customers by one value each.

    Attributes:
        names: The values, sorted; at most six: beyond that the most frequent five, and others.
    """

    names: tuple[str, ...]
    _by_key: Mapping[str, str]

    @classmethod
    def of(cls, customer_ids: Iterable[Any], values: Iterable[Any]) -> Self:
        """Segments by values, side by side with ids; the first value of a customer counts.

        Example:
            >>> Segments.of(["0042", "0043", None], ["plus", "basic", "pro"]).names
            ('basic', 'plus')
        """
        named: dict[str, str] = {}
        for customer_id, value in zip(customer_ids, values, strict=True):
            whole = "" if value is None else clean(value).strip()
            if customer_id is not None and whole:
                named.setdefault(canonical_key(str(customer_id)), whole)
        sizes = Counter(named.values())
        kept = [
            value for value, _ in sizes.most_common(_MOST if len(sizes) <= _MOST else _MOST - 1)
        ]
        names = _short_names(sorted(kept, key=_order))
        found = {key: names.get(value, OTHERS) for key, value in named.items()}
        rest = (OTHERS,) if len(kept) < len(sizes) else ()
        return cls((*names.values(), *rest), found)

    def name_of(self, customer_id: str | None) -> str:
        """The segment of a customer."""
        return (
            NO_VALUE
            if customer_id is None
            else self._by_key.get(canonical_key(customer_id), NO_VALUE)
        )

    def parted(self, records: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
        """Records by their customers' segments, in the order of `names`.

        Those of nobody's segment come last, if there are any.
        """
        return self.grouped((record.get("customer_id"), record) for record in records)

    def grouped(self, items: Iterable[tuple[str | None, _Item]]) -> dict[str, list[_Item]]:
        """The same of anything that stands beside a customer's id."""
        found: dict[str, list[_Item]] = {name: [] for name in (*self.names, NO_VALUE)}
        for customer_id, item in items:
            found[self.name_of(customer_id)].append(item)
        if not found[NO_VALUE]:
            del found[NO_VALUE]
        return found


def _short_names(values: Iterable[str]) -> dict[str, str]:
    """A name for each value, as short as a picture needs it and like no other."""
    names: dict[str, str] = {}
    for value in values:
        taken = {NO_VALUE, OTHERS, *names.values()}
        names[value] = next(name for name in _shorter(value) if name not in taken)
    return names


def _shorter(value: str) -> Iterator[str]:
    yield shorten(value, _LONGEST_NAME)
    for number in count(2):
        mark = f" ({number})"
        yield shorten(value, _LONGEST_NAME - len(mark)) + mark


def _order(name: str) -> tuple[bool, float, str]:
    """Numbers by their size, before words by the alphabet."""
    try:
        return False, float(name), name
    except ValueError:
        return True, 0.0, name
