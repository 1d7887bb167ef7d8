"""How the function of a hand-over is called: whatever it does, nobody else is held up by it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import pytest

from connect_tasks.campaign.hand_over.calls import HandOverCalls
from connect_tasks.campaign.hand_over.started_chat import StartedChat
from connect_tasks.errors import CampaignWideError
from tests.unit.campaign.hand_over.test_started_chat import started_chat

LONG = 30


def called(function: Any, chat: StartedChat | None = None) -> str | None:
    async def story() -> str | None:
        with HandOverCalls(function) as calls:
            return await calls.call(chat or started_chat())

    return asyncio.run(asyncio.wait_for(story(), LONG))


class Own(BaseException):
    pass


def raises(error: BaseException | type[BaseException]) -> Callable[[StartedChat], None]:
    def function(_: StartedChat) -> None:
        raise error

    return function


def raises_async(
    error: BaseException | type[BaseException],
) -> Callable[[StartedChat], Coroutine[Any, Any, None]]:
    async def function(_: StartedChat) -> None:
        await asyncio.sleep(0)
        raise error

    return function


ERRORS = [
    ValueError("a customer's data"),
    KeyboardInterrupt(),
    SystemExit(3),
    GeneratorExit(),
    asyncio.CancelledError(),
    StopIteration(1),
    StopAsyncIteration(),
    TimeoutError(),
    Own(),
    ExceptionGroup("many", [ValueError("a customer's data")]),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("make", [raises, raises_async])
def test_of_whatever_is_raised_the_class_is_told_and_nothing_else(
    make: Callable[[BaseException], Any], error: BaseException
) -> None:
    told = called(make(error))

    # Python itself turns the one that would end a coroutine into another error.
    stops = isinstance(error, StopIteration) and make is raises_async
    assert told == ("RuntimeError" if stops else type(error).__name__)


class App:
    def __init__(self) -> None:
        self.got: list[str] = []

    def take(self, chat: StartedChat) -> object:
        self.got.append(chat.customer_id)
        return False

    async def take_async(self, chat: StartedChat) -> object:
        await asyncio.sleep(0)
        return self.take(chat)

    def __call__(self, chat: StartedChat) -> Awaitable[object]:
        return self.take_async(chat)


class AwaitableOnly:
    """Something that is awaitable and neither a coroutine nor a future."""

    def __init__(self, app: App, chat: StartedChat) -> None:
        self.app, self.chat = app, chat

    def __await__(self) -> Any:
        return self.app.take_async(self.chat).__await__()


@pytest.mark.parametrize(
    "kind",
    [
        lambda app: app.take,
        lambda app: app.take_async,
        lambda app: app,
        lambda app: partial(app.take),
        lambda app: partial(app.take_async),
        lambda app: lambda chat: app.take_async(chat),  # noqa: PLW0108 - no coroutine function
        lambda app: partial(AwaitableOnly, app),
    ],
)
def test_any_kind_of_function_is_called_once_and_what_it_returns_is_ignored(kind: Any) -> None:
    app = App()

    assert called(kind(app)) is None
    assert app.got == ["0042"]


def test_a_function_that_blocks_holds_up_neither_the_loop_nor_other_calls() -> None:
    release = threading.Event()

    def function(chat: StartedChat) -> None:
        if chat.customer_id == "slow":
            release.wait(LONG)

    async def story() -> None:
        with HandOverCalls(function) as calls:
            slow = asyncio.ensure_future(calls.call(started_chat(customer_id="slow")))
            # Sixty others go by meanwhile: none of them waits for the slow one's thread.
            others = (calls.call(started_chat(customer_id=f"{n}")) for n in range(60))
            assert await asyncio.gather(*others) == [None] * 60
            assert not slow.done()
            release.set()
            assert await slow is None

    asyncio.run(asyncio.wait_for(story(), LONG))


def test_an_async_function_that_blocks_holds_up_no_loop_of_ours() -> None:
    release = threading.Event()

    async def function(_: StartedChat) -> None:
        release.wait(LONG)

    async def story() -> None:
        with HandOverCalls(function) as calls:
            call = asyncio.ensure_future(calls.call(started_chat()))
            for _ in range(100):
                await asyncio.sleep(0)
            assert not call.done()
            release.set()
            assert await call is None

    asyncio.run(asyncio.wait_for(story(), LONG))


def test_async_calls_share_one_loop_so_that_they_can_share_a_client() -> None:
    loops = set()

    async def function(_: StartedChat) -> None:
        loops.add(asyncio.get_running_loop())

    async def story() -> None:
        with HandOverCalls(function) as calls:
            await asyncio.gather(*(calls.call(started_chat()) for _ in range(20)))
        assert asyncio.get_running_loop() not in loops

    asyncio.run(story())
    assert len(loops) == 1


def test_an_async_call_that_ends_its_own_loop_does_not_end_the_next_one() -> None:
    async def function(_: StartedChat) -> None:
        raise SystemExit

    async def story() -> None:
        with HandOverCalls(function) as calls:
            for _ in range(3):
                assert await calls.call(started_chat()) == "SystemExit"

    asyncio.run(asyncio.wait_for(story(), LONG))


def test_an_async_call_that_is_given_up_is_cancelled() -> None:
    begun, ended = threading.Event(), threading.Event()

    async def function(_: StartedChat) -> None:
        begun.set()
        try:
            await asyncio.sleep(LONG * 10)
        finally:
            ended.set()

    async def story() -> None:
        with HandOverCalls(function) as calls:
            given = asyncio.ensure_future(calls.call(started_chat()))
            assert await asyncio.to_thread(begun.wait, LONG)
            given.cancel()
            with pytest.raises(asyncio.CancelledError):
                await given
            assert await asyncio.to_thread(ended.wait, LONG)
            calls.check()

    asyncio.run(asyncio.wait_for(story(), LONG))


def test_one_that_returns_too_late_is_told_of_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    release = threading.Event()

    async def story() -> None:
        with HandOverCalls(lambda _: release.wait(LONG)) as calls:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await calls.call(started_chat())
            release.set()
            async with asyncio.timeout(LONG):
                while not caplog.records:  # noqa: ASYNC110 - a log tells nobody
                    await asyncio.sleep(0.001)

    asyncio.run(story())
    (record,) = caplog.records
    assert "c-1" in record.getMessage()
    assert "0042" not in record.getMessage()


def test_one_that_never_returns_keeps_no_process_and_no_other_call_from_ending() -> None:
    async def story() -> None:
        never = threading.Event()
        with HandOverCalls(lambda _: never.wait()) as calls, pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await calls.call(started_chat())

    asyncio.run(asyncio.wait_for(story(), LONG))
    hung = [thread for thread in threading.enumerate() if thread.name == "hand-over"]
    assert hung
    assert all(thread.daemon for thread in hung)


def test_a_function_whose_calls_pile_up_is_asked_for_no_more_chats(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(HandOverCalls, "MOST_STUCK", 3)
    release = threading.Event()

    async def story() -> None:
        with HandOverCalls(lambda _: release.wait(LONG)) as calls:
            for _ in range(3):
                calls.check()
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await calls.call(started_chat())
            with pytest.raises(CampaignWideError, match=r"3 calls .* never returned"):
                calls.check()
            release.set()

    asyncio.run(asyncio.wait_for(story(), LONG))


def test_a_function_that_fails_for_many_in_a_row_is_asked_for_no_more_chats() -> None:
    async def story() -> None:
        calls = HandOverCalls(raises(ValueError))
        for _ in range(calls.MOST_IN_A_ROW - 1):
            calls.ended(handed_over=False)
        calls.check()
        calls.ended(handed_over=True)
        for _ in range(calls.MOST_IN_A_ROW):
            calls.check()
            calls.ended(handed_over=False)
        with pytest.raises(CampaignWideError, match="failed for 50 chats in a row"):
            calls.check()

    asyncio.run(story())


def test_an_async_function_that_blocks_holds_up_nobody_who_has_not_begun() -> None:
    release, told = threading.Event(), list[str]()

    async def give(chat: StartedChat) -> None:
        if chat.customer_id == "blocks":
            release.wait(LONG)
        await asyncio.sleep(0)
        told.append(chat.customer_id)

    async def story() -> None:
        with HandOverCalls(give) as calls:
            blocks = asyncio.ensure_future(calls.call(started_chat(customer_id="blocks")))
            others = [calls.call(started_chat(customer_id=name)) for name in "abc"]
            assert await asyncio.gather(*others) == [None] * 3
            assert (sorted(told), blocks.done()) == (["a", "b", "c"], False)
            release.set()
            assert await blocks is None
            assert await calls.call(started_chat(customer_id="d")) is None

    asyncio.run(asyncio.wait_for(story(), LONG))
    assert sorted(told) == ["a", "b", "blocks", "c", "d"]


def test_a_call_that_nobody_waits_for_any_more_is_not_begun_elsewhere() -> None:
    begun, release, told = threading.Event(), threading.Event(), list[str]()

    async def give(chat: StartedChat) -> None:
        told.append(chat.customer_id)
        if chat.customer_id == "blocks":
            begun.set()
            release.wait(LONG)

    async def story() -> None:
        with HandOverCalls(give) as calls:
            blocks = asyncio.ensure_future(calls.call(started_chat(customer_id="blocks")))
            await asyncio.to_thread(begun.wait)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await calls.call(started_chat(customer_id="given up"))
            # Begun after the other's time to begin is over.
            assert await calls.call(started_chat(customer_id="next")) is None
            assert told == ["blocks", "next"]
            release.set()
            assert await blocks is None

    asyncio.run(asyncio.wait_for(story(), LONG))
    assert told == ["blocks", "next"]
