from pathlib import Path
from typing import Any

import pytest

from connect_tasks.emulator.flows.python_functions import PythonFunctions
from connect_tasks.emulator.flows.rehearsal import rehearse
from connect_tasks.emulator.flows.steps import Invoke
from connect_tasks.emulator.flows.world.world import FunctionAnswer, World
from tests.unit.emulator.flows.run.building import FUNCTION, flow, invoke, said, say, tells

CODE = """
import sys, time
from pathlib import Path
with Path(__file__).with_suffix(".log").open("a") as log:
    log.write("loaded ")
calls = []

def echo(event, context):
    return event

def count(event, context):
    calls.append(1)
    return len(calls)

def spoil(event, context):
    event["Details"].clear()
    return "done"

def about(event, context):
    left = context.get_remaining_time_in_millis()
    return [context.function_name, left, bool(context.aws_request_id)]

def fail(event, context):
    raise KeyError("k")

def leave(event, context):
    sys.exit(3)

def stop(event, context):
    raise KeyboardInterrupt

def hang(event, context):
    time.sleep(30)

def nothing(event, context):
    pass

def a_set(event, context):
    return {1, 2}

def a_byte(event, context):
    return b"x"

def itself(event, context):
    return itself

def not_a_number(event, context):
    return float("nan")

def in_a_circle(event, context):
    circle = []
    circle.append(circle)
    return circle

def deep(event, context):
    value = []
    for _ in range(100_000):
        value = [value]
    return value

def few():
    return {}

no_function = 3
"""


@pytest.fixture
def stubs(tmp_path: Path) -> Path:
    file = tmp_path / "stubs.py"
    file.write_text(CODE)
    return file


def call(file: Path, name: str, *, seconds: float = 30, functions: Any = None) -> Any:
    step = Invoke(1, f"{file}:{name}", {"Details": {"Parameters": {"k": "v"}}}, seconds)
    return (functions or PythonFunctions()).call(step)


def test_a_function_gets_the_event_and_its_answer_is_what_it_returns(stubs: Path) -> None:
    answer = call(stubs, "echo")
    assert answer == FunctionAnswer.model_validate(
        {"return": {"Details": {"Parameters": {"k": "v"}}}}
    )


def test_nothing_returned_is_null_and_no_failure(stubs: Path) -> None:
    answer = call(stubs, "nothing")
    assert (answer.fail, answer.returned) == (None, None)


def test_a_function_gets_the_little_of_lambdas_context(stubs: Path) -> None:
    assert call(stubs, "about", seconds=8).returned == ["about", 8000, True]


@pytest.mark.parametrize(
    "name",
    [
        "fail",
        "leave",
        "stop",
        "a_set",
        "a_byte",
        "itself",
        "not_a_number",
        "in_a_circle",
        "deep",
        "few",
        "no_function",
        "no_such_name",
        "",
    ],
)
def test_whatever_goes_wrong_in_a_function_is_its_failure(stubs: Path, name: str) -> None:
    assert call(stubs, name) == FunctionAnswer(fail="error")


@pytest.mark.parametrize("name", ["fail", "a_set", "few", "no_such_name"])
def test_a_failure_is_told_by_its_kind_and_line_and_not_by_what_it_says(
    stubs: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    call(stubs, name)
    kinds = {"fail": "KeyError", "no_such_name": "AttributeError"}
    line = CODE.split("\n").index('    raise KeyError("k")') + 1
    place = f"stubs.py, line {line}" if name == "fail" else "stubs.py"
    assert caplog.messages == [
        f"The function {name} of {place} failed: {kinds.get(name, 'TypeError')}"
    ]


def test_a_function_that_hangs_is_waited_for_only_as_long_as_the_flow_waits(stubs: Path) -> None:
    assert call(stubs, "hang", seconds=0.05) is None


@pytest.mark.parametrize("code", ["raise ValueError", "import no_such_module", "def (", "exit(1)"])
def test_a_file_that_cannot_be_loaded_is_a_failure_of_its_functions(
    tmp_path: Path, code: str
) -> None:
    file = tmp_path / "broken.py"
    file.write_text(code)
    assert call(file, "f") == FunctionAnswer(fail="error")


def test_a_file_that_is_not_there_or_no_python_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "stubs.txt").write_text("def f(event, context): return {}")
    assert call(tmp_path / "none.py", "f") == FunctionAnswer(fail="error")
    assert call(tmp_path / "stubs.txt", "f") == FunctionAnswer(fail="error")


def test_a_file_is_loaded_once_and_keeps_what_its_functions_remember(stubs: Path) -> None:
    functions = PythonFunctions()
    assert [call(stubs, "count", functions=functions).returned for _ in range(3)] == [1, 2, 3]
    assert stubs.with_suffix(".log").read_text() == "loaded "
    assert call(stubs, "count").returned == 1


def test_a_file_that_hangs_while_it_is_loaded_holds_up_no_other_file(
    stubs: Path, tmp_path: Path
) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text("import time\ntime.sleep(30)\ndef f(event, context): return {}")
    functions = PythonFunctions()
    assert call(slow, "f", seconds=0.05, functions=functions) is None
    assert call(stubs, "count", functions=functions).returned == 1


def test_whoever_calls_a_file_that_hangs_while_it_is_loaded_gives_up_after_their_own_time(
    tmp_path: Path,
) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text("import time\ntime.sleep(30)\ndef f(event, context): return {}")
    functions = PythonFunctions()
    assert call(slow, "f", seconds=0.05, functions=functions) is None
    answers: list[FunctionAnswer] = []
    later = [functions.begin(Invoke(n, f"{slow}:f", {}, 0.05), answers.append) for n in range(3)]
    for thread in later:
        thread.join(10)
    assert [thread for thread in later if thread.is_alive()] == []
    assert answers == [FunctionAnswer(fail="error")] * 3


def test_what_a_function_does_to_its_event_stays_with_it(stubs: Path) -> None:
    event: dict[str, Any] = {"Details": {"Parameters": {}}}
    PythonFunctions().call(Invoke(1, f"{stubs}:spoil", event, 30))
    assert event == {"Details": {"Parameters": {}}}


def played(stubs: Path, name: str, *, reached: bool = True, **options: Any) -> list[str]:
    around = World.model_validate({"lambdas": {FUNCTION: f"{stubs}:{name}"}})
    ok = say("$.External.Name$.External.Details.Parameters.k", "ok")
    first = invoke(
        ResponseValidation={"ResponseType": "JSON"},
        LambdaInvocationAttributes={"k": "$.Channel"},
        **options,
    )
    start = [] if reached else [say("before", to="end")]
    return said(rehearse(flow(*start, first, ok, tells("failed")), around))


def test_a_flow_goes_on_with_what_a_function_returns(stubs: Path) -> None:
    assert played(stubs, "echo") == ["ContactFlowEventCHAT"]


def test_a_flow_takes_the_error_branch_of_a_function_that_fails_or_hangs(stubs: Path) -> None:
    assert played(stubs, "fail") == ["failed"]
    assert played(stubs, "hang", seconds="1") == ["failed"]


def test_a_function_that_is_never_invoked_is_never_loaded(stubs: Path) -> None:
    assert played(stubs, "echo", reached=False) == ["before"]
    assert not stubs.with_suffix(".log").exists()
