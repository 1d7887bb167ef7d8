"""Reads a world file: what stands around a flow, with the flows and bots that it names.

Flows refer to each other by ARN only, so every file is read once, also where they go in circles.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from connect_tasks.emulator.flows.exported.document import Flow
from connect_tasks.emulator.flows.exported.forms import read_flow
from connect_tasks.emulator.flows.exported.problems import (
    FlowFileError,
    Problem,
    kind_of,
    nearest,
    shown,
)
from connect_tasks.emulator.flows.world.assumptions import Assumptions
from connect_tasks.emulator.flows.world.bot import Bot
from connect_tasks.emulator.flows.world.documents import read_bot, read_document, shallow
from connect_tasks.emulator.flows.world.faults import faults_of, names_of
from connect_tasks.emulator.flows.world.merge_patch import merged
from connect_tasks.emulator.flows.world.opening_hours import OpeningHours
from connect_tasks.emulator.flows.world.stubs import definitions_in, fault_of, located
from connect_tasks.emulator.flows.world.world import Function, Queue, World

__all__ = ["Reader", "read_together", "read_world"]

_Value = TypeVar("_Value")
_Model = TypeVar("_Model", bound=BaseModel)
_Stamp = tuple[int, int]

_OF_MODELS: Mapping[str, type[BaseModel]] = {"queues": Queue, "hours": OpeningHours}


def read_world(path: Path | None, *, patch: Mapping[str, Any] | None = None) -> World:
    """Read what stands around a flow.

    Args:
        path: The world file, JSON or TOML; nothing stands around the flow if None.
        patch: What to change of it, as a JSON merge patch (RFC 7396): members replaced, and those
            that are None removed.

    Raises:
        FlowFileError: Something in it, or in a file that it names, cannot be used; the problems
            say all of it.

    Example:
        ```python
        world = read_world(Path("survey.world.toml"), patch={"hours": None})
        ```
    """
    return Reader().world(path, patch=patch)


def read_together(
    files: Iterable[Path], world: Path | None, *, reader: "Reader | None" = None
) -> tuple[list[Flow], World]:
    """Read flows and what stands around them; what is wrong with any of it is said at once.

    Args:
        files: The files of the flows.
        world: The world file; nothing stands around the flows if None.
        reader: Reads them; for whoever reads on.

    Raises:
        FlowFileError: A file cannot be used.
    """
    reader = reader or Reader()
    problems: list[Problem] = []
    flows = [_tried(partial(reader.flow, file), problems) for file in files]
    around = _tried(partial(reader.world, world), problems)
    if around is None or problems:
        raise FlowFileError(problems)
    return [flow for flow in flows if flow is not None], around


def _tried(read: Callable[[], _Value], problems: list[Problem]) -> _Value | None:
    try:
        return read()
    except FlowFileError as error:
        problems.extend(error.problems)
        return None


class Reader:
    """Reads worlds and flows, and parses each file once until it changes.

    For whoever reads the same files again and again, each time with another patch. Not for several
    threads at once.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, Path], tuple[_Stamp, Any]] = {}

    def flow(self, path: Path) -> Flow:
        """Read a flow.

        Args:
            path: Its file.

        Raises:
            FlowFileError: It is no flow that could run.
        """
        return self._once("flow", path, read_flow)

    def world(self, path: Path | None, *, patch: Mapping[str, Any] | None = None) -> World:
        """Read a world, as `read_world` does.

        Args:
            path: The world file.
            patch: What to change of it.

        Raises:
            FlowFileError: Something in it, or in a file that it names, cannot be used.
        """
        document = {} if path is None else self._once("world", path, read_document)
        changed = merged(document, shallow(patch, str(path or "world"))) if patch else document
        folder = Path() if path is None else path.parent
        return _WorldReading(str(path or "world"), folder, self).read(changed)

    def bot(self, path: Path) -> Bot:
        """Read a bot.

        Args:
            path: Its file, JSON or TOML.

        Raises:
            FlowFileError: It is no bot.
        """
        return self._once("bot", path, read_bot)

    def check_function(self, path: Path, name: str) -> str | None:
        """Why a function cannot be called; None if it seems it can. Its code is not run.

        Args:
            path: Its file.
            name: Its name there.

        Raises:
            FlowFileError: The file cannot be read.
            ValueError: It is no Python.
        """
        return fault_of(self._once("python", path, definitions_in), name, path.name)

    def _once(self, kind: str, path: Path, read: Callable[[Path], _Value]) -> _Value:
        stamp = _stamp(path)
        kept = self._kept.get((kind, path))
        if kept is not None and stamp is not None and kept[0] == stamp:
            value: _Value = kept[1]
            return value
        value = read(path)
        if stamp is not None:
            self._kept[kind, path] = (stamp, value)
        return value


