"""Conversations that begin on a phone, over real HTTP: by boto3, and by our own client.

StartOutboundChatContact was never run against Amazon; what is expected here is its documentation.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from connect_tasks.aws import calls
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.outbound_models import (
    StartOutboundChatContactRequest,
    StartOutboundChatContactResponse,
)
from connect_tasks.aws.paced_calls import PacedCalls
from connect_tasks.aws.pacing.clock import SystemClock
from connect_tasks.aws.retry import RetryPolicy
from connect_tasks.chat.own_loop import run_on_own_loop
from connect_tasks.emulator import (
    Fault,
    FaultKind,
    LocalConnect,
    LocalPhones,
    LocalQuotas,
    PhoneKind,
)
from connect_tasks.errors import (
    AccessDeniedError,
    AmazonError,
    CredentialsError,
    NoSlotError,
    NotFoundError,
    OutcomeUnknownError,
    PermanentError,
    ThrottledError,
)
from tests.functional.local_process import clients, instance_and_flow, logged
from tests.functional.test_emulator_clients import client
from tests.functional.test_emulator_operations import check_answers
from tests.functional.world import session

OUTBOUND = "StartOutboundChatContact"
ADA, BOB = "+4915112345678", "+4915112345679"
ARN = "arn:aws:connect:us-east-1:111122223333:phone-number/p-1"


def smallest(local: LocalConnect, number: str = ADA, **members: object) -> dict[str, Any]:
    return {
        "InstanceId": local.instance_id,
        "ContactFlowId": local.flow_id,
        "SourceEndpoint": {"Type": "CONNECT_PHONENUMBER_ARN", "Address": ARN},
        "DestinationEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": number},
        "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:SMS"}},
        "ClientToken": f"once {number}",
        **members,
    }


@contextmanager
def running(*faults: Fault, **settings: Any) -> Iterator[tuple[LocalConnect, Any]]:
    with (
        LocalConnect(faults=faults, **settings) as local,
        client(local, "connect") as contacts,
    ):
        check_answers(contacts, "connect")
        yield local, contacts


def struck(kind: FaultKind, **more: Any) -> Fault:
    return Fault(operation=OUTBOUND, kind=kind, nth=1, **more)


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what happens by itself; the time limit of the test is the limit."""
    while not is_so():
        time.sleep(0.01)


def is_over(local: LocalConnect, number: int = 0) -> bool:
    return local.contacts[number].ended_at is not None


# --- boto3 ---


def test_a_conversation_begins_on_a_phone_and_is_found_by_its_contact_id() -> None:
    with running() as (local, contacts):
        answer = contacts.start_outbound_chat_contact(**smallest(local))
        until(lambda: is_over(local))
        ids = {"InstanceId": local.instance_id, "ContactId": answer["ContactId"]}
        told = contacts.describe_contact(**ids)["Contact"]
        [contact] = local.contacts
        file = transcript(local, told)

    assert set(answer) == {"ContactId", "ResponseMetadata"}
    assert told["DisconnectReason"] == "CONTACT_FLOW_DISCONNECT"
    assert told["CustomerEndpoint"] == {"Type": "TELEPHONE_NUMBER", "Address": ADA}
    assert (contact.phone_number, contact.customer_id) == (ADA, None)
    assert [item.get("Content") for item in file["Transcript"]] == [
        item.content for item in contact.transcript
    ]
    assert local.issued_tokens == []


def transcript(local: LocalConnect, told: dict[str, Any]) -> Any:
    bucket, _, key = told["Recordings"][0]["Location"].partition("/")
    with client(local, "s3") as s3:
        return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def test_the_same_token_is_the_same_contact_after_its_end_too() -> None:
    with running() as (local, contacts):
        first = contacts.start_outbound_chat_contact(**smallest(local))["ContactId"]
        until(lambda: is_over(local))
        again = contacts.start_outbound_chat_contact(**smallest(local))["ContactId"]

        assert first == again
        assert len(local.contacts) == 1


