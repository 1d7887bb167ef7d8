"""The app: which commands there are, and how each of them ends.

A command is a function that returns an `Outcome`. What it raises becomes a sentence, an exit code
and, with `--json`, a document. Its module is loaded when it is called, or asked for help.
"""

import shlex
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError, Group, UnusedCliTokensError, ValidationError

from connect_tasks.command_line.exit_codes import ExitCode, code_of_error
from connect_tasks.command_line.outcome import Outcome
from connect_tasks.command_line.output import Output, drop_output
from connect_tasks.errors import ConnectTasksError

__all__ = ["COMMANDS", "PROGRAM", "Command", "main", "make_app", "run_process"]

PROGRAM = "connect-tasks"

# As cyclopts reads them.
_NO = frozenset({"no", "n", "0", "false", "f"})

_BEGIN = Group("Begin", sort_key=1)
_CONTACT = Group("Contact customers", sort_key=2)
_LOOK = Group("Look after campaigns", sort_key=3)
_PEOPLE = Group("Leave people alone", sort_key=4)
_TEST = Group("Try things", sort_key=5)


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Args:
        name: As it is typed.
        where: Its function, as `module:function` in `connect_tasks.command_line.commands`.
        help: What it does, in a line.
        group: Beside which others it is listed.
        passes_words_on: Whether something else reads the words behind its name, `--help` too.
        goes_on: Whether it goes on, once it was stopped, where it was.
    """

    name: str
    where: str
    help: str
    group: Group
    passes_words_on: bool = False
    goes_on: bool = True


COMMANDS = (
    Command("init", "init:init", "Write a project: settings, a sample table, a flow.", _BEGIN),
    Command("check", "check:check", "Say what is missing for a campaign.", _BEGIN),
    Command("completion", "completion:completion", "Make a shell complete commands.", _BEGIN),
    Command("run", "run:run", "Contact every customer of a table once.", _CONTACT),
    Command("dry-run", "run:dry_run", "Say what `run` would do; nothing is sent.", _CONTACT),
    Command("invite", "invite:invite", "Issue a personal link to each customer.", _CONTACT),
    Command(
        "text-out",
        "text_out:text_out",
        "Write to each customer on their phone (experimental).",
        _CONTACT,
    ),
    Command("serve", "invite:serve", "Serve the links, until Ctrl-C.", _CONTACT),
    Command("collect", "campaigns:collect", "Bring in what people said.", _CONTACT),
    Command("campaigns", "campaigns:campaigns", "List the campaigns of a ledger.", _LOOK),
    Command("status", "campaigns:status", "Show how a campaign stands.", _LOOK),
    Command("pause", "campaigns:pause", "Start no more chats; hold the open ones.", _LOOK),
    Command("resume", "campaigns:resume", "Go on with a campaign; no table is needed.", _LOOK),
    Command("stop", "campaigns:stop", "Start no more chats, and close the open ones.", _LOOK),
    Command("withdraw", "people:withdraw", "Take customers out of a campaign.", _PEOPLE),
    Command("forget", "people:forget", "Take customers out of the ledger.", _PEOPLE),
    Command("suppress", "people:suppress", "Put customers on a list of no contact.", _PEOPLE),
    Command(
        "local",
        "local:local",
        "Serve a local Amazon Connect.",
        _TEST,
        passes_words_on=True,
        goes_on=False,
    ),
    Command(
        "chat",
        "chat:chat",
        "Be the customer oneself, in a chat on this machine.",
        _TEST,
        goes_on=False,
    ),
    Command(
        "regression",
        "regression:regression",
        "Play cases with a contact flow.",
        _TEST,
        goes_on=False,
    ),
)
"""All commands, in the order in which they are listed."""


def make_app() -> App:
    """The app, with all commands; none of their modules is loaded yet."""
    app = App(
        name=PROGRAM,
        help="Turn a table of customers into Amazon Connect chats, and bring the answers back.",
        help_epilogue="Settings are read from `connect-tasks.toml`; `init` writes one.",
        version=lambda: version("connect-tasks"),
        help_format="markdown",
        help_flags=("--help", "-h"),
        version_flags=("--version",),
        group_commands=_CONTACT,
    )
    for order, one in enumerate(COMMANDS):
        where = f"connect_tasks.command_line.commands.{one.where}"
        own = {"help_flags": (), "version_flags": ()} if one.passes_words_on else {}
        app.command(where, name=one.name, help=one.help, group=one.group, sort_key=order, **own)
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, and return the exit code.

    Args:
        argv: The words behind the program's name; those of the process if None.

    Returns:
        The exit code; `connect_tasks.command_line.exit_codes.MEANINGS` has what each means.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    output = _output_for(words)
    try:
        with output.listening():
            outcome = _called(words)
            if outcome is not None:
                output.give(outcome)
        return int(outcome.code if outcome else ExitCode.DONE)
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - told, by its kind
        return int(_told(error, output, words))


def run_process() -> None:
    """Run the process's command, and end the process with its exit code."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # Of what is printed on the way, as help is.
        drop_output()
        code = ExitCode.DONE
    sys.exit(int(code))


