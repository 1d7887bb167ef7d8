"""Rules that AWS documents in words only, and that botocore's model therefore does not hold."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from connect_tasks.emulator.model.strict_json import read_json
from connect_tasks.emulator.model.validation import Problem

__all__ = ["MOST_ATTRIBUTE_BYTES", "RULES", "attribute_bytes", "is_topic"]

MOST_ATTRIBUTE_BYTES = 32_768
"""UTF-8 bytes of all attributes of a contact, names and values."""

PLAIN = "text/plain"
INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
RESPONSE = f"{INTERACTIVE}.response"
EVENT = "application/vnd.amazonaws.connect.event."

_SENDABLE_LENGTHS = {PLAIN: 1024, "text/markdown": 1024, "application/json": 12000, RESPONSE: 12288}
_SUPPORTED = {*_SENDABLE_LENGTHS, INTERACTIVE}
_RECEIPTS = {f"{EVENT}message.delivered", f"{EVENT}message.read"}
_EVENTS = {*_RECEIPTS, f"{EVENT}typing", f"{EVENT}connection.acknowledged"}
_MESSAGE_BYTES = 16_384
_ATTRIBUTE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# System attributes such as connect:Subtype carry a prefix.
_SEGMENT_KEY = re.compile(r"(?:connect:)?[A-Za-z0-9_-]+")
# The file types that AWS documents as taken unless an instance says otherwise.
_FILE_TYPES = {
    "csv": ("text/csv",),
    "doc": ("application/msword",),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document",),
    "heic": ("image/heic",),
    "jfif": ("image/jpeg",),
    "jpeg": ("image/jpeg",),
    "jpg": ("image/jpeg",),
    "mov": ("video/quicktime",),
    "mp4": ("video/mp4",),
    "pdf": ("application/pdf",),
    "png": ("image/png",),
    "ppt": ("application/vnd.ms-powerpoint",),
    "pptx": ("application/vnd.openxmlformats-officedocument.presentationml.presentation",),
    "rtf": ("application/rtf", "text/rtf"),
    "txt": ("text/plain",),
    "wav": ("audio/wav", "audio/x-wav", "audio/vnd.wave"),
    "xls": ("application/vnd.ms-excel",),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",),
}
_MOST_FILE_TYPES = {kind for kinds in _FILE_TYPES.values() for kind in kinds}
# Lists of references hold these kinds; those of e-mails come from e-mails.
_SETTABLE_REFERENCES = {"URL", "ATTACHMENT", "NUMBER", "STRING", "DATE", "EMAIL"}
_OF_CALLS = ("QueueInfo", "UserInfo", "CustomerEndpoint", "SystemEndpoint")
_UPDATABLE = ("Name", "Description", "References", "SegmentAttributes")
# "SourceEndpoint only supports Endpoints with CONNECT_PHONENUMBER_ARN as Type and
# DestinationEndpoint only supports Endpoints with TELEPHONE_NUMBER as Type."
_ENDPOINTS = {
    "SourceEndpoint": "CONNECT_PHONENUMBER_ARN",
    "DestinationEndpoint": "TELEPHONE_NUMBER",
}
# The pattern of `PhoneNumber` in Amazon's own model.
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_PHONE_NUMBER_ARN = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:\d*:(?:[\w-]+/)*phone-number(?:-id)?/\S+")
_SNS_TOPIC = re.compile(r"arn:[\w-]+:sns:[\w-]*:\d*:[\w-]+")

Body = Mapping[str, Any]
Rule = Callable[[Body], Iterator[Problem]]


def attribute_bytes(attributes: Mapping[str, str]) -> int:
    """What contact attributes take of MOST_ATTRIBUTE_BYTES."""
    return sum(len(f"{key}{value}".encode()) for key, value in attributes.items())


def _attributes(body: Body) -> Iterator[Problem]:
    attributes = body.get("Attributes") or {}
    if not all(_ATTRIBUTE_KEY.fullmatch(key) for key in attributes):
        reason = "Keys can include only alphanumeric, dash, and underscore characters"
        yield Problem("Attributes", reason)
    if attribute_bytes(attributes) > MOST_ATTRIBUTE_BYTES:
        yield Problem("Attributes", f"There can be up to {MOST_ATTRIBUTE_BYTES} UTF-8 bytes")


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
    if body.get("InitialMessage") is not None:
        yield from _first_message(body, "InitialMessage")


def _first_message(body: Body, name: str) -> Iterator[Problem]:
    message = body[name]
    supported = body.get("SupportedMessagingContentTypes") or [PLAIN]
    content_type = message["ContentType"]
    if content_type not in _SENDABLE_LENGTHS or content_type not in supported:
        yield Problem(f"{name}.ContentType", "Content type is not supported")
    if len(message["Content"].encode()) > _MESSAGE_BYTES:
        yield Problem(f"{name}.Content", f"There can be up to {_MESSAGE_BYTES} bytes")


def _outbound_endpoints(body: Body) -> Iterator[Problem]:
    for end, kind in _ENDPOINTS.items():
        endpoint = body[end]
        if endpoint.get("Type") != kind:
            yield Problem(f"{end}.Type", f"The only supported type is {kind}")
    if not _E164.fullmatch(body["DestinationEndpoint"].get("Address") or ""):
        yield Problem("DestinationEndpoint.Address", "Must be a phone number in E.164 format")
    if not _PHONE_NUMBER_ARN.fullmatch(body["SourceEndpoint"].get("Address") or ""):
        yield Problem("SourceEndpoint.Address", "Must be the ARN of a phone number")


def _outbound_subtype(body: Body) -> Iterator[Problem]:
    subtype = (body["SegmentAttributes"].get("connect:Subtype") or {}).get("ValueString")
    if subtype not in ("connect:SMS", "connect:WhatsApp"):
        reason = "connect:Subtype must be connect:SMS or connect:WhatsApp"
        yield Problem("SegmentAttributes", reason)


def _outbound_messages(body: Body) -> Iterator[Problem]:
    message, templated = map(body.get, ("InitialSystemMessage", "InitialTemplatedSystemMessage"))
    if message is not None and templated is not None:
        reason = "Cannot be given together with InitialSystemMessage"
        yield Problem("InitialTemplatedSystemMessage", reason)
    if message is not None:
        yield from _first_message(body, "InitialSystemMessage")


def _persistent_chat(body: Body) -> Iterator[Problem]:
    persistent = body.get("PersistentChat")
    if persistent is None:
        return
    if body.get("RelatedContactId") is not None:
        yield Problem("RelatedContactId", "Cannot be given together with PersistentChat")
    for member in ("RehydrationType", "SourceContactId"):
        if persistent.get(member) is None:
            yield Problem(f"PersistentChat.{member}", "Is required for persistent chat")


def is_topic(arn: str) -> bool:
    """Whether an ARN is that of a standard SNS topic, by its form."""
    return _SNS_TOPIC.fullmatch(arn) is not None


def _streaming(body: Body) -> Iterator[Problem]:
    streaming = body.get("ChatStreamingConfiguration")
    if streaming and not is_topic(streaming["StreamingEndpointArn"]):
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


def _way_back(body: Body) -> Iterator[Problem]:
    """Apps have schemes of their own, so that any will do."""
    try:
        is_absolute = bool(urlsplit(body["RedirectUri"]).scheme)
    except ValueError:
        is_absolute = False
    if not is_absolute:
        yield Problem("RedirectUri", "Must be an absolute URI")


def _file(body: Body) -> Iterator[Problem]:
    if body["ContentType"].partition(";")[0].strip().lower() not in _MOST_FILE_TYPES:
        reason = f"File type is not supported; supported are {', '.join(sorted(_FILE_TYPES))}"
        yield Problem("ContentType", reason)
    if not body["AttachmentName"].strip() or "/" in body["AttachmentName"]:
        yield Problem("AttachmentName", "Must be the name of a file")


def _contact(body: Body) -> Iterator[Problem]:
    if all(body.get(name) is None for name in (*_UPDATABLE, *_OF_CALLS)):
        yield Problem("Name", "At least one field to be updated must be present")
    for name in _OF_CALLS:
        if body.get(name) is not None:
            yield Problem(name, "Can only be updated for external audio contacts")
    for name, reference in (body.get("References") or {}).items():
        if reference["Type"] not in _SETTABLE_REFERENCES:
            yield Problem(f"References.{name}.Type", "Cannot be set")
    # What AWS sets itself, the subtype for one, is no one else's to set.
    if any(key.startswith("connect:") for key in body.get("SegmentAttributes") or {}):
        yield Problem("SegmentAttributes", "Only user-defined attributes can be updated")


def _timers(body: Body) -> Iterator[Problem]:
    path = "ChannelConfiguration.Chat"
    chat = body["ChannelConfiguration"].get("Chat")
    if chat is None:
        yield Problem(path, "Member must not be null", malformed=True)
        return
    timers = chat["ParticipantTimerConfigList"]
    path = f"{path}.ParticipantTimerConfigList"
    if len({(timer["ParticipantRole"], timer["TimerType"]) for timer in timers}) < len(timers):
        yield Problem(path, "Must not name a timer twice")
    for index, timer in enumerate(timers):
        if len([value for value in timer["TimerValue"].values() if value is not None]) != 1:
            yield Problem(f"{path}[{index}].TimerValue", "Exactly one member must be set")


def _participant(body: Body) -> Iterator[Problem]:
    if body["ParticipantDetails"].get("ParticipantRole") != "CUSTOM_BOT":
        path = "ParticipantDetails.ParticipantRole"
        yield Problem(path, "The only valid value for a chat contact is CUSTOM_BOT")


def _transfer(body: Body) -> Iterator[Problem]:
    if body.get("QueueId") is not None and body.get("UserId") is not None:
        yield Problem("UserId", "Cannot be given together with QueueId")


RULES: Mapping[str, tuple[Rule, ...]] = {
    "StartChatContact": (
        _attributes,
        _segment_attributes,
        _content_types,
        _initial_message,
        _persistent_chat,
        _streaming,
    ),
    "StartOutboundChatContact": (
        _attributes,
        _segment_attributes,
        _content_types,
        _outbound_endpoints,
        _outbound_subtype,
        _outbound_messages,
    ),
    "UpdateContactAttributes": (_attributes,),
    "StartContactStreaming": (_streaming,),
    "UpdateContact": (_contact, _segment_attributes),
    "UpdateParticipantRoleConfig": (_timers,),
    "CreateParticipant": (_participant,),
    "TransferContact": (_transfer,),
    "StartAttachmentUpload": (_file,),
    "SendMessage": (_message,),
    "SendEvent": (_event,),
    "GetTranscript": (_start_position,),
    "GetAuthenticationUrl": (_way_back,),
}
"""The rules of each operation; they run only on a body that the model has already accepted."""
