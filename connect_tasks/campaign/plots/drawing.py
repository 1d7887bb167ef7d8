"""Drawing: a chart as a matplotlib figure, without pyplot: nothing of it is left anywhere.

Imported when a picture is asked for, and not before: matplotlib is an extra.
"""

import io
import textwrap
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

import matplotlib.style
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from connect_tasks.campaign.plots.chart import Chart, Panel
from connect_tasks.campaign.report.figures import Bar, Columns
from connect_tasks.campaign.report.words import NBSP, short_count

__all__ = ["Picture", "drawn"]

# As in the report. Blue and orange differ for everybody, and in grey, too.
_FILL, _TRACK, _MARK, _INK, _SOFT = "#2f6d8c", "#eef1f4", "#b4552d", "#17202a", "#5b6772"
_STYLE: Mapping[str, Any] = {
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _SOFT,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.edgecolor": _SOFT,
    "xtick.color": _SOFT,
    "ytick.color": _INK,
}
# Names in other scripts, and emoji, as far as the machine has letters for them.
_LETTERS = (
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans",
    "PingFang SC",
    "Hiragino Sans",
    "Apple SD Gothic Neo",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Arial Unicode MS",
)
_WIDE, _NARROW = 7.5, 4.0
# As wide as a panel is: a longer title would lie over its neighbour's. Labels stand beside bars.
_TITLE_ALONE, _TITLE_OF_BARS, _TITLE_OF_COLUMNS = 5.0, 2.4, 3.2
_BAR_INCHES, _COLUMNS_INCHES, _LINE_INCHES = 0.42, 2.3, 0.2
_LETTERS_PER_INCH = 12.5
_MOST_LABELS = 8


