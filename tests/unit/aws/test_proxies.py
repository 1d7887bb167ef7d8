import pytest

from connect_tasks.aws.proxies import is_loopback, proxies_for, socket_proxy
from connect_tasks.errors import CampaignWideError

NAMES = ("http", "https", "all", "no", "socks", "ws", "wss")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_PROXY".upper(), raising=False)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost",
        "localhost.",
        "connect.localhost",
        "127.0.0.1",
        "127.255.0.9",
        "127.1",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",  # noqa: S104 - whoever connects there reaches this machine
    ],
)
def test_what_is_on_this_machine_has_no_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://proxy.example:3128")

    for place in (host, f"{host}:8080", f"ada:secret@{host}:8080"):
        assert is_loopback(f"https://{place}/x")
        assert proxies_for(f"http://{place}/x") == proxies_for(f"https://{place}/x") == {}
        assert socket_proxy(f"ws://{place}/x") is socket_proxy(f"wss://{place}/x") is None


@pytest.mark.parametrize(
    "host",
    [
        "connect.us-east-1.amazonaws.com",
        "localhost.example.com",
        "mylocalhost",
        "128.0.0.1",
        "10.0.0.1",
    ],
)
def test_what_is_elsewhere_has_one(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")

    assert not is_loopback(f"https://{host}/x")
    assert proxies_for(f"https://{host}/x") == {"https": "http://proxy.example:3128"}
    assert socket_proxy(f"wss://{host}/x") == "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("environment", "call", "socket"),
    [
        ({}, None, None),
        ({"https_proxy": "http://a:1"}, "http://a:1", "http://a:1"),
        ({"HTTPS_PROXY": "a:1"}, "http://a:1", "http://a:1"),
        ({"HTTP_PROXY": "http://a:1"}, None, None),
        ({"ALL_PROXY": "http://b:2"}, "http://b:2", "http://b:2"),
        ({"ALL_PROXY": "socks5://b:2", "HTTPS_PROXY": "http://a:1"}, "http://a:1", "http://a:1"),
        ({"SOCKS_PROXY": "c:3", "HTTPS_PROXY": "http://a:1"}, "http://a:1", "socks5h://c:3"),
        ({"HTTPS_PROXY": "http://a:1", "WSS_PROXY": "http://d:4"}, "http://a:1", "http://d:4"),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "*"}, None, None),
        ({"HTTPS_PROXY": "http://a:1", "no_proxy": "amazonaws.com"}, None, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "other.com"}, "http://a:1", "http://a:1"),
    ],
)
def test_the_standard_variables_hold_for_calls_and_sockets(
    environment: dict[str, str],
    call: str | None,
    socket: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert proxies_for("https://connect.us-east-1.amazonaws.com").get("https") == call
    assert socket_proxy("wss://connect.us-east-1.amazonaws.com/chat") == socket


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("http://ada:p%40ss@a:1", "http://ada:p@ss@a:1"),
        ("http://ada@a:1", "http://ada:@a:1"),
        ("http://ada:p%2Fss@a:1", "http://ada:p%2Fss@a:1"),
    ],
)
def test_a_socket_gives_the_proxy_the_password_that_is_meant(
    written: str, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", written)

    assert socket_proxy("wss://connect.example/chat") == sent


def test_a_socks_proxy_is_refused_for_calls_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://ada:secret@proxy.example")

    with pytest.raises(CampaignWideError, match=r"NO_PROXY to connect\.example") as caught:
        proxies_for("https://connect.example")
    assert "secret" not in str(caught.value)
