"""Bearer tokens and socket URLs: what each opens, and until when."""

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.identity import Identities
from connect_tasks.emulator.instance.started import IssuedConnection
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
        note: Told of each connection that is handed out.

    Attributes:
        socket_base: Where the sockets are, such as `ws://127.0.0.1:4711`; set by the wire.
        issued: Every participant token, connection token and socket URL, in order.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        identities: Identities,
        note: Callable[[IssuedConnection], None],
    ) -> None:
        self.socket_base = "ws://127.0.0.1:0"
        self.issued: list[str] = []
        self._now = now
        self._note = note
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
        # Tokens are the chat's, whichever of its contacts it has come to.
        chat = chat.first
        number = next(self._numbers[chat.key])
        issued = IssuedConnection(
            contact_id=chat.contact_id, number=number, types=tuple(types), issued_at=self._now()
        )
        if types:
            self._note(issued)
        return self._issue(chat, issued)

    def reissue(self, chat: Chat, issued: IssuedConnection) -> None:
        """Let what was handed out before a restart open the chat again, for as long as it lasts."""
        self._issue(chat, issued)
        self._numbers[chat.key] = itertools.count(issued.number + 1)

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

    def _issue(self, chat: Chat, issued: IssuedConnection) -> dict[str, Any]:
        info: dict[str, Any] = {}
        if "WEBSOCKET" in issued.types:
            info["Websocket"] = self._websocket(chat, issued)
        if "CONNECTION_CREDENTIALS" in issued.types:
            info["ConnectionCredentials"] = self._connection_credentials(chat, issued)
        return info

    def _websocket(self, chat: Chat, issued: IssuedConnection) -> dict[str, str]:
        key = self._identities.token("socket", chat.key, issued.number)
        self._urls[key] = (chat, issued.issued_at + _URL_LIFE)
        url = f"{self.socket_base}{SOCKET_PATH}?key={key}"
        self.issued.append(url)
        return {"Url": url, "ConnectionExpiry": iso(issued.issued_at + _CONNECTION_LIFE)}

    def _connection_credentials(self, chat: Chat, issued: IssuedConnection) -> dict[str, str]:
        token = self._identities.token("connection", chat.key, issued.number)
        expiry = issued.issued_at + _CREDENTIALS_LIFE
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
