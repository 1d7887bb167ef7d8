"""A request that comes whole is answered at once, and with what it gets when it comes in pieces."""

import json
import logging
import re
import threading
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from connect_tasks.emulator.faults.plan import Fault, FaultKind, FaultPlan
from connect_tasks.emulator.instance.identity import INSTANCE_ID, Identities
from connect_tasks.emulator.limits import LocalLimits
from connect_tasks.emulator.quotas import LocalQuotas
from connect_tasks.emulator.server.transports import Transports
from connect_tasks.emulator.server.wire import Wire
from connect_tasks.emulator.transcript_storage import TranscriptStorage
from tests.unit.emulator.server.peer import FakeLoop, Peer, answers, logged
from tests.unit.emulator.world import World

SIGNED = b"Authorization: AWS4-HMAC-SHA256 Credential=a/b/us-east-1/connect/aws4_request\r\n"
OF_S3 = SIGNED.replace(b"/connect/", b"/s3/")
IDS = Identities(0, INSTANCE_ID)
START = b"PUT /contact/chat HTTP/1.1"


class NoAppError(Exception):
    """The application was asked."""


class Site(World):
    """An instance, its web application, and one client."""

    def __init__(self, loop: FakeLoop, *faults: Fault, **settings: Any) -> None:
        super().__init__(
            quotas=settings.pop("quotas", None), storage=TranscriptStorage(), think_seconds=(1, 1)
        )
        limits = LocalLimits(body_bytes=50_000)
        self.wire = Wire(
            self.backend,
            self.service,
            FaultPlan(faults, 0),
            lock=threading.Lock(),
            transports=Transports(),
            limits=limits,
            **settings,
        )
        self.peer = Peer(loop, self.wire.config())


def request(line: bytes, body: object = None, *headers: bytes) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    length = b"Content-Length: %d\r\n" % len(content)
    return b"".join([line, b"\r\nHost: 127.0.0.1\r\n", *headers, length, b"\r\n", content])


def asked(site: Site) -> dict[str, bytes]:
    """Requests to one instance, good ones and bad ones, in an order that has a sense."""
    start = site.request("echo", ConnectionTypes=["WEBSOCKET", "CONNECTION_CREDENTIALS"])
    token = IDS.token("participant", "token-1")
    bearer = b"X-Amz-Bearer: " + token.encode() + b"\r\n"
    contact = IDS.uuid("contact", "token-1").encode()
    instance = site.backend.instance_id.encode()
    return {
        "a start": request(START, start, SIGNED),
        "the same again": request(START, start, SIGNED),
        "another": request(START, start | {"ClientToken": "2", "CustomerId": "größe"}, SIGNED),
        "a bad member": request(START, start | {"ContactFlowId": 1, "Nobody": 2}, SIGNED),
        "another instance": request(START, start | {"InstanceId": "x"}, SIGNED),
        "no json": request(START, b"{", SIGNED),
        "no body": request(START, b"", SIGNED),
        "not signed": request(START, start),
        "a connection": request(b"POST /participant/connection HTTP/1.1", {}, bearer),
        "no token": request(b"POST /participant/connection HTTP/1.1", {}),
        "a contact": request(b"GET /contacts/%s/%s HTTP/1.1" % (instance, contact), b"", SIGNED),
        "nobody's contact": request(b"GET /contacts/%s/x HTTP/1.1" % instance, b"", SIGNED),
        "another path": request(b"GET /nothing HTTP/1.1", b""),
        "a path in escapes": request(b"GET /contacts/%%2F%s/x HTTP/1.1" % instance, b"", SIGNED),
        "a large body": request(START, b" " * 60_000, SIGNED),
        "a bucket": request(b"GET /amazon-connect-local?list-type=2 HTTP/1.1", b"", OF_S3),
        "a bucket in escapes": request(b"GET /amazon%2Dconnect-local/x HTTP/1.1", b"", SIGNED),
        "an S3 call on a path of connect": request(START, start, OF_S3),
        "the page": request(b"GET / HTTP/1.1", b""),
        "the calls": request(b"GET /_local/calls HTTP/1.1", b""),
        "the refusals": request(b"GET /_local/refusals HTTP/1.1", b""),
    }


