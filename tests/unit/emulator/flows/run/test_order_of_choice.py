"""An error takes its own branch, else the one for all; a result the first true condition."""

from itertools import product

import pytest

from connect_tasks.emulator.flows.exported.document import Action
from connect_tasks.emulator.flows.run.contact import Contact
from connect_tasks.emulator.flows.run.memory import Memory
from connect_tasks.emulator.flows.run.outcomes import (
    Choice,
    Done,
    Failed,
    LeadsOn,
    Result,
    choose,
)
from connect_tasks.emulator.flows.world.assumptions import Assumptions
from tests.unit.emulator.flows.run.building import ERROR, MISSED, action

OWN = "InputTimeLimitExceeded"
BRANCHES = [*product([False, True], repeat=5)]


def expected(outcome: LeadsOn, *, hit: bool, own: bool, error: bool, missed: bool) -> str | None:
    """The rule, as it is documented."""
    failed = isinstance(outcome, Failed)
    if failed and own and outcome.error == OWN:  # type: ignore[union-attr]
        return OWN
    if failed:
        return ERROR if error else None
    if isinstance(outcome, Result):
        if hit and outcome.value == "yes":
            return "yes"
        return MISSED if missed else None
    return None


def chosen(outcome: LeadsOn, one: Action, assumptions: Assumptions | None = None) -> Choice:
    contact = Contact(contact_id="1", initial_contact_id="1")
    return choose(one, outcome, Memory(contact, assumptions))


@pytest.mark.parametrize(
    "outcome",
    [Failed("why", OWN), Failed("why"), Result("yes"), Result("no"), Result(None), Done()],
)
@pytest.mark.parametrize(("hit", "own", "error", "missed", "has_next"), BRANCHES)
def test_every_combination_of_branches_is_chosen_from_in_the_documented_order(
    outcome: LeadsOn, *, hit: bool, own: bool, error: bool, missed: bool, has_next: bool
) -> None:
    present = {OWN: own, ERROR: error, MISSED: missed}
    one = action(
        "X",
        to="next" if has_next else None,
        when={"yes": "at yes"} if hit else {},
        errors={name: f"at {name}" for name, there in present.items() if there},
    )
    branch = expected(outcome, hit=hit, own=own, error=error, missed=missed)
    otherwise = Choice("Success", "next" if has_next else None)
    assert chosen(outcome, one) == (otherwise if branch is None else Choice(branch, f"at {branch}"))


def test_of_two_true_conditions_the_first_in_the_document_is_taken() -> None:
    one = action("X", when=[("TextContains", "a", "first"), ("Equals", "a", "second")])
    assert chosen(Result("a"), one).next_action == "first"


def test_an_error_never_asks_the_conditions() -> None:
    one = action("X", to="next", when={"NoMatchingError": "condition"})
    assert chosen(Failed("why"), one).next_action == "next"


def test_an_error_without_a_branch_can_end_the_flow_where_that_is_assumed() -> None:
    ends = Assumptions(error_without_branch="end")
    assert chosen(Failed("why"), action("X", to="next"), ends) == Choice(ERROR, None)
    assert (
        chosen(Failed("why"), action("X", to="next", errors={ERROR: "e"}), ends).next_action == "e"
    )
    assert chosen(Done(), action("X", to="next"), ends).next_action == "next"
