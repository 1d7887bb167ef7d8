"""The desk: which contacts this process works on for presses, in the ledger and kept there.

Presses that come together share a transaction: contacts that are claimed, those that are given up
again, and what was opened go to disk with one commit. Claims are short and renewed, so that what a
killed process was at is another's soon.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.errors import LedgerError
from connect_tasks.ledger.async_ledger import AsyncLedger
from connect_tasks.ledger.clicks import Opened, Succession
from connect_tasks.ledger.contact import Contact

__all__ = ["Desk"]

_Claims = dict[int, "asyncio.Future[Contact | None]"]


@dataclass(slots=True)
class _Batch:
    """What goes to disk together."""

    claims: _Claims = field(default_factory=dict)
    given_up: set[int] = field(default_factory=set)
    opened: dict[str, Opened] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.claims or self.given_up or self.opened)


class Desk:
    """The claims of this process.

    `keep` must run meanwhile: it renews them, and writes what nobody waits for.

    Args:
        ledger: Where they are.
        worker: What this process is called there.
        lease: How long a claim holds when the process is killed.
        clock: Tells the time and waits.
    """

    KEEP_SECONDS = 0.5
    GIVE_UP_SECONDS = 0.05
    # With more of them at once, others would wait for the ledger.
    MOST_NOTED = 500
    MOST_LAST_WRITES = 20

    def __init__(self, ledger: AsyncLedger, worker: str, *, lease: timedelta, clock: Clock) -> None:
        self._ledger = ledger
        self._worker = worker
        self._lease = lease
        self._clock = clock
        self._next = _Batch()
        self._writing: asyncio.Task[None] | None = None
        self._held: set[int] = set()

    async def claim(self, id_: int) -> Contact | None:
        """Claim a contact, and get it as it is now; None if that cannot be: look again.

        Never concurrently for one contact. Cancelled, it is given up again.

        Raises:
            LedgerError: The ledger cannot be written.
        """
        claimed: asyncio.Future[Contact | None] = asyncio.get_running_loop().create_future()
        self._next.claims[id_] = claimed
        self._write_soon()
        try:
            return await claimed
        except asyncio.CancelledError:
            # It may have come in the moment before: then nobody else would ever give it up.
            if claimed.done() and not claimed.cancelled() and not claimed.exception():
                self.give_up(id_)
            raise

    async def succeed(self, token_hash: str, succession: Succession) -> Contact | None:
        """Plan a customer's next contact and claim it; None if others did: look again.

        Never concurrently for one customer. Cancelled, it may be planned and claimed all the same;
        then the claim runs out.

        Raises:
            LedgerError: The ledger cannot be written.
        """
        now = self._clock.now()
        contact = await self._ledger.run(
            lambda ledger: ledger.clicks.succeed(
                self._worker, token_hash, succession, now=now, until=now + self._lease
            )
        )
        if contact is not None:
            self._held.add(contact.id)
        return contact

    def give_up(self, id_: int) -> None:
        """Let others have a contact, soon; again, or of one never claimed, it changes nothing."""
        if id_ in self._held:
            self._held.discard(id_)
            self._next.given_up.add(id_)
            # Not at once: the next claim often takes it along.
            asyncio.get_running_loop().call_later(self.GIVE_UP_SECONDS, self._write_soon)

    async def written(self) -> None:
        """Wait until what was given up before is on disk; a second call returns at once.

        Concurrent calls wait for the same. Cancelled, it is written all the same.

        Raises:
            LedgerError: The ledger cannot be written.
        """
        if self._next.given_up:
            self._write_soon()
        if self._writing is not None:
            await asyncio.shield(self._writing)

    def note(self, token_hash: str) -> None:
        """A link's button was pressed; it is on disk with the next claim, or soon."""
        first = Opened(token_hash=token_hash, first_at=self._clock.now(), presses=0)
        before = self._next.opened.get(token_hash, first)
        self._next.opened[token_hash] = replace(before, presses=before.presses + 1)

    async def keep(self) -> None:
        """Renew claims well before they run out, and write what nobody waits for; never returns.

        Once for a desk, never concurrently. Cancelled, claims run out in the end.
        """
        renewed_at = self._clock.monotonic()
        while True:
            await self._clock.sleep(self.KEEP_SECONDS)
            if not self._next.is_empty:
                self._write_soon()
            if self._clock.monotonic() - renewed_at >= self._lease.total_seconds() / 3:
                renewed_at = self._clock.monotonic()
                await self._renew()

    async def end(self) -> None:
        """Write what is left; a second call finds nothing.

        What somebody else writes all the time is left out in the end. Not concurrently with
        presses, which would add to it. Cancelled, some of it may be written.

        Raises:
            LedgerError: The ledger cannot be written.
        """
        for _ in range(self.MOST_LAST_WRITES):
            if self._writing is None and self._next.is_empty:
                return
            self._write_soon()
            if self._writing is not None:
                await self._writing

    async def _renew(self) -> None:
        held, until = list(self._held), self._clock.now() + self._lease
        if held:
            await self._ledger.run(
                lambda ledger: ledger.clicks.renew(self._worker, held, until=until)
            )

    def _write_soon(self) -> None:
        if self._writing is None:
            self._writing = asyncio.ensure_future(self._write())
            self._writing.add_done_callback(_heard_out)

    async def _write(self) -> None:
        try:
            while self._next.claims or self._next.given_up or self._next.opened:
                batch, self._next = self._next, _Batch()
                if not await self._commit(batch):
                    return
        finally:
            self._writing = None

    async def _commit(self, batch: _Batch) -> bool:
        """Write a batch; whether another may follow at once."""
        opened = sorted(batch.opened.values(), key=lambda one: one.token_hash)
        now, noting = self._clock.now(), opened[: self.MOST_NOTED]
        try:
            claimed, unnoted = await self._ledger.run(
                lambda ledger: ledger.clicks.claim(
                    self._worker,
                    list(batch.claims),
                    opened=noting,
                    given_up=list(batch.given_up),
                    now=now,
                    until=now + self._lease,
                )
            )
        except BaseException as error:
            self._fail(batch, error)
            raise
        self._hand_out(batch.claims, claimed)
        left = [one for one in noting if one.token_hash in unnoted] + opened[self.MOST_NOTED :]
        self._note_again(left)
        # What somebody else writes in this moment, and what was left out: with the next one.
        return not left or bool(self._next.claims)

    def _hand_out(self, claims: _Claims, claimed: Mapping[int, Contact]) -> None:
        for id_, waiting in claims.items():
            contact = claimed.get(id_)
            if contact is not None:
                self._held.add(id_)
            if not waiting.done():
                waiting.set_result(contact)
            else:
                self.give_up(id_)

    def _fail(self, batch: _Batch, error: BaseException) -> None:
        why = error if isinstance(error, Exception) else LedgerError("the app ends")
        for waiting in batch.claims.values():
            if not waiting.done():
                waiting.set_exception(why)
                # Nobody may be waiting any more; asyncio would complain that nobody looked.
                waiting.exception()
        self._next.given_up |= batch.given_up
        self._note_again(batch.opened.values())

    def _note_again(self, opened: Iterable[Opened]) -> None:
        for one in opened:
            later = self._next.opened.get(one.token_hash)
            presses = one.presses + (later.presses if later else 0)
            self._next.opened[one.token_hash] = replace(one, presses=presses)


def _heard_out(writing: "asyncio.Future[None]") -> None:
    """Whoever waits for a claim is told; nobody else has to be."""
    if not writing.cancelled():
        writing.exception()
