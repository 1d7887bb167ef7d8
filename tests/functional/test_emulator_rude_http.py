"""Rude HTTP clients of the local Connect: Amazon's error to them, one log line, nobody else."""

import gzip
import json
import re
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connect_tasks.emulator import LocalConnect, LocalLimits, LocalQuotas
from connect_tasks.emulator.model.strict_json import MOST_DEPTH
from tests.functional.rude import (
    FOR_EVER,
    SIGNED,
    Neighbour,
    line_to,
    lines,
    listen,
    one_answer,
    parse,
    request,
    say,
    start,
)

CHAT = b"PUT /contact/chat HTTP/1.1"
MOST = 50_000


@pytest.fixture
def local() -> Iterator[LocalConnect]:
    limits = LocalLimits(body_bytes=MOST)
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited(), limits=limits) as running:
        yield running


@pytest.fixture
def impatient() -> Iterator[LocalConnect]:
    limits = LocalLimits(request_seconds=0.5)
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited(), limits=limits) as running:
        yield running


def until(local: LocalConnect, holds: Callable[[], bool]) -> None:
    """The server learns a moment later that somebody is gone."""
    deadline = time.monotonic() + FOR_EVER
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)
        assert say(local, request()).status == 400


def nested(depth: int, opening: str = "[", closing: str = "]") -> bytes:
    return (opening * depth + "1" + closing * depth).encode()


