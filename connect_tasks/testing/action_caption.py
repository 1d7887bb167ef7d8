"""The caption of an action in a picture: what tells it from others of its type."""

import re
from collections.abc import Mapping
from typing import Any

from connect_tasks.emulator.flows.exported.document import Action

__all__ = ["caption"]

_LONGEST = 60
_TELLING = (
    *("Text", "ComparisonValue", "LoopCount", "TimeLimitSeconds", "TimeoutSeconds"),
    *("LambdaFunctionARN", "QueueId", "ContactFlowId", "FlowModuleId", "HoursOfOperationId"),
    *("Attributes", "FlowAttributes", "EventHooks", "MetricType", "ViewResource", "LexV2Bot"),
)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def caption(action: Action) -> str:
    """What tells an action from others: its name, else what it says or asks; else nothing.

    Args:
        action: The action.

    Example:
        >>> caption(Action("1", "MessageParticipant", {"Text": "Hello"}, name="Greeting"))
        'Greeting'
        >>> caption(Action("1", "MessageParticipant", {"Text": "Hello"}, name="1"))
        'Hello'
    """
    if action.name and action.name != action.identifier:
        return _short(action.name)
    for name in _TELLING:
        if told := _told(action.parameters.get(name)):
            return _short(told)
    return "" if _UUID.fullmatch(action.identifier) else _short(action.identifier)


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(map(str, value))
    text = str(value) if isinstance(value, str | int) else ""
    # Of an ARN, only the end tells anything.
    return re.split("[/:]", text)[-1] if text.startswith("arn:") else text


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
