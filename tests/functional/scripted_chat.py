"""A chat whose other side follows a script, over real sockets: what `LocalConnect` never does.

The transcript is the truth; a script says what of it each socket brings, and when.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr
from websockets.asyncio.server import ServerConnection, serve

from connect_tasks import Conversation
from connect_tasks.aws.pacing.clock import SystemClock
from connect_tasks.aws.transcript import Connection, Item, Page, read_page
from connect_tasks.chat.dialogue import Dialogue, EndReason, Say
from connect_tasks.chat.session import ChatSession
from connect_tasks.chat.session_settings import SessionSettings, last_of_several
from connect_tasks.errors import ChatEndedError

CONTACT = "contact-1"
START = datetime(2026, 11, 27, 9, tzinfo=UTC)
ENDED = "application/vnd.amazonaws.connect.event.chat.ended"

Script = Callable[["Socket"], Awaitable[None]]


def item(number: int, text: str = "", *, role: str = "SYSTEM", **more: Any) -> dict[str, Any]:
    """The item of this number, as Amazon writes it."""
    at = START + timedelta(seconds=number)
    raw = {
        "AbsoluteTime": at.isoformat(),
        "Content": text or f"message {number}",
        "ContentType": "text/plain",
        "Id": f"item-{number}",
        "Type": "MESSAGE",
        "ParticipantRole": role,
        "ContactId": CONTACT,
    }
    return raw | more


def end(number: int = 999) -> dict[str, Any]:
    """The chat's end."""
    return item(number, Content=None, ContentType=ENDED, Type="EVENT", ParticipantRole=None)


def frame(raw: Any) -> str:
    """An item as a frame of the socket."""
    return json.dumps({"topic": "aws/chat", "content": json.dumps(raw)})


class Socket:
    """The other end of one socket."""

    def __init__(self, connection: ServerConnection, chat: "ScriptedChat") -> None:
        self._connection = connection
        self.chat = chat

    async def subscribe(self) -> None:
        """Confirm the subscription."""
        await self.wait_for_subscription()
        answer = {"topic": "aws/subscribe", "content": {"status": "success"}}
        await self.send(json.dumps(answer))

    async def wait_for_subscription(self) -> None:
        """Leave it unconfirmed."""
        while json.loads(await self._connection.recv())["topic"] != "aws/subscribe":
            pass

    async def send(self, *frames: str | bytes) -> None:
        """Send frames, whatever they are."""
        for one in frames:
            await self._connection.send(one)

    async def say(self, *items: dict[str, Any]) -> None:
        """Let items happen, and tell of them."""
        self.chat.happen(*items)
        await self.send(*map(frame, items))

    def cut(self) -> None:
        """Break the connection."""
        self._connection.transport.abort()

    async def keep(self) -> None:
        """Answer heartbeats to the end."""
        async for text in self._connection:
            topic = json.loads(text)["topic"]
            if topic in {"aws/heartbeat", "aws/ping"}:
                await self.send(json.dumps({"topic": topic}))


@dataclass
class Held:
    """What came of a chat."""

    reason: EndReason
    complete: bool | None
    missing: str
    odd: int
    heard: list[str]
    calls: Counter[str]
    said: list[str]


@dataclass
class ScriptedChat:
    """The other side, and the participant calls of ours.

    Args:
        scripts: One for each socket; the last one is followed by all further ones.
        refuses_reading: Which readings are refused with which error; the first is 1.
    """

    scripts: Sequence[Script]
    refuses_reading: dict[int, Exception] = field(default_factory=dict)
    transcript: list[dict[str, Any]] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)
    is_over: bool = False
    echoes: bool = True
    url: str = ""
    spoken: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    sockets: list[Socket] = field(default_factory=list)

    def happen(self, *items: dict[str, Any]) -> None:
        """Something is said, whether or not a socket brings it."""
        self.transcript += items
        self.is_over = self.is_over or any(one.get("ContentType") == ENDED for one in items)

    async def connect(self) -> Connection:
        self.calls["connect"] += 1
        if self.is_over:
            raise ChatEndedError("Access denied", code="AccessDeniedException")
        return Connection(token=SecretStr("t"), url=SecretStr(self.url))

    async def say(self, connection: Connection, message: Say) -> datetime | None:  # noqa: ARG002 - the protocol
        self.calls["say"] += 1
        self.said.append(message.text)
        own = item(100 + message.number, message.text, role="CUSTOMER")
        if self.echoes:
            await self.sockets[-1].say(own)
        else:
            self.happen(own)
        self.spoken.set()
        return datetime.fromisoformat(own["AbsoluteTime"])

    async def read(self, connection: Connection, after: str | None, *, quiet: bool = False) -> Page:  # noqa: ARG002 - the protocol
        self.calls["read"] += 1
        self.calls["quiet read"] += quiet
        if error := self.refuses_reading.get(self.calls["read"]):
            raise error
        if self.is_over:
            raise ChatEndedError("Access denied", code="AccessDeniedException")
        ids = [one.get("Id") for one in self.transcript]
        return read_page(
            {"Transcript": self.transcript[ids.index(after) if after else 0 :]}, CONTACT
        )

    async def close(self, connection: Connection) -> None:  # noqa: ARG002 - the protocol
        self.calls["close"] += 1
        self.closed.set()
        if not self.is_over:
            await self.sockets[-1].say(end())

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        left = list(self.scripts)

        async def follow(connection: ServerConnection) -> None:
            script = left.pop(0) if len(left) > 1 else left[0]
            self.sockets.append(Socket(connection, self))
            await script(self.sockets[-1])

        async with serve(follow, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1) as server:
            port = server.sockets[0].getsockname()[1]
            self.url = f"ws://127.0.0.1:{port}/"
            yield


def hold(
    *scripts: Script,
    messages: Sequence[str] = (),
    reply_timeout_seconds: float = 0.3,
    max_seconds: float = 20,
    refuses_reading: dict[int, Exception] | None = None,
    echoes: bool = True,
    storing_seconds: float = 0,
    **settings: Any,
) -> Held:
    """Hold one chat whose sockets follow these scripts, to its end."""
    conversation = Conversation(
        reply_timeout_seconds=reply_timeout_seconds, max_seconds=max_seconds, settle_seconds=0
    )
    heard: list[str] = []

    async def hear(items: Sequence[Item]) -> None:
        await asyncio.sleep(storing_seconds)
        heard.extend(one.message_id for one in items)

    async def nothing(*_: object) -> None:
        pass

    async def main() -> Held:
        chat = ScriptedChat(scripts, refuses_reading or {}, echoes=echoes)
        session = ChatSession(
            chat,
            Dialogue(conversation, messages),
            clock=SystemClock(),
            on_connected=nothing,
            on_items=hear,
            on_closing=nothing,
            settings=SessionSettings(
                **{"contact_id": CONTACT, "check_before": last_of_several(messages)} | settings
            ),
        )
        async with chat.serving(), asyncio.timeout(60):
            reason = await session.run()
        return Held(
            reason,
            session.transcript_complete,
            session.missing,
            session.odd,
            heard,
            chat.calls,
            chat.said,
        )

    return asyncio.run(main())