NOT_JSON = {
    "nested lists": nested(100_000),
    "nested objects": nested(20_000, '{"a":', "}"),
    "just too deep": nested(MOST_DEPTH + 1, '{"a":', "}"),
    "opened only": b"[" * 40_000,
    "cut off": b'{"InstanceId": "x',
    "not UTF-8": b'{"InstanceId": "\xff"}',
    "UTF-16": '{"InstanceId": "x"}'.encode("utf-16"),
    "gzip": gzip.compress(b"{}"),
    "half a surrogate pair": b'{"InstanceId": "\\ud800"}',
    "no number": b'{"InstanceId": NaN}',
    "infinity": b'{"InstanceId": -Infinity}',
    "a number of 5000 digits": b'{"InstanceId": ' + b"9" * 5000 + b"}",
    "a NUL": b"{}\0",
    "null": b"null",
    "two values": b"{}{}",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_a_body_that_is_no_json_is_an_invalid_request_and_one_line(
    local: LocalConnect, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    answer = say(local, request(body[:MOST]))

    assert (answer.status, answer.code) == (400, "InvalidRequestException")
    assert "Body must be JSON" in answer.message
    assert len(lines(caplog)) == 1
    assert "StartChatContact" in lines(caplog)[0]


NO_OBJECT = {
    "a list": b"[]",
    "a text": b'"x"',
    "a huge number": b"1e400",
    "as deep as allowed": nested(MOST_DEPTH),
    "twice the same key": b'{"InstanceId":"a","InstanceId":1}',
}


@pytest.mark.parametrize("body", NO_OBJECT.values(), ids=NO_OBJECT)
def test_a_body_that_is_another_json_than_the_operation_takes_is_an_invalid_request(
    local: LocalConnect, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    answer = say(local, request(body))

    assert (answer.status, answer.code) == (400, "InvalidRequestException")
    assert lines(caplog) == []


NOT_HTTP = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a negative length": request(b"", b"Content-Length: -5\r\n", length=False),
    "no number for a length": request(b"", b"Content-Length: many\r\n", length=False),
    "a length of 40 digits": request(b"", b"Content-Length: " + b"9" * 40 + b"\r\n", length=False),
    "two lengths": request(b"{}", b"Content-Length: 1\r\n"),
    "a chunk without a size": request(b"zz\r\n", b"Transfer-Encoding: chunked\r\n", length=False),
    "a gzipped transfer": request(b"", b"Transfer-Encoding: gzip\r\n", length=False),
    "no host": CHAT + b"\r\n\r\n",
    "a header without a name": request(b"", b": value\r\n"),
    "headers without an end": CHAT + b"\r\nHost: x\r\nA: " + b"a" * 300_000,
    "a path that is not ASCII": "GET /kontakt/größe HTTP/1.1\r\n\r\n".encode(),
    "HTTP x": b"PUT /contact/chat HTTP/x\r\nHost: x\r\n\r\n",
    "lines": b"hello\r\n\r\n",
}


@pytest.mark.parametrize("data", NOT_HTTP.values(), ids=NOT_HTTP)
def test_what_is_no_http_is_a_bad_request_and_one_line(
    local: LocalConnect, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    answer = say(local, data)

    assert answer.status in (400, 431, 501, 505)
    assert answer.code == "BadRequestException"
    assert answer.message
    assert answer.headers["x-amzn-requestid"]
    assert len(lines(caplog)) == 1


@pytest.mark.parametrize("size", [MOST, MOST + 1])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["with a length", "chunked"])
def test_a_body_up_to_the_limit_is_read_and_a_larger_one_is_too_large(
    local: LocalConnect, caplog: pytest.LogCaptureFixture, size: int, *, is_chunked: bool
) -> None:
    body = b" " * (size - 2) + b"{}"
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (body[:1000], body[1000:]))
    data = (
        request(chunked + b"0\r\n\r\n", b"Transfer-Encoding: chunked\r\n", length=False)
        if is_chunked
        else request(body)
    )
    answer = say(local, data)

    if size > MOST:
        assert (answer.status, answer.code) == (413, "RequestTooLargeException")
        assert str(MOST) in answer.message
    else:
        assert (answer.status, answer.code) == (400, "InvalidRequestException")
    assert len(lines(caplog)) == (size > MOST)


def test_who_sends_far_too_much_without_looking_gets_the_answer_all_the_same(
    local: LocalConnect, caplog: pytest.LogCaptureFixture
) -> None:
    neighbour = Neighbour(local)
    answer = say(local, request(b"x" * 30_000_000))

    assert (answer.status, answer.code) == (413, "RequestTooLargeException")
    assert neighbour.is_well()
    assert len(lines(caplog)) == 1


def test_who_asks_first_is_told_before_sending(local: LocalConnect) -> None:
    expect = b"Expect: 100-continue\r\n"
    large = request(b"", expect, b"Content-Length: %d\r\n" % (MOST + 1), length=False)
    with line_to(local) as line:
        line.sendall(request(b"", expect, b"Content-Length: 2\r\n", length=False))
        told = line.recv(65536)
        line.sendall(b"{}")
        answer = parse(listen(line))

    assert told.startswith(b"HTTP/1.1 100 ")
    assert answer.status == 400
    assert say(local, large).status == 413


@pytest.mark.parametrize(
    "begun",
    [CHAT, CHAT + b"\r\nHost: x\r\n", request(b"{", b"Content-Length: 100\r\n", length=False)],
    ids=["in its first line", "in its headers", "in its body"],
)
def test_who_hangs_up_in_the_middle_of_a_request_is_one_line(
    local: LocalConnect, caplog: pytest.LogCaptureFixture, begun: bytes
) -> None:
    for number in range(3):
        with line_to(local) as line:
            line.sendall(begun)
            if number == 2:
                # With a reset.
                line.setsockopt(1, 13, struct.pack("ii", 1, 0))
    until(local, lambda: len(lines(caplog)) >= 3)

    assert len(lines(caplog)) == 3
    assert all("in the middle of a request" in line for line in lines(caplog))


@pytest.mark.parametrize(
    "begun",
    [CHAT, CHAT + b"\r\nHost: x\r\n", request(b"{", b"Content-Length: 100\r\n", length=False)],
    ids=["its first line", "its headers", "its body"],
)
def test_who_does_not_finish_a_request_in_time_is_told_so(
    impatient: LocalConnect, caplog: pytest.LogCaptureFixture, begun: bytes
) -> None:
    answer = say(impatient, begun)

    assert (answer.status, answer.code) == (408, "RequestTimeoutException")
    assert len(lines(caplog)) == 1


def test_dribbling_does_not_win_time(
    impatient: LocalConnect, caplog: pytest.LogCaptureFixture
) -> None:
    heard = b""
    with line_to(impatient) as line:
        line.settimeout(0.01)
        line.sendall(CHAT + b"\r\nHost: x\r\n")
        # Never longer than a moment without a byte, until the server has had enough.
        while not heard:
            with suppress(OSError):
                line.sendall(b"A: b\r\n")
            with suppress(TimeoutError):
                heard = line.recv(65536)

    assert parse(heard).status == 408
    assert len(lines(caplog)) == 1


def test_who_says_nothing_at_all_is_hung_up_on_and_who_has_asked_may_rest(
    impatient: LocalConnect, caplog: pytest.LogCaptureFixture
) -> None:
    alive = request().replace(b"Connection: close\r\n", b"")
    with line_to(impatient) as silent, line_to(impatient) as resting:
        resting.sendall(alive)
        first = one_answer(resting)
        assert listen(silent) == b""
        resting.sendall(alive)
        second = one_answer(resting)

    assert (first.status, second.status) == (400, 400)
    assert lines(caplog) == []


def test_requests_that_come_all_at_once_are_answered_in_their_order(local: LocalConnect) -> None:
    alive = request(b"{}").replace(b"Connection: close\r\n", b"")
    other = request(line=b"POST /nowhere HTTP/1.1").replace(b"Connection: close\r\n", b"")
    with line_to(local) as line:
        line.sendall(alive + other + alive + b"no request\r\n\r\n")
        heard = listen(line)

    assert [piece[:3] for piece in heard.split(b"HTTP/1.1 ")[1:]] == [
        b"400",
        b"404",
        b"400",
        b"400",
    ]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"POST /search-agent-statuses HTTP/1.1", "SearchAgentStatuses"),
        (b"POST /contact/schedule HTTP/1.1", "UpdateContactSchedule"),
        (b"GET /users-summary/x HTTP/1.1", "ListUsers"),
        (b"POST /contact/list HTTP/1.1", "POST /contact/list"),
        (b"GET /contact/chat HTTP/1.1", "GET /contact/chat"),
        (b"DELETE /contact/chat HTTP/1.1", "DELETE /contact/chat"),
        (b"BREW /contact/chat HTTP/1.1", "BREW /contact/chat"),
        (b"GET /nowhere HTTP/1.0", "GET /nowhere"),
        (b"GET /_local/nothing HTTP/1.1", "GET /_local/nothing"),
        (b"PUT /contact/chat/ HTTP/1.1", "PUT /contact/chat/"),
    ],
)
def test_an_operation_that_is_not_served_is_named(
    local: LocalConnect, caplog: pytest.LogCaptureFixture, line: bytes, name: str
) -> None:
    answer = say(local, request(line=line))

    assert (answer.status, answer.code) == (404, "UnknownOperationException")
    assert answer.message.startswith(f"Unknown operation: {name};")
    assert "StartChatContact" in answer.message
    assert len(lines(caplog)) == 1


