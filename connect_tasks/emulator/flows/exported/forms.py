"""Reads a contact flow from a file, in whatever form people come by one.

- The console's export, and the `Content` that DescribeContactFlow gives: the document itself.
- The same as one JSON text, as `--query ContactFlow.Content` prints it.
- The whole answer of DescribeContactFlow or DescribeContactFlowModule: it is unwrapped, and says
  name, type and ARN.
- A template with placeholders, and the old export: refused, with what to do instead.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connect_tasks.emulator.flows.exported.document import Flow
from connect_tasks.emulator.flows.exported.files import parse_json, read_text
from connect_tasks.emulator.flows.exported.problems import FlowFileError, Problem, kind_of
from connect_tasks.emulator.flows.exported.structure import read_structure
from connect_tasks.emulator.flows.exported.templates import template_in_document, template_in_text

__all__ = ["read_flow"]

_ANSWERS = ("ContactFlow", "ContactFlowModule")
_LEGACY = (
    "This is the old export format ('modules'). Import it into the flow designer and export it"
    " again, or fetch it with `aws connect describe-contact-flow --instance-id ID"
    " --contact-flow-id ID --query ContactFlow.Content --output text`."
)
_OTHERS: Mapping[str, str] = {
    "conversations": "This is a file of expected conversations; the flow is what its 'flow' names.",
    "intents": "This is the file of a bot; name it under 'bots' in the world file.",
    "Resources": "This is a CloudFormation template; take the Content of its flow.",
    "ContactFlowSummaryList": (
        "This is a list of flows; fetch one of them with `aws connect describe-contact-flow`."
    ),
}
_WORLD = frozenset({"bots", "flows", "hours", "lambdas", "modules", "queues"})


@dataclass(frozen=True)
class _Unwrapped:
    """A document, its text, and what came with it."""

    document: Any
    content: str
    envelope: Mapping[str, Any] = field(default_factory=dict)


def read_flow(path: Path) -> Flow:
    """Read a contact flow, or a module of flows.

    Args:
        path: Its file, of at most 10 MB.

    Raises:
        FlowFileError: It is no flow that could run; the problems say all that is wrong.

    Example:
        ```python
        flow = read_flow(Path("survey.json"))
        print(flow.name, len(flow.actions))
        ```
    """
    file, text = str(path), read_text(path)
    unwrapped = _unwrap(_parse(text, file), text, file)
    document = _flow_document(unwrapped, file)
    structure = read_structure(document, file)
    if structure.problems:
        raise FlowFileError(structure.problems)
    given = document.get("Metadata")
    metadata = given if isinstance(given, dict) else {}
    return Flow(
        name=_first_text(unwrapped.envelope.get("Name"), metadata.get("name"), path.stem),
        start=structure.start,
        actions=structure.actions,
        content=unwrapped.content,
        type=_type(unwrapped.envelope, metadata),
        arn=_first_text(unwrapped.envelope.get("Arn"), unwrapped.envelope.get("Id")),
        file=file,
        metadata=metadata,
    )


def _parse(text: str, file: str) -> Any:
    try:
        return parse_json(text, file)
    except FlowFileError as error:
        template = template_in_text(text, file)
        raise FlowFileError([template] if template else error.problems) from error


def _unwrap(given: Any, text: str, file: str) -> _Unwrapped:
    """Take the document out of what it came in; every layer is smaller than the one around it."""
    envelope: Mapping[str, Any] = {}
    while True:
        if isinstance(given, str):
            given, text = parse_json(given, file, within="its text"), given
            continue
        inner = _answer(given)
        if inner is None:
            return _Unwrapped(given, text, envelope)
        envelope = {**envelope, **inner}
        given = _content(inner, file)
        if not isinstance(given, str):
            return _Unwrapped(given, _as_text(given), envelope)


def _answer(given: Any) -> Mapping[str, Any] | None:
    """The description within an answer of the API; None if it is no answer."""
    if not isinstance(given, dict) or "Actions" in given:
        return None
    for name in _ANSWERS:
        if isinstance(given.get(name), dict):
            return dict(given[name])
    return given if "Content" in given else None


def _content(answer: Mapping[str, Any], file: str) -> Any:
    content = answer.get("Content")
    if isinstance(content, dict) or (isinstance(content, str) and content.strip()):
        return content
    wrong = "is missing" if content is None else "is empty" if content == "" else None
    text = f"Content {wrong or f'must be a text, not {kind_of(content)}'}."
    raise FlowFileError([Problem(file, "ContactFlow", text)])


def _as_text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)


def _flow_document(unwrapped: _Unwrapped, file: str) -> dict[str, Any]:
    """The document, if it is one of a flow as it is deployed."""
    document = unwrapped.document
    if not isinstance(document, dict):
        raise _refusal(file, f"A flow is a JSON object, not {kind_of(document)}.")
    other = _other_file(document)
    if other is not None:
        raise _refusal(file, other)
    template = template_in_document(document, unwrapped.content, file)
    if template is not None:
        raise FlowFileError([template])
    return document


def _other_file(document: dict[str, Any]) -> str | None:
    """What to say of a file that is something else than a flow; None if it may be one."""
    if "Actions" in document:
        return None
    if isinstance(document.get("modules"), list):
        return _LEGACY
    for name, text in _OTHERS.items():
        if name in document:
            return text
    is_world = bool(document) and document.keys() <= _WORLD
    return "This is a world file; hand it over as the world, not as the flow." if is_world else None


def _first_text(*candidates: Any) -> str:
    return next((text for text in candidates if isinstance(text, str) and text.strip()), "")


def _type(envelope: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    """The type as the console has it; the API writes `CUSTOMER_QUEUE` for `customerQueue`."""
    given = _first_text(envelope.get("Type"), metadata.get("type"))
    if not re.fullmatch("[A-Z_]+", given):
        return given
    return re.sub("_([a-z])", lambda found: found[1].upper(), given.lower())


def _refusal(file: str, text: str) -> FlowFileError:
    return FlowFileError([Problem(file, "", text)])
