"""The app that serves links: a page for whoever opens one, a chat for whoever presses its button.

The rules of this file:

- Only a POST starts anything. A mail scanner's GET or HEAD, and a browser's that fetches ahead, get
  the page, which is the same for every link and for none.
- Everything after `/i/` is a token, whatever it looks like, and no answer tells what it was.
- No request body is read, no URL is made of what a client says, and no answer may be stored.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connect_tasks.aws.server_logs import BEFORE_PREFECT
from connect_tasks.blocks.instance import AmazonConnectInstance
from connect_tasks.campaign.links import InvitationKeys
from connect_tasks.invitations.answers import Answer, busy
from connect_tasks.invitations.hooks import OnStarted
from connect_tasks.invitations.masked_logs import mask_access_logs
from connect_tasks.invitations.origins import checked_sites
from connect_tasks.invitations.page import InvitationPage, PageEndpoint, RenderedPage
from connect_tasks.invitations.service import Running, ServiceSettings, Serving
from connect_tasks.ledger.store import Ledger

__all__ = ["invitation_app"]

_JSON = "application/json"
# For every answer that does not say otherwise: the page brings its own.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_RETRY_SECONDS = 10
_BEGIN_AGAIN_SECONDS = 1.0
_HEALTHY = Answer(status=HTTPStatus.OK, body=b'{"status":"ok"}')
_UNHEALTHY = Answer(
    status=HTTPStatus.SERVICE_UNAVAILABLE, body=b'{"status":"unavailable"}', retry_after_seconds=5
)


def invitation_app(
    *,
    connect: AmazonConnectInstance | str,
    ledger: Ledger | str | None = None,
    allow_origins: Sequence[str] = (),
    on_started: OnStarted | None = None,
    page: InvitationPage | None = None,
    listen: bool = False,
) -> Starlette:
    """Make the app that serves the links of a ledger's campaigns.

    `GET /i/<token>` gives a page with a button, and `POST /i/<token>` starts the chat of the link's
    customer or finds the one that they are in: what it answers is what ChatJS and Amazon's chat
    interface begin with. `GET /healthz` tells whether the ledger can be read. Any ASGI server runs
    it, in as many processes as you like on one ledger of PostgreSQL, or in one on a file.

    The keys of links are those of `$CONNECT_TASKS_INVITATION_KEYS`. Nothing is opened until the
    server begins; when it ends, calls under way are finished first. While it runs, it
    ends people's open chats of the instance's stopped campaigns, handed over ones too.

    Args:
        connect: The instance, or the name of its saved block: the one that the campaigns were
            planned for.
        ledger: SQLAlchemy URL, or a ledger that is open; `$CONNECT_TASKS_LEDGER` or the file in
            `.connect_tasks` if None.
        allow_origins: The sites whose pages may press buttons, such as `https://www.example.com`:
            needed only for a front end of your own on another host.
        on_started: Called with a `StartedByPress` once for each chat that is started, beside
            everything else; may be async. It is not called for a chat during whose start the
            process died.
        page: The page; the one that comes with the package if None.
        listen: Listen to each chat once its customer has joined, for its transcript.

    Raises:
        InputError: There are no keys, one of them could be guessed, or an origin is none.

    Example:
        ```python
        from connect_tasks.invitations import invitation_app

        app = invitation_app(connect="production", ledger="postgresql://…")
        # uvicorn my_module:app --workers 4
        ```
    """
    BEFORE_PREFECT.put_back()
    mask_access_logs()
    settings = ServiceSettings(
        connect=connect,
        ledger=ledger,
        keys=InvitationKeys.from_environment(),
        on_started=on_started,
        listen=listen,
    )
    service = _Service(settings, page or InvitationPage())
    app = Starlette(
        routes=[
            # One route, so that whoever uses another method is told of all that there are.
            Route("/i/{token:path}", service.show_or_press, methods=["GET", "POST"]),
            Route("/healthz", service.tell_health, methods=["GET"]),
        ],
        middleware=[
            Middleware(_Headers),
            Middleware(
                CORSMiddleware,
                allow_origins=checked_sites(allow_origins),
                allow_methods=["POST"],
                allow_headers=["*"],
                expose_headers=["Retry-After"],
            ),
        ],
        exception_handlers={Exception: _unavailable},
        lifespan=service.lifespan,
    )
    # It would lead to wherever the client's Host header says.
    app.router.redirect_slashes = False
    return app


class _Service:
    """What the routes share: the service, begun with the server or with the first request."""

    def __init__(self, settings: ServiceSettings, page: InvitationPage) -> None:
        self._settings = settings
        self._page = page
        self._stack = AsyncExitStack()
        self._beginning = asyncio.Lock()
        self._serving: tuple[Running, RenderedPage] | None = None
        self._failure: Exception | None = None
        self._failed_at = 0.0

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Begin and end with the server."""
        # Again: a server may have configured its logs since the app was made.
        mask_access_logs()
        await self._begun()
        try:
            yield
        finally:
            await self._stack.aclose()
            self._serving = None

    async def show_or_press(self, request: Request) -> Response:
        """A press of the button; else the page, whatever the link is."""
        running, page = await self._begun()
        if request.method != "POST":
            return Response(page.body, headers=dict(page.headers))
        return _json(await running.resolver.press(request.path_params["token"]))

    async def tell_health(self, _request: Request) -> Response:
        """Whether the ledger can be read, and nothing else."""
        running, _ = await self._begun()
        is_healthy = await running.is_healthy()
        return _json(_HEALTHY if is_healthy else _UNHEALTHY)

    async def _begun(self) -> tuple[Running, RenderedPage]:
        if self._serving is None:
            async with self._beginning:
                if self._serving is None:
                    self._serving = await self._begin_now()
        return self._serving

    async def _begin_now(self) -> tuple[Running, RenderedPage]:
        if self._failure and time.monotonic() < self._failed_at + _BEGIN_AGAIN_SECONDS:
            # Those who waited meanwhile would else try one after the other.
            raise self._failure.with_traceback(None)
        try:
            async with AsyncExitStack() as stack:
                running = await stack.enter_async_context(Serving(self._settings))
                page = self._page.render(PageEndpoint(running.participant_url))
                self._stack = stack.pop_all()
        except Exception as error:
            self._failure, self._failed_at = error, time.monotonic()
            raise
        self._failure = None
        return running, page


def _json(answer: Answer) -> Response:
    return Response(answer.body, answer.status, headers=answer.headers, media_type=_JSON)


async def _unavailable(_: Request, __: Exception) -> Response:
    """Something of ours broke; the server's log has it."""
    answer = busy(_RETRY_SECONDS)
    response = _json(answer)
    response.headers.update(_HEADERS)
    return response


class _Headers:
    """Gives each answer the headers that it does not have, those of errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _completed(message.get("headers", []))}
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _completed(headers: Any) -> list[tuple[bytes, bytes]]:
    given = list(headers)
    there = {name.lower() for name, _ in given}
    more = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
    return [*given, *(pair for pair in more if pair[0] not in there)]