class Picture(Figure):
    """A matplotlib figure that a notebook shows by itself, and that can say what it shows.

    `savefig` writes it to a file; `axes` has its parts, for whoever wants to change something.
    """

    chart: Chart

    @property
    def numbers(self) -> list[dict[str, int]]:
        """What is drawn: for each of its `axes` a count by label."""
        return [panel.numbers for panel in self.chart.panels]

    def draw(self, renderer: Any) -> None:
        """Draw it; letters that the machine lacks are boxes, and nothing else is said of it."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            super().draw(renderer)

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=110)
        return file.getvalue()

    def __repr__(self) -> str:
        return str(self.chart)

    __str__ = __repr__


def drawn(chart: Chart) -> Picture:
    """A chart as a picture."""
    with matplotlib.style.context(["default", {**_STYLE, "font.family": _letters()}]):
        number = max(map(len, chart.rows), default=1)
        wide = _WIDE if number == 1 else _NARROW * number
        picture = Picture(figsize=(wide, 1), layout="constrained")
        FigureCanvasAgg(picture)
        picture.chart = chart
        title = _wrapped(chart.title, wide)
        _write_around(picture, title, chart.note)
        heights = [max(_inches(panel, _title_inches(chart)) for panel in row) for row in chart.rows]
        lines = title.count("\n") + 1 + (1 if chart.note else 0)
        picture.set_figheight(sum(heights) + lines * _LINE_INCHES * 1.3 + 0.25)
        _fill(picture, heights)
    return picture


def _write_around(picture: Picture, title: str, note: str) -> None:
    picture.suptitle(
        title, x=0.01, ha="left", fontsize=12, fontweight="bold", color=_INK, parse_math=False
    )
    if note:
        picture.supxlabel(note, x=0.01, ha="left", fontsize=9, color=_SOFT, parse_math=False)


def _fill(picture: Picture, heights: list[float]) -> None:
    rows = picture.chart.rows
    if not rows:
        return
    number = max(map(len, rows))
    axes = picture.subplots(len(rows), number, squeeze=False, height_ratios=heights)
    for row, places in zip(rows, axes, strict=True):
        for position, (panel, place) in enumerate(zip(row, places, strict=True)):
            _write_title(panel.title, place, _title_inches(picture.chart))
            _draw(panel, place, is_first=position == 0, is_alone=number == 1)
        if number > 1:
            _share_scale(row, list(places))


def _title_inches(chart: Chart) -> float:
    if max(map(len, chart.rows), default=1) == 1:
        return _TITLE_ALONE
    return _TITLE_OF_BARS if any(panel.bars for panel in chart.panels) else _TITLE_OF_COLUMNS


def _write_title(title: str, place: Axes, inches: float) -> None:
    if title:
        wrapped = _wrapped(title, inches)
        place.set_title(wrapped, loc="left", fontsize=10, color=_SOFT, parse_math=False)


def _draw(panel: Panel, place: Axes, *, is_first: bool, is_alone: bool) -> None:
    if panel.columns is not None:
        _draw_columns(panel.columns, place)
    elif panel.bars:
        _draw_bars(panel.bars, place, is_first=is_first, is_alone=is_alone)
    else:
        place.set_axis_off()


def _draw_bars(bars: tuple[Bar, ...], place: Axes, *, is_first: bool, is_alone: bool) -> None:
    rows = range(len(bars))
    place.barh(rows, [1.0] * len(bars), height=0.62, color=_TRACK, gid="track")
    place.barh(rows, [bar.length for bar in bars], height=0.62, color=_FILL, gid="bars")
    for row, bar in enumerate(bars):
        note = bar.note if is_alone else bar.note.partition("·")[0].strip()
        said = f"{bar.count:,}  {note}".rstrip()
        place.text(1.02, row, said, va="center", color=_INK, fontsize=9, parse_math=False)
    labels = [_wrapped(bar.label.strip(), 2.4) for bar in bars] if is_first else [""] * len(bars)
    place.set_yticks(rows, labels, parse_math=False)
    place.tick_params(length=0)
    place.set_xticks([])
    place.set_xlim(0, 1)
    place.set_ylim(len(bars) - 0.5, -0.5)
    place.spines["bottom"].set_visible(False)


def _draw_columns(columns: Columns, place: Axes) -> None:
    number = len(columns.counts)
    has_edges = len(columns.labels) > number
    middles = [row + 0.5 for row in range(number)]
    wide = 0.94 if has_edges else 0.76
    found = place.bar(middles, columns.counts, width=wide, color=_FILL, gid="columns")
    counts = [short_count(count) if count else "" for count in columns.counts]
    place.bar_label(found, counts, padding=2, color=_INK, fontsize=9)
    ticks = [float(row) for row in range(len(columns.labels))] if has_edges else middles
    every = 1 if len(ticks) <= _MOST_LABELS or not has_edges else 2
    place.set_xticks(ticks[::every], columns.labels[::every])
    place.tick_params(axis="x", length=0)
    place.set_yticks([])
    place.set_xlim(0, number)
    place.set_ylim(0, max(columns.counts) * 1.15 or 1)
    place.set_xlabel(_below(columns, place, number), fontsize=9)


def _below(columns: Columns, place: Axes, number: int) -> str:
    if columns.marker is None:
        return columns.axis
    # Under the axis, where no column hides it.
    average = columns.marker * number
    transform = place.get_xaxis_transform()
    place.plot([average], [-0.02], "^", color=_MARK, clip_on=False, transform=transform)
    place.tick_params(axis="x", pad=7)
    return f"{columns.axis} (▲ average)"


def _share_scale(row: tuple[Panel, ...], places: list[Axes]) -> None:
    """Columns of one row lie over each other: the same number is at the same place in all."""
    numbers = [len(panel.columns.counts) for panel in row if panel.columns is not None]
    for panel, place in zip(row, places, strict=True):
        if panel.columns is not None:
            place.set_xlim(0, max(numbers))


def _inches(panel: Panel, wide: float) -> float:
    lines = _wrapped(panel.title, wide).count("\n") + 1 if panel.title else 0
    content = _COLUMNS_INCHES if panel.columns is not None else len(panel.bars) * _BAR_INCHES
    return content + lines * _LINE_INCHES + 0.15


def _wrapped(text: str, inches: float) -> str:
    wide = max(8, int(inches * _LETTERS_PER_INCH))
    plain = text.replace(NBSP, " ")
    return "\n".join(textwrap.fill(line, wide) for line in plain.splitlines() if line.strip())


@cache
def _letters() -> list[str]:
    there = {font.name for font in font_manager.fontManager.ttflist}
    return [name for name in _LETTERS if name in there] or ["sans-serif"]
