"""The app behind links, and who talks to it: its own page, and what Amazon gives for one's own.

ChatJS comes from npm, once; without npm or a network the test is skipped. Amazon's chat interface
is no package: the test runs where `CONNECT_TASKS_CHAT_INTERFACE` names its built file,
`local-testing/amazon-connect-chat-interface.js` of its repository.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.ledger.store import Ledger
from tests.browser import Tab, browser, needs_chromium
from tests.contract.page_world import serve
from tests.functional.links_world import LinksWorld, key_in_environment

pytestmark = [needs_chromium, pytest.mark.timeout(300)]

CHATJS = "amazon-connect-chatjs@5.0.0"
OPEN = "!document.getElementById('chat').hidden"
BUBBLES = "[...document.querySelectorAll('.bubble')].map((it) => it.textContent)"


@pytest.fixture(scope="module", name="chromium")
def _chromium() -> Iterator[Callable[[], Tab]]:
    with browser() as another:
        yield another


@pytest.fixture(name="another")
def _another(chromium: Callable[[], Tab]) -> Iterator[Callable[[], Tab]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(chromium()))


@pytest.fixture(name="links")
def _links(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LinksWorld]:
    key_in_environment(monkeypatch)
    flow = getattr(request, "param", "survey")
    with (
        LocalConnect(flow=flow, quotas=LocalQuotas.unlimited()) as local,
        Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger,
    ):
        yield LinksWorld(local, ledger)


_QUIETLY = ("--no-audit", "--no-fund", "--ignore-scripts")


@pytest.fixture(scope="session", name="chatjs")
def _chatjs(request: pytest.FixtureRequest) -> Path:
    """ChatJS as npm gives it, kept between runs."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("There is no npm here.")
    assert request.config.cache is not None
    script = request.config.cache.mkdir("chatjs") / "amazon-connect-chat.js"
    if not script.exists():
        _fetch(npm, script)
    return script


def _fetch(npm: str, script: Path) -> None:
    """Get ChatJS, all of it or nothing: other processes of these tests look for it meanwhile."""
    with tempfile.TemporaryDirectory(dir=script.parent) as folder:
        # Without a prefix npm takes a folder above that has modules already.
        command = [npm, "install", "--prefix", folder, *_QUIETLY, CHATJS]
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=200, check=False)
        if done.returncode:
            pytest.skip(f"npm cannot get {CHATJS} here.")
        (Path(folder) / "node_modules/amazon-connect-chatjs/dist" / script.name).replace(script)


@contextmanager
def another_site(script: Path, body: str) -> Iterator[str]:
    """A company's own site on another host, with a script and its own code."""

    async def page(_: Request) -> Response:
        return HTMLResponse(f"<!doctype html><title>Site</title>{body}")

    async def code(_: Request) -> Response:
        return FileResponse(script, media_type="text/javascript")

    with serve(Starlette(routes=[Route("/", page), Route("/script.js", code)])) as url:
        yield url


def test_the_apps_own_page_holds_a_whole_survey(
    another: Callable[[], Tab], links: LinksWorld
) -> None:
    (token,) = links.invite("0001")
    with links.site() as site:
        tab = another().open(f"{site.url}/i/{token}")
        assert links.started() == []
        tab.click("#start")
        tab.wait_for(f"{BUBBLES}.length === 1")
        tab.reload()
        tab.wait_for(f"{BUBBLES}.length === 1")
        tab.run("document.getElementById('text').focus()")
        tab.type("9")
        tab.press("Enter")
        tab.wait_for_text("This conversation is over")

        (contact,) = links.local.contacts
        assert [item.content for item in contact.transcript if item.type == "MESSAGE"] == tab.run(
            BUBBLES
        )
        assert token not in json.dumps(tab.told)
        again = another().open(f"{site.url}/i/{token}")
        again.click("#start")
        again.wait_for_text("This conversation is over")
        wrong = another().open(f"{site.url}/i/{token[:-1]}")
        wrong.click("#start")
        wrong.wait_for_text("This link is not valid")
    assert len(links.started()) == 1


