"""Swallowed rows: cells in which an odd pair of quotes has caught lines of other customers."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["swallowed_rows"]

_SHORT_CHARACTERS = 40


def swallowed_rows(columns: Sequence[Any], delimiter: str) -> Iterator[tuple[int, int]]:
    """Find the cells that look as if other rows were in them.

    They hold line breaks, and the delimiter after one, in a column of mostly short texts without.

    Args:
        columns: The cells of some rows of a CSV, column by column, as Arrow's texts.
        delimiter: What is between its cells.

    Yields:
        The row's position in the piece, and the column's.
    """
    for position, texts in enumerate(columns):
        if not _may_have_breaks(texts):
            continue
        broken = pc.fill_null(pc.match_substring(texts, "\n"), fill_value=False)
        if pc.any(broken).as_py() and _is_of_short_texts(texts, broken):
            for row in pc.indices_nonzero(broken).to_pylist():
                if _holds_a_row(texts[row].as_py(), delimiter, len(columns)):
                    yield row, position


def _may_have_breaks(texts: Any) -> bool:
    # Most columns have none: to look at the bytes of all cells at once costs next to nothing.
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    data = [buffers[-1] for chunk in chunks if (buffers := chunk.buffers())]
    return any(buffer is not None and b"\n" in buffer.to_pybytes() for buffer in data)


def _is_of_short_texts(texts: Any, broken: Any) -> bool:
    others = pc.utf8_length(texts.filter(pc.invert(broken)))
    rare = pc.sum(broken).as_py() * 2 <= len(texts)
    return rare and bool((pc.mean(others).as_py() or 0) < _SHORT_CHARACTERS)


def _holds_a_row(text: str, delimiter: str, columns: int) -> bool:
    return columns == 1 or delimiter in text.partition("\n")[2]
