"""The page of an invitation in a browser, before a local Amazon Connect: as people use it."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.emulator.flows.steps import End
from connect_tasks.invitations.page import InvitationPage
from tests.browser import Tab, browser, needs_chromium
from tests.contract.page_world import AGENT, INTERACTIVE, RESPONSE, PageWorld, page_world

pytestmark = [needs_chromium, pytest.mark.long, pytest.mark.timeout(120)]

BUSY: dict[str, Any] = {"error": {"code": "busy", "message": "A moment please."}}
OPEN = "!document.getElementById('chat').hidden"
BUBBLES = "[...document.querySelectorAll('.bubble')].map((it) => it.textContent)"
CHOICES = [{"title": "Very good"}, {"title": "Good", "subtitle": "Mostly"}, {"title": "Bad"}]

Another = Callable[[], Tab]


def on_local(**settings: object) -> pytest.MarkDecorator:
    """A test on a local Amazon Connect with these settings."""
    return pytest.mark.parametrize("local", [settings], indirect=True, ids=["local"])


@pytest.fixture(scope="module", name="chromium")
def _chromium() -> Iterator[Another]:
    with browser() as another:
        yield another


@pytest.fixture(name="another")
def _another(chromium: Another) -> Iterator[Another]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(chromium()))


@pytest.fixture(name="local")
def _local(request: pytest.FixtureRequest) -> Iterator[LocalConnect]:
    settings = {"flow": "silent", **getattr(request, "param", {})}
    with LocalConnect(quotas=LocalQuotas.unlimited(), **settings) as local:
        yield local


@pytest.fixture(name="world")
def _world(local: LocalConnect) -> Iterator[PageWorld]:
    with page_world(local, greeting=0.1, first_pause=0.1, answer=1) as world:
        yield world


@pytest.fixture(name="tab")
def _tab(another: Another) -> Tab:
    return another()


def join(tab: Tab, world: PageWorld) -> Tab:
    """Open the link, press the button, and be in the chat."""
    tab.open(world.link())
    tab.click("#start")
    tab.wait_for(OPEN)
    return tab


def write(tab: Tab, text: str) -> None:
    tab.run("document.getElementById('text').focus()")
    tab.type(text)
    tab.press("Enter")


def bubbles(tab: Tab) -> list[str]:
    read: list[str] = tab.run(BUBBLES)
    return read


def customer(world: PageWorld) -> list[str]:
    return [text for role, text in world.said if role == "CUSTOMER"]


def until_said(tab: Tab, world: PageWorld, *texts: str) -> None:
    tab.wait_until(lambda: len(customer(world)) >= len(texts), f"{texts} said")
    assert customer(world) == list(texts)


def send_frame(world: PageWorld, **members: object) -> None:
    """Let a frame arrive that the local Amazon Connect has no flow for."""
    item = {"AbsoluteTime": "2099-01-01T00:00:00.000Z", "ParticipantRole": "AGENT", **members}
    frame = {"topic": "aws/chat", "contentType": "application/json", "content": json.dumps(item)}
    with world.local._lock:
        for listener in list(world.chat.listeners.values()):
            listener(json.dumps(frame))


# --- before and at the press ---


def test_a_page_that_is_only_opened_starts_nothing_and_asks_for_nothing(
    tab: Tab, world: PageWorld
) -> None:
    tab.open(world.link())
    tab.run("new Promise((resolve) => setTimeout(resolve, 300))")

    assert tab.requested == [("GET", world.link())]
    assert world.posts == []
    assert "Start the conversation" in tab.text
    assert tab.told == []


def test_without_scripts_the_page_says_what_it_needs_and_shows_no_button(
    tab: Tab, world: PageWorld
) -> None:
    tab.command("Emulation.setScriptExecutionDisabled", value=True)
    tab.command("Page.navigate", url=world.link())
    root = tab.wait_until(lambda: _text_without_scripts(tab, "noscript"))

    assert "needs JavaScript" in root
    assert world.posts == []


def _text_without_scripts(tab: Tab, selector: str) -> str:
    try:
        document = tab.command("DOM.getDocument")["root"]["nodeId"]
        found = tab.command("DOM.querySelector", nodeId=document, selector=selector)["nodeId"]
        return str(tab.command("DOM.getOuterHTML", nodeId=found)["outerHTML"])
    except RuntimeError:
        # It is not there yet.
        return ""


def test_the_press_asks_the_same_link_and_the_address_forgets_it(
    tab: Tab, world: PageWorld, local: LocalConnect
) -> None:
    join(tab, world)

    assert world.posts == ["/i/Zm9vYmFyYmF6cXV4cXV1eA"]
    assert tab.run("location.pathname") == "/i/chat"
    ours = (world.url, local.endpoint_url, local.endpoint_url.replace("http", "ws"))
    assert [url for _, url in tab.requested if not url.startswith((*ours, "data:"))] == []
    assert tab.told == []


def test_two_presses_at_once_are_one(tab: Tab, world: PageWorld) -> None:
    tab.open(world.link())
    tab.run("(() => { const it = document.getElementById('start'); it.click(); it.click(); })()")
    tab.wait_for(OPEN)

    assert len(world.posts) == 1


def test_a_keyboard_alone_starts_and_answers(tab: Tab, world: PageWorld) -> None:
    tab.open(world.link())
    tab.press("Tab")
    tab.press("Enter")
    tab.wait_for(OPEN)
    tab.type("Hello")
    tab.press("Enter")

    until_said(tab, world, "Hello")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"error": {"code": "not_valid", "message": "…"}}, "This link is not valid"),
        ({"error": {"code": "over", "message": "…"}}, "This conversation is over"),
        ({}, "This link is not valid"),
    ],
)
def test_a_dead_link_is_told_and_never_asked_again(
    tab: Tab, world: PageWorld, body: dict[str, Any], text: str
) -> None:
    world.answers.append((410, body, {}))
    tab.open(world.link())
    tab.click("#start")
    tab.wait_for_text(text)

    assert len(world.posts) == 1
    tab.reload()
    assert len(world.posts) == 1


def test_where_there_is_no_place_the_page_says_a_moment_please_and_comes_in_by_itself(
    tab: Tab, world: PageWorld
) -> None:
    for status in (503, 429, 502):
        world.answers.append((status, BUSY, {}))
    tab.open(world.link())
    tab.click("#start")
    tab.wait_for_text("A moment, please")
    tab.wait_for(OPEN)

    assert len(world.posts) == 4


def test_a_crowd_that_was_told_one_time_comes_back_spread_over_as_much_again(
    tab: Tab, world: PageWorld
) -> None:
    world.answers.extend([(503, BUSY, {"Retry-After": "7"})] * 40)
    tab.open(world.link())
    tab.run(
        "(() => { window.pauses = []; const real = window.setTimeout;"
        " window.setTimeout = (act, length, ...more) => {"
        " if (length > 6000 && length !== 10000) { window.pauses.push(length); length = 1; }"
        " return real(act, length, ...more); }; })()"
    )
    tab.click("#start")
    tab.wait_until(lambda: len(world.posts) == 41)

    # The time that a socket has to open is among the others.
    pauses = [pause for pause in tab.run("window.pauses") if pause < 20000]
    assert min(pauses) >= 7000
    assert max(pauses) <= 14000
    assert len(set(pauses)) > 30


def test_a_reload_while_waiting_goes_on_asking_for_the_same_link(
    tab: Tab, world: PageWorld
) -> None:
    world.answers.append((503, BUSY, {"Retry-After": "100"}))
    tab.open(world.link())
    tab.click("#start")
    tab.wait_for_text("A moment, please")
    tab.reload()
    tab.wait_for(OPEN)

    assert len(set(world.posts)) == 1
    assert len(world.posts) == 2


def test_the_address_without_its_token_opens_nothing_in_another_tab(
    tab: Tab, world: PageWorld
) -> None:
    tab.open(f"{world.url}/i/chat")
    tab.wait_for_text("Please open your link again")

    assert world.posts == []


# --- saying and hearing ---


@on_local(flow="echo")
def test_what_is_said_and_heard_stands_in_its_order(tab: Tab, world: PageWorld) -> None:
    world.request = {
        "InitialMessage": {"Content": "I have a question", "ContentType": "text/plain"}
    }
    join(tab, world)
    write(tab, "One")
    tab.wait_for(f"{BUBBLES}.filter((it) => it === 'One').length === 2")
    write(tab, "שלום 👩‍👩‍👧 two")
    tab.wait_for(f"{BUBBLES}.length === 6")

    greeting = "Hello Ann, I repeat whatever you say."
    two = "שלום 👩‍👩‍👧 two"
    assert bubbles(tab) == ["I have a question", greeting, "One", "One", two, two]
    mine = tab.run("[...document.querySelectorAll('.mine > .bubble')].map((it) => it.textContent)")
    assert mine == ["I have a question", "One", two]


@on_local(
    flow="echo",
    faults=[
        Fault(operation="SendMessage", kind=FaultKind.CUT_AFTER, nth=1),
        Fault(operation="SendMessage", kind=FaultKind.ERROR_AFTER, nth=2),
        Fault.throttle("SendMessage", nth=3),
        Fault(operation="SendMessage", kind=FaultKind.CUT_BEFORE, nth=4),
        Fault(operation="SendMessage", kind=FaultKind.TRUNCATED, nth=5),
    ],
)
def test_a_message_whose_sending_fails_in_every_way_is_said_once(
    tab: Tab, world: PageWorld
) -> None:
    join(tab, world)
    write(tab, "One")
    write(tab, "Two")
    tab.wait_for(f"{BUBBLES}.length === 5")

    assert customer(world) == ["One", "Two"]
    assert sorted(bubbles(tab)[1:]) == ["One", "One", "Two", "Two"]
    assert tab.run("document.querySelectorAll('.told, .failed').length") == 0


@on_local(flow="echo", think_seconds=(0.7, 0.7))
def test_what_is_said_before_a_flow_has_greeted_waits_until_it_has(
    another: Another, local: LocalConnect
) -> None:
    with page_world(local, greeting=30) as world:
        tab = join(another(), world)
        write(tab, "Hi")
        tab.wait_for(f"{BUBBLES}.length === 3")

        assert bubbles(tab) == ["Hello Ann, I repeat whatever you say.", "Hi", "Hi"]


def test_a_message_is_there_before_amazon_has_it(tab: Tab, world: PageWorld) -> None:
    join(tab, world)
    with world.local._lock:
        write(tab, "Hello")
        tab.wait_for_text("Sending …")
        assert bubbles(tab) == ["Hello"]

    tab.wait_for("document.querySelectorAll('.told').length === 0")
    assert bubbles(tab) == ["Hello"]


@on_local(
    faults=[
        Fault(
            operation="SendMessage",
            kind=FaultKind.ERROR_BEFORE,
            status=400,
            code="ValidationException",
            nth=1,
        )
    ]
)
def test_a_message_that_amazon_refuses_is_told_and_does_not_hold_up_the_next(
    tab: Tab, world: PageWorld
) -> None:
    join(tab, world)
    write(tab, "Bad")
    tab.wait_for_text("Not sent")
    write(tab, "Good")

    until_said(tab, world, "Good")
    assert bubbles(tab) == ["Bad", "Good"]


def test_a_message_has_up_to_1024_characters_which_is_told_while_one_writes(
    tab: Tab, world: PageWorld
) -> None:
    join(tab, world)
    send = "document.getElementById('send').getAttribute('aria-disabled')"
    assert tab.run(send) == "true"
    write(tab, "x" * 1025)
    tab.wait_for_text("1 characters too many")
    assert tab.run(send) == "true"
    assert customer(world) == []
    assert tab.run("document.getElementById('told').textContent") != ""

    tab.run("document.getElementById('text').value = ''")
    write(tab, "👍" * 512)
    until_said(tab, world, "👍" * 512)


def test_enter_that_ends_the_choice_of_a_character_sends_nothing(
    tab: Tab, world: PageWorld
) -> None:
    join(tab, world)
    tab.type("かな")
    tab.run(
        "document.getElementById('text').dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    )
    tab.press("Enter", shift=True)
    tab.type("!")
    tab.press("Enter")

    tab.wait_until(lambda: customer(world))
    assert customer(world)[0].replace("\r", "") in ("かな\n!", "かな!")
    assert len(customer(world)) == 1


def test_what_others_write_never_becomes_markup(tab: Tab, world: PageWorld) -> None:
    join(tab, world)
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script> **bold** [x](javascript:alert(3))"
    world.say(evil, "text/markdown")
    world.say(evil, speaker=type(AGENT)("AGENT", "<b>Alex</b>"))
    world.ask(
        "ListPicker",
        title=evil,
        elements=[
            {"title": "<i>a</i>"},
            {"title": "b", "type": "hyperlink", "url": "javascript:alert(4)"},
            {"title": "c", "imageType": "URL", "imageData": "https://elsewhere.example/x.png"},
        ],
    )
    tab.wait_for("document.querySelector('.option')")

    assert bubbles(tab) == [evil, evil]
    assert tab.run("document.querySelectorAll('#list :is(img, script, b, i)').length") == 0
    assert tab.run("document.querySelectorAll('#list a').length") == 0
    assert tab.told == []


def test_web_addresses_are_links_that_tell_the_other_site_nothing(
    tab: Tab, world: PageWorld
) -> None:
    join(tab, world)
    world.say("See https://example.com/a?b=c, (http://example.org) and ftp://example.net.")
    tab.wait_for("document.querySelector('.bubble a')")

    links = tab.run("[...document.querySelectorAll('.bubble a')].map((it) => [it.href, it.rel])")
    assert [href for href, _ in links] == ["https://example.com/a?b=c", "http://example.org/"]
    assert all("noreferrer" in rel and "noopener" in rel for _, rel in links)
    assert bubbles(tab) == [
        "See https://example.com/a?b=c, (http://example.org) and ftp://example.net."
    ]


def test_who_writes_joins_and_leaves_is_told_both_ways(tab: Tab, world: PageWorld) -> None:
    join(tab, world)
    world.signal("participant.joined")
    world.signal("typing")
    tab.wait_for_text("Alex is writing")
    world.say("Hello", speaker=AGENT)
    tab.wait_for("document.getElementById('writes').hidden")
    tab.type("H")
    tab.wait_until(lambda: world.local.calls["SendEvent"])
    tab.type("ello")
    world.signal("participant.left")
    tab.wait_for_text("Alex has left")

    assert "Alex has joined" in tab.text
    assert world.local.calls["SendEvent"] == 1


def test_files_are_named_and_pieces_of_a_message_grow_together(tab: Tab, world: PageWorld) -> None:
    join(tab, world)
    send_frame(world, Id="a-1", Type="ATTACHMENT", Attachments=[{"AttachmentName": "offer.pdf"}])
    for number, piece in enumerate(("Good ", "mor"), 1):
        metadata = {"MessageCompleted": False, "ChunkNumber": number}
        item = {"Id": "m-1", "Type": "MESSAGE", "ContentType": "text/plain"}
        send_frame(world, **item, Content=piece, MessageMetadata=metadata)
    tab.wait_for(f"{BUBBLES}.includes('Good mor')")
    done = {"MessageCompleted": True, "ChunkNumber": 3}
    send_frame(world, **item, Content="Good morning", MessageMetadata=done)
    tab.wait_for(f"{BUBBLES}.includes('Good morning')")

    assert bubbles(tab) == ["File: offer.pdf", "Good morning"]


# --- buttons ---


def test_a_list_is_answered_once_by_a_press_with_the_options_text(
    tab: Tab, world: PageWorld
) -> None:
    join(tab, world)
    world.ask("ListPicker", title="How was it?", subtitle="Tap", elements=CHOICES)
    tab.click(".option")
    until_said(tab, world, "Very good")
    tab.wait_for("document.querySelector('.chosen')")
    tab.run("document.querySelectorAll('.option').forEach((it) => it.click())")
    tab.run("new Promise((resolve) => setTimeout(resolve, 300))")

    assert customer(world) == ["Very good"]
    assert tab.run("document.querySelector('.chosen').innerText") == "Very good"


def test_who_answers_a_list_in_own_words_cannot_press_it_any_more(
    tab: Tab, world: PageWorld
) -> None:
    join(tab, world)
    world.ask("Panel", title="How was it?", elements=CHOICES)
    tab.wait_for("document.querySelectorAll('.option:not([aria-disabled])').length === 3")
    write(tab, "So so")

    until_said(tab, world, "So so")
    tab.wait_for("document.querySelectorAll('.option[aria-disabled]').length === 3")


def test_only_the_last_question_can_be_pressed(tab: Tab, world: PageWorld) -> None:
    join(tab, world)
    world.ask("ListPicker", title="One?", elements=CHOICES)
    world.ask("QuickReply", title="Two?", elements=[{"title": "Yes"}, {"title": "No"}])
    tab.wait_for("document.querySelectorAll('.chip').length === 2")

    live = "[...document.querySelectorAll('#list button:not([aria-disabled])')]"
    assert tab.run(f"{live}.map((it) => it.innerText)") == ["Yes", "No"]
    tab.click(".chip:nth-child(2)")
    until_said(tab, world, "No")


def test_a_list_that_is_leafed_through_asks_as_amazons_own_interface_does(
    tab: Tab, world: PageWorld
) -> None:
    join(tab, world)
    paging = {"referenceId": "r-1", "listId": "services", "preIndex": -1, "nextIndex": 1}
    more = {"title": "Show more", "actionDetail": "SHOW_MORE"}
    world.ask("ListPicker", title="Which?", **paging, elements=[{"title": "A"}, more])
    tab.click("li:nth-child(2) > .option")
    tab.wait_until(lambda: customer(world))

    assert json.loads(customer(world)[0]) == {
        "version": "1.0",
        "data": {
            "actionName": "SHOW_MORE",
            "preIndex": -1,
            "nextIndex": 1,
            "listId": "services",
            "templateType": "ListPicker",
            "referenceId": "r-1",
        },
        "action": "SHOW_MORE",
    }
    assert world.chat.items[-1].content_type == RESPONSE
    world.ask("ListPicker", title="Which?", **paging, elements=[{"title": "B"}])
    tab.wait_for("document.querySelectorAll('.entry:not([hidden]) .option').length === 1")
    assert "SHOW_MORE" not in tab.text
    tab.click(".entry:not([hidden]) .option")
    tab.wait_until(lambda: customer(world)[1:] == ["B"])


def test_a_carousel_and_a_choice_of_times_are_answered_as_amazons_own_interface_does(
    tab: Tab, world: PageWorld
) -> None:
    join(tab, world)
    inner = {"title": "Hotel", "elements": [{"title": "Book"}, {"title": "See"}]}
    part = {"templateType": "Panel", "templateIdentifier": "t-2", "data": {"content": inner}}
    world.ask("Carousel", title="Explore", elements=[part, part])
    tab.click(".row .option")
    tab.wait_until(lambda: customer(world))
    choice = {"templateIdentifier": "t-2", "listTitle": "Hotel", "selectionText": "Book"}
    assert json.loads(customer(world)[0]) == choice
    tab.wait_for(f"{BUBBLES}.includes('Hotel: Book')")

    slots = [{"date": "2027-03-01T10:00+00:00", "duration": 60}, {"date": "2027-02-28T23:45+00:00"}]
    world.ask("TimePicker", title="When?", timeslots=slots)
    tab.wait_for("document.querySelectorAll('.times .chip').length === 2")
    tab.run("[...document.querySelectorAll('.times .chip')][1].click()")
    tab.wait_until(lambda: customer(world)[1:] == ["2027-03-01T10:00+00:00"])

    world.ask("TimePicker", title="When there?", timeZoneOffset=-450, timeslots=slots)
    tab.wait_for("document.querySelectorAll('.times .chip').length === 4")
    tab.run("[...document.querySelectorAll('.times .chip')][3].click()")
    tab.wait_until(lambda: customer(world)[2:] == ["2027-03-01T02:30:00.00+00:00"])


@pytest.mark.parametrize(
    "content",
    [
        "no JSON",
        "null",
        "[]",
        "3",
        "{}",
        '{"templateType": "ListPicker"}',
        '{"templateType": "ListPicker", "data": null}',
        '{"templateType": "ListPicker", "data": {"content": {"title": 3, "elements": {"a": 1}}}}',
        '{"templateType": "QuickReply", "data": {"content": {"elements": [null, 3, {}, []]}}}',
        '{"templateType": "Carousel", "data": {"content": {"elements": [null, {"data": 3}]}}}',
        '{"templateType": "TimePicker", "data": {"content": {"timeslots": [{"date": "soon"}, 1]}}}',
        '{"templateType": "ViewResource", "data": {"content": {"title": "A form"}}}',
        '{"templateType": "__proto__", "data": {"content": {"title": "x"}}}',
    ],
)
def test_a_question_of_any_shape_leaves_the_chat_alive(
    tab: Tab, world: PageWorld, content: str
) -> None:
    join(tab, world)
    world.say(content, INTERACTIVE)
    world.say("And now?")
    tab.wait_for(f"{BUBBLES}.includes('And now?')")
    write(tab, "Fine")

    until_said(tab, world, "Fine")
    assert tab.told == []


def test_pictures_come_only_from_where_the_owner_allows_them(
    another: Another, local: LocalConnect
) -> None:
    elements = [
        {"title": "A", "imageType": "URL", "imageData": f"{local.endpoint_url}/a.png"},
        {"title": "B", "imageType": "URL", "imageData": "http://127.0.0.1:9/b.png"},
    ]
    page = InvitationPage(images_from=[local.endpoint_url])
    with page_world(local, page) as world:
        tab = join(another(), world)
        world.ask("ListPicker", title="Which?", elements=elements)
        tab.wait_until(
            lambda: ("GET", f"{local.endpoint_url}/a.png") in tab.requested or tab.text == ""
        )

        assert "http://127.0.0.1:9/b.png" not in [url for _, url in tab.requested]


# --- trouble with the connection ---


def test_after_a_dropped_connection_nothing_is_missing_and_nothing_twice(
    tab: Tab, world: PageWorld
) -> None:
    join(tab, world)
    world.say("One")
    tab.wait_for(f"{BUBBLES}.length === 1")
    with world.local._lock:
        world.drop()
        tab.wait_for_text("The connection was lost")
        world.chat.say(AGENT, "Two")
    write(tab, "Three")
    until_said(tab, world, "Three")
    tab.wait_for_text("Connected again")
    world.say("Four")
    tab.wait_for(f"{BUBBLES}.length === 4")

    assert bubbles(tab) == ["One", "Two", "Three", "Four"]


@on_local(
    flow="echo",
    faults=[
        Fault(operation="ChatFrame", kind=FaultKind.SOCKET_DROP, every=5),
        Fault(operation="ChatFrame", kind=FaultKind.FRAME_DUPLICATED, every=3),
        Fault(operation="ChatFrame", kind=FaultKind.FRAME_SWAPPED, every=4),
        Fault.throttle("CreateParticipantConnection", every=2),
        Fault(operation="GetTranscript", kind=FaultKind.CUT_BEFORE, every=3),
    ],
)
def test_under_a_storm_all_is_there_once_and_in_order(tab: Tab, world: PageWorld) -> None:
    join(tab, world)
    for number in range(12):
        write(tab, f"No. {number}")
    tab.wait_until(lambda: len(customer(world)) == 12, seconds=60)
    tab.wait_for(f"{BUBBLES}.length === 25", 60)

    assert bubbles(tab) == [text for _, text in world.said]


@on_local(faults=[Fault(operation="ChatFrame", kind=FaultKind.SOCKET_SILENT, nth=2)])
def test_a_socket_that_falls_silent_is_replaced(another: Another, local: LocalConnect) -> None:
    with page_world(local, heartbeat=0.4, first_pause=0.1) as world:
        tab = join(another(), world)
        for text in ("One", "Two", "Three"):
            world.say(text)
        tab.wait_for(f"{BUBBLES}.length === 3")

        assert bubbles(tab) == ["One", "Two", "Three"]


@on_local(flow="echo", faults=[Fault(operation="ChatFrame", kind=FaultKind.FRAME_LOST, share=1.0)])
def test_a_socket_that_is_deaf_is_noticed_by_ones_own_echo(
    another: Another, local: LocalConnect
) -> None:
    with page_world(local, echo=0.3, greeting=0.1) as world:
        tab = join(another(), world)
        write(tab, "Hello")
        tab.wait_for(f"{BUBBLES}.length === 3")


@on_local(flow="echo", faults=[Fault(operation="ChatFrame", kind=FaultKind.FRAME_LOST, nth=4)])
def test_an_answer_that_is_lost_on_its_way_is_asked_for(tab: Tab, world: PageWorld) -> None:
    join(tab, world)
    write(tab, "Hello")
    tab.wait_for(f"{BUBBLES}.length === 3")

    assert world.local.injected["ChatFrame", "frame_lost"] == 1


def test_the_connection_is_renewed_before_it_runs_out_without_a_gap(
    another: Another, local: LocalConnect
) -> None:
    with page_world(local, renew=0.4, greeting=0.1) as world:
        tab = join(another(), world)
        for number in range(15):
            world.say(f"No. {number}")
            tab.run("new Promise((resolve) => setTimeout(resolve, 100))")
        tab.wait_until(lambda: local.calls["CreateParticipantConnection"] >= 3)
        tab.wait_for(f"{BUBBLES}.length === 15")

        assert bubbles(tab) == [f"No. {number}" for number in range(15)]
        assert "lost" not in tab.text
        tab.wait_until(lambda: len(world.chat.sockets) <= 2)


def test_a_clock_that_is_wrong_renews_nothing_too_early(another: Another, world: PageWorld) -> None:
    tab = another()
    shift = "{ const now = Date.now; Date.now = () => now() + 3590000; }"
    tab.command("Page.addScriptToEvaluateOnNewDocument", source=shift)
    join(tab, world)
    tab.run("new Promise((resolve) => setTimeout(resolve, 600))")

    assert world.local.calls["CreateParticipantConnection"] == 1


def test_a_browser_that_keeps_nothing_chats_all_the_same(
    another: Another, world: PageWorld
) -> None:
    tab = another()
    forbid = "Object.defineProperty(window, 'sessionStorage', { get() { throw new Error('no'); } })"
    tab.command("Page.addScriptToEvaluateOnNewDocument", source=forbid)
    join(tab, world)
    write(tab, "Hello")

    until_said(tab, world, "Hello")


def test_a_second_tab_hears_and_says_the_same(another: Another, world: PageWorld) -> None:
    one, two = join(another(), world), join(another(), world)
    write(one, "From one")
    write(two, "From two")
    for tab in (one, two):
        tab.wait_for(f"{BUBBLES}.length === 2")

    assert bubbles(one) == bubbles(two) == ["From one", "From two"]
    assert len(world.local.contacts) == 1


@on_local(
    faults=[
        Fault.throttle("SendMessage", nth=1),
        Fault(operation="SendMessage", kind=FaultKind.DELAY, nth=2, seconds=0.5),
    ]
)
def test_the_same_words_from_another_tab_are_not_taken_for_ones_own(
    another: Another, local: LocalConnect
) -> None:
    with page_world(local, greeting=0.1, first_pause=1.5) as world:
        tab = join(another(), world)
        write(tab, "Same")
        tab.wait_for_text("Not sent yet")
        world.say("Same", speaker=world.chat.customer)
        until_said(tab, world, "Same", "Same")
        tab.run("new Promise((resolve) => setTimeout(resolve, 1000))")

        assert bubbles(tab) == ["Same", "Same"]


# --- reload, and the end ---


@on_local(faults=[Fault.throttle("SendMessage", nth=3), Fault.throttle("SendMessage", nth=4)])
def test_the_same_words_said_twice_are_there_twice_though_a_reload_came_between(
    another: Another, local: LocalConnect
) -> None:
    with page_world(local, greeting=0.1, first_pause=2) as world:
        tab = join(another(), world)
        write(tab, "Yes")
        write(tab, "Really")
        until_said(tab, world, "Yes", "Really")
        write(tab, "Yes")
        tab.wait_for_text("Not sent yet")
        tab.reload()
        until_said(tab, world, "Yes", "Really", "Yes")
        tab.wait_for(f"{BUBBLES}.length === 3")

        assert bubbles(tab) == ["Yes", "Really", "Yes"]


def test_a_reload_goes_on_with_what_was_said_and_starts_nothing(tab: Tab, world: PageWorld) -> None:
    join(tab, world)
    world.ask("QuickReply", title="Well?", elements=[{"title": "Yes"}, {"title": "No"}])
    tab.click(".chip")
    until_said(tab, world, "Yes")
    tab.reload()
    tab.wait_for(OPEN)
    tab.wait_for(f"{BUBBLES}.length === 2")

    assert len(world.posts) == 1
    assert tab.run("document.querySelector('.chosen').innerText") == "Yes"
    write(tab, "More")
    until_said(tab, world, "Yes", "More")


def test_the_link_opened_again_in_the_same_tab_goes_on_as_well(tab: Tab, world: PageWorld) -> None:
    join(tab, world)
    world.say("One")
    tab.wait_for(f"{BUBBLES}.length === 1")
    tab.open(world.link())
    tab.wait_for(f"{BUBBLES}.length === 1")

    assert len(world.posts) == 1


def test_another_link_in_the_same_tab_begins_with_its_button(tab: Tab, world: PageWorld) -> None:
    join(tab, world)
    tab.open(world.link("QW5vdGhlclRva2VuSGVyZQ"))
    tab.wait_for("!document.getElementById('start').hidden")

    assert len(world.posts) == 1


@on_local(faults=[Fault.throttle("SendMessage", nth=1), Fault.throttle("SendMessage", nth=2)])
def test_what_was_not_sent_yet_survives_a_reload_and_is_said_once(
    another: Another, local: LocalConnect
) -> None:
    with page_world(local, greeting=0.1, first_pause=3) as world:
        tab = join(another(), world)
        write(tab, "Keep me")
        tab.wait_for_text("Not sent yet")
        tab.reload()
        until_said(tab, world, "Keep me")
        tab.wait_for("document.querySelectorAll('.told').length === 0")

        assert bubbles(tab) == ["Keep me"]


def test_a_reload_reads_the_last_words_to_a_screen_reader_only(tab: Tab, world: PageWorld) -> None:
    join(tab, world)
    for text in ("One", "Two", "Three"):
        world.say(text)
    tab.wait_for(f"{BUBBLES}.length === 3")
    tab.reload()
    tab.wait_for(OPEN)

    told = tab.run("document.getElementById('told').textContent")
    assert "Three" in told
    assert "One" not in told


@on_local(flow="survey")
def test_the_end_is_told_and_stays_told_and_what_was_said_can_be_read(
    tab: Tab, world: PageWorld
) -> None:
    join(tab, world)
    tab.wait_for(f"{BUBBLES}.length === 1")
    write(tab, "9")
    tab.wait_for_text("This conversation is over")

    tab.wait_for(f"{BUBBLES}.length === 3")
    assert tab.run("document.getElementById('composer').hidden")
    tab.reload()
    tab.wait_for_text("This conversation is over")
    assert len(world.posts) == 1
    assert "ParticipantToken" not in str(tab.run("JSON.stringify({ ...sessionStorage })"))


def test_a_chat_that_ended_while_one_was_away_is_over(tab: Tab, world: PageWorld) -> None:
    join(tab, world)
    with world.local._lock:
        world.drop()
        tab.wait_for_text("The connection was lost")
        world.local._backend.end(world.chat, End("API"))
    tab.wait_for_text("This conversation is over")

    assert len(world.posts) == 1


def test_a_reload_after_an_end_that_nobody_heard_asks_the_link_once_what_became_of_it(
    tab: Tab, world: PageWorld
) -> None:
    join(tab, world)
    tab.command("Page.navigate", url="about:blank")
    tab.wait_for("location.href === 'about:blank'")
    world.stop()
    world.answers.append((410, {"error": {"code": "over", "message": "…"}}, {}))
    tab.open(f"{world.url}/i/chat")
    tab.wait_for_text("This conversation is over")

    assert len(world.posts) == 2


def test_the_customer_can_end_it_after_being_asked(tab: Tab, world: PageWorld) -> None:
    join(tab, world)
    tab.click("#end")
    tab.press("Escape")
    tab.wait_for("!document.getElementById('sure').open")
    assert world.chat.is_open
    tab.click("#end")
    tab.click("#sure-yes")
    tab.wait_for_text("This conversation is over")

    assert world.chat.disconnect_reason == "CUSTOMER_DISCONNECT"


# --- for everybody ---


def _luminance(colour: str) -> float:
    parts = [float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, two: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


# The ground of each element that holds text of its own and can be seen.
_COLOURS = """[...document.querySelectorAll('body *')].filter((it) =>
    it.checkVisibility() && [...it.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
  .map((it) => { let on = it; const clear = 'rgba(0, 0, 0, 0)';
    while (on && getComputedStyle(on).backgroundColor === clear) on = on.parentElement;
    return [it.className || it.id || it.tagName, getComputedStyle(it).color,
            getComputedStyle(on || document.body).backgroundColor]; })"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(tab: Tab, world: PageWorld, scheme: str) -> None:
    tab.prefer(color_scheme=scheme)
    tab.open(world.link())
    welcome = tab.run(_COLOURS)
    tab.click("#start")
    tab.wait_for(OPEN)
    world.ask("ListPicker", title="How?", subtitle="Tap", elements=CHOICES)
    tab.click(".option")
    tab.wait_for("document.querySelector('.chosen')")
    world.ask("QuickReply", title="Well?", elements=[{"title": "Yes"}])
    world.signal("participant.joined")
    world.say("Hello https://example.com", speaker=AGENT)
    tab.wait_for("document.querySelector('.bubble a')")
    tab.type("x" * 1030)
    chat = tab.run(_COLOURS)

    low = [each for each in welcome + chat if _contrast(each[1], each[2]) < 4.5]
    assert low == []
    assert len(chat) > 12


def test_a_phone_sees_everything_without_scrolling_sideways(tab: Tab, world: PageWorld) -> None:
    tab.resize(320, 600, is_phone=True)
    join(tab, world)
    world.say("x" * 3000)
    world.ask("ListPicker", title="y" * 400, elements=[{"title": "z" * 400, "subtitle": "z" * 400}])
    world.ask("QuickReply", title="Well?", elements=[{"title": "w" * 200}, {"title": "No"}])
    tab.wait_for("document.querySelector('.chip')")

    wide = "document.documentElement.scrollWidth"
    assert tab.run(wide) <= 320
    log = "document.getElementById('log')"
    assert tab.run(f"{log}.scrollWidth <= {log}.clientWidth")
    small = tab.run(
        "[...document.querySelectorAll('button')].filter((it) => it.checkVisibility()"
        " && Math.min(it.offsetHeight, it.offsetWidth) < 44).map((it) => it.id)"
    )
    assert small == []


def test_a_screen_reader_is_told_who_says_what_and_what_everything_is(
    tab: Tab, world: PageWorld
) -> None:
    join(tab, world)
    world.say("Hello", speaker=AGENT)
    write(tab, "Hi")
    until_said(tab, world, "Hi")
    tab.wait_for(f"{BUBBLES}.length === 2")

    nodes = tab.command("Accessibility.getFullAXTree")["nodes"]
    named = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes}
    assert {("log", "Conversation"), ("textbox", "Your message"), ("button", "Send")} <= named
    assert {("button", "End"), ("heading", "We would like to hear from you")} <= named
    assert {("StaticText", "You:"), ("StaticText", "Alex:")} <= named, sorted(named)
    assert tab.run("document.getElementById('log').getAttribute('aria-live')") == "polite"
    assert not [role for role, name in named if role in ("button", "textbox", "log") and not name]


def test_nothing_moves_for_whom_movement_is_too_much(tab: Tab, world: PageWorld) -> None:
    tab.prefer(reduced_motion="reduce")
    join(tab, world)
    world.signal("typing")
    tab.wait_for_text("is writing")

    assert tab.run("document.getAnimations().length") == 0


def test_who_reads_back_is_left_there_and_told_of_what_is_new(tab: Tab, world: PageWorld) -> None:
    join(tab, world)
    for number in range(40):
        world.say(f"No. {number}")
    tab.wait_for(f"{BUBBLES}.length === 40")
    tab.wait_for("document.getElementById('log').scrollTop > 500")
    tab.run("document.getElementById('log').scrollTo({top: 0, behavior: 'instant'})")
    tab.run("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 100)))")
    world.say("The last")
    tab.wait_for("!document.getElementById('newer').hidden")

    assert tab.run("document.getElementById('log').scrollTop") == 0
    tab.click("#newer")
    tab.wait_for("document.getElementById('log').scrollTop > 500")


def test_a_language_from_right_to_left_turns_the_page_round(
    another: Another, local: LocalConnect
) -> None:
    texts = {**InvitationPage.shipped_texts("en"), "send": "إرسال", "title": "نود أن نسمع منك"}
    with page_world(local, InvitationPage("ar", texts), greeting=0.1) as world:
        tab = join(another(), world)
        write(tab, "مرحبا")
        until_said(tab, world, "مرحبا")

        assert tab.run("getComputedStyle(document.body).direction") == "rtl"
        box = "document.querySelector('.mine').getBoundingClientRect()"
        assert tab.run(f"{box}.left < innerWidth - {box}.right")
