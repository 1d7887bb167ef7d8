"""Each kind of fault, as a real client meets it."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from websockets.exceptions import ConnectionClosedError as SocketClosedError
from websockets.protocol import State
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from connect_tasks.emulator import Fault, FaultKind, LocalConnect
from connect_tasks.emulator.faults.plan import FILE_KINDS

SUBSCRIBE = '{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}'


@contextmanager
def trouble(
    *faults: Fault, flow: str = "echo", read_timeout: float = 10
) -> Iterator[tuple[LocalConnect, Any]]:
    with LocalConnect(flow=flow, faults=faults) as local:
        client = boto3.client(
            "connect",
            endpoint_url=local.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=read_timeout),
        )
        try:
            yield local, client
        finally:
            client.close()


def start(local: LocalConnect, client: Any, **members: object) -> dict[str, Any]:
    answer: dict[str, Any] = client.start_chat_contact(
        InstanceId=local.instance_id,
        ContactFlowId=local.flow_id,
        ParticipantDetails={"DisplayName": "Ann"},
        ClientToken="token-1",
        **members,
    )
    return answer


def first(kind: FaultKind, **more: Any) -> Fault:
    return Fault(operation="StartChatContact", kind=kind, nth=1, **more)


def error_comes(kind: FaultKind, *, contacts: int) -> None:
    """An error comes before or after the contact is made."""
    with trouble(first(kind)) as (local, client):
        with pytest.raises(ClientError) as caught:
            start(local, client)
        made = len(local.contacts)
        again = start(local, client)

    assert caught.value.response["Error"]["Code"] == "InternalServiceException"
    assert made == contacts
    assert [contact.contact_id for contact in local.contacts] == [again["ContactId"]]
    assert local.injected == {("StartChatContact", kind.value): 1}
    assert local.calls["StartChatContact"] == 2


def connection_is_cut(kind: FaultKind, *, contacts: int) -> None:
    """The connection is cut before or after the contact is made."""
    with trouble(first(kind)) as (local, client):
        # Without a byte of an answer the client cannot know which of the two it was.
        with pytest.raises(ConnectionClosedError, match="Connection was closed") as caught:
            start(local, client)
        made = len(local.contacts)
        again = start(local, client)

    assert "reset by peer" in str(caught.value.kwargs["error"])
    assert made == contacts
    assert [contact.contact_id for contact in local.contacts] == [again["ContactId"]]
    assert local.injected == {("StartChatContact", kind.value): 1}


def test_an_untyped_error_has_its_status_for_a_code() -> None:
    fault = first(FaultKind.ERROR_BEFORE, status=503, code=None, message="Service Unavailable")
    with trouble(fault) as (local, client), pytest.raises(ClientError) as caught:
        start(local, client)

    assert caught.value.response["Error"]["Code"] == "503"
    assert local.contacts == []


def answer_is_late(kind: FaultKind) -> None:
    """A delayed answer still comes."""
    with trouble(first(kind, seconds=0.2)) as (local, client):
        began = time.monotonic()
        start(local, client)

    assert time.monotonic() - began >= 0.2
    assert len(local.contacts) == 1
    assert local.injected == {("StartChatContact", kind.value): 1}


def test_an_answer_slower_than_the_client_waits_is_a_time_out_after_the_contact_was_made() -> None:
    slow = first(FaultKind.DELAY, seconds=30)
    with trouble(slow, read_timeout=0.5) as (local, client), pytest.raises(ReadTimeoutError):
        start(local, client)

    assert len(local.contacts) == 1
    assert local.injected == {("StartChatContact", "delay"): 1}


def test_stopping_while_an_answer_is_held_back_is_quick_and_quiet(
    caplog: pytest.LogCaptureFixture,
) -> None:
    slow = Fault(operation="DescribeContact", kind=FaultKind.DELAY, seconds=30)
    with LocalConnect(faults=[slow]) as local:
        connection = http.client.HTTPConnection(local.endpoint_url.removeprefix("http://"))
        connection.request("GET", f"/contacts/{local.instance_id}/none")
        while not local.injected:
            time.sleep(0.01)
        began = time.monotonic()

    assert time.monotonic() - began < 10
    connection.close()
    assert caplog.records == []


def call_is_refused(kind: FaultKind, *, status: int, code: str) -> None:
    """A planned refusal comes before the contact is made."""
    with trouble(first(kind)) as (local, client):
        with pytest.raises(ClientError) as caught:
            start(local, client)
        made = len(local.contacts)
        start(local, client)

    answer = caught.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (status, code)
    assert (made, len(local.contacts)) == (0, 1)
    assert local.injected == {("StartChatContact", kind.value): 1}


def test_an_operation_is_throttled_with_the_error_that_its_model_declares() -> None:
    with trouble(Fault.throttle("DescribeContact")) as (local, client):
        contact_id = start(local, client)["ContactId"]
        with pytest.raises(client.exceptions.ThrottlingException):
            client.describe_contact(InstanceId=local.instance_id, ContactId=contact_id)

    assert local.injected == {("DescribeContact", "throttle"): 1}


def answer_is_cut_short(kind: FaultKind) -> None:
    """Of a truncated answer boto3 makes one without its members."""
    with trouble(first(kind)) as (local, client):
        answer = start(local, client)
        made = [contact.contact_id for contact in local.contacts]
        again = start(local, client)

    # botocore does not compare lengths, and takes what is no JSON for a message.
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert "ContactId" not in answer
    assert made == [again["ContactId"]]
    assert local.injected == {("StartChatContact", kind.value): 1}


def test_a_truncated_answer_is_half_as_long_as_its_headers_say() -> None:
    with trouble(Fault(operation="DescribeContact", kind=FaultKind.TRUNCATED)) as (local, _):
        connection = http.client.HTTPConnection(local.endpoint_url.removeprefix("http://"))
        # Unsigned, so refused; a refusal is cut like any other answer.
        connection.request("GET", f"/contacts/{local.instance_id}/none")
        answer = connection.getresponse()
        with pytest.raises(http.client.IncompleteRead) as caught:
            answer.read()
        connection.close()

    assert answer.headers["Content-Length"] == "42"
    assert caught.value.partial == b'{"message":"Missing A'


def test_the_same_seed_strikes_the_same_calls() -> None:
    def struck(seed: int) -> list[bool]:
        fault = Fault(operation="DescribeContact", kind=FaultKind.UNTYPED_429, share=0.5)
        with LocalConnect(seed=seed, faults=[fault]) as local:
            address = local.endpoint_url.removeprefix("http://")
            connection = http.client.HTTPConnection(address)
            hits = []
            for _ in range(30):
                connection.request("GET", f"/contacts/{local.instance_id}/none")
                answer = connection.getresponse()
                answer.read()
                hits.append(answer.status == 429)
            connection.close()
            assert local.injected["DescribeContact", "untyped_429"] == sum(hits)
            return hits

    assert struck(1) == struck(1) != struck(2)


def test_a_fault_can_be_meant_for_one_customer() -> None:
    fault = Fault(
        operation="StartChatContact", kind=FaultKind.ERROR_BEFORE, customer_id="c-2", status=500
    )
    with trouble(fault) as (local, client):
        start(local, client, CustomerId="c-1")
        with pytest.raises(ClientError):
            start(local, client, CustomerId="c-2")

    assert [contact.customer_id for contact in local.contacts] == ["c-1"]


def frames(kind: FaultKind, nth: int, count: int) -> list[str]:
    """What a customer hears of an agent's first three items, by their order of arrival."""
    fault = Fault(operation="ChatFrame", kind=kind, nth=nth)
    with trouble(fault, flow="agent") as (local, client):
        url = start(local, client, ConnectionTypes=["WEBSOCKET"])["Websocket"]["Url"]
        with connect(url) as socket:
            socket.send(SUBSCRIBE)
            received = [json.loads(socket.recv(timeout=10)) for _ in range(count + 1)][1:]
            if kind is FaultKind.SOCKET_DROP:
                with pytest.raises(SocketClosedError):
                    socket.recv(timeout=10)
        ids = [item.id for item in local.contacts[0].transcript]
        assert local.injected == {("ChatFrame", kind.value): 1}
        assert local.contacts[0].ended_at is None
    return [str(ids.index(json.loads(frame["content"])["Id"])) for frame in received]


