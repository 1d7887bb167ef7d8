"""The lean transport beside boto3: the same bytes out, and the same meaning of what comes back."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.stub import Stubber
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from connect_tasks.aws import calls
from connect_tasks.aws.calls import Call, Carrier
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.lean.http import MOST_BYTES
from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.chat.own_loop import run_on_own_loop
from connect_tasks.errors import AmazonError, CredentialsError, OutcomeUnknownError

Result = TypeVar("Result")

CUT, HANG, RESET = b"cut", b"hang", b"reset"
NOW = datetime(2026, 11, 28, 5, 0, tzinfo=UTC)


class RudeServer:
    """Answers each request with the next of its bytes, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.answers: list[bytes] = []
        self.heard = threading.Event()
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lines: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in self._lines:
            line.close()

    def _accept(self) -> None:
        try:
            while True:
                line, _ = self._listener.accept()
                self.connections += 1
                self._lines.append(line)
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()
        except OSError:
            return

    def _serve(self, line: socket.socket) -> None:
        try:
            while self._answer(line):
                pass
        except OSError:
            return

    def _answer(self, line: socket.socket) -> bool:
        request = _request(line)
        if not request:
            return False
        self.asked.append(request)
        self.heard.set()
        answer = self.answers.pop(0)
        if answer == HANG:
            return True
        if answer == RESET:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            line.close()
            return False
        if answer != CUT:
            line.sendall(answer)
        if answer == CUT or b"\r\nConnection: close" in answer:
            line.shutdown(socket.SHUT_RDWR)
            line.close()
            return False
        return True


def _request(line: socket.socket) -> bytes:
    heard = b""
    while b"\r\n\r\n" not in heard:
        piece = line.recv(65536)
        if not piece:
            return b""
        heard += piece
    head, _, body = heard.partition(b"\r\n\r\n")
    length = int(headers_of(heard).get("content-length", "0"))
    while len(body) < length:
        body += line.recv(65536)
    return head + b"\r\n\r\n" + body


def headers_of(request: bytes) -> dict[str, str]:
    _, *lines = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    pairs = (line.partition(":")[::2] for line in lines)
    return {name.lower(): value.strip() for name, value in pairs}


def answer(
    status: int, body: bytes = b"", *more: str, length: int | None = None, close: bool = False
) -> bytes:
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status} Some", f"Content-Length: {size}", "x-amzn-RequestId: r-1", *more]
    lines += ["Connection: close"] if close else []
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


pytestmark = pytest.mark.usefixtures("nobody_elses_hooks")


@pytest.fixture
def server() -> Iterator[RudeServer]:
    made = RudeServer()
    yield made
    made.close()


def session() -> boto3.Session:
    return boto3.Session("AKIDEXAMPLE", "secret", "a/session+token=", region_name="us-east-1")


def api_of(server: RudeServer, read_seconds: float = 20, **more: Any) -> ConnectApi:
    options = ClientOptions(
        parameters={"endpoint_url": server.url, **more}, read_timeout_seconds=read_seconds
    )
    return ConnectApi(session, options)


def on_lean(api: ConnectApi, work: Callable[[Carrier], Awaitable[Result]]) -> Result:
    async def main() -> Result:
        with ThreadPoolExecutor(1) as executor:
            async with api.connected(executor):
                carrier = api.lean_for(api.start_chat)
                assert carrier is not None
                return await work(carrier)

    return run_on_own_loop(main())


def lean(api: ConnectApi, *made: Call[Any]) -> list[Any]:
    """The results, or errors, of calls one after the other."""

    async def work(carrier: Carrier) -> list[Any]:
        return [await _or_error(carrier.carry(call)) for call in made]

    return on_lean(api, work)


async def _or_error(result: Awaitable[Any]) -> Any:
    try:
        return await result
    except AmazonError as error:
        return error


def by_boto3(api: ConnectApi, call: Call[Any]) -> Any:
    try:
        return api._call(call)
    except AmazonError as error:
        return error


