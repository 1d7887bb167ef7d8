"""What a function that is a table of cases answers to an event."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from connect_tasks.emulator.flows.world.world import Case, Function, FunctionAnswer

__all__ = ["RETRIES", "Reply", "reply_of"]

RETRIES = 3
"""How often a refused call is repeated within its time, as AWS documents it."""

Reply = tuple[FunctionAnswer, float]
"""The last answer, and the seconds that all tries took."""


def reply_of(
    key: str, function: Function, event: Mapping[str, Any], used: Counter[str], *, limit: float
) -> Reply:
    """What a function answers, refused calls repeated as long as there is time.

    Args:
        key: The function's ARN, by which sequences are counted.
        function: The function.
        event: What it gets.
        used: How many answers of each sequence are used up; counted on.
        limit: The seconds that there are for all tries.
    """
    seconds = 0.0
    for _ in range(1 + RETRIES):
        answer = _answer(key, function, event, used)
        seconds += answer.seconds
        if answer.fail != "throttle" or seconds >= limit:
            break
    return answer, seconds


def _answer(
    key: str, function: Function, event: Mapping[str, Any], used: Counter[str]
) -> FunctionAnswer:
    in_turn = _next(key, function.sequence, used)
    if in_turn is not None:
        return in_turn
    for number, case in enumerate(function.cases):
        if _fits(case, event):
            return _of_case(f"{key}\x1f{number}", case, used)
    return function.otherwise or FunctionAnswer(fail="error")


def _of_case(key: str, case: Case, used: Counter[str]) -> FunctionAnswer:
    in_turn = _next(key, case.sequence, used)
    if in_turn is not None:
        return in_turn
    has_own = {"returned", "fail"} & case.model_fields_set
    return case if has_own else FunctionAnswer(fail="error", seconds=case.seconds)


def _next(
    key: str, sequence: tuple[FunctionAnswer, ...], used: Counter[str]
) -> FunctionAnswer | None:
    position = used[key]
    if position >= len(sequence):
        return None
    used[key] += 1
    return sequence[position]


def _fits(case: Case, event: Mapping[str, Any]) -> bool:
    return all(_text(_at(event, path)) == _text(wanted) for path, wanted in case.when.items())


def _at(event: Mapping[str, Any], path: str) -> Any:
    value: Any = event["Details"]
    for key in path.removeprefix("$.").removeprefix("Details.").split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) or value is None else json.dumps(value)
