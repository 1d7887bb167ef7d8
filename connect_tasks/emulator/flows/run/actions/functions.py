"""The action that invokes a function: its event, its time, and what is taken from its answer."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connect_tasks.emulator.flows.exported.document import Action
from connect_tasks.emulator.flows.run.context import Begun, Context, Late
from connect_tasks.emulator.flows.run.memory import MOST_BYTES
from connect_tasks.emulator.flows.run.numbers import whole
from connect_tasks.emulator.flows.run.outcomes import (
    Answered,
    Await,
    Done,
    Failed,
    Outcome,
    Play,
)
from connect_tasks.emulator.flows.run.references import text_of
from connect_tasks.emulator.flows.steps import Invoke
from connect_tasks.emulator.flows.world.functions import reply_of
from connect_tasks.emulator.flows.world.world import Function, FunctionAnswer, named

__all__ = ["invoke_function", "take_answer"]

_DEFAULT_SECONDS = 3
_MOST_SECONDS = 8
_MOST_ASYNCHRONOUS = 60


def invoke_function(context: Context, action: Action) -> Play:
    """Invoke a function, and wait for its answer; asynchronously, go on at once."""
    arn = context.text(action.parameters, "LambdaFunctionARN")
    found = named(context.world.lambdas, arn)
    limit = _limit(context, action)
    if found is None or not limit:
        return Failed(f"no function {arn}" if limit else "the time limit is no number from 1 to 8")
    event = _event(context, action)
    if action.parameters.get("InvocationType") == "ASYNCHRONOUS":
        return (yield from _begin(context, action, *found, event))
    call = _by_python if found[1].python else _by_table
    outcome = yield from call(context, *found, event, limit)
    taken = outcome if isinstance(outcome, Failed) else take_answer(context, action, outcome)
    if isinstance(taken, Failed) and context.memory.assumptions.failed_call == "clears":
        context.memory.external = None
    return taken


def _limit(context: Context, action: Action) -> int | None:
    """Seconds that an answer may take, 8 at most; None if that is no number."""
    given = context.text(action.parameters, "InvocationTimeLimitSeconds")
    limit = whole(given or str(_DEFAULT_SECONDS))
    return None if limit is None else min(limit, _MOST_SECONDS)


def _by_table(
    context: Context, arn: str, function: Function, event: Mapping[str, Any], limit: float
) -> Any:
    answer, seconds = reply_of(arn, function, event, context.used, limit=limit)
    if seconds > 0:
        yield Await(context.now + timedelta(seconds=min(seconds, limit)), is_busy=True)
    if seconds > limit:
        return Failed(f"it takes {seconds:g} s of {limit:g}")
    return answer


def _by_python(
    context: Context, _arn: str, function: Function, event: Mapping[str, Any], limit: float
) -> Any:
    context.calls += 1
    number = context.calls
    yield Invoke(number, function.python or "", event, limit)
    until = context.now + timedelta(seconds=limit)
    happened = yield Await(until, call=number, is_busy=True)
    return (
        happened.answer if isinstance(happened, Answered) else Failed(f"no answer in {limit:g} s")
    )


def _begin(
    context: Context, action: Action, arn: str, function: Function, event: Mapping[str, Any]
) -> Play:
    if function.python:
        context.calls += 1
        until = context.now + timedelta(seconds=_MOST_ASYNCHRONOUS)
        context.asynchronous[context.calls] = Begun(action, until)
        yield Invoke(context.calls, function.python, event, _MOST_ASYNCHRONOUS)
        return Done("invoked, not waited for")
    answer, seconds = reply_of(arn, function, event, context.used, limit=_MOST_ASYNCHRONOUS)
    if seconds <= _MOST_ASYNCHRONOUS:
        at = context.now + timedelta(seconds=seconds)
        context.pending.append(Late(at, action, answer))
    return Done("invoked, not waited for")


def take_answer(context: Context, action: Action, answer: FunctionAnswer) -> Outcome:
    """Take an answer into `$.External`; one that failed or is not understood leaves the old."""
    if answer.fail is not None:
        return Failed(f"the function failed: {answer.fail}")
    validation = action.parameters.get("ResponseValidation") or {}
    kind = validation.get("ResponseType") if isinstance(validation, Mapping) else None
    is_json = (kind or context.memory.assumptions.no_response_type) == "JSON"
    returned = answer.returned if is_json else _string_map(context, answer.returned)
    if returned is None and not is_json:
        return Failed("a STRING_MAP is a flat object of strings")
    try:
        size = len(json.dumps(returned, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        return Failed("the answer has half a surrogate pair, which no text may have")
    if size > MOST_BYTES:
        return Failed(f"the answer has more than {MOST_BYTES} bytes")
    context.memory.external = returned
    return Done()


def _string_map(context: Context, value: Any) -> dict[str, str] | None:
    """A flat object of strings; None if an answer is none."""
    if not isinstance(value, Mapping):
        return None
    if context.memory.assumptions.string_map_numbers == "text":
        value = {
            name: text_of(member) if isinstance(member, int | float) else member
            for name, member in value.items()
        }
    return dict(value) if all(isinstance(text, str) for text in value.values()) else None


def _event(context: Context, action: Action) -> dict[str, Any]:
    given = action.parameters.get("LambdaInvocationAttributes") or {}
    parameters = context.memory.deep(given) if isinstance(given, Mapping) else {}
    details = {"ContactData": _contact_data(context), "Parameters": parameters}
    return {"Name": "ContactFlowEvent", "Details": details}


def _contact_data(context: Context) -> dict[str, Any]:
    memory = context.memory
    read = memory.read
    segments = read(("SegmentAttributes",))
    message = memory.contact.initial_message
    return {
        "Attributes": dict(memory.attributes),
        "AwsRegion": memory.contact.region,
        "Channel": "CHAT",
        "ContactId": memory.contact.contact_id,
        "CustomerEndpoint": memory.contact.customer_endpoint,
        "CustomerId": memory.contact.customer_id,
        "Description": memory.contact.description,
        "InitialContactId": memory.contact.initial_contact_id,
        "InitiationMethod": "API",
        "InstanceARN": memory.contact.instance_arn,
        "LanguageCode": memory.contact.language_code,
        "MediaStreams": {"Customer": {"Audio": {}}},
        "Name": memory.contact.name,
        "PreviousContactId": read(("PreviousContactId",)),
        "Queue": read(("Queue",)),
        "References": dict(memory.contact.references),
        "RelatedContactId": None,
        "SegmentAttributes": {name: {"ValueString": text} for name, text in segments.items()},
        "SystemEndpoint": memory.contact.system_endpoint,
        "Tags": dict(memory.contact.tags),
        **({"Media": {"InitialMessage": message}} if message is not None else {}),
    }
