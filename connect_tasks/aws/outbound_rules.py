"""Rules across fields of StartOutboundChatContact: what goes together, and what must be there."""

from collections.abc import Iterator

from pydantic_core import InitErrorDetails

from connect_tasks.aws.phone_numbers import why_no_text_reaches
from connect_tasks.aws.problems import CONFLICT, RULE, problem_details
from connect_tasks.aws.rules import (
    attributes_fit,
    entry,
    is_json_object,
    member,
    message_type_is_supported,
    system_values_are_system_defined,
)

__all__ = ["SMS", "SUBTYPE", "WHATSAPP", "outbound_conflicts", "template_conflicts"]

SUBTYPE = "connect:Subtype"
"""The segment attribute that says by which service a message goes out."""
SMS = "connect:SMS"
WHATSAPP = "connect:WhatsApp"

_MESSAGE, _TEMPLATED = "initial_system_message", "initial_templated_system_message"


def outbound_conflicts(request: object) -> Iterator[InitErrorDetails]:
    """Find what is wrong with a request beyond its single fields.

    Example:
        >>> wrong = {"segment_attributes": {"connect:Channel": {"value_string": "SMS"}}}
        >>> [e["loc"] for e in outbound_conflicts(wrong)]
        [('segment_attributes', 'connect:Subtype')]
    """
    yield from attributes_fit(request)
    yield from message_type_is_supported(request, _MESSAGE)
    yield from _one_message_at_most(request)
    yield from _subtype_is_named(request)
    yield from _text_can_reach(request)
    if pairs := member(request, "segment_attributes"):
        yield from system_values_are_system_defined(pairs)


def template_conflicts(attributes: object) -> Iterator[InitErrorDetails]:
    """Find what is wrong with a template's attributes beyond their types.

    Example:
        >>> [e["loc"] for e in template_conflicts({"customer_profile_attributes": "Ada"})]
        [('customer_profile_attributes',)]
    """
    name = "customer_profile_attributes"
    given = member(attributes, name)
    if isinstance(given, str) and not is_json_object(given):
        rule = 'must be JSON of an object, as {"FirstName": "Ada"}'
        yield problem_details(RULE, rule, (name,), given)


def _one_message_at_most(request: object) -> Iterator[InitErrorDetails]:
    templated = member(request, _TEMPLATED)
    if templated is not None and member(request, _MESSAGE) is not None:
        rule = f"cannot be given together with {_MESSAGE}: leave one of them out"
        yield problem_details(CONFLICT, rule, (_TEMPLATED,), templated)


def _subtype_is_named(request: object) -> Iterator[InitErrorDetails]:
    pairs = member(request, "segment_attributes")
    # Missing altogether, or of another type, it has an error of its own.
    if not isinstance(pairs, dict):
        return
    subtype = member(entry(pairs, SUBTYPE), "value_string")
    if subtype in (SMS, WHATSAPP):
        return
    rule = f"must be there, as {SMS} or {WHATSAPP}"
    where = ("segment_attributes", SUBTYPE)
    if subtype is None:
        yield problem_details(RULE, rule, where, pairs)
    else:
        yield problem_details(RULE, rule, (*where, "value_string"), subtype)


def _text_can_reach(request: object) -> Iterator[InitErrorDetails]:
    number = member(member(request, "destination_endpoint"), "address")
    subtype = member(entry(member(request, "segment_attributes"), SUBTYPE), "value_string")
    if subtype != SMS or not isinstance(number, str):
        return
    if why := why_no_text_reaches(number):
        yield problem_details(CONFLICT, why, ("destination_endpoint", "address"), number)
