"""ListObjectsV2 without a bucket: which keys a page holds, and where the next one begins."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.strict_json import read_json

__all__ = ["Entry", "Page", "Wish", "page_of", "read_token", "write_token"]

MOST_KEYS = 1000
"""Keys of one page, whatever is asked for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing.

    Attributes:
        name: A key, or what the keys of a group have in common.
        is_group: Whether it stands for all keys that begin so, up to the delimiter.
    """

    name: str
    is_group: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for.

    Attributes:
        prefix: What keys begin with.
        delimiter: Ends the part of a key that groups have in common; empty for no groups.
        after: The last line of the page before, or where the listing is to begin.
        most: Lines of the page.
    """

    prefix: str = ""
    delimiter: str = ""
    after: Entry = Entry("")
    most: int = MOST_KEYS


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        entries: Its lines, in the order of their names.
        is_truncated: Whether there are more.
    """

    entries: tuple[Entry, ...]
    is_truncated: bool


def page_of(keys: Callable[[str, str], Iterator[str]], wish: Wish) -> Page:
    """One page of a listing.

    Args:
        keys: Gives the keys with a prefix that come after another, in their order.
        wish: What is asked for.
    """
    most = min(wish.most, MOST_KEYS)
    if most <= 0:
        return Page((), is_truncated=False)
    entries: list[Entry] = []
    for entry in _entries(keys(wish.prefix, wish.after.name), wish):
        if len(entries) == most:
            return Page(tuple(entries), is_truncated=True)
        entries.append(entry)
    return Page(tuple(entries), is_truncated=False)


def _entries(keys: Iterator[str], wish: Wish) -> Iterator[Entry]:
    last = wish.after
    for key in keys:
        if last.is_group and key.startswith(last.name):
            continue
        last = _entry(key, wish)
        yield last


def _entry(key: str, wish: Wish) -> Entry:
    common, delimiter, _ = key[len(wish.prefix) :].partition(wish.delimiter or "\0")
    if wish.delimiter and delimiter:
        return Entry(f"{wish.prefix}{common}{delimiter}", is_group=True)
    return Entry(key)


def write_token(entry: Entry) -> str:
    """The token of the page after this line."""
    return base64.urlsafe_b64encode(json.dumps([entry.name, entry.is_group]).encode()).decode()


def read_token(token: str) -> Entry:
    """The line that a token of ours stands for.

    Raises:
        RefusedError: It is not one of ours.
    """
    try:
        name, is_group = read_json(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError):
        name, is_group = None, False
    if not isinstance(name, str) or not isinstance(is_group, bool):
        raise RefusedError("InvalidArgument", "The continuation token provided is incorrect")
    return Entry(name, is_group)
