"""The result of a regression: which cases came as expected, what did not, and what was reached."""

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connect_tasks.aws.stored_text import short_values
from connect_tasks.errors import CasesFailedError, InputError
from connect_tasks.tables.table_layout import TableLayout
from connect_tasks.testing.case_result import CaseResult
from connect_tasks.testing.coverage import FlowCoverage
from connect_tasks.testing.coverage_mermaid import mermaid
from connect_tasks.testing.coverage_svg import svg
from connect_tasks.testing.junit import write_junit

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RegressionResult"]

_TEXT, _COUNT, _SECONDS, _TRUTH = "string", "Int64", "Float64", "boolean"
_TABLE = TableLayout(
    {
        "case": _TEXT,
        "passed": _TRUTH,
        "difference": _TEXT,
        "end_state": _TEXT,
        "end_reason": _TEXT,
        "queue": _TEXT,
        "seconds": _SECONDS,
        "contact_id": _TEXT,
    }
)
_LINES = TableLayout(
    {
        "case": _TEXT,
        "number": _COUNT,
        "what": _TEXT,
        "speaker": _TEXT,
        "expected": _TEXT,
        "actual": _TEXT,
        "ok": _TRUTH,
        "at_seconds": _SECONDS,
        "why": _TEXT,
    }
)
_COVERAGE = TableLayout(
    {
        "flow": _TEXT,
        "identifier": _TEXT,
        "name": _TEXT,
        "type": _TEXT,
        "branch": _TEXT,
        "next_action": _TEXT,
        "times": _COUNT,
    }
)
_MOST_TOLD = 20
# Of a text; a flow may say what no table can hold, too.
_MOST = 1_000_000


