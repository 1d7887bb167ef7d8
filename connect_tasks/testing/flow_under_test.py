"""The flow under test: a flow and its world, in which conversations are rehearsed."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Self

from connect_tasks.emulator.flows.checking.check import check
from connect_tasks.emulator.flows.exported.document import Flow
from connect_tasks.emulator.flows.python_functions import PythonFunctions
from connect_tasks.emulator.flows.rehearsal import Rehearsed, rehearse
from connect_tasks.emulator.flows.world.reading import Reader, read_together
from connect_tasks.emulator.flows.world.world import World
from connect_tasks.testing.script import Script

__all__ = ["FlowUnderTest"]


class FlowUnderTest:
    """A flow and what stands around it, read once for many conversations.

    Args:
        flow: The flow.
        world: What stands around it.
        world_file: Where that was read from, for conversations that change something of it.
        reader: Has read it.

    Attributes:
        flow: The flow.
        world: What stands around it; no flow or module there is called like another.
    """

    def __init__(
        self,
        flow: Flow,
        world: World,
        world_file: Path | None = None,
        *,
        reader: Reader | None = None,
    ) -> None:
        self._names = _Names()
        self.flow = self._names.own(flow)
        self.world = self._names.world(world)
        self._world_file = world_file
        self._reader = reader or Reader()
        self._functions = PythonFunctions()

    @classmethod
    def read(
        cls, flow: "str | os.PathLike[str]", world: "str | os.PathLike[str] | None" = None
    ) -> Self:
        """Read it from its files.

        Args:
            flow: The flow's file, as it is exported.
            world: The world's file; nothing stands around the flow if None.

        Raises:
            FlowFileError: A file cannot be used; all that is wrong is said.
        """
        reader = Reader()
        world_file = None if world is None else Path(world)
        (read,), around = read_together([Path(flow)], world_file, reader=reader)
        return cls(read, around, world_file, reader=reader)

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The flow, and all flows and modules that it may lead to, each once."""
        by_name: dict[str, Flow] = {}
        for flow in (self.flow, *self.world.flows.values(), *self.world.modules.values()):
            by_name.setdefault(flow.name, flow)
        return tuple(by_name.values())

    def play(self, script: Script) -> Rehearsed:
        """Play one conversation in virtual time.

        Args:
            script: What the customer does.

        Raises:
            FlowFileError: The world, changed as the script says, cannot be used.
            ValueError: The customer does something that nobody can do.
        """
        return rehearse(
            self.flow,
            self._world_of(script.world_patch),
            display_name=script.display_name,
            attributes=script.attributes,
            initial_message=script.initial_message,
            now=script.now,
            draws=script.draws,
            customer=script.customer,
            functions=self._functions,
        )

    def warnings(self) -> tuple[str, ...]:
        """What is no error and may yet be otherwise than meant, as what the world lacks."""
        return tuple(str(problem) for problem in check(self.flow, self.world))

    def _world_of(self, patch: Mapping[str, Any] | None) -> World:
        if not patch:
            return self.world
        changed = self._names.world(self._reader.world(self._world_file, patch=patch))
        if "flows" in patch:
            return changed
        # A local Amazon Connect has more flows than its world's file names.
        return changed.model_copy(update={"flows": {**self.world.flows, **changed.flows}})


class _Names:
    """Gives each flow a name of its own: a module, too, may be called like a flow.

    What is counted of flows and shown of them goes by their names.
    """

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], str] = {}

    def world(self, world: World) -> World:
        """The world, each of its flows and modules under its own name."""
        tables = {"flows": world.flows, "modules": world.modules}
        return world.model_copy(
            update={
                member: {arn: self.own(flow) for arn, flow in table.items()}
                for member, table in tables.items()
            }
        )

    def own(self, flow: Flow) -> Flow:
        """The flow under its own name: the same again whenever it is read."""
        document = (flow.name, flow.content)
        if document not in self._given:
            taken = set(self._given.values())
            self._given[document] = next(n for n in _candidates(flow) if n not in taken)
        name = self._given[document]
        return flow if name == flow.name else replace(flow, name=name)


def _candidates(flow: Flow) -> Iterator[str]:
    yield flow.name
    yield f"{flow.name} ({Path(flow.file).name})"
    yield from (f"{flow.name} ({number})" for number in count(2))
