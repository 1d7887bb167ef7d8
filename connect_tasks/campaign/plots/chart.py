"""Charts: what is drawn, before anybody draws it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from connect_tasks.campaign.report.figures import Bar, Columns

__all__ = ["Chart", "Panel", "aligned", "on_one_scale"]


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture of a chart.

    Attributes:
        title: What it says; empty where the chart's title says it.
        bars: Its horizontal bars, from top to bottom.
        columns: Its columns, where it has those instead.
    """

    title: str
    bars: tuple[Bar, ...] = ()
    columns: Columns | None = None

    @property
    def numbers(self) -> dict[str, int]:
        """What it shows: a count for each label."""
        if self.columns is None:
            return {bar.label: bar.count for bar in self.bars}
        names, labels, counts = self.columns.names, self.columns.labels, self.columns.counts
        if len(labels) == len(counts):
            # One of a scale: its name tells its share besides.
            names = tuple(f"{self.columns.axis} {label}" for label in labels)
        return dict(zip(names, counts, strict=True))


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure: rows of panels, each row as long as the others.

    Attributes:
        title: The sentence above it.
        rows: Its panels.
        note: A sentence below it.
    """

    title: str
    rows: tuple[tuple[Panel, ...], ...] = ()
    note: str = ""

    @property
    def panels(self) -> Iterator[Panel]:
        """All panels, row by row."""
        return (panel for row in self.rows for panel in row)

    def __str__(self) -> str:
        """The same in words: each number beside its label."""
        return "\n".join([self.title, *self._lines(), *([self.note] if self.note else [])])

    def _lines(self) -> Iterator[str]:
        for panel in self.panels:
            if panel.title:
                yield f"\n{panel.title}"
            width = max(map(len, panel.numbers), default=0)
            yield from (f"{name:{width}}  {count:,}" for name, count in panel.numbers.items())


def aligned(bars: Iterable[Bar], labels: Iterable[str]) -> tuple[Bar, ...]:
    """Bars in a given order, with an empty one for each label that has none.

    Example:
        >>> [bar.count for bar in aligned([Bar("no", 3, 1.0)], ["yes", "no"])]
        [0, 3]
    """
    found = {bar.label: bar for bar in bars}
    return tuple(found.get(label, Bar(label, 0, 0.0)) for label in labels)


def on_one_scale(parts: Sequence[tuple[Bar, ...]]) -> list[tuple[Bar, ...]]:
    """Bars of several segments as long as their shares, so that the segments can be compared.

    Example:
        >>> few, more = (Bar("yes", 1, 1.0),), (Bar("yes", 2, 1.0), Bar("no", 2, 1.0))
        >>> one, other = on_one_scale([few, more])
        >>> [bar.length for bar in (*one, *other)]
        [1.0, 0.5, 0.5]
    """
    shares = [_shares(bars) for bars in parts]
    longest = max((share for theirs in shares for share in theirs), default=0.0) or 1.0
    return [
        tuple(replace(bar, length=share / longest) for bar, share in zip(bars, theirs, strict=True))
        for bars, theirs in zip(parts, shares, strict=True)
    ]


def _shares(bars: Sequence[Bar]) -> list[float]:
    total = sum(bar.count for bar in bars) or 1
    return [bar.count / total for bar in bars]
