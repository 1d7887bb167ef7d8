"""The report's figures: the numbers behind its bars and histograms."""

import math
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from connect_tasks.campaign.report.steps import Stage
from connect_tasks.campaign.report.words import NBSP, duration_words, percent

__all__ = [
    "Bar",
    "Columns",
    "answer_columns",
    "answers",
    "bars",
    "funnel_bars",
    "histogram",
    "number_of",
    "p95",
    "reply_columns",
    "reply_seconds",
]

# Seconds that a column may be wide: round numbers of milliseconds, seconds, minutes and hours.
_SECOND_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30)
_LONG_STEPS = (60, 120, 300, 600, 1200, 3600, 7200, 14_400, 43_200, 86_400, 604_800)
_TIME_STEPS = (*_SECOND_STEPS, *_LONG_STEPS)
# the narrowest column that is labelled in this unit, the unit in seconds, its name
_UNITS = ((3600, 3600, "hours"), (60, 60, "minutes"), (0.05, 1, "seconds"))
_SMALLEST_UNIT = (0, 0.001, "milliseconds")
_MOST_COLUMNS = 12
# An answer has no finer ones; and of very large numbers a float holds only so many digits.
_FINEST_STEP, _FINEST_SHARE = 1e-6, 1e-14
_LABEL_LETTERS = 8
_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,12})(?:[.,]([0-9]{1,6}))?\s*")
_SCALE = range(11)


@dataclass(frozen=True, slots=True)
class Bar:
    """One horizontal bar: what it counts, how long it is (0 to 1), and what is said behind it."""

    label: str
    count: int
    length: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """A column chart.

    Attributes:
        counts: How many each column stands for.
        labels: Below each column, or at its edges where there is one label more than columns.
        names: What each column covers, in words.
        axis: What the labels measure.
        sentence: What the picture says.
        marker: Where the average lies, as a share of the width; None for no mark.
    """

    counts: tuple[int, ...]
    labels: tuple[str, ...]
    names: tuple[str, ...]
    axis: str
    sentence: str
    marker: float | None = None


def funnel_bars(stages: Sequence[Stage]) -> tuple[Bar, ...]:
    """The funnel as bars, each as long as its share of the largest step."""
    longest = max((stage.count for stage in stages), default=0)
    return tuple(
        Bar(stage.label, stage.count, (stage.count / longest if longest else 0.0), _note(stage))
        for stage in stages
    )


def _note(stage: Stage) -> str:
    share = stage.share_of_previous
    # "105 % of the step before" would only puzzle.
    if share is None or share > 1:
        return percent(stage.share_of_total)
    return f"{percent(stage.share_of_total)} · {percent(share)} of step before"


def bars(counts: Mapping[str, int]) -> tuple[Bar, ...]:
    """Counts as bars with their share of the sum, in the order given.

    Example:
        >>> [(bar.label, bar.length) for bar in bars({"yes": 4, "no": 1})]
        [('yes', 1.0), ('no', 0.25)]
    """
    longest, total = max(counts.values(), default=0), sum(counts.values())
    return tuple(
        Bar(label, count, count / longest, percent(count / total))
        for label, count in counts.items()
        if count
    )


def reply_seconds(contacts: Iterable[Mapping[str, Any]]) -> list[float]:
    """Seconds from connection to first reply, of the contacts that have both."""
    seconds = (_gap(c.get("connected_at"), c.get("first_reply_at")) for c in contacts)
    return [s for s in seconds if s is not None and s >= 0]


