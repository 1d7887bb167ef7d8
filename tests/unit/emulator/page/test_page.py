"""The page without HTTP: which chats it lists, and what stands on it."""

import base64
import hashlib
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.flows.run.trace import TraceEntry
from connect_tasks.emulator.page.document import document, headers
from connect_tasks.emulator.page.forms import FormError, read_attributes
from connect_tasks.emulator.page.view import Asked, Draft, View, chosen, listed
from tests.unit.emulator.page.test_elements import Seen
from tests.unit.emulator.world import World

NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


def names(world: World, **query: str) -> list[str]:
    found, _ = listed(world.backend.chats, Asked.read(query))
    return [chat.display_name for chat in found]


def many(world: World, count: int) -> None:
    for number in range(count):
        person = {"DisplayName": f"Person {number}"}
        world.start("echo", ClientToken=str(number), ParticipantDetails=person)


def page(world: World, contact_id: str = "", **members: Any) -> str:
    view = View(
        asked=Asked(contact_id=contact_id),
        flows=world.backend.flow_ids,
        chosen=chosen(world.backend.chats, contact_id),
        **members,
    )
    return document(view).decode()


def test_the_latest_fifty_are_listed_and_that_there_are_more_is_said(world: World) -> None:
    many(world, 60)
    found, has_more = listed(world.backend.chats, Asked())

    assert [chat.display_name for chat in found] == [f"Person {59 - n}" for n in range(50)]
    assert has_more


def test_fifty_are_all_of_them(world: World) -> None:
    many(world, 50)

    assert not listed(world.backend.chats, Asked())[1]


@pytest.mark.parametrize(
    ("show", "expected"), [("open", ["Bob"]), ("ended", ["Ada"]), ("all", ["Bob", "Ada"])]
)
def test_open_ended_or_all_chats_are_listed(world: World, show: str, expected: list[str]) -> None:
    for name in ("Ada", "Bob"):
        world.start(ClientToken=name, ParticipantDetails={"DisplayName": name})
    world.stop(next(iter(world.backend.chats)))

    assert names(world, show=show) == expected


def test_a_search_looks_at_names_ids_and_flows_in_any_case(world: World) -> None:
    ada = world.start("echo", ParticipantDetails={"DisplayName": "Ada"}, ClientToken="1")
    bob = {"DisplayName": "Bob"}
    world.start("silent", ParticipantDetails=bob, ClientToken="2", CustomerId="0042")

    assert names(world, q="ADA") == ["Ada"]
    assert names(world, q=ada["ContactId"][:13]) == ["Ada"]
    assert names(world, q="0042") == ["Bob"]
    assert names(world, q="silent") == ["Bob"]
    assert names(world, q="nobody") == []


QUERIES = st.dictionaries(st.sampled_from(["contact", "q", "show", "as", "x"]), st.text(max_size=9))


@given(query=QUERIES)
def test_an_address_asks_for_what_was_read_from_it_and_leads_nowhere_else(
    query: dict[str, str],
) -> None:
    asked = Asked.read(query)
    address = asked.address()
    parts = urlsplit(address)

    assert Asked.read(dict(parse_qsl(parts.query))) == asked
    assert (parts.scheme, parts.netloc, parts.path) == ("", "", "/")


def test_whatever_customers_and_flows_say_stays_text(world: World) -> None:
    started = world.start(
        "echo",
        ParticipantDetails={"DisplayName": NASTY},
        Attributes={"note": NASTY},
        InitialMessage={"ContentType": "text/plain", "Content": NASTY},
    )
    world.connect(started)
    html = page(world, started["ContactId"], problem=NASTY, text=NASTY, draft=Draft(NASTY, NASTY))
    seen = Seen(html)

    assert [tag for tag, _ in seen.tags].count("script") == 1
    assert "img" not in [tag for tag, _ in seen.tags]
    assert seen.text.count(NASTY) >= 3


def test_no_element_has_a_style_or_handler_of_its_own_and_nothing_is_loaded(world: World) -> None:
    started = world.start("feedback")
    for tag, attributes in Seen(page(world, started["ContactId"])).tags:
        assert not {"style", "src"} & attributes.keys(), tag
        assert not any(name.startswith("on") for name in attributes), tag
        for name in ("href", "action"):
            assert (attributes.get(name) or "/").startswith(("/", "#", "data:,")), tag


