"""The comparison: what was expected beside what happened, line by line."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from connect_tasks.aws.stored_text import as_stored

__all__ = ["WIDTH", "Compared", "difference", "is_as_expected", "only_white_space", "side_by_side"]

WIDTH = 100
"""Characters of a line where nobody knows how many there are room for."""

_NARROWEST = 60
_HEADS = ("what happened", "what was expected")
_LONGEST_TOLD = 200
_MOST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One thing that was expected, that happened, or both.

    Attributes:
        what: `line`, `end`, `queue`, `attribute NAME` or `problem`.
        speaker: Who said it, of a line.
        expected: What was expected, in words; None if nothing was.
        actual: What happened; None if nothing did.
        ok: Whether that is as expected; None where nothing was expected.
        at_seconds: When it was said, in seconds since the beginning.
        why: What is wrong, where the two texts do not say it.
    """

    what: str = "line"
    speaker: str | None = None
    expected: str | None = None
    actual: str | None = None
    ok: bool | None = None
    at_seconds: float | None = None
    why: str = ""


def is_as_expected(compared: Iterable[Compared]) -> bool:
    """Whether nothing is otherwise than expected."""
    return all(one.ok is not False for one in compared)


def difference(compared: Iterable[Compared]) -> str:
    """What is otherwise, one sentence a line; an empty text if nothing is.

    Example:
        >>> difference([Compared(what="end", expected="ended", actual="queued", ok=False)])
        'end: expected ended, but it was queued'
    """
    return _readable("\n".join(_sentence(one) for one in compared if one.ok is False))


def side_by_side(compared: Sequence[Compared], *, width: int = WIDTH) -> str:
    """Both, in two columns, with a `!` before each difference.

    Args:
        compared: What is compared.
        width: Characters of a line.
    """
    column = (max(width, _NARROWEST) - 7) // 2
    lines = [_row(" ", *_HEADS, column)]
    for one in compared:
        lines += _rows(one, column)
    return _readable("\n".join(lines))


def _readable(text: str) -> str:
    """A flow may say what no file and no terminal can hold."""
    return as_stored(text, most=_MOST)


def only_white_space(expected: str, actual: str) -> str:
    """Why two texts that look the same are not; empty if they do not look so.

    Example:
        >>> only_white_space("Hello", "Hello ")
        "they differ in white space: expected 'Hello', but it was 'Hello '"
        >>> only_white_space("Hello", "Hello!")
        ''
    """
    if expected == actual or expected.split() != actual.split():
        return ""
    return f"they differ in white space: expected {expected!r}, but it was {actual!r}"


def _rows(one: Compared, column: int) -> Iterator[str]:
    mark = "!" if one.ok is False else " "
    left, right = _wrapped(_told(one, one.actual), column), _wrapped(_wanted(one), column)
    for happened, expected in zip_longest(left, right, fillvalue=""):
        yield _row(mark, happened, expected, column)
    if one.why:
        yield from (f"  {mark} {line}" for line in _wrapped(f"  ({one.why})", 2 * column + 3))


def _row(mark: str, left: str, right: str, column: int) -> str:
    return f"  {mark} {left:<{column}} | {right}".rstrip()


def _told(one: Compared, text: str | None) -> str:
    if text is None:
        return ""
    label = (one.speaker or "") if one.what == "line" else one.what
    return f"{label}: {text}" if label else text


def _wanted(one: Compared) -> str:
    # What is expected of a line names its speaker itself where it matters.
    return (one.expected or "") if one.what == "line" else _told(one, one.expected)


def _wrapped(text: str, width: int) -> list[str]:
    return [
        line for paragraph in text.splitlines() for line in textwrap.wrap(paragraph, width) or [""]
    ]


def _sentence(one: Compared) -> str:
    place = "" if one.what == "line" else f"{one.what}: "
    if one.why:
        return f"{place}{one.why}"
    expected, actual = _shortened(one.expected), _shortened(_told(one, one.actual))
    if one.what != "line":
        actual = _shortened(one.actual)
    if one.actual is None:
        return f"{place}expected {expected}, but nothing came"
    if one.expected is None:
        return f"{place}nothing was expected, but it was {actual}"
    return f"{place}expected {expected}, but it was {actual}"


def _shortened(text: str | None) -> str:
    text = " ".join((text or "").split())
    return text if len(text) <= _LONGEST_TOLD else f"{text[:_LONGEST_TOLD]}…"
