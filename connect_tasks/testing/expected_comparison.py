"""How an expected conversation is compared: every line, the end, and all attributes."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

from connect_tasks.emulator.flows.rehearsal import Line, Rehearsed
from connect_tasks.testing.comparison import Compared, only_white_space
from connect_tasks.testing.expected_file import (
    CONTACT_ID,
    ExpectedConversation,
    ExpectedEnd,
    StandsFor,
)

__all__ = ["compare", "compare_attributes", "compare_end"]

_EITHER = frozenset({"PROMPT", "FLOW", "BOT"})
"""Who may say the text of a bot's block: nobody documents its display name."""

_NOT_SET = "not set"


def compare(expected: ExpectedConversation, happened: Rehearsed) -> tuple[Compared, ...]:
    """Compare one conversation with what had to come of it.

    Args:
        expected: What had to come; what it leaves out is not compared.
        happened: What came.
    """
    return (
        *_compare_lines(expected.lines, happened.lines),
        *compare_end(expected.end, happened.end),
        *compare_attributes(expected.attributes_after, happened, is_whole=True),
        *_problem(happened),
    )


def compare_end(expected: ExpectedEnd | None, end: Mapping[str, str]) -> Iterator[Compared]:
    """Compare how a conversation stood at its end."""
    state, reason, queue = end.get("state", ""), end.get("reason"), end.get("queue")
    wanted = expected or ExpectedEnd()
    reasons = wanted.reasons
    ok = None
    if wanted.state is not None or reasons is not None:
        ok = wanted.state in {None, state} and (reasons is None or reason in reasons)
    told = " or ".join(reasons or ())
    yield Compared(
        what="end",
        expected=None if ok is None else ", ".join(filter(None, (wanted.state, told))),
        actual=", ".join(filter(None, (state, reason))),
        ok=ok,
    )
    if wanted.queue is not None or queue is not None:
        is_so = None if wanted.queue is None else wanted.queue == queue
        yield Compared(what="queue", expected=wanted.queue, actual=queue, ok=is_so)


def compare_attributes(
    expected: Mapping[str, str | StandsFor] | None, happened: Rehearsed, *, is_whole: bool
) -> Iterator[Compared]:
    """Compare contact attributes.

    Args:
        expected: Those that are compared; nothing is if None.
        happened: What came.
        is_whole: Whether there may be no others.
    """
    wanted = {name: _meant(value, happened) for name, value in (expected or {}).items()}
    others = [name for name in happened.attributes if name not in wanted]
    for name in (*wanted, *others):
        is_asked = name in wanted or (is_whole and expected is not None)
        value, actual = wanted.get(name), happened.attributes.get(name)
        yield Compared(
            what=f"attribute {name}",
            expected=(_NOT_SET if value is None else value) if is_asked else None,
            actual=_NOT_SET if actual is None else actual,
            ok=actual == value if is_asked else None,
        )


def _meant(value: str | StandsFor, happened: Rehearsed) -> str | None:
    if value is CONTACT_ID:
        return happened.contact_id
    return value if isinstance(value, str) else None


def _problem(happened: Rehearsed) -> Iterator[Compared]:
    if happened.problem is not None:
        yield Compared(what="problem", actual=happened.problem)


def _compare_lines(
    expected: Sequence[tuple[str, str]] | None, lines: Sequence[Line]
) -> Iterator[Compared]:
    if expected is None:
        yield from (_compared(None, line, is_asked=False) for line in lines)
        return
    wanted = [_key(*line) for line in expected]
    came = [_key(line.speaker, line.text) for line in lines]
    matcher = SequenceMatcher(None, wanted, came, autojunk=False)
    for _, first, last, begin, end in matcher.get_opcodes():
        for pair in zip_longest(expected[first:last], lines[begin:end]):
            yield _compared(*pair)


def _key(speaker: str, text: str) -> tuple[str, str]:
    """What tells lines apart when they are put beside each other."""
    return "" if speaker in _EITHER else speaker, text


def _fits(expected: tuple[str, str], line: Line) -> bool:
    speaker, text = expected
    return text == line.text and (
        speaker == line.speaker or (speaker == "PROMPT" and line.speaker in _EITHER)
    )


def _compared(
    expected: tuple[str, str] | None, line: Line | None, *, is_asked: bool = True
) -> Compared:
    if line is None:
        return Compared(expected=": ".join(expected or ()), ok=False if is_asked else None)
    ok = (expected is not None and _fits(expected, line)) if is_asked else None
    return Compared(
        speaker=line.speaker,
        expected=None if expected is None else ": ".join(expected),
        actual=line.text,
        at_seconds=line.at_seconds,
        ok=ok,
        why="" if expected is None else only_white_space(expected[1], line.text),
    )
