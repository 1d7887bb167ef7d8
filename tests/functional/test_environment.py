"""What the environment says about proxies, profiles and certificates, and whom it concerns."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect_aws import AwsClientParameters

from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.campaign.run import run_campaign
from connect_tasks.emulator import LocalConnect
from connect_tasks.errors import CampaignHaltedError, CampaignWideError, ServiceFaultError
from connect_tasks.ledger.store import Ledger
from tests.functional.small_proxy import SmallProxy, small_proxy
from tests.functional.world import CAMPAIGN, World, customers, session

NOBODY = "http://127.0.0.1:9"
"""Where no proxy listens: whoever asks it finds out at once."""

SPELLINGS = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SPELLINGS, "NO_PROXY", "no_proxy", "SOCKS_PROXY", "socks_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with LocalConnect() as local, Ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        world = World(local, ledger)
        world.plan(customers(3))
        yield world


def far_away(world: World, **parameters: Any) -> Any:
    """The local instance under a name that only the proxy knows."""
    world.local._backend.connections.socket_base = "ws://connect.example"
    url = AwsClientParameters(endpoint_url="http://connect.example", **parameters)
    return world.local.instance().model_copy(update={"aws_client_parameters": url})


def run(world: World, block: Any) -> Any:
    return run_campaign(world.ledger, CAMPAIGN, block.connect(), conversation=world.conversation)


def proxy_of(world: World, login: str | None = None) -> Any:
    port = int(world.local.endpoint_url.rpartition(":")[2])
    return small_proxy(("127.0.0.1", port), login)


def went_through(proxy: SmallProxy) -> set[str]:
    return {"CONNECT" if method == "CONNECT" else "call" for method, _ in proxy.asked}


@pytest.mark.parametrize("name", SPELLINGS)
def test_the_local_connect_is_never_asked_through_a_proxy(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, NOBODY)

    funnel = run(world, world.local.instance())

    assert (funnel.completed, funnel.replied) == (3, 3)
    assert world.local.instance().check_connection().can_run


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "connect.localhost"])
def test_other_names_of_this_machine_are_not_asked_through_a_proxy_either(
    world: World, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    with proxy_of(world) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        url = world.local.endpoint_url.replace("127.0.0.1", host)
        ConnectApi(session, ClientOptions(parameters={"endpoint_url": url})).make_clients()

    assert proxy.asked == []


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_calls_and_sockets_of_another_host_go_through_the_proxy(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with proxy_of(world) as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        funnel = run(world, far_away(world))

    assert (funnel.completed, funnel.replied) == (3, 3)
    assert went_through(proxy) == {"CONNECT", "call"}
    assert {host for _, host in proxy.asked} == {"connect.example"}


@pytest.mark.parametrize("login", ["ada:secret", "ada:p@ss:w%rd"])
def test_a_proxys_user_and_password_are_given_by_calls_and_sockets_alike(
    world: World, monkeypatch: pytest.MonkeyPatch, login: str
) -> None:
    user, _, password = login.partition(":")
    written = password.replace("%", "%25").replace("@", "%40").replace(":", "%3A")
    with proxy_of(world, login) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{user}:{written}@127.0.0.1:{proxy.port}")
        funnel = run(world, far_away(world))

    assert funnel.completed == 3
    assert proxy.refused == 0
    assert went_through(proxy) == {"CONNECT", "call"}


def test_no_proxy_names_hosts_that_are_asked_directly(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ClientOptions(parameters={"endpoint_url": "http://connect.example"})
    with proxy_of(world) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", ".example")
        # Nobody of this name is there.
        with pytest.raises(ServiceFaultError):
            ConnectApi(session, options).describe_contact("i-1", "c-1")

    assert proxy.asked == []


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_call_of_amazon_is_made_through_a_tunnel_of_the_proxy(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with proxy_of(world) as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        # The local instance speaks no TLS.
        with pytest.raises(ServiceFaultError):
            ConnectApi(session).describe_contact("i-1", "c-1")

    assert proxy.asked == [("CONNECT", "connect.us-east-1.amazonaws.com")]


def test_a_proxy_that_the_block_names_goes_before_the_environments(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy_of(world) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        own = {"proxies": {"http": NOBODY}}
        report = far_away(world, config=own).check_connection()

    assert proxy.asked == []
    assert not report.can_run


def test_a_socks_proxy_for_calls_is_told_before_anything_is_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")

    with pytest.raises(CampaignHaltedError, match="SOCKS proxy: set HTTPS_PROXY"):
        run(world, far_away(world))

    assert "SOCKS proxy" in str(far_away(world).check_connection())
    assert not world.local.calls


def test_a_socks_proxy_for_sockets_that_cannot_be_used_is_told_before_a_chat_is_started(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connect_tasks.aws.proxies.find_spec", lambda _: None)
    with proxy_of(world) as proxy:
        monkeypatch.setenv("SOCKS_PROXY", "127.0.0.1:9")
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(CampaignHaltedError, match="python-socks"):
            run(world, far_away(world))

    assert proxy.asked == []


# What a machine's settings for AWS may be; none of them concerns what runs on it.
FOREIGN_SETTINGS = {
    "AWS_PROFILE": "nosuch",
    "AWS_DEFAULT_PROFILE": "nosuch",
    "AWS_CONFIG_FILE": "{broken}",
    "AWS_SHARED_CREDENTIALS_FILE": "{broken}",
    "AWS_CA_BUNDLE": "/nonexistent/ca.pem",
    "AWS_ENDPOINT_URL": NOBODY,
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_RETRY_MODE": "bogus",
    "AWS_MAX_ATTEMPTS": "many",
    "AWS_DEFAULTS_MODE": "bogus",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "bogus",
    "AWS_DATA_PATH": "/nonexistent",
    "REQUESTS_CA_BUNDLE": "/nonexistent/ca.pem",
}


@pytest.mark.parametrize("name", FOREIGN_SETTINGS)
def test_settings_for_aws_do_not_concern_the_local_connect(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    broken = tmp_path / "config"
    broken.write_text("[[[ no section\nhere\n")
    monkeypatch.setenv(name, FOREIGN_SETTINGS[name].format(broken=broken))

    assert run(world, world.local.instance()).completed == 3
    assert world.local.instance().check_connection().can_run


def test_a_profile_that_is_missing_concerns_amazon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nosuch")

    with pytest.raises(CampaignWideError, match="nosuch"):
        ConnectApi().make_clients()
