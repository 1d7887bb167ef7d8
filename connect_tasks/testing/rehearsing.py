"""Rehearsing: cases are played with a flow on this machine, in virtual time."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from connect_tasks.emulator.flows.exported.problems import FlowFileError
from connect_tasks.emulator.local import LocalConnect
from connect_tasks.errors import InputError
from connect_tasks.testing.case import Case
from connect_tasks.testing.case_comparison import compare_case
from connect_tasks.testing.case_result import CaseResult, not_played
from connect_tasks.testing.coverage import cover
from connect_tasks.testing.flow_under_test import FlowUnderTest
from connect_tasks.testing.result import RegressionResult

__all__ = ["flow_under_test", "is_local", "rehearse_cases"]

_NOT_PLAYED = "it cannot be played"


def is_local(connect: object) -> bool:
    """Whether cases are rehearsed there: a flow's file, or a local Amazon Connect with flows."""
    if isinstance(connect, str):
        # Anything else is the name of a saved instance.
        return connect.lower().endswith(".json") or _is_file(connect)
    return isinstance(connect, os.PathLike | LocalConnect | FlowUnderTest)


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:
        # A name that no file can have.
        return False


def flow_under_test(connect: Any, world: Any = None) -> FlowUnderTest:
    """The flow that cases are rehearsed with.

    Args:
        connect: The flow's file, or a `LocalConnect` that was made with flow files: its `flow` is
            meant, the first unless it was told.
        world: The world's file, of a flow's file.

    Raises:
        InputError: It is something else, or a file cannot be used; all that is wrong is said.
    """
    if isinstance(connect, FlowUnderTest):
        return connect
    if not is_local(connect):
        raise InputError(
            f"connect is a {type(connect).__name__}: give the path of the flow's file, or"
            " LocalConnect(flow_files=[...])."
        )
    try:
        if isinstance(connect, LocalConnect):
            return _of_local(connect, world)
        return FlowUnderTest.read(connect, world)
    except FlowFileError as error:
        lines = "\n".join(f"- {problem}" for problem in error.problems)
        raise InputError(f"The flow cannot be used:\n{lines}") from None


def rehearse_cases(
    cases: Sequence[Case],
    *,
    connect: Any,
    world: Any = None,
    every_line: bool = False,
    on_case: Callable[[int], None] = lambda _: None,
) -> RegressionResult:
    """Play cases with a flow, in virtual time, and compare what came.

    No chat is started, and nothing is called but the functions that the world names. A second
    call plays them anew, and gives the same.

    Args:
        cases: The cases.
        connect: The flow's file, or a `LocalConnect` that was made with flow files.
        world: The world's file; that of the `LocalConnect` if None.
        every_line: Whether a line that no row expects is a difference, too.
        on_case: Called after each case, with how many are done.

    Raises:
        InputError: The flow or the world cannot be used; all that is wrong is said.

    Example:
        ```python
        from connect_tasks.testing import read_cases, rehearse_cases

        cases = read_cases("cases.csv")
        result = rehearse_cases(cases, connect="survey.json", world="survey.world.json")
        result.raise_for_failures()
        ```
    """
    flow = flow_under_test(connect, world)
    results = []
    for number, case in enumerate(cases, 1):
        results.append(_rehearsed(flow, case, every_line=every_line))
        on_case(number)
    happened = [one.happened for one in results if one.happened is not None]
    told = [*flow.warnings(), *(warning for one in happened for warning in one.warnings)]
    return RegressionResult(
        flow.flow.name,
        results,
        coverage=cover(flow.flows, [one.trace for one in happened]),
        warnings=list(dict.fromkeys(told)),
    )


def _of_local(local: LocalConnect, world: Any) -> FlowUnderTest:
    if world is not None:
        raise InputError("world is only for a flow's file: the LocalConnect has its own.")
    if local.flow not in local.exported:
        raise InputError(
            f"The flow {local.flow!r} is a script of this package, and cannot be rehearsed: make"
            " the LocalConnect with flow_files=[...], or give connect the flow's file."
        )
    return FlowUnderTest(local.exported[local.flow], local.world, local.world_file)


def _rehearsed(flow: FlowUnderTest, case: Case, *, every_line: bool) -> CaseResult:
    try:
        happened = flow.play(case.script)
    except FlowFileError as error:
        return not_played(case, f"{_NOT_PLAYED}: {'; '.join(map(str, error.problems))}")
    # Whatever stands in a flow, the other cases are played.
    except Exception as error:  # noqa: BLE001
        return not_played(case, f"{_NOT_PLAYED}: {type(error).__name__}: {error}")
    return CaseResult(
        case=case, happened=happened, compared=compare_case(case, happened, every_line=every_line)
    )
