"""What Amazon's answers mean, in words."""

from dataclasses import replace
from typing import Any

import pytest

from connect_tasks import errors
from connect_tasks.aws.error_table import MAKE_CLIENT
from connect_tasks.aws.preflight.diagnosis import Answers, judge
from connect_tasks.aws.preflight.report import ConnectionReport, Finding, Verdict

YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN

# The members that botocore's model names, with values of its enumerations.
READY = Answers(
    region="eu-central-1",
    caller={"Arn": "arn:aws:iam::111122223333:user/ada"},
    instance={"InstanceAlias": "acme", "InstanceStatus": "ACTIVE"},
    flow={
        "Name": "Survey",
        "Type": "CONTACT_FLOW",
        "State": "ACTIVE",
        "Status": "PUBLISHED",
    },
    start=errors.NotFoundError("no", code="ResourceNotFoundException", status=404),
    stop=errors.ChatEndedError("no", code="ContactNotFoundException", status=410),
    describe=errors.NotFoundError("no", code="ResourceNotFoundException", status=404),
    open_chats={"Values": [412.0, 390.0]},
    places={"Places": [{"Bucket": "acme", "Prefix": "chats", "Key": None}]},
    listed={"Contents": [{"Key": "chats/2026/11/26/c-1_20261126T11:00_UTC.json"}]},
    read={"Bytes": 1},
    searched={"Contacts": []},
)
DENIED = errors.AccessDeniedError(
    "User: … is not authorized", code="AccessDeniedException", status=403
)
THROTTLED = errors.ThrottledError("no", operation="StopContact", code="TooMany", status=429)
FAULT = errors.OutcomeUnknownError("no", operation="StartChatContact", code="Internal", status=500)
SILENT = errors.OutcomeUnknownError("timed out", operation="Any", code="ReadTimeoutError")


def report(**answers: Any) -> ConnectionReport:
    findings = judge(replace(READY, **answers), flow_id="f-1", most_open_chats=500)
    return ConnectionReport("i-1", findings)


def of(subject: str, found: ConnectionReport) -> Finding:
    (finding,) = (finding for finding in found.findings if finding.subject == subject)
    return finding


def test_an_instance_that_is_ready_has_nothing_against_it() -> None:
    found = report()

    assert found.can_run
    assert {finding.verdict for finding in found.findings} == {YES}
    assert [finding.subject for finding in found.findings] == [
        "Credentials",
        "Instance",
        "Flow",
        "Start chats",
        "Stop chats",
        "Describe chats",
        "Open chats",
        "Transcripts",
        "Read transcripts",
        "Search chats",
    ]
    text = str(found)
    for words in ("arn:aws:iam::111122223333:user/ada", "eu-central-1", "acme", "Survey"):
        assert words in text
    assert "412 are open, of 500" in text


@pytest.mark.parametrize(
    "refusal",
    [
        errors.NotFoundError("no", code="ResourceNotFoundException", status=404),
        errors.PermanentError("no", code="InvalidParameterException", status=400),
        errors.PermanentError("no", code="InvalidRequestException", status=400),
        errors.NoSlotError("no", code="LimitExceededException", status=429),
    ],
    ids=lambda error: str(error.code),
)
def test_whoever_is_refused_for_another_reason_was_permitted(refusal: errors.AmazonError) -> None:
    found = report(start=refusal)

    assert (of("Start chats", found).verdict, found.can_run) == (YES, True)


def test_denied_is_not_permitted_and_a_policy_of_single_flows_is_thought_of() -> None:
    found = report(start=DENIED)

    assert (of("Start chats", found).verdict, found.can_run) == (NO, False)
    assert "connect:StartChatContact" in of("Start chats", found).advice
    assert "single flows" in of("Start chats", found).advice
    assert found.headline == "No campaign can run on instance i-1."


@pytest.mark.parametrize("answer", [THROTTLED, FAULT], ids=["throttled", "fault"])
def test_whether_chats_may_be_started_can_stay_unknown(answer: errors.AmazonError) -> None:
    found = report(start=answer)

    assert (of("Start chats", found).verdict, found.can_run) == (UNKNOWN, False)
    assert found.headline == "Whether a campaign can run on instance i-1 is not known."


def test_a_chat_that_was_started_against_all_expectation_is_reported() -> None:
    found = of("Start chats", report(start={"ContactId": "c-1"}))

    assert "started a chat" in found.text
    assert "report this" in found.advice