@pytest.mark.parametrize("links", ["feedback"], indirect=True)
def test_the_apps_own_page_answers_a_flow_with_buttons(
    another: Callable[[], Tab], links: LinksWorld
) -> None:
    (token,) = links.invite("0001")
    live = "#list button:not([aria-disabled])"
    with links.site() as site:
        tab = another().open(f"{site.url}/i/{token}")
        tab.click("#start")
        for answered in (1, 2):
            tab.click(live)
            tab.wait_for(f"document.querySelectorAll('.chosen').length === {answered}")
        tab.run("document.getElementById('text').focus()")
        tab.type("All was well")
        tab.press("Enter")
        # One's own words stand there before they are sent; what answers them does not.
        tab.wait_for_text("Thank you, we will read that.")

    (contact,) = links.local.contacts[:1]
    said = [item.content for item in contact.transcript if item.participant_role == "CUSTOMER"]
    assert "All was well" in said


def test_chatjs_holds_a_whole_survey_from_another_site(
    another: Callable[[], Tab], links: LinksWorld, chatjs: Path
) -> None:
    (token,) = links.invite("0001")
    body = '<script src="/script.js"></script>'
    with another_site(chatjs, body) as shop, links.site(allow_origins=[shop]) as site:
        tab = another().open(shop)
        tab.run(
            f"""(async () => {{
            window.heard = [];
            connect.ChatSession.setGlobalConfig(
              {{region: "us-east-1", endpoint: "{links.local.endpoint_url}",
                loggerConfig: {{level: 5}}}});
            const answer = await fetch("{site.url}/i/{token}", {{method: "POST"}});
            const {{data}} = await answer.json();
            window.session = connect.ChatSession.create({{chatDetails: data.startChatResult,
              type: "CUSTOMER", options: {{region: "us-east-1"}}}});
            session.onMessage((it) => heard.push(it.data.Content));
            session.onEnded(() => {{ window.isOver = true; }});
            await session.connect(); }})()"""
        )
        tab.wait_for("heard.filter(Boolean).length === 1")
        tab.run("session.sendMessage({message: '9', contentType: 'text/plain'}).then(() => 1)")
        tab.wait_for("window.isOver")

    (contact,) = links.local.contacts
    assert contact.disconnect_reason == "CONTACT_FLOW_DISCONNECT"


def test_amazons_chat_interface_opens_with_the_apps_answer_and_tells_of_a_dead_link(
    another: Callable[[], Tab], links: LinksWorld
) -> None:
    script = Path(os.environ.get("CONNECT_TASKS_CHAT_INTERFACE", ""))
    if not script.is_file():
        pytest.skip("CONNECT_TASKS_CHAT_INTERFACE names no built chat interface.")
    (token,) = links.invite("0001")
    body = '<section id="root"></section><script src="/script.js"></script>'
    with another_site(script, body) as shop, links.site(allow_origins=[shop]) as site:
        tab = another().open(shop)
        tab.run(
            f"""(() => {{
            connect.ChatSession.setGlobalConfig(
              {{region: "us-east-1", endpoint: "{links.local.endpoint_url}"}});
            connect.ChatInterface.init({{containerId: "root"}});
            window.begin = (token) => connect.ChatInterface.initiateChat({{name: "Ann",
              region: "us-east-1", apiGatewayEndpoint: "{site.url}/i/" + token,
              contactFlowId: "f", instanceId: "i", contactAttributes: "{{}}",
              supportedMessagingContentTypes: "text/plain", featurePermissions: {{}}}},
              (it) => {{ window.begun = Boolean(it); }},
              (error) => {{ window.failure = [error.status, error.ok]; }});
            begin("{token}x"); }})()"""
        )
        tab.wait_for("window.failure")
        assert tab.run("window.failure") == [410, False]
        tab.run(f"begin('{token}')")
        tab.wait_for("window.begun")
        tab.wait_for_text("how likely are you to recommend us")
