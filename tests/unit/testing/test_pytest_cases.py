"""Cases as tests of pytest."""

import os
import subprocess
import sys
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


TEST = """
from connect_tasks.testing import cases

@cases("cases.csv")
def test_the_flow(case):
    case.check({flow!r}, world={world!r})
"""


def test_three_lines_make_a_failing_test_of_a_failing_case(tmp_path: Path) -> None:
    table = (FLOWS / "cases.csv").read_text(encoding="utf-8")
    changed = table.replace("Order AB1234 left our warehouse.", "Order AB1234 is lost.")
    (tmp_path / "cases.csv").write_text(changed, encoding="utf-8")
    (tmp_path / "test_flow.py").write_text(TEST.format(flow=str(FLOW), world=str(WORLD)), "utf-8")

    # From another folder: the table is found beside the test.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd="/", env=dict(os.environ)
    )

    assert "1 failed, 4 passed" in done.stdout
    assert "CasesFailedError" in done.stdout
    assert "! BOT: Order AB1234 left our warehouse." in done.stdout
    assert "Order AB1234 is lost." in done.stdout


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