def frames_arrive(kind: FaultKind, *, nth: int, heard: str) -> None:
    """Chat frames get lost, doubled, swapped or cut on a real socket."""
    assert "".join(frames(kind, nth, len(heard))) == heard


@contextmanager
def silenced(
    kind: FaultKind = FaultKind.SOCKET_SILENT,
) -> Iterator[tuple[LocalConnect, Any, Connection]]:
    """An agent's first item is heard; from the second on the socket is silent."""
    fault = Fault(operation="ChatFrame", kind=kind, nth=2)
    with trouble(fault, flow="agent") as (local, client):
        started = start(local, client)
        participant = boto3.client(
            "connectparticipant",
            endpoint_url=local.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        connecting = partial(
            participant.create_participant_connection,
            Type=["WEBSOCKET"],
            ParticipantToken=started["ParticipantToken"],
        )
        url = connecting()["Websocket"]["Url"]
        with connect(url, ping_interval=None, close_timeout=0.3) as socket:
            socket.send(SUBSCRIBE)
            assert json.loads(socket.recv(timeout=10))["topic"] == "aws/subscribe"
            assert json.loads(socket.recv(timeout=10))["topic"] == "aws/chat"
            yield local, connecting, socket
        participant.close()


def socket_falls_silent(kind: FaultKind) -> None:
    """A silent socket is open, and answers neither heartbeats nor pings."""
    with silenced(kind) as (local, _, socket):
        socket.send('{"topic":"aws/heartbeat"}')
        socket.send('{"topic":"aws/ping"}')
        pong = socket.ping()
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.3)

        assert not pong.is_set()
        assert socket.state is State.OPEN
        assert len(local.contacts[0].transcript) >= 4
        assert local.contacts[0].ended_at is None
        assert local.injected == {("ChatFrame", kind.value): 1}


