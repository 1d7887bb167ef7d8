"""The local Connect's own page in a browser: start a chat, and speak as both, on a phone."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from connect_tasks.emulator import LocalConnect, LocalQuotas
from tests.browser import Tab, browser, needs_chromium

pytestmark = [needs_chromium, pytest.mark.long, pytest.mark.timeout(120)]

TRANSCRIPT = "document.getElementById('transcript').innerText"


@pytest.fixture(name="local")
def _local() -> Iterator[LocalConnect]:
    with LocalConnect(flow="feedback", quotas=LocalQuotas.unlimited()) as local:
        yield local


@pytest.fixture(scope="module", name="chromium")
def _chromium() -> Iterator[Tab]:
    with browser() as another, closing(another()) as tab:
        tab.resize(390, 844, is_phone=True)
        yield tab


@pytest.fixture(name="tab")
def _tab(chromium: Tab, local: LocalConnect) -> Tab:
    chromium.told.clear()
    chromium.requested.clear()
    return chromium.open(f"{local.endpoint_url}/")


def start(tab: Tab, name: str = "Ada") -> None:
    tab.run("document.getElementById('name').select()")
    tab.type(name)
    tab.click("#start button")
    tab.wait_for("document.getElementById('transcript')")


def speak(tab: Tab, role: str, text: str) -> None:
    tab.click(f"#as-{role}")
    tab.run("document.getElementById('text').focus()")
    tab.type(text)
    tab.press("Enter")
    tab.wait_for(f"{TRANSCRIPT}.includes({text!r})")


def said(local: LocalConnect) -> list[tuple[str | None, str | None]]:
    messages = [item for item in local.contacts[0].transcript if item.type == "MESSAGE"]
    return [(item.participant_role, item.content) for item in messages if item.content]


def test_a_chat_is_started_answered_spoken_in_as_both_and_ended_on_a_phone(
    tab: Tab, local: LocalConnect
) -> None:
    start(tab, "<b>Ada</b>")
    tab.click("#choices button:nth-of-type(4)")
    tab.wait_for(f"{TRANSCRIPT}.includes('main reason')")
    speak(tab, "agent", "May I help?")
    speak(tab, "customer", "Service")
    tab.wait_for(f"{TRANSCRIPT}.includes('tell us more')")
    assert tab.run("document.documentElement.scrollWidth") <= 390
    assert tab.run("document.activeElement.id") == "text"
    tab.click("#leave button:nth-of-type(2)")
    tab.wait_for_text("This chat is over")

    spoken = [it for it in said(local) if it[0] != "SYSTEM"]
    assert spoken == [("CUSTOMER", "4"), ("AGENT", "May I help?"), ("CUSTOMER", "Service")]
    assert local.contacts[0].display_name == "<b>Ada</b>"
    assert local.contacts[0].disconnect_reason == "AGENT_DISCONNECT"
    assert tab.told == []
    assert all(url.startswith((local.endpoint_url, "data:")) for _, url in tab.requested)


def test_what_is_said_elsewhere_comes_by_itself_and_leaves_what_is_being_typed(
    tab: Tab, local: LocalConnect
) -> None:
    start(tab)
    tab.run("document.getElementById('text').focus()")
    tab.type("half a sen")
    chat = next(iter(local._backend.chats.values()))
    with local._lock:
        chat.say(chat.customer, "from my phone")
    tab.wait_for(f"{TRANSCRIPT}.includes('from my phone')")
    tab.type("tence")

    assert tab.run("document.getElementById('text').value") == "half a sentence"


def test_a_keyboard_alone_speaks(tab: Tab, local: LocalConnect) -> None:
    start(tab)
    tab.run("document.getElementById('as-customer').focus()")
    tab.press("Tab")
    tab.type("5")
    tab.press("Enter")
    tab.wait_for(f"{TRANSCRIPT}.includes('main reason')")

    assert ("CUSTOMER", "5") in said(local)


def test_what_was_refused_is_told_and_stays_typed(tab: Tab, local: LocalConnect) -> None:
    start(tab)
    tab.run("document.getElementById('text').removeAttribute('maxlength')")
    tab.run(f"document.getElementById('text').value = {'x' * 1025!r}")
    tab.click("#speak button")
    tab.wait_for("document.querySelector('[role=alert]')")

    assert "1024" in tab.run("document.querySelector('[role=alert]').textContent")
    assert tab.run("document.getElementById('text').value.length") == 1025
    assert said(local)[-1][0] == "SYSTEM"


def test_when_nobody_answers_any_more_it_says_so_and_comes_back(
    tab: Tab, local: LocalConnect
) -> None:
    local.stop()
    tab.wait_for_text("does not answer; trying again")
    local.start()
    tab.wait_for("!document.body.innerText.includes('does not answer')")
