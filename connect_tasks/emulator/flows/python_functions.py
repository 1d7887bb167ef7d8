"""Functions of flows that are written in Python: a user's code, run only when a flow invokes it.

It runs in a thread of its own that nobody waits for longer than the flow does: what raises, hangs
or returns nonsense is a failed call, and nothing else.
"""

import importlib.util
import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from traceback import walk_tb
from types import FrameType, ModuleType, SimpleNamespace
from typing import Any

from connect_tasks.emulator.flows.steps import Invoke
from connect_tasks.emulator.flows.world.world import FunctionAnswer

__all__ = ["CallsOnce", "PythonFunctions"]

_log = logging.getLogger(__name__)
_FAILED = FunctionAnswer(fail="error")


class PythonFunctions:
    """The Python functions of one world; each file is loaded once, at its first call.

    A file that cannot be loaded is tried again at the next call.

    Args:
        clock: The seconds that a call takes are measured by it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._modules: dict[Path, ModuleType] = {}
        self._locks: dict[Path, threading.Lock] = {}

    def call(self, step: Invoke) -> FunctionAnswer | None:
        """Call a function, and wait for its answer as long as the flow does; None if too long."""
        answers: list[FunctionAnswer] = []
        thread = self.begin(step, answers.append)
        thread.join(step.seconds)
        return answers[0] if answers else None

    def begin(self, step: Invoke, done: Callable[[FunctionAnswer], None]) -> threading.Thread:
        """Call a function in a thread of its own.

        Args:
            step: The call.
            done: Told of the answer, in that thread; never, if the function never ends.
        """
        thread = threading.Thread(target=lambda: done(self._answer(step)), daemon=True)
        thread.start()
        return thread

    def _answer(self, step: Invoke) -> FunctionAnswer:
        file, _, name = step.function.rpartition(":")
        try:
            function = getattr(self._module(Path(file), step.seconds), name)
            returned = function(_through_json(step.event), _context(name, step))
            return FunctionAnswer.model_validate({"return": _through_json(returned)})
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the function's failure
            _tell(name, Path(file), error)
            return _FAILED

    def _module(self, file: Path, seconds: float) -> ModuleType:
        if file in self._modules:
            return self._modules[file]
        lock = self._locks.setdefault(file, threading.Lock())
        # Whoever loads it may never be done, and nobody hears a call whose time is over.
        if not lock.acquire(timeout=seconds):
            raise TimeoutError(f"{file.name} is still being loaded")
        try:
            if file not in self._modules:
                self._modules[file] = _load(file)
            return self._modules[file]
        finally:
            lock.release()


class CallsOnce:
    """The calls of one conversation: each is made once, however often it is played.

    Args:
        functions: Makes them.
    """

    def __init__(self, functions: PythonFunctions) -> None:
        self._functions = functions
        self._made: dict[tuple[int, str, str], tuple[FunctionAnswer | None, float]] = {}

    def call(self, step: Invoke) -> tuple[FunctionAnswer | None, float]:
        """The answer, None if it took too long, and the seconds that it took.

        A second call of the same number, function and event gives the same, and calls nobody.
        """
        event = json.dumps(step.event, sort_keys=True, default=repr)
        key = (step.number, step.function, event)
        if key not in self._made:
            began = self._functions.clock()
            answer = self._functions.call(step)
            self._made[key] = answer, self._functions.clock() - began
        return self._made[key]


def _tell(name: str, file: Path, error: BaseException) -> None:
    """Log a failure by its kind and its line: what it says can hold a customer's data."""
    lines = [at for frame, at in walk_tb(error.__traceback__) if _is_in(frame, file)]
    place = f"{file.name}, line {lines[-1]}" if lines else file.name
    _log.warning("The function %s of %s failed: %s", name, place, type(error).__name__)


def _is_in(frame: FrameType, file: Path) -> bool:
    return frame.f_code.co_filename == str(file)


def _through_json(value: Any) -> Any:
    """A value as it arrives on the other side of Lambda; what is no JSON raises."""
    return json.loads(json.dumps(value, allow_nan=False))


def _load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"flow_functions_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file.name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _context(name: str, step: Invoke) -> Any:
    """The little of Lambda's context that functions ask for."""
    return SimpleNamespace(
        function_name=name,
        aws_request_id=f"local-{step.number}",
        get_remaining_time_in_millis=lambda: int(step.seconds * 1000),
    )
