"""The file of settings: found, read and checked; what is wrong is told by line and column."""

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from connect_tasks.aws.problems import Problem, problems
from connect_tasks.command_line import toml_positions
from connect_tasks.command_line.file_paths import counted_from
from connect_tasks.command_line.overrides import overridden, typed_flags, typed_settings
from connect_tasks.command_line.secret_settings import (
    holds_secret_url,
    secret_names,
    way_of_secret,
)
from connect_tasks.command_line.settings import Settings
from connect_tasks.errors import InputError

__all__ = ["FILE_NAME", "SettingsText", "find_settings", "read_settings"]

FILE_NAME = "connect-tasks.toml"
"""What the file is called."""

_LARGEST = 1_000_000
_PLACE = re.compile(r"^(.*?) ?\(at line (\d+), column (\d+)\)$", re.DOTALL)
_END = re.compile(r"^(.*?) ?\(at end of document\)$", re.DOTALL)


class SettingsText:
    """A file of settings as it was written: its fields, and where each of them stands.

    Args:
        path: The file; None for none, which has no fields.

    Raises:
        InputError: It cannot be read, or is no TOML; it says where.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._text = "" if path is None else _text_of(path)
        self.fields = {} if path is None else _fields_of(path, self._text)

    def place(self, path: Sequence[str | int]) -> str:
        """Where a setting stands, as `connect-tasks.toml:3:1`; or the table that it is missing in.

        Args:
            path: The setting, by its names and numbers.
        """
        if self.path is None:
            return ""
        found = toml_positions.positions(self._text)
        known = _known_part(path, found)
        if not known:
            return str(self.path)
        line, column = found[known]
        return f"{self.path}:{line}:{column}"


def find_settings(config: Path | None, folder: Path) -> Path | None:
    """The file of settings that is meant: the one that is named, else the one in a folder.

    None above it: which settings hold is never a surprise, and what a person types counts from
    where they are.

    Args:
        config: What was named.
        folder: Where one is.

    Raises:
        InputError: The one that was named is not there.
    """
    if config is not None:
        if not config.is_file():
            raise InputError(
                f"There is no file {str(config)!r}: give the settings' path with --config, or "
                "write one with `connect-tasks init`."
            )
        return config
    found = folder / FILE_NAME
    # As it would be typed: errors name it.
    return (Path(FILE_NAME) if folder == Path.cwd() else found) if found.is_file() else None


def read_settings(
    config: Path | None = None,
    pairs: Iterable[str] = (),
    flags: Mapping[str, Any] | None = None,
    *,
    folder: Path | None = None,
) -> Settings:
    """The settings that hold: the file's, over them what `--set` says, over both what flags say.

    Paths in the file count from its folder, and so does the ledger that it leaves out, unless the
    environment has one; what was typed counts from where one is.

    Args:
        config: The file; `connect-tasks.toml` in the folder if None, and none is needed.
        pairs: What `--set` says, each as `KEY=VALUE`.
        flags: What a command's flags say, by setting, as `campaign.name`.
        folder: Where to look for the file; where the process is if None.

    Raises:
        InputError: The file cannot be read, a secret was typed, or a setting breaks a rule: all
            that is wrong is said, each with its place.
    """
    typed = typed_settings(pairs) | typed_flags(flags or {})
    text = SettingsText(find_settings(config, Path.cwd() if folder is None else folder))
    fields = text.fields if text.path is None else counted_from(text.path.parent, text.fields)
    whole = overridden(fields, typed)
    try:
        return Settings.model_validate(whole)
    except ValidationError as error:
        raise InputError("\n".join(_lines(error, text, typed))) from None


def _lines(
    error: ValidationError, text: SettingsText, typed: Mapping[tuple[str, ...], Any]
) -> Iterator[str]:
    details = error.errors(include_url=False, include_context=False)
    for detail, problem in zip(details, problems(error), strict=True):
        loc = detail["loc"]
        where = _typed_place(loc, typed, text.fields) or text.place(loc)
        told = _without_secrets(problem, loc, detail["input"])
        yield f"{where}: {told}" if where else told


def _typed_place(
    loc: tuple[str | int, ...], typed: Mapping[tuple[str, ...], Any], fields: Mapping[str, Any]
) -> str:
    """What was typed is not in the file: its place is the command line.

    So is that of a table which is there only as something in it was typed.
    """
    tables = {path[:depth] for path in typed for depth in range(1, len(path) + 1)}
    known = _known_part(loc, tables)
    is_typed = any(known[: len(path)] == path for path in typed)
    is_made = bool(known) and not _is_in(known, fields)
    return "command line" if is_typed or is_made else ""


def _is_in(path: Sequence[str | int], fields: Any) -> bool:
    for name in path:
        if not isinstance(fields, Mapping) or name not in fields:
            return False
        fields = fields[name]
    return True


def _known_part(
    loc: Sequence[str | int], known: Collection[tuple[str | int, ...]]
) -> tuple[str | int, ...]:
    """As much of a place as is there; what a model adds to it, such as a type's name, is not."""
    part: tuple[str | int, ...] = ()
    for name in loc:
        if (*part, name) in known:
            part = (*part, name)
    return part


def _without_secrets(problem: Problem, loc: tuple[str | int, ...], value: object) -> str:
    if secret := secret_names(loc):
        hidden = Problem(problem.field, "(hidden)", problem.rule)
        return f"{hidden}; a secret stays out of this file: {way_of_secret(secret[0])}."
    if holds_secret_url(value):
        return f"{Problem(problem.field, '(hidden)', problem.rule)}."
    return f"{problem}."


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            read = file.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    if len(read) > _LARGEST:
        raise InputError(f"{path} is larger than 1 MB: give a file of settings.")
    try:
        return read.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = read[: error.start].count(b"\n") + 1
        raise InputError(f"{path}:{line}: this is not UTF-8; save the file as UTF-8.") from None


def _fields_of(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise InputError(f"{path}: too deeply nested; mend it there.") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(_syntax(path, text, str(error))) from None


def _syntax(path: Path, text: str, said: str) -> str:
    if found := _PLACE.match(said):
        return f"{path}:{found[2]}:{found[3]}: no TOML: {found[1]}. Mend it there."
    end = _END.match(said)
    last = text.count("\n") + 1
    return f"{path}:{last}: no TOML: {end[1] if end else said}. Mend it there."
