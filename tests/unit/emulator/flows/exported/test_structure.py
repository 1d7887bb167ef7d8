import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connect_tasks.emulator.flows.checking.check import check
from connect_tasks.emulator.flows.exported.forms import read_flow
from connect_tasks.emulator.flows.exported.problems import FlowFileError
from connect_tasks.emulator.flows.world.world import World
from tests.unit.emulator.flows.documents import (
    CORPUS,
    FLOWS,
    action,
    condition,
    document,
    error,
    texts_of,
    write,
)

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


# --- what exports lack, and still run ---


@pytest.mark.parametrize(
    "given_action",
    [
        {"Identifier": "one", "Type": "DisconnectParticipant"},
        {"Identifier": "one", "Type": "X", "Parameters": None, "Transitions": None},
        {"Identifier": "one", "Type": "X", "Transitions": {"NextAction": "nowhere"}},
        {"Identifier": "one", "Type": "X", "Transitions": {"Conditions": [], "Errors": None}},
        {"Identifier": "one", "Type": "X", "Transitions": {"NextAction": None}, "More": 1},
        {"Identifier": "one", "Type": "X", "Parameters": {"LoopCount": 5, "Text": ""}},
    ],
    ids=str,
)
def test_what_exports_are_seen_to_lack_is_no_fault(
    tmp_path: Path, given_action: dict[str, Any]
) -> None:
    assert texts_of(write(tmp_path, document(given_action))) == []


def test_an_identifier_is_any_unicode_and_spaces(tmp_path: Path) -> None:
    name = "schön & gut | 日本 'ok'?"

    assert texts_of(write(tmp_path, document(action(name), StartAction=name))) == []


def test_250_actions_are_taken_and_251_are_not(tmp_path: Path) -> None:
    actions = [action("one"), *(action(f"a{number}") for number in range(249))]

    assert texts_of(write(tmp_path, document(*actions))) == []
    (text,) = texts_of(write(tmp_path, document(*actions, action("too many"))))
    assert text.startswith(": it has 251 actions; Connect takes at most 250.")


def test_ten_thousand_actions_are_one_problem(tmp_path: Path) -> None:
    actions = [action("one"), *(action(f"a{number}") for number in range(9_999))]
    (text,) = texts_of(write(tmp_path, document(*actions)))

    assert text.startswith(": it has 10,000 actions;")


def test_more_actions_than_anybody_looks_at_are_refused_by_their_number(tmp_path: Path) -> None:
    texts = texts_of(write(tmp_path, document(*[0] * 20_000)))

    assert texts[0].startswith(": it has 20,000 actions;")
    assert len(texts) == 10_001


# --- what is a fault ---


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"Version": "2018-01-01"}, "Version must be '2019-10-30', not '2018-01-01'."),
        ({"Version": 1}, "Version must be '2019-10-30', not 1."),
        ({"Version": None}, "Version is missing; it must be '2019-10-30'."),
        ({"StartAction": None}, "StartAction is missing; it must be the Identifier"),
        ({"StartAction": ["one"]}, "StartAction must be a text, not a list."),
        ({"StartAction": "x"}, "StartAction 'x' is the Identifier of no action."),
    ],
    ids=str,
)
def test_a_wrong_member_of_the_document_is_named(
    tmp_path: Path, members: dict[str, Any], said: str
) -> None:
    (text,) = texts_of(write(tmp_path, document(**members)))

    assert text.startswith(f": {said}")


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        (None, "Actions is missing."),
        ({}, "Actions must be a list, not an object."),
        ("x", "Actions must be a list, not a text."),
        ([], "Actions is empty; a flow needs one at least."),
    ],
    ids=str,
)
def test_actions_that_are_none_are_refused(tmp_path: Path, actions: Any, said: str) -> None:
    assert f": {said}" in texts_of(write(tmp_path, document(Actions=actions)))


