"""What a bot can say: a text, or an interactive message within Amazon's bounds."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator

from connect_tasks.emulator.flows.exported.problems import kind_of, nearest, shown

__all__ = ["Said"]

_MOST: Mapping[str, tuple[str, int | None]] = {
    "Carousel": ("elements", None),
    "ListPicker": ("elements", 6),
    "Panel": ("elements", None),
    "QuickReply": ("elements", None),
    "TimePicker": ("timeslots", 20),
}
"""Where each template has what can be chosen, and how many of them there may be."""


def _check(given: Any) -> Any:
    if isinstance(given, str):
        return given
    if not isinstance(given, Mapping):
        raise ValueError(f"must be a text or an interactive message, not {kind_of(given)}")  # noqa: TRY004
    template = given.get("templateType")
    if not isinstance(template, str) or template not in _MOST:
        raise ValueError(
            f"an interactive message has no templateType {shown(template)};"
            f" {nearest(str(template), _MOST)}"
        )
    for name in ("version", "data"):
        if name not in given:
            raise ValueError(f"an interactive message needs the member {name}")
    _check_length(template, given["data"])
    return given


def _check_length(template: str, data: Any) -> None:
    member, most = _MOST[template]
    content = data.get("content") if isinstance(data, Mapping) else None
    entries = content.get(member) if isinstance(content, Mapping) else None
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"a {template} needs a list data.content.{member}")
    if most is not None and len(entries) > most:
        raise ValueError(f"a {template} has at most {most} {member}, not {len(entries)}")


Said = Annotated[str | dict[str, Any], BeforeValidator(_check)]
"""A text, or the JSON of an interactive message (`templateType`, `version`, `data`)."""