def _called(words: Sequence[str]) -> Outcome | None:
    command, bound, _ = make_app().parse_args(
        words, print_error=False, exit_on_error=False, help_on_error=False
    )
    returned: Any = command(*bound.args, **bound.kwargs)
    return returned if isinstance(returned, Outcome) else None


def _output_for(words: Sequence[str]) -> Output:
    """Before anything is parsed: also what is wrong with the words is told as they say."""
    given = words[: words.index("--")] if "--" in words else words
    names = [word for word in given if not word.startswith("-")]
    return Output(
        command=names[0] if names else "",
        json=_is_said(given, "--json"),
        quiet=_is_said(given, "--quiet", "-q"),
        verbose=_is_said(given, "--verbose", "-v"),
    )


def _is_said(words: Sequence[str], *flags: str) -> bool:
    """A flag may have a value behind it, as in `--json=true`; the last one counts."""
    pairs = (word.partition("=") for word in words)
    said = [value.lower() for flag, _, value in pairs if flag in flags]
    return bool(said) and said[-1] not in _NO


def _told(error: BaseException, output: Output, words: Sequence[str]) -> ExitCode:
    match error:
        case KeyboardInterrupt():
            text = _stopped(output.command, shlex.join([PROGRAM, *words]))
            code = ExitCode.INTERRUPTED
        case UnusedCliTokensError():
            # Not repeated: they may be of customers.
            count = len(error.unused_tokens or ())
            text = f"{count} words too many for this command. ({PROGRAM} {output.command} --help)"
            code = ExitCode.INPUT
        case ValidationError():
            # Without what was typed, for the same reason.
            text = f"{error.exception_message}. ({PROGRAM} {output.command} --help)"
            code = ExitCode.INPUT
        case CycloptsError():
            text, code = f"{_one_line(str(error))} ({PROGRAM} --help)", ExitCode.INPUT
        case ConnectTasksError():
            text, code = str(error), code_of_error(error)
        case _:
            text, code = _unexpected(error), ExitCode.BROKEN
    if output.verbose and code is ExitCode.BROKEN:
        traceback.print_exception(error)
    output.fail(code, {"type": type(error).__name__, "message": text}, text)
    return code


def _stopped(command: str, again: str) -> str:
    if any(one.name == command and not one.goes_on for one in COMMANDS):
        return f"Stopped, and another call begins anew: {again}"
    return f"Stopped. Nothing is lost, and nobody is contacted twice. To go on: {again}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _unexpected(error: BaseException) -> str:
    """Where it was raised, and not what it says: that may be a customer's."""
    frames = traceback.extract_tb(error.__traceback__)
    last = next((frame for frame in reversed(frames) if "connect_tasks" in frame.filename), None)
    where = f" in {Path(last.filename).name}, line {last.lineno}" if last else ""
    return (
        f"Something that connect-tasks did not expect: {type(error).__name__}{where}. With "
        "--verbose all frames are shown."
    )
