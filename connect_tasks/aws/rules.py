"""Rules across fields of StartChatContact: bytes, JSON, ARNs, what goes together.

Each rule reads a valid model or the raw mapping that was meant to become one, so that it speaks up
even when something else is wrong. What it cannot judge, because that is wrong itself, it passes.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import NoReturn

from pydantic.alias_generators import to_pascal
from pydantic_core import InitErrorDetails, PydanticCustomError

from connect_tasks.aws.problems import CONFLICT, RULE, problem_details

__all__ = [
    "JSON",
    "MARKDOWN",
    "MAX_ATTRIBUTE_BYTES",
    "MAX_INITIAL_MESSAGE_BYTES",
    "PLAIN",
    "attributes_fit",
    "entry",
    "flow_id",
    "instance_id",
    "is_json_object",
    "member",
    "message_conflicts",
    "message_type_is_supported",
    "request_conflicts",
    "system_values_are_system_defined",
]

MAX_ATTRIBUTE_BYTES = 32_768
MAX_INITIAL_MESSAGE_BYTES = 16_384

PLAIN = "text/plain"
MARKDOWN = "text/markdown"
JSON = "application/json"
_INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
_RESPONSE = "application/vnd.amazonaws.connect.message.interactive.response"
_MESSAGE_TYPES = (PLAIN, MARKDOWN, JSON, _RESPONSE)

_INSTANCE_ARN = re.compile(r"arn:[^:]+:connect:[^:]*:[^:]*:instance/([^/]+)")
_FLOW_ARN = re.compile(_INSTANCE_ARN.pattern + r"/contact-flow/(.+)")


def instance_id(value: object) -> object:
    """Take the ID out of an instance ARN; anything else stays as it is.

    Example:
        >>> instance_id("arn:aws:connect:eu-central-1:123456789012:instance/i-1")
        'i-1'
    """
    if not isinstance(value, str) or not value.startswith("arn:"):
        return value
    found = _INSTANCE_ARN.fullmatch(value)
    if not found:
        _refuse("must be an instance ID or the ARN of an Amazon Connect instance")
    return found[1]


def flow_id(value: object, instance: object) -> object:
    """Take the ID out of a flow ARN of this instance; anything else stays as it is.

    Args:
        value: What was given as the flow.
        instance: The instance's ID; None if that is not known to be right.

    Example:
        >>> flow_id("arn:aws:connect:eu-central-1:1:instance/i-1/contact-flow/f-1", "i-1")
        'f-1'
    """
    if not isinstance(value, str) or not value.startswith("arn:"):
        return value
    found = _FLOW_ARN.fullmatch(value)
    if not found:
        _refuse("must be a flow ID or the ARN of a contact flow")
    if instance not in {None, found[1]}:
        _refuse(f"belongs to another instance ({found[1]}) than instance_id ({instance})")
    return found[2]


def message_conflicts(message: object) -> Iterator[InitErrorDetails]:
    """Find what is wrong with an initial message beyond its types.

    Example:
        >>> [e["loc"] for e in message_conflicts({"content": "{", "content_type": JSON})]
        [('content',)]
    """
    content, kind = member(message, "content"), member(message, "content_type")
    if not isinstance(content, str) or not content:
        return
    if (size := _utf8_bytes(content)) > MAX_INITIAL_MESSAGE_BYTES:
        rule = f"may have at most {MAX_INITIAL_MESSAGE_BYTES:,} bytes, has {size:,}"
        yield problem_details(RULE, rule, ("content",), content)
    if kind in (JSON, _RESPONSE) and not _is_json(content):
        yield problem_details(RULE, f"must be JSON, as its type is {kind}", ("content",), content)


def request_conflicts(request: object) -> Iterator[InitErrorDetails]:
    """Find what is wrong with a request beyond its single fields.

    Example:
        >>> [str(e["type"]) for e in request_conflicts({"initial_message": {"content": "Hi"}})]
        []
    """
    yield from attributes_fit(request)
    yield from message_type_is_supported(request, "initial_message")
    yield from _one_past_at_most(request)
    segment_attributes = member(request, "segment_attributes")
    if segment_attributes:
        yield from _guide_has_its_types(request, segment_attributes)
        yield from system_values_are_system_defined(segment_attributes)


def attributes_fit(request: object) -> Iterator[InitErrorDetails]:
    """Find attributes that are too large, all of them together.

    Example:
        >>> [e["loc"] for e in attributes_fit({"attributes": {"a": "b" * 40_000}})]
        [('attributes',)]
    """
    pairs = member(request, "attributes")
    if not isinstance(pairs, Mapping):
        return
    texts = [text for pair in pairs.items() for text in pair if isinstance(text, str)]
    if (size := _utf8_bytes("".join(texts))) > MAX_ATTRIBUTE_BYTES:
        rule = f"may have at most {MAX_ATTRIBUTE_BYTES:,} UTF-8 bytes in all, has {size:,}"
        yield problem_details(RULE, rule, ("attributes",), pairs)


def message_type_is_supported(request: object, name: str) -> Iterator[InitErrorDetails]:
    """Find a first message, a field by this name, of a type that the chat does not support.

    Example:
        >>> list(message_type_is_supported({}, "initial_message"))
        []
    """
    kind = member(member(request, name), "content_type")
    if kind not in _MESSAGE_TYPES:
        return
    supported = _supported_types(request)
    if supported is not None and kind not in supported:
        rule = "must be among supported_messaging_content_types (text/plain if none are given)"
        yield problem_details(CONFLICT, rule, (name, "content_type"), kind)


def _one_past_at_most(request: object) -> Iterator[InitErrorDetails]:
    related = member(request, "related_contact_id")
    if related is not None and member(request, "persistent_chat") is not None:
        rule = "cannot be given together with persistent_chat"
        yield problem_details(CONFLICT, rule, ("related_contact_id",), related)


def _guide_has_its_types(request: object, pairs: object) -> Iterator[InitErrorDetails]:
    subtype = member(entry(pairs, "connect:Subtype"), "value_string")
    supported = _supported_types(request)
    if subtype != "connect:Guide" or supported is None:
        return
    if missing := [kind for kind in (_INTERACTIVE, _RESPONSE) if kind not in supported]:
        rule = f"needs supported_messaging_content_types with {' and '.join(missing)}"
        loc = ("segment_attributes", "connect:Subtype", "value_string")
        yield problem_details(CONFLICT, rule, loc, subtype)


def system_values_are_system_defined(pairs: object) -> Iterator[InitErrorDetails]:
    """Find lists and ARNs in segment attributes of users.

    Example:
        >>> [e["loc"][-1] for e in system_values_are_system_defined({"x": {"value_arn": "a"}})]
        ['value_arn']
    """
    if not isinstance(pairs, Mapping):
        return
    for key, value in pairs.items():
        if isinstance(key, str) and not key.startswith("connect:"):
            yield from _system_values(value, ("segment_attributes", key))


def _system_values(value: object, loc: tuple[str, ...]) -> Iterator[InitErrorDetails]:
    for name in ("value_list", "value_arn"):
        if (given := member(value, name)) is not None:
            rule = "is for system-defined attributes (connect:…) only"
            yield problem_details(RULE, rule, (*loc, name), given)
    nested = member(value, "value_map")
    if isinstance(nested, Mapping):
        for key, inner in nested.items():
            yield from _system_values(inner, (*loc, "value_map", str(key)))


def _supported_types(request: object) -> Collection[object] | None:
    supported = member(request, "supported_messaging_content_types")
    if supported is None:
        return (PLAIN,)
    return supported if isinstance(supported, list | tuple) else None


def member(whole: object, name: str) -> object:
    """One member of a model, or of the mapping that was meant to become one.

    Example:
        >>> member({"InstanceId": "i-1"}, "instance_id")
        'i-1'
    """
    if isinstance(whole, Mapping):
        return whole.get(name, whole.get(to_pascal(name)))
    return getattr(whole, name, None)


def entry(pairs: object, key: str) -> object:
    """One entry of a mapping; None of what is none.

    Example:
        >>> entry({"a": 1}, "a"), entry("no mapping", "a")
        (1, None)
    """
    return pairs.get(key) if isinstance(pairs, Mapping) else None


def _utf8_bytes(text: str) -> int:
    # Half a surrogate pair has no UTF-8 form; the field's own type refuses it.
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def is_json_object(text: str) -> bool:
    """Whether a text is JSON of an object.

    Example:
        >>> is_json_object('{"a": 1}'), is_json_object("1")
        (True, False)
    """
    return _is_json(text) and text.lstrip(" \t\r\n").startswith("{")


def _is_json(text: str) -> bool:
    try:
        # Python's own additions to JSON, NaN and Infinity, are refused; long integers are not.
        json.loads(text, parse_constant=_refuse, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(rule: str) -> NoReturn:
    raise PydanticCustomError(RULE, rule)
