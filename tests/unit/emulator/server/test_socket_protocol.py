"""One web socket of the local Connect, byte by byte: what is right is said in RFC 6455.

The peer is the client of `websockets`, without its input and output.
"""

import json
import struct

import pytest
from websockets.frames import Opcode
from websockets.protocol import State

from connect_tasks.emulator.limits import LocalLimits
from tests.unit.emulator.server.client import Client
from tests.unit.emulator.server.echo import config
from tests.unit.emulator.server.peer import FakeLoop, Peer, answers, frame, logged

MOST, MOST_IN_FRAME = 128 * 1024, 32 * 1024
FOR_EVER = LocalLimits(
    expiring_sockets=False,
    idle_socket_seconds=None,
    socket_seconds=None,
    frame_bytes=None,
    message_bytes=None,
)


@pytest.fixture
def peer(loop: FakeLoop) -> Peer:
    return Peer(loop, config())


@pytest.fixture
def client(peer: Peer) -> Client:
    made = Client(peer)
    assert made.end.handshake_exc is None
    assert made.end.state is State.OPEN
    return made


@pytest.mark.parametrize("size", [0, 1, 125, 126, MOST_IN_FRAME])
def test_texts_of_all_lengths_come_and_go(client: Client, size: int) -> None:
    assert client.say("x" * size) == ["x" * size]
    assert client.say("größe") == ["größe"]


def pieces_of(data: bytes, size: int) -> bytes:
    """A text in frames of a size."""
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    last = len(parts) - 1
    return b"".join(
        frame(part, opcode=0 if at else 1, is_last=at == last) for at, part in enumerate(parts)
    )


@pytest.mark.parametrize("size", [1, 1000, MOST_IN_FRAME])
def test_the_longest_text_comes_in_pieces_of_all_lengths(client: Client, size: int) -> None:
    (said,) = client.hear(client.peer.send(pieces_of(b"x" * MOST, size)))

    assert said.data == b"x" * MOST


def test_where_frames_have_no_limit_a_text_may_be_as_long_as_it_likes(loop: FakeLoop) -> None:
    client = Client(Peer(loop, config(FOR_EVER)))

    assert client.say("x" * 3 * MOST) == ["x" * 3 * MOST]


def test_a_frame_may_come_byte_by_byte(client: Client) -> None:
    heard = client.peer.send_all(bytes([byte]) for byte in frame("größe".encode()))

    assert [bytes(said.data) for said in client.hear(heard)] == ["größe".encode()]


def test_frames_that_come_at_once_are_heard_in_their_order(client: Client) -> None:
    heard = client.peer.send(b"".join(frame(text) for text in (b"a", b"b", b"c")))

    assert [said.data for said in client.hear(heard)] == [b"a", b"b", b"c"]


def test_pieces_are_one_text_and_pings_between_them_are_answered(client: Client) -> None:
    parts = frame(b"\xc3", is_last=False) + frame(b"?", opcode=9) + frame(b"\xb6", opcode=0)
    first, second = client.hear(client.peer.send(parts))

    assert (first.opcode, first.data) == (Opcode.PONG, b"?")
    assert (second.opcode, second.data) == (Opcode.TEXT, "ö".encode())


def test_a_pong_that_nobody_asked_for_is_nothing(client: Client) -> None:
    assert client.peer.send(frame(b"x", opcode=10)) == b""
    assert client.say("a") == ["a"]


