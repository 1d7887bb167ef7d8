"""The app on the wire: what browsers, clients, proxies and logs see of it."""

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from connect_tasks.campaign.links import KEYS_VARIABLE
from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.errors import InputError
from connect_tasks.invitations import StartedByPress, invitation_app
from connect_tasks.invitations import app as app_module
from connect_tasks.invitations.page import InvitationPage, PageEndpoint, RenderedPage
from connect_tasks.invitations.service import Running, Serving
from connect_tasks.ledger.store import Ledger
from tests.functional.links_world import LinksWorld, eventually, key_in_environment

pytestmark = pytest.mark.timeout(120)

SITE = "https://www.example.com"
NO_TOKEN = "AAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    key_in_environment(monkeypatch)


@pytest.fixture
def world(local: LocalConnect, ledger: str) -> Iterator[LinksWorld]:
    with Ledger(ledger) as opened:
        yield LinksWorld(local, opened)


def test_what_a_client_sends_changes_nothing(world: LinksWorld) -> None:
    # As Amazon's chat interface sends it.
    body = {
        "InstanceId": "another",
        "ContactFlowId": "another",
        "ParticipantDetails": {"DisplayName": "Mallory"},
        "Attributes": '{"premium":"yes"}',
        "ChatDurationInMinutes": 10_080,
    }
    one, two = world.invite("0001", "0002")
    with world.site() as site:
        site.press(one, json=body)
        site.press(two, content=b"{ not json", headers={"Content-Type": "application/json"})
    assert [chat.display_name for chat in world.local.contacts] == ["Ada", "Ada"]
    assert [chat.attributes for chat in world.local.contacts] == [{}, {}]


def test_a_body_that_is_huge_or_never_ends_is_not_waited_for(world: LinksWorld) -> None:
    huge, endless = world.invite("0001", "0002")
    with world.site() as site:
        assert site.press(huge, content=b"x" * 20_000_000).status_code == httpx.codes.OK
        port = int(site.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as wire:
            head = f"POST /i/{endless} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            wire.sendall(head.encode() + b"5\r\nhello\r\n")
            assert wire.recv(65_536).startswith(b"HTTP/1.1 200")


def test_every_answer_forbids_to_store_to_index_to_frame_and_to_tell_where_one_came_from(
    world: LinksWorld,
) -> None:
    [token] = world.invite("0001")
    with world.site() as site:
        answers = [
            site.press(token),
            site.press(NO_TOKEN),
            site.get(f"/i/{token}"),
            site.get("/healthz"),
            site.get("/nothing-here"),
            httpx.put(f"{site.url}/i/{token}"),
        ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert "frame-ancestors" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/healthz/", "/i", "//evil.example/i/x", "/%2F/evil.example"])
def test_no_answer_leads_to_where_a_host_header_says(world: LinksWorld, path: str) -> None:
    with world.site() as site:
        answer = site.get(path, headers={"Host": "evil.example"})
    assert "location" not in answer.headers
    assert "evil" not in answer.text


def test_a_site_that_is_allowed_can_press_from_its_own_pages(world: LinksWorld) -> None:
    [token] = world.invite("0001")
    with world.site(allow_origins=[SITE]) as site:
        url = f"{site.url}/i/{token}"
        asked = {
            "Origin": SITE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-amz-token,content-type",
        }
        preflight = httpx.options(url, headers=asked)
        simple = httpx.post(url, content="{}", headers={"Origin": SITE})
        foreign = httpx.post(url, content="{}", headers={"Origin": "https://evil.example"})
        dead = httpx.post(f"{site.url}/i/{NO_TOKEN}", headers={"Origin": SITE})

    assert preflight.status_code == httpx.codes.OK
    assert preflight.headers["access-control-allow-origin"] == SITE
    assert "x-amz-token" in preflight.headers["access-control-allow-headers"]
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert simple.headers["access-control-allow-origin"] == SITE
    assert simple.headers["access-control-expose-headers"] == "Retry-After"
    assert "Origin" in simple.headers["vary"]
    assert "access-control-allow-origin" not in foreign.headers
    assert dead.headers["access-control-allow-origin"] == SITE
    assert world.local.calls["StartChatContact"] == 1


@pytest.mark.parametrize(
    "origins",
    [
        ["https://www.example.com/"],
        ["www.example.com"],
        ["https://WWW.example.com"],
        ["https://*.example.com"],
        "https://www.example.com",
        ["null"],
    ],
)
def test_an_origin_that_no_browser_names_itself_by_is_refused(origins: Any) -> None:
    with pytest.raises(InputError, match="allow_origins"):
        invitation_app(connect="x", allow_origins=origins)


def test_without_keys_there_is_no_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEYS_VARIABLE)
    with pytest.raises(InputError, match=KEYS_VARIABLE):
        invitation_app(connect="x")


def test_no_token_is_in_the_servers_access_log(
    world: LinksWorld, capfd: pytest.CaptureFixture[str]
) -> None:
    [token] = world.invite("0001")
    defaults = {"log_config": uvicorn.config.LOGGING_CONFIG, "log_level": "trace"}
    with _own_logs(), _served(world, **defaults) as url:
        httpx.post(f"{url}/i/{token}?utm=mail")
        httpx.get(f"{url}/i/{token}")
        httpx.get(f"{url}/prefix/i/{token}/more")
        httpx.get(f"{url}/%69/{token}")
        httpx.get(f"{url}/i%2F{token}")
        httpx.get(f"{url}/healthz")
    out = "".join(capfd.readouterr())
    assert '"POST /i/…?utm=mail HTTP/1.1" 200' in out
    assert '"GET /healthz HTTP/1.1" 200' in out
    assert "Started scope=" in out
    assert token not in out


class _own_logs:  # noqa: N801 - used like a function
    """Lets a server configure logging, and puts it back afterwards."""

    NAMES = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")

    def __enter__(self) -> None:
        loggers = [logging.getLogger(name) for name in self.NAMES]
        self._before = [(each, each.handlers[:], each.level, each.propagate) for each in loggers]

    def __exit__(self, *_: object) -> None:
        for logger, handlers, level, propagate in self._before:
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)


