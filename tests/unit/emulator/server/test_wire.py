"""The web application of the local Connect, asked in this process: no server, no socket.

What is answered is Amazon's: codes in `x-amzn-ErrorType`, S3's errors as XML.
"""

import asyncio
import json
import threading
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from connect_tasks.emulator.faults.plan import Fault, FaultKind, FaultPlan
from connect_tasks.emulator.limits import LocalLimits
from connect_tasks.emulator.server.transports import Transports
from connect_tasks.emulator.server.wire import Wire
from connect_tasks.emulator.transcript_storage import TranscriptStorage
from tests.unit.emulator.world import World

SIGNED = "AWS4-HMAC-SHA256 Credential=KEY/20261122/us-east-1/{}/aws4_request, Signature=00"
OF_CONNECT = {"authorization": SIGNED.format("connect")}
OF_S3 = {"authorization": SIGNED.format("s3")}
BUCKET = "/amazon-connect-local"


class Site(World):
    """An instance and its web application."""

    def __init__(self, *faults: Fault, limits: LocalLimits | None = None) -> None:
        super().__init__(storage=TranscriptStorage())
        self.wire = Wire(
            self.backend,
            self.service,
            FaultPlan(faults, 0),
            lock=threading.Lock(),
            transports=Transports(),
            limits=limits or LocalLimits(),
        )

    def ask(self, method: str, url: str, **members: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.wire.app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1"
            ) as client:
                return await client.request(method, url, **members)

        return asyncio.run(asked())

    def put(self, **members: object) -> httpx.Response:
        """A StartChatContact over HTTP."""
        body = self.request("echo", **members)
        return self.ask("PUT", "/contact/chat", json=body, headers=OF_CONNECT)

    def look(self, what: str) -> Any:
        return self.ask("GET", f"/_local/{what}").json()


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_chat_is_started_once_for_each_token(site: Site) -> None:
    first, again = site.put(), site.put()

    assert (first.status_code, first.headers["content-type"]) == (200, "application/json")
    assert first.json()["ContactId"] == again.json()["ContactId"]
    assert first.headers["x-amzn-requestid"] != again.headers["x-amzn-requestid"]
    assert site.look("calls") == {"StartChatContact": 2}
    assert [row["contact_id"] for row in site.look("contacts")] == [first.json()["ContactId"]]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "InvalidRequestException"),
        (b"[]", "InvalidRequestException"),
        (b'{"InstanceId":""}', "InvalidRequestException"),
    ],
)
def test_a_bad_body_is_refused_with_a_code(site: Site, body: bytes, code: str) -> None:
    answer = site.ask("PUT", "/contact/chat", content=body, headers=OF_CONNECT)

    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (400, code)
    assert site.look("contacts") == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nothing"), ("POST", "/_local/contacts"), ("GET", "/_local/nothing")],
)
def test_what_is_not_served_is_said_with_what_is(site: Site, method: str, path: str) -> None:
    answer = site.ask(method, path)

    assert answer.headers["x-amzn-errortype"] == "UnknownOperationException"
    assert answer.status_code == 404
    assert "StartChatContact" in answer.json()["message"]


def test_a_browser_of_another_site_may_call(site: Site) -> None:
    answer = site.ask("OPTIONS", "/participant/message")

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_body_that_is_too_large_is_refused_however_it_comes() -> None:
    site = Site(limits=LocalLimits(body_bytes=1_000))

    async def pieces() -> Any:
        for _ in range(20):
            yield b" " * 100

    for content in (b" " * 1_001, pieces()):
        answer = site.ask("PUT", "/contact/chat", content=content, headers=OF_CONNECT)
        assert answer.status_code == 413
    assert site.look("calls") == {}


def test_whoever_does_not_send_it_before_being_asked_is_told_to_go(site: Site) -> None:
    headers = {**OF_CONNECT, "content-length": str(10**9), "expect": "100-continue"}
    answer = site.ask("PUT", "/contact/chat", content=b"", headers=headers)

    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


