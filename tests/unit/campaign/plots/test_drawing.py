"""Drawing: what stands in a figure's axes is the chart, and reads for everybody."""

import ast
import sys
import warnings
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

import connect_tasks.campaign.plots
import connect_tasks.campaign.results
from connect_tasks.campaign.plots.chart import Chart, Panel
from connect_tasks.campaign.plots.drawing import Picture, drawn
from connect_tasks.campaign.plots.plotting import plotted
from connect_tasks.campaign.report.figures import Columns, bars, histogram
from connect_tasks.errors import InputError

BARS = bars({"Links issued": 240, "Links opened": 197, "People who answered": 178})
SCORES = Columns(
    (3, 0, 5), ("0", "1", "2"), ("answer 0", "answer 1", "answer 2"), "answer", "8.", 0.5
)
TIMES = histogram([0.5, 0.7, 3.2], start=0, step=1, axis="seconds", sentence="Soon.")


def parts(picture: Picture, name: str, number: int = 0) -> list[Any]:
    return [patch for patch in picture.axes[number].patches if patch.get_gid() == name]


def words(picture: Picture) -> list[str]:
    return [text.get_text() for text in picture.findobj(mpl.text.Text) if text.get_text()]


def test_each_bar_is_as_long_as_its_share_and_says_its_count() -> None:
    picture = drawn(Chart("178 of 240 people answered.", ((Panel("", BARS),),)))
    lengths = [round(bar.get_width() * 240) for bar in parts(picture, "bars")]

    assert lengths == [240, 197, 178]
    assert [label.get_text() for label in picture.axes[0].get_yticklabels()] == [
        "Links issued",
        "Links opened",
        "People who answered",
    ]
    assert [text.get_text().split()[0] for text in picture.axes[0].texts] == ["240", "197", "178"]
    top, bottom = (parts(picture, "bars")[n].get_y() for n in (0, 2))
    assert picture.axes[0].yaxis_inverted()
    assert top < bottom


@pytest.mark.parametrize("columns", [SCORES, TIMES])
def test_each_column_is_as_high_as_its_count_and_stands_at_its_label(columns: Columns) -> None:
    picture = drawn(Chart("Scores", ((Panel("", columns=columns),),)))
    found = parts(picture, "columns")
    middles = [column.get_x() + column.get_width() / 2 for column in found]

    assert [column.get_height() for column in found] == list(columns.counts)
    assert middles == pytest.approx([0.5 + n for n in range(len(columns.counts))])
    has_edges = len(columns.labels) > len(columns.counts)
    expected = list(range(len(columns.labels))) if has_edges else middles
    assert list(picture.axes[0].get_xticks()) == pytest.approx(expected)
    assert [tick.get_text() for tick in picture.axes[0].get_xticklabels()] == list(columns.labels)


def test_the_average_is_marked_where_it_lies() -> None:
    (marker,) = drawn(Chart("", ((Panel("", columns=SCORES),),))).axes[0].get_lines()

    assert np.asarray(marker.get_xdata()).tolist() == [1.5]


def test_segments_lie_side_by_side_on_one_scale_and_labels_are_said_once() -> None:
    short = histogram([0.5], start=0, step=1, axis="seconds", sentence="Soon.")
    row = (Panel("a: soon.", columns=TIMES), Panel("b: soon.", columns=short))
    picture = drawn(Chart("Soon.", (row, (Panel("a", BARS), Panel("b", BARS)))))

    assert len({axes.get_xlim() for axes in picture.axes[:2]}) == 1
    assert [axes.get_yticklabels()[0].get_text() for axes in picture.axes[2:]] == [
        "Links issued",
        "",
    ]
    assert {"a: soon.", "b: soon."} <= set(words(picture))


def luminance(colour: Any) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in to_rgb(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Any, other: Any) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_shapes_and_words_stand_out_by_their_lightness_alone() -> None:
    # WCAG: 3 for shapes, 4.5 for words; who sees no colours sees these.
    chart = Chart("Title", ((Panel("said", BARS),), (Panel("said", columns=SCORES),)), "note")
    picture = drawn(chart)
    paper = picture.get_facecolor()
    shown = [text for text in picture.findobj(mpl.text.Text) if text.get_text()]

    for shape in (*parts(picture, "bars"), *parts(picture, "columns", 1)):
        assert contrast(shape.get_facecolor(), paper) >= 3
    (marker,) = picture.axes[1].get_lines()
    assert contrast(marker.get_color(), paper) >= 3
    assert [text.get_text() for text in shown if contrast(text.get_color(), paper) < 4.5] == []


@pytest.mark.parametrize(
    "text",
    ["costs $5, not $9", "서연 🙂", "$\\frac{1}{0}$", "very long " * 40, "<b>&amp;</b>", "%d {}"],
)
def test_any_text_of_a_customer_is_shown_as_text_without_a_warning(text: str) -> None:
    chart = Chart(text, ((Panel(f"{text}\n\nsaid", bars({text: 3, "other": 1})),),), text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        png = drawn(chart)._repr_png_()

    shown = [t for t in drawn(chart).findobj(mpl.text.Text) if text[:5] in t.get_text()]
    assert png.startswith(b"\x89PNG")
    # Title, panel, label and note; a dollar is a dollar, and begins no formula.
    assert len(shown) >= 4
    assert [t for t in shown if t.get_parse_math()] == []


def test_a_chart_without_panels_is_its_sentence() -> None:
    picture = drawn(Chart("Nobody has replied so far."))

    assert picture.axes == []
    assert "Nobody has replied so far." in words(picture)
    assert picture._repr_png_()


def test_it_looks_the_same_whatever_style_a_notebook_has_and_leaves_that_alone() -> None:
    chart = Chart("T", ((Panel("", BARS),),))
    plain = drawn(chart)
    with mpl.rc_context({"text.color": "white", "font.size": 30.0}):
        styled = drawn(chart)
        assert mpl.rcParams["font.size"] == 30.0

    assert styled._repr_png_() == plain._repr_png_()


def test_printed_it_is_its_numbers() -> None:
    picture = drawn(Chart("Title", ((Panel("said", BARS),),), "note"))

    assert repr(picture).splitlines() == [
        "Title",
        "",
        "said",
        "Links issued         240",
        "Links opened         197",
        "People who answered  178",
        "note",
    ]
    assert picture.numbers == [
        {"Links issued": 240, "Links opened": 197, "People who answered": 178}
    ]


def test_without_matplotlib_it_says_which_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(InputError, match=r"pip install 'connect-tasks\[plots\]'"):
        plotted(Chart("T"))


def test_matplotlib_is_imported_when_a_picture_is_asked_for_and_pyplot_never() -> None:
    folder = Path(connect_tasks.campaign.plots.__file__).parent
    at_once = {path.stem: imported_by(str(path)) for path in folder.glob("*.py")}

    assert [
        module
        for module, names in at_once.items()
        if any("matplotlib" in name or "plots.drawing" in name for name in names)
    ] == ["drawing"]
    assert "plots.drawing" not in "".join(imported_by(connect_tasks.campaign.results.__file__))
    assert [path for path in folder.glob("*.py") if "pyplot" in imported_anywhere(path)] == []


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def imported_by(file: str) -> list[str]:
    """What a module imports when it is imported itself."""
    body = ast.parse(Path(file).read_text(encoding="utf-8")).body
    return [name for node in body for name in imported(node)]


def imported_anywhere(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return " ".join(name for node in ast.walk(tree) for name in imported(node))
