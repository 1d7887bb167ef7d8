"""Positions in TOML: on which line, and at which column, a key or an item stands.

Only for text that `tomllib` has read: what is wrong in it, that has said.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from typing import TypeAlias

__all__ = ["Path", "Position", "positions"]

Path: TypeAlias = tuple[str | int, ...]
"""Keys by name, items of arrays by number from 0."""

Position: TypeAlias = tuple[int, int]
"""Line and column, both from 1; the column in characters."""

_BLANK = re.compile(r"(?:[ \t]|#[^\n]*)*")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|[A-Za-z0-9_-]+")
_TEXT = re.compile(
    r"\"\"\"(?:\\.|[^\\])*?\"{3,5}|'''.*?'{3,5}|\"(?:[^\"\\]|\\.)*\"|'[^']*'", re.DOTALL
)
_OTHER = re.compile(r"[^,\[\]{}\n#]+")


def positions(text: str) -> Mapping[Path, Position]:
    r"""Where each key and each item of an array stands.

    Args:
        text: TOML without a fault.

    Returns:
        By path the place of the key, of an item its first character. A table that has no key of
        its own, as `a` of `[a.b]`, stands where its name does.

    Example:
        >>> positions("[a]\nb = [1, {c = 2}]")[("a", "b", 1, "c")]
        (2, 10)
    """
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.read()
    return scanner.found


class _Scanner:
    def __init__(self, text: str) -> None:
        self.found: dict[Path, Position] = {}
        self._text = text
        self._at = 0
        self._lines = [0, *(end.end() for end in re.finditer("\n", text))]
        self._tables: dict[Path, int] = {}

    def read(self) -> None:
        """The whole document."""
        table: Path = ()
        while True:
            self._skip(_SPACE)
            if self._at >= len(self._text):
                return
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        path: Path = ()
        parts = self._key_parts()
        for number, (name, start) in enumerate(parts, 1):
            path = (*path, name)
            self._note(path, start)
            if is_array and number == len(parts):
                self._tables[path] = self._tables.get(path, -1) + 1
            if path in self._tables:
                path = (*path, self._tables[path])
                self._note(path, start)
        self._at += 2 if is_array else 1
        return path

    def _pair(self, table: Path) -> None:
        path = table
        for name, start in self._key_parts():
            path = (*path, name)
            self._note(path, start)
        self._at += 1  # The equals sign.
        self._skip(_BLANK)
        self._value(path)

    def _key_parts(self) -> list[tuple[str, int]]:
        """The names of a dotted key, each with its place; ends behind the last, and blanks."""
        parts = []
        while True:
            self._skip(_BLANK)
            found = _KEY.match(self._text, self._at)
            if found is None:
                raise ValueError("this is no TOML")
            parts.append((_name(found[0]), self._at))
            self._at = found.end()
            self._skip(_BLANK)
            if self._text[self._at] != ".":
                return parts
            self._at += 1

    def _value(self, path: Path) -> None:
        opening = self._text[self._at]
        if opening == "[":
            self._items(path)
        elif opening == "{":
            self._inline(path)
        elif opening in "\"'":
            self._skip(_TEXT)
        else:
            self._skip(_OTHER)

    def _items(self, path: Path) -> None:
        self._at += 1
        number = 0
        while True:
            self._skip(_SPACE)
            if self._text[self._at] == "]":
                break
            self._note((*path, number), self._at)
            self._value((*path, number))
            number += 1
            self._comma()
        self._at += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        while True:
            self._skip(_SPACE)
            if self._text[self._at] == "}":
                break
            self._pair(path)
            self._comma()
        self._at += 1

    def _comma(self) -> None:
        self._skip(_SPACE)
        if self._text[self._at] == ",":
            self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()

    def _note(self, path: Path, start: int) -> None:
        line = bisect_right(self._lines, start)
        self.found.setdefault(path, (line, start - self._lines[line - 1] + 1))


def _name(written: str) -> str:
    """A key's name as it is meant: quotes and escapes are TOML's."""
    return next(iter(tomllib.loads(f"{written} = 0")))
