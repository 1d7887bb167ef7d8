"""A chat's session on sockets that lose, reorder and break, each by a script of its own."""

import asyncio
import json
from typing import Any

import pytest

from connect_tasks.chat.dialogue import EndReason
from connect_tasks.chat.gaps import Gaps
from connect_tasks.chat.session import ChatSession
from connect_tasks.errors import ChatEndedError, ChatLostError, PermanentError, ServiceFaultError
from tests.functional.scripted_chat import Socket, end, frame, hold, item

FAULT = ServiceFaultError("no", operation="GetTranscript", code="InternalServerException")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChatSession, "RECONNECT_SECONDS", 0.02)
    monkeypatch.setattr(Gaps, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(Gaps, "ECHO_SECONDS", 0.1)
    monkeypatch.setattr(Gaps, "RETRY_SECONDS", 0.1)


# --- the end ---


async def ends_before_its_last_words(socket: Socket) -> None:
    await socket.subscribe()
    await socket.say(item(1), end(3), item(2))
    await socket.keep()


def test_what_the_end_has_overtaken_is_heard() -> None:
    held = hold(ends_before_its_last_words)

    assert (held.reason, held.complete) == (EndReason.CHAT_ENDED, None)
    assert sorted(held.heard) == ["item-1", "item-2", "item-3"]


def test_what_our_own_closing_has_overtaken_is_heard() -> None:
    async def late(socket: Socket) -> None:
        await socket.subscribe()
        await socket.say(item(1))
        await socket.chat.closed.wait()
        await asyncio.sleep(0.05)
        await socket.say(item(2))
        await socket.keep()

    held = hold(late)

    assert held.complete is True
    assert "item-2" in held.heard


def test_a_socket_that_breaks_right_behind_the_end_has_told_it() -> None:
    async def cut_behind(socket: Socket) -> None:
        await socket.subscribe()
        await socket.say(item(1), end(2))
        socket.cut()

    held = hold(cut_behind)

    assert (held.reason, held.complete) == (EndReason.CHAT_ENDED, None)
    assert held.calls["connect"] == 1


def test_a_socket_that_is_found_dead_while_the_end_is_stored_has_told_it() -> None:
    async def answers_no_heartbeat(socket: Socket) -> None:
        await socket.subscribe()
        await socket.say(item(1), end(2))
        await asyncio.sleep(5)

    held = hold(answers_no_heartbeat, storing_seconds=0.3, beat_seconds=0.25)

    assert (held.reason, held.complete) == (EndReason.CHAT_ENDED, None)


def test_a_socket_whose_answer_is_here_and_unread_is_not_taken_for_dead() -> None:
    async def answers(socket: Socket) -> None:
        await socket.subscribe()
        await socket.say(item(1))
        await socket.keep()

    held = hold(answers, storing_seconds=0.6, beat_seconds=0.5, reply_timeout_seconds=1)

    assert held.calls["connect"] == 1


# --- sockets that break ---


async def greets_and_breaks(socket: Socket) -> None:
    await socket.subscribe()
    await socket.say(item(1))
    socket.cut()


async def keeps(socket: Socket) -> None:
    await socket.subscribe()
    await socket.keep()


def test_what_was_said_between_two_sockets_is_read() -> None:
    async def back(socket: Socket) -> None:
        socket.chat.happen(item(2))
        await keeps(socket)

    held = hold(greets_and_breaks, back)

    assert held.complete is True
    assert held.heard[:2] == ["item-1", "item-2"]


def test_what_was_said_over_a_socket_that_broke_before_its_confirmation_is_read() -> None:
    async def begins_unheard(socket: Socket) -> None:
        await socket.wait_for_subscription()
        # The other side takes us for connected and greets; neither arrives.
        socket.chat.happen(item(1))
        socket.cut()

    held = hold(begins_unheard, keeps, messages=["Hello"], reply_timeout_seconds=1, checks=False)

    assert held.heard[0] == "item-1"
    assert held.said == ["Hello"]
    # As a chat that lives reads, and not as one that only looks, which gives up where many wait.
    assert held.calls["quiet read"] == 0


def test_a_chat_that_ends_before_the_gap_is_read_is_lost_although_its_end_was_heard() -> None:
    async def ends_at_once(socket: Socket) -> None:
        socket.chat.happen(item(2))
        await socket.subscribe()
        await socket.say(end(3))
        await socket.keep()

    held = hold(greets_and_breaks, ends_at_once)

    assert (held.reason, held.complete) == (EndReason.LOST, False)
    assert "broken socket" in held.missing
    assert "item-3" in held.heard


def test_a_chat_that_ends_while_nobody_is_connected_is_lost() -> None:
    async def ends_behind_us(socket: Socket) -> None:
        await socket.subscribe()
        await socket.say(item(1))
        socket.chat.happen(end(2))
        socket.cut()

    held = hold(ends_behind_us)

    assert (held.reason, held.complete) == (EndReason.LOST, False)
    assert held.missing


@pytest.mark.parametrize("error", [FAULT, PermanentError("no", code="ValidationException")])
def test_a_reading_that_fails_does_not_cost_the_chat(error: Exception) -> None:
    async def back(socket: Socket) -> None:
        socket.chat.happen(item(2))
        await socket.subscribe()
        await socket.say(item(3))
        await socket.keep()

    held = hold(
        greets_and_breaks, back, refuses_reading=dict.fromkeys(range(1, 9), error), checks=False
    )

    assert "item-3" in held.heard
    assert held.complete is False
    assert held.calls["close"] == 1


def test_a_gap_that_could_not_be_read_is_read_before_our_side_closes() -> None:
    async def back(socket: Socket) -> None:
        socket.chat.happen(item(2))
        await keeps(socket)

    held = hold(greets_and_breaks, back, refuses_reading={1: FAULT})

    assert "item-2" in held.heard
    assert held.complete is True


def test_without_what_was_said_before_us_nothing_is_said_twice() -> None:
    with pytest.raises(ServiceFaultError):
        hold(keeps, messages=["Hello"], catch_up=True, refuses_reading={1: FAULT})


def test_a_socket_that_is_of_no_use_again_and_again_is_given_up() -> None:
    async def poisoned(socket: Socket) -> None:
        await socket.subscribe()
        # Larger than any frame may be: it ends the socket, each time.
        await socket.send("x" * 2_000_000)
        await socket.keep()

    with pytest.raises(ChatLostError):
        hold(poisoned, reconnects=3)


def test_a_socket_that_brings_something_new_each_time_is_opened_as_often_as_it_takes() -> None:
    numbers = iter(range(1, 100))

    async def one_each(socket: Socket) -> None:
        await socket.subscribe()
        number = next(numbers)
        await socket.say(item(number))
        if number < 9:
            await asyncio.sleep(0.02)
            socket.cut()
        await socket.keep()

    held = hold(one_each, reconnects=2)

    assert held.heard[:9] == [f"item-{n}" for n in range(1, 10)]
    assert held.complete is True


# --- frames that are odd ---

BAD_ITEMS: list[Any] = [
    item(50, AbsoluteTime="0001-01-01T00:00:00+23:59"),
    item(50, AbsoluteTime=5),
    item(50, Id="x" * 20_000),
    item(50, Id="\0"),
    item(50, Id=None),
    item(50, ContactId="theirs"),
    [item(50)],
    "text",
]
BAD_FRAMES: list[str | bytes] = [
    *map(frame, BAD_ITEMS),
    "{",
    "[" * 100_000 + "]" * 100_000,
    json.dumps({"topic": "aws/chat", "content": "[" * 100_000}),
    b"\xff\xfe",
    b"\x00",
    "9" * 5_000,
]


@pytest.mark.parametrize("bad", BAD_FRAMES, ids=lambda bad: repr(bad)[:40])
def test_an_odd_frame_is_counted_and_the_chat_goes_on(bad: str | bytes) -> None:
    async def odd(socket: Socket) -> None:
        await socket.subscribe()
        await socket.send(bad)
        await socket.say(item(1))
        await socket.chat.spoken.wait()
        await socket.say(item(200), end(201))
        await socket.keep()

    held = hold(odd, messages=["Hello"], reply_timeout_seconds=5)

    assert held.said == ["Hello"]
    assert held.odd == 1
    assert held.reason is EndReason.CHAT_ENDED
    assert [name for name in held.heard if name.startswith("item-")] == held.heard
    assert "item-50" not in held.heard


def test_what_could_not_be_read_is_looked_for_in_the_transcript() -> None:
    async def garbled(socket: Socket) -> None:
        await socket.subscribe()
        socket.chat.happen(item(1))
        await socket.send(frame(item(1))[:40])
        await socket.keep()

    held = hold(garbled, messages=["Hello"], reply_timeout_seconds=2)

    assert held.heard[0] == "item-1"
    assert held.said == ["Hello"]


def test_what_the_transcript_holds_unreadable_is_told_and_costs_nothing_else() -> None:
    async def odd_inside(socket: Socket) -> None:
        await socket.subscribe()
        socket.chat.happen(item(1, AbsoluteTime="0001-01-01T00:00:00+23:59"))
        await socket.say(item(2))
        await socket.keep()

    held = hold(odd_inside)

    assert held.heard[0] == "item-2"
    assert held.complete is False
    assert held.calls["close"] == 1


def test_another_contacts_item_is_not_heard_and_leaves_no_gap() -> None:
    async def theirs(socket: Socket) -> None:
        await socket.subscribe()
        await socket.send(frame(item(5, ContactId="theirs", InitialContactId="theirs")))
        await socket.say(item(1))
        await socket.keep()

    held = hold(theirs)

    assert "item-5" not in held.heard
    assert (held.odd, held.complete) == (1, True)


def test_for_another_contacts_item_the_transcript_is_not_read() -> None:
    async def theirs(socket: Socket) -> None:
        await socket.subscribe()
        await socket.say(item(1))
        await socket.send(frame(item(5, ContactId="theirs")))
        await socket.say(end(6))
        await socket.keep()

    held = hold(theirs, reply_timeout_seconds=5)

    assert (held.odd, held.complete, held.calls["read"]) == (1, None, 0)


def test_another_contacts_end_ends_nothing() -> None:
    async def theirs(socket: Socket) -> None:
        await socket.subscribe()
        await socket.say(item(1))
        await socket.send(frame(end(2) | {"ContactId": "theirs"}))
        await socket.keep()

    held = hold(theirs, messages=["Hello"])

    assert held.said == ["Hello"]
    assert held.reason is not EndReason.CHAT_ENDED


def test_an_id_that_comes_again_with_other_content_is_the_first() -> None:
    async def twice(socket: Socket) -> None:
        await socket.subscribe()
        await socket.say(item(1))
        await socket.send(frame(item(1, "something else")))
        await socket.keep()

    held = hold(twice)

    assert held.heard.count("item-1") == 1


# --- frames that never came ---


def test_an_answer_that_was_lost_is_found_while_the_chat_is_quiet() -> None:
    async def loses_the_greeting(socket: Socket) -> None:
        await socket.subscribe()
        await socket.say(item(1, Type="EVENT"))
        socket.chat.happen(item(2))
        await socket.chat.spoken.wait()
        await socket.say(end(300))
        await socket.keep()

    held = hold(loses_the_greeting, messages=["Hello"], reply_timeout_seconds=5)

    assert "item-2" in held.heard
    assert held.said == ["Hello"]
    assert held.calls["quiet read"] == 1


def loses_the_third(socket: Socket) -> Any:
    async def script() -> None:
        await socket.subscribe()
        await socket.say(item(1))
        await socket.chat.spoken.wait()
        socket.chat.spoken.clear()
        socket.chat.happen(item(150))
        await socket.say(item(151))
        await socket.chat.spoken.wait()
        await socket.say(item(250), end(251))
        await socket.keep()

    return script()


def test_before_our_last_message_the_transcript_is_read_once() -> None:
    held = hold(loses_the_third, messages=["one", "two"], reply_timeout_seconds=5)

    assert "item-150" in held.heard
    assert held.calls["read"] == 1


def test_switched_off_nothing_is_read_before_the_other_side_ends_the_chat() -> None:
    held = hold(loses_the_third, messages=["one", "two"], reply_timeout_seconds=5, checks=False)

    assert held.calls["read"] == 0
    assert "item-150" not in held.heard
    assert held.complete is None


def test_a_message_of_ours_that_never_came_back_makes_the_chat_look() -> None:
    async def deaf(socket: Socket) -> None:
        await socket.subscribe()
        await socket.say(item(1))
        await socket.chat.spoken.wait()
        await asyncio.sleep(0.6)
        await socket.say(item(200), end(201))
        await socket.keep()

    held = hold(deaf, messages=["Hello"], reply_timeout_seconds=5, echoes=False)

    assert "item-101" in held.heard
    assert held.complete is None


def test_a_chat_that_ends_before_our_message_came_back_is_not_told_as_whole() -> None:
    async def deaf(socket: Socket) -> None:
        await socket.subscribe()
        await socket.say(item(1))
        await socket.chat.spoken.wait()
        await socket.say(end(201))
        await socket.keep()

    held = hold(deaf, messages=["Hello"], reply_timeout_seconds=5, echoes=False)

    assert (held.reason, held.complete) == (EndReason.CHAT_ENDED, False)


def test_a_look_that_finds_the_chat_over_still_hears_what_its_socket_has_to_tell() -> None:
    async def ends_unseen(socket: Socket) -> None:
        await socket.subscribe()
        await socket.say(item(1))
        socket.chat.is_over = True
        await asyncio.sleep(0.4)
        await socket.say(end(2))
        await socket.keep()

    held = hold(ends_unseen, reply_timeout_seconds=5)

    assert (held.reason, held.heard) == (EndReason.CHAT_ENDED, ["item-1", "item-2"])


def test_a_look_that_fails_costs_nothing() -> None:
    async def slow(socket: Socket) -> None:
        await socket.subscribe()
        await socket.say(item(1))
        await asyncio.sleep(0.4)
        await socket.say(end(2))
        await socket.keep()

    held = hold(slow, reply_timeout_seconds=5, refuses_reading=dict.fromkeys(range(1, 9), FAULT))

    assert (held.reason, held.complete) == (EndReason.CHAT_ENDED, None)


def test_a_chat_that_ended_before_anything_could_be_read_is_lost() -> None:
    refused = ChatEndedError("Access denied", code="AccessDeniedException")

    held = hold(keeps, catch_up=True, refuses_reading={1: refused})

    assert (held.reason, held.complete) == (EndReason.LOST, False)


def test_a_chat_in_which_the_other_side_never_stops_is_closed_when_its_time_is_over() -> None:
    async def never_stops(socket: Socket) -> None:
        await socket.subscribe()
        for number in range(1, 1_000):
            if socket.chat.closed.is_set():
                break
            # Nothing of it over the socket: each reading finds more.
            socket.chat.happen(item(number))
            await asyncio.sleep(0.01)
        await socket.keep()

    held = hold(never_stops, max_seconds=0.5, storing_seconds=0.05, checks=False)

    assert held.reason is EndReason.TIME_LIMIT
    assert held.calls["close"] == 1
    assert 0 < len(held.heard) < 900
