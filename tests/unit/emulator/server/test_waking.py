import asyncio
import threading
from collections.abc import Callable

from connect_tasks.emulator.server.waking import from_anywhere


def test_an_event_is_set_from_its_own_thread_at_once_and_from_any_other() -> None:
    async def play() -> bool:
        changed = asyncio.Event()
        wake = from_anywhere(changed)
        wake()
        is_at_once = changed.is_set()
        changed.clear()
        thread = threading.Thread(target=wake)
        thread.start()
        async with asyncio.timeout(20):
            await changed.wait()
        thread.join()
        return is_at_once

    assert asyncio.run(play(), debug=True)


def test_whoever_wakes_a_loop_that_is_over_is_not_troubled() -> None:
    wakes: list[Callable[[], None]] = []

    async def play() -> None:
        wakes.append(from_anywhere(asyncio.Event()))

    asyncio.run(play())
    failures: list[BaseException] = []

    def wake() -> None:
        try:
            wakes[0]()
        except BaseException as error:  # noqa: BLE001 - it would be lost with the thread
            failures.append(error)

    thread = threading.Thread(target=wake)
    thread.start()
    thread.join()
    assert failures == []
