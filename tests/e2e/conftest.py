"""What e2e tests share."""

from collections.abc import Iterator

import pytest

from tests.e2e.servers import PrefectServer, prefect_server


@pytest.fixture(scope="module", name="server")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A Prefect server that the tests of a file share."""
    with prefect_server(tmp_path_factory.mktemp("server")) as server:
        yield server