@pytest.mark.parametrize(
    ("broken", "place", "said"),
    [
        (None, "Actions[1]", "must be an object, not null."),
        (7, "Actions[1]", "must be an object, not a number."),
        ({}, "Actions[1]", "Identifier is missing."),
        ({"Type": "X"}, "Actions[1]", "Identifier is missing."),
        ({"Identifier": 5, "Type": "X"}, "Actions[1]", "Identifier must be a text, not a number."),
        (action(""), "Actions[1]", "Identifier is empty."),
        (action("x" * 51), "x" * 51, "Identifier has 51 characters of at most 50."),
        (action("a:b{"), "a:b{", "Identifier has ':{', which Connect does not take there."),
        ({"Identifier": "b"}, "b", "Type is missing."),
        (action("b", "X", []), "b", "Parameters must be an object, not a list."),
        (action("b") | {"Transitions": []}, "b", "Transitions must be an object, not a list."),
        (action("b", NextAction=3), "b", "Transitions.NextAction must be a text, not a number."),
        (action("b", Conditions={}), "b", "Transitions.Conditions must be a list, not an object."),
        (action("b", Errors="x"), "b", "Transitions.Errors must be a list, not a text."),
        (action("b", Errors=[None]), "b", "Transitions.Errors[0] must be an object, not null."),
        (
            action("b", Errors=[{"ErrorType": "E"}]),
            "b",
            "Transitions.Errors[0].NextAction is missing.",
        ),
        (
            action("b", Errors=[error("E", "one"), error("E", "b")]),
            "b",
            "Transitions.Errors[1]: ErrorType 'E' leads to two actions.",
        ),
        (
            action("b", Conditions=[{"NextAction": "one"}]),
            "b",
            "Transitions.Conditions[0].Condition is missing.",
        ),
        (
            action("b", Conditions=[{"NextAction": "one", "Condition": "x"}]),
            "b",
            "Transitions.Conditions[0].Condition must be an object, not a text.",
        ),
        (
            action("b", Conditions=[condition(5, "one")]),
            "b",
            "Transitions.Conditions[0].Condition.Operands must be a list of one text, not [5].",
        ),
        (
            action("b", Conditions=[condition("x", "one", "")]),
            "b",
            "Transitions.Conditions[0].Condition.Operator is empty.",
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_wrong_part_of_an_action_is_named_with_its_place(
    tmp_path: Path, broken: Any, place: str, said: str
) -> None:
    assert f"{place}: {said}" in texts_of(write(tmp_path, document(action(), broken)))


@pytest.mark.parametrize("operands", [None, [], ["a", "b"], "a", [None], [["a"]], {}])
def test_a_condition_has_exactly_one_text_as_operand(tmp_path: Path, operands: Any) -> None:
    entry = condition("x", "one")
    entry["Condition"]["Operands"] = operands
    (text,) = texts_of(write(tmp_path, document(action("one", Conditions=[entry]))))

    assert "Operands must be a list of one text" in text


def test_an_identifier_that_two_actions_have_is_one_problem(tmp_path: Path) -> None:
    actions = [action("one"), action("two"), action("two"), action("two")]

    assert texts_of(write(tmp_path, document(*actions))) == [
        "two: 3 actions have this Identifier; it must be one action's only."
    ]


# --- nothing else ever comes out ---


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: Any = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    return [place, *(found for key, each in inner for found in _places(each, (*place, key)))]


def _replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    copy = value.copy()
    copy[place[0]] = _replaced(value[place[0]], place[1:], new)
    return copy


def is_read_or_refused(path: Path) -> bool:
    """Whether it is one or the other, with reasons; whatever else is raised comes out.

    What is read can be checked, too.
    """
    try:
        flow = read_flow(path)
    except FlowFileError as refused:
        return bool(refused.problems) and all(problem.text for problem in refused.problems)
    return flow.start in flow.actions and all(problem.text for problem in check(flow, World()))


DOCUMENTS = [json.loads(path.read_text(encoding="utf-8")) for path in FLOWS]
MUTATIONS = st.integers(0, len(DOCUMENTS) - 1).flatmap(
    lambda number: st.tuples(
        st.just(DOCUMENTS[number]), st.sampled_from(_places(DOCUMENTS[number])), ANY_JSON
    )
)
FUZZED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FUZZED
@given(mutation=MUTATIONS)
def test_a_flow_with_any_member_replaced_is_read_or_refused(
    tmp_path: Path, mutation: tuple[Any, tuple[Any, ...], Any]
) -> None:
    path = write(tmp_path, _replaced(*mutation))
    assert is_read_or_refused(path)


@FUZZED
@given(cut=st.integers(0, 9_000), junk=st.binary(max_size=6))
def test_a_file_with_any_bytes_put_in_is_read_or_refused(
    tmp_path: Path, cut: int, junk: bytes
) -> None:
    given_bytes = (CORPUS / "queue-hours.json").read_bytes()
    path = tmp_path / "flow.json"
    path.write_bytes(given_bytes[:cut] + junk + given_bytes[cut + len(junk) :])
    assert is_read_or_refused(path)
