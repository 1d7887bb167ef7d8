"""Playing expected files: every conversation of a file, and what came of each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connect_tasks.emulator.flows.exported.problems import FlowFileError
from connect_tasks.emulator.flows.rehearsal import Rehearsed
from connect_tasks.testing.comparison import Compared, is_as_expected
from connect_tasks.testing.expected_comparison import compare
from connect_tasks.testing.expected_file import ExpectedConversation, ExpectedFile
from connect_tasks.testing.flow_under_test import FlowUnderTest

__all__ = ["PlayedConversation", "play_file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedConversation:
    """One conversation of a file, as it happened.

    Attributes:
        name: What people call it.
        happened: What came; None if it could not be played.
        compared: That beside what had to come.
        problems: Why it could not be played.
    """

    name: str
    happened: Rehearsed | None = None
    compared: tuple[Compared, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all is as expected."""
        return not self.problems and is_as_expected(self.compared)

    def record(self) -> dict[str, Any]:
        """As JSON: what happened, in the form of an expected file."""
        happened = self.happened
        if happened is None:
            return {"name": self.name, "lines": [], "end": {}, "attributesAfter": {}}
        return {
            "name": self.name,
            "lines": [[line.speaker, line.text] for line in happened.lines],
            "end": dict(happened.end),
            "attributesAfter": dict(happened.attributes),
        }


def play_file(
    file: ExpectedFile, *, on_warnings: Callable[[Sequence[str]], None] = lambda _: None
) -> Iterator[PlayedConversation]:
    """Play every conversation of a file, one after the other, in virtual time.

    Args:
        file: A file that can be used as a whole.
        on_warnings: Called before the first, with what is no error and may yet be otherwise than
            meant, as what the world lacks.

    Raises:
        FlowFileError: Its flow or its world cannot be used; raised before the first.
    """
    if file.flow is None:
        raise ValueError("a file that names no flow cannot be played")
    flow = FlowUnderTest.read(file.flow, file.world)
    on_warnings(flow.warnings())
    for conversation in file.conversations:
        yield _played(file, flow, conversation)


def _played(
    file: ExpectedFile, flow: FlowUnderTest, conversation: ExpectedConversation
) -> PlayedConversation:
    name, place = conversation.name, f"{file.path}: {conversation.name!r}"
    if conversation.problems:
        return PlayedConversation(name=name, problems=conversation.problems)
    try:
        happened = flow.play(conversation.script)
    except FlowFileError as error:
        told = tuple(f"{place}: {problem}" for problem in error.problems)
        return PlayedConversation(name=name, problems=told)
    except ValueError as error:
        return PlayedConversation(name=name, problems=(f"{place}: {error}",))
    # Whatever stands in a file, the other conversations are played.
    except Exception as error:  # noqa: BLE001
        problem = f"{place}: it cannot be played: {type(error).__name__}: {error}"
        return PlayedConversation(name=name, problems=(problem,))
    happened = _without_views(happened, conversation)
    return PlayedConversation(
        name=name, happened=happened, compared=compare(conversation, happened)
    )


def _without_views(happened: Rehearsed, conversation: ExpectedConversation) -> Rehearsed:
    """Lines are what is said: a view is one only where a file expects it."""
    expected = {text for _, text in conversation.lines or ()}
    lines = (line for line in happened.lines if not line.is_view or line.text in expected)
    return replace(happened, lines=tuple(lines))
