"""Rules that AWS documents in words only, and that botocore's model therefore does not hold."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from connect_tasks.emulator.model.strict_json import read_json
from connect_tasks.emulator.model.validation import Problem

__all__ = ["RULES"]

PLAIN = "text/plain"
INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
RESPONSE = f"{INTERACTIVE}.response"
EVENT = "application/vnd.amazonaws.connect.event."

_SENDABLE_LENGTHS = {PLAIN: 1024, "text/markdown": 1024, "application/json": 12000, RESPONSE: 12288}
_SUPPORTED = {*_SENDABLE_LENGTHS, INTERACTIVE}
_RECEIPTS = {f"{EVENT}message.delivered", f"{EVENT}message.read"}
_EVENTS = {*_RECEIPTS, f"{EVENT}typing", f"{EVENT}connection.acknowledged"}
_ATTRIBUTE_BYTES = 32_768
_MESSAGE_BYTES = 16_384
_ATTRIBUTE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# System attributes such as connect:Subtype carry a prefix.
_SEGMENT_KEY = re.compile(r"(?:connect:)?[A-Za-z0-9_-]+")
_SNS_TOPIC = re.compile(r"arn:[\w-]+:sns:[\w-]*:\d*:[\w-]+")

Body = Mapping[str, Any]
Rule = Callable[[Body], Iterator[Problem]]


def _attributes(body: Body) -> Iterator[Problem]:
    attributes = body.get("Attributes") or {}
    if not all(_ATTRIBUTE_KEY.fullmatch(key) for key in attributes):
        reason = "Keys can include only alphanumeric, dash, and underscore characters"
        yield Problem("Attributes", reason)
    if sum(len(f"{key}{value}".encode()) for key, value in attributes.items()) > _ATTRIBUTE_BYTES:
        yield Problem("Attributes", f"There can be up to {_ATTRIBUTE_BYTES} UTF-8 bytes")


def _segment_attributes(body: Body) -> Iterator[Problem]:
    attributes = body.get("SegmentAttributes") or {}
    if not all(_SEGMENT_KEY.fullmatch(key) for key in attributes):
        reason = "Keys can include only alphanumeric, dash, and underscore characters"
        yield Problem("SegmentAttributes", reason)
    subtype = attributes.get("connect:Subtype") or {}
    supported = set(body.get("SupportedMessagingContentTypes") or ())
    if subtype.get("ValueString") == "connect:Guide" and not {INTERACTIVE, RESPONSE} <= supported:
        reason = f"connect:Guide needs {INTERACTIVE} and {RESPONSE} as supported content types"
        yield Problem("SegmentAttributes", reason)


def _content_types(body: Body) -> Iterator[Problem]:
    supported = body.get("SupportedMessagingContentTypes")
    if supported is None:
        return
    if PLAIN not in supported:
        yield Problem("SupportedMessagingContentTypes", f"Must contain {PLAIN}")
    if not set(supported) <= _SUPPORTED:
        yield Problem("SupportedMessagingContentTypes", "Content type is not supported")


def _initial_message(body: Body) -> Iterator[Problem]:
    message = body.get("InitialMessage")
    if message is None:
        return
    supported = body.get("SupportedMessagingContentTypes") or [PLAIN]
    content_type = message["ContentType"]
    if content_type not in _SENDABLE_LENGTHS or content_type not in supported:
        yield Problem("InitialMessage.ContentType", "Content type is not supported")
    if len(message["Content"].encode()) > _MESSAGE_BYTES:
        yield Problem("InitialMessage.Content", f"There can be up to {_MESSAGE_BYTES} bytes")


def _persistent_chat(body: Body) -> Iterator[Problem]:
    persistent = body.get("PersistentChat")
    if persistent is None:
        return
    if body.get("RelatedContactId") is not None:
        yield Problem("RelatedContactId", "Cannot be given together with PersistentChat")
    for member in ("RehydrationType", "SourceContactId"):
        if persistent.get(member) is None:
            yield Problem(f"PersistentChat.{member}", "Is required for persistent chat")


def _streaming(body: Body) -> Iterator[Problem]:
    streaming = body.get("ChatStreamingConfiguration")
    if streaming and not _SNS_TOPIC.fullmatch(streaming["StreamingEndpointArn"]):
        path = "ChatStreamingConfiguration.StreamingEndpointArn"
        yield Problem(path, "Must be the ARN of a standard Amazon SNS topic")


def _message(body: Body) -> Iterator[Problem]:
    limit = _SENDABLE_LENGTHS.get(body["ContentType"])
    if limit is None:
        yield Problem("ContentType", "Content type is not supported")
    elif len(body["Content"]) > limit:
        yield Problem("Content", f"Member must have length less than or equal to {limit}")


def _event(body: Body) -> Iterator[Problem]:
    if body["ContentType"] not in _EVENTS:
        yield Problem("ContentType", "Content type is not supported")
    elif body["ContentType"] in _RECEIPTS and not _names_message(body.get("Content")):
        yield Problem("Content", "Must be a JSON string with a messageId")


def _names_message(content: str | None) -> bool:
    try:
        receipt = read_json(content or "")
    except ValueError:
        return False
    return isinstance(receipt, dict) and isinstance(receipt.get("messageId"), str)


def _start_position(body: Body) -> Iterator[Problem]:
    moment = (body.get("StartPosition") or {}).get("AbsoluteTime")
    if moment is None:
        return
    try:
        aware = datetime.fromisoformat(moment).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        yield Problem("StartPosition.AbsoluteTime", "Must be a time in ISO 8601 format")


RULES: Mapping[str, tuple[Rule, ...]] = {
    "StartChatContact": (
        _attributes,
        _segment_attributes,
        _content_types,
        _initial_message,
        _persistent_chat,
        _streaming,
    ),
    "SendMessage": (_message,),
    "SendEvent": (_event,),
    "GetTranscript": (_start_position,),
}
"""The rules of each operation; they run only on a body that the model has already accepted."""