def told(result: Any) -> Any:
    """What a caller learns; of an error also what boto3 made of it."""
    if not isinstance(result, AmazonError):
        return result
    cause = result.__cause__
    return (
        type(result),
        result.operation,
        result.status,
        result.request_id,
        result.code,
        type(cause).__name__,
        getattr(cause, "response", None),
    )


REQUEST = {
    "InstanceId": "i-1",
    "ContactFlowId": "f-1",
    "ParticipantDetails": {"DisplayName": "Ann"},
    "ClientToken": "once",
}
OUTBOUND = {
    "InstanceId": "i-1",
    "ContactFlowId": "f-1",
    "SourceEndpoint": {
        "Type": "CONNECT_PHONENUMBER_ARN",
        "Address": "arn:aws:connect:us-east-1:123456789012:phone-number/p-1",
    },
    "DestinationEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "+4915112345678"},
    "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:SMS"}},
    "ClientToken": "once",
}
START = calls.start_chat(json.dumps(REQUEST))
TOKEN = SecretStr("a-token")
EVERY = (
    START,
    calls.stop_contact("i-1", "c-1"),
    calls.describe_contact("i-1", "c-1"),
    calls.search_contacts("i-1", since=NOW, until=NOW, methods=["API"], page="p-2"),
    calls.transcript_places("i-1"),
    calls.connect_participant(TOKEN),
    calls.send_message(TOKEN, "Grüße, 你好", client_token="k"),
    calls.read_transcript(TOKEN, contact_id="c-1", after="m-1", page="p-2"),
    calls.disconnect_participant(TOKEN),
    calls.start_outbound_chat(json.dumps(OUTBOUND)),
)
NAMES = [call.operation for call in EVERY]

# --- what goes out ---


@contextmanager
def frozen() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda: NOW)
        yield


def same_bytes(server: RudeServer, api: ConnectApi, call: Call[Any]) -> None:
    """Both transports ask the same, but for what is made up anew for each call.

    So does the lean one when it has seen botocore make such a request before.
    """
    refusal = answer(400, b"{}")
    server.answers[:], server.asked[:] = [refusal] * 3, []
    with frozen():
        by_boto3(api, call)
        lean(api, call, call)
    by_botocore, first, second = (comparable(request) for request in server.asked)
    assert by_botocore == first == second


def comparable(request: bytes) -> Any:
    line, _, body = request.partition(b"\r\n")[0], *request.partition(b"\r\n\r\n")[1:]
    headers = headers_of(request)
    assert len(headers.pop("amz-sdk-invocation-id")) == 36
    if line.startswith(b"POST /participant/disconnect"):
        body = json.dumps({**json.loads(body), "ClientToken": "made up"}).encode()
    return line, headers, body


@pytest.mark.parametrize("call", EVERY, ids=NAMES)
def test_each_call_is_the_same_on_the_wire(server: RudeServer, call: Call[Any]) -> None:
    same_bytes(server, api_of(server), call)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(
    texts=st.lists(TEXTS, min_size=4, max_size=4),
    attributes=st.dictionaries(TEXTS, TEXTS, max_size=4),
)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_said_is_the_same_on_the_wire(
    server: RudeServer, texts: Sequence[str], attributes: dict[str, str]
) -> None:
    one, two, three, four = texts
    api = api_of(server)
    wire = {**REQUEST, "InstanceId": one, "ClientToken": two, "Attributes": attributes}
    same_bytes(server, api, calls.start_chat(json.dumps(wire)))
    same_bytes(server, api, calls.describe_contact(one, two))
    same_bytes(server, api, calls.send_message(TOKEN, three, client_token=four))
    same_bytes(server, api, calls.search_contacts(one, since=NOW, until=NOW, methods=[two]))


# --- what comes back ---


def modelled() -> Iterator[tuple[Call[Any], str]]:
    loaded = botocore.session.get_session()
    for call in EVERY:
        service = "connect" if call.service == "connect" else "connectparticipant"
        model = loaded.get_service_model(service).operation_model(call.operation)
        for shape in model.error_shapes:
            yield call, shape.name
        yield call, "TooManyRequestsException"
        yield call, "NobodyKnowsThisException"


