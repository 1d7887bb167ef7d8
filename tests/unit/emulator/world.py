"""An instance under a fake clock, driven without HTTP."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.ended import EndedContact
from connect_tasks.emulator.instance.streaming import Publish
from connect_tasks.emulator.phones import LocalPhones
from connect_tasks.emulator.quotas import LocalQuotas
from connect_tasks.emulator.server.sockets import ParticipantSocket
from connect_tasks.emulator.service import Request, Service
from connect_tasks.emulator.transcript_storage import TranscriptStorage

BOTH = ["WEBSOCKET", "CONNECTION_CREDENTIALS"]
SUBSCRIBE = '{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}'


def only_ended(ended: list[EndedContact]) -> Callable[[object], None]:
    """What notes down which contacts have ended, and nothing else."""
    return lambda line: ended.append(line) if isinstance(line, EndedContact) else None


class FakeClock:
    """Time that moves only when told to."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 22, 7, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time it is."""
        return self.moment

    def advance(self, **spans: float) -> None:
        """Move on by a time span, as timedelta takes it."""
        self.moment += timedelta(**spans)


class Socket:
    """A customer's socket, with all that it was sent."""

    def __init__(self, backend: Backend, url: str) -> None:
        self.frames: list[dict[str, Any]] = []
        chat = backend.connections.enter(url.partition("key=")[2], self)
        self.is_in = chat is not None
        if chat is not None:
            take: Callable[[str], None] = lambda text: self.frames.append(json.loads(text))  # noqa: E731
            self._end = ParticipantSocket(backend, chat, "connection-1", send=take, send_chat=take)

    def send(self, text: str) -> list[dict[str, Any]]:
        """Send a frame; what comes back at once."""
        before = len(self.frames)
        self._end.receive(text)
        return self.frames[before:]

    def close(self) -> None:
        """Go away."""
        self._end.close()

    @property
    def items(self) -> list[dict[str, str]]:
        """The chat items received so far."""
        chat_frames = [frame for frame in self.frames if frame["topic"] == "aws/chat"]
        return [json.loads(frame["content"]) for frame in chat_frames]

    @property
    def said(self) -> list[tuple[str, str]]:
        """Who said what, or which event happened to whom."""
        return [
            (item.get("ParticipantRole", ""), item.get("Content") or item["ContentType"])
            for item in self.items
        ]


class World:
    """One instance and its clock."""

    def __init__(
        self,
        *,
        seed: int = 0,
        quotas: LocalQuotas | None = None,
        think_seconds: tuple[float, float] = (0, 0),
        storage: TranscriptStorage | None = None,
        publish: Publish = lambda _: None,
        phones: LocalPhones | None = None,
    ) -> None:
        quotas = quotas or LocalQuotas.unlimited()
        self.clock = FakeClock()
        self.backend = Backend(
            now=self.clock,
            seed=seed,
            open_chats=quotas.open_chats,
            think_seconds=think_seconds,
            storage=storage,
        )
        self.service = Service(
            self.backend,
            quotas,
            lambda: self.clock().timestamp(),
            publish=publish,
            phones=phones,
        )

    def call(self, operation: str, bearer: str = "", **params: object) -> dict[str, Any]:
        """One signed call."""
        return self.service.answer(Request(operation, params, bearer, "AWS4-HMAC-SHA256 x"))

    def request(self, flow: str = "survey", /, **members: object) -> dict[str, Any]:
        """A StartChatContact request with the fewest members, and those given."""
        smallest = {
            "InstanceId": self.backend.instance_id,
            "ContactFlowId": self.backend.flow_ids[flow],
            "ParticipantDetails": {"DisplayName": "Ann"},
            "ClientToken": "token-1",
        }
        return {**smallest, **members}

    def start(self, flow: str = "survey", /, **members: object) -> dict[str, Any]:
        """Start a chat."""
        return self.call("StartChatContact", **self.request(flow, **members))

    def outbound(self, flow: str = "survey", /, **members: object) -> dict[str, Any]:
        """A StartOutboundChatContact request with the fewest members, and those given."""
        arn = "arn:aws:connect:us-east-1:111122223333:phone-number/p-1"
        smallest = {
            "InstanceId": self.backend.instance_id,
            "ContactFlowId": self.backend.flow_ids[flow],
            "SourceEndpoint": {"Type": "CONNECT_PHONENUMBER_ARN", "Address": arn},
            "DestinationEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "+4915112345678"},
            "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:SMS"}},
            "ClientToken": "token-1",
        }
        return {**smallest, **members}

    def text_to(self, number: str, flow: str = "survey", /, **members: object) -> str:
        """Begin a conversation on a phone, and let happen what does at once; the contact."""
        destination = {"Type": "TELEPHONE_NUMBER", "Address": number}
        request = self.outbound(flow, DestinationEndpoint=destination, ClientToken=number)
        contact_id: str = self.call("StartOutboundChatContact", **request | members)["ContactId"]
        self.backend.schedule.run_due()
        return contact_id

    def said_in(self, contact_id: str) -> list[tuple[str, str]]:
        """Who said what in a contact."""
        items = self.backend.chats[contact_id].items
        return [(i.participant_role or "", i.content) for i in items if i.content is not None]

    def connect(self, started: dict[str, Any]) -> tuple[Socket, str]:
        """A socket that has not subscribed yet, and the connection token."""
        info = self.call("CreateParticipantConnection", started["ParticipantToken"], Type=BOTH)
        token = info["ConnectionCredentials"]["ConnectionToken"]
        return Socket(self.backend, info["Websocket"]["Url"]), token

    def join(self, flow: str = "survey", /, **members: object) -> tuple[Socket, str]:
        """A new chat's subscribed socket, and its connection token."""
        socket, token = self.connect(self.start(flow, **members))
        socket.send(SUBSCRIBE)
        return socket, token

    def say(self, token: str, text: str, **members: object) -> dict[str, Any]:
        """Let the customer say something."""
        return self.call(
            "SendMessage", token, **{"ContentType": "text/plain", "Content": text, **members}
        )

    def describe(self, contact_id: str) -> dict[str, Any]:
        """The contact's description."""
        ids = {"InstanceId": self.backend.instance_id, "ContactId": contact_id}
        contact: dict[str, Any] = self.call("DescribeContact", **ids)["Contact"]
        return contact

    def stop(self, contact_id: str) -> dict[str, Any]:
        """Stop the contact."""
        ids = {"InstanceId": self.backend.instance_id, "ContactId": contact_id}
        return self.call("StopContact", **ids)

    def pass_time(self, **spans: float) -> None:
        """Move the clock on and let happen what is due."""
        self.clock.advance(**spans)
        self.backend.schedule.run_due()
