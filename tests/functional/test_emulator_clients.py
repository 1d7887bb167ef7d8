"""The local Amazon Connect as boto3, plain HTTP and a web socket client see it."""

import asyncio
import json
import socket as sockets
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from connect_tasks.emulator import ContactRecord, LocalConnect, LocalLimits, LocalQuotas
from connect_tasks.emulator.server.transports import listen

BOTH = ["WEBSOCKET", "CONNECTION_CREDENTIALS"]
SUBSCRIBE = '{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}'
ENDED = "application/vnd.amazonaws.connect.event.chat.ended"


@contextmanager
def client(local: LocalConnect, service: str) -> Iterator[Any]:
    make: Any = boto3.client
    made = make(
        service,
        endpoint_url=local.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=20),
    )
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def local() -> Iterator[LocalConnect]:
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as running:
        yield running


@pytest.fixture
def contacts(local: LocalConnect) -> Iterator[Any]:
    with client(local, "connect") as made:
        yield made


@pytest.fixture
def participants(local: LocalConnect) -> Iterator[Any]:
    with client(local, "connectparticipant") as made:
        yield made


def smallest(local: LocalConnect, flow: str | None = None, **members: object) -> dict[str, Any]:
    return {
        "InstanceId": local.instance_id,
        "ContactFlowId": local.flow_ids[flow] if flow else local.flow_id,
        "ParticipantDetails": {"DisplayName": "Ann"},
        **members,
    }


def read_items(socket: Any, count: int) -> list[dict[str, str]]:
    items: list[dict[str, str]] = []
    while len(items) < count:
        frame = json.loads(socket.recv(timeout=10))
        if frame["topic"] == "aws/chat":
            items.append(json.loads(frame["content"]))
    return items


