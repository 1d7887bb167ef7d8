"""A stand-in for the application behind a link, before a local Amazon Connect; all by script."""

import json
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import uvicorn
from botocore.config import Config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connect_tasks.emulator import LocalConnect
from connect_tasks.emulator.flows.steps import Speaker
from connect_tasks.invitations.page import InvitationPage, PageEndpoint

__all__ = ["AGENT", "BOT", "INTERACTIVE", "RESPONSE", "PageWorld", "page_world", "serve"]

INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
RESPONSE = f"{INTERACTIVE}.response"
BOT = Speaker("SYSTEM", "BOT")
AGENT = Speaker("AGENT", "Alex")
CONTENT_TYPES = ["text/plain", "text/markdown", "application/json", INTERACTIVE, RESPONSE]

_TOKEN = "Zm9vYmFyYmF6cXV4cXV1eA"

Answer = tuple[int, dict[str, Any], dict[str, str]]


class PageWorld:
    """Serves the page, starts a chat for each press, and speaks for the other side.

    Args:
        local: Where the chats are.
        page: The page.
        seconds: Times of the page that are to be others than people's.

    Attributes:
        url: Where it is served.
        posts: The path of each press.
        answers: What the next presses are answered with instead of a chat.
        request: Members of StartChatContact.
        generation: Part of the client token; another one makes another contact.
    """

    def __init__(
        self, local: LocalConnect, page: InvitationPage, seconds: Mapping[str, float]
    ) -> None:
        self.url = ""
        self.posts: list[str] = []
        self.answers: deque[Answer] = deque()
        self.request: dict[str, Any] = {}
        self.generation = 1
        self.local = local
        self.page = page
        self._seconds = seconds
        make: Any = boto3.client
        self._connect = make(
            "connect",
            endpoint_url=local.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}),
        )

    @property
    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/i/{token}", self._show, methods=["GET"]),
                Route("/i/{token}", self._press, methods=["POST"]),
            ]
        )

    def link(self, token: str = _TOKEN) -> str:
        """A personal link."""
        return f"{self.url}/i/{token}"

    async def _show(self, _request: Request) -> Response:
        rendered = self.page.render(PageEndpoint(self.local.endpoint_url))
        body = rendered.body.decode()
        for name, value in self._seconds.items():
            # The settings are data, which the policy's hashes do not cover.
            body, count = re.subn(rf'(?<="{name}": )[0-9.]+', str(value), body, count=1)
            assert count, f"The page has no time {name}."
        return Response(body, headers=dict(rendered.headers))

    def _press(self, request: Request) -> Response:
        self.posts.append(request.url.path)
        if self.answers:
            status, body, headers = self.answers.popleft()
            return JSONResponse(body, status, headers)
        return JSONResponse(self.start(request.path_params["token"]))

    def start(self, token: str) -> dict[str, Any]:
        """Start the chat of a link; again, it is the same one."""
        members = {
            "InstanceId": self.local.instance_id,
            "ContactFlowId": self.local.flow_id,
            "ParticipantDetails": {"DisplayName": "Ann"},
            "SupportedMessagingContentTypes": CONTENT_TYPES,
            "ClientToken": f"{token}-{self.generation}",
            **self.request,
        }
        started = self._connect.start_chat_contact(**members)
        names = ("ContactId", "ParticipantId", "ParticipantToken")
        features = {"MESSAGING_MARKDOWN": False, "ATTACHMENTS": False}
        result = {name: started[name] for name in names}
        return {"data": {"startChatResult": result, "featurePermissions": features}}

    def say(
        self, content: object, content_type: str = "text/plain", speaker: Speaker = BOT
    ) -> None:
        """Let somebody say something in the latest chat; what is no text, as JSON."""
        text = content if isinstance(content, str) else json.dumps(content)
        with self.local._lock:
            self.chat.say(speaker, text, content_type)

    def signal(self, event: str, speaker: Speaker | None = AGENT) -> None:
        """Let an event happen in the latest chat."""
        with self.local._lock:
            self.chat.signal(event, speaker)

    def ask(self, kind: str, **content: object) -> None:
        """Send an interactive message of a kind."""
        self.say(
            {"templateType": kind, "version": "1.0", "data": {"content": content}}, INTERACTIVE
        )

    def stop(self) -> None:
        """End the latest chat."""
        ids = {"InstanceId": self.local.instance_id, "ContactId": self.chat.contact_id}
        self._connect.stop_contact(**ids)

    def drop(self) -> None:
        """Cut all that is connected to the local Amazon Connect."""
        self.local._transports.cut_all()

    @property
    def chat(self) -> Any:
        """The latest chat."""
        return list(self.local._backend.chats.values())[-1]

    @property
    def said(self) -> list[tuple[str, str]]:
        """The role and text of each message of the latest chat."""
        with self.local._lock:
            items = [item for item in self.chat.items if item.type == "MESSAGE"]
        return [(str(item.participant_role), str(item.content)) for item in items]

    def close(self) -> None:
        """Close its client."""
        self._connect.close()


@contextmanager
def serve(app: Any) -> Iterator[str]:
    """Serve an application on a port of this machine; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_level="warning", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


@contextmanager
def page_world(
    local: LocalConnect, page: InvitationPage | None = None, **seconds: float
) -> Iterator[PageWorld]:
    """The stand-in, served for a moment."""
    world = PageWorld(local, page or InvitationPage(), seconds)
    with serve(world.app) as world.url:
        yield world
    world.close()
