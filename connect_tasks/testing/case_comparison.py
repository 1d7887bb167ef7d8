"""How a case is compared: turn by turn what had to come, the end, and attributes."""

from collections.abc import Iterator, Sequence
from itertools import pairwise, zip_longest

from connect_tasks.emulator.flows.rehearsal import Line, Rehearsed
from connect_tasks.testing.case import Case, ExpectedLine, Turn, shown
from connect_tasks.testing.comparison import Compared, only_white_space
from connect_tasks.testing.expected_comparison import compare_attributes, compare_end

__all__ = ["compare_case"]

_NOT_SAID = "this was not said: the chat was over, or had been left by then"
# Beyond it, the best of all ways to pair lines is not looked for.
_MOST_PAIRS = 250_000


def compare_case(
    case: Case, happened: Rehearsed, *, every_line: bool = False
) -> tuple[Compared, ...]:
    """Compare what came of a case with what had to come.

    Args:
        case: What had to come.
        happened: What came.
        every_line: Whether a line that no row expects is a difference, too.
    """
    return (
        *_compare_turns(case, happened, every_line=every_line),
        *compare_end(case.end, happened.end),
        *compare_attributes(case.attributes_after, happened, is_whole=False),
        *_problem(case, happened),
    )


def _problem(case: Case, happened: Rehearsed) -> Iterator[Compared]:
    if happened.problem is not None:
        # Who expects how it ends has said what is to be thought of it.
        is_asked = case.end is not None and case.end.reasons is not None
        yield Compared(
            what="problem",
            actual=happened.problem,
            ok=None if is_asked else False,
            why="" if is_asked else happened.problem,
        )


def _compare_turns(case: Case, happened: Rehearsed, *, every_line: bool) -> Iterator[Compared]:
    segments = _segments(happened.lines)
    turns = case.turns or (Turn(),)
    for turn, lines in zip_longest(turns, segments):
        if turn is None:
            yield from (_unasked(line, every_line=False) for line in lines)
            continue
        yield from _compare_turn(turn, lines, every_line=every_line)


def _segments(lines: Sequence[Line]) -> list[Sequence[Line]]:
    """The lines up to each message of the customer, which begins the next part."""
    places = [place for place, line in enumerate(lines) if line.speaker == "CUSTOMER"]
    return [lines[begin:end] for begin, end in pairwise([0, *places, len(lines)])]


def _compare_turn(
    turn: Turn, lines: Sequence[Line] | None, *, every_line: bool
) -> Iterator[Compared]:
    said, since = list(lines or ()), 0.0
    if turn.said is not None:
        text = shown(turn.text or "")
        if lines is None:
            yield Compared(expected=f"CUSTOMER: {text}", ok=False, why=_NOT_SAID)
        else:
            since = said[0].at_seconds
            yield _heard(said.pop(0), f"CUSTOMER: {text}", ok=True)
    yield from _compare_lines(turn.expected, said, since, every_line=every_line)


def _compare_lines(
    expected: Sequence[ExpectedLine], lines: Sequence[Line], since: float, *, every_line: bool
) -> Iterator[Compared]:
    place = begin = 0
    for wanted, came in [*_paired(expected, lines), (len(expected), len(lines))]:
        # What lies between two that belong together is put side by side, as it comes.
        for one, line in zip_longest(expected[place:wanted], lines[begin:came]):
            if one is None:
                yield _unasked(line, every_line=every_line)
            else:
                yield _missing(one, line)
        if wanted < len(expected):
            yield _met(expected[wanted], lines[came], since)
        place, begin = wanted + 1, came + 1


def _paired(expected: Sequence[ExpectedLine], lines: Sequence[Line]) -> list[tuple[int, int]]:
    """Which of the expected lines is which of those that came, in order, and as many as can be."""
    if len(expected) * len(lines) > _MOST_PAIRS:
        return _first_paired(expected, lines)
    fits = [[one.is_met_by(line) for line in lines] for one in expected]
    most = [[0] * (len(lines) + 1) for _ in range(len(expected) + 1)]
    for n in range(len(expected) - 1, -1, -1):
        for m in range(len(lines) - 1, -1, -1):
            skipped = max(most[n + 1][m], most[n][m + 1])
            most[n][m] = max(skipped, 1 + most[n + 1][m + 1]) if fits[n][m] else skipped
    return list(_walked(fits, most))


def _walked(fits: list[list[bool]], most: list[list[int]]) -> Iterator[tuple[int, int]]:
    n = m = 0
    while most[n][m]:
        if fits[n][m] and most[n][m] == 1 + most[n + 1][m + 1]:
            yield n, m
            n, m = n + 1, m + 1
        elif most[n][m] == most[n][m + 1]:
            m += 1
        else:
            n += 1


def _first_paired(expected: Sequence[ExpectedLine], lines: Sequence[Line]) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for m, line in enumerate(lines):
        n = len(pairs)
        if n < len(expected) and expected[n].is_met_by(line):
            pairs.append((n, m))
    return pairs


def _met(expected: ExpectedLine, line: Line, since: float) -> Compared:
    took, limit = line.at_seconds - since, expected.within_seconds
    if limit is None or took <= limit:
        return _heard(line, str(expected), ok=True)
    why = f"{shown(line.text)!r} came after {took:g} s, and had to come within {limit:g} s"
    return _heard(line, str(expected), ok=False, why=why)


def _missing(expected: ExpectedLine, line: Line | None) -> Compared:
    if line is None:
        return Compared(expected=str(expected), ok=False)
    why = only_white_space(expected.equals or "", shown(line.text))
    return _heard(line, str(expected), ok=False, why=why)


def _unasked(line: Line, *, every_line: bool) -> Compared:
    return _heard(line, None, ok=False if every_line else None)


def _heard(line: Line, expected: str | None, *, ok: bool | None, why: str = "") -> Compared:
    return Compared(
        speaker=line.speaker,
        expected=expected,
        actual=shown(line.text),
        ok=ok,
        at_seconds=line.at_seconds,
        why=why,
    )
