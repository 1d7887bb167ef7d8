"""Folders and globs: many files that are one table."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from pyarrow import fs

from connect_tasks.errors import InputError
from connect_tasks.tables.destinations import expanded
from connect_tasks.tables.files.sources import (
    SUFFIXES,
    explained,
    is_passed_over,
    is_uri,
    shown,
    suffix_of,
)

__all__ = ["Member", "is_in_store", "members"]

_WILD = re.compile(r"[*?\[]")
# What is in such folders is not the table, or not all of it.
_NOT_PLAIN = {
    "_delta_log": "a Delta Lake table, whose files also hold deleted rows: export it",
    ".hoodie": "a Hudi table, whose files also hold deleted rows: export it",
    "_temporary": "still being written to: wait until it is complete",
}
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a folder or glob.

    Args:
        source: Its path or URI.
        values: The columns that stand in its folders' names, as `country=DE`.
    """

    source: str = field(repr=False)
    values: Mapping[str, str | None]


def is_in_store(source: str) -> bool:
    """Whether a source is in S3."""
    return urlsplit(source).scheme == "s3"


def members(source: str, *, as_folder: bool = False) -> list[Member] | None:
    """The files of a folder or glob, in the order of their names.

    Args:
        source: A path, or a `file://` or `s3://` URI.
        as_folder: Whether it is known to be a folder.

    Returns:
        The files; None if the source is a single file.

    Raises:
        InputError: There are none, or what is there is no plain table.
    """
    with explained(source, shown(source)):
        place = _place(source)
        if place is None or not (as_folder or _is_many(place, source)):
            return None
        found = list(_members(place))
    if not found and not as_folder:
        raise InputError(f"{place.name!r} is a folder or glob without tables: check the path.")
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    """Where to look: a folder, and a pattern of what to take from it."""

    source: str
    name: str
    folder: str
    pattern: str

    def store(self) -> tuple[fs.FileSystem, str]:
        """The file system, and the folder in it."""
        if not is_in_store(self.source):
            return fs.LocalFileSystem(), self.folder
        uri = urlsplit(self.source)
        return fs.FileSystem.from_uri(uri._replace(path=quote(self.folder)).geturl())  # type: ignore[no-any-return]

    def source_of(self, path: str) -> str:
        """The source of a file that was found."""
        if not is_in_store(self.source):
            return path
        uri = urlsplit(self.source)
        return uri._replace(path=quote("/" + path.partition("/")[2])).geturl()


def _place(source: str) -> _Place | None:
    uri = urlsplit(source)
    if is_uri(uri) and uri.scheme not in {"file", "s3"}:
        return None
    path = unquote(uri.path) if is_uri(uri) else str(expanded(source))
    name = shown(source)
    wild = None if Path(path).exists() and uri.scheme != "s3" else _WILD.search(path)
    if wild is None:
        return _Place(source, name, path.rstrip("/") or path, "")
    folder = path[: path.rfind("/", 0, wild.start()) + 1]
    return _Place(source, name, folder.rstrip("/") or folder or ".", path[len(folder) :])


def _is_many(place: _Place, source: str) -> bool:
    if place.pattern or is_in_store(source):
        return bool(place.pattern) or source.endswith("/") or suffix_of(place.folder) is None
    return Path(place.folder).is_dir()


def _members(place: _Place) -> Iterator[Member]:
    store, folder = place.store()
    deep = not place.pattern or "/" in place.pattern
    infos = store.get_file_info(fs.FileSelector(folder, recursive=deep))
    for info in sorted(infos, key=lambda info: info.path):
        inner = os.path.relpath(info.path, folder).split("/")
        _refuse_what_is_not_plain(place, inner[0])
        if not _is_wanted(inner, place.pattern):
            continue
        if info.type == fs.FileType.File:
            if suffix_of(info.path) is None:
                raise InputError(
                    f"{place.name!r} holds {info.base_name!r}, which is no table: give a glob, as"
                    f" folder/*.csv. Tables are {', '.join(SUFFIXES)}."
                )
            # A part without rows may be without a byte.
            if info.size:
                yield Member(place.source_of(info.path), dict(_values(inner[:-1])))
        elif place.pattern and "**" not in place.pattern:
            raise InputError(f"{place.name!r} matches the folder {info.base_name!r}: give files.")


def _refuse_what_is_not_plain(place: _Place, first: str) -> None:
    if not place.pattern and first in _NOT_PLAIN:
        raise InputError(f"{place.name!r} is {_NOT_PLAIN[first]}.")


def _is_wanted(inner: list[str], pattern: str) -> bool:
    if not pattern:
        return not any(map(is_passed_over, inner))
    return _fits(inner, pattern.split("/")) and not any(part.startswith(".") for part in inner)


def _fits(parts: list[str], wanted: list[str]) -> bool:
    if not wanted or not parts:
        return wanted in (parts, ["**"])
    if wanted[0] == "**":
        return _fits(parts, wanted[1:]) or _fits(parts[1:], wanted)
    return fnmatchcase(parts[0], wanted[0]) and _fits(parts[1:], wanted[1:])


def _values(folders: list[str]) -> Iterator[tuple[str, str | None]]:
    for folder in folders:
        name, is_value, value = folder.partition("=")
        if is_value:
            yield unquote(name), None if value == _NO_VALUE else unquote(value)
