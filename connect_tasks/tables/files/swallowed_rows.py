"""Swallowed rows: cells in which an odd pair of quotes has caught lines of other customers."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["swallowed_rows"]

_SHORT_CHARACTERS = 40
_BREAK = re.compile("\r\n|\r|\n")


def swallowed_rows(columns: Sequence[Any], delimiter: str) -> Iterator[tuple[int, int]]:
    """Find the cells that look as if other rows were in them.

    Their lines have just as many delimiters as whole rows would have from there on; or they hold
    the delimiter after a line break, in a column of mostly short texts without.

    Args:
        columns: The cells of some rows of a CSV, column by column, as Arrow's texts.
        delimiter: What is between its cells.

    Yields:
        The row's position in the piece, and the column's.
    """
    for position, texts in enumerate(columns):
        if not _may_have_breaks(texts):
            continue
        breaks = pc.fill_null(pc.count_substring_regex(texts, _BREAK.pattern), 0)
        broken = pc.greater(breaks, 0)
        unusual = _is_of_short_texts(texts, broken)
        if not unusual:
            broken = pc.and_(broken, _have_as_many(texts, delimiter, breaks, len(columns)))
        for row in pc.indices_nonzero(broken).to_pylist():
            counts = [line.count(delimiter) for line in _BREAK.split(texts[row].as_py())]
            is_odd = unusual and (len(columns) == 1 or any(counts[1:]))
            if is_odd or _are_of_rows(counts, len(columns), position):
                yield row, position


def _have_as_many(texts: Any, delimiter: str, breaks: Any, columns: int) -> Any:
    """Which cells have as many delimiters as rows with so many line ends."""
    found = pc.fill_null(pc.count_substring(texts, delimiter), 0)
    return pc.equal(found, pc.multiply(breaks, columns - 1))


def _may_have_breaks(texts: Any) -> bool:
    # Most columns have none: to look at the bytes of all cells at once costs next to nothing.
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    data = [buffers[-1] for chunk in chunks if (buffers := chunk.buffers())]
    found = (buffer.to_pybytes() for buffer in data if buffer is not None)
    return any(b"\n" in text or b"\r" in text for text in found)


def _is_of_short_texts(texts: Any, broken: Any) -> bool:
    others = pc.utf8_length(texts.filter(pc.invert(broken)))
    rare = (pc.sum(broken).as_py() or 0) * 2 <= len(texts)
    return rare and bool((pc.mean(others).as_py() or 0) < _SHORT_CHARACTERS)


def _are_of_rows(counts: Sequence[int], columns: int, position: int) -> bool:
    """Whether lines have the delimiters of a row's end, of whole rows, and of a row's beginning."""
    # Of two columns any text with a comma would do.
    first, *whole, last = counts
    ends = (first, last) == (columns - 1 - position, position)
    return columns > 2 and ends and all(count == columns - 1 for count in whole)  # noqa: PLR2004
