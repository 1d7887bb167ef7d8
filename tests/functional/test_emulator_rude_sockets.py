"""Rude web socket clients of the local Connect: a reason to them, one log line, nobody else."""

import json
import socket as sockets
import struct
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from connect_tasks.emulator import LocalConnect, LocalLimits, LocalQuotas
from connect_tasks.emulator.model.strict_json import MOST_DEPTH
from tests.functional.rude import (
    FOR_EVER,
    SUBSCRIBE,
    Neighbour,
    line_to,
    lines,
    listen,
    say,
    start,
)

UPGRADE = (
    b"Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n"
)
HEARTBEAT = '{"topic":"aws/heartbeat"}'
MASK = b"\0\0\0\0"


@pytest.fixture(scope="module")
def local() -> Iterator[LocalConnect]:
    quotas = LocalQuotas.unlimited()
    with LocalConnect(flow="echo", quotas=quotas) as running:
        yield running


@pytest.fixture(scope="module")
def neighbour(local: LocalConnect) -> Neighbour:
    return Neighbour(local)


def url_of(local: LocalConnect) -> str:
    url: str = start(local)["Websocket"]["Url"]
    return url


def open_line(local: LocalConnect) -> sockets.socket:
    """A socket after its hand-shake, byte by byte."""
    parts = urlsplit(url_of(local))
    line = line_to(local)
    line.sendall(f"GET {parts.path}?{parts.query} HTTP/1.1\r\n".encode() + UPGRADE)
    heard = b""
    while not heard.endswith(b"\r\n\r\n"):
        heard += line.recv(1)
    assert heard.startswith(b"HTTP/1.1 101 ")
    return line


def frame(
    payload: bytes, *, opcode: int = 1, is_last: bool = True, bits: int = 0, masked: bool = True
) -> bytes:
    """A frame of the protocol."""
    first = (0x80 if is_last else 0) | bits << 4 | opcode
    size = len(payload)
    if size < 126:
        length = bytes([size])
    else:
        length = (
            b"\x7e" + struct.pack("!H", size) if size < 65536 else b"\x7f" + struct.pack("!Q", size)
        )
    if masked:
        length = bytes([length[0] | 0x80]) + length[1:] + MASK
    return bytes([first]) + length + payload


def close_code(heard: bytes) -> int:
    """The code of a closing frame, the last thing that was heard."""
    start = heard.rindex(b"\x88")
    (code,) = struct.unpack("!H", heard[start + 2 : start + 4])
    return int(code)