@pytest.mark.parametrize(
    ("name", "subject", "action"),
    [
        ("stop", "Stop chats", "connect:StopContact"),
        ("describe", "Describe chats", "connect:DescribeContact"),
    ],
)
def test_a_campaign_can_do_without_some_permissions(name: str, subject: str, action: str) -> None:
    found = report(**{name: DENIED})

    assert (of(subject, found).verdict, found.can_run) == (NO, True)
    assert action in of(subject, found).advice


@pytest.mark.parametrize(
    ("name", "subject", "action"),
    [
        ("instance", "Instance", "connect:DescribeInstance"),
        ("flow", "Flow", "connect:DescribeContactFlow"),
        ("open_chats", "Open chats", "cloudwatch:GetMetricData"),
    ],
)
def test_what_may_not_be_looked_at_is_not_known(name: str, subject: str, action: str) -> None:
    found = report(**{name: DENIED})

    assert (of(subject, found).verdict, found.can_run) == (UNKNOWN, True)
    assert action in of(subject, found).text


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"Status": "SAVED"}, "not published"),
        ({"State": "ARCHIVED"}, "archived"),
        ({"Type": "CUSTOMER_QUEUE"}, "of type CUSTOMER_QUEUE"),
    ],
    ids=["saved", "archived", "of another type"],
)
def test_a_flow_that_can_receive_no_chat_stops_campaigns(
    members: dict[str, str], words: str
) -> None:
    found = report(flow={**READY.flow, **members})  # type: ignore[dict-item]

    assert (of("Flow", found).verdict, found.can_run) == (NO, False)
    assert words in of("Flow", found).text


def test_a_flow_that_was_never_published_is_refused_by_amazon_itself() -> None:
    code = "ContactFlowNotPublishedException"
    found = report(flow=errors.PermanentError("no", code=code, status=404))

    assert (of("Flow", found).verdict, found.can_run) == (NO, False)
    assert "not published" in of("Flow", found).text


def test_an_unknown_flow_stops_campaigns_and_is_named() -> None:
    found = report(flow=READY.start)

    assert not found.can_run
    assert "f-1" in of("Flow", found).text


@pytest.mark.parametrize("status", ["CREATION_IN_PROGRESS", "CREATION_FAILED"])
def test_an_instance_that_is_not_active_stops_campaigns(status: str) -> None:
    found = report(instance={"InstanceAlias": "acme", "InstanceStatus": status})

    assert not found.can_run
    assert status in of("Instance", found).text


def test_an_instance_that_does_not_exist_is_all_that_is_said() -> None:
    found = report(instance=READY.start)

    assert [finding.subject for finding in found.obstacles] == ["Instance"]
    assert [finding.subject for finding in found.findings] == ["Credentials", "Instance"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("NoCredentialsError", "AWS_PROFILE"),
        ("NoRegionError", "AWS_REGION"),
        ("ProfileNotFound", "list-profiles"),
        ("ExpiredTokenException", "expired"),
        ("UnrecognizedClientException", "UnrecognizedClientException"),
    ],
)
def test_credentials_that_do_not_work_are_all_that_is_said(code: str, words: str) -> None:
    refusal = errors.CredentialsError("the token ASIA-SECRET is wrong", code=code, status=403)
    found = ConnectionReport(
        "i-1", judge(Answers.all_refused(refusal), flow_id="f-1", most_open_chats=500)
    )

    assert [finding.subject for finding in found.findings] == ["Credentials"]
    assert not found.can_run
    assert words in str(found)
    assert "SECRET" not in str(found)


def test_a_role_that_may_not_be_assumed_is_said() -> None:
    refusal = errors.AccessDeniedError("no", operation=MAKE_CLIENT, code="AccessDenied")
    found = judge(Answers.all_refused(refusal), flow_id="f-1", most_open_chats=500)

    assert "sts:AssumeRole" in found[0].advice
    assert found[0].is_obstacle