def test_every_field_has_a_label(world: World) -> None:
    started = world.start("feedback")
    tags = Seen(page(world, started["ContactId"])).tags
    labelled = {attributes["for"] for tag, attributes in tags if tag == "label"}
    for tag, attributes in tags:
        if tag in ("input", "select", "textarea") and attributes.get("type") != "hidden":
            assert attributes.get("aria-label") or attributes["id"] in labelled, attributes


def test_ids_are_unique(world: World) -> None:
    many(world, 3)
    started = world.start("feedback", ClientToken="f")
    found, _ = listed(world.backend.chats, Asked())
    tags = Seen(page(world, started["ContactId"], chats=found)).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]

    assert len(ids) == len(set(ids))


def test_the_policy_allows_the_pages_own_script_and_style_alone(world: World) -> None:
    html = page(world)
    policy = headers()["Content-Security-Policy"]
    for tag in ("script", "style"):
        (code,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_an_open_chat_can_be_spoken_in_and_one_that_is_over_cannot(world: World) -> None:
    started = world.start("echo")
    before = page(world, started["ContactId"])
    world.stop(started["ContactId"])
    after = page(world, started["ContactId"])

    assert 'action="/_page/say"' in before
    assert "/_page/say" not in after
    assert "This chat is over" in after
    assert ">API<" in after


def test_what_an_interactive_message_offers_are_buttons_while_it_is_the_last(world: World) -> None:
    socket, token = world.join("feedback")
    contact_id = socket.items[0]["ContactId"]
    asked = page(world, contact_id)
    world.say(token, "4")
    world.say(token, "Service")

    assert re.findall(r'<button name="text" value="(\d)"', asked) == list("12345")
    assert 'name="text" value=' not in page(world, contact_id)


def test_a_long_transcript_shows_its_end_and_says_what_is_missing(world: World) -> None:
    socket, token = world.join("echo")
    for number in range(300):
        world.say(token, f"number {number}")
    text = Seen(page(world, socket.items[0]["ContactId"])).text

    # Who joined, and the greeting; then two for each.
    assert "102 earlier ones are not shown." in text
    assert re.findall(r"number \d+", text)[::2] == [f"number {n}" for n in range(50, 300)]


def test_a_contact_that_goes_on_as_another_leads_to_it_and_back(world: World) -> None:
    socket, token = world.join("feedback")
    for text in ("4", "Service", "You were kind."):
        world.say(token, text)
    first, second = world.backend.chats

    assert f'<a href="/?contact={second}">' in page(world, first)
    assert f'<a href="/?contact={first}">' in page(world, second)
    assert socket.is_in


def test_attributes_are_read_one_from_each_line() -> None:
    assert read_attributes("plan=basic\r\n\n note = a=b \nempty=\n") == {
        "plan": "basic",
        "note": "a=b",
        "empty": "",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plan", "line 1: write name=value"),
        ("a=1\n=2", "line 2: write name=value"),
        ("a=1\n\na=2", "line 3: 'a' was given before"),
    ],
)
def test_a_line_that_is_no_attribute_is_named(text: str, words: str) -> None:
    with pytest.raises(FormError, match=words):
        read_attributes(text)


def test_the_trace_of_a_flow_is_a_table_with_its_latest_actions(world: World) -> None:
    started = world.start("silent")
    chat = world.backend.chats[started["ContactId"]]
    chat.trace = [
        TraceEntry("help", f"a-{n}", "Compare", NASTY, "next", world.clock(), "why")
        for n in range(501)
    ]
    html = page(world, started["ContactId"])
    text = Seen(html).text

    assert re.findall(r'<tr id="t-(\d+)">', html) == [str(n) for n in range(2, 502)]
    assert "a-500" in text
    assert text.count(NASTY) == 500


def test_rows_of_a_trace_keep_their_numbers_when_its_middle_is_left_out(world: World) -> None:
    """What is on somebody's screen already has to stay the row that it is."""
    started = world.start("silent")
    chat = world.backend.chats[started["ContactId"]]
    entry = TraceEntry("help", "a", "Compare", "Success", "next", world.clock())
    chat.trace, chat.trace_left_out = [entry] * 600, 100

    rows = re.findall(r'<tr id="t-(\d+)">', page(world, started["ContactId"]))
    assert rows == [str(n) for n in range(201, 701)]
