"""One line in the log for each request: which operation, how it ended, and how long it took."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["FAULT", "OPERATION", "RequestLog"]

OPERATION = "connect_tasks.operation"
"""The key of a request's scope that names its operation."""

FAULT = "connect_tasks.fault"
"""The key of a request's scope that names the fault that struck it."""

_log = logging.getLogger(__name__)
_HTTP_START = "http.response.start"
_SOCKET_STARTS = ("websocket.accept", "websocket.http.response.start")
_SWITCHING = 101


class RequestLog:
    """An application around another that notes down what is answered; no body, path or token.

    Args:
        app: The application that answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request or socket be answered; cancelling cancels that, and is noted down."""
        began = time.perf_counter()
        ends: list[str] = []

        async def watched(message: Message) -> None:
            if message["type"] == _HTTP_START:
                ends.append(_end(message))
            elif message["type"] in _SOCKET_STARTS and not ends:
                # A socket lasts; that it is there is what there is to tell.
                ends.append(str(message.get("status", _SWITCHING)))
                _tell("WebSocket", ends, began, "")
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            if scope["type"] == "http":
                _tell(scope.get(OPERATION, "unknown"), ends, began, scope.get(FAULT, ""))


def _end(message: Message) -> str:
    kinds = [value.decode() for name, value in message["headers"] if name == b"x-amzn-errortype"]
    return " ".join([str(message["status"]), *kinds])


def _tell(operation: str, ends: list[str], began: float, fault: str) -> None:
    took = (time.perf_counter() - began) * 1000
    struck = f" ({fault})" if fault else ""
    _log.info("%s %s %.1f ms%s", operation, ends[0] if ends else "no answer", took, struck)
