"""What Service Quotas grants beside what campaigns use, and where files of chats are kept."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks import errors
from connect_tasks.aws.preflight.granting import (
    OPEN_CHATS,
    START_RATE,
    judge_attachments,
    judge_quota,
)
from connect_tasks.aws.preflight.report import Verdict

ARN = "arn:aws:connect:us-east-1:111122223333:instance/"
DENIED = errors.AccessDeniedError("no", code="AccessDeniedException", status=403)
SILENT = errors.OutcomeUnknownError("no", operation="ListServiceQuotas", code="ReadTimeoutError")


def quotas(*values: tuple[str, float]) -> dict[str, Any]:
    """Of the account where no instance is named."""
    return {
        "Quotas": [
            {"Value": value, "QuotaAppliedAtLevel": "ACCOUNT"}
            if not instance
            else {
                "Value": value,
                "QuotaAppliedAtLevel": "RESOURCE",
                "QuotaContext": {"ContextScope": "RESOURCE", "ContextId": ARN + instance},
            }
            for instance, value in values
        ]
    }


@given(granted=st.integers(1, 10_000), used=st.integers(1, 10_000))
def test_only_more_than_is_granted_is_wrong(granted: int, used: int) -> None:
    found = judge_quota(OPEN_CHATS, quotas(("", granted)), used=used, instance_id="i-1")

    assert found.verdict is (Verdict.NO if used > granted else Verdict.YES)
    assert f"{granted:,} open chats are granted" in found.text
    assert bool(found.advice) is (used > granted)


def test_what_may_be_said_instead_is_a_number_as_the_settings_take_it() -> None:
    found = judge_quota(OPEN_CHATS, quotas(("", 1_500)), used=2_000, instance_id="i-1")

    assert "Say 1500 in quotas.open_chats" in found.advice


def test_an_instances_own_quota_goes_before_the_accounts_and_anothers_counts_for_nothing() -> None:
    answer = quotas(("", 500), ("i-2", 9_000), ("i-1", 800))

    own = judge_quota(OPEN_CHATS, answer, used=700, instance_id="i-1")
    none = judge_quota(OPEN_CHATS, quotas(("i-2", 9_000)), used=700, instance_id="i-1")
    shared = judge_quota(OPEN_CHATS, answer, used=700, instance_id="i-3")

    assert (own.verdict, none.verdict, shared.verdict) == (
        Verdict.YES,
        Verdict.UNKNOWN,
        Verdict.NO,
    )


def test_a_quota_never_keeps_a_campaign_from_running() -> None:
    for answer in (quotas(("", 1)), DENIED, SILENT, quotas()):
        assert not judge_quota(START_RATE, answer, used=5, instance_id="i-1").is_obstacle


@pytest.mark.parametrize(
    ("answer", "words"),
    [(DENIED, "servicequotas:ListServiceQuotas"), (SILENT, "was not answered")],
)
def test_what_cannot_be_asked_is_not_known(answer: errors.AmazonError, words: str) -> None:
    found = judge_quota(START_RATE, answer, used=5, instance_id="i-1")

    assert found.verdict is Verdict.UNKNOWN
    assert words in found.text


@pytest.mark.parametrize(
    ("answer", "verdict", "words"),
    [
        ({"Places": [{"Bucket": "acme", "Prefix": "f", "Key": None}]}, Verdict.YES, "s3://acme/f"),
        ({"Places": []}, Verdict.UNKNOWN, "nobody can send a file"),
        (DENIED, Verdict.UNKNOWN, "connect:ListInstanceStorageConfigs"),
        (SILENT, Verdict.UNKNOWN, "was not answered"),
    ],
)
def test_where_attachments_are_kept_is_told(answer: Any, verdict: Verdict, words: str) -> None:
    found = judge_attachments(answer)

    assert (found.verdict, words in found.text) == (verdict, True)
