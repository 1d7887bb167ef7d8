"""Actions that remember something: attributes of the contact and of the flow, and its data."""

from collections.abc import Mapping
from typing import Any

from connect_tasks.emulator.flows.exported.document import Action
from connect_tasks.emulator.flows.run.context import Context
from connect_tasks.emulator.flows.run.memory import MOST_BYTES, size_of
from connect_tasks.emulator.flows.run.outcomes import Done, Failed, Outcome, Play
from connect_tasks.emulator.flows.steps import Store

__all__ = ["update_contact_attributes", "update_contact_data", "update_flow_attributes"]

_TOO_LARGE = f"the attributes would have more than {MOST_BYTES} bytes"


def update_contact_attributes(context: Context, action: Action) -> Play:
    """Set contact attributes: all of them, or none."""
    given = action.parameters.get("Attributes")
    if not isinstance(given, Mapping):
        return Failed("there are no Attributes")
    memory = context.memory
    if action.parameters.get("TargetContact") == "Related":
        return _related(context)
    attributes = {memory.text(name): memory.text(value) for name, value in given.items()}
    if size_of({**memory.attributes, **attributes}) > MOST_BYTES:
        return Failed(_TOO_LARGE)
    memory.attributes.update(attributes)
    yield Store(attributes)
    return Done()


def _related(context: Context) -> Outcome:
    if not context.memory.contact.has_related:
        return Failed("the contact has no related contact")
    context.warn("attributes of related contacts are not kept here")
    return Done()


def update_flow_attributes(context: Context, action: Action) -> Outcome:
    """Set attributes that this flow alone knows."""
    given = action.parameters.get("FlowAttributes")
    if not isinstance(given, Mapping):
        return Failed("there are no FlowAttributes")
    memory = context.memory
    attributes = {memory.text(name): memory.text(_value(value)) for name, value in given.items()}
    together = {**memory.flow_attributes, **attributes}
    if size_of(together) > MOST_BYTES:
        return Failed(_TOO_LARGE)
    memory.flow_attributes = together
    return Done()


def _value(given: Any) -> Any:
    return given.get("Value", "") if isinstance(given, Mapping) else given


def update_contact_data(context: Context, action: Action) -> Outcome:
    """Change what references read of the contact itself."""
    contact = context.memory.contact
    fields = {
        "Name": "name",
        "Description": "description",
        "LanguageCode": "language_code",
        "CustomerId": "customer_id",
    }
    for parameter, field in fields.items():
        if parameter in action.parameters:
            setattr(contact, field, context.text(action.parameters, parameter))
    references = action.parameters.get("References")
    if isinstance(references, Mapping):
        contact.references = {**contact.references, **context.memory.deep(references)}
    return Done()
