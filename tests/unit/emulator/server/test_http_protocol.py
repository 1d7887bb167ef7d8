"""One HTTP connection of the local Connect by bytes; status codes are of RFC 9110 and 9112."""

import json

import pytest

from tests.unit.emulator.server.echo import config
from tests.unit.emulator.server.peer import Answer, FakeLoop, Peer, answers, logged

HOST = b"Host: x\r\n"
UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


class NoSocket:
    """A web socket that cannot even be made."""

    def __init__(self, **_: object) -> None:
        raise ZeroDivisionError


@pytest.fixture
def peer(loop: FakeLoop) -> Peer:
    return Peer(loop, config())


def request(line: bytes = b"GET / HTTP/1.1", *headers: bytes, body: bytes = b"") -> bytes:
    length = [b"Content-Length: %d\r\n" % len(body)] if body else []
    return b"".join([line, b"\r\n", HOST, *headers, *length, b"\r\n", body])


def one(heard: bytes) -> Answer:
    (answer,) = answers(heard)
    return answer


def assert_is_refused(peer: Peer, heard: bytes, status: int, code: str) -> None:
    """In Amazon's shape, as the last word; and the connection is over a moment later."""
    answer = one(heard)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (status, code)
    assert answer.headers["connection"] == "close"
    assert json.loads(answer.body)["message"]
    assert peer.transport.has_ended
    assert not peer.transport.is_closed
    # What still comes is thrown away, so that nobody's answer is lost to a reset.
    assert peer.send(request()) == b""
    assert peer.wait(60) == b""
    assert peer.transport.is_closed


REQUESTS = {
    "no body": (request(), b"GET / "),
    "a body": (request(b"PUT /a HTTP/1.1", body=b"abc"), b"PUT /a abc"),
    "chunks": (
        request(b"POST /a HTTP/1.1", CHUNKED) + b"2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: x\r\n\r\n",
        b"POST /a abc",
    ),
    "a path with escapes": (request(b"GET /%41%2F?b HTTP/1.1"), b"GET /A/ "),
    "another protocol on offer": (request(b"GET / HTTP/1.1", b"Upgrade: h2c\r\n"), b"GET / "),
}


@pytest.mark.parametrize(("data", "said"), REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("is_dribbled", [False, True], ids=["at once", "byte by byte"])
def test_a_request_is_answered_however_it_comes_and_the_connection_stays(
    peer: Peer, caplog: pytest.LogCaptureFixture, data: bytes, said: bytes, *, is_dribbled: bool
) -> None:
    for _ in range(3):
        heard = peer.send_all(bytes([byte]) for byte in data) if is_dribbled else peer.send(data)
        assert (one(heard).status, one(heard).body) == (200, said)

    assert peer.hang_up() == b""
    assert logged(caplog) == []


@pytest.mark.parametrize("empty", [b"\r\n", b"\n", b"\r\n" * 3, b"\n\r\n"])
@pytest.mark.parametrize("is_dribbled", [False, True], ids=["at once", "byte by byte"])
def test_empty_lines_before_a_request_are_nothing(
    peer: Peer, caplog: pytest.LogCaptureFixture, empty: bytes, *, is_dribbled: bool
) -> None:
    # RFC 9112, section 2.2; some old clients say one more behind the body of a POST.
    first, second = request(b"POST /1 HTTP/1.1", body=b"a"), request(b"GET /2 HTTP/1.1")
    data = empty + first + empty + second + empty
    heard = peer.send_all(bytes([byte]) for byte in data) if is_dribbled else peer.send(data)

    assert [answer.body for answer in answers(heard)] == [b"POST /1 a", b"GET /2 "]
    assert peer.hang_up() == b""
    assert logged(caplog) == []


@pytest.mark.parametrize("line", [b"\rGET / HTTP/1.1\r\n\r\n", b" \r\n\r\n", b"\0\r\n\r\n"])
def test_a_line_that_is_not_empty_and_no_request_is_bad(peer: Peer, line: bytes) -> None:
    assert_is_refused(peer, peer.send(b"\r\n" + line), 400, "BadRequestException")


def test_requests_that_come_at_once_are_answered_in_their_order(peer: Peer) -> None:
    first, second = request(b"PUT /1 HTTP/1.1", body=b"a"), request(b"PUT /2 HTTP/1.1", body=b"b")
    heard = peer.send(first + second + request(b"GET /3 HTTP/1.1"))

    assert [answer.body for answer in answers(heard)] == [b"PUT /1 a", b"PUT /2 b", b"GET /3 "]


def test_good_requests_before_a_bad_one_are_answered(peer: Peer) -> None:
    heard = peer.send(request() + request() + b"no request\r\n\r\n" + request())

    assert [answer.status for answer in answers(heard)] == [200, 200, 400]


def test_a_head_has_no_body(peer: Peer) -> None:
    (answer,) = answers(peer.send(request(b"HEAD /a HTTP/1.1")), "HEAD")

    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "8")