class RegressionResult:
    """What came of the cases of a table.

    It shows itself in a notebook, and can be pickled.

    Args:
        flow: The flow's name.
        cases: Every case, in the table's order.
        coverage: What was reached of the flow, and of those that it leads to; nothing is known of
            that on a real instance.
        warnings: What is no error and may yet be otherwise than meant, as what the world lacks.

    Example:
        ```python
        from connect_tasks.testing import read_cases, rehearse_cases

        cases = read_cases("cases.csv")
        result = rehearse_cases(cases, connect="survey.json", world="survey.world.json")
        print(result.table.query("not passed"))
        print(result.difference)
        ```
    """

    def __init__(
        self,
        flow: str,
        cases: Sequence[CaseResult],
        *,
        coverage: Sequence[FlowCoverage] = (),
        warnings: Sequence[str] = (),
    ) -> None:
        self.flow = flow
        self.cases = tuple(cases)
        self.warnings = tuple(warnings)
        self._coverage = tuple(coverage)

    @property
    def passed(self) -> bool:
        """Whether every case came as expected."""
        return all(one.passed for one in self.cases)

    @property
    def failures(self) -> tuple[CaseResult, ...]:
        """The cases that did not."""
        return tuple(one for one in self.cases if not one.passed)

    @property
    def summary(self) -> str:
        """How many did, in a sentence."""
        total, good = len(self.cases), len(self.cases) - len(self.failures)
        told = f"{good:,} of {total:,} case{'' if total == 1 else 's'} as expected"
        return f"{told}, {self._covered} branches reached." if self._coverage else f"{told}."

    @cached_property
    def table(self) -> "pd.DataFrame":
        """One row per case, in the order of the cases' own table.

        Columns: case (`string`); passed (`boolean`); difference (`string`, a sentence a line; empty
        if there is none); end_state, end_reason, queue (`string`, how it stood at the end); seconds
        (`Float64`, that it took: virtual ones where it was rehearsed); contact_id (`string`). What
        became of a case that could not be played is in difference, and the rest is missing.
        """
        return _TABLE.frame(short_values(_row(one), most=_MOST) for one in self.cases)

    @cached_property
    def lines(self) -> "pd.DataFrame":
        """One row per line that was said or had to be, and per end, queue and attribute.

        Columns: case (`string`); number (`Int64`, from 1 for each case); what (`string`: `line`,
        `end`, `queue`, `attribute NAME` or `problem`); speaker (`string`, of a line that came);
        expected, actual (`string`; missing where nothing was expected, or nothing came); ok
        (`boolean`, missing where nothing was expected); at_seconds (`Float64`, since the
        beginning); why (`string`, what is wrong where the two texts do not say it).
        """
        return _LINES.frame(short_values(row, most=_MOST) for row in _lines(self.cases))

    @cached_property
    def coverage(self) -> "pd.DataFrame":
        """One row per branch of each action, of the flow and of those that it may lead to.

        Columns: flow, identifier, name (what the designer shows), type, branch, next_action
        (`string`; the last is missing where the flow ends there or another begins); times
        (`Int64`, how often the branch was taken). An action without any branch has one row, with
        no branch. Ways that no chat can take are left out: what follows a block for calls alone,
        where it has an error branch, and what is written behind a transfer to a queue.
        """
        rows = _coverage(self._coverage)
        return _COVERAGE.frame(short_values(row, most=_MOST) for row in rows)

    @property
    def difference(self) -> str:
        """Of every case that failed, what happened beside what was expected."""
        return "\n\n".join(f"{one.case.name}\n{one.side_by_side()}" for one in self.failures)

    def coverage_mermaid(self, flow: str | None = None) -> str:
        """The flow as a Mermaid flowchart: what no case reached is dashed and red.

        Args:
            flow: The name of the flow; that of the cases if None.

        Raises:
            InputError: There is no such flow, or nothing is known of what was reached.
        """
        return mermaid(self._coverage_of(flow))

    def coverage_svg(self, flow: str | None = None) -> str:
        """The flow as a picture: what no case reached is dashed and red.

        Args:
            flow: The name of the flow; that of the cases if None.

        Raises:
            InputError: There is no such flow, or nothing is known of what was reached.
        """
        return svg(self._coverage_of(flow))

    def to_junit(self, path: "str | os.PathLike[str]") -> None:
        """Write the result as JUnit XML, as build servers read it; its folder is made.

        Args:
            path: The file; one that is there is replaced.

        Raises:
            OSError: It cannot be written.
        """
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_junit(file, self.flow, self.cases)

    def raise_for_failures(self) -> None:
        """Raise if a case failed.

        Raises:
            CasesFailedError: One has; an `AssertionError`, too. It shows what happened beside what
                was expected, of the first twenty.
        """
        if self.passed:
            return
        told = [
            f"{one.case.name}\n{one.difference}\n{one.side_by_side()}"
            for one in self.failures[:_MOST_TOLD]
        ]
        more = len(self.failures) - len(told)
        rest = [f"and {more} more"] if more else []
        raise CasesFailedError("\n\n".join([self.summary, *told, *rest]))

    @property
    def _covered(self) -> str:
        taken, there = self._coverage[0].reached
        return f"{taken:,} of {there:,}"

    def _coverage_of(self, name: str | None) -> FlowCoverage:
        if not self._coverage:
            raise InputError(
                "Nothing is known of what was reached: Amazon does not tell, so give connect the"
                " flow's file."
            )
        for covered in self._coverage:
            if name in {None, covered.flow.name}:
                return covered
        names = ", ".join(repr(covered.flow.name) for covered in self._coverage)
        raise InputError(f"There is no flow {name!r} here: there are {names}.")

    def __repr__(self) -> str:
        return f"<RegressionResult {self.flow!r}: {self.summary}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(one.case.name)}</td><td>{'✓' if one.passed else '✗'}</td>"
            f"<td>{'<br>'.join(map(escape, one.difference.splitlines()))}</td></tr>"
            for one in self.cases
        )
        head = "<tr><th>case</th><th>passed</th><th>difference</th></tr>"
        caption = f"<caption>{escape(self.flow)}: {escape(self.summary)}</caption>"
        return f"<table>{caption}{head}{rows}</table>"


def _row(one: CaseResult) -> dict[str, Any]:
    row = {"case": one.case.name, "passed": one.passed, "difference": one.difference}
    if (happened := one.happened) is None:
        return row
    return row | {
        "end_state": happened.end.get("state"),
        "end_reason": happened.end.get("reason"),
        "queue": happened.end.get("queue"),
        "seconds": happened.seconds,
        "contact_id": happened.contact_id,
    }


def _lines(cases: Sequence[CaseResult]) -> Iterator[dict[str, Any]]:
    for one in cases:
        for number, compared in enumerate(one.compared, 1):
            yield {
                "case": one.case.name,
                "number": number,
                "what": compared.what,
                "speaker": compared.speaker,
                "expected": compared.expected,
                "actual": compared.actual,
                "ok": compared.ok,
                "at_seconds": compared.at_seconds,
                "why": compared.why,
            }


def _coverage(flows: Sequence[FlowCoverage]) -> Iterator[dict[str, Any]]:
    for covered in flows:
        for one in covered.actions:
            action = one.action
            row = {
                "flow": covered.flow.name,
                "identifier": action.identifier,
                "name": action.name or action.identifier,
                "type": action.type,
            }
            if not one.branches:
                yield row | {"times": one.times}
            for branch in one.branches:
                told = {"branch": branch.label, "next_action": branch.next_action}
                yield row | told | {"times": branch.times}
