"""The app: how each command ends, what is printed where, and how little is loaded for it."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.command_line import app
from connect_tasks.command_line.app import COMMANDS, Command, main
from connect_tasks.command_line.exit_codes import ExitCode
from connect_tasks.command_line.options import Given, Options
from connect_tasks.command_line.outcome import Outcome
from connect_tasks.errors import InputError

HEAVY = {"boto3", "pandas", "prefect", "sqlalchemy", "starlette", "uvicorn"}
ROOM = "connect_tasks.command_line.commands"


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Outcome]], None]:
    """Make `try` a command that does what a test wants."""

    def register(does: Callable[[], Outcome]) -> None:
        def command(_: str = "", /, *, options: Given = None) -> Outcome:
            (options or Options()).output.say("on the way")
            return does()

        module = import_module(f"{ROOM}.run")
        monkeypatch.setattr(module, "tried", command, raising=False)
        one = Command("try", "run:tried", "Try.", COMMANDS[0].group)
        monkeypatch.setattr(app, "COMMANDS", (*COMMANDS, one))

    return register


def raising(error: BaseException) -> Callable[[], Outcome]:
    def does() -> Outcome:
        raise error

    return does


def loaded_by(*words: str) -> set[str]:
    code = (
        "import sys\nfrom connect_tasks.command_line.app import main\n"
        f"assert main({list(words)!r}) == 0\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return set(done.stderr.decode().split())


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["run", "--help"]])
def test_help_loads_nothing_that_is_slow(words: list[str]) -> None:
    assert HEAVY.isdisjoint(loaded_by(*words))


@pytest.mark.parametrize("one", COMMANDS, ids=lambda one: str(one.name))
def test_every_command_is_there_and_says_what_it_does(one: Command) -> None:
    module, _, name = one.where.partition(":")
    function = getattr(import_module(f"{ROOM}.{module}"), name)

    assert function.__doc__
    assert one.help.endswith(".")


def test_each_command_is_listed_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == ExitCode.DONE

    shown = capsys.readouterr().out
    assert [one.name for one in COMMANDS if f" {one.name} " not in shown] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["rnu", "customers.csv"], "run"),
        (["run"], "TABLE"),
        (["run", "a.csv", "--sav-to", "x"], "--save-to"),
        (["serve", "--port", "many"], "port"),
        (["run", "a.csv", "--when-deferred", "later"], "wait"),
    ],
)
def test_words_that_cannot_be_used_are_told_in_a_sentence(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == ExitCode.INPUT

    shown = capsys.readouterr()
    assert shown.out == ""
    assert says in shown.err
    assert len(shown.err.splitlines()) == 1


def test_words_too_many_are_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["withdraw", "ids.csv", "0042", "Ada", "--json"]) == ExitCode.INPUT

    shown = capsys.readouterr()
    assert "2 words too many" in shown.err
    assert "Ada" not in shown.out + shown.err


def test_text_goes_out_and_what_is_said_on_the_way_to_standard_error(
    command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(lambda: Outcome(text="3 contacted", code=ExitCode.LOOK))

    assert main(["try"]) == ExitCode.LOOK
    assert capsys.readouterr() == ("3 contacted\n", "on the way\n")
    assert main(["try", "-q"]) == ExitCode.LOOK
    assert capsys.readouterr() == ("3 contacted\n", "")


def test_with_json_there_is_one_document(
    command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(lambda: Outcome(text="3 contacted", document={"started": 3}))

    assert main(["try", "--json"]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    assert document == {"command": "try", "outcome": "done", "exit_code": 0, "started": 3}


def test_an_error_is_a_sentence_and_with_json_a_document_too(
    command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(raising(InputError("The table is empty.")))

    assert main(["try", "--json"]) == ExitCode.INPUT
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {
        "command": "try",
        "outcome": "input",
        "exit_code": 2,
        "error": {"type": "InputError", "message": "The table is empty."},
    }
    assert "The table is empty." in shown.err
    assert "Traceback" not in shown.err


def test_what_was_not_expected_is_told_without_what_it_says(
    command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(raising(ValueError("Ada Lovelace, +44 20 7946 0000")))

    assert main(["try", "--json"]) == ExitCode.BROKEN
    shown = capsys.readouterr()
    assert "Ada" not in shown.out + shown.err
    assert "ValueError" in json.loads(shown.out)["error"]["message"]


@pytest.mark.parametrize(
    ("flags", "is_json"),
    [
        (["--json=true"], True),
        (["--json=yes"], True),
        (["--json=false"], False),
        (["--json", "--json=no"], False),
        (["--", "--json"], False),
    ],
)
def test_a_flag_with_a_value_is_read_as_it_is_meant_also_where_something_is_wrong(
    flags: list[str], *, is_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "a.csv", "--sav-to", "x", *flags]) == ExitCode.INPUT

    out = capsys.readouterr().out
    assert (json.loads(out)["exit_code"] if is_json else out) == (2 if is_json else "")


@pytest.mark.parametrize("name", ["chat", "regression"])
def test_ctrl_c_promises_nothing_where_nothing_is_kept(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "_called", stopped)
    assert main([name]) == ExitCode.INTERRUPTED
    said = capsys.readouterr().err
    assert "Nothing is lost" not in said
    assert f"begins anew: connect-tasks {name}" in said


def test_ctrl_c_says_how_to_go_on(
    command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(raising(KeyboardInterrupt()))

    assert main(["try", "a table.csv"]) == ExitCode.INTERRUPTED
    assert "To go on: connect-tasks try 'a table.csv'\n" in capsys.readouterr().err


def test_logs_and_the_environment_are_as_before(
    command: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_LOGGING_LEVEL", raising=False)
    log = logging.getLogger("connect_tasks")
    before = (log.level, log.propagate, list(log.handlers))
    seen: list[Any] = []

    def looks() -> Outcome:
        seen.append((log.level, os_level()))
        return Outcome()

    command(looks)

    for words in (["try"], ["try", "-q"], ["try", "-v"]):
        main(words)

    assert seen == [(30, "WARNING"), (40, "ERROR"), (20, "INFO")]
    assert (log.level, log.propagate, list(log.handlers)) == before
    assert os_level() is None


def os_level() -> str | None:
    return os.environ.get("PREFECT_LOGGING_LEVEL")


def test_whoever_has_read_enough_is_no_error(tmp_path: Path) -> None:
    code = "from connect_tasks.command_line.app import run_process; run_process()"
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as pipe:  # noqa: PTH123 - it has no path
        done = subprocess.run(
            [sys.executable, "-c", code, "rnu", "--json"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            check=False,
        )

    # What it came to is the same, whoever reads it.
    assert done.returncode == ExitCode.INPUT
    assert len(done.stderr.splitlines()) == 1
