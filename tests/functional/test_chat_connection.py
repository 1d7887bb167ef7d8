"""What a chat's connection takes from a real socket, and when it waits no longer."""

import asyncio
import gc
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from connect_tasks.chat import own_loop
from connect_tasks.chat.chat_connection import ChatConnection
from connect_tasks.chat.own_loop import run_on_own_loop

LONG = 30.0
Side = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def opened(other_side: Side) -> AsyncIterator[ChatConnection]:
    """A connection to somebody who does this."""
    async with serve(other_side, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connection = await ChatConnection.open(f"ws://127.0.0.1:{port}")
        try:
            yield connection
        finally:
            await connection.close()


def says(*messages: str | Sequence[str]) -> Side:
    async def other_side(socket: ServerConnection) -> None:
        for message in messages:
            await socket.send(message)
        await socket.wait_closed()

    return other_side


async def keeps_silent(socket: ServerConnection) -> None:
    await socket.wait_closed()


def test_messages_come_in_order_and_in_one_piece() -> None:
    async def main() -> list[bytes | None]:
        async with opened(says("a", ["b", "c", "d"], "e", "é" * 40_000)) as connection:
            return [await connection.take(LONG) for _ in range(4)]

    assert run_on_own_loop(main()) == [b"a", b"bcd", b"e", ("é" * 40_000).encode()]


def test_what_is_no_utf_8_is_taken_as_it_is() -> None:
    async def other_side(socket: ServerConnection) -> None:
        await socket.send(b"\xff\xfe", text=True)
        await socket.wait_closed()

    async def main() -> bytes | None:
        async with opened(other_side) as connection:
            return await connection.take(LONG)

    assert run_on_own_loop(main()) == b"\xff\xfe"


def test_where_nobody_speaks_the_wait_is_over_in_time() -> None:
    async def main() -> list[tuple[bytes | None, bool]]:
        found = []
        async with opened(keeps_silent) as connection:
            # Waits leave their timer behind: a later one, and then an earlier one, for the next.
            for seconds in (LONG, 0.02):
                waiting = asyncio.ensure_future(connection.take(seconds))
                await asyncio.sleep(0)
                waiting.cancel()
            for seconds in (0.05, 0.1, 0.0, -1.0, 0.05):
                began = time.monotonic()
                taken = await connection.take(seconds)
                # Event loops tell the time in milliseconds.
                found.append((taken, time.monotonic() - began >= seconds - 0.01))
        return found

    assert run_on_own_loop(main()) == [(None, True)] * 5


def test_a_message_that_came_while_nobody_waited_is_there_for_the_next_wait() -> None:
    async def main() -> list[bytes | None]:
        said = asyncio.Event()

        async def other_side(socket: ServerConnection) -> None:
            await said.wait()
            await socket.send("late")
            await socket.wait_closed()

        async with opened(other_side) as connection:
            given_up = asyncio.ensure_future(connection.take(LONG))
            await asyncio.sleep(0)
            given_up.cancel()
            early = await connection.take(0.01)
            said.set()
            return [early, await connection.take(LONG)]

    assert run_on_own_loop(main()) == [None, b"late"]


def test_a_wait_that_is_cancelled_in_the_moment_in_which_its_message_comes_takes_nothing() -> None:
    async def main() -> bytes | None:
        async def other_side(socket: ServerConnection) -> None:
            await socket.send(await socket.recv())
            await socket.wait_closed()

        async with opened(other_side) as connection:
            waiting = asyncio.ensure_future(connection.take(LONG))
            taken_in = connection.process_event

            def take_in(event: object) -> None:
                taken_in(event)
                waiting.cancel()

            connection.process_event = take_in  # type: ignore[method-assign]
            await connection.send_together(["one"])
            with pytest.raises(asyncio.CancelledError):
                await waiting
            return await connection.take(LONG)

    assert run_on_own_loop(main()) == b"one"


def test_all_that_came_is_taken_before_the_end_is_told() -> None:
    async def main() -> list[bytes | None]:
        async def other_side(socket: ServerConnection) -> None:
            await socket.send("one")
            await socket.send("two")

        async with opened(other_side) as connection:
            await connection.wait_closed()
            taken = [await connection.take(LONG) for _ in range(2)]
            for _ in range(2):
                with pytest.raises(ConnectionClosedOK):
                    await connection.take(LONG)
            return taken

    assert run_on_own_loop(main()) == [b"one", b"two"]


def test_who_waits_is_told_of_a_connection_that_is_cut() -> None:
    async def main() -> None:
        async def other_side(socket: ServerConnection) -> None:
            await socket.recv()
            socket.transport.abort()

        async with opened(other_side) as connection:
            await connection.send_together(["cut"])
            with pytest.raises(ConnectionClosedError):
                await connection.take(LONG)
            with pytest.raises(ConnectionClosedError):
                await connection.send_together(["gone"])

    run_on_own_loop(main())


def test_a_message_that_is_too_large_ends_the_connection() -> None:
    async def main() -> None:
        async with opened(says("x" * (2**20 + 1))) as connection:
            with pytest.raises(ConnectionClosedError):
                await connection.take(LONG)

    run_on_own_loop(main())


def test_who_reads_slowly_holds_the_other_side_up_and_loses_nothing() -> None:
    big, count = "x" * 100_000, 400

    async def main() -> tuple[int, list[int]]:
        sent = 0

        async def other_side(socket: ServerConnection) -> None:
            nonlocal sent
            for number in range(count):
                await socket.send(f"{number} {big}")
                sent += 1
            await socket.wait_closed()

        async with opened(other_side) as connection:
            seen = -1
            while seen < sent:
                seen = sent
                await asyncio.sleep(0.2)
            taken = [await connection.take(LONG) for _ in range(count)]
        return seen, [int(message.split()[0]) for message in taken if message]

    held_at, numbers = run_on_own_loop(main())

    assert held_at < count
    assert numbers == list(range(count))


def test_frames_that_are_sent_together_come_in_order() -> None:
    async def main() -> list[str | bytes]:
        heard: asyncio.Future[list[str | bytes]] = asyncio.get_running_loop().create_future()

        async def other_side(socket: ServerConnection) -> None:
            heard.set_result([await socket.recv() for _ in range(3)])

        async with opened(other_side) as connection:
            await connection.send_together(["a", "é"])
            await connection.send_together(["c"])
            return await heard

    assert run_on_own_loop(main()) == ["a", "é", "c"]


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, own_loop.new_loop])
@pytest.mark.parametrize("is_cut", [False, True])
def test_one_that_is_over_is_gone_without_a_garbage_collection(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
    is_cut: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    async def other_side(socket: ServerConnection) -> None:
        await socket.send(await socket.recv())
        if is_cut:
            socket.transport.abort()
        await socket.wait_closed()

    async def main() -> list[object]:
        async with opened(other_side) as connection:
            parts: list[weakref.ref[object]] = [
                weakref.ref(connection),
                weakref.ref(connection.protocol),
            ]
            await connection.send_together(["one"])
            await connection.take(LONG)
            if is_cut:
                with pytest.raises(ConnectionClosedError):
                    await connection.take(LONG)
        del connection
        await asyncio.sleep(0.1)
        return [part() for part in parts]

    gc.collect()
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            assert runner.run(main()) == [None, None]
    finally:
        gc.enable()
