from pathlib import Path
from typing import Any

import pytest

from connect_tasks.emulator.flows.checking.check import check
from connect_tasks.emulator.flows.checking.references import NAMESPACES
from connect_tasks.emulator.flows.exported.forms import read_flow
from connect_tasks.emulator.flows.exported.problems import Problem
from connect_tasks.emulator.flows.run.actions.table import ACTIONS
from connect_tasks.emulator.flows.run.contact import Contact
from connect_tasks.emulator.flows.run.kinds import NO_EFFECT, OTHER_SERVICES, VOICE_ONLY
from connect_tasks.emulator.flows.run.memory import UNAVAILABLE, Memory
from connect_tasks.emulator.flows.world.reading import read_world
from connect_tasks.emulator.flows.world.world import World
from tests.unit.emulator.flows.documents import (
    WORLDS,
    action,
    condition,
    document,
    error,
    flow_of,
    write,
)

NOTHING = World()
FAILS = error("NoMatchingError", "end")
MESSAGE = "MessageParticipant"
BOT = "ConnectParticipantWithLexBot"
ALIAS = {"LexV2Bot": {"AliasArn": "$.Attributes.bot"}}


def warnings_of(folder: Path, *actions: Any, world: World = NOTHING) -> list[str]:
    """Place and text of what there is to say of a flow that ends in `end`."""
    flow = flow_of(folder, *actions, action("end"))
    return [f"{problem.identifier}: {problem.text}" for problem in check(flow, world)]


@pytest.mark.parametrize("path", WORLDS, ids=lambda path: path.stem)
def test_there_is_nothing_to_say_of_the_corpus(path: Path) -> None:
    flow = read_flow(path.with_name(path.name.replace(".world", "")))

    assert check(flow, read_world(path)) == []


@pytest.mark.parametrize(
    ("alias", "is_told"),
    [
        (None, False),
        ("arn:aws:lex:eu-central-1:1:bot-alias/B/A", False),
        ("arn:aws:lex:us-east-1:2:bot-alias/B/A", False),
        ("arn:aws:lex:eu-central-1:1:bot-alias/B/C", True),
        ("arn:aws:lex:eu-central-1:1:bot-alias/D/A", True),
    ],
)
def test_a_bot_whose_file_says_that_it_is_another_is_said(
    tmp_path: Path, alias: str | None, *, is_told: bool
) -> None:
    arn = "arn:aws:lex:eu-central-1:1:bot-alias/B/A"
    write(tmp_path, {"intents": [{"name": "A"}], "aliasArn": alias}, "b.json")
    world = read_world(write(tmp_path, {"bots": {arn: "b.json"}}, "w.json"))
    asks = action("one", "ConnectParticipantWithLexBot", {"LexV2Bot": {"AliasArn": arn}})
    flow = flow_of(tmp_path, asks)
    said = [found for found in check(flow, world) if "whose file says" in found.text]

    told = f"the world has the bot {arn}, whose file says that it is {alias}."
    assert said == ([Problem(flow.file, "one", told)] if is_told else [])


# --- types ---


def test_every_type_is_of_one_kind_and_what_is_played_is_what_the_interpreter_plays() -> None:
    kinds = [ACTIONS.keys(), VOICE_ONLY, NO_EFFECT, OTHER_SERVICES]

    assert len(frozenset().union(*kinds)) == sum(map(len, kinds))


@pytest.mark.parametrize(
    ("action_type", "said"),
    [
        ("CreateTask", "CreateTask needs a service that is not here; it takes its error branch."),
        ("Teleport", "Teleport is not known here; it takes its error branch."),
        (
            "MessageParticpant",
            (
                "MessageParticpant is not known here; did you mean 'MessageParticipant'?"
                " It takes its error branch."
            ),
        ),
    ],
)
def test_a_type_that_is_not_played_is_said(tmp_path: Path, action_type: str, said: str) -> None:
    given = action("one", action_type, NextAction="end", Errors=[FAILS])

    assert warnings_of(tmp_path, given) == [f"one: {said}"]


@pytest.mark.parametrize(
    "action_type", sorted(VOICE_ONLY | NO_EFFECT - {"UpdateFlowLoggingBehavior"})
)
def test_a_type_that_does_here_what_it_does_in_connect_is_not_said(
    tmp_path: Path, action_type: str
) -> None:
    given = action("one", action_type, NextAction="end", Errors=[FAILS])

    assert warnings_of(tmp_path, given) == []


# --- references ---


def test_every_namespace_that_can_be_read_is_known_and_no_other_is_filled() -> None:
    memory = Memory(Contact(contact_id="1", initial_contact_id="1"))
    never_set = {"CustomerEndpoint", "SystemEndpoint", "StoredCustomerInput"}

    assert set(memory._namespaces) | never_set == NAMESPACES
    assert not NAMESPACES & UNAVAILABLE


@pytest.mark.parametrize("name", sorted(UNAVAILABLE))
def test_a_namespace_that_is_not_available_is_said_once_with_its_first_place(
    tmp_path: Path, name: str
) -> None:
    first = action("one", MESSAGE, {"Text": f"Hello $.{name}.First!"}, NextAction="two")
    second = action("two", MESSAGE, {"Text": f"$.{name}.a and $.{name}.b"}, NextAction="end")

    assert warnings_of(tmp_path, first, second) == [
        f"one: $.{name} (and in 1 more) is not available here; it is never set."
    ]


