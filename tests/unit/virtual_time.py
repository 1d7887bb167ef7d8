"""An event loop that jumps to the next timer: waiting takes no time."""

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

Result = TypeVar("Result")


class _Jumping(selectors.DefaultSelector):
    """Jumps to the next timer instead of waiting for it, and notices when there is none."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("everybody waits and nobody will ever be woken")
        if not ready:
            self.now += timeout or 0
        return ready


class _VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class LoopClock:
    """The time of the running loop: nothing here takes any real time."""

    def now(self) -> datetime:
        """Some date, and the loop's seconds."""
        return datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """The loop's seconds."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Jump, as far as everybody else sleeps too."""
        await asyncio.sleep(seconds)


CLOCK = LoopClock()


def run(story: Coroutine[Any, Any, Result]) -> Result:
    with asyncio.Runner(loop_factory=_VirtualTimeLoop) as runner:
        return runner.run(story)


async def settle() -> None:
    """Let every task go as far as it can at this time."""
    for _ in range(20):
        await asyncio.sleep(0)
