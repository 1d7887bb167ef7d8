"""What a block says about its credentials, and that asking never starts a chat."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import State
from prefect_aws import AwsClientParameters, AwsCredentials
from pydantic import SecretStr

from connect_tasks.aws.preflight.questions import inspect_instance
from connect_tasks.aws.preflight.report import ConnectionReport, Verdict
from connect_tasks.blocks import AmazonConnectInstance, load_instance
from connect_tasks.chat.template.outbound_template import OutboundChatTemplate
from connect_tasks.emulator import (
    Fault,
    FaultKind,
    LocalConnect,
    LocalQuotas,
    TranscriptStorage,
)
from connect_tasks.emulator.model.operations import OPERATIONS
from connect_tasks.errors import CampaignHaltedError, CampaignWideError, InputError
from connect_tasks.flows.outreach import outreach
from connect_tasks.flows.verify import verify
from connect_tasks.tasks.artifacts import artifact_key
from tests.functional.local_aws import CALLER, local_aws
from tests.functional.world import always, session

NOWHERE = "00000000-0000-4000-8000-000000000000"
ASKED = (
    "StartChatContact",
    "StopContact",
    "DescribeContact",
    "DescribeInstance",
    "DescribeContactFlow",
    "SearchContacts",
    "ListInstanceStorageConfigs",
    "ListObjectsV2",
    "GetObject",
)
# Where things are kept is asked of transcripts, and of attachments.
EACH_ONCE = dict.fromkeys(ASKED, 1) | {"ListInstanceStorageConfigs": 2}
STRIKES: list[dict[str, Any]] = [
    {"kind": FaultKind.ERROR_BEFORE, "status": 403, "code": "AccessDeniedException"},
    {"kind": FaultKind.ERROR_BEFORE, "status": 403, "code": None},
    {"kind": FaultKind.ERROR_AFTER},
    {"kind": FaultKind.CUT_BEFORE},
    {"kind": FaultKind.CUT_AFTER},
    {"kind": FaultKind.TRUNCATED},
    {"kind": FaultKind.THROTTLE},
    {"kind": FaultKind.UNTYPED_429},
    {"kind": FaultKind.EXPIRED_CREDENTIALS},
]


def verdicts(report: ConnectionReport) -> dict[str, Verdict]:
    return {finding.subject: finding.verdict for finding in report.findings}


def block(local: LocalConnect, **fields: Any) -> AmazonConnectInstance:
    return local.instance().model_copy(update=fields)


@pytest.fixture
def local() -> Iterator[LocalConnect]:
    with LocalConnect(quotas=LocalQuotas.unlimited()) as running:
        yield running


def test_a_block_that_is_ready_is_told_so_and_each_call_is_made_once(local: LocalConnect) -> None:
    report = local.instance().check_connection()

    assert report.can_run
    assert {Verdict.YES} == set(verdicts(report).values()) - {Verdict.UNKNOWN}
    assert local.calls == EACH_ONCE
    assert local.contacts == []
    assert local.refusals == {
        ("StartChatContact", "ResourceNotFoundException"): 1,
        ("StopContact", "ContactNotFoundException"): 1,
        ("DescribeContact", "ResourceNotFoundException"): 1,
        ("GetObject", "NoSuchKey"): 1,
    }


@pytest.mark.parametrize("flow", ["survey", "echo", "agent", "silent"])
def test_no_flow_of_the_instance_is_asked_for_a_chat(local: LocalConnect, flow: str) -> None:
    for _ in range(3):
        local.instance(flow).check_connection()

    assert local.contacts == []
    assert local.issued_tokens == []


def test_chats_that_are_open_are_not_stopped(local: LocalConnect) -> None:
    api = local.instance().connect().api
    request = f"""{{"InstanceId": "{local.instance_id}", "ContactFlowId": "{local.flow_id}",
        "ParticipantDetails": {{"DisplayName": "Ada"}}, "ClientToken": "one"}}"""
    api.start_chat(request)
    local.instance().check_connection()

    assert [contact.ended_at for contact in local.contacts] == [None]


@pytest.mark.parametrize(
    ("operation", "subject", "verdict"),
    [
        ("DescribeInstance", "Instance", Verdict.UNKNOWN),
        ("DescribeContactFlow", "Flow", Verdict.UNKNOWN),
        ("StartChatContact", "Start chats", Verdict.NO),
        ("StopContact", "Stop chats", Verdict.NO),
        ("DescribeContact", "Describe chats", Verdict.NO),
        ("ListInstanceStorageConfigs", "Transcripts", Verdict.NO),
        ("SearchContacts", "Search chats", Verdict.NO),
    ],
)
def test_a_missing_permission_is_found(operation: str, subject: str, verdict: Verdict) -> None:
    faults = [always(operation, 403, "AccessDeniedException")]
    with LocalConnect(quotas=LocalQuotas.unlimited(), faults=faults) as local:
        report = local.instance().check_connection()

        assert verdicts(report)[subject] is verdict
        assert f"connect:{operation}" in str(report)
        assert report.can_run is (operation != "StartChatContact")
        assert local.contacts == []


@pytest.mark.parametrize(
    ("storage", "subject", "words"),
    [
        (None, "Transcripts", "keeps no transcripts"),
        (TranscriptStorage(may_list=False), "Read transcripts", "s3:ListBucket"),
        (TranscriptStorage(may_read=False), "Read transcripts", "s3:GetObject"),
    ],
)
def test_transcripts_that_cannot_be_read_are_found(
    storage: TranscriptStorage | None, subject: str, words: str
) -> None:
    with LocalConnect(quotas=LocalQuotas.unlimited(), storage=storage) as local:
        report = local.instance().check_connection()

    assert verdicts(report)[subject] is Verdict.NO
    assert words in str(report)
    assert report.can_run


@pytest.mark.parametrize("strike", STRIKES, ids=lambda strike: f"{strike['kind']}")
def test_whatever_goes_wrong_is_a_finding_and_no_chat_is_started(strike: dict[str, Any]) -> None:
    faults = [Fault(operation=operation, every=1, **strike) for operation in OPERATIONS["connect"]]
    with LocalConnect(quotas=LocalQuotas.unlimited(), faults=faults) as local:
        report = local.instance().check_connection()

        # A refusal says what it is in a header, which is whole when the body is cut.
        assert report.can_run is (strike["kind"] is FaultKind.TRUNCATED)
        assert local.contacts == []


def test_an_instance_that_does_not_exist_is_found(local: LocalConnect) -> None:
    report = block(local, instance_id=NOWHERE, contact_flow_id=NOWHERE).check_connection()

    assert [finding.subject for finding in report.obstacles] == ["Instance"]


def test_a_flow_that_does_not_exist_is_found(local: LocalConnect) -> None:
    report = block(local, contact_flow_id=NOWHERE).check_connection()

    assert [finding.subject for finding in report.obstacles] == ["Flow"]


def test_a_flow_that_was_never_published_is_found() -> None:
    faults = [always("DescribeContactFlow", 404, "ContactFlowNotPublishedException")]
    with LocalConnect(quotas=LocalQuotas.unlimited(), faults=faults) as local:
        (obstacle,) = local.instance().check_connection().obstacles

    assert (obstacle.subject, "not published" in obstacle.text) == ("Flow", True)


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        (AwsCredentials(region_name="us-east-1"), "there are none"),
        (
            AwsCredentials(aws_access_key_id="a", aws_secret_access_key=SecretStr("hidden")),
            "Region is missing",
        ),
        (AwsCredentials(profile_name="nobody", region_name="us-east-1"), "no profile"),
    ],
    ids=["no credentials", "no Region", "no such profile"],
)
def test_credentials_that_are_missing_are_all_that_is_said(
    local: LocalConnect, credentials: AwsCredentials, words: str
) -> None:
    report = block(local, aws_credentials=credentials).check_connection()

    assert [finding.subject for finding in report.obstacles] == ["Credentials"]
    assert words in str(report)
    assert "hidden" not in str(report)
    assert local.contacts == []


def test_credentials_that_expired_are_said(local: LocalConnect) -> None:
    local.expire_credentials("local")
    report = local.instance().check_connection()

    assert list(verdicts(report)) == ["Credentials"]
    assert "expired" in str(report)


def test_a_service_that_cannot_be_reached_is_said_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    instance = AmazonConnectInstance(
        instance_id="i-1",
        contact_flow_id="f-1",
        aws_credentials=AwsCredentials(
            aws_access_key_id="a", aws_secret_access_key=SecretStr("b"), region_name="us-east-1"
        ),
        aws_client_parameters=AwsClientParameters(endpoint_url=f"http://127.0.0.1:{port}"),
    )

    assert verdicts(instance.check_connection()) == {"Connection": Verdict.NO}


def test_a_call_that_is_not_answered_is_given_up() -> None:
    delay = Fault(operation="StopContact", kind=FaultKind.DELAY, seconds=600)
    with LocalConnect(quotas=LocalQuotas.unlimited(), faults=[delay]) as local:
        report = inspect_instance(
            session,
            {"endpoint_url": local.endpoint_url},
            instance_id=local.instance_id,
            flow_id=local.flow_id,
            most_open_chats=500,
            read_timeout_seconds=1,
        )

    assert verdicts(report)["Stop chats"] is Verdict.UNKNOWN
    assert report.can_run


def test_who_calls_and_how_many_chats_are_open_is_told_where_it_can_be_read(
    local: LocalConnect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with local_aws() as aws:
        for name, value in {**local.environment(), **aws.environment()}.items():
            monkeypatch.setenv(name, value)
        instance = AmazonConnectInstance(
            instance_id=local.instance_arn, contact_flow_id=local.flow_arn("survey")
        )
        report = instance.check_connection()

    not_yes = {name for name, verdict in verdicts(report).items() if verdict is not Verdict.YES}
    assert not_yes == {"Attachments"}
    assert CALLER in str(report)
    assert "412 are open, of 500" in str(report)
    assert "5 chats a second are granted" in str(report)
    assert "750 open chats are granted, and campaigns use up to 500" in str(report)


def test_every_service_is_asked_at_the_endpoint_of_the_block(local: LocalConnect) -> None:
    with local_aws() as aws:
        parameters = AwsClientParameters(endpoint_url=aws.url)
        report = block(local, aws_client_parameters=parameters).check_connection()

    assert CALLER in str(report)
    assert "412 are open" in str(report)
    assert local.calls == {}


def test_it_works_inside_a_running_event_loop(local: LocalConnect) -> None:
    async def cell() -> ConnectionReport:
        return local.instance().check_connection()

    assert asyncio.run(cell()).can_run


class EveryFlow(dict[str, str]):
    """An Amazon that takes any flow, which it does not."""

    def get(self, *_: object) -> str:
        return "echo"


def test_a_chat_that_is_started_against_all_expectation_is_stopped_at_once(
    local: LocalConnect,
) -> None:
    local._backend.flows._names = EveryFlow()
    report = local.instance().check_connection()

    (contact,) = local.contacts
    assert (contact.disconnect_reason, contact.connected_at) == ("API", None)
    assert "started a chat" in str(report)


def artifacts(key: str) -> list[str]:
    of_key = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
    with get_client(sync_client=True) as client:
        return [str(found.data) for found in client.read_artifacts(artifact_filter=of_key)]


@pytest.mark.usefixtures("prefect_home")
def test_the_flow_logs_each_finding_and_keeps_them_as_an_artifact(
    local: LocalConnect, caplog: pytest.LogCaptureFixture
) -> None:
    instance = local.instance()
    with caplog.at_level(logging.INFO, logger="prefect.flow_runs"):
        report = verify(instance)

    lines = list(map(logging.LogRecord.getMessage, caplog.records))
    assert [line for line in lines if line in set(map(str, report.findings))] == [
        str(finding) for finding in report.findings
    ]
    assert report.to_markdown() in artifacts(artifact_key("verify", instance.instance_id))
    assert local.contacts == []


@pytest.mark.usefixtures("prefect_home")
def test_the_flow_fails_with_a_sentence_when_no_campaign_can_run() -> None:
    faults = [always("StartChatContact", 403, "AccessDeniedException")]
    with LocalConnect(quotas=LocalQuotas.unlimited(), faults=faults) as local:
        state: Any = verify(local.instance(), return_state=True)
        assert isinstance(state, State)
        assert local.contacts == []

    assert state.is_failed()
    with pytest.raises(CampaignWideError, match=r"No campaign can run.*connect:StartChatContact"):
        state.result()
    assert any("No campaign can run" in text for text in artifacts(f"verify-{local.instance_id}"))


@pytest.mark.usefixtures("prefect_home")
def test_the_flow_takes_the_name_of_a_saved_block_and_is_named_after_its_instance(
    local: LocalConnect,
) -> None:
    local.instance().save("to-verify", overwrite=True)
    state: Any = verify("to-verify", return_state=True)
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(state.state_details.flow_run_id)

    assert state.is_completed()
    assert run.name == f"verify {local.instance_id}"
    assert run.parameters == {"connect": "to-verify"}


def test_the_flow_works_without_prefect(local: LocalConnect) -> None:
    assert verify.fn(local.instance()).can_run


@pytest.mark.usefixtures("prefect_home")
def test_a_campaign_without_permission_says_so_and_starts_nothing(tmp_path: Path) -> None:
    faults = [always("StartChatContact", 403, "AccessDeniedException")]
    customers = tmp_path / "customers.csv"
    customers.write_text("customer_id,display_name\n" + "".join(f"{n},Ada\n" for n in range(50)))
    with LocalConnect(quotas=LocalQuotas.unlimited(), faults=faults) as local:
        with pytest.raises(CampaignHaltedError, match="AccessDenied"):
            outreach(
                str(customers),
                campaign="denied",
                connect=local.instance(),
                ledger=f"sqlite:///{tmp_path / 'ledger.db'}",
            )

        assert local.contacts == []


@pytest.mark.usefixtures("prefect_home")
def test_a_block_that_was_saved_with_a_wrong_id_is_refused_by_name_without_its_values(
    local: LocalConnect,
) -> None:
    wrong = local.instance().model_copy(update={"instance_id": "https://acme.example"})
    wrong.save("wrong", overwrite=True)

    with pytest.raises(InputError, match="'wrong' cannot be used: instance_id must be") as caught:
        load_instance("wrong")
    assert "acme" not in str(caught.value)


@pytest.mark.usefixtures("prefect_home")
def test_a_start_limit_that_prefect_does_not_have_is_found(local: LocalConnect) -> None:
    report = block(local, start_limit="nobody-made-it").check_connection()

    assert [finding.subject for finding in report.obstacles] == ["Start limit"]
    assert "prefect gcl create" in str(report)


# --- writing to phones ---


def whatsapp(**fields: Any) -> OutboundChatTemplate:
    arn = "arn:aws:connect:us-east-1:123456789012:phone-number/p-1"
    return OutboundChatTemplate.model_validate({"source_endpoint": arn, **fields})


def test_what_writing_to_phones_takes_is_asked_only_where_it_is_meant(local: LocalConnect) -> None:
    plain = local.instance().check_connection()
    meant = local.instance().check_connection(outbound=whatsapp())

    assert "Write to phones" not in verdicts(plain)
    assert verdicts(meant)["Write to phones"] is Verdict.YES
    assert local.calls["StartOutboundChatContact"] == 1
    assert local.contacts == []


def test_without_permission_to_write_to_phones_nobody_begins() -> None:
    faults = [always("StartOutboundChatContact", 403, "AccessDeniedException")]
    with LocalConnect(quotas=LocalQuotas.unlimited(), faults=faults) as denied:
        report = denied.instance().check_connection(outbound=whatsapp())

    assert not report.can_run
    assert "connect:StartOutboundChatContact" in str(report)


def test_who_only_writes_to_phones_needs_no_permission_to_start_chats() -> None:
    faults = [always("StartChatContact", 403, "AccessDeniedException")]
    with LocalConnect(quotas=LocalQuotas.unlimited(), faults=faults) as local:
        assert local.instance().check_connection(outbound=whatsapp()).can_run
        assert not local.instance().check_connection().can_run


def test_whatsapp_without_a_template_is_an_obstacle(local: LocalConnect) -> None:
    free = whatsapp(subtype="WhatsApp", initial_system_message="Hello")

    assert "WhatsApp template" in str(local.instance().check_connection(outbound=free).obstacles)
