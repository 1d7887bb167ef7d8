"""In which order what is heard is stored and acted on."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import pytest

from connect_tasks.aws.transcript import Connection, Item, Page
from connect_tasks.chat.gaps import Gaps
from connect_tasks.chat.hearing import Hearing
from connect_tasks.chat.onlooker import Onlooker
from connect_tasks.chat.protocol import Received
from tests.unit.virtual_time import LoopClock, run

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HELLO = Item(message_id="m-1", absolute_time=NOON, type="MESSAGE", participant_role="SYSTEM")


class Side(Onlooker):
    """Remembers in which order things happen."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []

    def observe(self, item: Item, now: float) -> None:
        super().observe(item, now)
        self.events.append(f"told {item.message_id}")

    async def store(self, items: Sequence[Item]) -> None:
        await asyncio.sleep(0)
        self.events += [f"stored {item.message_id}" for item in items]


class Calls:
    """A transcript of one item."""

    async def read(self, *_: object, **__: object) -> Page:
        return Page(items=[HELLO])


@pytest.mark.parametrize("is_read", [False, True], ids=["from the socket", "from the transcript"])
def test_what_is_heard_is_stored_before_anything_is_done_about_it_and_once(
    is_read: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    side = Side()
    hearing = Hearing(Calls(), side, Gaps(), clock=LoopClock(), on_items=side.store)

    async def main() -> None:
        for _ in range(2):
            if is_read:
                await hearing.read(cast("Connection", None))
            else:
                await hearing.hear(Received(HELLO))

    run(main())

    assert side.events == ["stored m-1", "told m-1"]
