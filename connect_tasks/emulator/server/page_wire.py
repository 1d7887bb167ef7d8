"""The page at `/` over HTTP: what it shows, and the forms that it sends."""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from connect_tasks.emulator.instance.agent_desk import AgentDesk, Role
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.page.document import document, headers
from connect_tasks.emulator.page.forms import FormError, read_attributes
from connect_tasks.emulator.page.view import Asked, Draft, View, chosen, listed
from connect_tasks.emulator.server.bodies import read_body
from connect_tasks.emulator.server.transports import name_of
from connect_tasks.emulator.server.visitors import is_own_form

__all__ = ["PageWire"]

_log = logging.getLogger(__name__)
_PREFIX = "/_page/"
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20
_SEE_OTHER = 303

Form = Mapping[str, str]


class PageWire:
    """Serves the page of one instance.

    Args:
        backend: The instance.
        lock: Held while something is looked up or done, because other threads do so too.
        body_bytes: The largest form that is read.
        flow_id: The flow that is chosen beforehand.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        lock: AbstractContextManager[Any],
        body_bytes: int,
        flow_id: str = "",
    ) -> None:
        self._backend = backend
        self._flow_id = flow_id
        self._desk = AgentDesk(backend)
        self._lock = lock
        self._body_bytes = body_bytes
        self._actions: dict[str, Callable[[Form, Asked], str]] = {
            "start": self._start,
            "say": self._say,
            "leave": self._leave,
        }

    def is_meant(self, http: HttpRequest) -> bool:
        """Whether a request is for the page."""
        path = http.url.path
        return (path == "/" and http.method in ("GET", "HEAD")) or (
            path.startswith(_PREFIX) and http.method == "POST"
        )

    async def respond(self, http: HttpRequest) -> Response:
        """Answer one request; concurrently with others. Cancelling loses the answer alone.

        Raises:
            GoneError: The client hung up before its request was whole.
            TooLargeError: Its form is larger than the limit.
        """
        if http.method != "POST":
            return self._show(Asked.read(http.query_params))
        body = await read_body(http, self._body_bytes)
        if not is_own_form(http.headers):
            _log.warning("Refused %s: a form that is not this page's own.", name_of(http.client))
            return PlainTextResponse("Only the page itself may send this.", 403)
        if http.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
            return PlainTextResponse(f"A form is {_FORM}.", 415)
        return self._carry_out(http.url.path.removeprefix(_PREFIX), body)

    def _carry_out(self, name: str, body: bytes) -> Response:
        action = self._actions.get(name)
        try:
            form = _read(body)
        except ValueError:
            return PlainTextResponse("This is no form of this page.", 400)
        if action is None:
            return PlainTextResponse("This page has no such form.", 404)
        asked = Asked.read(dict(parse_qsl(urlsplit(form.get("address", "")).query)))
        return self._try(action, form, asked)

    def _try(self, action: Callable[[Form, Asked], str], form: Form, asked: Asked) -> Response:
        try:
            with self._lock:
                self._backend.schedule.run_due()
                address = action(form, asked)
        except FormError as error:
            return self._show(asked, form, problem=str(error), status=400)
        except RefusedError as refused:
            return self._show(asked, form, problem=refused.message, status=refused.status)
        return RedirectResponse(address, _SEE_OTHER, {"Cache-Control": "no-store"})

    def _start(self, form: Form, asked: Asked) -> str:
        contact_id = self._desk.start(
            form.get("flow", ""),
            display_name=form.get("name", ""),
            attributes=read_attributes(form.get("attributes", "")),
            initial_message=form.get("message", ""),
        )
        return asked.address(contact_id)

    def _say(self, form: Form, asked: Asked) -> str:
        role = _role(form)
        self._desk.say(asked.contact_id, role, form.get("text", ""))
        return replace(asked, role=role).address()

    def _leave(self, form: Form, asked: Asked) -> str:
        self._desk.leave(asked.contact_id, _role(form))
        return asked.address()

    def _show(
        self, asked: Asked, form: Form | None = None, *, problem: str = "", status: int = 200
    ) -> Response:
        with self._lock:
            self._backend.schedule.run_due()
            view = self._view(asked, form or {}, problem)
        if asked.contact_id and view.chosen is None and not problem:
            view, status = replace(view, problem="There is no such chat here."), 404
        return Response(document(view), status, dict(headers()), "text/html; charset=utf-8")

    def _view(self, asked: Asked, form: Form, problem: str) -> View:
        chats = self._backend.chats
        summaries, has_more = listed(chats, asked)
        return View(
            asked=asked,
            flows=dict(self._backend.flow_ids),
            chats=summaries,
            has_more=has_more,
            total=len(chats),
            chosen=chosen(chats, asked.contact_id),
            draft=_draft(form, self._flow_id),
            text=form.get("text", ""),
            problem=problem,
        )


def _read(body: bytes) -> Form:
    """The fields of a form; the last of a name counts, as where a button has one."""
    text = body.decode("ascii")
    pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    return dict(pairs)


def _role(form: Form) -> Role:
    return "AGENT" if form.get("as") == "AGENT" else "CUSTOMER"


def _draft(form: Form, flow_id: str) -> Draft:
    if "flow" not in form:
        return Draft(flow_id)
    return Draft(
        flow_id=form["flow"],
        display_name=form.get("name", ""),
        attributes=form.get("attributes", ""),
        initial_message=form.get("message", ""),
    )
