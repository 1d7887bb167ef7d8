"""Fixtures of pytest for tests of one's own campaigns: a local Amazon Connect, and a ledger.

It is loaded only by who names it, in the `conftest.py` at the top of their tests:
`pytest_plugins = ["connect_tasks.emulator.pytest_plugin"]`. Nothing else here needs pytest.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.emulator.local import LocalConnect
from connect_tasks.emulator.quotas import LocalQuotas

__all__ = ["local_connect", "local_ledger", "pytest_configure"]

_MARKER = "local_connect"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, so that `--strict-markers` lets it pass."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(**arguments): what the fixture {_MARKER} is made with, as LocalConnect takes "
        "it: flow, faults, quotas, seed, ...",
    )


@pytest.fixture
def local_connect(request: pytest.FixtureRequest) -> Iterator[LocalConnect]:
    """A local Amazon Connect of this test alone, started, and stopped after the test.

    It grants whatever is asked. The marker `local_connect` gives it other arguments of
    `LocalConnect`; on a class or module it holds for all tests there, and a marker nearer to the
    test adds to it and wins.

    Example:
        ```python
        @pytest.mark.local_connect(flow="echo", faults=[Fault.throttle("SendMessage", nth=1)])
        def test_a_throttled_message_is_sent_again(local_connect, local_ledger):
            ...
            assert local_connect.injected == {("SendMessage", "throttle"): 1}
        ```
    """
    positional, named = _arguments(request)
    # Whatever is wrong with them is LocalConnect's to say.
    with LocalConnect(*positional, **{"quotas": LocalQuotas.unlimited(), **named}) as local:
        yield local


def _arguments(request: pytest.FixtureRequest) -> tuple[list[Any], dict[str, Any]]:
    positional: list[Any] = []
    named: dict[str, Any] = {}
    # pytest gives the nearest first.
    for marker in reversed(list(request.node.iter_markers(_MARKER))):
        positional += marker.args
        named |= marker.kwargs
    return positional, named


@pytest.fixture
def local_ledger(tmp_path: Path) -> str:
    """The SQLAlchemy URL of a ledger that does not exist yet: a SQLite file of this test alone.

    Example:
        ```python
        def test_nobody_is_contacted_twice(local_connect, local_ledger):
            for _ in range(2):
                my_campaign(connect=local_connect.instance(), ledger=local_ledger)
            assert len(local_connect.contacts) == 1
        ```
    """
    return f"sqlite:///{tmp_path / 'ledger.db'}"
