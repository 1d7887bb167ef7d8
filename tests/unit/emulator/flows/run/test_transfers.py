from typing import Any

import pytest

from tests.unit.emulator.flows.run.building import (
    ERROR,
    MODULE,
    OTHER,
    action,
    ask,
    branch_of,
    chain,
    flow,
    lines,
    play,
    said,
    say,
    tells,
    world,
)

ONWARD = action("TransferToFlow", to="end", errors={ERROR: "failed"}, ContactFlowId=OTHER)
REMEMBER = action("UpdateFlowAttributes", FlowAttributes={"k": {"Value": "v"}})
STORE = action("UpdateContactAttributes", Attributes={"k": "kept"})
SHOW = say("[$.FlowAttributes.k] $.Attributes.k", "show")


def test_a_transfer_goes_on_at_the_other_flows_start() -> None:
    other = chain(say("first"), say("second"))
    played = play(chain(say("here"), ONWARD, say("never")), world=world(other=other))
    assert said(played) == ["here", "first", "second"]


def test_flow_attributes_are_gone_after_a_transfer_and_contact_attributes_stay() -> None:
    played = play(chain(REMEMBER, STORE, SHOW, ONWARD), world=world(other=chain(SHOW)))
    assert said(played) == ["[v] kept", "[] kept"]


def test_an_unknown_flow_is_an_error() -> None:
    assert branch_of(ONWARD) == ERROR
    assert branch_of(action("TransferToFlow", errors={ERROR: "end"})) == ERROR


def test_a_flow_can_be_a_reference() -> None:
    one = action("TransferToFlow", ContactFlowId="$.Attributes.f")
    around = world(other=chain(say("there")))
    assert said(play(one, world=around, attributes={"f": OTHER})) == ["there"]


def test_a_flow_that_transfers_to_itself_is_stopped_and_located() -> None:
    itself = flow(say("x", to="TransferToFlow"), ONWARD, tells("failed"), name="circle")
    played = play(itself, world=world(other=itself))
    assert len(said(played)) == 500
    assert played.problem is not None
    assert "circle" in played.problem
    assert "1,000" in played.problem
    assert played.end["state"] == "ended"


def use(identifier: str = "use", **options: Any) -> Any:
    return action(
        "InvokeFlowModule",
        identifier,
        to=options.pop("to", "on"),
        errors=options.pop("errors", {ERROR: "failed", "NoMatchingCondition": "missed"}),
        FlowModuleId=MODULE,
        **options,
    )


def finish(**parameters: Any) -> Any:
    return action("EndFlowModuleExecution", "finish", **parameters)


ON = [tells("on"), tells("failed"), tells("missed"), tells("Yes"), tells("No")]


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({}, "on"),
        ({"Result": "Yes"}, "Yes"),
        ({"Result": "No"}, "No"),
        ({"Result": "Maybe"}, "missed"),
        ({"Result": "$.Attributes.r"}, "No"),
    ],
)
def test_a_module_comes_out_by_the_branch_that_it_names(parameters: Any, text: str) -> None:
    module = chain(say("inside"), finish(**parameters))
    one = use(when={"Yes": "Yes", "No": "No"})
    played = play(one, *ON, world=world(module=module), attributes={"r": "No"})
    assert said(played) == ["inside", text]


def test_a_module_that_just_stops_is_over() -> None:
    module = flow(say("inside", to=None))
    assert said(play(use(), *ON, world=world(module=module))) == ["inside", "on"]


def test_an_unknown_module_is_an_error() -> None:
    assert said(play(use(), *ON)) == ["failed"]


def test_a_module_gets_its_input_and_gives_back_its_data() -> None:
    module = chain(
        say("got $.Modules.Input.who"), finish(Result="Yes", ResultData={"n": "$.Channel"})
    )
    one = use(Input={"who": "$.Attributes.who"}, to="show")
    show = say("$.Modules.Result $.Modules.ResultData.n [$.Modules.Input.who]", "show")
    played = play(chain(one, show), world=world(module=module), attributes={"who": "Ada"})
    assert said(played) == ["got Ada", "Yes CHAT []"]


def test_flow_attributes_pass_neither_into_a_module_nor_out_of_it() -> None:
    inner = action("UpdateFlowAttributes", FlowAttributes={"k": {"Value": "of the module"}})
    module = chain(say("in [$.FlowAttributes.k]", "a"), inner, STORE, SHOW, finish())
    played = play(chain(REMEMBER, use(), SHOW), world=world(module=module))
    assert said(played) == ["in []", "[of the module] kept", "[v] kept"]


def test_modules_can_be_nested() -> None:
    around = world(module=chain(say("inner $.Modules.Input.n"), finish(Result="x")))
    outer = chain(
        say("outer $.Modules.Input.n", "before"),
        use(Input={"n": "2"}),
        say("still $.Modules.Input.n, $.Modules.Result", "after"),
        finish(),
    )
    around = around.model_copy(update={"modules": {**around.modules, "outer": outer}})
    one = action("InvokeFlowModule", FlowModuleId="outer", Input={"n": "1"})
    assert said(play(one, world=around)) == ["outer 1", "inner 2", "still 1, x"]


