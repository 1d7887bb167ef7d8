import asyncio

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
