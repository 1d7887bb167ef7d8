"""Interactive messages: the JSON that Amazon Connect shows as lists and buttons.

The forms are those of AWS's documentation. A choice comes back as the title that was chosen, in
plain text: that is what AWS's own chat-interface sends.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["INTERACTIVE", "list_picker", "pick", "quick_reply", "titles_in"]

INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
"""The content type of the messages that are made here."""

_VERSION = "1.0"


def list_picker(title: str, options: Sequence[str], *, subtitle: str = "") -> str:
    """A list to choose from.

    Args:
        title: The question.
        options: From 1 to 10 titles.
        subtitle: What stands below the question.
    """
    return _message("ListPicker", title, options, subtitle)


def quick_reply(title: str, options: Sequence[str]) -> str:
    """A question with buttons below it.

    Args:
        title: The question.
        options: From 2 to 5 titles.
    """
    return _message("QuickReply", title, options, "")


def _message(template: str, title: str, options: Sequence[str], subtitle: str) -> str:
    content: dict[str, Any] = {"title": title}
    if subtitle:
        content["subtitle"] = subtitle
    content["elements"] = [{"title": option} for option in options]
    message = {"templateType": template, "version": _VERSION, "data": {"content": content}}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def titles_in(content: str) -> tuple[str, ...]:
    """What an interactive message offers to choose from; nothing if it is none.

    Args:
        content: The content of a message, whoever has written it.
    """
    try:
        message = json.loads(content)
    except (ValueError, RecursionError):
        return ()
    return tuple(_titles(message))


def _titles(message: Any) -> Iterator[str]:
    for name in ("data", "content", "elements"):
        message = message.get(name) if isinstance(message, dict) else None
    for element in message if isinstance(message, list) else ():
        title = element.get("title") if isinstance(element, dict) else None
        if isinstance(title, str):
            yield title


def pick(answer: str, options: Sequence[str]) -> str | None:
    """Which option an answer means: its title, however it is written, or its number.

    Args:
        answer: What the customer has sent.
        options: The titles, as they were offered.
    """
    said = " ".join(answer.split()).casefold().rstrip(".!")
    by_title = {option.casefold(): option for option in options}
    by_number = {str(number): option for number, option in enumerate(options, 1)}
    return (by_number | by_title).get(said)