class _served:  # noqa: N801 - used like a function
    """As `uvicorn module:app` does: logging is configured before the app is made, or after."""

    def __init__(self, world: LinksWorld, **options: Any) -> None:
        self._config = uvicorn.Config(world.app, factory=True, port=0, **options)
        self._server = uvicorn.Server(self._config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve()))

    def __enter__(self) -> str:
        self._thread.start()
        eventually(lambda: self._server.started)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()


def test_participants_tokens_are_in_the_answer_and_nowhere_else(
    world: LinksWorld, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    [token] = world.invite("0001")
    told: list[StartedByPress] = []
    with world.site(on_started=told.append) as site:
        answer = site.press(token)
        eventually(lambda: told)
    secrets = world.local.issued_tokens
    assert secrets
    assert all(secret in answer.text for secret in secrets)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (*secrets, token):
        ours = [r.getMessage() for r in caplog.records if r.name.startswith("connect_tasks")]
        assert secret not in "\n".join(ours) + repr(told)
        assert secret.encode() not in written


def test_each_started_chat_is_told_once_by_a_function_of_either_kind(world: LinksWorld) -> None:
    told: list[StartedByPress] = []

    async def later(started: StartedByPress) -> None:
        await asyncio.sleep(0)
        told.append(started)

    one, two = world.invite("0001", "0002")
    with world.site(on_started=later) as site:
        site.press_at_once([one] * 4)
    with world.site(on_started=told.append) as site:
        site.press(one)
        site.press(two)
    assert [each.customer_id for each in told] == ["0001", "0002"]
    assert [each.contact_id for each in told] == [c.contact_id for c in world.local.contacts]


@pytest.mark.parametrize("unanswered", [0, 1, 20])
def test_a_chat_is_told_once_whatever_becomes_of_the_questions_after_its_start(
    ledger: str, unanswered: int
) -> None:
    told: list[StartedByPress] = []
    faults = [
        Fault(operation="DescribeContact", kind=FaultKind.CUT_BEFORE, nth=nth + 1)
        for nth in range(unanswered)
    ]
    quotas = LocalQuotas.unlimited()
    with LocalConnect(quotas=quotas, faults=faults) as local, Ledger(ledger) as opened:
        world = LinksWorld(local, opened)
        [token] = world.invite("0001")
        # As a process leaves it that is killed before Amazon's answer is on record.
        world.becomes("0001", status="starting", sent_at=datetime.now(UTC))
        with world.site(on_started=told.append) as site:
            site.press(token)
        with world.site(on_started=told.append) as site:
            eventually(lambda: site.press(token).status_code == httpx.codes.OK)
            site.press(token)

    assert [each.contact_id for each in told] == [c.contact_id for c in local.contacts]


def test_a_function_that_fails_or_takes_its_time_delays_no_answer(
    world: LinksWorld, caplog: pytest.LogCaptureFixture
) -> None:
    released = threading.Event()

    def slow(started: StartedByPress) -> None:
        released.wait(30)
        raise ValueError(f"secret of {started.customer_id}")

    tokens = world.invite(*(f"{n:04}" for n in range(8)))
    with world.site(on_started=slow) as site:
        answers = site.press_at_once(tokens)
        released.set()
    assert {answer.status_code for answer in answers} == {200}
    assert sum("on_started failed" in record.message for record in caplog.records) == 8
    assert "secret of" not in caplog.text


def test_it_works_where_no_lifespan_is_run(world: LinksWorld) -> None:
    [token] = world.invite("0001")

    async def story() -> list[int]:
        transport = httpx.ASGITransport(app=world.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            presses = [client.post(f"/i/{token}") for _ in range(3)]
            return [answer.status_code for answer in await asyncio.gather(*presses)]

    assert asyncio.run(story()) == [200, 200, 200]
    assert world.local.calls["StartChatContact"] == 1


def test_whoever_uses_another_method_is_told_of_all_that_there_are(world: LinksWorld) -> None:
    [token] = world.invite("0001")
    with world.site() as site:
        answers = [httpx.request(verb, f"{site.url}/i/{token}") for verb in ("PUT", "PATCH", "X")]
        health = httpx.post(f"{site.url}/healthz")
    assert {answer.status_code for answer in [*answers, health]} == {405}
    assert [set(a.headers["Allow"].split(", ")) for a in answers] == [{"GET", "HEAD", "POST"}] * 3
    assert set(health.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def test_a_crowd_before_an_app_that_cannot_begin_does_not_try_one_after_the_other(
    world: LinksWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    [token] = world.invite("0001")
    begun, ended, is_away = list[object](), list[object](), True
    begin, end = Serving.__aenter__, Serving.__aexit__

    async def counted(serving: Serving) -> Running:
        begun.append(serving)
        return await begin(serving)

    async def counted_end(serving: Serving, *error: object) -> None:
        await end(serving, *error)
        ended.append(serving)

    class Page(InvitationPage):
        def render(self, endpoint: PageEndpoint) -> RenderedPage:
            if is_away:
                raise RuntimeError("away")
            return super().render(endpoint)

    monkeypatch.setattr(Serving, "__aenter__", counted)
    monkeypatch.setattr(Serving, "__aexit__", counted_end)
    monkeypatch.setattr(app_module, "_BEGIN_AGAIN_SECONDS", 3600)

    async def story() -> tuple[list[int], int]:
        nonlocal is_away
        transport = httpx.ASGITransport(app=world.app(page=Page()), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            presses = [client.post(f"/i/{token}") for _ in range(20)]
            refused = [answer.status_code for answer in await asyncio.gather(*presses)]
            monkeypatch.setattr(app_module, "_BEGIN_AGAIN_SECONDS", 0)
            is_away = False
            return refused, (await client.post(f"/i/{token}")).status_code

    refused, later = asyncio.run(story())
    assert refused == [503] * 20
    assert later == 200
    # Nothing of what had begun is left running.
    assert (len(begun), len(ended)) == (2, 1)


def test_an_app_without_its_ledger_does_not_begin(local: LocalConnect, tmp_path: Path) -> None:
    app = invitation_app(connect=local.instance(), ledger=f"sqlite:///{tmp_path / 'none.db'}")
    config = uvicorn.Config(app, port=0, log_config=None)
    server = uvicorn.Server(config)
    with pytest.raises(SystemExit):
        asyncio.run(server.serve())
    assert not list(tmp_path.iterdir())


def test_a_person_who_leaves_before_the_answer_costs_nothing(ledger: str) -> None:
    slow = Fault(operation="StartChatContact", kind=FaultKind.DELAY, seconds=0.5)
    with (
        LocalConnect(quotas=LocalQuotas.unlimited(), faults=[slow]) as local,
        Ledger(ledger) as opened,
    ):
        world = LinksWorld(local, opened)
        [token] = world.invite("0001")
        with world.site() as site:
            with pytest.raises(httpx.TimeoutException):
                httpx.post(f"{site.url}/i/{token}", timeout=0.3)
            answer = site.press(token)
        assert answer.status_code == httpx.codes.OK
        assert len(world.started()) == 1
