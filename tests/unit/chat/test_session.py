"""What a chat's socket takes from its surroundings."""

from collections.abc import Iterator

import pytest

from connect_tasks.chat import session


@pytest.fixture(autouse=True)
def _no_proxy_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "socks_proxy", "ws_proxy", "wss_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    session._proxy.cache_clear()
    yield
    session._proxy.cache_clear()


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "socks_proxy", "wss_proxy"])
def test_a_socket_looks_for_its_proxy_where_the_environment_names_one(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "http://proxy.example:3128")

    assert session._proxy() is True


def test_a_socket_looks_for_no_proxy_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "localhost")

    assert session._proxy() is None
