"""Tables on a terminal: records in columns, and a summary's counts."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

__all__ = ["counts_text", "records_of", "table_text"]


def records_of(frame: Any) -> list[dict[str, Any]]:
    """A DataFrame's rows as plain values: times as ISO 8601, None for what is missing."""
    text = frame.to_json(orient="records", date_format="iso", date_unit="s")
    records: list[dict[str, Any]] = json.loads(text)
    return records


def table_text(records: Sequence[Mapping[str, Any]]) -> str:
    """Records under their names, in columns as wide as needed.

    Example:
        >>> print(table_text([{"campaign": "renewals", "waiting": 3}]))
        campaign  waiting
        renewals        3
    """
    if not records:
        return "There are none."
    names = list(records[0])
    rows = [names, *([_cell(record[name]) for name in names] for record in records)]
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    is_count = [all(isinstance(record[name], int) for record in records) for name in names]
    lines = (
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, wide, is_count, strict=True)
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def counts_text(summary: Mapping[str, Any]) -> list[str]:
    """A campaign's counts, a line each; those that are nought, or of another way, are left out."""
    from connect_tasks.campaign.summary import counts_shown

    counts = [(name, count) for name, count in counts_shown(summary) if count]
    wide = max((len(name) for name, _ in counts), default=0)
    return [f"  {name.replace('_', ' '):{wide}}  {count:>8,}" for name, count in counts]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)