@pytest.mark.parametrize(
    ("fault", "status", "is_done"),
    [
        (Fault(operation="StartChatContact", kind=FaultKind.ERROR_BEFORE, status=500), 500, False),
        (Fault(operation="StartChatContact", kind=FaultKind.ERROR_AFTER, status=500), 500, True),
        (Fault(operation="StartChatContact", kind=FaultKind.THROTTLE), 429, False),
        (Fault(operation="StartChatContact", kind=FaultKind.UNTYPED_429), 429, False),
        (Fault(operation="StartChatContact", kind=FaultKind.EXPIRED_CREDENTIALS), 403, False),
        (Fault(operation="StartChatContact", kind=FaultKind.DELAY, seconds=0), 200, True),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Fault) else None,
)
def test_a_fault_is_met_and_counted(fault: Fault, status: int, is_done: bool) -> None:  # noqa: FBT001
    site = Site(fault)

    assert site.put().status_code == status
    assert len(site.look("contacts")) == is_done
    assert site.look("injected") == {"StartChatContact": {fault.kind.value: 1}}


def test_what_fails_inside_ends_in_an_error_and_the_next_is_served(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_request: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(site.service, "answer", fail)
        answer = site.put()
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (
        500,
        "InternalServiceException",
    )
    assert site.put().status_code == 200


# --- S3 on the same port ---


def ended(site: Site) -> str:
    """A chat that was held and is over; its file's key."""
    socket, _ = site.join("echo")
    site.stop(socket.items[0]["ContactId"])
    return next(file.key for file in site.backend.archive.files(""))


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        (BUCKET + "/{}", OF_S3),
        ("http://amazon-connect-local.here/{}", OF_S3),
        (BUCKET + "/{}?AWSAccessKeyId=KEY&Signature=00", {}),
        (BUCKET + "/{}?X-Amz-Credential=KEY%2F20261122%2Fus-east-1%2Fs3%2Faws4_request", {}),
    ],
    ids=["path", "host", "older link", "link"],
)
def test_a_file_is_given_to_whoever_signed(url: str, headers: dict[str, str]) -> None:
    site = Site()
    answer = site.ask("GET", url.format(ended(site)), headers=headers)

    assert (answer.status_code, answer.json()["Version"]) == (200, "2019-08-26")
    assert site.look("calls")["GetObject"] == 1


def test_who_did_not_sign_is_denied_in_xml_and_a_head_in_silence(site: Site) -> None:
    key = ended(site)
    got = site.ask("GET", f"{BUCKET}/{key}")
    seen = site.ask("HEAD", f"{BUCKET}/{key}")

    assert (got.status_code, seen.status_code, seen.content) == (403, 403, b"")
    assert ET.fromstring(got.content).findtext("Code") == "AccessDenied"  # noqa: S314 - our own
    assert site.look("refusals") == {
        "GetObject": {"AccessDenied": 1},
        "HeadObject": {"AccessDenied": 1},
    }


def test_a_head_tells_the_length_of_what_it_is_not_given(site: Site) -> None:
    path = f"{BUCKET}/{ended(site)}"
    got, seen = (site.ask(method, path, headers=OF_S3) for method in ("GET", "HEAD"))

    assert seen.content == b""
    assert seen.headers["content-length"] == str(len(got.content))


def test_expired_credentials_open_nothing(site: Site) -> None:
    path = f"{BUCKET}/{ended(site)}"
    site.service.expired_keys.add("KEY")

    assert "ExpiredToken" in site.ask("GET", path, headers=OF_S3).text


@pytest.mark.parametrize(
    ("faults", "status"),
    [
        ([Fault(operation="GetObject", kind=FaultKind.FILE_NO_JSON)], 200),
        ([Fault(operation="GetObject", kind=FaultKind.FILE_HUGE)], 200),
        ([Fault(operation="GetObject", kind=FaultKind.ERROR_BEFORE, status=503)], 503),
    ],
    ids=["no json", "huge", "error"],
)
def test_files_and_their_calls_can_be_struck(faults: Sequence[Fault], status: int) -> None:
    site = Site(*faults)
    path = f"{BUCKET}/{ended(site)}"
    struck = site.ask("GET", path, headers={**OF_S3, "range": "bytes=0-99"})

    assert struck.status_code in {status, 206}
    assert site.look("injected") == {"GetObject": {faults[0].kind.value: 1}}


def test_a_huge_file_comes_whole_and_is_still_json() -> None:
    site = Site(Fault(operation="GetObject", kind=FaultKind.FILE_HUGE))
    answer = site.ask("GET", f"{BUCKET}/{ended(site)}", headers=OF_S3)

    assert len(answer.content) > 50 * 1024 * 1024
    assert json.loads(answer.content)["Version"] == "2019-08-26"


def test_what_s3_does_not_serve_here_is_no_call(site: Site) -> None:
    answer = site.ask("DELETE", f"{BUCKET}/key", headers=OF_S3)

    assert answer.status_code == 405
    assert site.look("calls") == {}
