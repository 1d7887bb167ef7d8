from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.flows.world.functions import reply_of
from connect_tasks.emulator.flows.world.world import Function

EVENT = {
    "Details": {
        "ContactData": {"Channel": "CHAT", "Attributes": {"plan": "gold"}, "Queue": None},
        "Parameters": {"k": "v", "n": 3, "yes": True},
    }
}


def replies(document: Any, *, times: int = 1, event: Any = EVENT, limit: float = 8) -> list[Any]:
    """What a function answers call after call: what it returns, or how it fails."""
    function = Function.model_validate(document)
    used: Counter[str] = Counter()
    answers = [reply_of("arn", function, event, used, limit=limit)[0] for _ in range(times)]
    return [answer.fail or answer.returned for answer in answers]


def seconds(document: Any, limit: float = 8) -> float:
    return reply_of("arn", Function.model_validate(document), EVENT, Counter(), limit=limit)[1]


def case(when: Any, text: Any) -> Any:
    return {"when": when, "return": text}


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"Parameters.k": "v"},
        {"$.Parameters.k": "v"},
        {"Details.Parameters.k": "v"},
        {"$.Details.Parameters.k": "v"},
        {"ContactData.Channel": "CHAT", "Parameters.k": "v"},
        {"ContactData.Attributes.plan": "gold"},
        {"Parameters.n": 3},
        {"Parameters.n": "3"},
        {"Parameters.yes": True},
        {"Parameters.none": None},
        {"ContactData.Queue.Name": None},
    ],
)
def test_a_case_fits_an_event_that_has_all_it_says(when: Any) -> None:
    assert replies({"cases": [case(when, "fits")], "otherwise": {"return": "no"}}) == ["fits"]


@pytest.mark.parametrize(
    "when",
    [
        {"Parameters.k": "V"},
        {"Parameters.none": ""},
        {"Parameters.k": "v", "ContactData.Channel": "VOICE"},
        {"Parameters.k.deeper": "v"},
        {"k": "v"},
    ],
)
def test_a_case_does_not_fit_an_event_that_differs_in_one(when: Any) -> None:
    assert replies({"cases": [case(when, "fits")], "otherwise": {"return": "no"}}) == ["no"]


def test_the_first_case_that_fits_answers() -> None:
    cases = [case({"Parameters.k": "x"}, "a"), case({"Parameters.k": "v"}, "b"), case({}, "c")]
    assert replies({"cases": cases}) == ["b"]


def test_no_case_and_no_otherwise_is_an_error() -> None:
    assert replies({"cases": [case({"Parameters.k": "x"}, "a")]}) == ["error"]


def test_an_answer_alone_is_what_is_always_answered() -> None:
    assert replies({"return": "a"}, times=2) == ["a", "a"]
    assert replies({"fail": "error"}) == ["error"]


def test_a_sequence_is_used_up_one_call_at_a_time_before_all_else() -> None:
    document = {
        "sequence": [{"return": 1}, {"fail": "error"}],
        "cases": [case({}, "case")],
        "otherwise": {"return": "otherwise"},
    }
    assert replies(document, times=4) == [1, "error", "case", "case"]


def test_a_case_has_a_sequence_of_its_own_before_its_own_answer() -> None:
    first = {"when": {"Parameters.k": "v"}, "sequence": [{"return": 1}], "return": 2}
    second = {"when": {}, "sequence": [{"return": 3}]}
    assert replies({"cases": [first, second]}, times=3) == [1, 2, 2]
    other = {"Details": {"Parameters": {"k": "x"}, "ContactData": {}}}
    assert replies({"cases": [first, second]}, times=2, event=other) == [3, "error"]


@given(st.integers(0, 6))
def test_a_refused_call_is_repeated_at_most_three_times(refusals: int) -> None:
    document = {"sequence": [{"fail": "throttle"}] * refusals, "otherwise": {"return": "a"}}
    assert replies(document) == ["a" if refusals <= 3 else "throttle"]
    left = max(refusals - 4, 0)
    assert replies(document, times=2)[1] == ("a" if left <= 3 else "throttle")


def test_an_exception_is_not_repeated() -> None:
    document = {"sequence": [{"fail": "error"}], "otherwise": {"return": "a"}}
    assert replies(document) == ["error"]


def test_the_seconds_of_all_tries_count_and_none_begins_after_the_limit() -> None:
    refused = {"fail": "throttle", "seconds": 3}
    document = {"sequence": [refused] * 3, "otherwise": {"return": "a", "seconds": 1}}
    assert seconds(document, limit=60) == 10
    assert seconds(document, limit=8) == 9
    assert seconds(document, limit=3) == 3
