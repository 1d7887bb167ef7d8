"""A small file of the contacts that have ended, so that a restart does not start them anew."""

import json
import logging
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from connect_tasks.emulator.instance.ended import EndedContact

__all__ = ["EndedContacts"]

_log = logging.getLogger(__name__)
_TIMES = ("started_at", "connected_at", "ended_at")


class EndedContacts:
    """One line of JSON for each contact that has ended: its id, its times, and why it ended.

    The file is made for its owner alone. A last line that was cut short, as by a kill, is dropped.

    Args:
        path: The file; it is made where there is none. With None nothing is kept.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self) -> list[EndedContact]:
        """Every contact in the file, in order of their end.

        Raises:
            OSError: The file cannot be read or written.
            ValueError: It holds something else.
        """
        if self._path is None:
            return []
        with _open(self._path) as file:
            whole, _, _cut = file.read().rpartition("\n")
            file.truncate(len(f"{whole}\n".encode()) if whole else 0)
        lines = whole.split("\n") if whole else []
        return [self._parse(line, number) for number, line in enumerate(lines, 1)]

    def add(self, ended: EndedContact) -> None:
        """Note down one contact; a file that cannot be written is logged, and harms no chat."""
        if self._path is None:
            return
        times = {name: getattr(ended, name) for name in _TIMES}
        members = {
            "contact_id": ended.contact_id,
            **{name: time.isoformat() for name, time in times.items() if time},
            "disconnect_reason": ended.disconnect_reason,
        }
        try:
            with _open(self._path) as file:
                file.write(json.dumps(members) + "\n")
        except OSError as error:
            _log.warning("Cannot write %s: %s", self._path, error.strerror)

    def _parse(self, line: str, number: int) -> EndedContact:
        try:
            return _ended(json.loads(line))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            what = "is not a contact that ended; name another file, or delete this one"
            raise ValueError(f"{self._path}: line {number}: {what}.") from error


def _open(path: Path) -> TextIO:
    file = os.fdopen(
        os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "a+", encoding="utf-8"
    )
    file.seek(0)
    return file


def _ended(members: Mapping[str, Any]) -> EndedContact:
    times = {name: _moment(members.get(name)) for name in _TIMES}
    return EndedContact(**{**members, **times})


def _moment(text: str | None) -> datetime | None:
    moment = datetime.fromisoformat(text) if text is not None else None
    if moment is not None and moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment
