import inspect
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect import task
from pydantic import ValidationError

from connect_tasks import errors
from connect_tasks.aws.retry import RetryPolicy, is_worth_retrying


@dataclass(frozen=True)
class Dice:
    """Always throws the same number."""

    value: float

    def random(self) -> float:
        """The number."""
        return self.value


@dataclass(frozen=True)
class FinalState:
    """What Prefect hands to a retry condition, as far as ours looks at it."""

    failure: object

    def result(self, *, raise_on_failure: bool) -> object:
        """What the task raised."""
        if raise_on_failure:
            raise AssertionError("the condition must look, not raise")
        return self.failure


ALMOST_ONE = Dice(1 - 2**-53)


@pytest.mark.parametrize(
    ("attempt", "longest"),
    [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 5.0), (6, 5.0)],
    ids=["first", "doubled", "doubled again", "and again", "capped", "still capped"],
)
def test_the_longest_wait_doubles_up_to_its_cap(attempt: int, longest: float) -> None:
    policy = RetryPolicy(attempts=10, wait_initial_seconds=0.5, wait_max_seconds=5)

    wait = policy.next_wait(attempt=attempt, elapsed_seconds=0, random=ALMOST_ONE)

    assert wait == pytest.approx(longest)


@pytest.mark.parametrize(
    ("thrown", "wait"), [(0.0, 0.0), (0.25, 1.0), (0.5, 2.0)], ids=["none", "a quarter", "half"]
)
def test_jitter_is_drawn_from_nothing_to_the_longest_wait(thrown: float, wait: float) -> None:
    policy = RetryPolicy(wait_initial_seconds=4, wait_max_seconds=4)

    assert policy.next_wait(attempt=1, elapsed_seconds=0, random=Dice(thrown)) == wait


@given(
    initial=st.floats(0.001, 100),
    cap=st.floats(0.001, 100),
    attempt=st.integers(1, 49),
    thrown=st.floats(0, 1, exclude_max=True),
)
def test_no_wait_is_outside_full_jitter(
    initial: float, cap: float, attempt: int, thrown: float
) -> None:
    policy = RetryPolicy(
        attempts=50, wait_initial_seconds=initial, wait_max_seconds=cap, total_seconds=1_000
    )

    wait = policy.next_wait(attempt=attempt, elapsed_seconds=0, random=Dice(thrown))

    assert wait is not None
    assert 0 <= wait <= min(cap, initial * 2 ** (attempt - 1))


@given(
    attempt=st.integers(1, 20), elapsed=st.floats(0, 200), thrown=st.floats(0, 1, exclude_max=True)
)
def test_no_attempt_begins_after_the_total_time(
    attempt: int, elapsed: float, thrown: float
) -> None:
    policy = RetryPolicy(attempts=21, total_seconds=100)

    wait = policy.next_wait(attempt=attempt, elapsed_seconds=elapsed, random=Dice(thrown))

    assert wait is None or elapsed + wait <= 100


@pytest.mark.parametrize(
    ("attempt", "goes_on"),
    [(2, True), (3, False), (4, False)],
    ids=["one left", "none left", "one too many"],
)
def test_it_gives_up_when_the_attempts_are_used_up(attempt: int, *, goes_on: bool) -> None:
    wait = RetryPolicy(attempts=3).next_wait(attempt=attempt, elapsed_seconds=0, random=Dice(0))

    assert (wait is not None) is goes_on


@pytest.mark.parametrize(
    ("elapsed", "goes_on"), [(59.5, True), (59.6, False)], ids=["just in time", "too late"]
)
def test_it_gives_up_when_the_next_attempt_would_come_too_late(
    elapsed: float, *, goes_on: bool
) -> None:
    policy = RetryPolicy(wait_initial_seconds=1, total_seconds=60)

    wait = policy.next_wait(attempt=1, elapsed_seconds=elapsed, random=Dice(0.5))

    assert (wait is not None) is goes_on


@pytest.mark.parametrize(
    "wrong",
    [{"attempts": 0}, {"attempts": 51}, {"wait_max_seconds": 0}, {"tries": 3}],
    ids=["no attempt", "more delays than Prefect takes", "no wait", "unknown setting"],
)
def test_a_senseless_policy_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RetryPolicy(**wrong)


@pytest.mark.parametrize("attempts", [1, 6, 50], ids=["once", "by default", "at most"])
def test_prefect_takes_the_policy(attempts: int) -> None:
    policy = RetryPolicy(attempts=attempts)

    decorated = task(**policy.task_options())(lambda: None)

    assert decorated.retries == attempts - 1
    assert decorated.retry_condition_fn is is_worth_retrying


def test_prefect_waits_half_of_the_longest_wait_each_time() -> None:
    options = RetryPolicy(attempts=4, wait_initial_seconds=2, wait_max_seconds=6).task_options()

    assert options["retry_delay_seconds"] == [1, 2, 3]


# Prefect calls anything else with the wrong arguments and then never retries.
def test_the_retry_condition_is_a_plain_function() -> None:
    assert inspect.isfunction(RetryPolicy().task_options()["retry_condition_fn"])


@pytest.mark.parametrize(
    ("failure", "worth"),
    [
        (errors.ThrottledError("slow down"), True),
        (errors.ServiceFaultError("try again"), True),
        (errors.OutcomeUnknownError("no answer"), True),
        (errors.PermanentError("bad attribute"), False),
        (errors.AccessDeniedError("no"), False),
        (errors.ChatEndedError("over"), False),
        (KeyError("a fault of ours"), False),
    ],
    ids=["throttle", "fault", "unknown", "refusal", "access", "ended chat", "our own fault"],
)
def test_prefect_retries_what_may_work_the_next_time(failure: Exception, *, worth: bool) -> None:
    assert is_worth_retrying(None, None, FinalState(failure)) is worth
