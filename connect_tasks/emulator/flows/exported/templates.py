"""Finds what Terraform, CDK and others leave in a flow that was never deployed."""

import re
from collections.abc import Iterator
from typing import Any

from connect_tasks.emulator.flows.exported.members import names_in, values_in
from connect_tasks.emulator.flows.exported.problems import Problem, shown

__all__ = ["template_in_document", "template_in_text"]

_PLACEHOLDER = re.compile(r"\$\{[^}\n]+\}|\{\{[^{}\n]+\}\}")
_LONGEST = 200
_ADVICE = (
    "This is a template. Take the flow as it is deployed: export it in the flow designer, or fetch"
    " it with `aws connect describe-contact-flow`."
)


def template_in_text(text: str, file: str) -> Problem | None:
    """What to say of a text that is no JSON because of a placeholder; None if it has none."""
    found = _PLACEHOLDER.search(text)
    if found is None:
        return None
    line = text.count("\n", 0, found.start()) + 1
    return Problem(file, "", f"line {line} has the placeholder {_named(found[0])}. {_ADVICE}")


def template_in_document(document: dict[str, Any], text: str, file: str) -> Problem | None:
    """What to say of a flow with a placeholder in what it does; None if it has none.

    Args:
        document: The flow's document.
        text: The text that it was read from.
        file: Where that is from.
    """
    # The walk is slow where there is much to walk through.
    found = list(_placeholders(document)) if "${" in text or "{{" in text else []
    if not found:
        return None
    identifier, path, placeholder = found[0]
    count = f", the first of {len(found)}" if len(found) > 1 else ""
    return Problem(
        file, identifier, f"{path} has the placeholder {_named(placeholder)}{count}. {_ADVICE}"
    )


def _named(placeholder: str) -> str:
    return shown(placeholder, longest=_LONGEST)


def _placeholders(document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Identifier, path and text of each."""
    for path, text in _texts({"StartAction": document.get("StartAction")}):
        yield from (("", path, found) for found in _PLACEHOLDER.findall(text))
    actions = document.get("Actions")
    for number, action in enumerate(actions if isinstance(actions, list) else []):
        name = action.get("Identifier") if isinstance(action, dict) else None
        identifier = name if isinstance(name, str) and name else f"Actions[{number}]"
        for path, text in _texts(action):
            yield from ((identifier, path, found) for found in _PLACEHOLDER.findall(text))


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    yield from ((path, text) for path, text in values_in(value) if isinstance(text, str))
    yield from names_in(value)