def test_a_number_is_described_by_its_arn_over_the_wire() -> None:
    with running(phones=LocalPhones(source_arns=frozenset({ARN}))) as (local, contacts):
        told = contacts.describe_phone_number(PhoneNumberId=ARN)["ClaimedPhoneNumberSummary"]
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            contacts.describe_phone_number(PhoneNumberId=f"{ARN}2")

    assert (told["PhoneNumberArn"], told["InstanceId"]) == (ARN, local.instance_id)


# What botocore lets through, and Amazon's documentation does not allow.
@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"DestinationEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "call me"}}, "Address"),
        ({"DestinationEndpoint": {}}, "DestinationEndpoint.Type"),
        ({"DestinationEndpoint": {"Type": "VOIP", "Address": ADA}}, "DestinationEndpoint.Type"),
        ({"SourceEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": ADA}}, "SourceEndpoint.Type"),
        ({"ChatDurationInMinutes": 99_999}, "ChatDurationInMinutes"),
        ({"ClientToken": "t" * 501}, "ClientToken"),
        (
            {"InitialSystemMessage": {"ContentType": "text/plain", "Content": "x" * 20_000}},
            "InitialSystemMessage.Content",
        ),
        (
            {
                "InitialSystemMessage": {"ContentType": "text/plain", "Content": "Hi"},
                "InitialTemplatedSystemMessage": {
                    "KnowledgeBaseId": "k",
                    "MessageTemplateId": "t",
                    "TemplateAttributes": {},
                },
            },
            "InitialTemplatedSystemMessage",
        ),
        ({"SegmentAttributes": {"connect:Channel": {"ValueString": "SMS"}}}, "SegmentAttributes"),
    ],
)
def test_what_botocore_lets_through_is_refused_here_and_by_our_model(
    wrong: dict[str, Any], where: str
) -> None:
    with running() as (local, contacts):
        with pytest.raises(ClientError, match=where) as caught:
            contacts.start_outbound_chat_contact(**smallest(local, **wrong))
        with pytest.raises(ValueError, match="validation error"):
            StartOutboundChatContactRequest.from_wire(smallest(local, **wrong))

        assert caught.value.response["Error"]["Code"] == "InvalidRequestException"
        assert local.contacts == []


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"InitialSystemMessage": {"ContentType": "text/plain", "Content": "Hello"}},
        {"SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:WhatsApp"}}},
        {"ChatDurationInMinutes": 10_080, "ClientToken": "t" * 500, "Attributes": {"plan": "gold"}},
    ],
    ids=["least", "a first message", "WhatsApp", "the longest"],
)
def test_what_our_model_makes_is_taken(members: dict[str, Any]) -> None:
    with running() as (local, contacts):
        made = StartOutboundChatContactRequest.from_wire(smallest(local, **members)).to_wire()

        assert contacts.start_outbound_chat_contact(**made)["ContactId"]


@pytest.mark.parametrize("kind", [FaultKind.CUT_BEFORE, FaultKind.CUT_AFTER])
def test_a_start_that_is_cut_makes_one_contact_with_the_same_token(kind: FaultKind) -> None:
    with running(struck(kind)) as (local, contacts):
        with pytest.raises(ConnectionClosedError):
            contacts.start_outbound_chat_contact(**smallest(local))
        answer = contacts.start_outbound_chat_contact(**smallest(local))

        assert [contact.contact_id for contact in local.contacts] == [answer["ContactId"]]
        assert local.injected == {(OUTBOUND, kind.value): 1}


def test_a_fault_can_strike_one_phone() -> None:
    fault = Fault(operation=OUTBOUND, kind=FaultKind.THROTTLE, customer_id=BOB)
    with running(fault) as (local, contacts):
        contacts.start_outbound_chat_contact(**smallest(local))
        with pytest.raises(ClientError, match="ThrottlingException"):
            contacts.start_outbound_chat_contact(**smallest(local, BOB))

        assert [contact.phone_number for contact in local.contacts] == [ADA]


