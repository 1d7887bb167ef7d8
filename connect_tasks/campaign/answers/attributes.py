"""Attributes: what flows stored of each customer, as a table whose columns only the flows know.

The rules of this file:

- An attribute is what Amazon told of it last, and what was sent with the start where it told
  nothing. What a contact that followed has stored comes after the customer's own.
- A column is called like its attribute, unless that is the name of another column.
- A flow may make up names as it goes on, one for each order or day. The table then has those that
  most customers have, and it is said how many there are beside them.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connect_tasks.aws.stored_text import as_stored

__all__ = ["MOST_ATTRIBUTES", "AttributeColumns", "attribute_columns", "attributes_of"]

MOST_ATTRIBUTES = 500
"""How many columns the table of attributes has at most, beside the ids."""

_IDS = ("customer_id", "contact_id")
# How many different names are counted: of what nobody has seen so far, the hundred thousandth
# hardly is one that many customers have.
_MOST_COUNTED = 100_000
_LONGEST = 65_536


def attributes_of(row: Mapping[str, Any]) -> dict[str, str]:
    """A customer's attributes, by their names.

    Args:
        row: As `Answers.attributes` gives it.

    Example:
        >>> sent = '{"Attributes": {"plan": "gold"}}'
        >>> attributes_of({"request": sent, "stored": [{"score": "9"}]})
        {'plan': 'gold', 'score': '9'}
    """
    told = (_sent(row.get("request")), *row.get("stored", ()))
    return {
        as_stored(str(name), most=_LONGEST): as_stored(_text(value), most=_LONGEST)
        for stored in told
        for name, value in stored.items()
        if value is not None
    }


@dataclass(frozen=True, slots=True)
class AttributeColumns:
    """The columns of the table of attributes.

    Args:
        names: The column of each attribute, sorted by column.
        left_out: How many attributes have none, since there are too many.
    """

    names: Mapping[str, str]
    left_out: int = 0

    def record(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row of the table.

        Args:
            row: As `Answers.attributes` gives it.
        """
        found = attributes_of(row)
        ids = {name: row[name] for name in _IDS}
        return ids | {self.names[name]: found[name] for name in found if name in self.names}


def attribute_columns(
    rows: Iterable[Mapping[str, Any]], *, most: int = MOST_ATTRIBUTES
) -> AttributeColumns:
    """Find the columns that the table of attributes has.

    Args:
        rows: As `Answers.attributes` gives them; gone through once.
        most: How many attributes have a column at most: those that most customers have.

    Example:
        >>> rows = [{"request": "{}", "stored": [{"score": "9", "contact_id": "mine"}]}]
        >>> attribute_columns(rows).names
        {'contact_id': 'attribute_contact_id', 'score': 'score'}
    """
    found: Counter[str] = Counter()
    uncounted: set[int] = set()
    for row in rows:
        for name in attributes_of(row):
            if name in found or len(found) < _MOST_COUNTED:
                found[name] += 1
            elif len(uncounted) < _MOST_COUNTED:
                uncounted.add(hash(name))
    ordered = sorted(found, key=lambda name: (-found[name], name))
    columns = dict(_named(ordered[:most]))
    by_column = dict(sorted(columns.items(), key=lambda pair: pair[1]))
    return AttributeColumns(by_column, len(found) - len(columns) + len(uncounted))


def _named(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    wanted = list(names)
    taken = {*_IDS, "", *wanted}
    for name in wanted:
        column = name
        while name in {*_IDS, ""} and column in taken:
            column = f"attribute_{column}"
        taken.add(column)
        yield name, column


def _sent(request: object) -> Mapping[str, Any]:
    try:
        sent = json.loads(request) if isinstance(request, str) else {}
    except (ValueError, RecursionError):
        return {}
    attributes = sent.get("Attributes") if isinstance(sent, dict) else None
    return attributes if isinstance(attributes, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
