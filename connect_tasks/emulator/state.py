"""A folder that remembers an instance over a restart: its seed, what is open, what has ended."""

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from pydantic import TypeAdapter, ValidationError

from connect_tasks.emulator.instance.ended import EndedContact
from connect_tasks.emulator.instance.started import IssuedConnection, StartedContact
from connect_tasks.emulator.model.strict_json import read_json

__all__ = ["InstanceState", "Remembered"]

_log = logging.getLogger(__name__)

Line = StartedContact | IssuedConnection | EndedContact

_KINDS: dict[str, type[Line]] = {
    "started": StartedContact,
    "issued": IssuedConnection,
    "ended": EndedContact,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_ADAPTERS: dict[str, TypeAdapter[Line]] = {name: TypeAdapter(kind) for name, kind in _KINDS.items()}
_BEGINNING = '{"kind": "'


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a folder knows of the contacts before a restart.

    Attributes:
        ended: Those that have ended, in the order of their end.
        started: Those that are open, in the order of their start.
        issued: Connection information of those that are open.
    """

    ended: list[EndedContact] = field(default_factory=list)
    started: list[StartedContact] = field(default_factory=list)
    issued: list[IssuedConnection] = field(default_factory=list)


class InstanceState:
    """The state of one instance in a folder, one line of JSON for each thing that happens.

    Folder and files are for their owner alone. No token is in them: tokens follow from the seed.
    What StartChatContact was given is kept while a chat is open, and thrown away when the folder
    is read after its end. A last line that was cut short, as by a kill, is dropped.

    Args:
        folder: The folder; it is made where there is none. With None nothing is kept.
        seed: The seed that ids and tokens follow from; that of the folder if None, else 0.

    Attributes:
        seed: The seed.

    Raises:
        OSError: The folder cannot be read or written.
        ValueError: It was made with another seed, or holds something else.
    """

    def __init__(self, folder: Path | None, seed: int | None = None) -> None:
        self._path = folder / "contacts.jsonl" if folder else None
        self.seed = _kept_seed(folder, seed) if folder else seed or 0

    def read(self) -> Remembered:
        """All that is remembered; what is over and done with is thrown away for good.

        Raises:
            OSError: The folder cannot be read or written.
            ValueError: It holds something else.
        """
        if self._path is None:
            return Remembered()
        with _open(self._path) as file:
            *whole, cut = self._lines(file)
            lines = [self._parse(line, number) for number, line in enumerate(whole, 1)]
            if cut and not (cut.startswith(_BEGINNING) or _BEGINNING.startswith(cut)):
                # Whatever else a file without a last line break is, it is not ours to shorten.
                raise self._not_ours(len(whole) + 1)
        remembered = _sorted(lines)
        self._rewrite(self._path, remembered)
        return remembered

    def add(self, line: Line) -> None:
        """Note down what happened; a file that cannot be written is logged, and harms no chat."""
        if self._path is None:
            return
        try:
            with _open(self._path) as file:
                file.write(_written(line))
        except OSError as error:
            _log.warning("Cannot write %s: %s", self._path, error.strerror)

    def _rewrite(self, path: Path, remembered: Remembered) -> None:
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with _open(fresh) as file:
            kept: Iterator[Line] = iter(
                [*remembered.ended, *remembered.started, *remembered.issued]
            )
            file.writelines(map(_written, kept))
        fresh.replace(path)

    def _lines(self, file: TextIO) -> list[str]:
        try:
            return file.read().split("\n")
        except UnicodeDecodeError as error:
            raise self._not_ours(1) from error

    def _parse(self, line: str, number: int) -> Line:
        try:
            members = read_json(line)
            kind = members.pop("kind")
            return _ADAPTERS[kind].validate_python(members)
        except (ValidationError, ValueError, AttributeError, KeyError, TypeError) as error:
            raise self._not_ours(number) from error

    def _not_ours(self, number: int) -> ValueError:
        what = "is nothing that this has written; name another folder, or delete this one"
        return ValueError(f"{self._path}: line {number}: {what}.")


def _kept_seed(folder: Path, wanted: int | None) -> int:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "seed"
    with _open(path) as file:
        text = file.read().strip()
        if not text:
            file.write(f"{wanted or 0}\n")
            return wanted or 0
    if not text.removeprefix("-").isdecimal():
        raise ValueError(f"{path} holds no seed; name another folder, or delete this one.")
    if wanted is not None and wanted != int(text):
        raise ValueError(
            f"{folder} was made with the seed {int(text)}, which ids and tokens follow from: "
            "leave the seed out, or name another folder."
        )
    return int(text)


def _sorted(lines: list[Line]) -> Remembered:
    ended = {line.contact_id: line for line in lines if isinstance(line, EndedContact)}
    started = {line.contact_id: line for line in lines if isinstance(line, StartedContact)}
    is_open = started.keys() - ended.keys()
    return Remembered(
        list(ended.values()),
        [line for contact_id, line in started.items() if contact_id in is_open],
        [
            line
            for line in lines
            if isinstance(line, IssuedConnection) and line.contact_id in is_open
        ],
    )


def _written(line: Line) -> str:
    name = _NAMES[type(line)]
    # Plain ASCII: what was sent may hold halves of characters.
    members = {"kind": name, **_ADAPTERS[name].dump_python(line, mode="json")}
    return json.dumps(members) + "\n"


def _open(path: Path) -> TextIO:
    file = os.fdopen(
        os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "a+", encoding="utf-8"
    )
    file.seek(0)
    return file
