"""Which tests pytest-xdist keeps in one process, and which it begins with."""

from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

__all__ = ["SideBySide", "begin_with_the_longest"]

ROOT = Path(__file__).parents[1]


class SideBySide(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Gives the processes files, or what `_together` says instead.

    xdist's own `loadgroup` would do it by marks, but does not see them with pytest 9.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return _together(path) or nodeid


@cache
def _together(path: str) -> str:
    """What the tests of a file share a process with; empty if not even with each other."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if "pytest.mark.apart" in text:
        return ""
    # A process has one server for all tests on Prefect's test harness.
    return "prefect" if "prefect_home" in text else path


def begin_with_the_longest(items: list[pytest.Item]) -> None:
    """Order files by the longest time that one of their tests may take."""
    seconds: dict[Path, float] = {}
    for item in items:
        seconds[item.path] = max(_most_seconds(item), seconds.get(item.path, 0))
    items.sort(key=lambda item: -seconds[item.path])


def _most_seconds(item: pytest.Item) -> float:
    limit = item.get_closest_marker("timeout")
    return float(limit.args[0]) if limit else 0