def test_the_log_never_shows_a_path_a_header_or_a_body(
    local: LocalConnect, caplog: pytest.LogCaptureFixture
) -> None:
    secret = b"s3cr3t"
    say(local, request(line=b"GET /users-summary/" + secret + b" HTTP/1.1"))
    say(local, request(line=b"GET /nowhere/" + secret + b" HTTP/1.1"))
    say(local, request(secret, b"X-Amz-Bearer: " + secret + b"\r\n"))
    say(local, request(b"", secret + b"\r\n"))

    assert len(lines(caplog)) == 4
    assert "s3cr3t" not in caplog.text


def test_head_has_no_body_and_options_are_for_all(local: LocalConnect) -> None:
    head = say(local, request(line=b"HEAD /instance/x HTTP/1.1"))
    options = say(local, request(line=b"OPTIONS /contact/chat HTTP/1.1"))

    assert (head.status, head.body) == (404, b"")
    assert (options.status, options.headers["access-control-allow-origin"]) == (200, "*")


def test_an_older_http_is_served(local: LocalConnect) -> None:
    path = f"/instance/{local.instance_id}".encode()

    assert say(local, b"GET " + path + b" HTTP/1.0\r\n" + SIGNED + b"\r\n").status == 200


def test_arns_are_taken_from_the_path_where_ids_are(local: LocalConnect) -> None:
    contact = start(local)["ContactId"]
    instance, flow = quote(local.instance_arn, safe=""), quote(local.flow_arn("echo"), safe="")
    paths = [
        f"/instance/{instance}",
        f"/contact-flows/{instance}/{flow}",
        f"/contact-flows/{local.instance_id}/{flow}%3A%24SAVED",
        f"/contacts/{instance}/{contact}",
    ]
    answers = [say(local, request(line=f"GET {path} HTTP/1.1".encode())) for path in paths]

    assert [answer.status for answer in answers] == [200] * len(paths)
    assert b'"Name":"echo"' in answers[1].body


def json_bodies() -> st.SearchStrategy[bytes]:
    names = ["InstanceId", "ContactFlowId", "ParticipantDetails", "ClientToken", "CustomerId"]
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    values: st.SearchStrategy[Any] = st.recursive(
        leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
    )
    objects = st.dictionaries(st.sampled_from(names) | st.text(), values)
    return objects.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass"))


LINES = st.sampled_from(
    [
        CHAT,
        b"POST /contact/stop HTTP/1.1",
        b"POST /participant/message HTTP/1.0",
        b"GET /contacts/%00/%ff HTTP/1.1",
        b"GET /participant/socket HTTP/1.1",
    ]
)
HEADERS = st.sampled_from(
    [
        b"Expect: 100-continue\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"X-Amz-Bearer: \xff\xfe\r\n",
        b"Upgrade: websocket\r\nConnection: upgrade\r\n",
        b"Content-Length: 3\r\n",
        b"Content-Length: -1\r\n",
        b"A: " + b"a" * 20_000 + b"\r\n",
    ]
)
REQUESTS = st.builds(
    lambda line, headers, body, length: request(body, *headers, line=line, length=length),
    LINES,
    st.lists(HEADERS, max_size=3),
    st.binary() | json_bodies(),
    st.booleans(),
)


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[LocalConnect, Neighbour]]:
    limits = LocalLimits(request_seconds=0.5)
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited(), limits=limits) as running:
        yield running, Neighbour(running)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300) | REQUESTS)
def test_whatever_bytes_come_another_client_is_served_meanwhile(
    world: tuple[LocalConnect, Neighbour], caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    local, neighbour = world
    with line_to(local) as line, suppress(OSError):
        line.sendall(data)
        # While the rude one is there, and before it has its answer.
        assert neighbour.is_well()
        line.shutdown(1)
        listen(line)
    lines(caplog)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=REQUESTS)
def test_whatever_a_request_is_made_of_it_is_answered_and_no_fault_of_ours(
    world: tuple[LocalConnect, Neighbour], caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    local, _ = world
    with line_to(local) as line:
        line.sendall(data)
        heard = re.sub(rb"\AHTTP/1.1 100 [^\r]*\r\n\r\n", b"", listen(line))
    answer = parse(heard)

    assert answer.status < 500 or answer.status == 501
    assert answer.code
    assert answer.message
    lines(caplog)