def test_a_module_that_invokes_itself_comes_to_an_end_by_its_error_branch() -> None:
    module = chain(REMEMBER, use(), SHOW, finish(), name="module")
    played = play(chain(STORE, use(), say("out")), world=world(module=module))
    assert said(played) == ["[v] kept"] * 20 + ["out"]
    failed = [entry for entry in played.trace if entry.result == ERROR]
    assert [entry.identifier for entry in failed] == ["use"]


@pytest.mark.parametrize(
    ("last", "state"),
    [("DisconnectParticipant", "ended"), ("EndFlowExecution", "ended")],
)
def test_what_ends_the_contact_ends_it_in_a_module_too(last: str, state: str) -> None:
    module = chain(say("inside"), action(last, "last"))
    played = play(use(), *ON, world=world(module=module))
    assert (said(played), played.end["state"]) == (["inside"], state)


def test_a_transfer_in_a_module_leaves_module_and_flow() -> None:
    module = chain(say("inside"), ONWARD)
    around = world(module=module, other=chain(SHOW, say("there")))
    played = play(chain(REMEMBER, use(), say("never")), world=around)
    assert said(played) == ["inside", "[] ", "there"]


@pytest.mark.parametrize("kind", ["DisconnectParticipant", "EndFlowExecution"])
def test_the_end_of_an_inbound_flow_is_the_end_of_the_contact(kind: str) -> None:
    played = play(action(kind, to="x"), tells("x"))
    assert said(played) == []
    assert played.end == {"state": "ended", "reason": "CONTACT_FLOW_DISCONNECT"}


@pytest.mark.parametrize("to", [None, "nowhere"])
def test_a_step_that_leads_nowhere_is_the_end(to: str | None) -> None:
    assert play(say("x", to=to)).end["state"] == "ended"


def pause(seconds: Any, **parameters: Any) -> Any:
    return action(
        "Wait",
        when={"WaitCompleted": "WaitCompleted", "CustomerReturned": "CustomerReturned"},
        errors={ERROR: "failed"},
        TimeLimitSeconds=seconds,
        **parameters,
    )


WAITED = [tells("WaitCompleted"), tells("CustomerReturned"), tells("failed")]
RETURNED = ["CustomerReturned"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ("0", "WaitCompleted"),
        ("60", "WaitCompleted"),
        (60, "WaitCompleted"),
        ("604801", "failed"),
        ("-1", "failed"),
        ("soon", "failed"),
        ("", "failed"),
        ("1.5", "failed"),
    ],
)
def test_a_wait_has_at_most_a_week(seconds: Any, text: str) -> None:
    assert said(play(pause(seconds), *WAITED)) == [text]


def test_a_wait_is_over_after_its_time() -> None:
    played = play(pause("$.Attributes.t"), *WAITED, attributes={"t": "90"})
    assert (said(played), played.seconds) == (["WaitCompleted"], 90)


def test_the_time_has_two_names() -> None:
    one = action("Wait", when={"WaitCompleted": "WaitCompleted"}, TimeoutSeconds="90")
    assert play(one, *WAITED).seconds == 90


def test_a_wait_that_asks_for_it_ends_when_the_customer_says_something() -> None:
    played = play(pause("90", Events=RETURNED), *WAITED, customer=[{"silence": 10}, "back"])
    assert (said(played), played.seconds) == (["CustomerReturned"], 10)
    late = play(pause("90", Events=RETURNED), *WAITED, customer=[{"silence": 90}, "back"])
    assert said(late) == ["WaitCompleted"]


@pytest.mark.parametrize("events", [None, [], ["BotParticipantDisconnected"]])
def test_a_message_in_any_other_wait_is_only_recorded(events: Any) -> None:
    played = play(
        pause("90", Events=events), *WAITED, customer=[{"silence": 10}, "x", {"silence": 80}]
    )
    assert lines(played) == [("CUSTOMER", "x"), ("FLOW", "WaitCompleted")]


def test_a_wait_that_is_longer_than_the_chat_ends_with_it() -> None:
    played = play(pause("604800"), *WAITED)
    assert said(played) == []
    assert played.end == {"state": "ended", "reason": "EXPIRED"}
    assert played.seconds == 25 * 3600


def test_a_bot_after_a_wait_hears_only_what_is_said_to_it() -> None:
    bot = {"intents": [{"name": "Bye", "utterances": ["bye"]}]}
    flow_ = chain(action("Wait", TimeLimitSeconds="5"), ask(Text="Now?"), say("$.Lex.IntentName"))
    customer = [{"silence": 1}, "bye", {"silence": 4}, "x"]
    assert said(play(flow_, world=world(bot=bot), customer=customer)) == ["Now?", "FallbackIntent"]
