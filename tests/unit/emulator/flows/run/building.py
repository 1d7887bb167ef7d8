"""Flows, actions and worlds in few words."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from connect_tasks.emulator.flows.exported.document import Action, Condition, Flow
from connect_tasks.emulator.flows.rehearsal import Rehearsed, rehearse
from connect_tasks.emulator.flows.world.assumptions import Assumptions
from connect_tasks.emulator.flows.world.bot import Bot
from connect_tasks.emulator.flows.world.opening_hours import OpeningHours
from connect_tasks.emulator.flows.world.world import Function, Queue, World

Q = "arn:aws:connect:us-east-1:1:instance/i/queue/q"
BOT = "arn:aws:lex:us-east-1:1:bot-alias/B/A"
FUNCTION = "arn:aws:lambda:us-east-1:1:function:f"
OTHER = "arn:aws:connect:us-east-1:1:instance/i/contact-flow/other"
MODULE = "arn:aws:connect:us-east-1:1:instance/i/flow-module/m"
HOURS = "arn:aws:connect:us-east-1:1:instance/i/operating-hours/h"

MISSED = "NoMatchingCondition"
ERROR = "NoMatchingError"


def action(
    kind: str,
    identifier: str = "",
    *,
    to: str | None = None,
    when: Mapping[str, str] | Sequence[tuple[str, str, str]] = (),
    errors: Mapping[str, str] | None = None,
    **parameters: Any,
) -> Action:
    """An action; `when` has operands (of Equals) or (operator, operand, next)."""
    branches = [("Equals", *b) for b in when.items()] if isinstance(when, Mapping) else when
    return Action(
        identifier=identifier or kind,
        type=kind,
        parameters=parameters,
        next_action=to,
        conditions=tuple(Condition(*branch) for branch in branches),
        errors=dict(errors or {}),
    )


def say(text: Any, identifier: str = "", *, to: str | None = "end") -> Action:
    """A message, named by its text."""
    return action("MessageParticipant", identifier or str(text), to=to, Text=text)


def tells(text: str) -> Action:
    """A message that is the end of a branch."""
    return say(text, text, to="end")


def end() -> Action:
    """The end of the contact."""
    return action("DisconnectParticipant", "end")


def flow(*actions: Action, name: str = "main") -> Flow:
    """A flow of actions that starts at the first; it has an end of its own."""
    every = {one.identifier: one for one in (end(), *actions)}
    return Flow(name=name, start=actions[0].identifier, actions=every, content="{}", file=name)


def chain(*actions: Action, name: str = "main") -> Flow:
    """A flow of actions one after the other, by whatever branch."""
    followers = [*(one.identifier for one in actions[1:]), "end"]
    return flow(*map(_linked, actions, followers), name=name)


def _linked(one: Action, to: str) -> Action:
    return replace(
        one,
        next_action=to,
        conditions=tuple(replace(branch, next_action=to) for branch in one.conditions),
        errors=dict.fromkeys(one.errors, to),
    )


def world(
    *,
    function: Any = None,
    bot: Any = None,
    queue: Any = None,
    hours: Any = None,
    other: Flow | None = None,
    module: Flow | None = None,
    assume: Mapping[str, Any] | None = None,
) -> World:
    """A world with at most one of everything."""
    return World(
        lambdas={FUNCTION: Function.model_validate(function)} if function is not None else {},
        bots={BOT: Bot.model_validate(bot)} if bot is not None else {},
        queues={Q: Queue.model_validate(queue)} if queue is not None else {},
        hours={HOURS: OpeningHours.model_validate(hours)} if hours is not None else {},
        flows={OTHER: other} if other is not None else {},
        modules={MODULE: module} if module is not None else {},
        assumptions=Assumptions(**(assume or {})),
    )


def play(flow_or_action: Flow | Action, *more: Action, **options: Any) -> Rehearsed:
    """Play a flow, or one made of actions; `world` and all else as `rehearse` has it."""
    first = flow_or_action
    played = first if isinstance(first, Flow) else flow(first, *more)
    return rehearse(played, options.pop("world", World()), **options)


def branch_of(one: Action, **options: Any) -> str:
    """The branch that the first action takes, with nothing around it."""
    return play(one, **options).trace[0].result


def said(played: Rehearsed) -> list[str]:
    """What was said by anybody but the customer."""
    return [line.text for line in played.lines if line.speaker != "CUSTOMER"]


def lines(played: Rehearsed) -> list[tuple[str, str]]:
    """What was said, and by whom."""
    return [(line.speaker, line.text) for line in played.lines]


def shows(text: str, **options: Any) -> str:
    """What a message shows of a text."""
    return said(play(say(text), **options))[0]


def invoke(identifier: str = "invoke", **options: Any) -> Action:
    """An action that invokes the one function there is; other branches as text."""
    seconds = options.pop("seconds", "8")
    return action(
        "InvokeLambdaFunction",
        identifier,
        to=options.pop("to", "ok"),
        errors=options.pop("errors", {ERROR: "failed"}),
        LambdaFunctionARN=FUNCTION,
        InvocationTimeLimitSeconds=seconds,
        **options,
    )


def ask(identifier: str = "ask", **options: Any) -> Action:
    """An action that lets the one bot talk, with a branch for every error."""
    return action(
        "ConnectParticipantWithLexBot",
        identifier,
        when=options.pop("when", {}),
        errors=options.pop(
            "errors", {MISSED: "missed", ERROR: "failed", "InputTimeLimitExceeded": "late"}
        ),
        LexV2Bot={"AliasArn": BOT},
        Text=options.pop("Text", "How can I help?"),
        **options,
    )


def as_json(played: Rehearsed) -> Any:
    """The first thing that was said, read as JSON."""
    return json.loads(said(played)[0])