@pytest.mark.parametrize(
    "parameters",
    [
        {"Attributes": {"$.Customer.Name": "x"}},
        {"Attributes": {"a": "$.Customer.Name"}},
        {"Attributes": {"a": {"b": ["$.Customer['x']"]}}},
    ],
    ids=str,
)
def test_references_are_found_wherever_they_are(tmp_path: Path, parameters: dict[str, Any]) -> None:
    given = action("one", "UpdateContactAttributes", parameters, NextAction="end", Errors=[FAILS])

    assert warnings_of(tmp_path, given) == [
        "one: $.Customer is not available here; it is never set."
    ]


def test_a_reference_in_an_operand_is_one(tmp_path: Path) -> None:
    given = action(
        "one",
        "Compare",
        {"ComparisonValue": "$.Attributes.a"},
        Conditions=[condition("$.Case.id", "end")],
        Errors=[error("NoMatchingCondition", "end")],
    )

    assert warnings_of(tmp_path, given) == ["one: $.Case is not available here; it is never set."]


def test_a_namespace_that_does_not_exist_is_said_with_the_nearest(tmp_path: Path) -> None:
    given = action("one", MESSAGE, {"Text": "Hi $.Atributes.name"}, NextAction="end")
    (said,) = warnings_of(tmp_path, given)

    assert said.startswith("one: $.Atributes is no namespace of the Flow language; did you mean")
    assert "'Attributes'" in said


def test_amounts_of_money_are_no_references(tmp_path: Path) -> None:
    given = action("one", MESSAGE, {"Text": "It is $5, or 5$. $x or $.50"}, NextAction="end")

    assert warnings_of(tmp_path, given) == []


# --- what Connect would not take, and what it documents nowhere ---


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            action("one", MESSAGE, {"Text": "a", "X": {"y": [""]}}, NextAction="end"),
            "Parameters.X.y[0] is empty; Connect may refuse that.",
        ),
        (
            action("one", MESSAGE, {"Text": "a", "X": {"": "y"}}, NextAction="end"),
            "Parameters.X has a member without a name.",
        ),
        (
            action("one", MESSAGE, {"Text": "a", "X": 5}, NextAction="end"),
            "Parameters.X is 5; Connect writes texts only.",
        ),
        (
            action("one", MESSAGE, {"Text": "<speak>a</speak>"}, NextAction="end"),
            "Text has <speak>; nobody documents what a chat shows of it (assumptions.speech).",
        ),
        (
            action("one", MESSAGE, {"Text": "a"}, NextAction="gone"),
            "NextAction leads to 'gone', which is no action; the flow ends there.",
        ),
        (
            action("one", MESSAGE, {"Text": "a"}, NextAction="end", Errors=[error("E", "gone")]),
            "E leads to 'gone', which is no action; the flow ends there.",
        ),
        (action("one", MESSAGE, {"Text": "a"}), "it leads nowhere; the flow ends there."),
        (
            action("one", NextAction="end"),
            "DisconnectParticipant ends the flow; its Transitions are never taken.",
        ),
        (
            action("one", BOT, ALIAS, NextAction="end", Errors=[FAILS]),
            "there is no branch InputTimeLimitExceeded: silence takes NoMatchingError.",
        ),
        (
            action("one", "Wait", {"Time": "5"}, NextAction="end", Errors=[FAILS]),
            "Wait has no parameter TimeLimitSeconds or TimeoutSeconds.",
        ),
        (
            action("one", "Wait", {"TimeLimitSeconds": "5"}, NextAction="end"),
            "Wait has no branch NoMatchingError; Connect wants one.",
        ),
        (
            action("one", "Loop", {"LoopCount": "2"}, Conditions=[condition("Done", "end")]),
            "Loop has the results ContinueLooping and DoneLooping, not Done.",
        ),
        (
            action("one", "X" * 3, Conditions=[condition("", "end")]),
            "the operand of a condition is empty; Connect may refuse that.",
        ),
        (
            action("one", "X" * 3, Conditions=[condition("a", "end", "Contains")]),
            "there is no Operator 'Contains'; did you mean 'TextContains'? It is never true.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_connect_would_not_take_is_said_with_its_place(
    tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    assert f"one: {said}" in warnings_of(tmp_path, given)


def test_true_and_false_are_no_texts_and_still_written_by_connect(tmp_path: Path) -> None:
    view = {"ViewResource": {"Id": "form"}, "ViewData": {"Required": True}}
    given = action("one", "ShowView", view, NextAction="end", Errors=[FAILS])

    assert warnings_of(tmp_path, given) == []


# --- the flows that it leads to ---


def test_flows_and_modules_that_it_leads_to_are_checked_too_each_once(tmp_path: Path) -> None:
    for name in ("next", "hook", "module"):
        back = action("one", "TransferToFlow", {"ContactFlowId": "arn/next"}, Errors=[FAILS])
        odd = action(f"odd in {name}", f"Odd{name}", NextAction="end", Errors=[FAILS])
        write(tmp_path, document(back, odd, action("end")), f"{name}.json")
    world = read_world(
        write(
            tmp_path,
            {
                "flows": {"arn/next": "next.json", "arn/hook": "hook.json", "x": "hook.json"},
                "modules": {"arn/module": "module.json"},
            },
            "w.json",
        )
    )
    hooks = {"EventHooks": {"CustomerQueue": "arn/hook"}}
    module = {"FlowModuleId": "arn/module"}
    said = warnings_of(
        tmp_path,
        action("one", "UpdateContactEventHooks", hooks, NextAction="two", Errors=[FAILS]),
        action("two", "InvokeFlowModule", module, NextAction="end", Errors=[FAILS]),
        world=world,
    )

    assert [text.partition(":")[0] for text in said] == [
        "odd in hook",
        "odd in module",
        "odd in next",
    ]
