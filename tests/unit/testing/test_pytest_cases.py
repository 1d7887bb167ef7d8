"""Cases as tests of pytest."""

from pathlib import Path

import pytest

from connect_tasks.errors import CasesFailedError, InputError
from connect_tasks.testing import CheckedCase, cases, read_cases

FLOWS = Path(__file__).parents[3] / "data" / "flows"
FLOW, WORLD = FLOWS / "order-status-bot.json", FLOWS / "order-status-bot.world.json"


@cases(FLOWS / "cases.csv")
def test_each_case_is_a_test(case: CheckedCase) -> None:
    case.check(FLOW, world=WORLD, every_line=True)


def test_it_has_the_names_of_the_cases_for_ids(request: pytest.FixtureRequest) -> None:
    items = [item.name for item in request.session.items if item.parent is request.node.parent]

    for case in read_cases(FLOWS / "cases.csv"):
        assert f"test_each_case_is_a_test[{case.name}]" in items


def test_a_table_that_cannot_be_used_is_told_when_tests_are_collected() -> None:
    with pytest.raises(InputError, match="nowhere"):

        @cases("nowhere.csv")
        def test(case: CheckedCase) -> None:
            raise NotImplementedError(case)


def test_a_case_that_fails_raises_what_pytest_shows_as_a_failed_assertion() -> None:
    (case, *_) = read_cases(FLOWS / "cases.csv")
    checked = CheckedCase(name=case.name, script=case.script, turns=case.turns, end=case.end)

    with pytest.raises(AssertionError) as error:
        checked.check(FLOWS / "survey-branches.json", world=FLOWS / "survey-branches.world.json")
    assert error.type is CasesFailedError
    assert "expected Welcome to Example Shop." in str(error.value)
