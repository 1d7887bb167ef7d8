"""A small file of the contacts that have ended, so that a restart does not start them anew."""

import logging
import os
from pathlib import Path
from typing import TextIO

from pydantic import TypeAdapter, ValidationError

from connect_tasks.emulator.instance.ended import EndedContact

__all__ = ["EndedContacts"]

_log = logging.getLogger(__name__)
_CONTACT = TypeAdapter(EndedContact)
_BEGINNING = '{"contact_id":'


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
            *whole, cut = self._lines(file)
            ended = [self._parse(line, number) for number, line in enumerate(whole, 1)]
            if cut:
                self._check_cut(cut, len(whole) + 1)
                file.truncate(sum(len(f"{line}\n".encode()) for line in whole))
        return ended

    def add(self, ended: EndedContact) -> None:
        """Note down one contact; a file that cannot be written is logged, and harms no chat."""
        if self._path is None:
            return
        try:
            with _open(self._path) as file:
                file.write(_CONTACT.dump_json(ended).decode() + "\n")
        except OSError as error:
            _log.warning("Cannot write %s: %s", self._path, error.strerror)

    def _lines(self, file: TextIO) -> list[str]:
        try:
            return file.read().split("\n")
        except UnicodeDecodeError as error:
            raise self._not_ours(1) from error

    def _check_cut(self, cut: str, number: int) -> None:
        # Whatever else a file without a last line break is, it is not ours to shorten.
        if not (cut.startswith(_BEGINNING) or _BEGINNING.startswith(cut)):
            raise self._not_ours(number)

    def _parse(self, line: str, number: int) -> EndedContact:
        try:
            return _CONTACT.validate_json(line)
        except ValidationError as error:
            raise self._not_ours(number) from error

    def _not_ours(self, number: int) -> ValueError:
        what = "is not a contact that ended; name another file, or delete this one"
        return ValueError(f"{self._path}: line {number}: {what}.")


def _open(path: Path) -> TextIO:
    file = os.fdopen(
        os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "a+", encoding="utf-8"
    )
    file.seek(0)
    return file
