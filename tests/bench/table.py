"""The bench's table: one measurement a row, and what it is compared with."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Row", "as_text"]

_HEADINGS = ("", "what", "measured", "compared with", "ratio", "aim")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: something measured, and what it is measured by, both in the same run.

    Args:
        line: The letter of the line in the table.
        what: What was done.
        measured: What came of it, with its unit.
        reference: What it is compared with.
        ratio: The one by the other, or whatever the aim speaks of.
        aim: What it should be.
        raw: Every number behind it, for `out/bench.json`.
    """

    line: str
    what: str
    measured: str
    reference: str
    ratio: str
    aim: str
    raw: dict[str, Any] = field(default_factory=dict, repr=False)


def as_text(rows: Iterable[Row]) -> str:
    """The rows as a table for a terminal."""
    cells = [_HEADINGS]
    cells += [(row.line, row.what, row.measured, row.reference, row.ratio, row.aim) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
