"""Clients of the local Connect that do not keep to the rules, byte by byte."""

import json
import logging
import socket
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.sync.client import connect

from connect_tasks.emulator import LocalConnect

SIGNED = b"Authorization: AWS4-HMAC-SHA256 Credential=local/x\r\n"
SUBSCRIBE = '{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}'
FOR_EVER = 20
"""Seconds after which a client that hears nothing gives up; never reached when all is well."""


@dataclass(frozen=True)
class Answer:
    """What came back: everything until the server closed."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str | None:
        """The error code, as botocore reads it."""
        return self.headers.get("x-amzn-errortype")

    @property
    def message(self) -> str:
        """The error's words, as botocore reads them."""
        message: str = json.loads(self.body)["message"]
        return message


def request(
    body: bytes = b"",
    *more: bytes,
    line: bytes = b"PUT /contact/chat HTTP/1.1",
    length: bool = True,
) -> bytes:
    """A request of which each part can be wrong; it asks to be the last one."""
    lengths = [b"Content-Length: %d\r\n" % len(body)] if length else []
    head = [line + b"\r\n", b"Host: localhost\r\nConnection: close\r\n", SIGNED, *more, *lengths]
    return b"".join(head) + b"\r\n" + body


def line_to(local: LocalConnect) -> socket.socket:
    """A bare connection."""
    made = socket.create_connection(("127.0.0.1", int(local.endpoint_url.rpartition(":")[2])))
    made.settimeout(FOR_EVER)
    return made


def listen(line: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    heard = b""
    while piece := line.recv(65536):
        heard += piece
    return heard


def one_answer(line: socket.socket) -> Answer:
    """The next answer on a connection that stays."""
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += line.recv(65536)
    answer = parse(heard)
    body = answer.body
    while len(body) < int(answer.headers["content-length"]):
        body += line.recv(65536)
    return Answer(answer.status, answer.headers, body)


def say(local: LocalConnect, data: bytes) -> Answer:
    """Send bytes, and read the answer."""
    with line_to(local) as line:
        line.sendall(data)
        return parse(listen(line))


def parse(heard: bytes) -> Answer:
    """Take an answer apart."""
    head, _, body = heard.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ")[::2] for line in rest)
    return Answer(int(first.split()[1]), {name.lower(): value for name, value in pairs}, body)


def start(local: LocalConnect, **members: object) -> dict[str, Any]:
    """A chat, started by a client that knows how to behave."""
    smallest = {
        "InstanceId": local.instance_id,
        "ContactFlowId": local.flow_id,
        "ParticipantDetails": {"DisplayName": "Ann"},
        "ConnectionTypes": ["WEBSOCKET", "CONNECTION_CREDENTIALS"],
        **members,
    }
    answer = say(local, request(json.dumps(smallest).encode()))
    assert answer.status == 200, answer
    started: dict[str, Any] = json.loads(answer.body)
    return started


class Neighbour:
    """Another client's open chat, with which everything has to stay right."""

    def __init__(self, local: LocalConnect) -> None:
        self.socket = connect(start(local)["Websocket"]["Url"])
        self.socket.send(SUBSCRIBE)
        for _ in range(3):
            self.socket.recv(timeout=FOR_EVER)

    def is_well(self) -> bool:
        """Whether the socket still answers."""
        self.socket.send('{"topic":"aws/heartbeat"}')
        return self.socket.recv(timeout=FOR_EVER) == '{"topic":"aws/heartbeat"}'


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged as a warning or worse, by anybody; a traceback is more than one line."""
    records = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.exc_text for record in records if record.exc_info] == []
    return [record.getMessage() for record in records]
