"""Plays files of expected conversations: `python -m connect_tasks.testing`."""

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from shutil import get_terminal_size
from typing import TextIO

from connect_tasks.emulator.flows.exported.problems import FlowFileError
from connect_tasks.testing.comparison import WIDTH, side_by_side
from connect_tasks.testing.expected_file import ExpectedFile, read_expected
from connect_tasks.testing.expected_run import PlayedConversation, play_file

__all__ = ["main"]

_WIDEST = 160
_AS_EXPECTED, _DIFFERENT, _UNUSABLE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Play every conversation of the files that are named, and say what came of it.

    Args:
        argv: The command line's words; this process's own if None.

    Returns:
        0 if all is as expected, 1 if something is not, 2 if a file or conversation cannot be
        used; all others are played all the same.
    """
    arguments = _arguments(argv)
    _never_fail(sys.stdout, "utf-8" if arguments.json else None)
    _never_fail(sys.stderr, None)
    played: list[PlayedConversation] = []
    is_usable = True
    for path in arguments.files:
        file = read_expected(path)
        problems = list(file.problems) or _play(file, played, is_told=not arguments.json)
        is_usable &= not problems
        print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    if arguments.json:
        print(json.dumps([one.record() for one in played], ensure_ascii=False, indent=1))
    else:
        print(_summary(played))
    if not is_usable:
        return _UNUSABLE
    return _AS_EXPECTED if all(one.ok for one in played) else _DIFFERENT


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m connect_tasks.testing",
        description="Plays conversations with an exported contact flow, and prints what happened "
        "beside what was expected.",
        epilog="Exit code: 0 all as expected, 1 differences, 2 a file that cannot be used.",
    )
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="FILE.expected.json", help="expected conversations"
    )
    parser.add_argument(
        "--json", action="store_true", help="print only what happened, as one JSON list"
    )
    return parser.parse_args(argv)


def _play(file: ExpectedFile, played: list[PlayedConversation], *, is_told: bool) -> list[str]:
    """Play a file's conversations; what is wrong with it, or with any of them."""
    problems: list[str] = []
    try:
        for one in _played(file, is_told=is_told):
            played.append(one)
            problems += one.problems
            if is_told:
                print(*_told(file, one), sep="\n", end="\n\n")
    except FlowFileError as error:
        return [f"{file.path}: {problem}" for problem in error.problems]
    return problems


def _played(file: ExpectedFile, *, is_told: bool) -> Iterator[PlayedConversation]:
    if is_told:
        return play_file(file, on_warnings=_note)
    # What a function of the user's prints would be no JSON.
    with redirect_stdout(sys.stderr):
        return iter(list(play_file(file)))


def _note(warnings: Sequence[str]) -> None:
    print(*(f"note: {warning}" for warning in warnings), sep="\n", end="\n" if warnings else "")


def _told(file: ExpectedFile, one: PlayedConversation) -> Iterator[str]:
    verdict = "as expected" if one.ok else "DIFFERENT"
    if one.problems:
        verdict = "NOT PLAYED"
    yield f"{verdict}: {file.path.name}: {one.name}"
    if one.compared:
        yield side_by_side(one.compared, width=min(get_terminal_size((WIDTH, 0)).columns, _WIDEST))
    yield from (f"  {problem}" for problem in one.problems)
    if one.happened is not None:
        yield from (f"  note: {warning}" for warning in one.happened.warnings)


def _summary(played: Sequence[PlayedConversation]) -> str:
    as_expected = sum(one.ok for one in played)
    return f"{as_expected} of {len(played)} conversations as expected."


def _never_fail(stream: TextIO, encoding: str | None) -> None:
    """What a terminal cannot show is shown as an escape: in JSON, too, that is what it says."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding=encoding or stream.encoding, errors="backslashreplace")


def _run() -> int:
    try:
        return main()
    except BrokenPipeError:
        # Whoever reads has seen enough; Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _DIFFERENT


if __name__ == "__main__":
    sys.exit(_run())
