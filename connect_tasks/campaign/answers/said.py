"""What was said: an item of a transcript as text, also where it is a choice, a form or a file.

The rules of this file:

- A text is what it is, to the character.
- What asks with buttons, lists or times (an interactive message) says its title and its subtitle.
  A view has neither, so it is named.
- An interactive answer says what was chosen: the title of the element, found in what asked (the
  last message that has it) where the answer has only its id; the action of a view, with the fields
  of its form.
- An attachment says its name.
- What is not as Amazon or its clients write it is said as it is: nothing is lost for its form.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["INTERACTIVE", "INTERACTIVE_RESPONSE", "is_customers", "is_spoken", "said"]

INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
"""The content type of a message that offers something to choose."""

INTERACTIVE_RESPONSE = "application/vnd.amazonaws.connect.message.interactive.response"
"""The content type of an answer to it. Amazon's own page sends most choices as plain text."""

_VIEW = "ViewResource"
# What Amazon's page sends, as plain text, for a choice from one of several lists.
_OF_A_CAROUSEL = ("templateIdentifier", "listTitle", "selectionText")
# Where clients put a choice: its title, its element's id, or what a button for more options does.
_CHOICES = ("selectionText", "title", "elementId", "actionName")
_IDS = ("id", "identifier", "elementId")


def is_spoken(item: Mapping[str, Any]) -> bool:
    """Whether somebody said or sent something, as opposed to an event.

    Args:
        item: By the names of the columns of `messages`.
    """
    return item.get("type") in {"MESSAGE", "ATTACHMENT"}


def is_customers(item: Mapping[str, Any]) -> bool:
    """Whether the customer, or our side in their place, made it.

    Args:
        item: By the names of the columns of `messages`.
    """
    return item.get("participant_role") == "CUSTOMER"


def said(item: Mapping[str, Any], asked: Sequence[str] = ()) -> str | None:
    """What an item says, as text; None for an event, and for what says nothing.

    Args:
        item: By the names of the columns of `messages`.
        asked: The contents of the interactive messages that it may answer, in their order.

    Example:
        >>> said({"type": "MESSAGE", "content_type": "text/plain", "content": "Yes"})
        'Yes'
    """
    if not is_spoken(item):
        return None
    content, kind = item.get("content") or "", item.get("content_type")
    if item.get("type") == "ATTACHMENT":
        return _attachments(content)
    if not content:
        return None
    if kind == INTERACTIVE:
        return _asked(content)
    return _chosen(content, asked) if kind == INTERACTIVE_RESPONSE else _plain(content)


def _attachments(content: str) -> str:
    found = _json(content)
    files = found if isinstance(found, list) else [found]
    names = [_text_of(file, "AttachmentName") for file in files if isinstance(file, Mapping)]
    if not names:
        return content or "(attachment)"
    return "\n".join(f"(attachment: {name})" if name else "(attachment)" for name in names)


def _asked(content: str) -> str:
    message = _mapping(_json(content))
    data = _mapping(message.get("data"))
    shown = _mapping(data.get("content")) or data
    lines = [_text_of(shown, name) for name in ("title", "subtitle")]
    if told := [line for line in lines if line]:
        return "\n".join(told)
    view = _text_of(shown, "viewId") or _text_of(shown, "name")
    # Its content holds a token that opens the view.
    return f"(view {view})" if view and message.get("templateType") == _VIEW else content


def _chosen(content: str, asked: Sequence[str]) -> str:
    answer = _mapping(_json(content))
    data = _mapping(answer.get("data"))
    if answer.get("templateType") == _VIEW:
        return _of_view(answer, data) or content
    if all(isinstance(answer.get(name), str) for name in _OF_A_CAROUSEL):
        return _of_carousel(answer)
    for part in (answer, data):
        for name in _CHOICES:
            if choice := _text_of(part, name):
                return _title_of(choice, asked) if name == "elementId" else choice
    return _text_of(answer, "action") or content


def _plain(content: str) -> str:
    answer = _mapping(_json(content)) if content.startswith("{") else {}
    is_choice = set(answer) == set(_OF_A_CAROUSEL)
    if is_choice and all(isinstance(value, str) for value in answer.values()):
        return _of_carousel(answer)
    return content


def _of_carousel(answer: Mapping[str, Any]) -> str:
    """The list and what was taken from it: two lists may have the same element."""
    title = answer["listTitle"].rstrip(": ")
    return f"{title}: {answer['selectionText']}" if title else str(answer["selectionText"])


def _of_view(answer: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    action = _text_of(answer, "action")
    if not action and set(data) == {"content"}:
        return _value(data["content"])
    fields = [f"{name}: {_value(value)}" for name, value in data.items()]
    return "\n".join([*([action] if action else []), *fields])


def _title_of(choice: str, asked: Sequence[str]) -> str:
    """The title of the element with this id in what asked; the id if there is none."""
    for element in (one for content in reversed(asked) for one in _elements(_json(content))):
        if choice in {_text_of(element, name) for name in _IDS}:
            return _text_of(element, "title") or choice
    return choice


def _elements(message: object) -> Iterator[Mapping[str, Any]]:
    data = _mapping(_mapping(message).get("data"))
    shown = _mapping(data.get("content")) or data
    elements = shown.get("elements")
    yield from (_mapping(element) for element in (elements if isinstance(elements, list) else []))


def _text_of(part: Mapping[str, Any], name: str) -> str:
    value = part.get(name)
    return _value(value).strip() if isinstance(value, str | int | float) else ""


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
