"""From method and path of a request to its operation, by botocore's model of both services."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

from connect_tasks.emulator.model.operations import OPERATIONS, OWNERS
from connect_tasks.emulator.model.validation import service_model

__all__ = ["Destination", "find_route"]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request wants to go.

    Attributes:
        operation: Name of the operation.
        params: The members that travel in the path, decoded.
    """

    operation: str
    params: Mapping[str, str]

    @property
    def is_served(self) -> bool:
        """Whether the local Amazon Connect answers this operation."""
        return self.operation in OWNERS


def find_route(method: str, raw_path: str) -> Destination | None:
    """The operation that a request asks for, also one that is not served.

    A member of the path may hold what it likes, percent-encoded: an ARN has slashes.

    Args:
        method: The HTTP method.
        raw_path: The path as it was sent, without its query.
    """
    segments = raw_path.split("/")
    candidates = _templates().get((method, len(segments)), ())
    for operation, template in candidates:
        if all(part in (sent, None) for part, sent in zip(template.parts, segments, strict=True)):
            return Destination(operation, template.read(segments))
    return None


@dataclass(frozen=True, slots=True)
class _Template:
    """A path of the model: its fixed parts, None where a member stands, and the members' names."""

    parts: tuple[str | None, ...]
    members: tuple[tuple[int, str], ...]

    def read(self, segments: list[str]) -> dict[str, str]:
        return {name: unquote(segments[index]) for index, name in self.members}


@cache
def _templates() -> Mapping[tuple[str, int], list[tuple[str, _Template]]]:
    found: dict[tuple[str, int], list[tuple[str, _Template]]] = {}
    for operation, method, path in _paths():
        template = _template(path)
        found.setdefault((method, len(template.parts)), []).append((operation, template))
    for candidates in found.values():
        # What is served comes first, and what is fixed before what is a member.
        candidates.sort(key=lambda found: (found[0] not in OWNERS, len(found[1].members)))
    return found


def _paths() -> Iterator[tuple[str, str, str]]:
    for service in OPERATIONS:
        model = service_model(service)
        for operation in model.operation_names:
            http = model.operation_model(operation).http
            yield operation, http["method"], http["requestUri"].partition("?")[0]


def _template(path: str) -> _Template:
    parts = path.split("/")
    names = [
        (index, part.strip("{}+"))
        for index, part in enumerate(parts)
        if part.startswith("{") and part.endswith("}")
    ]
    members = dict(names)
    fixed = tuple(None if index in members else part for index, part in enumerate(parts))
    return _Template(fixed, tuple(names))
