"""Which namespaces the references of a flow name, and which of them a chat here can fill."""

from collections.abc import Iterator

from connect_tasks.emulator.flows.exported.document import Action, Flow
from connect_tasks.emulator.flows.exported.members import names_in, values_in
from connect_tasks.emulator.flows.exported.problems import Problem, nearest
from connect_tasks.emulator.flows.run.memory import UNAVAILABLE
from connect_tasks.emulator.flows.run.references import references_in

__all__ = ["NAMESPACES", "unfilled_references"]

NAMESPACES = frozenset(
    {
        "Attributes",
        "AwsRegion",
        "Channel",
        "ContactId",
        "CustomerEndpoint",
        "CustomerId",
        "Description",
        "External",
        "FlowAttributes",
        "InitialContactId",
        "InitiationMethod",
        "InstanceARN",
        "LambdaInvocation",
        "LanguageCode",
        "Lex",
        "Loop",
        "Media",
        "Metrics",
        "Modules",
        "Name",
        "PreviousContactId",
        "Queue",
        "References",
        "SegmentAttributes",
        "StoredCustomerInput",
        "SystemEndpoint",
        "Tags",
        "Views",
    }
)
"""Those that mean in a chat here what they mean in Connect, if only that nothing is set."""


def unfilled_references(flow: Flow) -> Iterator[Problem]:
    """Namespaces that nothing here fills, each once, at the first action that names it."""
    places: dict[str, list[str]] = {}
    for action in flow.actions.values():
        for name in _namespaces(action):
            if name not in NAMESPACES:
                places.setdefault(name, []).append(action.identifier)
    for name, identifiers in places.items():
        more = f" (and in {len(identifiers) - 1} more)" if len(identifiers) > 1 else ""
        yield Problem(flow.file, identifiers[0], f"$.{name}{more} {_why(name)}")


def _why(name: str) -> str:
    if name in UNAVAILABLE:
        return "is not available here; it is never set."
    return f"is no namespace of the Flow language; {nearest(name, NAMESPACES)} It is never set."


def _namespaces(action: Action) -> list[str]:
    """Every namespace that an action names, once."""
    texts = [value for _, value in values_in(action.parameters) if isinstance(value, str)]
    texts += [name for _, name in names_in(action.parameters)]
    texts += [condition.operand for condition in action.conditions]
    return list(dict.fromkeys(path[0] for text in texts for path in references_in(text)))