def test_what_was_open_is_open_after_a_restart_and_its_token_stays_used(tmp_path: Path) -> None:
    silent = LocalPhones(shares={PhoneKind.SILENT: 1}, initiation_method="OUTBOUND")
    settings: dict[str, Any] = {"state_dir": tmp_path, "phones": silent}
    with running(**settings) as (local, contacts):
        ada = contacts.start_outbound_chat_contact(**smallest(local))["ContactId"]
        bob = contacts.start_outbound_chat_contact(**smallest(local, BOB))["ContactId"]
        contacts.stop_contact(InstanceId=local.instance_id, ContactId=bob)
    with running(**settings) as (local, contacts):
        again = [
            contacts.start_outbound_chat_contact(**smallest(local, number))["ContactId"]
            for number in (ADA, BOB)
        ]
        ids = {"InstanceId": local.instance_id}
        told = [contacts.describe_contact(**ids, ContactId=each)["Contact"] for each in again]

        assert again == [ada, bob]
        assert "DisconnectTimestamp" not in told[0]
        assert told[0]["ConnectedToSystemTimestamp"]
        assert told[1]["DisconnectReason"] == "API"
        assert [each["InitiationMethod"] for each in told] == ["OUTBOUND", "OUTBOUND"]
        assert local.issued_tokens == []


# --- our own client, by both transports ---


def by_lean(api: ConnectApi, requests: list[str]) -> list[Any]:
    async def main() -> list[Any]:
        with ThreadPoolExecutor(1) as executor:
            async with api.connected(executor):
                carrier = api.lean_for(api.start_outbound_chat)
                assert carrier is not None
                results: list[Any] = []
                for request in requests:
                    try:
                        results.append(await carrier.carry(calls.start_outbound_chat(request)))
                    except AmazonError as error:
                        results.append(error)
                return results

    return run_on_own_loop(main())


def by_boto3(api: ConnectApi, requests: list[str]) -> list[Any]:
    results: list[Any] = []
    for request in requests:
        try:
            results.append(api.start_outbound_chat(request))
        except AmazonError as error:
            results.append(error)
    return results


Transport = Callable[[ConnectApi, list[str]], list[Any]]
each_transport = pytest.mark.parametrize("transport", [by_boto3, by_lean], ids=["boto3", "lean"])


def api_of(local: LocalConnect) -> ConnectApi:
    return ConnectApi(session, ClientOptions(parameters={"endpoint_url": local.endpoint_url}))


@each_transport
def test_our_client_gets_the_contact_and_the_same_one_again(transport: Transport) -> None:
    with LocalConnect() as local:
        request = json.dumps(smallest(local))
        first, again = transport(api_of(local), [request, request])

        [contact] = local.contacts
        assert first == again == StartOutboundChatContactResponse(contact_id=contact.contact_id)
        assert contact.client_token == f"once {ADA}"


@each_transport
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (struck(FaultKind.THROTTLE), ThrottledError),
        (struck(FaultKind.UNTYPED_429), ThrottledError),
        (struck(FaultKind.NO_SLOT), NoSlotError),
        (struck(FaultKind.CUT_BEFORE), OutcomeUnknownError),
        (struck(FaultKind.CUT_AFTER), OutcomeUnknownError),
        (struck(FaultKind.TRUNCATED), OutcomeUnknownError),
        (struck(FaultKind.ERROR_BEFORE), OutcomeUnknownError),
        (
            struck(FaultKind.ERROR_BEFORE, status=409, code="ConflictException"),
            OutcomeUnknownError,
        ),
        (
            struck(FaultKind.ERROR_BEFORE, status=403, code="AccessDeniedException"),
            AccessDeniedError,
        ),
        (
            struck(FaultKind.ERROR_BEFORE, status=404, code="ResourceNotFoundException"),
            NotFoundError,
        ),
        (
            struck(FaultKind.ERROR_BEFORE, status=400, code="InvalidRequestException"),
            PermanentError,
        ),
    ],
    ids=lambda value: getattr(value, "code", None) or getattr(value, "kind", None),
)
def test_what_goes_wrong_is_told_in_our_words_and_the_same_token_makes_one_contact(
    transport: Transport, fault: Fault, kind: type[AmazonError]
) -> None:
    with LocalConnect(faults=[fault]) as local:
        request = json.dumps(smallest(local))
        error, answer = transport(api_of(local), [request, request])

        assert type(error) is kind
        assert [contact.contact_id for contact in local.contacts] == [answer.contact_id]


