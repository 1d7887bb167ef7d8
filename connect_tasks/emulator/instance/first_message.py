"""The first message of a chat, and who says it: the customer, or who writes to their phone."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from connect_tasks.emulator.flows.steps import SYSTEM_MESSAGE, Speaker
from connect_tasks.emulator.model.rules import PLAIN

__all__ = ["FirstMessage", "first_message", "phone_number"]


class FirstMessage(NamedTuple):
    """What is said before all else, and by whom."""

    speaker: Speaker
    content: str
    content_type: str


def phone_number(request: Mapping[str, Any]) -> str | None:
    """Whose phone a chat begins on; None of one that begins in a browser.

    Args:
        request: What StartChatContact or StartOutboundChatContact was given.
    """
    destination = request.get("DestinationEndpoint")
    return destination["Address"] if destination else None


def first_message(request: Mapping[str, Any], customer: Speaker) -> FirstMessage | None:
    """The first message, if the request has one.

    Args:
        request: What StartChatContact or StartOutboundChatContact was given.
        customer: The customer.
    """
    for member, speaker in (("InitialMessage", customer), ("InitialSystemMessage", SYSTEM_MESSAGE)):
        if message := request.get(member):
            return FirstMessage(speaker, message["Content"], message["ContentType"])
    if template := request.get("InitialTemplatedSystemMessage"):
        return FirstMessage(SYSTEM_MESSAGE, _filled_in(template), PLAIN)
    return None


def _filled_in(template: Mapping[str, Any]) -> str:
    """Which template it is, and what it is filled in with: its text is on your instance."""
    given = template["TemplateAttributes"]
    pairs = [f"{name}={value}" for name, value in (given.get("CustomAttributes") or {}).items()]
    profile = given.get("CustomerProfileAttributes")
    return " ".join([f"[{template['MessageTemplateId']}]", *pairs, *([profile] if profile else [])])