def test_who_does_not_read_gets_no_pongs_until_it_does(client: Client) -> None:
    client.peer.read_no_more()
    assert client.peer.send(frame(b"1", opcode=9) * 1000) == b""
    client.peer.read_again()

    (pong,) = client.hear(client.peer.send(frame(b"2", opcode=9)))
    assert (pong.opcode, pong.data) == (Opcode.PONG, b"2")


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_a_closing_is_answered_in_kind_and_the_server_hangs_up(
    client: Client, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    client.end.send_close(code, "bye")
    client.send()

    assert client.farewell == (code, "bye")
    assert client.peer.transport.is_closed
    assert logged(caplog) == []


def test_a_closing_without_a_code_is_answered_without_one(client: Client) -> None:
    client.end.send_close()
    client.send()

    # "No status code was actually present", which is never sent.
    assert client.farewell == (1005, "")


def test_after_its_own_closing_the_server_waits_for_the_answer(client: Client) -> None:
    client.hear(client.peer.send(frame(b"enough")))
    assert not client.peer.transport.is_closed
    assert client.farewell == (1000, "enough")
    client.send()

    assert client.peer.transport.is_closed


BROKEN = {
    "not UTF-8": (frame(b"\xff\xfe"), 1007),
    "not UTF-8, in pieces": (frame(b"\xc3", is_last=False) + frame(b"(", opcode=0), 1007),
    "not masked": (frame(b"a", masked=False), 1002),
    "an opcode that there is not": (frame(b"a", opcode=3), 1002),
    "a control that there is not": (frame(b"a", opcode=11), 1002),
    "a reserved bit": (frame(b"a", bits=4), 1002),
    "a long ping": (frame(b"x" * 126, opcode=9), 1002),
    "a ping in pieces": (frame(b"", opcode=9, is_last=False), 1002),
    "a continuation of nothing": (frame(b"a", opcode=0), 1002),
    "a text in a text": (frame(b"a", is_last=False) + frame(b"b"), 1002),
    "a closing code of one byte": (frame(b"x", opcode=8), 1002),
    "a closing code that is never sent": (frame(struct.pack("!H", 1005), opcode=8), 1002),
    "a frame that is too large": (frame(b"x" * (MOST_IN_FRAME + 1)), 1009),
    "a binary frame that is too large": (frame(b"x" * (MOST_IN_FRAME + 1), opcode=2), 1009),
    "a piece that is too large": (
        frame(b"x", is_last=False) + frame(b"x" * (MOST_IN_FRAME + 1), opcode=0),
        1009,
    ),
    "frames that are too large": (frame(b"x" * (MOST_IN_FRAME + 1)) * 3, 1009),
    "a frame larger than a message may be": (frame(b"x" * (MOST + 1)), 1009),
    "a message that is too large": (pieces_of(b"x" * (MOST + 1), MOST_IN_FRAME), 1009),
    "a length that nobody means": (b"\x81\xff\x7f" + b"\xff" * 7 + bytes(4), 1009),
}


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN)
def test_what_breaks_the_protocol_is_closed_with_its_code_and_is_one_line(
    client: Client, caplog: pytest.LogCaptureFixture, data: bytes, code: int
) -> None:
    client.hear(client.peer.send(data))

    assert client.farewell[0] == code
    assert client.peer.transport.has_ended
    assert len(logged(caplog)) == 1
    # What still comes is thrown away, and the connection over a moment later.
    assert client.peer.send(frame(b"a")) + client.peer.wait(60) == b""
    assert client.peer.transport.is_closed