@each_transport
def test_credentials_that_expired_are_made_anew_once(transport: Transport) -> None:
    expired = struck(FaultKind.EXPIRED_CREDENTIALS)
    with LocalConnect(faults=[expired]) as local:
        [answer] = transport(api_of(local), [json.dumps(smallest(local))])

        assert not isinstance(answer, CredentialsError)
        assert local.calls[OUTBOUND] == 2


def test_a_throttled_start_slows_its_own_limiter_and_no_other() -> None:
    throttled: list[str] = []

    async def acquire(_: Any) -> Any:
        raise NotImplementedError

    with LocalConnect(faults=[struck(FaultKind.THROTTLE)]) as local:

        async def main() -> None:
            with ThreadPoolExecutor(1) as executor:
                paced = PacedCalls(
                    api_of(local),
                    RetryPolicy(),
                    acquire=acquire,
                    executor=executor,
                    clock=SystemClock(),
                    random=Random(0),  # noqa: S311 - no secret
                )
                for limiter in (paced.starts, paced.outbound_starts):
                    note = lambda _, name=limiter.api: throttled.append(name)  # noqa: E731
                    limiter.throttled = note  # type: ignore[method-assign]
                with pytest.raises(ThrottledError):
                    await paced.start_outbound_chat(json.dumps(smallest(local)))
                await paced.start_outbound_chat(json.dumps(smallest(local)))

        run_on_own_loop(main())

        assert throttled == [OUTBOUND]
        assert len(local.contacts) == 1


def test_the_block_of_the_local_instance_keeps_to_what_is_enforced() -> None:
    with LocalConnect(quotas=LocalQuotas(start_outbound_chat_contact=(7, 9))) as local:
        quotas = local.instance().quotas

        assert quotas.rate_of(OUTBOUND) == (7, 9)


# --- the command ---


def test_the_command_is_told_what_its_phones_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "phones.csv"
    table.write_text(f"number,kind,texts\n{ADA},answer,7\n", encoding="utf-8")
    with logged("--phones=stop", f"--phone-table={table}", path=tmp_path) as url:
        printed = (tmp_path / "out").read_text()
        instance, flow = instance_and_flow(printed)
        with clients(printed, monkeypatch) as (contacts, _):
            for number in (ADA, BOB):
                contacts.start_outbound_chat_contact(
                    InstanceId=instance,
                    ContactFlowId=flow,
                    SourceEndpoint={"Type": "CONNECT_PHONENUMBER_ARN", "Address": ARN},
                    DestinationEndpoint={"Type": "TELEPHONE_NUMBER", "Address": number},
                    SegmentAttributes={"connect:Subtype": {"ValueString": "connect:SMS"}},
                )

        def said() -> dict[str, list[str]]:
            return {
                contact["phone_number"]: [
                    item["Content"]
                    for item in contact["transcript"]
                    if item.get("ParticipantRole") == "CUSTOMER" and item["Type"] == "MESSAGE"
                ]
                for contact in httpx.get(f"{url}/_local/contacts").json()
            }

        until(lambda: all(said().values()))

        assert said() == {ADA: ["7"], BOB: ["STOP"]}
    assert "# phones: stop, 1 by table; experimental" in printed