@pytest.mark.parametrize(
    "data",
    [request(b"GET / HTTP/1.1", b"Connection: close\r\n"), b"GET / HTTP/1.0\r\n\r\n"],
    ids=["who says so", "who speaks the older HTTP"],
)
def test_after_its_answer_the_connection_ends_for(peer: Peer, data: bytes) -> None:
    answer = one(peer.send(data))

    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert peer.transport.is_closed


def test_who_asks_before_sending_is_told_to_go_on(peer: Peer) -> None:
    line, expect = b"PUT / HTTP/1.1", b"Expect: 100-continue\r\n"
    whole = request(line, expect, body=b"abc")
    told = peer.send(whole[:-3])
    answer = one(told + peer.send(b"abc"))

    assert told.startswith(b"HTTP/1.1 100 ")
    assert (answer.told, answer.status, answer.body) == ([100], 200, b"PUT / abc")


def test_what_fails_inside_is_an_internal_error(peer: Peer) -> None:
    assert one(peer.send(request(b"GET /fail HTTP/1.1"))).status == 500


BAD = {
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "words": (b"hello\r\n\r\n", 400),
    "no version": (b"GET /\r\n" + HOST + b"\r\n", 400),
    "a path that is not ASCII": (request("GET /größe HTTP/1.1".encode()), 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (request(b"GET / HTTP/1.1", HOST), 400),
    "a blank before the colon": (request(b"GET / HTTP/1.1", b"A : b\r\n"), 400),
    "a header without a name": (request(b"GET / HTTP/1.1", b": b\r\n"), 400),
    "a NUL in a header": (request(b"GET / HTTP/1.1", b"A: \0\r\n"), 400),
    "a negative length": (request(b"PUT / HTTP/1.1", b"Content-Length: -1\r\n"), 400),
    "two lengths": (request(b"PUT / HTTP/1.1", b"Content-Length: 2\r\n", body=b"a"), 400),
    "a coding that nobody knows": (request(b"PUT / HTTP/1.1", b"Transfer-Encoding: x\r\n"), 501),
    "a chunk without a size": (request(b"PUT / HTTP/1.1", CHUNKED) + b"x\r\n", 400),
    "headers without an end": (request(b"GET / HTTP/1.1", b"A: " + b"a" * 200_000), 431),
}


@pytest.mark.parametrize(("data", "status"), BAD.values(), ids=BAD)
def test_what_is_no_http_is_refused_once_and_is_one_line(
    peer: Peer, caplog: pytest.LogCaptureFixture, data: bytes, status: int
) -> None:
    assert_is_refused(peer, peer.send(data), status, "BadRequestException")
    assert len(logged(caplog)) == 1
    assert f"with {status}" in logged(caplog)[0]


def test_a_chunk_that_is_none_ends_the_request_that_is_being_served(peer: Peer) -> None:
    assert peer.send(request(b"POST /wait HTTP/1.1", CHUNKED)) == b""

    assert_is_refused(peer, peer.send(b"x\r\n"), 400, "BadRequestException")


def test_a_chunk_that_is_none_behind_an_answer_ends_the_connection_without_a_second_one(
    peer: Peer,
) -> None:
    answer = one(peer.send(request(b"POST /early HTTP/1.1", CHUNKED)))

    assert (answer.status, peer.send(b"x\r\n")) == (200, b"")
    assert peer.transport.has_ended


BEGUN = {
    "its first line": b"PUT / HT",
    "its headers": b"PUT / HTTP/1.1\r\nHost: x\r\n",
    "its body": request(b"PUT / HTTP/1.1", body=b"abc")[:-1],
    "a chunk": request(b"PUT / HTTP/1.1", CHUNKED) + b"3\r\na",
}


@pytest.mark.parametrize("begun", BEGUN.values(), ids=BEGUN)
@pytest.mark.parametrize("error", [None, ConnectionResetError()], ids=["politely", "by a reset"])
@pytest.mark.parametrize("before", [b"", request()], ids=["first", "second"])
def test_who_hangs_up_in_the_middle_of_a_request_is_one_line(
    peer: Peer,
    caplog: pytest.LogCaptureFixture,
    begun: bytes,
    error: Exception | None,
    before: bytes,
) -> None:
    peer.send(before)
    assert peer.send(begun) == b""
    assert peer.hang_up(error) == b""

    assert logged(caplog) == ["Lost a client at 127.0.0.1:50000 in the middle of a request."]


@pytest.mark.parametrize("begun", BEGUN.values(), ids=BEGUN)
def test_who_does_not_finish_a_request_in_time_is_told_so_however_slowly_it_goes_on(
    peer: Peer, caplog: pytest.LogCaptureFixture, begun: bytes
) -> None:
    assert peer.send(begun[:-1]) + peer.wait(29) + peer.send(begun[-1:]) == b""

    assert_is_refused(peer, peer.wait(1), 408, "RequestTimeoutException")
    assert len(logged(caplog)) == 1


def test_who_says_nothing_is_hung_up_on_without_a_word_and_who_has_asked_may_rest(
    loop: FakeLoop, caplog: pytest.LogCaptureFixture
) -> None:
    silent, resting = Peer(loop, config()), Peer(loop, config())
    resting.send(request())

    assert silent.wait(30) + resting.wait(600) == b""
    assert silent.transport.has_ended
    assert one(resting.send(request())).status == 200
    assert logged(caplog) == []


def test_an_answer_may_take_longer_than_a_request(peer: Peer) -> None:
    assert peer.send(request(b"GET /wait HTTP/1.1")) + peer.wait(600) == b""
    assert not peer.transport.has_ended


def test_an_error_of_ours_ends_this_connection_alone(
    loop: FakeLoop, caplog: pytest.LogCaptureFixture
) -> None:
    made = config()
    made.load()
    made.ws_protocol_class = NoSocket  # type: ignore[assignment] # it is to be wrong
    peer, other = Peer(loop, made), Peer(loop, config())

    assert peer.send(request(b"GET / HTTP/1.1", UPGRADE)) == b""
    assert peer.transport.has_ended
    assert logged(caplog) == ["Could not handle what came from a client at 127.0.0.1:50000."]
    assert one(other.send(request())).status == 200


def test_at_the_servers_end_who_rests_is_hung_up_on_and_who_waits_gets_the_answer(
    loop: FakeLoop,
) -> None:
    resting, waiting = Peer(loop, config()), Peer(loop, config())
    resting.send(request())
    waiting.send(request(b"PUT / HTTP/1.1", body=b"ab")[:-1])

    assert resting.shut_down() + waiting.shut_down() == b""
    assert resting.transport.is_closed
    last = one(waiting.send(b"b"))
    assert (last.body, last.headers["connection"]) == (b"PUT / ab", "close")
    assert waiting.transport.is_closed


def test_at_the_servers_end_a_connection_that_is_over_is_cut(peer: Peer) -> None:
    peer.send(b"hello\r\n\r\n")

    assert peer.shut_down() == b""
    assert peer.transport.is_aborted