def test_a_text_that_is_none_and_a_farewell_at_once_are_one_line(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.peer.send(frame(b"\xff") + frame(struct.pack("!H", 1000), opcode=8))

    assert len(logged(caplog)) == 1
    assert "not UTF-8" in logged(caplog)[0]


def test_who_is_silent_is_closed_and_a_ping_is_a_sign_of_life(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.peer.wait(599) == b""
    client.peer.send(frame(b"", opcode=9))
    assert client.peer.wait(599) == b""
    client.hear(client.peer.wait(1))

    assert client.farewell == (1001, "no frame passed for 600 s")
    assert len(logged(caplog)) == 1


def test_what_the_server_says_is_a_sign_of_life_too(client: Client) -> None:
    assert client.say("later") == []
    (said,) = client.hear(client.peer.wait(599))
    assert said.data == b"later"

    assert client.peer.wait(599) == b""
    client.hear(client.peer.wait(1))
    assert client.farewell[0] == 1001


def lives_for(client: Client, most: int) -> int:
    """Minutes until the server closes the socket, while the client sends a ping in each."""
    for minute in range(1, most + 1):
        client.hear(client.peer.wait(60))
        if client.end.close_rcvd is not None:
            return minute
        client.peer.send(frame(b"", opcode=9))
    return most


MINUTES = {
    "two hours": ("/", LocalLimits(), 120),
    "the hour that its connection was given": ("/hour", LocalLimits(), 60),
    "as long as it is told": ("/", LocalLimits(socket_seconds=1800), 30),
    "two hours where expiry is off": ("/hour", LocalLimits(expiring_sockets=False), 120),
    "an hour where age is off": ("/hour", LocalLimits(socket_seconds=None), 60),
    "the shorter of both": ("/hour", LocalLimits(socket_seconds=60), 1),
}


@pytest.mark.parametrize(("path", "limits", "minutes"), MINUTES.values(), ids=MINUTES)
def test_a_socket_that_is_used_lives_for(
    loop: FakeLoop, path: str, limits: LocalLimits, minutes: int
) -> None:
    client = Client(Peer(loop, config(limits)), path)

    assert lives_for(client, 300) == minutes
    assert client.farewell[0] == 1001
    assert client.peer.transport.has_ended


@pytest.mark.parametrize("path", ["/", "/hour"])
def test_where_no_end_is_set_a_silent_socket_lives_for_ever(loop: FakeLoop, path: str) -> None:
    client = Client(Peer(loop, config(FOR_EVER)), path)

    assert client.peer.wait(30 * 24 * 3600) == b""
    assert client.say("a") == ["a"]


@pytest.mark.parametrize("path", ["/", "/hour"])
def test_who_is_gone_before_the_end_is_not_closed_again(
    loop: FakeLoop, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    client = Client(Peer(loop, config()), path)
    client.end.send_close(1000)
    client.send()

    assert client.peer.protocol._life._looks._planned == []
    assert client.peer.wait(3 * 3600) == b""
    assert logged(caplog) == []


def test_who_hangs_up_without_a_word_is_no_line(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.peer.send(frame(b"abc")[:5])

    assert client.peer.hang_up(ConnectionResetError()) + client.peer.wait(1000) == b""
    assert logged(caplog) == []


def test_at_the_servers_end_clients_are_told_that_it_goes(client: Client) -> None:
    client.hear(client.peer.shut_down())

    # Going away, or a restart (IANA's registry of close codes).
    assert client.farewell[0] in (1001, 1012)
    assert client.peer.transport.is_closed


def test_at_the_servers_end_a_farewell_is_not_said_twice(client: Client) -> None:
    client.peer.protocol.transport.is_silent = True
    assert client.peer.send(frame(struct.pack("!H", 1000), opcode=8)) == b""

    assert client.peer.shut_down() == b""


HEAD = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n"
)
NO_HAND_SHAKE = {
    "no key": (HEAD.replace(b"Sec-WebSocket-Key", b"X"), 400),
    "a short key": (HEAD.replace(b"x3JJ", b""), 400),
    "another method": (HEAD.replace(b"GET", b"POST"), 400),
    "too many headers": (HEAD.replace(b"Host", b"A: b\r\n" * 200 + b"Host"), 400),
}


@pytest.mark.parametrize(("data", "status"), NO_HAND_SHAKE.values(), ids=NO_HAND_SHAKE)
def test_what_is_no_opening_hand_shake_is_refused_and_is_one_line(
    peer: Peer, caplog: pytest.LogCaptureFixture, data: bytes, status: int
) -> None:
    (answer,) = answers(peer.send(data))

    assert (answer.status, answer.headers["x-amzn-errortype"]) == (status, "BadRequestException")
    assert json.loads(answer.body)["message"]
    assert peer.transport.has_ended
    assert len(logged(caplog)) == 1
    # At the server's end there is nothing left to say.
    assert peer.send(frame(b"a")) + peer.shut_down() == b""


VERSIONS = {
    "an older one": b"Sec-WebSocket-Version: 8\r\n",
    "a newer one": b"Sec-WebSocket-Version: 14\r\n",
    "none": b"",
    "no number": b"Sec-WebSocket-Version: x\r\n",
    "several": b"Sec-WebSocket-Version: 13, 8\r\n",
    "several lines": b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8\r\n",
}


@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
def test_another_version_is_refused_with_the_one_that_is_spoken(
    peer: Peer, caplog: pytest.LogCaptureFixture, version: bytes
) -> None:
    (answer,) = answers(peer.send(HEAD.replace(b"Sec-WebSocket-Version: 13\r\n", version)))

    # RFC 6455, section 4.4; RFC 9110, section 15.5.22.
    assert answer.status == 426
    assert answer.headers["sec-websocket-version"] == "13"
    assert answer.headers["upgrade"] == "websocket"
    assert answer.headers["x-amzn-errortype"] == "BadRequestException"
    assert peer.transport.has_ended
    assert len(logged(caplog)) == 1


@pytest.mark.parametrize(("path", "status"), [("/denied", 403), ("/fail", 500)])
def test_what_is_not_let_in_gets_an_answer_of_http(peer: Peer, path: str, status: int) -> None:
    (answer,) = answers(peer.send(HEAD.replace(b"GET /", b"GET " + path.encode())))

    assert answer.status == status
    assert peer.transport.is_closed


def test_an_error_of_ours_ends_this_socket_alone(
    client: Client, loop: FakeLoop, caplog: pytest.LogCaptureFixture
) -> None:
    client.peer.protocol.queue = None
    other = Client(Peer(loop, config()))

    assert client.peer.send(frame(b"a")) == b""
    assert client.peer.transport.has_ended
    assert logged(caplog) == ["Could not handle what came from a client at 127.0.0.1:50000."]
    assert other.say("a") == ["a"]
