"""What e2e tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.servers import PrefectServer, prefect_server


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Iterator[PrefectServer]:
    """A Prefect server of one's own."""
    with prefect_server(tmp_path) as server:
        yield server