@pytest.mark.parametrize(("call", "code"), list(modelled()))
def test_each_error_of_amazon_means_the_same(
    server: RudeServer, call: Call[Any], code: str
) -> None:
    api = api_of(server)
    body = b'{"message": "no", "ResourceId": "x", "Reason": {"AttachedFile": []}}'
    status = 429 if code.startswith(("Too", "Thrott")) else 500 if "Internal" in code else 400
    refusal = answer(status, body, f"x-amzn-ErrorType: {code}:http://internal.amazon.com/")
    server.answers[:] = [refusal, refusal]

    theirs = by_boto3(api, call)
    [ours] = lean(api, call)

    assert isinstance(ours, AmazonError)
    assert told(ours) == told(theirs)


JSON = "Content-Type: application/json"
HALF = b'{"ContactId": "c-1", "Parti'
ODD = {
    "nothing at all": CUT,
    "a reset": RESET,
    "200 without a body": answer(200),
    "200 with a list": answer(200, b"[1, 2]", JSON),
    "200 nested without end": answer(200, b"[" * 100_000, JSON),
    "200 with garbage": answer(200, b"\xff\x00garbage", JSON),
    "200 with HTML": answer(200, b"<html>Hello</html>", "Content-Type: text/html"),
    "half a body": answer(200, HALF, JSON, length=1000, close=True),
    "half a refusal": answer(
        400, b'{"mess', "x-amzn-ErrorType: InvalidRequestException", length=99, close=True
    ),
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    b"ff\r\n" + HALF,
    "chunks that make sense": b"HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\n{}\r\n0\r\n\r\n",
    "no status line": b"garbage\r\nConnection: close\r\n\r\n",
    "a status of words": b"HTTP/1.1 fine OK\r\nConnection: close\r\n\r\n",
    "a redirect": answer(302, b"", "Location: /elsewhere"),
    "a lasting redirect": answer(308, b"", "Location: http://127.0.0.1:1/"),
    "304": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "401": answer(401),
    "403 without a body": answer(403),
    "404 of another server": answer(404, b"<html>Not here</html>", "Content-Type: text/html"),
    "408": answer(408),
    "410": answer(410),
    "429 without a body": answer(429),
    "500": answer(500),
    "502 of a balancer": answer(502, b"<html>Bad gateway</html>", "Content-Type: text/html"),
    "503 with a code": answer(503, b'{"__type": "ServiceUnavailable", "message": "busy"}', JSON),
    "a header twice": answer(400, b"{}", "x-a: 1", "x-a: 2", "x-b: \xe4"),
    "a header twice, in two cases": answer(
        400, b"{}", "x-amzn-errortype: NoSuchException", "X-Amzn-ErrorType: AccessDeniedException"
    ),
    "a long header": answer(400, b"{}", f"x-a: {'a' * 60_000}"),
}


@pytest.mark.parametrize(
    "call", [START, EVERY[2], EVERY[6], EVERY[9]], ids=lambda call: call.operation
)
@pytest.mark.parametrize("odd", list(ODD.values()), ids=list(ODD))
def test_a_rude_answer_means_the_same_and_is_asked_for_once(
    server: RudeServer, odd: bytes, call: Call[Any]
) -> None:
    api = api_of(server)
    server.answers[:] = [odd] * 4

    theirs = by_boto3(api, call)
    tries = len(server.asked)
    [ours] = lean(api, call)

    if isinstance(theirs, AmazonError):
        assert told(ours)[:4] == told(theirs)[:4]
    else:
        assert ours == theirs
    # Refused credentials are made anew, once.
    assert tries == (2 if isinstance(theirs, CredentialsError) else 1)
    assert len(server.asked) == 2 * tries


def test_a_server_that_hangs_is_given_up_with_the_outcome_unknown(server: RudeServer) -> None:
    api = api_of(server, read_seconds=0.2)
    server.answers[:] = [HANG, HANG]

    theirs = by_boto3(api, START)
    [ours] = lean(api, START)

    assert told(ours) == told(theirs)
    assert type(ours) is OutcomeUnknownError
    assert len(server.asked) == 2