@pytest.mark.parametrize(
    "path", ["/participant/socket?key=wrong", "/participant/socket", "/nowhere", "/contact/chat"]
)
def test_a_url_that_opens_nothing_is_forbidden(
    local: LocalConnect, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    with pytest.raises(InvalidStatus) as caught:
        connect(local.endpoint_url.replace("http", "ws") + path)

    response = caught.value.response
    assert response.status_code == 403
    assert response.headers["x-amzn-ErrorType"] == "ForbiddenException"
    assert json.loads(response.body or b"") == {"message": "Forbidden"}
    assert len(lines(caplog)) == 1


KEY = b"Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n"
NO_HAND_SHAKE = {
    "no key": b"GET /participant/socket HTTP/1.1\r\n" + UPGRADE.replace(KEY, b""),
    "a short key": b"GET /participant/socket HTTP/1.1\r\n" + UPGRADE.replace(b"x3JJ", b""),
    "another version": b"GET /participant/socket HTTP/1.1\r\n" + UPGRADE.replace(b"13", b"12"),
    "another method": b"POST /participant/socket HTTP/1.1\r\n" + UPGRADE,
    "a long path": b"GET /participant/socket?key=" + b"a" * 9000 + b" HTTP/1.1\r\n" + UPGRADE,
    "many headers": b"GET /participant/socket HTTP/1.1\r\n" + b"A: b\r\n" * 200 + UPGRADE,
}


@pytest.mark.parametrize("data", NO_HAND_SHAKE.values(), ids=NO_HAND_SHAKE)
def test_what_is_no_opening_hand_shake_is_a_bad_request(
    local: LocalConnect, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    answer = say(local, data)

    assert answer.status in (400, 426)
    assert answer.code == "BadRequestException"
    assert answer.message
    assert len(lines(caplog)) == 1


NO_FRAMES = {
    "nested lists": "[" * 30_000,
    "nested objects": '{"topic":' * 3000 + "1" + "}" * 3000,
    "just too deep": '{"topic":"aws/heartbeat","a":' + "[" * MOST_DEPTH + "]" * MOST_DEPTH + "}",
    "a topic that is a list": '{"topic":["aws/ping"]}',
    "no number": '{"topic":"aws/ping","a":NaN}',
    "half a surrogate pair": '{"topic":"aws/ping","a":"\\ud800"}',
    "a number of 5000 digits": '{"topic":"aws/ping","a":' + "9" * 5000 + "}",
    "a text": "hello",
    "a NUL": "\0",
}


@pytest.mark.parametrize("text", NO_FRAMES.values(), ids=NO_FRAMES)
def test_a_frame_that_is_none_is_forbidden_and_the_socket_stays(
    local: LocalConnect, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    with connect(url_of(local)) as socket:
        for _ in range(3):
            socket.send(text)
            assert json.loads(socket.recv(timeout=FOR_EVER))["message"] == "Forbidden"
        socket.send(HEARTBEAT)
        assert socket.recv(timeout=FOR_EVER) == HEARTBEAT

    assert len(lines(caplog)) == 1


CONTENTS = ["null", "[]", '"x"', "{}", '{"topics":null}', '{"topics":[["aws/chat"]]}', "1e400"]


@pytest.mark.parametrize("content", CONTENTS)
def test_a_subscription_of_the_wrong_form_fails(local: LocalConnect, content: str) -> None:
    with connect(url_of(local)) as socket:
        socket.send(f'{{"topic":"aws/subscribe","content":{content}}}')
        answer = json.loads(socket.recv(timeout=FOR_EVER))

    assert answer["content"]["status"] == "failure"


TEXT = HEARTBEAT.encode()
BROKEN = {
    "binary": (frame(TEXT, opcode=2), 1003),
    "not UTF-8": (frame(b"\xff\xfe"), 1007),
    "not UTF-8, in pieces": (frame(b"\xc3", is_last=False) + frame(b"(", opcode=0), 1007),
    "not masked": (frame(TEXT, masked=False), 1002),
    "an opcode that there is not": (frame(TEXT, opcode=3), 1002),
    "a reserved bit": (frame(TEXT, bits=4), 1002),
    "a long ping": (frame(b"x" * 126, opcode=9), 1002),
    "a ping in pieces": (frame(b"", opcode=9, is_last=False), 1002),
    "a continuation of nothing": (frame(TEXT, opcode=0), 1002),
    "a closing code of one byte": (frame(b"x", opcode=8), 1002),
    "a frame that is too large": (frame(b"x" * (32 * 1024 + 1)), 1009),
    "a frame larger than a message may be": (frame(b"x" * (128 * 1024 + 1)), 1009),
    "pieces that are too large": (
        frame(b"x" * 32_000, is_last=False)
        + frame(b"x" * 32_000, opcode=0, is_last=False) * 3
        + frame(b"x" * 32_000, opcode=0),
        1009,
    ),
    "a length that nobody means": (b"\x81\xff" + b"\x7f" + b"\xff" * 7 + MASK, 1009),
}


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN)
def test_what_breaks_the_protocol_is_closed_with_the_reason(
    local: LocalConnect,
    neighbour: Neighbour,
    caplog: pytest.LogCaptureFixture,
    data: bytes,
    code: int,
) -> None:
    with open_line(local) as line:
        line.sendall(data)
        heard = line.recv(65536)
        while b"\x88" not in heard:
            heard += line.recv(65536)

    assert close_code(heard) == code
    assert neighbour.is_well()
    assert len(lines(caplog)) == 1


@pytest.mark.parametrize("behind", [frame(TEXT, opcode=3), frame(b"\xff"), frame(b"", opcode=8)])
def test_a_binary_frame_with_more_that_is_wrong_right_behind_it_is_no_fault_of_ours(
    local: LocalConnect, caplog: pytest.LogCaptureFixture, behind: bytes
) -> None:
    for _ in range(3):
        with open_line(local) as line:
            line.sendall(frame(TEXT, opcode=2) + behind)
            listen(line)

    assert all("The web socket of a client" in line for line in lines(caplog))


def test_a_text_that_is_none_and_a_farewell_at_once_are_one_line(
    local: LocalConnect, caplog: pytest.LogCaptureFixture
) -> None:
    with open_line(local) as line:
        line.sendall(frame(b"\xff") + frame(struct.pack("!H", 1000), opcode=8))
        listen(line)

    assert len(lines(caplog)) == 1
    assert "not UTF-8" in lines(caplog)[0]


def test_who_hangs_up_at_a_closed_door_is_one_line(
    local: LocalConnect, neighbour: Neighbour, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        with line_to(local) as line:
            line.sendall(b"GET /participant/socket?key=wrong HTTP/1.1\r\n" + UPGRADE)
            line.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
    assert neighbour.is_well()

    assert {text.rpartition(": ")[2] for text in lines(caplog)} <= {"its socket URL opens nothing."}


def test_a_frame_in_pieces_with_pings_between_is_one_frame(local: LocalConnect) -> None:
    with open_line(local) as line:
        for byte in TEXT[:-1]:
            line.sendall(
                frame(bytes([byte]), opcode=1 if byte == TEXT[0] else 0, is_last=False)
                + frame(b"p", opcode=9)
            )
        line.sendall(frame(TEXT[-1:], opcode=0))
        heard = b""
        while not heard.endswith(TEXT):
            heard += line.recv(65536)

    assert heard.count(b"\x8a\x01p") == len(TEXT) - 1


def test_who_subscribes_twice_gets_everything_once(local: LocalConnect) -> None:
    started = start(local)
    with connect(started["Websocket"]["Url"]) as socket:
        for _ in range(2):
            socket.send(SUBSCRIBE)
        socket.send(HEARTBEAT)
        frames = frames_until(socket, HEARTBEAT)

    topics = [json.loads(text)["topic"] for text in frames]
    assert topics.count("aws/subscribe") == 2
    assert topics.count("aws/chat") == 2


def frames_until(socket: Connection, last: str) -> list[str]:
    """Frames up to a known one."""
    heard: list[str] = []
    while last not in heard:
        heard.append(str(socket.recv(timeout=FOR_EVER)))
    return heard


def test_who_never_subscribes_is_told_nothing_and_not_connected(local: LocalConnect) -> None:
    started = start(local)
    with connect(started["Websocket"]["Url"]) as socket:
        socket.send(HEARTBEAT)
        assert frames_until(socket, HEARTBEAT) == [HEARTBEAT]

    (contact,) = [c for c in local.contacts if c.contact_id == started["ContactId"]]
    assert contact.connected_at is None


def test_who_asks_without_reading_is_cut_and_nobody_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    topics = b'{"topic":"aws/subscribe","content":{"topics":["%s"]}}' % (b"x" * 9000)
    with LocalConnect(flow="echo", limits=LocalLimits(unread_bytes=100_000)) as local:
        neighbour = Neighbour(local)
        with open_line(local) as line:
            line.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 65536)
            with suppress(OSError):
                send_for_ever(line, frame(topics))
        assert neighbour.is_well()

    assert len(lines(caplog)) == 1
    assert "does not read" in lines(caplog)[0]


def send_for_ever(line: sockets.socket, data: bytes) -> None:
    """Until the other side has had enough."""
    while True:
        line.sendall(data)


def test_pings_of_who_does_not_read_are_not_hoarded(
    local: LocalConnect, neighbour: Neighbour, caplog: pytest.LogCaptureFixture
) -> None:
    sent = 80_000
    with open_line(local) as line:
        line.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 65536)
        line.sendall(frame(b"p" * 125, opcode=9) * sent)
        assert neighbour.is_well()
        # From here on it reads, so the last words come through.
        line.sendall(frame(struct.pack("!H", 1000), opcode=8))
        heard = listen(line)

    assert 0 < heard.count(b"\x8a\x7d") < sent
    assert lines(caplog) == []


def test_a_socket_that_says_nothing_is_closed_and_one_that_pings_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    limits = LocalLimits(idle_socket_seconds=1)
    running = LocalConnect(flow="echo", limits=limits)
    with running as local, open_line(local) as alive, open_line(local) as silent:
        silent.settimeout(0.02)
        heard = b""
        while b"\x88" not in heard:
            alive.sendall(frame(b"", opcode=9))
            assert alive.recv(65536) == b"\x8a\x00"
            with suppress(TimeoutError):
                heard += silent.recv(65536)
        alive.sendall(frame(TEXT))
        assert alive.recv(65536).endswith(TEXT)

    assert close_code(heard) == 1001
    assert len(lines(caplog)) == 1
    assert "no frame passed" in lines(caplog)[0]


def test_who_vanishes_in_the_middle_of_a_frame_gives_the_place_back(
    local: LocalConnect, caplog: pytest.LogCaptureFixture
) -> None:
    url = url_of(local)
    parts = urlsplit(url)
    for _ in range(12):
        with line_to(local) as line:
            while True:
                line.sendall(f"GET {parts.path}?{parts.query} HTTP/1.1\r\n".encode() + UPGRADE)
                if line.recv(65536).startswith(b"HTTP/1.1 101 "):
                    break
                # Five others have not been noticed as gone yet.
                line.close()
                line = line_to(local)  # noqa: PLW2901
            line.sendall(frame(TEXT)[:7])
            line.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))

    assert [text for text in lines(caplog) if "opens nothing" not in text] == []


FRAMES = st.builds(
    lambda payload, opcode, is_last, bits, masked: frame(
        payload, opcode=opcode, is_last=is_last, bits=bits, masked=masked
    ),
    st.binary(max_size=200) | st.sampled_from([TEXT, SUBSCRIBE.encode(), b"[" * 2000]),
    st.sampled_from([0, 1, 1, 1, 2, 3, 8, 9, 10]),
    st.booleans(),
    st.sampled_from([0, 0, 0, 4]),
    st.sampled_from([True, True, True, False]),
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200) | st.lists(FRAMES, max_size=6).map(b"".join))
def test_whatever_bytes_come_over_a_socket_another_one_is_served(
    local: LocalConnect, neighbour: Neighbour, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    with open_line(local) as line, suppress(OSError):
        line.sendall(data)
        assert neighbour.is_well()
        line.sendall(frame(struct.pack("!H", 1000), opcode=8))
        line.shutdown(sockets.SHUT_WR)
        listen(line)
    lines(caplog)
