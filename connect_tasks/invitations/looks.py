"""Looks: presses that come together share one question to the ledger.

So a flood of presses, of links that exist or not, costs a few questions, one at a time; and what
would wait too long is turned away at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from connect_tasks.ledger.clicks import FoundLink

__all__ = ["FullError", "Looks"]

_Ask = Callable[[Collection[str]], Awaitable[Mapping[str, FoundLink]]]


class FullError(Exception):
    """Too many wait already."""


class Looks:
    """Looks links up by the hashes of their tokens.

    Args:
        ask: Asks the ledger for all of these at once.
        most_waiting: How many wait at most, be it for one link.
        most_at_once: How many are asked for in one question.
    """

    def __init__(self, ask: _Ask, *, most_waiting: int = 500, most_at_once: int = 100) -> None:
        self._ask = ask
        self._most_waiting = most_waiting
        self._most_at_once = most_at_once
        self._waiters = 0
        self._waiting: dict[str, asyncio.Future[FoundLink | None]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def find(self, token_hash: str) -> FoundLink | None:
        """The link, as the ledger has it after this call; None if there is none.

        Concurrent calls for one link share a place. Cancelled, the question is asked all the same.

        Raises:
            FullError: Too many wait already.
            LedgerError: The ledger cannot be read.
        """
        if self._waiters >= self._most_waiting:
            raise FullError
        self._waiters += 1
        try:
            return await asyncio.shield(self._place(token_hash))
        finally:
            self._waiters -= 1

    def _place(self, token_hash: str) -> "asyncio.Future[FoundLink | None]":
        found = self._waiting.get(token_hash)
        if found is None:
            found = self._waiting[token_hash] = asyncio.get_running_loop().create_future()
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._ask_all())
        return found

    async def _ask_all(self) -> None:
        try:
            while self._waiting:
                hashes = list(self._waiting)[: self._most_at_once]
                # Taken out before it is asked: who comes meanwhile must see what is written now.
                await self._ask_for({name: self._waiting.pop(name) for name in hashes})
        finally:
            self._asking = None

    async def _ask_for(self, asked: Mapping[str, asyncio.Future[FoundLink | None]]) -> None:
        try:
            links = await self._ask(asked.keys())
        except BaseException as error:
            for found in asked.values():
                found.set_exception(error if isinstance(error, Exception) else FullError())
                # Nobody may be waiting any more; asyncio would complain that nobody looked.
                found.exception()
            if not isinstance(error, Exception):
                raise
        else:
            for name, found in asked.items():
                found.set_result(links.get(name))
