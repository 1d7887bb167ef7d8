"""The result of a regression: tables, JUnit XML, and what it raises."""

import pickle
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from connect_tasks.emulator import LocalConnect
from connect_tasks.errors import CasesFailedError, InputError
from connect_tasks.testing import (
    Case,
    CaseResult,
    RegressionResult,
    read_cases,
    rehearse_cases,
)
from connect_tasks.testing.comparison import Compared
from connect_tasks.testing.expected_file import ExpectedEnd
from connect_tasks.testing.script import Script

FLOWS = Path(__file__).parents[3] / "data" / "flows"
FLOW, WORLD = FLOWS / "order-status-bot.json", FLOWS / "order-status-bot.world.json"


def spoiled() -> pd.DataFrame:
    table = pd.read_csv(FLOWS / "cases.csv", dtype="string")
    table.loc[2, "equals"] = "Order AB1234 is <lost> & gone."
    return table


def rehearsed(table: Any = FLOWS / "cases.csv", **options: Any) -> RegressionResult:
    return rehearse_cases(read_cases(table), connect=FLOW, world=WORLD, **options)


def test_the_cases_that_come_with_the_package_pass_line_by_line() -> None:
    result = rehearsed(every_line=True)

    assert result.difference == ""
    assert result.passed
    result.raise_for_failures()


def test_there_is_one_row_for_each_case_in_their_order() -> None:
    table = rehearsed(spoiled()).table

    assert list(table["passed"]) == [False, True, True, True, True]
    assert table["difference"][0] == (
        "expected Order AB1234 is <lost> & gone., but it was BOT: Order AB1234 left our warehouse."
    )
    assert list(table["difference"][1:]) == [""] * 4
    assert list(table["end_state"]) == ["ended", "ended", "queued", "ended", "ended"]
    assert table["queue"][2] == "Orders"
    # The bot waits for so long, and it took none.
    assert table["seconds"][3] == 120


def test_there_is_one_row_for_each_line_with_what_was_expected_and_what_came() -> None:
    result = rehearsed(spoiled())
    lines = result.lines[result.lines["case"] == "slot in the first sentence"]

    said = lines[lines["what"] == "line"]
    assert list(said["speaker"]) == [
        *("FLOW", "PROMPT", "CUSTOMER", "BOT", "PROMPT", "CUSTOMER", "FLOW")
    ]
    (wrong,) = lines[lines["ok"] == False].to_dict("records")  # noqa: E712 - pandas'
    assert (wrong["number"], wrong["expected"], wrong["actual"]) == (
        4,
        "Order AB1234 is <lost> & gone.",
        "Order AB1234 left our warehouse.",
    )
    assert {"end", "attribute lastOrder"} <= set(lines["what"])


def test_tables_of_no_rows_have_the_same_columns() -> None:
    empty, full = RegressionResult("f", []), rehearsed()

    assert list(empty.table.dtypes) == list(full.table.dtypes)
    assert list(empty.lines.dtypes) == list(full.lines.dtypes)
    assert list(empty.coverage.dtypes) == list(full.coverage.dtypes)


def test_failures_are_raised_with_both_side_by_side() -> None:
    with pytest.raises(CasesFailedError) as error:
        rehearsed(spoiled()).raise_for_failures()

    assert isinstance(error.value, AssertionError)
    told = str(error.value)
    assert "4 of 5 cases as expected" in told
    assert "slot in the first sentence" in told
    assert "  ! BOT: Order AB1234 left our warehouse." in told
    assert "slot asked for" not in told


