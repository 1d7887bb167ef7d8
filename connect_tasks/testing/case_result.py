"""What came of one case."""

from dataclasses import dataclass

from connect_tasks.emulator.flows.rehearsal import Rehearsed
from connect_tasks.testing.case import Case
from connect_tasks.testing.comparison import (
    WIDTH,
    Compared,
    difference,
    is_as_expected,
    side_by_side,
)

__all__ = ["CaseResult", "not_played"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One case, and what came of it.

    Attributes:
        case: The case.
        happened: What came; None if it was not played.
        compared: That beside what had to come.
    """

    case: Case
    happened: Rehearsed | None
    compared: tuple[Compared, ...]

    @property
    def passed(self) -> bool:
        """Whether all is as expected."""
        return is_as_expected(self.compared)

    @property
    def differences(self) -> int:
        """How many things are otherwise."""
        return sum(one.ok is False for one in self.compared)

    @property
    def difference(self) -> str:
        """What is otherwise, a sentence a line; empty if nothing is."""
        return difference(self.compared)

    def side_by_side(self, *, width: int = WIDTH) -> str:
        """What happened beside what was expected, with a `!` before each difference."""
        return side_by_side(self.compared, width=width)


def not_played(case: Case, why: str) -> CaseResult:
    """The result of a case that could not be played, and why."""
    told = Compared(what="problem", ok=False, why=why)
    return CaseResult(case=case, happened=None, compared=(told,))
