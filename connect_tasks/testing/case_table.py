"""Cases from a table: one conversation a row, or several rows for each `case`."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connect_tasks.aws.problems import did_you_mean
from connect_tasks.errors import InputError
from connect_tasks.tables.reading import open_table
from connect_tasks.testing.case import Case, ExpectedLine, Turn
from connect_tasks.testing.case_columns import (
    AFTER,
    ATTRIBUTES,
    COLUMNS,
    FIELDS,
    CellError,
    cell,
    family,
)
from connect_tasks.testing.expected_file import ExpectedEnd
from connect_tasks.testing.script import Script

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_cases"]

_OF_A_LINE = ("speaker", "equals", "contains", "matches", "within_seconds")
_OF_THE_SCRIPT = ("display_name", "initial_message", "now", "draws", "world_patch")
_OF_THE_END = ("end_state", "end_reason", "queue")
_PREFIXES = "attributes.NAME, attributes_after.NAME, chooses.FIELD"


def read_cases(source: "pd.DataFrame | str | os.PathLike[str]") -> tuple[Case, ...]:
    """Read the cases of a table.

    Args:
        source: A DataFrame, or the path or URI of a CSV or Parquet file or a spreadsheet. Each row
            is a conversation, or with a column `case` each name is one: its rows, in order.

    Returns:
        The cases, in the table's order.

    Raises:
        InputError: There is no such table, or something in it cannot be used: one line for each
            thing that is wrong, with its row (counted from 0) and column.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"says": ["9"], "contains": ["Thank you"]})
        >>> [case.name for case in read_cases(table)]
        ['row 0']
    """
    table = open_table(source, of="cases")
    reader = _Reader(has_names="case" in table.columns)
    reader.check_columns(table.columns)
    for number, row in enumerate(row for chunk in table.chunks() for row in chunk):
        reader.add(number, row)
    cases = reader.finish()
    if reader.problems:
        lines = "\n".join(f"- {problem}" for problem in reader.problems)
        raise InputError(f"The table of cases cannot be used (rows are counted from 0):\n{lines}")
    return cases


@dataclass(slots=True)
class _Row:
    """One row: its number, and what its cells say by column; empty ones are left out."""

    number: int
    cells: dict[str, Any]


@dataclass(slots=True)
class _Reader:
    has_names: bool
    problems: list[str] = field(default_factory=list)
    groups: dict[str, list[_Row]] = field(default_factory=dict)
    current: str | None = None
    wrong: set[str] = field(default_factory=set)

    def check_columns(self, columns: Iterable[str]) -> None:
        for column in columns:
            if column not in COLUMNS and family(column) is None:
                near = did_you_mean(column, [*COLUMNS, ATTRIBUTES, AFTER, FIELDS])
                self.problems.append(
                    f"column {column!r} is not known{near}: there are {', '.join(COLUMNS)} and"
                    f" {_PREFIXES}; what is for people only goes into note"
                )

    def add(self, number: int, row: Mapping[str, Any]) -> None:
        cells, is_whole = self._read(number, row)
        named = cells.pop("case", None)
        if not cells and is_whole and named is None:
            return
        name = self._name_of(number, named)
        self.groups.setdefault(name, []).append(_Row(number, cells))
        if not is_whole:
            self.wrong.add(name)

    def _read(self, number: int, row: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        cells: dict[str, Any] = {}
        is_whole = True
        for column, value in row.items():
            if column == "note" or (column not in COLUMNS and family(column) is None):
                continue
            try:
                read = cell(column, value)
            except CellError as error:
                self.problems.append(f"row {number}, column {column}: {error}")
                is_whole = False
            else:
                cells |= {} if read is None else {column: read}
        return cells, is_whole

    def _name_of(self, number: int, named: str | None) -> str:
        if not self.has_names:
            return f"row {number}"
        name = named.strip() if named is not None else self.current
        if name is None:
            self.problems.append(f"row {number}, column case: the first row needs a name")
            name = f"row {number}"
        elif name != self.current and name in self.groups:
            first = self.groups[name][0].number
            self.problems.append(
                f"row {number}, column case: {name!r} began at row {first}, and other cases stand"
                " between: put its rows together, or give it another name"
            )
        self.current = name
        return name

    def finish(self) -> tuple[Case, ...]:
        if not self.groups:
            self.problems.append("no row says anything: fill in at least says or contains")
        return tuple(self._case(name, rows) for name, rows in self.groups.items())

    def _case(self, name: str, rows: Sequence[_Row]) -> Case:
        once = self._said_once(name, rows)
        turns, deeds = _turns(rows)
        case = Case(
            name=name,
            script=_script(once, deeds),
            turns=turns,
            end=_end(once),
            attributes_after=dict(_named(once, AFTER)),
            rows=tuple(row.number for row in rows),
        )
        self._check(case, rows)
        return case

    def _said_once(self, name: str, rows: Sequence[_Row]) -> dict[str, Any]:
        """What concerns the whole case, from whichever of its rows says it."""
        told: dict[str, tuple[int, Any]] = {}
        for row in rows:
            for column, value in row.cells.items():
                if not _is_of_the_case(column):
                    continue
                first, before = told.setdefault(column, (row.number, value))
                if before != value:
                    self.problems.append(
                        f"row {row.number}, column {column}: row {first} of case {name!r} says"
                        " otherwise: a case has one, in any of its rows"
                    )
        return {column: value for column, (_, value) in told.items()}

    def _check(self, case: Case, rows: Sequence[_Row]) -> None:
        for row in rows:
            chooses, says = "chooses" in row.cells, "says" in row.cells
            if chooses and says:
                self._complain(
                    row, "says", "the customer chooses something here, too: use two rows"
                )
            if not chooses and any(family(column) == FIELDS for column in row.cells):
                self._complain(row, "chooses", "name the view's action that sends these fields")
        expects = case.end or case.attributes_after or any(turn.expected for turn in case.turns)
        # Who has written something that cannot be read has been told so.
        if not expects and case.name not in self.wrong:
            self.problems.append(
                f"row {rows[0].number}: case {case.name!r} expects nothing: fill in at least one"
                " of equals, contains, matches, end_reason, queue, attributes_after.NAME"
            )

    def _complain(self, row: _Row, column: str, rule: str) -> None:
        self.problems.append(f"row {row.number}, column {column}: {rule}")


def _is_of_the_case(column: str) -> bool:
    return (
        column in _OF_THE_SCRIPT or column in _OF_THE_END or family(column) in {ATTRIBUTES, AFTER}
    )


def _named(cells: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for column, value in cells.items():
        if family(column) == prefix:
            yield column.removeprefix(prefix), value


def _script(once: Mapping[str, Any], deeds: Sequence[Any]) -> Script:
    given = {name: once[name] for name in _OF_THE_SCRIPT if name in once}
    return Script(attributes=dict(_named(once, ATTRIBUTES)), customer=tuple(deeds), **given)


def _end(once: Mapping[str, Any]) -> ExpectedEnd | None:
    if not any(name in once for name in _OF_THE_END):
        return None
    return ExpectedEnd(
        state=once.get("end_state"), reasons=once.get("end_reason"), queue=once.get("queue")
    )


def _turns(rows: Sequence[_Row]) -> tuple[tuple[Turn, ...], list[Any]]:
    """What is said in turns, and all that the customer does, silence included."""
    said: list[Any] = [None]
    expected: list[list[ExpectedLine]] = [[]]
    deeds: list[Any] = []
    for row in rows:
        if "silence_seconds" in row.cells:
            deeds.append({"silence": row.cells["silence_seconds"]})
        if (message := _message(row.cells)) is not None:
            deeds.append(message)
            said.append(message)
            expected.append([])
        if line := {name: row.cells[name] for name in _OF_A_LINE if name in row.cells}:
            expected[-1].append(ExpectedLine(row=row.number, **line))
    pairs = zip(said, expected, strict=True)
    return tuple(Turn(said=text, expected=tuple(lines)) for text, lines in pairs), deeds


def _message(cells: Mapping[str, Any]) -> Any:
    chosen = cells.get("chooses")
    if chosen is None:
        return cells.get("says")
    fields = dict(_named(cells, FIELDS))
    # A button's title comes back as text; a view without fields takes its action as one, too.
    return {"action": chosen, "data": fields} if fields else chosen
