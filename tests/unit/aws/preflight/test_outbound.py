"""What answers say of writing to phones, in words and with what to do."""

import pytest

from connect_tasks.aws.preflight.outbound import Answer, judge_first_message, judge_outbound
from connect_tasks.aws.preflight.report import Finding, Verdict
from connect_tasks.errors import AccessDeniedError, AmazonError, NotFoundError

NOWHERE = NotFoundError("", operation="StartOutboundChatContact", code="ResourceNotFoundException")
DENIED = AccessDeniedError("", operation="x", code="AccessDeniedException", status=403)
SILENT = AmazonError("", operation="x", code="ConnectTimeoutError")


def found(written: Answer = NOWHERE, number: Answer | None = None) -> dict[str, Finding]:
    judged = judge_outbound(written, number, instance_id="i-1")
    return {finding.subject: finding for finding in judged}


@pytest.mark.parametrize(
    ("answer", "verdict", "stops"),
    [
        (NOWHERE, Verdict.YES, False),
        ({"ContactId": "c-1"}, Verdict.YES, False),
        (DENIED, Verdict.NO, True),
        (SILENT, Verdict.UNKNOWN, True),
    ],
    ids=["nobody is there", "answered", "denied", "silent"],
)
def test_who_hears_that_something_does_not_exist_was_permitted(
    answer: Answer, verdict: Verdict, *, stops: bool
) -> None:
    finding = found(answer)["Write to phones"]

    assert (finding.verdict, finding.is_obstacle) == (verdict, stops)
    if verdict is Verdict.NO:
        assert "connect:StartOutboundChatContact" in finding.advice


@pytest.mark.parametrize(
    ("answer", "verdict", "stops"),
    [
        (None, Verdict.UNKNOWN, False),
        (
            {"InstanceId": "i-1", "TargetArn": "arn:aws:connect:r:1:instance/i-1"},
            Verdict.YES,
            False,
        ),
        ({"InstanceId": "i-1"}, Verdict.YES, False),
        ({"TargetArn": "arn:aws:connect:r:1:traffic-distribution-group/g"}, Verdict.YES, False),
        ({"TargetArn": "arn:aws:connect:r:1:instance/i-2"}, Verdict.NO, True),
        ({"InstanceId": "i-2"}, Verdict.NO, True),
        (NOWHERE, Verdict.NO, True),
        (NotFoundError("", operation="x", code="404"), Verdict.UNKNOWN, False),
        (DENIED, Verdict.UNKNOWN, False),
        (SILENT, Verdict.UNKNOWN, False),
    ],
    ids=[
        "from the table",
        "the instance's",
        "the instance's by id",
        "of a traffic group",
        "another's",
        "another's by id",
        "none",
        "not known there",
        "denied",
        "silent",
    ],
)
def test_the_number_that_writes_must_be_the_instance_s(
    answer: Answer | None, verdict: Verdict, *, stops: bool
) -> None:
    finding = found(number=answer)["Phone number"]

    assert (finding.verdict, finding.is_obstacle) == (verdict, stops)


def test_whatsapp_wants_a_template_first_and_sms_does_not() -> None:
    assert judge_first_message(is_whatsapp=False, is_templated=False) is None
    without = judge_first_message(is_whatsapp=True, is_templated=False)
    assert without is not None
    assert (without.verdict, without.is_obstacle) == (Verdict.NO, True)
    templated = judge_first_message(is_whatsapp=True, is_templated=True)
    assert templated is not None
    assert templated.verdict is Verdict.UNKNOWN
