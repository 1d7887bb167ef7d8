"""Bearer tokens and socket URLs: what each opens, and until when."""

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.identity import Identities
from connect_tasks.emulator.instance.seats import Seat
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
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        identities: Identities,
        note: Callable[[IssuedConnection], None],
    ) -> None:
        self.socket_base = "ws://127.0.0.1:0"
        self._issued: dict[str, None] = {}
        self._by_chat: dict[str, list[str]] = {}
        self._now = now
        self._note = note
        self._identities = identities
        self._participants: dict[str, Seat] = {}
        self._credentials: dict[str, tuple[Seat, datetime]] = {}
        self._urls: dict[str, tuple[Seat, datetime]] = {}
        self._left: set[str] = set()
        self._numbers: dict[str, itertools.count[int]] = {}

    @property
    def issued(self) -> list[str]:
        """Every participant token, connection token and socket URL, in order."""
        return list(self._issued)

    @property
    def http_base(self) -> str:
        """Where everything else is, such as `http://127.0.0.1:4711`."""
        return f"http{self.socket_base.removeprefix('ws')}"

    def participant_token(self, chat: Chat) -> str:
        """The participant's token; the same each time."""
        return self.seat_token(Seat(chat, chat.customer))

    def seat_token(self, seat: Seat) -> str:
        """The token of a participant; the same each time."""
        token = self._identities.token("participant", seat.key)
        if token not in self._participants:
            self._participants[token] = seat
            self._numbers[seat.key] = itertools.count(1)
            self._note_issued(seat, token)
        return token

    def issue(self, seat: Seat, types: Sequence[str]) -> dict[str, Any]:
        """Connection information of the types that were asked for, fresh each time."""
        # Tokens are the chat's, whichever of its contacts it has come to.
        seat = Seat(seat.chat.first, seat.speaker)
        number = next(self._numbers[seat.key])
        issued = IssuedConnection(
            contact_id=seat.chat.contact_id,
            number=number,
            types=tuple(types),
            issued_at=self._now(),
        )
        if types and seat.is_customer:
            self._note(issued)
        return self._issue(seat, issued)

    def reissue(self, chat: Chat, issued: IssuedConnection) -> None:
        """Let what was handed out before a restart open the chat again, for as long as it lasts."""
        self._issue(Seat(chat, chat.customer), issued)
        self._numbers[chat.key] = itertools.count(issued.number + 1)

    def customer_id(self, bearer: str) -> str | None:
        """Whose token this is, dead or alive."""
        seat = self._participants.get(bearer)
        if seat is None and bearer in self._credentials:
            seat = self._credentials[bearer][0]
        return seat.chat.customer_id if seat else None

    def by_participant_token(self, bearer: str) -> Seat:
        """The seat of a participant token in an open chat, or AccessDeniedException."""
        return self._open(self._participants.get(bearer))

    def by_connection_token(self, bearer: str) -> Seat:
        """The seat of a connection token that has not expired, or AccessDeniedException."""
        return self._open(self.owner(bearer))

    def owner(self, bearer: str) -> Seat | None:
        """The seat of a connection token that has not expired, its chat open or not."""
        return self._unexpired(self._credentials.get(bearer))

    def forget(self, chat: Chat) -> None:
        """Forget all that was handed out for a chat that is over."""
        for issued in self._by_chat.pop(chat.first.contact_id, ()):
            self._issued.pop(issued, None)
            self._credentials.pop(issued, None)
            self._urls.pop(issued.rpartition("key=")[2], None)
            if seat := self._participants.pop(issued, None):
                self._numbers.pop(seat.key, None)
                self._left.discard(seat.key)

    def leave(self, seat: Seat) -> None:
        """From now on the tokens of a seat open nothing; others of the chat still do."""
        self._left.add(seat.key)

    def has_left(self, seat: Seat) -> bool:
        """Whether the tokens of a seat open nothing any more, its chat open or not."""
        return seat.key in self._left

    def enter(self, key: str, socket: object) -> Seat | None:
        """Let a socket in by its URL's key; `None` if it may not come in."""
        seat = self._unexpired(self._urls.get(key))
        if seat is None or not seat.chat.latest.is_open or seat.key in self._left:
            return None
        sockets = seat.chat.sockets
        if sum(who == seat.speaker for who in sockets.values()) >= _MOST_SOCKETS:
            return None
        sockets[socket] = seat.speaker
        return seat

    def _issue(self, seat: Seat, issued: IssuedConnection) -> dict[str, Any]:
        info: dict[str, Any] = {}
        if "WEBSOCKET" in issued.types:
            info["Websocket"] = self._websocket(seat, issued)
        if "CONNECTION_CREDENTIALS" in issued.types:
            info["ConnectionCredentials"] = self._connection_credentials(seat, issued)
        return info

    def _open(self, seat: Seat | None) -> Seat:
        """The seat in the contact that the chat has come to."""
        if seat is None or not seat.chat.latest.is_open or seat.key in self._left:
            raise access_denied()
        return seat.latest

    def expiry(self, key: str) -> datetime:
        """Until when a connection lasts that a URL's key has opened."""
        return self._urls[key][1] - _URL_LIFE + _CONNECTION_LIFE

    def _websocket(self, seat: Seat, issued: IssuedConnection) -> dict[str, str]:
        self._drop_old_urls()
        key = self._identities.token("socket", seat.key, issued.number)
        self._urls[key] = (seat, issued.issued_at + _URL_LIFE)
        url = f"{self.socket_base}{SOCKET_PATH}?key={key}"
        self._note_issued(seat, url)
        return {"Url": url, "ConnectionExpiry": iso(issued.issued_at + _CONNECTION_LIFE)}

    def _connection_credentials(self, seat: Seat, issued: IssuedConnection) -> dict[str, str]:
        token = self._identities.token("connection", seat.key, issued.number)
        expiry = issued.issued_at + _CREDENTIALS_LIFE
        self._credentials[token] = (seat, expiry)
        self._note_issued(seat, token)
        return {"ConnectionToken": token, "Expiry": iso(expiry)}

    def _note_issued(self, seat: Seat, issued: str) -> None:
        self._issued[issued] = None
        self._by_chat.setdefault(seat.chat.first.contact_id, []).append(issued)

    def _drop_old_urls(self) -> None:
        """Drop the URLs that open nothing any more; they stand in the order of their expiry."""
        now = self._now()
        while self._urls and next(iter(self._urls.values()))[1] <= now:
            del self._urls[next(iter(self._urls))]

    def _unexpired(self, entry: tuple[Seat, datetime] | None) -> Seat | None:
        return entry[0] if entry is not None and self._now() < entry[1] else None
