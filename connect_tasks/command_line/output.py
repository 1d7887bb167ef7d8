"""Output: results on standard output, all else on standard error.

With JSON there is one document on standard output, also where something fails. What is said while a
command works is for people, and goes to standard error.
"""

import io
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, TextIO

from connect_tasks.command_line.exit_codes import ExitCode
from connect_tasks.command_line.outcome import Outcome

__all__ = ["Output", "drop_output"]

_PACKAGE = "connect_tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How a command speaks.

    Args:
        command: Its name, for the document.
        json: One JSON document on standard output, in place of text.
        quiet: Nothing on standard error but errors.
        verbose: Also what is usual, on standard error.
    """

    command: str = ""
    json: bool = False
    quiet: bool = False
    verbose: bool = False

    def give(self, outcome: Outcome) -> None:
        """Print what a command came to."""
        if self.json:
            self._print_document(outcome.code, outcome.document)
        elif outcome.text:
            _print(outcome.text)

    def say(self, text: str) -> None:
        """Tell people something on the way; not where they asked for quiet."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def fail(self, code: ExitCode, error: Mapping[str, Any], text: str) -> None:
        """Say what is wrong: a sentence, and the same for programs.

        Args:
            code: How the process ends.
            error: The same for programs.
            text: The sentence. With `json` too, it goes to standard error.
        """
        print(text, file=sys.stderr, flush=True)
        if self.json:
            self._print_document(code, {"error": error})

    def _print_document(self, code: ExitCode, document: Mapping[str, Any]) -> None:
        whole = {
            "command": self.command,
            "outcome": code.name.lower(),
            "exit_code": int(code),
            **document,
        }
        _print(json.dumps(whole, ensure_ascii=False, indent=1, default=_plain))

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Show what the package logs, and bars on terminals, as it was asked for."""
        _never_fail(sys.stdout, "utf-8" if self.json else None)
        _never_fail(sys.stderr, None)
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        log = logging.getLogger(_PACKAGE)
        was = log.level, log.propagate
        log.addHandler(handler)
        log.setLevel(self._level)
        log.propagate = False
        try:
            with _environment(self._settings()):
                yield
        finally:
            log.removeHandler(handler)
            log.setLevel(was[0])
            log.propagate = was[1]

    @property
    def _level(self) -> int:
        if self.quiet:
            return logging.ERROR
        return logging.INFO if self.verbose else logging.WARNING

    def _settings(self) -> Mapping[str, str]:
        """For libraries that are not loaded yet: how much they say; and bars, which rich draws."""
        level = {"PREFECT_LOGGING_LEVEL": logging.getLevelName(self._level)}
        # In rich: no terminal, whatever standard error is.
        return level | ({"TTY_COMPATIBLE": "0"} if self.quiet else {})


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """What the user has set stays."""
    new = {name: value for name, value in settings.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


def _print(text: str) -> None:
    """How a command ends is up to what it did, and not to how much of it somebody reads."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        drop_output()


def drop_output() -> None:
    """Whoever reads has seen enough; Python would complain once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _plain(value: Any) -> Any:
    """A value that JSON has no form for."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return str(value)
    # A number of numpy's; or pandas' missing value, which is no text.
    return value.item() if hasattr(value, "item") else None


def _never_fail(stream: TextIO, encoding: str | None) -> None:
    """What a terminal cannot show is shown as an escape: in JSON, too, that is what it says."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding=encoding or stream.encoding, errors="backslashreplace")
