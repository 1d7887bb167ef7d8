"""Which tests pytest-xdist keeps in one process, which it begins with, and which are long."""

import zlib
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

__all__ = ["SideBySide", "begin_with_the_longest", "leave_twins_out"]

ROOT = Path(__file__).parents[1]
_SERVERS = 2
DATABASES = {"PostgreSQL": "SQLite", "postgresql": "sqlite"}


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
    # A process has one server for all its tests on Prefect's test harness. They wait most of their
    # time, so one after the other they would be what everything else waits for.
    return f"prefect {zlib.crc32(path.encode()) % _SERVERS}" if "prefect_home" in text else path


def begin_with_the_longest(items: list[pytest.Item]) -> None:
    """Order files by the longest time that one of their tests may take."""
    seconds: dict[Path, float] = {}
    for item in items:
        seconds[item.path] = max(_most_seconds(item), seconds.get(item.path, 0))
    items.sort(key=lambda item: -seconds[item.path])


def leave_twins_out(items: list[pytest.Item]) -> None:
    """Mark a test as long on one of the two databases where it runs on both.

    Its name decides on which, so that `make test` has each rule on one of them and nearly all
    statements on both; `make test-long` has the rest.
    """
    by_id = {item.nodeid: item for item in items}
    for nodeid, item in by_id.items():
        twin = by_id.get(_on_the_other(nodeid))
        if twin is not None and not (_is_long(item) or _is_long(twin)):
            is_odd = zlib.crc32(nodeid.encode()) % 2
            (item if is_odd else twin).add_marker(pytest.mark.long)


def _is_long(item: pytest.Item) -> bool:
    return item.get_closest_marker("long") is not None


def _on_the_other(nodeid: str) -> str:
    """The name of the same test on SQLite; empty if it is not one on PostgreSQL."""
    name, bracket, case = nodeid.partition("[")
    for database, other in DATABASES.items():
        if database in case:
            return f"{name}{bracket}{case.replace(database, other)}"
    return ""


def _most_seconds(item: pytest.Item) -> float:
    limit = item.get_closest_marker("timeout")
    return float(limit.args[0]) if limit else 0
