"""What may be given as a hand-over, and what is refused before anything is planned."""

import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from pydantic import SecretStr

from connect_tasks.aws.models import StartChatContactResponse
from connect_tasks.campaign.hand_over.started_chat import StartedChat, check_alone, function_of
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.errors import InputError


def takes_a_chat(chat: StartedChat) -> None: ...


def takes_none() -> None: ...


def takes_two(chat: StartedChat, app: object) -> None: ...


def takes_one_more_by_name(chat: StartedChat, *, app: object = None) -> None: ...


def takes_a_needed_name(chat: StartedChat, *, app: object) -> None: ...


async def is_async(chat: StartedChat) -> None: ...


def yields(_: StartedChat) -> Iterator[None]:
    yield


async def yields_async(_: StartedChat) -> AsyncIterator[None]:
    yield


class App:
    def take(self, chat: StartedChat) -> None: ...

    async def take_async(self, chat: StartedChat) -> None: ...

    @staticmethod
    def take_static(chat: StartedChat) -> None: ...


class PlainCallable:
    def __call__(self, chat: StartedChat) -> None: ...


class AsyncCallable:
    async def __call__(self, chat: StartedChat) -> None: ...


class YieldingCallable:
    def __call__(self, _: StartedChat) -> Iterator[None]:
        yield


@pytest.mark.parametrize(
    "function",
    [
        takes_a_chat,
        takes_one_more_by_name,
        is_async,
        partial(takes_two, app=1),
        partial(is_async),
        App().take,
        App().take_async,
        App.take_static,
        PlainCallable(),
        AsyncCallable(),
        lambda _: None,
        print,
        [].append,
    ],
)
def test_whatever_can_be_called_with_one_chat_is_a_hand_over(function: Any) -> None:
    assert function_of(function) is function


@pytest.mark.parametrize(
    "function",
    [
        takes_none,
        takes_two,
        takes_a_needed_name,
        yields,
        yields_async,
        partial(yields),
        partial(partial(takes_two, app=1), 2),
        YieldingCallable(),
        App.take,
        3,
        {},
        object(),
    ],
)
def test_what_cannot_is_refused_in_one_sentence(function: Any) -> None:
    with pytest.raises(InputError, match=r"^The hand-over ") as refused:
        function_of(function)

    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("place", ["takes_a_chat", "App.take_static", "is_async"])
def test_a_function_is_found_where_it_is_said_to_be(place: str) -> None:
    found: Any = sys.modules[__name__]
    for part in place.split("."):
        found = getattr(found, part)

    assert function_of(f"{__name__}:{place}") is found
    assert function_of(f"  {__name__}:{place}\n") is found


@pytest.mark.parametrize(
    "place",
    [
        "",
        ":",
        "no_colon",
        "module.function",
        ":function",
        f"{__name__}:",
        f"{__name__}:no_such_function",
        f"{__name__}:App.no_such_method",
        f"{__name__}:takes_none",
        f"{__name__}:__name__",
        "no_such_package_anywhere:function",
        "no_such_package.anywhere:function",
        "not a module:function",
        ".relative:function",
        "a\x00b:function",
        "x" * 5_000 + ":function",
    ],
)
def test_a_place_with_no_such_function_is_refused_in_one_sentence(place: str) -> None:
    with pytest.raises(InputError, match=r"^The hand-over ") as refused:
        function_of(place)

    assert len(str(refused.value)) < 400
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("error", [ValueError("a secret"), SystemExit("a secret"), SyntaxError])
def test_a_module_that_fails_to_be_imported_is_refused_without_its_words(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_spec(name: str, *_: Any) -> None:
        if name == "fails_to_be_imported":
            raise error

    finder = ModuleType("finder")
    finder.find_spec = find_spec  # type: ignore[attr-defined]
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])

    with pytest.raises(InputError, match="cannot be imported") as refused:
        function_of("fails_to_be_imported:function")

    assert "a secret" not in str(refused.value)


def test_nobody_is_told_both_to_speak_for_customers_and_to_let_them_speak() -> None:
    check_alone(takes_a_chat, None)
    check_alone(None, Conversation())
    with pytest.raises(InputError, match="Leave one of the two out"):
        check_alone(takes_a_chat, Conversation())


def started_chat(**more: Any) -> StartedChat:
    values: dict[str, Any] = {
        "campaign": "renewals",
        "customer_id": "0042",
        "attributes": {"plan": "basic"},
        "contact_id": "c-1",
        "participant_id": "p-1",
        "participant_token": SecretStr("opens-the-chat"),
        "connect_by": datetime(2026, 11, 27, 12, 5, tzinfo=UTC),
        "response": StartChatContactResponse(
            contact_id="c-1", participant_token=SecretStr("opens-the-chat")
        ),
    }
    return StartedChat(**{**values, **more})


def test_a_chat_shows_its_token_only_to_who_asks_for_it() -> None:
    chat = started_chat()

    assert "opens-the-chat" not in f"{chat!r} {chat} {chat.response!r}"
    assert chat.start_chat_result() == {
        "ContactId": "c-1",
        "ParticipantId": "p-1",
        "ParticipantToken": "opens-the-chat",
    }
    with pytest.raises(AttributeError):
        chat.customer_id = "0043"  # type: ignore[misc]