@pytest.mark.parametrize(
    ("refusal", "subject", "words"),
    [
        (errors.ThrottledError("no", code="Throttling", status=400), "Credentials", "Ask again"),
        (errors.ServiceFaultError("no", code="EndpointConnectionError"), "Connection", "endpoint"),
    ],
    ids=["busy", "out of reach"],
)
def test_a_role_that_cannot_be_had_at_the_moment_is_said(
    refusal: errors.AmazonError, subject: str, words: str
) -> None:
    refusal.operation = MAKE_CLIENT
    (found,) = judge(Answers.all_refused(refusal), flow_id="f-1", most_open_chats=500)

    assert (found.subject, found.is_obstacle) == (subject, True)
    assert words in found.advice


def test_silence_of_the_whole_service_is_said_once() -> None:
    found = report(instance=SILENT, flow=SILENT, start=SILENT, stop=SILENT, describe=SILENT)

    assert [finding.subject for finding in found.findings] == ["Connection"]
    assert not found.can_run


def test_silence_of_one_call_is_not_silence_of_the_service() -> None:
    found = report(stop=SILENT)

    assert (of("Stop chats", found).verdict, found.can_run) == (UNKNOWN, True)


def test_whose_the_credentials_are_need_not_be_known() -> None:
    found = report(caller=DENIED)

    assert (of("Credentials", found).verdict, found.can_run) == (YES, True)


@pytest.mark.parametrize(
    ("values", "verdict"), [([500.0], NO), ([499.0], YES), ([], UNKNOWN)], ids=str
)
def test_open_chats_never_stop_a_campaign(values: list[float], verdict: Verdict) -> None:
    found = report(open_chats={"Values": values})

    assert (of("Open chats", found).verdict, found.can_run) == (verdict, True)


def test_a_report_is_a_table_in_markdown_and_in_a_notebook() -> None:
    instance = {"InstanceAlias": "a|b <script>", "InstanceStatus": "ACTIVE"}
    found = report(instance=instance, stop=DENIED)
    lines = found.to_markdown().splitlines()

    assert lines[0] == "**A campaign can run on instance i-1.**"
    assert len([line for line in lines if line.startswith("| ")]) == 1 + len(found.findings)
    assert "| Instance | yes | a\\|b <script> is ACTIVE. |  |" in lines
    assert "a|b &lt;script&gt;" in found._repr_html_()
    assert "Allow connect:StopContact." in found._repr_html_()


# --- what only `collect` needs ---


@pytest.mark.parametrize(
    ("question", "subject", "action"),
    [
        ("places", "Transcripts", "connect:ListInstanceStorageConfigs"),
        ("listed", "Read transcripts", "s3:ListBucket"),
        ("read", "Read transcripts", "s3:GetObject"),
        ("read", "Read transcripts", "kms:Decrypt"),
        ("searched", "Search chats", "connect:SearchContacts"),
    ],
)
def test_what_collecting_lacks_is_named_and_keeps_no_campaign_from_running(
    question: str, subject: str, action: str
) -> None:
    found = report(**{question: DENIED})

    assert found.can_run
    assert of(subject, found).verdict is NO
    assert action in str(of(subject, found))
    assert "Only `collect` needs it." in str(of(subject, found))


def test_an_instance_that_keeps_no_transcripts_is_told_so_once() -> None:
    found = report(places={"Places": []}, listed=None, read=None)

    assert of("Transcripts", found).verdict is NO
    assert "Read transcripts" not in str(found)


def test_before_the_first_file_a_key_cannot_be_tried() -> None:
    none_yet = errors.NotFoundError("no", operation="GetObject", code="NoSuchKey", status=404)
    places = {"Places": [{"Bucket": "acme", "Prefix": "chats", "Key": "arn:aws:kms:…"}]}

    assert "kms:Decrypt" not in str(report(read=none_yet))
    assert "kms:Decrypt" in str(of("Read transcripts", report(read=none_yet, places=places)))


@pytest.mark.parametrize("question", ["places", "listed", "read", "searched"])
@pytest.mark.parametrize("silence", [THROTTLED, FAULT, SILENT])
def test_what_was_not_answered_about_collecting_is_not_known(
    question: str, silence: errors.AmazonError
) -> None:
    found = report(**{question: silence})

    assert found.can_run
    assert UNKNOWN in {finding.verdict for finding in found.findings}


def test_a_bucket_that_is_gone_is_no_question_of_permission() -> None:
    gone = errors.NotFoundError("no", operation="ListObjectsV2", code="NoSuchBucket", status=404)

    finding = of("Read transcripts", report(listed=gone, read=None))
    assert (finding.verdict, "NoSuchBucket" in finding.text) == (NO, True)
