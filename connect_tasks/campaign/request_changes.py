"""Changed requests: rows that make another request than the one that was sent, and in what."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from pydantic.alias_generators import to_snake

from connect_tasks.aws.idempotency import RequestText

__all__ = ["ChangedRequests", "changed_fields"]

# A person reads no more, and those few are looked up.
_LOOKED_AT = 20
_ROWS_TOLD = 5
# What a person chose the names in, so that they stay as they are.
_OWN_NAMES = {"attributes", "segment_attributes"}
_OURS = {"ClientToken"}


class ChangedRequests:
    """Customers who were contacted before, and for whom a table now makes another request.

    It is counted, and never sent.

    Example:
        >>> changed = ChangedRequests()
        >>> changed.add("0042", 3, RequestText.of({"InstanceId": "i", "Attributes": {"a": "new"}}))
        >>> was = '{"InstanceId":"i","Attributes":{"a":"old"}}'
        >>> changed.details(lambda ids: {"0042": was}, {"attributes.a": ("plan",)})
        "row 3 (counted from 0): attributes.a (column 'plan')"
    """

    def __init__(self) -> None:
        self.count = 0
        self._some: dict[str, tuple[int, RequestText]] = {}

    def add(self, customer_id: str, row: int, request: RequestText) -> None:
        """Take a row in; rows are counted from 0."""
        self.count += 1
        if len(self._some) < _LOOKED_AT:
            self._some[customer_id] = (row, request)

    def details(
        self,
        sent: Callable[[Sequence[str]], Mapping[str, str]],
        columns: Mapping[str, Collection[str]],
    ) -> str:
        """Say in which rows and fields the first of them differ; empty if there are none.

        Args:
            sent: Gives the stored requests of customers, as JSON.
            columns: The columns of which each field is made.
        """
        stored = sent(list(self._some)) if self._some else {}
        fields: dict[str, None] = {}
        for customer_id, (_, request) in self._some.items():
            fields |= dict.fromkeys(changed_fields(stored.get(customer_id, "{}"), request))
        if not fields:
            return ""
        told = ", ".join(_with_columns(field, columns) for field in fields)
        return f"{self._rows()} (counted from 0): {told}"

    def _rows(self) -> str:
        rows = [str(row) for row, _ in self._some.values()]
        more = self.count - len(rows[:_ROWS_TOLD])
        listed = ", ".join(rows[:_ROWS_TOLD])
        return f"row{'s' * (self.count > 1)} {listed}" + (f" and {more:,} more" if more else "")


def changed_fields(sent: str, request: RequestText) -> Iterator[str]:
    """Which fields of two requests differ, by their names in a template.

    Args:
        sent: The one that was sent, as JSON.
        request: The one that the table makes now.
    """
    was, now = _flat(json.loads(sent)), _flat(json.loads(request.signed("")))
    for field in sorted(was.keys() | now.keys()):
        if was.get(field) != now.get(field):
            yield field


def _flat(value: Any, place: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {".".join(place): value}
    flat: dict[str, Any] = {}
    for name, inner in value.items():
        if not place and name in _OURS:
            continue
        is_own = len(place) == 1 and place[0] in _OWN_NAMES
        flat |= _flat(inner, (*place, name if is_own else to_snake(name)))
    return flat


def _with_columns(field: str, columns: Mapping[str, Collection[str]]) -> str:
    made_of = sorted(columns.get(field, ()))
    if not made_of:
        return field
    listed = ", ".join(map(repr, made_of))
    return f"{field} (column{'s' * (len(made_of) > 1)} {listed})"
