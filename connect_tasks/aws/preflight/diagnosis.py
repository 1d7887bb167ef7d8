"""The preflight's diagnosis: what Amazon's answers say, judged without I/O."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connect_tasks.aws.error_table import MAKE_CLIENT
from connect_tasks.aws.preflight.collecting import judge_collecting, silence
from connect_tasks.aws.preflight.granting import (
    OPEN_CHATS,
    START_RATE,
    judge_attachments,
    judge_quota,
)
from connect_tasks.aws.preflight.outbound import judge_outbound
from connect_tasks.aws.preflight.report import Finding, Verdict
from connect_tasks.aws.proxies import UNUSABLE_PROXY
from connect_tasks.errors import (
    AccessDeniedError,
    AmazonError,
    CampaignWideError,
    ChatEndedError,
    CredentialsError,
    NoSlotError,
    PermanentError,
    RetryableError,
)

__all__ = ["Answer", "Answers", "judge"]

Answer = Mapping[str, Any] | AmazonError
"""What came of one question: Amazon's answer, or its refusal."""

Words = tuple[str, str]
"""What was found, and what to do."""

_START = "Start chats"
_FORM = "in the block's AWS credentials"
_CREDENTIALS: Mapping[str, Words] = {
    "NoCredentialsError": (
        "there are none.",
        f"Fill them in {_FORM}, set AWS_PROFILE, or give this machine a role.",
    ),
    "PartialCredentialsError": ("one of the two keys is missing.", f"Give both {_FORM}."),
    "NoRegionError": ("the Region is missing.", f"Give it {_FORM}, or set AWS_REGION."),
    "InvalidRegionError": ("there is no such Region.", f"Correct it {_FORM} or AWS_REGION."),
    "ProfileNotFound": (
        "this machine has no profile of that name.",
        f"`aws configure list-profiles` lists what it has; correct it {_FORM} or AWS_PROFILE.",
    ),
}
_EXPIRED: Words = ("expired ({code}).", f"Sign in again, or put new ones {_FORM}.")
_NOT_ACCEPTED: Words = (
    "Amazon does not accept them ({code}).",
    f"Correct them {_FORM}. The clock of this machine must be right, too.",
)
_ROLE: Words = (
    "the role may not be assumed ({code}).",
    "Allow sts:AssumeRole to the caller, and name the caller in the role's trust policy.",
)
_NO_ROLE_NOW: Words = ("the role cannot be assumed at the moment ({code}).", "Ask again.")
_REACH = "Look at the Region, the endpoint URL, and the way out of this machine's network."
_NO_INSTANCE: Words = (
    "there is no such instance in this account and Region.",
    "Correct the instance ID, the Region or the account.",
)
_NO_FLOW: Words = (
    "{flow} is not a flow of this instance ({code}).",
    "Take the ID from the flow's page in Amazon Connect: it is the last part of the ARN.",
)
_NOT_PUBLISHED: Words = (
    "{flow} is saved but not published.",
    "Publish it in Amazon Connect's flow designer.",
)
_ARCHIVED: Words = ("{flow} is archived.", "Restore it, or name another flow.")
_OTHER_TYPE: Words = (
    "{flow} is of type {type}.",
    "A chat begins in a flow of type CONTACT_FLOW (inbound flow): name one.",
)
# An answer that leaves a member out is no reason to refuse it.
_OF_A_FLOW = (
    ("State", ("ACTIVE", None), _ARCHIVED),
    ("Status", ("PUBLISHED", None), _NOT_PUBLISHED),
    ("Type", ("CONTACT_FLOW", None), _OTHER_TYPE),
)
_MAY_NOT_START: Words = (
    "not permitted. (Asked for one in a flow that does not exist.)",
    (
        "Allow connect:StartChatContact in all flows of the instance. If it is allowed in single "
        "flows only, on purpose, then only a campaign with one row can tell."
    ),
)
_STARTED: Words = (
    "permitted. Amazon started a chat in a flow that does not exist, and we stopped it.",
    "Please report this to connect-tasks.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What came of each question.

    Attributes:
        region: The Region that was called.
        caller: Of GetCallerIdentity: `Arn`.
        instance: Of DescribeInstance: the members of `Instance`.
        flow: Of DescribeContactFlow: the members of `ContactFlow`.
        start: Of StartChatContact with a flow that does not exist.
        stop: Of StopContact with a contact that does not exist.
        describe: Of DescribeContact with a contact that does not exist.
        open_chats: Of GetMetricData: `Values` of the chats that were open, the latest first.
        places: Of ListInstanceStorageConfigs: `Places`, each with bucket, prefix and key.
        searched: Of SearchContacts for the chats of one second.
        listed: Of ListObjectsV2 for one file of the first place; None where there is none.
        read: Of GetObject for one byte of it; None where no file could be listed.
        attachments: Of ListInstanceStorageConfigs for attachments: `Places`; None if not asked.
        start_quota: Of ListServiceQuotas for the rate of starts: `Quotas`; None if not asked.
        open_quota: The same for chats that are open at a time.
        written: Of StartOutboundChatContact, to nobody; None if not asked.
        number: Of DescribePhoneNumber: the number that writes; None if not asked.
    """

    region: str
    caller: Answer
    instance: Answer
    flow: Answer
    start: Answer
    stop: Answer
    describe: Answer
    open_chats: Answer
    places: Answer
    searched: Answer
    listed: Answer | None = None
    read: Answer | None = None
    attachments: Answer | None = None
    start_quota: Answer | None = None
    open_quota: Answer | None = None
    written: Answer | None = None
    number: Answer | None = None

    @classmethod
    def all_refused(cls, error: AmazonError) -> "Answers":
        """Nothing could even be asked, for one reason."""
        of_campaigns = ("caller", "instance", "flow", "start", "stop", "describe", "open_chats")
        names = (*of_campaigns, "places", "searched")
        return cls(region="", **dict.fromkeys(names, error))

    @property
    def of_connect(self) -> tuple[Answer, ...]:
        """Those of Amazon Connect itself."""
        return self.instance, self.flow, self.start, self.stop, self.describe


def judge(
    answers: Answers,
    *,
    flow_id: str,
    most_open_chats: int,
    instance_id: str = "",
    starts_per_second: float = 0,
) -> tuple[Finding, ...]:
    """Say what the answers mean for a campaign.

    What makes everything else meaningless is said alone: credentials that are refused, a service
    that cannot be reached, an instance that does not exist.

    Args:
        answers: What Amazon answered.
        flow_id: The flow that was described.
        most_open_chats: How many chats campaigns may have open.
        instance_id: The instance.
        starts_per_second: How many chats campaigns start each second.

    Example:
        >>> from connect_tasks.errors import CredentialsError
        >>> nobody = Answers.all_refused(CredentialsError("", code="NoCredentialsError"))
        >>> [finding.subject for finding in judge(nobody, flow_id="f-1", most_open_chats=500)]
        ['Credentials']
    """
    credentials = _credentials(answers)
    if credentials.is_obstacle:
        return (credentials,)
    instance = _instance(answers.instance)
    if isinstance(answers.instance, PermanentError):
        return credentials, instance
    return (
        credentials,
        instance,
        _flow(answers.flow, flow_id),
        _start(answers),
        _may_stop(answers.stop),
        _may_describe(answers.describe),
        _open_chats(answers.open_chats, most_open_chats),
        *_granted(answers, instance_id, starts_per_second, most_open_chats),
        *_outbound(answers, instance_id),
        *judge_collecting(answers.places, answers.listed, answers.read, answers.searched),
    )


def _credentials(answers: Answers) -> Finding:
    refusals = [answer for answer in answers.of_connect if isinstance(answer, AmazonError)]
    if refusals and refusals[0].code == UNUSABLE_PROXY:
        return Finding("Connection", Verdict.NO, f"{refusals[0].message}.", is_obstacle=True)
    silent = [error for error in refusals if _is_silent(error)]
    if len(silent) == len(answers.of_connect):
        text = f"Amazon does not answer ({silent[0].code})."
        return Finding("Connection", Verdict.NO, text, _REACH, is_obstacle=True)
    for error in refusals:
        if isinstance(error, CredentialsError) or error.operation == MAKE_CLIENT:
            text, advice = _refused(error)
            text = text.format(code=error.code)
            return Finding("Credentials", Verdict.NO, text, advice, is_obstacle=True)
    return Finding("Credentials", Verdict.YES, _caller(answers.caller, answers.region))


def _is_silent(error: AmazonError) -> bool:
    """Whether no answer came; what is wrong with credentials can show before anything is sent."""
    return error.status is None and not isinstance(error, CampaignWideError)


def _refused(error: AmazonError) -> Words:
    """In our words: what Amazon says of a wrong signature can hold a session token."""
    if isinstance(error, AccessDeniedError):
        return _ROLE
    if isinstance(error, RetryableError):
        return _NO_ROLE_NOW
    if "Expired" in error.code:
        return _EXPIRED
    return _CREDENTIALS.get(error.code, _NOT_ACCEPTED)


def _caller(answer: Answer, region: str) -> str:
    if isinstance(answer, AmazonError):
        return f"accepted in {region}; whose they are cannot be asked."
    return f"{answer['Arn']} calls in {region}."


def _instance(answer: Answer) -> Finding:
    subject = "Instance"
    if isinstance(answer, PermanentError):
        return Finding(subject, Verdict.NO, *_NO_INSTANCE, is_obstacle=True)
    if isinstance(answer, AmazonError):
        return _not_looked_at(subject, answer, "connect:DescribeInstance")
    name, status = answer.get("InstanceAlias", "it"), answer.get("InstanceStatus")
    if status != "ACTIVE":
        text = f"{name} is {status}, not ACTIVE."
        advice = "Finish or repeat its creation in the Amazon Connect console."
        return Finding(subject, Verdict.NO, text, advice, is_obstacle=True)
    return Finding(subject, Verdict.YES, f"{name} is ACTIVE.")


def _flow(answer: Answer, flow_id: str) -> Finding:
    subject = "Flow"
    if isinstance(answer, PermanentError):
        not_published = answer.code == "ContactFlowNotPublishedException"
        text, advice = _NOT_PUBLISHED if not_published else _NO_FLOW
        text = text.format(flow=flow_id, code=answer.code)
        return Finding(subject, Verdict.NO, text, advice, is_obstacle=True)
    if isinstance(answer, AmazonError):
        return _not_looked_at(subject, answer, "connect:DescribeContactFlow")
    name = answer.get("Name", flow_id)
    for member, right, (text, advice) in _OF_A_FLOW:
        if answer.get(member) not in right:
            described = text.format(flow=name, type=answer.get("Type"))
            return Finding(subject, Verdict.NO, described, advice, is_obstacle=True)
    return Finding(subject, Verdict.YES, f"{name} is published.")


def _start(answers: Answers) -> Finding:
    found = _may_start(answers.start)
    # Who writes to phones may do without it.
    return found if answers.written is None else replace(found, is_obstacle=False)


def _may_start(answer: Answer) -> Finding:
    if isinstance(answer, AccessDeniedError):
        return Finding(_START, Verdict.NO, *_MAY_NOT_START, is_obstacle=True)
    if isinstance(answer, NoSlotError):
        text = "permitted, but as many chats are open now as the instance grants."
        return Finding(_START, Verdict.YES, text, "A campaign waits until one closes.")
    if isinstance(answer, Mapping):
        return Finding(_START, Verdict.YES, *_STARTED)
    return _permission(_START, answer)


def _may_stop(answer: Answer) -> Finding:
    if isinstance(answer, AccessDeniedError):
        text = "not permitted: the participant leaves instead, which is slower."
        return Finding("Stop chats", Verdict.NO, text, "Allow connect:StopContact.")
    return _permission("Stop chats", answer)


def _may_describe(answer: Answer) -> Finding:
    if isinstance(answer, AccessDeniedError):
        text = (
            "not permitted: an interrupted chat is joined again without asking if it is over, and "
            "nothing can be collected."
        )
        return Finding("Describe chats", Verdict.NO, text, "Allow connect:DescribeContact.")
    return _permission("Describe chats", answer)


def _permission(subject: str, answer: Answer) -> Finding:
    """Permissions are looked at first: who hears that something does not exist was permitted."""
    if isinstance(answer, Mapping | PermanentError | ChatEndedError):
        return Finding(subject, Verdict.YES, "permitted.")
    is_obstacle = subject == _START
    return Finding(subject, Verdict.UNKNOWN, silence(answer), "Ask again.", is_obstacle)


def _open_chats(answer: Answer, most: int) -> Finding:
    subject = "Open chats"
    if isinstance(answer, AmazonError):
        return _not_looked_at(subject, answer, "cloudwatch:GetMetricData")
    if not (values := answer["Values"]):
        text = "CloudWatch has no number of the last minutes; as a rule, none is open."
        return Finding(subject, Verdict.UNKNOWN, text)
    text = f"{values[0]:,.0f} are open, of {most:,} that the block's quotas grant."
    if values[0] >= most:
        return Finding(subject, Verdict.NO, text, "A campaign waits until some close.")
    return Finding(subject, Verdict.YES, text)


def _granted(
    answers: Answers, instance_id: str, starts_per_second: float, most_open_chats: int
) -> Iterator[Finding]:
    if answers.start_quota is not None:
        yield judge_quota(
            START_RATE, answers.start_quota, used=starts_per_second, instance_id=instance_id
        )
    if answers.open_quota is not None:
        yield judge_quota(
            OPEN_CHATS, answers.open_quota, used=most_open_chats, instance_id=instance_id
        )
    if answers.attachments is not None:
        yield judge_attachments(answers.attachments)


def _outbound(answers: Answers, instance_id: str) -> Iterator[Finding]:
    if answers.written is not None:
        yield from judge_outbound(answers.written, answers.number, instance_id=instance_id)


def _not_looked_at(subject: str, error: AmazonError, action: str) -> Finding:
    if isinstance(error, AccessDeniedError):
        text = f"cannot be looked at: {action} is not permitted."
        return Finding(subject, Verdict.UNKNOWN, text, "A campaign does not need it.")
    return Finding(subject, Verdict.UNKNOWN, silence(error))
