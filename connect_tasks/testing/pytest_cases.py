"""Cases as tests of pytest: each case of a table is a test of its own."""

import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from connect_tasks.testing.case import Case
from connect_tasks.testing.case_table import read_cases
from connect_tasks.testing.rehearsing import rehearse_cases

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CheckedCase", "cases"]

_Test = TypeVar("_Test", bound=Callable[..., Any])


class CheckedCase(Case):
    """A case that can be checked."""

    __slots__ = ()

    def check(self, connect: Any, *, world: Any = None, every_line: bool = False) -> None:
        """Play it with a flow, in virtual time, and compare what came.

        A second call plays it anew.

        Args:
            connect: The flow's file, or a `LocalConnect` that was made with flow files.
            world: The world's file; that of the `LocalConnect` if None.
            every_line: Whether a line that no row expects is a difference, too.

        Raises:
            CasesFailedError: Something is otherwise than expected; an `AssertionError` that shows
                both side by side.
            InputError: The flow or the world cannot be used.
        """
        result = rehearse_cases([self], connect=connect, world=world, every_line=every_line)
        result.raise_for_failures()


def cases(
    source: "pd.DataFrame | str | os.PathLike[str]", *, argument: str = "case"
) -> Callable[[_Test], _Test]:
    """Make a test of pytest run once for each case of a table, under the case's name.

    The table is read when the tests are collected.

    Args:
        source: A table of cases, as `read_cases` takes it. A path that is not found from the
            current folder is looked for beside the test.
        argument: The name of the test's argument that gets the case.

    Raises:
        InputError: The table cannot be used; all that is wrong is said.

    Example:
        ```python
        from connect_tasks.testing import cases

        @cases("cases.csv")
        def test_the_survey(case):
            case.check("survey.json", world="survey.world.json")
        ```
    """
    import pytest

    def decorate(test: _Test) -> _Test:
        found = read_cases(_beside(source, test))
        values = [_checked(case) for case in found]
        mark = pytest.mark.parametrize(argument, values, ids=[case.name for case in found])
        decorated: _Test = mark(test)
        return decorated

    return decorate


def _checked(case: Case) -> CheckedCase:
    return CheckedCase(**{field.name: getattr(case, field.name) for field in fields(case)})


def _beside(source: Any, test: Callable[..., Any]) -> Any:
    if not isinstance(source, str | os.PathLike) or "://" in os.fspath(source):
        return source
    path = Path(source)
    there = Path(test.__code__.co_filename).parent / path
    return there if not path.exists() and there.exists() else source
