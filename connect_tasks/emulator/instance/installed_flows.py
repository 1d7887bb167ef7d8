"""The flows of an instance: those that are scripted here, and those that were exported."""

import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from connect_tasks.emulator.flows.chance import chance
from connect_tasks.emulator.flows.exported.document import Flow
from connect_tasks.emulator.flows.run.contact import Contact
from connect_tasks.emulator.flows.run.flow_run import FlowRun
from connect_tasks.emulator.flows.scripted_run import ScriptedRun
from connect_tasks.emulator.flows.scripts import FLOWS
from connect_tasks.emulator.flows.world.world import World
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.identity import REGION, instance_arn

__all__ = ["InstalledFlows"]


class InstalledFlows:
    """Every flow that a contact can start with, by its name.

    An exported flow that knows its ARN keeps its id; the others get one that follows from their
    name. All of them can be transferred to.

    Args:
        instance_id: The instance's id.
        files: Flows that were exported.
        world: What stands around them; its flows can be started, too.

    Attributes:
        ids: The id of each flow, by its name.
        exported: The exported flows, by their names.
        world: What stands around them, with all flows by their ARN here.

    Raises:
        ValueError: Two flows have the same name.
    """

    def __init__(
        self, instance_id: str, *, files: Iterable[Flow] = (), world: World | None = None
    ) -> None:
        given = world or World()
        self.exported: dict[str, Flow] = dict(_by_name([*files], given))
        names = [*FLOWS, *self.exported]
        self.ids: dict[str, str] = {name: self._id_of(instance_id, name) for name in names}
        self._names = {flow_id: name for name, flow_id in self.ids.items()}
        self._instance_arn = instance_arn(instance_id)
        self._prefix = f"{self._instance_arn}/contact-flow/"
        here = {self.arn_of(name): flow for name, flow in self.exported.items()}
        self.world = given.model_copy(update={"flows": {**here, **given.flows}})

    def arn_of(self, name: str) -> str:
        """The ARN of a flow here."""
        return f"{self._prefix}{self.ids[name]}"

    def name_of(self, id_or_arn: str) -> str | None:
        """The name of a flow; None if it is not here."""
        return self._names.get(id_or_arn.removeprefix(self._prefix))

    def begin(
        self, chat: Chat, *, now: datetime, patience: float | None, draw_from: str
    ) -> FlowRun | ScriptedRun:
        """Put a chat's flow to work.

        Args:
            chat: The chat.
            now: The time.
            patience: How long a scripted flow waits for an answer; for ever if None.
            draw_from: What draws of an exported flow follow from.
        """
        flow = self.exported.get(chat.flow)
        if flow is None:
            return ScriptedRun(FLOWS[chat.flow](chat.caller), patience)
        run = FlowRun(flow, self.world, self._contact(chat), draw=chance(draw_from), now=now)
        chat.trace = run.trace
        return run

    def _contact(self, chat: Chat) -> Contact:
        request = chat.request
        message = request.get("InitialMessage") or {}
        types = request.get("SupportedMessagingContentTypes")
        return Contact(
            contact_id=chat.contact_id,
            initial_contact_id=chat.initial_contact_id,
            attributes=chat.attributes,
            customer_id=chat.customer_id,
            customer_endpoint=request.get("DestinationEndpoint"),
            system_endpoint=request.get("SourceEndpoint"),
            initial_message=message.get("Content"),
            segment_attributes=request.get("SegmentAttributes") or {},
            content_types=tuple(types) if types else None,
            instance_arn=self._instance_arn,
            region=REGION,
            has_related=chat.related_id is not None,
        )

    def _id_of(self, instance_id: str, name: str) -> str:
        flow = self.exported.get(name)
        own = flow.arn.rpartition("/")[2] if flow else ""
        return own or str(uuid.uuid5(uuid.UUID(instance_id), f"contact-flow/{name}"))


def _by_name(files: list[Flow], world: World) -> Iterator[tuple[str, Flow]]:
    """Each flow once; a name is given to one only."""
    seen: dict[str, Flow] = {}
    for flow in [*files, *_with_arns(world)]:
        known = seen.get(flow.name)
        if known is not None and _is_same_file(known.file, flow.file):
            continue
        if known is not None or flow.name in FLOWS:
            other = known.file if known else "a scripted flow"
            raise ValueError(
                f"{flow.file}: the name {flow.name!r} is taken by {other}; rename one."
            )
        seen[flow.name] = flow
    yield from seen.items()


def _is_same_file(one: str, other: str) -> bool:
    """Whether two paths are of one file, however they are written."""
    return os.path.realpath(one) == os.path.realpath(other)


def _with_arns(world: World) -> Iterator[Flow]:
    for arn, flow in world.flows.items():
        yield flow if flow.arn else replace(flow, arn=arn)