def test_junit_xml_has_a_test_for_each_case(tmp_path: Path) -> None:
    path = tmp_path / "new" / "junit.xml"
    rehearsed(spoiled()).to_junit(path)
    root = ET.parse(path).getroot()  # noqa: S314 - our own

    (suite,) = root.findall("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("5", "1", "0")
    tests = {str(test.get("name")): test for test in suite.findall("testcase")}
    failed = [name for name, test in tests.items() if test.find("failure") is not None]
    assert failed == ["slot in the first sentence"]
    assert tests["queue is full"].get("classname") == "order-status-bot"
    assert "is <lost> & gone." in str(tests[failed[0]].findtext("failure"))


def test_a_flow_may_say_what_no_file_can_hold(tmp_path: Path) -> None:
    odd = r"Welcome \u001b[31m \u0000 \u000b ]]> to Example Shop."
    flow = FLOW.read_text("utf-8").replace("Welcome to Example Shop.", odd)
    (tmp_path / "flow.json").write_text(flow, "utf-8")
    cases = read_cases(FLOWS / "cases.csv")
    result = rehearse_cases(cases, connect=tmp_path / "flow.json", world=WORLD)

    result.to_junit(tmp_path / "junit.xml")
    root = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314 - our own
    assert root.get("failures") == "5"
    assert result.lines["actual"][0].startswith("Welcome")
    result.difference.encode()
    result.coverage_mermaid().encode()
    ET.fromstring(result.coverage_svg().encode())  # noqa: S314 - our own
    assert len(result.table) == 5


def test_a_customer_who_does_what_nobody_can_do_fails_alone() -> None:
    odd = Case(name="odd", script=Script(customer=(7,)), end=ExpectedEnd(state="ended"))
    good = read_cases(FLOWS / "cases.csv")
    table = rehearse_cases([odd, *good], connect=FLOW, world=WORLD).table

    assert list(table["passed"]) == [False, *[True] * 5]
    assert "it cannot be played: ValueError" in table["difference"][0]


def test_halves_of_characters_that_came_from_anywhere_are_replaced() -> None:
    said = Compared(speaker="FLOW", expected="\ud800", actual="a \udfff", ok=False)
    case = Case(name="odd", script=Script())
    result = RegressionResult("f", [CaseResult(case=case, happened=None, compared=(said,))])

    assert list(result.lines["actual"]) == ["a \ufffd"]
    assert "a \ufffd" in result.table["difference"][0]
    assert "a \ufffd" in result.difference


def test_a_result_can_be_pickled() -> None:
    result = rehearsed(spoiled())
    again = pickle.loads(pickle.dumps(result))  # noqa: S301 - our own bytes

    pd.testing.assert_frame_equal(again.lines, result.lines)
    pd.testing.assert_frame_equal(again.coverage, result.coverage)
    assert again.coverage_svg() == result.coverage_svg()


def test_it_shows_itself_in_a_notebook_with_markup_escaped() -> None:
    shown = rehearsed(spoiled())._repr_html_()

    assert "4 of 5 cases as expected" in shown
    assert "is &lt;lost&gt; &amp; gone." in shown


def test_a_rehearsal_gives_the_same_each_time() -> None:
    first, second = rehearsed(spoiled()), rehearsed(spoiled())

    pd.testing.assert_frame_equal(first.lines, second.lines)
    pd.testing.assert_frame_equal(first.coverage, second.coverage)


def test_one_case_that_cannot_be_played_keeps_no_other_from_being_played() -> None:
    table = spoiled()
    table["world_patch"] = None
    table.loc[0, "world_patch"] = '{"queues": {"arn": {"capacity": "many"}}}'

    table = rehearsed(table).table
    assert "it cannot be played" in table["difference"][0]
    assert "capacity" in table["difference"][0]
    assert list(table["passed"]) == [False, True, True, True, False]


def test_a_local_connect_with_flow_files_is_rehearsed_without_being_started() -> None:
    local = LocalConnect(flow_files=[FLOW], world=WORLD)
    result = rehearse_cases(read_cases(FLOWS / "cases.csv"), connect=local)

    assert result.difference == ""
    assert local.contacts == []


@pytest.mark.parametrize(
    ("connect", "world", "said"),
    [
        pytest.param("nowhere.json", None, "nowhere.json", id="no file"),
        pytest.param(FLOWS / "order.bot.json", None, "order.bot.json", id="no flow"),
        pytest.param(FLOW, "nowhere.json", "nowhere.json", id="no world"),
        pytest.param("survey", None, "connect is a str", id="a name"),
        pytest.param("x" * 10_000, None, "connect is a str", id="a long name"),
        pytest.param(7, None, "connect is a int", id="a number"),
        pytest.param(LocalConnect(), None, "is a script of this package", id="no flow files"),
        pytest.param(
            LocalConnect(flow_files=[FLOW], world=WORLD), WORLD, "has its own", id="two worlds"
        ),
    ],
)
def test_what_cannot_be_rehearsed_is_told_before_anything_is_played(
    connect: Any, world: Any, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        rehearse_cases(read_cases(FLOWS / "cases.csv"), connect=connect, world=world)


def test_what_is_wrong_with_flow_and_world_is_told_at_once() -> None:
    with pytest.raises(InputError) as error:
        rehearse_cases(
            read_cases(FLOWS / "cases.csv"),
            connect=FLOWS / "order.bot.json",
            world=FLOWS / "cases.csv",
        )

    assert "order.bot.json" in str(error.value)
    assert "cases.csv" in str(error.value)
