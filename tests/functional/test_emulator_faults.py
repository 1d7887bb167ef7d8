"""Each kind of fault, as a real client meets it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from websockets.exceptions import ConnectionClosedError as SocketClosedError
from websockets.sync.client import connect

from connect_tasks.emulator import Fault, FaultKind, LocalConnect

SUBSCRIBE = '{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}'


@contextmanager
def trouble(*faults: Fault, flow: str = "echo") -> Iterator[tuple[LocalConnect, Any]]:
    with LocalConnect(flow=flow, faults=faults) as local:
        client = boto3.client(
            "connect",
            endpoint_url=local.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}),
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


@pytest.mark.parametrize(
    ("kind", "contacts"), [(FaultKind.ERROR_BEFORE, 0), (FaultKind.ERROR_AFTER, 1)]
)
def test_an_error_comes_before_or_after_the_contact_is_made(kind: FaultKind, contacts: int) -> None:
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


@pytest.mark.parametrize(
    ("kind", "contacts"), [(FaultKind.CUT_BEFORE, 0), (FaultKind.CUT_AFTER, 1)]
)
def test_the_connection_is_cut_before_or_after_the_contact_is_made(
    kind: FaultKind, contacts: int
) -> None:
    with trouble(first(kind)) as (local, client):
        # Without a byte of an answer the client cannot know which of the two it was.
        with pytest.raises(ConnectionClosedError):
            start(local, client)
        made = len(local.contacts)
        again = start(local, client)

    assert made == contacts
    assert [contact.contact_id for contact in local.contacts] == [again["ContactId"]]


def test_an_untyped_error_has_its_status_for_a_code() -> None:
    fault = first(FaultKind.ERROR_BEFORE, status=503, code=None, message="Service Unavailable")
    with trouble(fault) as (local, client), pytest.raises(ClientError) as caught:
        start(local, client)

    assert caught.value.response["Error"]["Code"] == "503"
    assert local.contacts == []


def test_a_delayed_answer_still_comes() -> None:
    with trouble(first(FaultKind.DELAY, seconds=0.2)) as (local, client):
        began = time.monotonic()
        start(local, client)

    assert time.monotonic() - began >= 0.2
    assert len(local.contacts) == 1


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


@pytest.mark.parametrize(
    ("kind", "nth", "heard"),
    [
        (FaultKind.FRAME_LOST, 2, "023"),
        (FaultKind.FRAME_DUPLICATED, 2, "01123"),
        (FaultKind.FRAME_SWAPPED, 2, "0213"),
        (FaultKind.SOCKET_DROP, 3, "012"),
    ],
)
def test_chat_frames_get_lost_doubled_swapped_or_cut_on_a_real_socket(
    kind: FaultKind, nth: int, heard: str
) -> None:
    assert "".join(frames(kind, nth, len(heard))) == heard
