"""Bearer tokens and socket URLs: what each opens, and until when."""

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.identity import Identities
from connect_tasks.emulator.instance.transcript import iso
from connect_tasks.emulator.model.errors import access_denied

__all__ = ["Connections"]

SOCKET_PATH = "/participant/socket"

_CREDENTIALS_LIFE = timedelta(days=1)
# A URL has to be opened within 100 s; the connection it opens is meant to last an hour.
_URL_LIFE = timedelta(seconds=100)
_CONNECTION_LIFE = timedelta(hours=1)
_MOST_SOCKETS = 5


class Connections:
    """Every token and URL that was handed out.

    Args:
        now: The clock.
        identities: Makes the tokens.

    Attributes:
        socket_base: Where the sockets are, such as `ws://127.0.0.1:4711`; set by the wire.
        issued: Every participant token, connection token and socket URL, in order.
    """

    def __init__(self, now: Callable[[], datetime], identities: Identities) -> None:
        self.socket_base = "ws://127.0.0.1:0"
        self.issued: list[str] = []
        self._now = now
        self._identities = identities
        self._participants: dict[str, Chat] = {}
        self._credentials: dict[str, tuple[Chat, datetime]] = {}
        self._urls: dict[str, tuple[Chat, datetime]] = {}
        self._numbers: dict[str, itertools.count[int]] = {}

    def participant_token(self, chat: Chat) -> str:
        """The participant's token; the same each time."""
        token = self._identities.token("participant", chat.key)
        if token not in self._participants:
            self._participants[token] = chat
            self._numbers[chat.key] = itertools.count(1)
            self.issued.append(token)
        return token

    def issue(self, chat: Chat, types: Sequence[str]) -> dict[str, Any]:
        """Connection information of the types that were asked for, fresh each time."""
        info: dict[str, Any] = {}
        # Tokens are the chat's, whichever of its contacts it has come to.
        chat = chat.first
        number = next(self._numbers[chat.key])
        if "WEBSOCKET" in types:
            info["Websocket"] = self._websocket(chat, number)
        if "CONNECTION_CREDENTIALS" in types:
            info["ConnectionCredentials"] = self._connection_credentials(chat, number)
        return info

    def customer_id(self, bearer: str) -> str | None:
        """Whose token this is, dead or alive."""
        if bearer in self._participants:
            return self._participants[bearer].customer_id
        return self._credentials[bearer][0].customer_id if bearer in self._credentials else None

    def by_participant_token(self, bearer: str) -> Chat:
        """The open chat of a participant token, or AccessDeniedException."""
        return _open(self._participants.get(bearer))

    def by_connection_token(self, bearer: str) -> Chat:
        """The open chat of a connection token that has not expired, or AccessDeniedException."""
        return _open(self.owner(bearer))

    def owner(self, bearer: str) -> Chat | None:
        """The chat of a connection token that has not expired, open or not."""
        return self._unexpired(self._credentials.get(bearer))

    def enter(self, key: str, socket: object) -> Chat | None:
        """Let a socket in by its URL's key; `None` if it may not come in."""
        chat = self._unexpired(self._urls.get(key))
        if chat is None or not chat.latest.is_open or len(chat.sockets) >= _MOST_SOCKETS:
            return None
        chat.sockets.add(socket)
        return chat

    def _websocket(self, chat: Chat, number: int) -> dict[str, str]:
        key = self._identities.token("socket", chat.key, number)
        self._urls[key] = (chat, self._now() + _URL_LIFE)
        url = f"{self.socket_base}{SOCKET_PATH}?key={key}"
        self.issued.append(url)
        return {"Url": url, "ConnectionExpiry": iso(self._now() + _CONNECTION_LIFE)}

    def _connection_credentials(self, chat: Chat, number: int) -> dict[str, str]:
        token = self._identities.token("connection", chat.key, number)
        expiry = self._now() + _CREDENTIALS_LIFE
        self._credentials[token] = (chat, expiry)
        self.issued.append(token)
        return {"ConnectionToken": token, "Expiry": iso(expiry)}

    def _unexpired(self, entry: tuple[Chat, datetime] | None) -> Chat | None:
        return entry[0] if entry is not None and self._now() < entry[1] else None


def _open(chat: Chat | None) -> Chat:
    """The contact that the chat has come to."""
    if chat is None or not chat.latest.is_open:
        raise access_denied()
    return chat.latest