def test_nobody_at_the_other_end_means_that_nothing_was_sent() -> None:
    gone = RudeServer()
    gone.close()
    api = api_of(gone)

    [ours] = lean(api, START)

    assert told(ours) == told(by_boto3(api, START))
    assert ours.code == "EndpointConnectionError"


def test_an_answer_without_end_is_given_up_and_not_kept(server: RudeServer) -> None:
    # Shorter, it would be a chat.
    started = b'{"ContactId": "c-1", "ParticipantId": "p-1", "ParticipantToken": "t"}'
    server.answers[:] = [answer(200, started + b" " * MOST_BYTES, JSON)]

    [ours] = lean(api_of(server), START)

    assert type(ours) is OutcomeUnknownError


@pytest.mark.parametrize("end", [CUT, RESET], ids=["cut", "reset"])
@pytest.mark.parametrize("call", EVERY, ids=NAMES)
def test_on_a_kept_connection_that_is_cut_nothing_is_sent_twice(
    server: RudeServer, call: Call[Any], end: bytes
) -> None:
    # A second try would find an answer.
    server.answers[:] = [answer(400, b"{}"), end, answer(400, b"{}")]

    first, second = lean(api_of(server), call, call)

    assert first.status == 400
    assert second.code == "ConnectionClosedError"
    assert (server.connections, len(server.asked)) == (1, 2)


def started(contact: str) -> bytes:
    body = {"ContactId": contact, "ParticipantId": "p", "ParticipantToken": "t"}
    return answer(200, json.dumps(body).encode(), JSON)


@pytest.mark.parametrize("is_busy", [False, True], ids=["read", "not read yet"])
@pytest.mark.parametrize("stray", [started("stray"), answer(408), b"H"], ids=["200", "408", "part"])
def test_an_answer_that_nobody_asked_for_is_not_the_next_ones(
    server: RudeServer, stray: bytes, *, is_busy: bool
) -> None:
    server.answers[:] = [started("first"), started("second"), started("third")]

    async def work(carrier: Any) -> list[str]:
        first = await carrier.carry(START)
        server._lines[0].sendall(stray)
        if is_busy:
            time.sleep(0.1)  # noqa: ASYNC251 - the loop has no time to read it
        else:
            await asyncio.sleep(0.1)
        return [
            one.contact_id
            for one in (first, await carrier.carry(START), await carrier.carry(START))
        ]

    assert on_lean(api_of(server), work) == ["first", "second", "third"]
    assert len(server.asked) == 3


# --- cancelling ---


