import asyncio
import threading

from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.server.outbox import Outbox

MOST = 20


@given(steps=st.lists(st.none() | st.text(max_size=12), max_size=40))
def test_frames_come_out_in_their_order_and_it_overflows_once_when_too_much_waits(
    steps: list[str | None],
) -> None:
    """None takes one out."""

    async def play() -> None:
        overflows: list[int] = []
        outbox = Outbox(MOST, lambda: overflows.append(1))
        waiting: list[str] = []
        is_over = False
        for step in steps:
            if step is None:
                if waiting:
                    assert await outbox.take() == waiting.pop(0)
            else:
                outbox.put(step)
                is_over = is_over or len("".join(waiting)) + len(step) > MOST
                if not is_over:
                    waiting.append(step)
            assert len(overflows) == is_over

    asyncio.run(play())


def test_another_thread_puts_frames_in_without_touching_what_is_the_loops() -> None:
    async def play() -> list[object]:
        outbox = Outbox(MOST, lambda: None)
        taking = asyncio.create_task(outbox.take())
        # Until somebody waits for the first.
        await asyncio.sleep(0)
        failures: list[BaseException] = []

        def put() -> None:
            try:
                outbox.put("a")
                outbox.put("b")
            except BaseException as error:  # noqa: BLE001 - it would be lost with the thread
                failures.append(error)

        thread = threading.Thread(target=put)
        thread.start()
        thread.join()
        if failures:
            taking.cancel()
            return [*failures]
        async with asyncio.timeout(20):
            return [await taking, await outbox.take()]

    # In debug mode a loop refuses what is not done from its own thread.
    assert asyncio.run(play(), debug=True) == ["a", "b"]
