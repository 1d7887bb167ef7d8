"""Coverage as a picture: the flow, with what no case reached dashed and red."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from connect_tasks.testing.action_caption import caption
from connect_tasks.testing.coverage import ActionCoverage, FlowCoverage
from connect_tasks.testing.coverage_layout import Edge, Layout, edges_of, lay_out

__all__ = ["svg"]

_WIDTH, _HEIGHT = 220, 50
_COLUMN, _LAYER, _MARGIN, _HEAD = 250, 136, 24, 34
_LETTERS = 31
_LEVELS = 3
_LABEL_LETTERS = 34
_REACHED, _UNREACHED = "#1e7e34", "#c62828"
_STYLE = f"""
text {{ font: 12px system-ui, sans-serif; fill: #1f2328 }}
.type {{ font-weight: 600 }}
.label {{ font-size: 11px; paint-order: stroke; stroke: #fff; stroke-width: 4px }}
.no {{ stroke-dasharray: 5 4 }}
rect {{ fill: #e6f4ea; stroke: {_REACHED}; stroke-width: 1.5 }}
rect.no {{ fill: #fdecea; stroke: {_UNREACHED} }}
path {{ fill: none; stroke: {_REACHED}; stroke-width: 1.5; marker-end: url(#yes) }}
path.no {{ stroke: {_UNREACHED}; marker-end: url(#not) }}
text.no {{ fill: {_UNREACHED} }}
"""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Drawn:
    """An edge with where it begins, and how far down its names stand there."""

    edge: Edge
    start: Point
    names_at: Point


def svg(covered: FlowCoverage) -> str:
    """Draw a flow.

    Args:
        covered: The flow, and how much of it was reached.
    """
    edges = edges_of(covered)
    names = [one.action.identifier for one in covered.actions]
    layout = lay_out(covered.flow.start, names, edges)
    lines = _drawn(edges, layout)
    width = max(layout.columns * _COLUMN, 420) + 2 * _MARGIN + 60
    height = layout.layers * _LAYER + 2 * _MARGIN + _HEAD
    parts = [
        _opening(round(width), round(height)),
        f"<title>{_text(covered.flow.name)}</title><style>{_STYLE}</style>",
        _markers(),
        f'<rect width="100%" height="100%" style="fill:#fff;stroke:none"/>{_head(covered)}',
        *(_line(drawn, layout) for drawn in lines),
        *(_box(one, layout) for one in covered.actions),
        *(name for drawn in lines for name in _names(drawn)),
        "</svg>",
    ]
    return "\n".join(parts)


def _opening(width: int, height: int) -> str:
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'


def _head(covered: FlowCoverage) -> str:
    taken, there = covered.reached
    told = f"{covered.flow.name}: {taken:,} of {there:,} branches reached"
    return f'<text x="{_MARGIN}" y="{_MARGIN}" class="type">{_text(told)}</text>'


def _markers() -> str:
    def marker(name: str, colour: str) -> str:
        return (
            f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7"'
            f' markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z"'
            f' style="fill:{colour};stroke:none;marker-end:none"/></marker>'
        )

    return f"<defs>{marker('yes', _REACHED)}{marker('not', _UNREACHED)}</defs>"


def _box(one: ActionCoverage, layout: Layout) -> str:
    x, y = _corner(layout.places[one.action.identifier])
    kind = "yes" if one.times else "no"
    named = caption(one.action)
    return (
        f"<g><title>{_text(one.action.identifier)}</title>"
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" class="{kind}"/>'
        f'<text x="{x + 10:.0f}" y="{y + 20:.0f}" class="type">{_text(one.action.type)}</text>'
        f'<text x="{x + 10:.0f}" y="{y + 38:.0f}">{_cut(named, _LETTERS)}</text>'
        f'<text x="{x + _WIDTH:.0f}" y="{y - 5:.0f}" text-anchor="end" class="label {kind}">'
        f"{one.times:,}\N{MULTIPLICATION SIGN}</text></g>"
    )


def _drawn(edges: Sequence[Edge], layout: Layout) -> list[_Drawn]:
    """Where each edge begins: those of one action beside each other, so that none hides another."""
    by_source: dict[str, list[Edge]] = {}
    for edge in edges:
        if _is_downward(edge, layout):
            by_source.setdefault(edge.source, []).append(edge)
    drawn = [_upward(edge, layout) for edge in edges if not _is_downward(edge, layout)]
    for source, group in by_source.items():
        x, y = _foot(layout.places[source])
        group.sort(key=lambda edge: _next(edge, layout)[0])
        for number, edge in enumerate(group, 1):
            start = x - _WIDTH / 2 + _WIDTH * number / (len(group) + 1), y
            to_x, _ = _next(edge, layout)
            level = (number - 1) % _LEVELS
            names_at = start[0] + (to_x - start[0]) * (0.4 + 0.1 * level), y + 30 + 15 * level
            drawn.append(_Drawn(edge, start, names_at))
    return drawn


def _upward(edge: Edge, layout: Layout) -> _Drawn:
    x, y = _corner(layout.places[edge.source])
    return _Drawn(edge, (x, y), (x + _WIDTH + 34, y + _HEIGHT / 2 - 8))


def _is_downward(edge: Edge, layout: Layout) -> bool:
    return layout.places[edge.target][1] > layout.places[edge.source][1]


def _next(edge: Edge, layout: Layout) -> Point:
    """Where an edge that leads down goes first."""
    bends = layout.bends.get((edge.source, edge.target))
    return _centre(bends[0]) if bends else _top(layout.places[edge.target])


def _line(drawn: _Drawn, layout: Layout) -> str:
    kind = "yes" if drawn.edge.times else "no"
    return f'<path class="{kind}" d="{_way(drawn, layout)}"/>'


def _way(drawn: _Drawn, layout: Layout) -> str:
    edge, target = drawn.edge, layout.places[drawn.edge.target]
    if not _is_downward(edge, layout):
        return _back(drawn.start, _corner(target))
    middle = [_centre(place) for place in layout.bends.get((edge.source, edge.target), [])]
    points = [drawn.start, *middle, _top(target)]
    parts = [f"M{points[0][0]:.0f} {points[0][1]:.0f}"]
    for (x, y), (to_x, to_y) in pairwise(points):
        half = (to_y - y) / 2
        parts.append(f"C{x:.0f} {y + half:.0f} {to_x:.0f} {to_y - half:.0f} {to_x:.0f} {to_y:.0f}")
    return "".join(parts)


def _back(source: Point, target: Point) -> str:
    """To the right of both, upwards: a way that goes on where it was before."""
    x, y = source[0] + _WIDTH, source[1] + _HEIGHT / 2
    to_x, to_y = target[0] + _WIDTH, target[1] + _HEIGHT / 2
    out = max(x, to_x) + 40
    return f"M{x:.0f} {y:.0f}C{out:.0f} {y:.0f} {out:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}"


def _names(drawn: _Drawn) -> Iterator[str]:
    """The names of its branches, below each other where they are several."""
    x, y = drawn.names_at
    for number, branch in enumerate(drawn.edge.named):
        kind = "yes" if branch.times else "no"
        yield (
            f'<text x="{x:.0f}" y="{y + 12 * number:.0f}" text-anchor="middle"'
            f' class="label {kind}"><title>{_text(branch.label)}</title>'
            f"{_cut(branch.label, _LABEL_LETTERS)}</text>"
        )


def _corner(place: Point) -> Point:
    x, y = _centre(place)
    return x - _WIDTH / 2, y - _HEIGHT / 2


def _centre(place: Point) -> Point:
    return _MARGIN + place[0] * _COLUMN, _MARGIN + _HEAD + place[1] * _LAYER + _HEIGHT / 2 + 8


def _foot(place: Point) -> Point:
    x, y = _centre(place)
    return x, y + _HEIGHT / 2


def _top(place: Point) -> Point:
    x, y = _centre(place)
    return x, y - _HEIGHT / 2


def _cut(text: str, letters: int) -> str:
    return _text(text if len(text) <= letters else f"{text[: letters - 1]}…")


def _text(text: str) -> str:
    # Control characters and halves of characters may be in no XML.
    return escape("".join(letter if letter.isprintable() else " " for letter in text))