@dataclass
class _WorldReading:
    """One world being read; what is wrong is collected."""

    file: str
    folder: Path
    reader: Reader

    def __post_init__(self) -> None:
        self._problems: list[Problem] = []

    def read(self, document: Any) -> World:
        members = dict(self._members(document))
        if self._problems:
            raise FlowFileError(self._problems)
        return World(**members)

    def _members(self, document: Any) -> Iterator[tuple[str, Any]]:
        known = names_of(World)
        for name, value in self._entries("", document):
            if name in ("flows", "modules"):
                yield name, dict(self._files(name, value, self._flow))
            elif name == "bots":
                yield name, dict(self._files(name, value, self._bot))
            elif name == "lambdas":
                yield name, dict(self._functions(name, value))
            elif name in _OF_MODELS:
                yield name, dict(self._models(name, value, _OF_MODELS[name]))
            elif name == "assumptions":
                yield name, self._model(name, value, Assumptions)
            else:
                self._say(name, f"there is no such member; {nearest(name, known)}")

    def _entries(self, path: str, value: Any) -> Iterator[tuple[str, Any]]:
        if not isinstance(value, Mapping):
            self._say(path, f"must be an object, not {kind_of(value)}.")
            return
        for name, entry in value.items():
            if not name:
                self._say(path, "has a member without a name; name it by its ARN.")
            yield str(name), entry

    def _files(
        self, path: str, value: Any, read: Callable[[str, Path], Any]
    ) -> Iterator[tuple[str, Any]]:
        for arn, name in self._entries(path, value):
            if not isinstance(name, str) or not name:
                self._say(f"{path}.{arn}", f"must be the name of a file, not {shown(name)}.")
                continue
            try:
                yield arn, read(arn, self.folder / name)
            except FlowFileError as error:
                self._tell(f"{path}.{arn}", self.folder / name, error)

    def _flow(self, arn: str, path: Path) -> Flow:
        flow = self.reader.flow(path)
        return flow if flow.arn else replace(flow, arn=arn)

    def _bot(self, _arn: str, path: Path) -> Bot:
        return self.reader.bot(path)

    def _models(
        self, path: str, value: Any, model: type[BaseModel]
    ) -> Iterator[tuple[str, BaseModel]]:
        for arn, entry in self._entries(path, value):
            read = self._model(f"{path}.{arn}", entry, model)
            if read is not None:
                yield arn, read

    def _functions(self, path: str, value: Any) -> Iterator[tuple[str, Function]]:
        for arn, entry in self._entries(path, value):
            function = self._model(f"{path}.{arn}", entry, Function)
            if function is not None and function.python is not None:
                function = self._python(f"{path}.{arn}", function, function.python)
            if function is not None:
                yield arn, function

    def _python(self, path: str, function: Function, written: str) -> Function | None:
        try:
            file, name = located(written, self.folder)
            fault = self.reader.check_function(file, name)
        except FlowFileError as error:
            self._tell(path, self.folder / written.rpartition(":")[0], error)
            return None
        except ValueError as error:
            fault = str(error)
        if fault is not None:
            self._say(path, fault)
            return None
        return function.model_copy(update={"python": f"{file}:{name}"})

    def _model(self, path: str, value: Any, model: type[_Model]) -> _Model | None:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for inner, text in faults_of(error, model):
                joint = "." if inner and not inner.startswith("[") else ""
                self._say(f"{path}{joint}{inner}", text)
            return None

    def _tell(self, path: str, file: Path, error: FlowFileError) -> None:
        """Say what is wrong with a file; where it is not there, at the place that names it."""
        if isinstance(error.__cause__, FileNotFoundError):
            self._say(path, f"there is no file {file}; paths are relative to the world file.")
        else:
            self._problems.extend(error.problems)

    def _say(self, path: str, text: str) -> None:
        self._problems.append(Problem(self.file, path, text))


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size
