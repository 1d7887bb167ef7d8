"""What the preflight's answers say of what the instance grants, judged without I/O.

Nothing of it keeps a campaign from running. Service Quotas says what is granted; a campaign keeps
to what the block says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connect_tasks.aws.preflight.collecting import silence
from connect_tasks.aws.preflight.report import Finding, Verdict
from connect_tasks.errors import AccessDeniedError, AmazonError

__all__ = ["OPEN_CHATS", "START_RATE", "judge_attachments", "judge_quota"]

Answer = Mapping[str, Any] | AmazonError


@dataclass(frozen=True, slots=True)
class GrantedQuota:
    """A quota of Service Quotas.

    Attributes:
        code: Service Quotas' own name of it.
        subject: What the finding is about.
        unit: What is counted, after a number.
        field: The field of the block's quotas that keeps to it.
    """

    code: str
    subject: str
    unit: str
    field: str


START_RATE = GrantedQuota(
    "L-AA48CD49", "Quota of starts", "chats a second", "quotas.starts_per_second"
)
"""How many chats an account may start each second in a Region."""

OPEN_CHATS = GrantedQuota("L-D4BA6F6E", "Quota of open chats", "open chats", "quotas.open_chats")
"""How many chats may be open on an instance; it is granted to each instance by itself."""


def judge_quota(quota: GrantedQuota, answer: Answer, *, used: float, instance_id: str) -> Finding:
    """Say whether a campaign keeps to what is granted.

    Args:
        quota: Which quota.
        answer: Of ListServiceQuotas for it: `Quotas`, of the account and of its instances.
        used: What the block's quotas say.
        instance_id: The instance; what is granted to it goes before what is granted to all.
    """
    if isinstance(answer, AccessDeniedError):
        text = "cannot be looked at: servicequotas:ListServiceQuotas is not permitted."
        return Finding(quota.subject, Verdict.UNKNOWN, text, "A campaign does not need it.")
    if isinstance(answer, AmazonError):
        return Finding(quota.subject, Verdict.UNKNOWN, silence(answer))
    granted = _granted(answer["Quotas"], instance_id)
    if granted is None:
        text = f"Service Quotas does not say how many {quota.unit} are granted."
        return Finding(quota.subject, Verdict.UNKNOWN, text)
    text = f"{granted:,g} {quota.unit} are granted, and campaigns use up to {used:,g}."
    if used > granted:
        advice = f"Say {granted:g} in {quota.field}, or ask for more in Service Quotas."
        return Finding(quota.subject, Verdict.NO, text, advice)
    return Finding(quota.subject, Verdict.YES, text)


def judge_attachments(answer: Answer) -> Finding:
    """Say whether customers can send files in chats.

    Args:
        answer: Of ListInstanceStorageConfigs for attachments: `Places`, each with bucket, prefix
            and key.
    """
    subject = "Attachments"
    if isinstance(answer, AccessDeniedError):
        text = "cannot be looked up: connect:ListInstanceStorageConfigs is not permitted."
        return Finding(subject, Verdict.UNKNOWN, text, "A campaign does not need it.")
    if isinstance(answer, AmazonError):
        return Finding(subject, Verdict.UNKNOWN, silence(answer))
    if not answer["Places"]:
        # Whether that is as it should be, only the flow's makers know.
        text = "the instance keeps none: nobody can send a file in a chat."
        advice = "If customers shall, name a bucket for them under Data storage."
        return Finding(subject, Verdict.UNKNOWN, text, advice)
    first = answer["Places"][0]
    return Finding(subject, Verdict.YES, f"kept in s3://{first['Bucket']}/{first['Prefix']}.")


def _granted(quotas: list[Mapping[str, Any]], instance_id: str) -> float | None:
    own, shared = [], []
    for quota in quotas:
        context = quota.get("QuotaContext", {}).get("ContextId", "")
        if context.endswith(f"/{instance_id}") or context == instance_id:
            own.append(quota["Value"])
        elif quota.get("QuotaAppliedAtLevel", "ACCOUNT") == "ACCOUNT":
            shared.append(quota["Value"])
    return next(iter([*own, *shared]), None)
