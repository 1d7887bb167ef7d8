"""Group commit: many conversations write at once, each waits for its own commit.

Writes that arrive while a commit is under way share the next one, so a thousand conversations
cost a few commits.

The rules of this file:

- `write` is done after the commit that holds its change, never before: what follows it may be a
  call to Amazon that must not happen unrecorded.
- What is written together is in one commit, all or none.
- One commit at a time, in the order of the writes. A contact's steps would otherwise overtake each
  other, and the ledger refuses a step that does not start where the contact stands.
- A batch is all or none, so one lost claim undoes it, and so does one value that the database
  cannot hold: the others are then written one by one, and only the write that is to blame fails.
- Every write gets an answer, whatever happens: one that waits for ever would hold a slot for ever.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from connect_tasks.errors import ClaimLostError, LedgerError, UnwritableError
from connect_tasks.ledger.changes import Change

__all__ = ["GroupCommit"]

Apply = Callable[[Sequence[Change]], Awaitable[None]]
Pause = Callable[[], Awaitable[None]]

_Write = tuple[Sequence[Change], asyncio.Future[None]]


class GroupCommit:
    """Group commits: who has awaited `write` has their changes on disk.

    Args:
        apply: Writes changes to the ledger, all or none.
        pause: Waits a moment before a commit for which many wait already, so that others may
            share it; no such pause if None.
    """

    MANY = 4
    """A commit costs as much as so many writes in it, or more."""

    def __init__(self, apply: Apply, *, pause: Pause | None = None) -> None:
        self._apply = apply
        self._pause = pause
        self._waiting: list[_Write] = []
        self._committing = False

    def write(self, *changes: Change) -> asyncio.Future[None]:
        """Write changes, all or none; awaited, they are on disk.

        Concurrent calls share a commit. Changes of one contact must come one after another, each
        after the one before was awaited. Cancelling gives up the waiting, not the write.

        Raises:
            ClaimLostError: The contact belongs to another worker now.
            UnwritableError: The database cannot hold a value of these changes.
            LedgerError: The ledger cannot be written.
        """
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((changes, written))
        if not self._committing:
            self._committing = True
            self._drained = asyncio.ensure_future(self._drain())
        # Cancelled, it is this future that ends, and not what is written.
        return written

    async def finish(self) -> None:
        """Wait until all that was written is on disk or refused, whoever still waits for it.

        It changes nothing, concurrent or cancelled.
        """
        while self._committing:
            await asyncio.wait([self._drained])

    async def _drain(self) -> None:
        while self._waiting:
            if self._pause and len(self._waiting) >= self.MANY:
                await self._pause()
            batch, self._waiting = self._waiting, []
            await self._commit(batch)
        self._committing = False

    async def _commit(self, batch: Sequence[_Write]) -> None:
        try:
            await self._apply([change for changes, _ in batch for change in changes])
        except (ClaimLostError, UnwritableError) as error:
            await self._single_out(batch, error)
        except LedgerError as error:
            for _, written in batch:
                _fail(written, error)
        except Exception as error:  # noqa: BLE001 - else the batch, and all after it, would wait for ever
            fault = LedgerError(f"the ledger cannot be written: {type(error).__name__}")
            fault.__cause__ = error
            for _, written in batch:
                _fail(written, fault)
        else:
            for _, written in batch:
                if not written.done():
                    written.set_result(None)

    async def _single_out(self, batch: Sequence[_Write], error: LedgerError) -> None:
        """One write undid the whole batch: the others are made without it."""
        if len(batch) == 1:
            _fail(batch[0][1], error)
            return
        for write in batch:
            await self._commit([write])


def _fail(written: asyncio.Future[None], error: LedgerError) -> None:
    if written.done():
        return
    written.set_exception(error)
    # Cancelled in this moment, nobody waits any more, and asyncio would complain.
    written.exception()