def send(local: LocalConnect, path: str, body: bytes, **headers: str) -> tuple[int, Any, Any]:
    """One request by hand: status, headers and body of the answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    method = "PUT" if path == "/contact/chat" else "POST"
    request = urllib.request.Request(  # noqa: S310 - loopback
        local.endpoint_url + path, body or None, named, method=method
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers, json.load(refused)


def look(local: LocalConnect, what: str) -> Any:
    with urllib.request.urlopen(f"{local.endpoint_url}/_local/{what}") as answer:  # noqa: S310
        return json.load(answer)


def test_a_survey_runs_from_start_to_end_over_a_real_socket(
    local: LocalConnect, contacts: Any, participants: Any
) -> None:
    request = smallest(local, "survey", CustomerId="c-1", Attributes={"plan": "Gold"})
    started = contacts.start_chat_contact(**request)
    info = participants.create_participant_connection(
        ParticipantToken=started["ParticipantToken"], Type=BOTH
    )
    token = info["ConnectionCredentials"]["ConnectionToken"]
    with connect(info["Websocket"]["Url"]) as socket:
        socket.send(SUBSCRIBE)
        greeting = read_items(socket, 2)[1]
        page = participants.get_transcript(ConnectionToken=token)
        sent = participants.send_message(
            ConnectionToken=token, ContentType="text/plain", Content="9"
        )
        answer = read_items(socket, 4)

    assert "Ann" in greeting["Content"]
    assert "Gold" in greeting["Content"]
    assert page["Transcript"][0]["Id"] == greeting["Id"]
    assert answer[0]["Id"] == sent["Id"]
    assert answer[-1]["ContentType"] == ENDED
    described = contacts.describe_contact(
        InstanceId=local.instance_id, ContactId=started["ContactId"]
    )["Contact"]
    assert described["DisconnectReason"] == "CONTACT_FLOW_DISCONNECT"
    assert datetime.now(UTC) - described["DisconnectTimestamp"] < timedelta(minutes=1)


def test_what_happened_can_be_looked_at_in_this_process(local: LocalConnect, contacts: Any) -> None:
    contacts.start_chat_contact(**smallest(local, CustomerId="c-1", ClientToken="t-1"))
    with pytest.raises(ClientError):
        contacts.start_chat_contact(**smallest(local, ContactFlowId="unknown"))

    (contact,) = local.contacts
    assert isinstance(contact, ContactRecord)
    assert (contact.customer_id, contact.client_token, contact.flow) == ("c-1", "t-1", "echo")
    assert contact.connected_at is None
    assert local.calls == {"StartChatContact": 2}
    assert local.refusals == {("StartChatContact", "ResourceNotFoundException"): 1}
    assert len(local.issued_tokens) == 1


def test_what_happened_can_be_looked_at_from_another_process(
    local: LocalConnect, contacts: Any
) -> None:
    started = contacts.start_chat_contact(**smallest(local, ClientToken="t-1"))
    with pytest.raises(ClientError):
        contacts.start_chat_contact(**smallest(local, ContactFlowId="unknown"))

    (contact,) = look(local, "contacts")
    assert contact["contact_id"] == started["ContactId"]
    assert contact["started_at"].endswith("Z")
    assert look(local, "calls") == {"StartChatContact": 2}
    assert look(local, "refusals") == {"StartChatContact": {"ResourceNotFoundException": 1}}
    assert look(local, "tokens") == [started["ParticipantToken"]]


@pytest.mark.parametrize(
    ("members", "code", "status"),
    [
        ({"ContactFlowId": "unknown"}, "ResourceNotFoundException", 404),
        ({"CustomerId": "c" * 129}, "InvalidParameterException", 400),
    ],
)
def test_refusals_reach_boto3_as_typed_errors_with_a_request_id(
    local: LocalConnect, contacts: Any, members: dict[str, Any], code: str, status: int
) -> None:
    with pytest.raises(ClientError) as caught:
        contacts.start_chat_contact(**smallest(local, **members))

    response: Any = caught.value.response
    assert isinstance(caught.value, getattr(contacts.exceptions, code))
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["ResponseMetadata"]["RequestId"]


def test_both_kinds_of_429_can_be_told_apart() -> None:
    narrow = LocalQuotas(start_chat_contact=(0.001, 2), open_chats=1)
    refusals = []
    with LocalConnect(quotas=narrow) as full, client(full, "connect") as contacts:
        contacts.start_chat_contact(**smallest(full))
        for _ in range(2):
            with pytest.raises(ClientError) as caught:
                contacts.start_chat_contact(**smallest(full))
            refusals.append(caught.value.response)

    assert [refusal["ResponseMetadata"]["HTTPStatusCode"] for refusal in refusals] == [429, 429]
    codes = [refusal["Error"]["Code"] for refusal in refusals]
    assert codes == ["LimitExceededException", "TooManyRequestsException"]


def test_the_participant_service_ignores_signatures_and_wants_its_bearer(
    local: LocalConnect, contacts: Any
) -> None:
    token = contacts.start_chat_contact(**smallest(local))["ParticipantToken"]
    body = json.dumps({"Type": BOTH}).encode()

    unsigned = send(local, "/participant/connection", body, X_Amz_Bearer=token)
    signed = send(
        local, "/participant/connection", body, X_Amz_Bearer=token, Authorization="nonsense"
    )
    nobody = send(local, "/participant/connection", body, Authorization="nonsense")

    assert [status for status, _, _ in (unsigned, signed, nobody)] == [200, 200, 403]
    assert nobody[1]["x-amzn-ErrorType"] == "AccessDeniedException"
    assert nobody[2] == {"message": "Access denied"}


def test_the_connect_service_wants_a_signature_and_every_answer_has_a_request_id(
    local: LocalConnect,
) -> None:
    body = json.dumps(smallest(local)).encode()

    status, headers, _ = send(local, "/contact/chat", body)
    unknown, other_headers, _ = send(local, "/contact/list", b"{}")

    assert (status, unknown) == (403, 404)
    assert headers["x-amzn-RequestId"] != other_headers["x-amzn-RequestId"]
    assert local.contacts == []


def test_the_socket_url_is_one_that_chatjs_accepts(local: LocalConnect, contacts: Any) -> None:
    started = contacts.start_chat_contact(**smallest(local, ConnectionTypes=BOTH))

    assert started["Websocket"]["Url"].startswith("ws://127.0.0.1:")


def test_a_wrong_socket_url_is_refused_at_the_hand_shake(local: LocalConnect) -> None:
    url = local.endpoint_url.replace("http", "ws") + "/participant/socket?key=wrong"

    with pytest.raises(InvalidStatus) as caught, connect(url):
        pass

    assert caught.value.response.status_code == 403


def test_a_participant_has_five_sockets_and_gets_a_place_back(
    local: LocalConnect, contacts: Any
) -> None:
    started = contacts.start_chat_contact(**smallest(local, ConnectionTypes=BOTH))
    url = started["Websocket"]["Url"]
    sockets = [connect(url) for _ in range(5)]
    with pytest.raises(InvalidStatus):
        connect(url)
    sockets.pop().close()

    # The server learns of the close a moment after the client.
    sockets.append(_eventually(lambda: connect(url), InvalidStatus))
    for socket in sockets:
        socket.close()


def _eventually(act: Any, error: type[Exception]) -> Any:
    deadline = time.monotonic() + 10
    while True:
        try:
            return act()
        except error:
            if time.monotonic() > deadline:
                raise


def test_stopping_is_quick_and_cuts_open_sockets_and_state_stays() -> None:
    local = LocalConnect(flow="silent").start()
    with client(local, "connect") as mine:
        started = mine.start_chat_contact(**smallest(local, ConnectionTypes=BOTH))
    with connect(started["Websocket"]["Url"]) as socket:
        socket.send(SUBSCRIBE)
        read_items(socket, 1)
        began = time.monotonic()
        local.stop()
        lasted = time.monotonic() - began
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)

    assert lasted < 1
    assert [contact.contact_id for contact in local.contacts] == [started["ContactId"]]


def test_started_again_it_is_the_same_instance_on_the_same_port(local: LocalConnect) -> None:
    first = local.endpoint_url
    with client(local, "connect") as contacts:
        before = contacts.start_chat_contact(**smallest(local, ClientToken="t-1"))
    local.stop()
    local.start()
    with client(local, "connect") as contacts:
        after = contacts.start_chat_contact(**smallest(local, ClientToken="t-1"))

    assert local.endpoint_url == first
    assert before["ContactId"] == after["ContactId"]


def test_it_can_be_started_where_an_event_loop_is_running() -> None:
    async def notebook() -> int:
        with LocalConnect() as local:
            return len(await asyncio.to_thread(look, local, "contacts"))

    assert asyncio.run(notebook()) == 0


def test_a_stop_under_a_running_event_loop_does_not_wait_for_its_sockets() -> None:
    async def notebook() -> float:
        local = LocalConnect(flow="silent").start()
        with client(local, "connect") as contacts:
            started = contacts.start_chat_contact(**smallest(local, ConnectionTypes=BOTH))
        async with connect_async(started["Websocket"]["Url"]) as socket:
            await socket.send(SUBSCRIBE)
            await socket.recv()
            began = time.monotonic()
            # Blocks the loop, so the client cannot answer the closing hand-shake meanwhile.
            local.stop()
            return time.monotonic() - began

    assert asyncio.run(notebook()) < 1


def test_before_the_start_there_is_no_url() -> None:
    with pytest.raises(RuntimeError, match="has not been started"):
        _ = LocalConnect().endpoint_url


def test_an_unknown_flow_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="agent, echo, feedback, silent, survey"):
        LocalConnect(flow="surveys")


def test_a_taken_port_is_an_os_error(local: LocalConnect) -> None:
    port = int(local.endpoint_url.rpartition(":")[2])

    with pytest.raises(OSError, match="in use"):
        LocalConnect(port=port).start()


def test_the_environment_points_other_clients_here(
    local: LocalConnect, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in local.environment().items():
        monkeypatch.setenv(name, value)
    contacts = boto3.Session().client("connect")
    contacts.start_chat_contact(**smallest(local))
    contacts.close()

    assert len(local.contacts) == 1


def test_flow_arns_lie_within_the_instance(local: LocalConnect) -> None:
    assert local.instance_arn.endswith(f"instance/{local.instance_id}")
    assert local.flow_arn("echo") == (f"{local.instance_arn}/contact-flow/{local.flow_ids['echo']}")


def test_a_clock_of_ones_own_moves_the_whole_instance() -> None:
    moments = [datetime(2026, 11, 22, tzinfo=UTC)]
    # The socket would end at the first of these hours.
    limits = LocalLimits(expiring_sockets=False, idle_socket_seconds=None, socket_seconds=None)
    with LocalConnect(flow="silent", now=lambda: moments[-1], limits=limits) as local:
        with client(local, "connect") as contacts:
            started = contacts.start_chat_contact(**smallest(local, ConnectionTypes=BOTH))
        with connect(started["Websocket"]["Url"]) as socket:
            socket.send(SUBSCRIBE)
            read_items(socket, 1)
            moments.append(moments[0] + timedelta(hours=25))
            last = read_items(socket, 2)[-1]

    assert last["ContentType"] == ENDED
    assert last["AbsoluteTime"].startswith("2026-11-23T01:00:00.")


def test_utterances_come_by_themselves_after_a_time_of_thought() -> None:
    with LocalConnect(flow="echo", think_seconds=(0.05, 0.06)) as thinking:
        with client(thinking, "connect") as contacts:
            started = contacts.start_chat_contact(**smallest(thinking, ConnectionTypes=BOTH))
        with connect(started["Websocket"]["Url"]) as socket:
            socket.send(SUBSCRIBE)
            joined, greeting = read_items(socket, 2)

    gap = datetime.fromisoformat(greeting["AbsoluteTime"]) - datetime.fromisoformat(
        joined["AbsoluteTime"]
    )
    assert gap >= timedelta(seconds=0.05)


def test_many_callers_at_once_make_one_contact_per_client_token(
    local: LocalConnect, contacts: Any
) -> None:
    def start(number: int) -> str:
        request = smallest(local, ClientToken=f"t-{number % 10}")
        contact_id: str = contacts.start_chat_contact(**request)["ContactId"]
        return contact_id

    with ThreadPoolExecutor(16) as threads:
        ids = list(threads.map(start, range(80)))

    assert len(set(ids)) == len(local.contacts) == 10


def test_six_hundred_sockets_are_open_at_once_and_all_hear_their_flow(
    local: LocalConnect, contacts: Any
) -> None:
    urls = [
        contacts.start_chat_contact(**smallest(local, ConnectionTypes=["WEBSOCKET"]))["Websocket"]
        for _ in range(600)
    ]

    async def converse() -> int:
        sockets = [await connect_async(url["Url"], ping_interval=None) for url in urls]
        for socket in sockets:
            await socket.send(SUBSCRIBE)
        frames = [[await socket.recv() for _ in range(3)] for socket in sockets]
        await asyncio.gather(*(socket.close() for socket in sockets))
        return len(frames)

    assert asyncio.run(converse()) == 600
    assert all(len(contact.transcript) == 2 for contact in local.contacts)


def test_the_listener_names_tcp_so_that_asyncio_switches_nagle_off() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == sockets.IPPROTO_TCP


@pytest.mark.parametrize("path", ["connection", "message", "event", "transcript", "disconnect"])
def test_a_page_of_another_site_may_call_the_participant_service(
    local: LocalConnect, contacts: Any, path: str
) -> None:
    """As browsers do: a preflight with the headers that are meant, then the call itself."""
    site = {"Origin": "https://www.example.com"}
    asked = {
        **site,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-amz-bearer",
    }
    url = f"{local.endpoint_url}/participant/{path}"
    allowed = httpx.options(url, headers=asked)
    token = contacts.start_chat_contact(**smallest(local))["ParticipantToken"]
    bearer = {**site, "X-Amz-Bearer": token if path == "connection" else "wrong"}
    answered = httpx.post(url, headers=bearer, json={"Type": BOTH})

    assert allowed.status_code == 200
    # A wildcard covers every header but Authorization, which the service does not want.
    assert allowed.headers["access-control-allow-headers"] == "*"
    assert allowed.headers["access-control-allow-methods"] == "*"
    for answer in (allowed, answered):
        assert answer.headers["access-control-allow-origin"] == "*"
        # A wildcard and credentials exclude each other.
        assert "access-control-allow-credentials" not in answer.headers
    assert answered.status_code == (200 if path == "connection" else 400)
    exposed = answered.headers["access-control-expose-headers"].lower()
    assert {"x-amzn-requestid", "x-amzn-errortype"} <= set(exposed.replace(",", " ").split())
