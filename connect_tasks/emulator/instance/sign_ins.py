"""Customers who are asked to sign in, as the block "Authenticate Customer" does.

Nobody really signs in here: whoever opens the link is sent on to where they came from, with a
code, as Cognito does. What the documentation says: a link can be had within a minute of the event,
once; who does not want to sign in cancels.
"""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from connect_tasks.emulator.flows.steps import SYSTEM_MESSAGE
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.model.errors import RefusedError, access_denied

__all__ = ["SIGN_IN_PATH", "SignIns"]

SIGN_IN_PATH = "/participant/sign-in/"
"""Where the links lead; behind it comes what opens one."""

_TIME_FOR_URL = timedelta(minutes=1)


@dataclass(slots=True)
class _Session:
    """One time that a customer was asked.

    Attributes:
        id: Its id.
        chat: The first contact of the chat.
        asked_at: When.
        is_open: Whether nothing came of it yet.
        redirect_uri: Where the link leads back to; None until there is one.
    """

    id: str
    chat: Chat
    asked_at: datetime
    is_open: bool = True
    redirect_uri: str | None = None


class SignIns:
    """Who is asked to sign in on one instance.

    Args:
        backend: The instance.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._sessions: dict[str, _Session] = {}
        self._by_state: dict[str, _Session] = {}
        self._numbers = itertools.count()

    def ask(self, chat: Chat) -> str:
        """Ask the customer of an open chat to sign in; each call asks anew.

        Returns:
            The id of the session, which the customer's client gets with the event.
        """
        self._forget_ended()
        first = chat.first
        session_id = self._backend.identities.uuid("sign in", first.key, next(self._numbers))
        now = self._backend.schedule.now()
        self._sessions[session_id] = _Session(session_id, first, now)
        content = json.dumps({"SessionId": session_id})
        chat.latest.signal("authentication.initiated", SYSTEM_MESSAGE, content=content)
        return session_id

    def url(self, chat: Chat, request: Mapping[str, Any]) -> str:
        """The link that one session can have.

        Args:
            chat: The chat that asks.
            request: GetAuthenticationUrl's parameters.

        Raises:
            RefusedError: There is no such session, its minute is over, or it had its link.
        """
        session = self._session(chat, request["SessionId"])
        is_late = self._backend.schedule.now() - session.asked_at > _TIME_FOR_URL
        if is_late or session.redirect_uri is not None:
            raise access_denied()
        session.redirect_uri = request["RedirectUri"]
        state = self._backend.identities.token("sign in", session.id)
        self._by_state[state] = session
        return f"{self._backend.connections.http_base}{SIGN_IN_PATH}{state}"

    def cancel(self, chat: Chat, session_id: str) -> None:
        """The customer does not want to.

        Raises:
            RefusedError: There is no such session, or it is over.
        """
        session = self._session(chat, session_id)
        session.is_open = False
        chat.signal("authentication.cancelled", chat.customer)

    def lead_back(self, state: str) -> str:
        """Where somebody is sent who has opened a link: back, with a code.

        Raises:
            RefusedError: There is no such link.
        """
        session = self._by_state.get(state)
        if session is None or session.redirect_uri is None:
            raise access_denied()
        code = self._backend.identities.uuid("code", session.id)
        parts = urlsplit(session.redirect_uri)
        query = [*parse_qsl(parts.query, keep_blank_values=True), ("code", code), ("state", state)]
        return urlunsplit(parts._replace(query=urlencode(query)))

    def finish(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """UpdateParticipantAuthentication: the code came back, or an error did."""
        self._backend.check_instance(request)
        session = self._by_state.get(request["State"])
        if session is None or not session.is_open or not session.chat.latest.is_open:
            raise RefusedError("InvalidRequestException", "State is not known, or over")
        is_code = request.get("Code") == self._backend.identities.uuid("code", session.id)
        if request.get("Error") is None and not is_code:
            raise RefusedError("InvalidParameterException", "Code is not the one that was given")
        session.is_open = False
        ending = "failed" if request.get("Error") is not None else "succeeded"
        session.chat.latest.signal(f"authentication.{ending}", SYSTEM_MESSAGE)
        return {}

    def _forget_ended(self) -> None:
        for known in (self._sessions, self._by_state):
            for key in [k for k, session in known.items() if not session.chat.latest.is_open]:
                del known[key]

    def _session(self, chat: Chat, session_id: str) -> _Session:
        session = self._sessions.get(session_id)
        if session is None or session.chat is not chat.first or not session.is_open:
            raise RefusedError("ValidationException", "SessionId is not known, or over")
        return session