def test_a_call_that_went_out_is_carried_out_although_nobody_waits(server: RudeServer) -> None:
    ended = answer(200, b"{}", JSON)

    async def work(carrier: Any) -> None:
        server.answers[:] = [HANG]
        task = asyncio.ensure_future(carrier.carry(EVERY[1]))
        assert await asyncio.to_thread(server.heard.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server._lines[0].sendall(ended)
        await asyncio.wait(carrier._under_way)
        server.answers[:] = [ended]
        await carrier.carry(EVERY[1])

    on_lean(api_of(server), work)

    # Not heard out, its connection would not have been good for the second call.
    assert (server.connections, len(server.asked)) == (1, 2)


@pytest.mark.parametrize("has_begun", [False, True], ids=["before it begins", "as it hangs"])
def test_a_call_that_the_loops_end_cancels_keeps_nobody_waiting_and_no_place(
    server: RudeServer, *, has_begun: bool
) -> None:
    ended = answer(200, b"{}", JSON)
    server.answers[:] = [HANG, ended] if has_begun else [ended]
    options = ClientOptions(parameters={"endpoint_url": server.url}, connections=1)

    async def work(carrier: Any) -> None:
        waiting = asyncio.ensure_future(carrier.carry(EVERY[1]))
        if has_begun:
            assert await asyncio.to_thread(server.heard.wait, 20)
        else:
            await asyncio.sleep(0)
        (task,) = carrier._under_way
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await carrier.carry(EVERY[1])

    on_lean(ConnectApi(session, options), work)

    assert server.answers == []


# --- what the lean transport does not know ---


def carried_by(api: ConnectApi) -> str:
    """Whether a call runs on the executor's thread, as boto3's do."""
    ran: list[str] = []

    async def main() -> None:
        with ThreadPoolExecutor(1, "amazon") as executor:
            async with api.connected(executor):
                carrier: Any = api.lean_for(api.start_chat)
                await _or_error(carrier.carry(EVERY[1]))
                ran.append("lean" if carrier._wires else "boto3")

    run_on_own_loop(main())
    return ran[0]


def hooked() -> boto3.Session:
    made = session()
    made.events.register("before-send.connect", lambda **_: None)
    return made


def test_a_plain_client_is_carried_by_the_lean_transport(server: RudeServer) -> None:
    server.answers[:] = [answer(200, b"{}", JSON)]

    assert carried_by(api_of(server)) == "lean"


@pytest.mark.parametrize(
    "config",
    [
        Config(proxies={"http": "http://127.0.0.1:1"}),
        Config(client_cert="/nowhere.pem"),
        Config(tcp_keepalive=True),
    ],
    ids=["proxy", "certificate", "keep-alive"],
)
def test_what_only_boto3_knows_goes_by_boto3(server: RudeServer, config: Config) -> None:
    server.answers[:] = [answer(200, b"{}", JSON)]

    assert carried_by(api_of(server, config=config)) == "boto3"


def test_a_session_with_hooks_goes_by_boto3(server: RudeServer) -> None:
    server.answers[:] = [answer(200, b"{}", JSON)]
    options = ClientOptions(parameters={"endpoint_url": server.url})

    assert carried_by(ConnectApi(hooked, options)) == "boto3"


def test_a_session_that_is_stubbed_is_answered_by_its_stubs(server: RudeServer) -> None:
    api = api_of(server)
    stubber = Stubber(api.current(expired=None).connect)
    stubber.add_response("stop_contact", {})
    with stubber:
        assert lean(api, EVERY[1]) == [None]

    assert server.asked == []


@pytest.mark.parametrize(
    "odd", ["http://LOCALHOST:{port}", "http://127.1:{port}", "http://u:p@127.0.0.1:{port}"]
)
def test_an_address_in_an_odd_form_goes_by_boto3(server: RudeServer, odd: str) -> None:
    server.answers[:] = [answer(200, b"{}", JSON)]
    url = odd.format(port=server.url.rpartition(":")[2])

    api = ConnectApi(session, ClientOptions(parameters={"endpoint_url": url}))

    assert carried_by(api) == "boto3"


def test_a_call_shows_neither_tokens_nor_customers() -> None:
    assert "a-token" not in repr(calls.connect_participant(TOKEN))


def test_retries_that_slow_down_by_themselves_go_by_boto3(
    server: RudeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_RETRY_MODE", "adaptive")
    server.answers[:] = [answer(200, b"{}", JSON)]

    assert carried_by(api_of(server)) == "boto3"


def test_boto3_carries_all_if_it_is_told_to(server: RudeServer) -> None:
    api = ConnectApi(
        session, ClientOptions(parameters={"endpoint_url": server.url}, transport="boto3")
    )

    async def main() -> bool:
        with ThreadPoolExecutor(1) as executor:
            async with api.connected(executor):
                return api.lean_for(api.start_chat) is None

    assert run_on_own_loop(main())


def test_a_method_of_a_subclass_is_called_as_it_is(server: RudeServer) -> None:
    class Own(ConnectApi):
        def stop_contact(self, instance_id: str, contact_id: str) -> None: ...

    api = Own(session, ClientOptions(parameters={"endpoint_url": server.url}))

    async def main() -> list[bool]:
        with ThreadPoolExecutor(1) as executor:
            async with api.connected(executor):
                methods: list[Any] = [api.stop_contact, api.start_chat]
                return [api.lean_for(method) is None for method in methods]

    assert run_on_own_loop(main()) == [True, False]


def test_the_block_chooses_what_carries_the_calls() -> None:
    block = AmazonConnectInstance(instance_id="i-1", contact_flow_id="f-1")
    first = block.connect().api
    block.transport = "boto3"

    assert first.made_of[1].transport == "lean"
    assert block.connect().api.made_of[1].transport == "boto3"