def test_a_silent_socket_does_not_even_take_leave() -> None:
    with silenced() as (_, _, socket):
        began = time.monotonic()
        socket.close()

    # The client waits in vain for the other side to hang up too.
    assert time.monotonic() - began >= 0.3
    assert socket.close_code == 1006


def test_a_new_socket_beside_a_silent_one_hears_again() -> None:
    with silenced() as (_, connecting, _):
        url = connecting()["Websocket"]["Url"]
        with connect(url) as other:
            other.send(SUBSCRIBE)
            assert json.loads(other.recv(timeout=10))["content"]["status"] == "success"
            other.send('{"topic":"aws/heartbeat"}')
            while json.loads(other.recv(timeout=10)) != {"topic": "aws/heartbeat"}:
                pass


# Status and code are what botocore's model declares for the operation; where it says nothing, the
# API's documentation. Which items are heard is written as their places in the transcript.
# What is wrong with files: see test_emulator_storage.
EFFECTS: dict[FaultKind, Callable[[FaultKind], None]] = {
    FaultKind.ERROR_BEFORE: partial(error_comes, contacts=0),
    FaultKind.ERROR_AFTER: partial(error_comes, contacts=1),
    FaultKind.CUT_BEFORE: partial(connection_is_cut, contacts=0),
    FaultKind.CUT_AFTER: partial(connection_is_cut, contacts=1),
    FaultKind.TRUNCATED: answer_is_cut_short,
    FaultKind.THROTTLE: partial(call_is_refused, status=429, code="TooManyRequestsException"),
    FaultKind.NO_SLOT: partial(call_is_refused, status=429, code="LimitExceededException"),
    FaultKind.UNTYPED_429: partial(call_is_refused, status=429, code="429"),
    FaultKind.EXPIRED_CREDENTIALS: partial(
        call_is_refused, status=403, code="ExpiredTokenException"
    ),
    FaultKind.DELAY: answer_is_late,
    FaultKind.SOCKET_DROP: partial(frames_arrive, nth=3, heard="012"),
    FaultKind.SOCKET_SILENT: socket_falls_silent,
    FaultKind.FRAME_LOST: partial(frames_arrive, nth=2, heard="023"),
    FaultKind.FRAME_DUPLICATED: partial(frames_arrive, nth=2, heard="01123"),
    FaultKind.FRAME_SWAPPED: partial(frames_arrive, nth=2, heard="0213"),
}


def test_no_kind_is_without_a_test_of_its_effect() -> None:
    assert {*EFFECTS, *FILE_KINDS} == set(FaultKind)


@pytest.mark.parametrize("kind", EFFECTS)
def test_each_kind_has_its_effect_at_the_other_side_of_the_wire(kind: FaultKind) -> None:
    EFFECTS[kind](kind)
