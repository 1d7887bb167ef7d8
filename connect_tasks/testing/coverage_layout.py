"""Where the actions of a flow stand in a picture: in layers, each below those that lead to it.

The designer's own places are not used: what is fetched by the API has the same picture then as
what is exported by hand, and a wide canvas does not become a strip that nobody can read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum  # The same on whichever Python.
from typing import TypeAlias

from connect_tasks.emulator.flows.exported.document import SUCCESS
from connect_tasks.testing.coverage import BranchCoverage, FlowCoverage

__all__ = ["Edge", "Layout", "edges_of", "lay_out"]

Place: TypeAlias = tuple[float, float]
"""Across and down, in columns and layers."""

_SWEEPS = 8
# Lines past so many layers in all are drawn straight: nobody follows them by eye.
_MOST_BENDS = 20_000
_BEND_WIDTH = 0.45


@dataclass(frozen=True, slots=True)
class Edge:
    """All branches of one action that lead to the same other one.

    Attributes:
        source: Identifier of the action.
        target: Identifier of the other.
        branches: The branches.
    """

    source: str
    target: str
    branches: tuple[BranchCoverage, ...]

    @property
    def times(self) -> int:
        """How often any of them was taken."""
        return sum(branch.times for branch in self.branches)

    @property
    def named(self) -> tuple[BranchCoverage, ...]:
        """The branches that are named at its line: not the one by which things just go on."""
        return tuple(branch for branch in self.branches if branch.label != SUCCESS)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands.

    Attributes:
        places: The place of each action.
        bends: Where the line of an edge goes through on its way, by source and target.
        columns: How many columns there are.
        layers: How many layers there are.
    """

    places: Mapping[str, Place]
    bends: Mapping[tuple[str, str], Sequence[Place]]
    columns: float
    layers: int


def edges_of(covered: FlowCoverage) -> list[Edge]:
    """The lines of a picture, in the order of the document; what leads nowhere has none."""
    edges = []
    for one in covered.actions:
        by_target: dict[str, list[BranchCoverage]] = {}
        for branch in one.branches:
            if branch.next_action in covered.flow.actions:
                by_target.setdefault(str(branch.next_action), []).append(branch)
        for target, branches in by_target.items():
            edges.append(Edge(one.action.identifier, target, tuple(branches)))
    return edges


def lay_out(start: str, actions: Iterable[str], edges: Sequence[Edge]) -> Layout:
    """Give every action a place.

    Args:
        start: The first action.
        actions: All actions.
        edges: What leads where.
    """
    names = list(actions)
    pairs = [(edge.source, edge.target) for edge in edges if edge.source != edge.target]
    downward = _downward(start, names, pairs)
    layer = _layers(names, downward)
    bends = _bends(downward, layer)
    rows = _rows(names, layer, bends)
    links = _links(downward, bends)
    for sweep in range(_SWEEPS):
        _sort(rows, links, is_down=sweep % 2 == 0)
    return _placed(rows, bends, set(names))


def _downward(
    start: str, names: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """The edges without those that lead back to where a way has come from."""
    leads: dict[str, list[str]] = {name: [] for name in names}
    for source, below in pairs:
        leads[source].append(below)
    back: set[tuple[str, str]] = set()
    done: set[str] = set()
    for root in dict.fromkeys([*filter(leads.__contains__, [start]), *names]):
        if root in done:
            continue
        path, ways = {root: None}, [(root, iter(leads[root]))]
        while ways:
            name, targets = ways[-1]
            if (target := next(targets, None)) is None:
                ways.pop()
                path.pop(name)
                done.add(name)
            elif target in path:
                back.add((name, target))
            elif target not in done:
                path[target] = None
                ways.append((target, iter(leads[target])))
    return [pair for pair in pairs if pair not in back]


def _layers(names: Sequence[str], downward: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Each action one layer below the lowest that leads to it."""
    leads: dict[str, list[str]] = {name: [] for name in names}
    waiting = dict.fromkeys(names, 0)
    for source, target in downward:
        leads[source].append(target)
        waiting[target] += 1
    layer = dict.fromkeys(names, 0)
    ready = [name for name in names if not waiting[name]]
    for name in ready:
        for target in leads[name]:
            layer[target] = max(layer[target], layer[name] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return layer


def _bends(
    downward: Sequence[tuple[str, str]], layer: Mapping[str, int]
) -> dict[tuple[str, str], list[str]]:
    """Stand-ins for edges in the layers that they pass, each with a name of its own."""
    spans = {pair: range(layer[pair[0]] + 1, layer[pair[1]]) for pair in downward}
    if sum(map(len, spans.values())) > _MOST_BENDS:
        return {}
    return {
        pair: [f"\0{pair[0]}\0{pair[1]}\0{place}" for place in span]
        for pair, span in spans.items()
        if span
    }


def _rows(
    names: Sequence[str],
    layer: Mapping[str, int],
    bends: Mapping[tuple[str, str], Sequence[str]],
) -> list[list[str]]:
    rows: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in names:
        rows[layer[name]].append(name)
    for (source, _), stand_ins in bends.items():
        for below, name in enumerate(stand_ins, layer[source] + 1):
            rows[below].append(name)
    return rows


def _links(
    downward: Sequence[tuple[str, str]], bends: Mapping[tuple[str, str], Sequence[str]]
) -> list[tuple[str, str]]:
    links: list[tuple[str, str]] = []
    for pair in downward:
        way = [pair[0], *bends.get(pair, ()), pair[1]]
        links += pairwise(way)
    return links


def _sort(rows: list[list[str]], links: Sequence[tuple[str, str]], *, is_down: bool) -> None:
    """Put what stands in a layer below (or above) the middle of what it hangs from."""
    hangs_from: dict[str, list[str]] = {}
    for source, target in links:
        name, other = (target, source) if is_down else (source, target)
        hangs_from.setdefault(name, []).append(other)
    place = _across(rows)
    for row in rows if is_down else reversed(rows):
        middle = {}
        for name in row:
            others = [place[other] for other in hangs_from.get(name, [])]
            middle[name] = fsum(others) / len(others) if others else place[name]
        row.sort(key=middle.__getitem__)
        place |= _across([row])


def _across(rows: Iterable[Sequence[str]]) -> dict[str, float]:
    """How far from the middle of its layer everything stands."""
    place = {}
    for row in rows:
        left = -fsum(map(_width, row)) / 2
        for name in row:
            place[name] = left + _width(name) / 2
            left += _width(name)
    return place


def _width(name: str) -> float:
    return _BEND_WIDTH if name.startswith("\0") else 1.0


def _placed(
    rows: Sequence[Sequence[str]],
    bends: Mapping[tuple[str, str], Sequence[str]],
    names: set[str],
) -> Layout:
    across = _across(rows)
    widest = max((fsum(map(_width, row)) for row in rows), default=0.0)
    places = {
        name: (across[name] + widest / 2, float(layer))
        for layer, row in enumerate(rows)
        for name in row
    }
    return Layout(
        places={name: place for name, place in places.items() if name in names},
        bends={pair: [places[name] for name in way] for pair, way in bends.items()},
        columns=widest,
        layers=len(rows),
    )
