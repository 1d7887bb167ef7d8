"""Hearing: takes in what one chat's socket and transcript bring, each item once.

The rules of this file:

- Items are stored before anything else is done about them: what is said next depends on them.
- What cannot be read is counted and passed over. It may have been an item, so the transcript is
  read for it, or the chat says that something may be missing.
- A reading that fails takes nothing away: the chat goes on, and says what it may lack. Only one
  without which we would not know what was said before is passed on as the error that it is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.transcript import Connection, Item, Odd, Page
from connect_tasks.chat.gaps import Gaps
from connect_tasks.chat.participant_calls import TranscriptCalls
from connect_tasks.chat.protocol import Received, Transcript
from connect_tasks.chat.side import Side
from connect_tasks.errors import AmazonError, CampaignWideError, ChatEndedError

__all__ = ["Hearing"]


class Hearing:
    """What was heard in one chat, and what may be missing.

    Never used concurrently: items come one after another, from the one session of the chat.

    Args:
        calls: Reads the transcript.
        dialogue: Told of each item.
        gaps: Keeps what may be missing.
        clock: Tells the time.
        on_items: Awaited with new items before anything else is done about them.
    """

    PATIENCE_SECONDS = 0.5
    """How long a reading may take that only looks whether something is missing."""

    def __init__(
        self,
        calls: TranscriptCalls,
        dialogue: Side,
        gaps: Gaps,
        *,
        clock: Clock,
        on_items: Callable[[Sequence[Item]], Awaitable[None]],
    ) -> None:
        self._calls = calls
        self._dialogue = dialogue
        self._gaps = gaps
        self._clock = clock
        self._on_items = on_items
        self._transcript = Transcript()
        self.has_ended = False
        self.items = 0
        self.odd = 0

    async def hear(self, event: Received | Odd) -> None:
        """Take in what the socket brought.

        Never concurrently. Cancelled, the item may be stored without the dialogue knowing of it.
        """
        if isinstance(event, Received):
            fresh = self._transcript.add([event.item])
            if fresh:
                await self._on_items(fresh)
                self._tell(fresh)
            return
        self.odd += 1
        if event.is_gap:
            self._gaps.odd(event.why)

    async def read(self, connection: Connection, *, must_work: bool = False) -> bool:
        """Read the transcript on.

        Args:
            connection: Ours.
            must_work: Pass every error on.

        Never concurrently. Cancelled, what it brought may be stored and not told to the dialogue.

        Returns:
            Whether it held anything that no socket had brought.

        Raises:
            ChatEndedError: The chat is over.
            AmazonError: The call was refused, and must work or never will.
        """
        try:
            page = await self._calls.read(connection, self._transcript.read_up_to)
        except (ChatEndedError, CampaignWideError):
            raise
        except AmazonError as error:
            if must_work:
                raise
            self._gaps.refused(error.code)
            return False
        return await self._take_page(page)

    async def check(self, connection: Connection) -> bool:
        """Look once whether something is missing, if that takes no more than a moment.

        Never concurrently, and cancelled as `read`.

        Returns:
            As `read`.

        Raises:
            ChatEndedError: The chat is over.
        """
        self._gaps.tried(self._clock.monotonic())
        after = self._transcript.read_up_to
        try:
            async with asyncio.timeout(self.PATIENCE_SECONDS):
                page = await self._calls.read(connection, after, quiet=True)
        except ChatEndedError:
            raise
        except (TimeoutError, AmazonError):
            return False
        return await self._take_page(page)

    async def _take_page(self, page: Page) -> bool:
        fresh = self._transcript.add_read(page.items)
        self.odd += len(page.odd)
        if fresh:
            await self._on_items(fresh)
            self._tell(fresh)
        self._gaps.was_read(found=bool(fresh))
        for odd in page.odd:
            if odd.is_gap:
                self._gaps.unreadable(odd.why)
        return bool(fresh)

    def _tell(self, fresh: Sequence[Item]) -> None:
        self.items += len(fresh)
        for item in fresh:
            self.has_ended = self.has_ended or item.is_end
            self._dialogue.observe(item, self._clock.monotonic())
        own = sum(item.is_ours and item.is_spoken for item in fresh)
        self._gaps.heard(self._clock.monotonic(), own=own)
