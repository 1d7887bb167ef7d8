"""What the preflight's answers say of writing to phones, judged without I/O. Experimental.

Whether the number is approved for messages, and the customers' carriers take them, nobody can ask
Amazon Connect beforehand.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from connect_tasks.aws.preflight.collecting import silence
from connect_tasks.aws.preflight.report import Finding, Verdict
from connect_tasks.errors import AccessDeniedError, AmazonError, NotFoundError, PermanentError

__all__ = ["judge_first_message", "judge_outbound"]

Answer = Mapping[str, Any] | AmazonError

_WRITE = "Write to phones"
_NUMBER = "Phone number"
_ALLOW = (
    "Allow connect:StartOutboundChatContact on the instance's contacts, flows and phone numbers."
)
_CLAIM = (
    "Claim or import one for SMS or WhatsApp under Phone numbers in the Amazon Connect console, "
    "and give its ARN as source_endpoint."
)
_OF_TABLE = "its ARN comes from the table's rows, so it is not looked at."
_TEMPLATE = "WhatsApp template"
# Not of an endpoint that does not know the question.
_NO_SUCH = "ResourceNotFoundException"


def judge_outbound(
    written: Answer, number: Answer | None, *, instance_id: str
) -> Iterator[Finding]:
    """Say what the answers mean for `text_out`.

    Args:
        written: Of StartOutboundChatContact, to nobody, by a number that does not exist.
        number: Of DescribePhoneNumber: the members of `ClaimedPhoneNumberSummary`; None if it was
            not asked.
        instance_id: The instance.

    Example:
        >>> [one.subject for one in judge_outbound({}, None, instance_id="i-1")]
        ['Write to phones', 'Phone number']
    """
    yield _may_write(written)
    yield (
        Finding(_NUMBER, Verdict.UNKNOWN, _OF_TABLE)
        if number is None
        else _number(number, instance_id)
    )


def judge_first_message(*, is_whatsapp: bool, is_templated: bool) -> Finding | None:
    """Say whether WhatsApp will take the first message; None where that is no question.

    Args:
        is_whatsapp: Whether the messages go out by WhatsApp.
        is_templated: Whether the first one is made of a message template.

    Example:
        >>> print(judge_first_message(is_whatsapp=True, is_templated=False).verdict)
        no
    """
    if not is_whatsapp:
        return None
    if is_templated:
        text = "there is one; whether WhatsApp has approved it is not known here."
        return Finding(_TEMPLATE, Verdict.UNKNOWN, text)
    text = "the first message is none, and WhatsApp takes no other from a business."
    advice = "Give initial_templated_system_message, with a template that WhatsApp has approved."
    return Finding(_TEMPLATE, Verdict.NO, text, advice, is_obstacle=True)


def _may_write(answer: Answer) -> Finding:
    if isinstance(answer, AccessDeniedError):
        text = "not permitted. (Asked with a number that does not exist.)"
        return Finding(_WRITE, Verdict.NO, text, _ALLOW, is_obstacle=True)
    if isinstance(answer, Mapping | PermanentError):
        return Finding(_WRITE, Verdict.YES, "permitted.")
    return Finding(_WRITE, Verdict.UNKNOWN, silence(answer), "Ask again.", is_obstacle=True)


def _number(answer: Answer, instance_id: str) -> Finding:
    if isinstance(answer, AccessDeniedError):
        text = "cannot be looked at: connect:DescribePhoneNumber is not permitted."
        return Finding(_NUMBER, Verdict.UNKNOWN, text, "A campaign does not need it.")
    if isinstance(answer, NotFoundError) and answer.code == _NO_SUCH:
        text = "there is no such number in this account and Region."
        return Finding(_NUMBER, Verdict.NO, text, _CLAIM, is_obstacle=True)
    if isinstance(answer, AmazonError):
        return Finding(_NUMBER, Verdict.UNKNOWN, silence(answer))
    theirs = answer.get("InstanceId")
    if theirs not in {None, instance_id} or _is_anothers(answer, instance_id):
        text = "it is another instance's."
        return Finding(_NUMBER, Verdict.NO, text, _CLAIM, is_obstacle=True)
    return Finding(_NUMBER, Verdict.YES, "the instance has it.")


def _is_anothers(answer: Mapping[str, Any], instance_id: str) -> bool:
    """Whether its target is an instance, and not this one; it may be a traffic group, too."""
    target = str(answer.get("TargetArn") or "")
    return ":instance/" in target and not target.endswith(f"/{instance_id}")
