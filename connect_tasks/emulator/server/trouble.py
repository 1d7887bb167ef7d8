"""Calls that a fault strikes: what their client meets instead of a plain answer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import assert_never

from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse

from connect_tasks.emulator.faults.plan import (
    FILE_KINDS,
    FRAME_KINDS,
    ErrorAnswer,
    Fault,
    FaultKind,
)
from connect_tasks.emulator.server.transports import Transports

__all__ = ["Trouble"]


class Trouble:
    """Carries faults out.

    Args:
        transports: The TCP connections, to cut them.
    """

    def __init__(self, transports: Transports) -> None:
        self._transports = transports

    async def answer(
        self,
        http: HttpRequest,
        fault: Fault,
        carry_out: Callable[[], Response],
        refuse: Callable[[ErrorAnswer], Response],
    ) -> Response:
        """Answer one struck call; any number may be concurrently.

        Cancelling loses the answer, never what was carried out.

        Args:
            http: The call.
            fault: What strikes it.
            carry_out: Carries it out, and gives the plain answer.
            refuse: Makes the answer of an error.

        Raises:
            ValueError: The fault is meant for frames or files.
        """
        kind = fault.kind
        if kind in FRAME_KINDS or kind in FILE_KINDS:
            raise ValueError(f"{kind} does not strike calls.")
        match kind:
            case (
                FaultKind.ERROR_BEFORE
                | FaultKind.THROTTLE
                | FaultKind.NO_SLOT
                | FaultKind.UNTYPED_429
                | FaultKind.EXPIRED_CREDENTIALS
            ):
                return refuse(fault.error)
            case FaultKind.ERROR_AFTER:
                carry_out()
                return refuse(fault.error)
            case FaultKind.CUT_BEFORE:
                return await self._reset(http)
            case FaultKind.CUT_AFTER:
                carry_out()
                return await self._reset(http)
            case FaultKind.TRUNCATED:
                return self._truncated(http, carry_out())
            case FaultKind.DELAY:
                return await _delayed(http, carry_out(), fault.seconds)
            case _:
                assert_never(kind)

    async def _reset(self, http: HttpRequest) -> Response:
        self._transports.reset(http.scope)
        await _disconnection(http)
        # Starlette wants an answer, though nobody is there to get it.
        return Response()

    def _truncated(self, http: HttpRequest, answer: Response) -> Response:
        # With the headers of the whole answer, and so with its whole length.
        body = self._half(http, bytes(answer.body))
        return StreamingResponse(body, answer.status_code, dict(answer.headers))

    async def _half(self, http: HttpRequest, body: bytes) -> AsyncIterator[bytes]:
        yield body[: len(body) // 2]
        self._transports.cut(http.scope)
        await _disconnection(http)


async def _disconnection(http: HttpRequest) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass


async def _delayed(http: HttpRequest, answer: Response, seconds: float) -> Response:
    """The answer after some seconds, or as soon as nobody waits for it any more."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _disconnection(http)
    return answer
