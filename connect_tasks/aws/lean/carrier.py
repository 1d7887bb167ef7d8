"""The carrier: takes a call, makes one try of it on this event loop, and gives its result.

A call that has gone out is carried out to its end, whoever gives up waiting for it: it may have an
effect at Amazon, and the connection is good for the next call only when it was heard out.
"""

import asyncio
import ssl
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any, Protocol, TypeVar

from connect_tasks.aws.calls import Call
from connect_tasks.aws.clients import Clients, call_by
from connect_tasks.aws.error_table import FOREIGN, translate
from connect_tasks.aws.lean.http import Http, trust_of
from connect_tasks.aws.lean.known import is_known
from connect_tasks.aws.lean.wire import Wire
from connect_tasks.errors import CredentialsError

__all__ = ["LeanCarrier", "PresentClients"]

Result = TypeVar("Result")


class PresentClients(Protocol):
    """Gives boto3's clients, made anew where those given have expired."""

    def __call__(self, *, expired: Clients | None) -> Clients:
        """It blocks; concurrent calls make one set of clients."""
        ...


class LeanCarrier:
    """Carries calls on the event loop on which it is made, and by boto3 what only boto3 can.

    Args:
        present: Gives boto3's clients.
        executor: The threads of what blocks.
        connections: The most calls at one time.
        connect_seconds: How long to wait for a connection.
        read_seconds: How long to wait for an answer.
    """

    def __init__(
        self,
        present: PresentClients,
        executor: Executor,
        *,
        connections: int,
        connect_seconds: float,
        read_seconds: float,
    ) -> None:
        self._present = present
        self._executor = executor
        self._places = asyncio.Semaphore(connections)
        self._seconds = (connect_seconds, read_seconds)
        self._under_way: set[asyncio.Task[Any]] = set()
        self._making = asyncio.Lock()
        self._clients: Clients | None = None
        self._wires: dict[str, Wire] = {}
        self._http: Http | None = None

    async def carry(self, call: Call[Result]) -> Result:
        """Make a call, once; again only if it had no effect because credentials expired.

        Concurrent calls wait for their place, `connections` at one time. Cancelled before it has
        one, it never goes out; later, it is carried out all the same, and its answer dropped.

        Raises:
            AmazonError: It failed, or may have.
        """
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        # What `asyncio.shield` does, without the turns of the loop that it takes.
        told: asyncio.Future[Result] = loop.create_future()
        task = loop.create_task(self._to_its_end(call, told))
        self._under_way.add(task)
        task.add_done_callback(partial(self._ended, told))
        return await told

    async def close(self) -> None:
        """Wait for what is under way, and close the connections; a second call does nothing.

        Not concurrently with new calls. Cancelled, connections are closed all the same, in the
        middle of what is under way.
        """
        try:
            while self._under_way:
                await asyncio.wait(self._under_way)
        finally:
            if self._http is not None:
                await self._http.close()

    async def _to_its_end(self, call: Call[Result], told: "asyncio.Future[Result]") -> None:
        """Make a call, and tell whoever waits, if somebody still does."""
        try:
            result = await self._made(call)
            if not told.done():
                told.set_result(result)
        except Exception as error:  # noqa: BLE001 - it is theirs
            if not told.done():
                told.set_exception(error)

    def _ended(self, told: "asyncio.Future[Any]", task: "asyncio.Task[None]") -> None:
        # Cancelled itself, as when the loop ends, it has told nobody.
        told.cancel()
        self._under_way.discard(task)
        self._places.release()

    async def _made(self, call: Call[Result]) -> Result:
        clients = self._clients or await self._renew(expired=None)
        try:
            return await self._once(call, clients)
        except CredentialsError:
            return await self._once(call, await self._renew(expired=clients))

    async def _once(self, call: Call[Result], clients: Clients) -> Result:
        wire = self._wires.get(call.service)
        if wire is None or self._http is None:
            return await self._blocking(partial(call_by, clients, call))
        try:
            prepare = partial(wire.prepare, call.operation, call.arguments)
            request = await self._blocking(prepare) if wire.may_block else prepare()
            return call.read(wire.understand(request, await self._http.send(request)))
        except FOREIGN as error:
            raise translate(call.operation, error) from error

    async def _renew(self, *, expired: Clients | None) -> Clients:
        async with self._making:
            if self._clients is None or self._clients is expired:
                clients = await self._blocking(partial(self._present, expired=expired))
                self._wires, trust = await self._blocking(partial(_means, clients))
                if trust is not None and self._http is None:
                    self._http = Http(trust, *self._seconds)
                self._clients = clients
            return self._clients

    async def _blocking(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def _means(clients: Clients) -> tuple[dict[str, Wire], ssl.SSLContext | None]:
    """What is sent and understood for each service, and whom to trust; nothing for boto3's work."""
    both = (clients.connect, clients.participant)
    trust = trust_of(*both) if all(is_known(client) for client in both) else None
    if trust is None:
        return {}, None
    return {"connect": Wire(clients.connect), "participant": Wire(clients.participant)}, trust
