"""What a running flow can refer to: one value per namespace of the Flow language."""

from collections.abc import Callable, Mapping
from typing import Any

from connect_tasks.emulator.flows.run.contact import Contact
from connect_tasks.emulator.flows.run.numbers import whole
from connect_tasks.emulator.flows.run.references import Path, path_of, resolve, text_of
from connect_tasks.emulator.flows.world.assumptions import Assumptions
from connect_tasks.emulator.flows.world.world import Queue

__all__ = ["MOST_BYTES", "UNAVAILABLE", "Memory", "size_of"]

MOST_BYTES = 32 * 1024
"""Bytes that contact attributes, flow attributes and a function's answer may each have."""

UNAVAILABLE = frozenset({"Agent", "Case", "Customer", "DataTables", "MediaStreams", "Wisdom"})
"""Namespaces that nothing here can fill; what refers to them finds nothing set."""


class Memory:
    """Everything that references of one contact's flows read.

    Args:
        contact: The contact.
        assumptions: How what nobody documents is taken.

    Attributes:
        flow_attributes: Flow attributes, of the flow that runs.
        external: What the last function returned.
        lex: What the last bot found out.
        views: What the customer chose in the last view.
        modules: What a module was given, or gave back.
        metrics: What GetMetricData read last.
        loops: Loops that have a name: which round they are in.
        queue: The target queue and its ARN.
    """

    def __init__(self, contact: Contact, assumptions: Assumptions | None = None) -> None:
        self.contact = contact
        self.assumptions = assumptions or Assumptions()
        self.flow_attributes: dict[str, str] = {}
        self.external: Any = None
        self.lex: dict[str, Any] = {}
        self.views: dict[str, Any] = {}
        self.modules: dict[str, Any] = {}
        self.metrics: dict[str, Any] = {}
        self.loops: dict[str, Any] = {}
        self.queue: tuple[str, Queue] | None = None
        self._namespaces = self._readers()

    @property
    def attributes(self) -> dict[str, str]:
        """The contact attributes."""
        return self.contact.attributes

    def read(self, path: Path) -> Any:
        """The value at a path; None where nothing is set."""
        name, *keys = path
        value = self._namespaces.get(name, _nothing)()
        for key in keys:
            value = _member(value, key)
        return value

    def text(self, parameter: Any) -> str:
        """A dynamic parameter as text: its references replaced, what is not set left empty."""
        return resolve(parameter, self.read) if isinstance(parameter, str) else text_of(parameter)

    def value(self, parameter: Any) -> str | None:
        """A parameter to compare: None if it is one reference, and that is not set."""
        path = path_of(parameter) if isinstance(parameter, str) else None
        if path is None:
            return self.text(parameter)
        found = self.read(path)
        if found is None:
            return "" if self.assumptions.unset_in_comparison == "empty" else None
        return text_of(found)

    def shown(self, parameter: Any) -> str:
        """A dynamic parameter as the customer sees it."""
        if not isinstance(parameter, str):
            return text_of(parameter)
        keep = self.assumptions.unset_in_text == "reference"
        return resolve(parameter, self.read, keep_unset=keep)

    def deep(self, parameter: Any) -> Any:
        """A parameter of any shape, with the references in all of its texts replaced."""
        if isinstance(parameter, Mapping):
            return {self.text(name): self.deep(value) for name, value in parameter.items()}
        if isinstance(parameter, list):
            return [self.deep(value) for value in parameter]
        return self.text(parameter) if isinstance(parameter, str) else parameter

    def _readers(self) -> Mapping[str, Callable[[], Any]]:
        contact = self.contact
        return {
            "Attributes": lambda: self.attributes,
            "AwsRegion": lambda: contact.region or None,
            "Channel": lambda: "CHAT",
            "ContactId": lambda: contact.contact_id,
            "CustomerEndpoint": lambda: contact.customer_endpoint,
            "CustomerId": lambda: contact.customer_id,
            "Description": lambda: contact.description,
            "External": lambda: self.external,
            "FlowAttributes": lambda: self.flow_attributes,
            "InitialContactId": lambda: contact.initial_contact_id,
            "InitiationMethod": lambda: "API",
            "InstanceARN": lambda: contact.instance_arn or None,
            "LambdaInvocation": lambda: {"ResultData": self.external},
            "LanguageCode": lambda: contact.language_code,
            "Lex": lambda: self.lex,
            "Loop": lambda: self.loops,
            "Media": lambda: {"InitialMessage": contact.initial_message},
            "Metrics": lambda: self.metrics,
            "Modules": lambda: self.modules,
            "Name": lambda: contact.name,
            "PreviousContactId": lambda: contact.previous_contact_id or contact.contact_id,
            "Queue": self._queue,
            "References": lambda: contact.references,
            "SegmentAttributes": self._segment_attributes,
            "SystemEndpoint": lambda: contact.system_endpoint,
            "Tags": lambda: contact.tags,
            "Views": lambda: self.views,
        }

    def _queue(self) -> Any:
        if self.queue is None:
            return None
        arn, queue = self.queue
        return {"Name": queue.name, "ARN": arn}

    def _segment_attributes(self) -> Any:
        texts = {
            name: value.get("ValueString") if isinstance(value, Mapping) else value
            for name, value in self.contact.segment_attributes.items()
        }
        return {"connect:Subtype": "connect:Chat", **texts}


def size_of(attributes: Mapping[str, str]) -> int:
    """Bytes that attributes take: names and values, in UTF-8."""
    return sum(len(name.encode()) + len(value.encode()) for name, value in attributes.items())


def _nothing() -> None:
    return None


def _member(value: Any, key: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(key)
    index = whole(key) if isinstance(value, list) else None
    return value[index] if index is not None and index < len(value) else None
