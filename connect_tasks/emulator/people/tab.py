"""A chat in somebody's browser tab: the participant's calls, and the web socket."""

import asyncio
import json
import logging
from contextlib import suppress
from random import Random
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from connect_tasks.emulator.flows.answers import Question, read_question
from connect_tasks.emulator.people.link import Sleep

__all__ = ["OverError", "Tab"]

_SUBSCRIBE = '{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}'
_ENDED = "application/vnd.amazonaws.connect.event.chat.ended"
_BOTH = ["WEBSOCKET", "CONNECTION_CREDENTIALS"]
_DENIED = 403
_THROTTLED = 429
_FAULT = 500
_MOST_TRIES = 10
_MOST_SOCKETS = 5
_SECONDS_FOR_ECHO = 2

# At its DEBUG level websockets logs the URL, which opens the chat for whoever reads it.
_quiet = logging.getLogger(f"{__name__}.socket")
_quiet.setLevel(logging.WARNING)


class OverError(Exception):
    """The chat is over: its tokens open nothing any more."""


class Tab:
    """One tab with one chat.

    Args:
        http: The browser.
        endpoint_url: Where the participant service is.
        participant_token: The token that the pressed button gave.
        chance: What waits follow from.
        sleep: Lets time pass.

    Attributes:
        is_over: Whether the chat has come to its end.
        contact_ids: The contacts of the chat, as they were heard of.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        endpoint_url: str,
        participant_token: str,
        *,
        chance: Random,
        sleep: Sleep,
    ) -> None:
        self.is_over = False
        self.contact_ids: dict[str, None] = {}
        self._http = http
        self._endpoint_url = endpoint_url.rstrip("/")
        self._participant_token = participant_token
        self._chance = chance
        self._sleep = sleep
        self._connection_token = ""
        self._socket: ClientConnection | None = None
        self._seen: set[str] = set()
        self._unanswered: list[dict[str, Any]] = []
        self._said: dict[str, str] = {}
        self._echoes: dict[str, str] = {}
        self._sockets = 0

    async def open(self) -> None:
        """Connect, and read what was said so far. Not to be called concurrently.

        Cancelling leaves it as it was, or with a socket that `close` closes.

        Raises:
            OverError: The chat is over.
            httpx.HTTPError: There is no answer.
            OSError: The socket cannot be opened.
        """
        self._sockets += 1
        info = await self._call("connection", self._participant_token, {"Type": _BOTH})
        self._connection_token = info["ConnectionCredentials"]["ConnectionToken"]
        self._socket = await connect(
            info["Websocket"]["Url"], logger=_quiet, proxy=None, ping_interval=None
        )
        await self._socket.send(_SUBSCRIBE)
        while json.loads(await self._socket.recv()).get("topic") != "aws/subscribe":
            pass
        await self._catch_up()

    async def close(self) -> None:
        """Close the tab; the chat goes on without. A second call does nothing.

        Concurrent calls all wait for the same socket; cancelling leaves it to the server.
        """
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    async def next_question(
        self, number: int, *, customer_id: str | None, pause: float, patience: float
    ) -> Question | None:
        """Listen until one is asked something. Not to be called concurrently.

        Cancelling loses nothing that was heard.

        Args:
            number: Which question of the chat it would be.
            customer_id: Who listens.
            pause: Seconds of silence after which it is one's turn.
            patience: Seconds of silence after which nobody is waited for any more.

        Returns:
            The question; None where the chat is over or patience has run out.
        """
        while not self.is_over:
            question = read_question(self._unanswered, customer_id=customer_id, number=number)
            try:
                async with asyncio.timeout(patience if question is None else pause):
                    await self._hear()
            except TimeoutError:
                return question
            except OverError:
                self.is_over = True
        return None

    async def say(self, text: str) -> str:
        """Send a message in plain text, as pressing a button of an interactive one does too.

        Concurrent messages arrive in any order. Cancelling leaves open whether it was sent.

        Returns:
            The message's id.

        Raises:
            OverError: The chat is over.
            httpx.HTTPError: There is no answer.
        """
        self._unanswered.clear()
        body = {"ContentType": "text/plain", "Content": text}
        # The same for all tries: what was said is said once.
        body["ClientToken"] = f"{self._chance.getrandbits(128):032x}"
        try:
            sent = await self._call("message", self._connection_token, body)
        except OverError:
            # An answer that was lost may have been the one that ended the chat.
            return await self._find_said(text)
        message_id: str = sent["Id"]
        self._said[message_id] = text
        return message_id

    async def _find_said(self, text: str) -> str:
        """The message that was said without our learning of it, by its echo."""
        with suppress(OverError, TimeoutError):
            async with asyncio.timeout(_SECONDS_FOR_ECHO):
                while not self.is_over:
                    await self._hear()
        known = self._said
        for message_id, content in self._echoes.items():
            if content == text and message_id not in known:
                return message_id
        raise OverError

    async def _hear(self) -> None:
        """Take in one frame; where the socket is gone, open another and read what was missed."""
        socket = self._socket
        if socket is None:
            raise OverError
        try:
            frame = json.loads(await socket.recv())
        except ConnectionClosed:
            if self._sockets >= _MOST_SOCKETS:
                raise OverError from None
            with suppress(InvalidHandshake, TimeoutError):
                await self.open()
            return
        if frame.get("topic") == "aws/chat":
            self._take(json.loads(frame["content"]))

    async def _catch_up(self) -> None:
        request = {"MaxResults": 100, "SortOrder": "ASCENDING"}
        page = await self._call("transcript", self._connection_token, request)
        for item in page["Transcript"]:
            if item.get("ParticipantRole") == "CUSTOMER" and item["Type"] == "MESSAGE":
                # Somebody has answered what came before, perhaps in another tab.
                self._unanswered.clear()
            self._take(item)

    def _take(self, item: dict[str, Any]) -> None:
        if item["Id"] in self._seen:
            return
        self._seen.add(item["Id"])
        if item.get("ContactId"):
            self.contact_ids[item["ContactId"]] = None
        if item["ContentType"] == _ENDED:
            self.is_over = True
        if item["Type"] != "MESSAGE":
            return
        if item.get("ParticipantRole") == "CUSTOMER":
            self._echoes[item["Id"]] = item["Content"]
        else:
            self._unanswered.append(item)

    async def _call(self, path: str, bearer: str, body: dict[str, Any]) -> dict[str, Any]:
        url = f"{self._endpoint_url}/participant/{path}"
        for number in range(1, _MOST_TRIES):
            with suppress(httpx.TransportError):
                answer = await self._http.post(url, json=body, headers={"X-Amz-Bearer": bearer})
                if not _is_passing(answer.status_code):
                    return _content_of(answer)
            await self._sleep(self._chance.uniform(0.1, 0.2) * number)
        answer = await self._http.post(url, json=body, headers={"X-Amz-Bearer": bearer})
        return _content_of(answer)


def _is_passing(status: int) -> bool:
    return status == _THROTTLED or status >= _FAULT


def _content_of(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code == _DENIED:
        raise OverError
    content: dict[str, Any] = answer.raise_for_status().json()
    return content
