"""Actions that show something: messages, and views that are answered."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from connect_tasks.emulator.flows.exported.document import Action
from connect_tasks.emulator.flows.interactive import INTERACTIVE
from connect_tasks.emulator.flows.run.context import Context
from connect_tasks.emulator.flows.run.numbers import whole
from connect_tasks.emulator.flows.run.outcomes import (
    NO_MATCHING_ERROR,
    Await,
    Done,
    Ended,
    Failed,
    Heard,
    Outcome,
    Play,
    Result,
)
from connect_tasks.emulator.flows.steps import SYSTEM_MESSAGE, Present, Say, ShowView

__all__ = ["message_participant", "message_repeatedly", "show_view"]

_LONGEST = 6_000
_TAG = re.compile(r"<[^<>]*>")


def message_participant(context: Context, action: Action) -> Play:
    """Show a text; what was set up for calls takes the error branch, and shows nothing."""
    given = action.parameters.get("Text", "")
    text = "" if isinstance(given, dict | list) else context.memory.shown(given)
    if not text:
        return _empty(context, action)
    if len(text) > _LONGEST:
        return Failed(f"the text has {len(text)} characters of {_LONGEST}")
    if "<speak" in text:
        context.warn(f"{action.identifier}: it is not known what a chat shows of <speak>")
        text = _spoken(context, text)
    yield Say(SYSTEM_MESSAGE, text)
    return Done()


def _empty(context: Context, action: Action) -> Outcome:
    if "Text" in action.parameters and context.memory.assumptions.empty_text == "nothing":
        return Done("the text is empty")
    return Failed("a chat shows only Text, and there is none")


def _spoken(context: Context, text: str) -> str:
    if context.memory.assumptions.speech == "as-is":
        return text
    return " ".join(_TAG.sub(" ", text).split())


def message_repeatedly(_context: Context, action: Action) -> Outcome:
    """In a chat, always the error branch; without one, the flow stops."""
    if NO_MATCHING_ERROR not in action.errors:
        return Ended()
    return Failed("a chat does not play messages again and again")


def show_view(context: Context, action: Action) -> Play:
    """Show a view, and wait for the action that the customer chooses in it."""
    contact = context.memory.contact
    if contact.content_types is not None and INTERACTIVE not in contact.content_types:
        return Failed("the chat's content types have no interactive messages")
    limit = action.parameters.get("InvocationTimeLimitSeconds")
    seconds = whole(context.memory.text(limit)) if limit is not None else None
    if limit is not None and seconds is None:
        return Failed("InvocationTimeLimitSeconds is no number")
    yield from _present(context, action.parameters)
    until = None if seconds is None else context.now + timedelta(seconds=seconds)
    event = yield Await(until, listens=True)
    if not isinstance(event, Heard):
        return Failed("nothing was chosen in time", "TimeLimitExceeded")
    chosen, data = _chosen(event.text)
    context.memory.views = {"Action": chosen, "ViewResultData": data}
    return Result(chosen, f"chosen: {chosen}")


def _present(context: Context, parameters: Mapping[str, Any]) -> Play:
    context.views += 1
    contact_id = context.memory.contact.contact_id
    token = str(uuid5(NAMESPACE_URL, f"{contact_id}/view/{context.views}"))
    resource = context.memory.deep(parameters.get("ViewResource") or {})
    data = context.memory.deep(parameters.get("ViewData") or {})
    yield Present(token, {"resource": resource, "data": data})
    content = {"content": {"viewToken": token, "view": resource, "viewData": data}}
    message = {"templateType": "ViewResource", "version": "1.0", "data": content}
    yield ShowView(SYSTEM_MESSAGE, json.dumps(message, ensure_ascii=False), INTERACTIVE)
    return Done()


def _chosen(text: str) -> tuple[str, Any]:
    """Action and data of a response; a text that is none is the name of the action."""
    try:
        response = json.loads(text)
    except ValueError:
        response = None
    if not isinstance(response, dict):
        return text, {}
    chosen = response.get("action", response.get("Action"))
    data = response.get("data", response.get("ViewResultData"))
    return (str(chosen), data or {}) if chosen is not None else (text, {})