def _gap(start: object, end: object) -> float | None:
    if isinstance(start, datetime) and isinstance(end, datetime):
        return (end - start).total_seconds()
    return None


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 don't exceed, interpolated between neighbours.

    Example:
        >>> p95([10.0]), p95(range(101))
        (10.0, 95.0)
    """
    if len(values) == 1:
        return float(values[0])
    return float(statistics.quantiles(values, n=20, method="inclusive")[-1])


def reply_columns(
    seconds: Sequence[float], *, among: Sequence[float] | None = None
) -> Columns | None:
    """The histogram of reply times; None where nobody replied.

    Args:
        seconds: How long each reply took.
        among: All of which these are a part: their columns are as wide as those of all.
    """
    if not seconds:
        return None
    # Chosen by the slow 5 %, so that one straggler doesn't squeeze all others into one column.
    widest = p95(seconds if among is None else among)
    step = next((s for s in _TIME_STEPS if s * _MOST_COLUMNS >= widest), _TIME_STEPS[-1])
    _, unit, axis = next((u for u in _UNITS if step >= u[0]), _SMALLEST_UNIT)
    sentence = _reply_sentence(seconds, p95(seconds))
    return histogram(seconds, start=0, step=step, unit=unit, axis=axis, sentence=sentence)


def _reply_sentence(seconds: Sequence[float], slow: float) -> str:
    if len(seconds) == 1:
        return f"The only reply came after {duration_words(seconds[0])}."
    half = duration_words(statistics.median(seconds))
    return f"Half of the first replies came within {half}, 95 of 100 within {duration_words(slow)}."


def histogram(
    values: Sequence[float],
    *,
    start: float,
    step: float,
    axis: str,
    sentence: str,
    unit: float = 1,
) -> Columns:
    """Values counted in columns of one width; those beyond the twelfth share one last column.

    Args:
        values: At least one, none below *start*.
        start: The left edge of the first column, which belongs to it.
        step: The width of a column.
        axis: What the labels measure.
        sentence: What the picture says.
        unit: What one on the axis is in the values' measure.

    Example:
        >>> histogram([0, 1, 5], start=0, step=2, axis="seconds", sentence="").counts
        (2, 0, 1)
    """
    # Rounding first, because 0.3 / 0.1 is 2.9999999999999996.
    found = Counter(min(int(round((v - start) / step, 9)), _MOST_COLUMNS) for v in values)
    number = max(found) + 1
    edges = [f"{round((start + i * step) / unit, 6):,.15g}" for i in range(number + 1)]
    names = [f"{low} to {high} {axis}" for low, high in pairwise(edges)]
    if number > _MOST_COLUMNS:
        names[-1] = f"{edges[-2]} {axis} or more"
        edges[-2:] = [f"{edges[-2]}+", ""]
    counts = tuple(found[i] for i in range(number))
    return Columns(counts, _apart(edges), tuple(names), axis, sentence)


def _apart(labels: Sequence[str]) -> tuple[str, ...]:
    """Labels below one another's columns: the longer they are, the fewer have room."""
    every = 1 + max(map(len, labels)) // _LABEL_LETTERS
    return tuple("" if place % every else label for place, label in enumerate(labels))


def answers(messages: Iterable[Mapping[str, Any]]) -> list[float]:
    """The numbers that customers said; a message counts when it is a number and nothing else.

    Example:
        >>> answers([{"participant_role": "CUSTOMER", "content": " 8 "}])
        [8.0]
    """
    said = (m.get("content") for m in messages if m.get("participant_role") == "CUSTOMER")
    numbers = (number_of(text) for text in said if isinstance(text, str))
    return [number for number in numbers if number is not None]


def number_of(text: str) -> float | None:
    """The number that a text is, if it is one and nothing else.

    Example:
        >>> number_of(" 8,5 "), number_of("8 of 10")
        (8.5, None)
    """
    found = _NUMBER.fullmatch(text)
    return float(f"{found[1]}.{found[2] or 0}") if found else None


def answer_columns(
    values: Sequence[float], *, among: Sequence[float] | None = None
) -> Columns | None:
    """A column for each answer from 0 to 10, a histogram for other numbers, None for none.

    Args:
        values: The answers.
        among: All of which these are a part: they stand in the columns of all.
    """
    if not values:
        return None
    every = values if among is None else among
    average = statistics.fmean(values)
    words = "answer" if len(values) == 1 else "answers"
    sentence = f"{len(values):,} {words}, {average:,.1f} on average."
    if all(value in _SCALE for value in every):
        return _scale_columns(values, average, sentence)
    low, high = min(every), max(every)
    finest = max(_FINEST_STEP, _FINEST_SHARE * max(-low, high))
    step = _decimal_step(max((high - low) / _MOST_COLUMNS, finest)) if high > low else 1.0
    start = math.floor(low / step) * step
    return histogram(values, start=start, step=step, axis="answer", sentence=sentence)


def _scale_columns(values: Sequence[float], average: float, sentence: str) -> Columns:
    found = Counter(int(value) for value in values)
    total = len(values)
    return Columns(
        counts=tuple(found[n] for n in _SCALE),
        labels=tuple(str(n) for n in _SCALE),
        names=tuple(f"answer {n}: {percent(found[n] / total)}".replace(NBSP, " ") for n in _SCALE),
        axis="answer",
        sentence=sentence,
        marker=(average + 0.5) / len(_SCALE),
    )


def _decimal_step(at_least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, … (or their tenths) that is not below *at_least*."""
    if at_least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(at_least))
    return next(n * power for n in (1, 2, 5, 10) if n * power >= at_least)