def without_numbers(heard: bytes) -> bytes:
    """What answers to the same question differ in: their number, and S3's too."""
    return re.sub(rb"00000000-0000-4000-8000-[0-9a-f]{12}|<RequestId>.*?<", b"N", heard)


def test_an_answer_is_the_same_however_its_request_comes(
    loop: FakeLoop, caplog: pytest.LogCaptureFixture
) -> None:
    whole, split = Site(loop), Site(loop)
    for (name, data), other in zip(asked(whole).items(), asked(split).values(), strict=True):
        caplog.clear()
        at_once = whole.peer.send(data)
        lines = logged(caplog)
        caplog.clear()
        middle = len(other) // 2
        in_pieces = split.peer.send_all([other[:middle], other[middle:]])

        assert at_once.startswith(b"HTTP/1.1 "), name
        assert without_numbers(at_once) == without_numbers(in_pieces), name
        assert lines == logged(caplog), name


def test_a_call_is_answered_without_the_application(loop: FakeLoop) -> None:
    class Closed(Wire):
        async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
            raise NoAppError(scope["type"], receive, send)

    site = Site(loop)
    site.wire.__class__ = Closed
    (answer,) = answers(Peer(loop, site.wire.config()).send(asked(site)["a start"]))

    assert answer.status == 200
    assert site.service.calls == {"StartChatContact": 1}


def test_a_fault_strikes_what_comes_whole_too(loop: FakeLoop) -> None:
    fault = Fault(operation="StartChatContact", kind=FaultKind.ERROR_AFTER, every=1)
    site = Site(loop, fault)
    (answer,) = answers(site.peer.send(asked(site)["a start"]))

    assert answer.status == 500
    assert site.wire.injected == {("StartChatContact", "error_after"): 1}
    assert len(site.backend.chats) == 1


def test_a_rate_is_kept_for_what_comes_whole_too(loop: FakeLoop) -> None:
    site = Site(loop, quotas=LocalQuotas())
    statuses = [answers(site.peer.send(asked(site)["a start"]))[0].status for _ in range(9)]

    assert statuses == [200] * 8 + [429]


def test_where_requests_are_logged_each_is_one_line(
    loop: FakeLoop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site = Site(loop, log_requests=True)
    for _ in range(3):
        site.peer.send(asked(site)["a start"])

    told = [record for record in caplog.records if "StartChatContact 200" in record.getMessage()]
    assert len(told) == 3


def test_who_does_not_read_answers_gets_no_more_until_it_does(loop: FakeLoop) -> None:
    site = Site(loop)
    site.peer.read_no_more()
    data = asked(site)["a start"]
    assert site.peer.send(data) + site.peer.send(data) == b""

    assert len(answers(site.peer.read_again())) == 2


def fail(_: object) -> dict[str, Any]:
    raise ZeroDivisionError


def test_an_error_of_ours_is_an_answer_and_one_line(
    loop: FakeLoop, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(loop)
    site.service._contact_calls["StartChatContact"] = fail
    (answer,) = answers(site.peer.send(asked(site)["a start"]))

    assert (answer.status, answer.headers["x-amzn-errortype"]) == (500, "InternalServiceException")
    assert logged(caplog) == ["A request of a client at 127.0.0.1:50000 failed."]
    (after,) = answers(site.peer.send(asked(site)["a connection"]))
    assert after.status == 403


def test_who_has_been_answered_at_once_may_rest(loop: FakeLoop) -> None:
    site = Site(loop)
    site.peer.send(asked(site)["a start"])
    assert site.peer.send(b"\r\n") + site.peer.wait(600) == b""

    assert not site.peer.transport.has_ended
    assert not site.peer.transport.is_closed


def test_a_connection_that_is_not_used_for_an_hour_is_closed(loop: FakeLoop) -> None:
    site = Site(loop)
    for _ in range(2):
        site.peer.send(asked(site)["a start"])
        assert site.peer.wait(3599) == b""

    assert not site.peer.transport.is_closed
    assert site.peer.wait(1) == b""
    assert site.peer.transport.is_closed
