"""Suppression lists by name: what one may be called, and which of those that there are is meant."""

import unicodedata
from collections.abc import Collection

from connect_tasks.aws.problems import did_you_mean, near_name, shortened
from connect_tasks.errors import InputError

__all__ = [
    "ALL",
    "LONGEST_LIST",
    "checked_list",
    "existing_list",
    "list_to_make",
    "near_list",
    "unlike_others",
]

ALL = "all"
"""The list that holds in every campaign, whatever its policy says."""
LONGEST_LIST = 64
"""The most characters of a list's name."""

_JOINTS = "-_."


def checked_list(name: str) -> str:
    """The name of a list, if a list can be called so.

    Args:
        name: Letters and digits of any script, and - _ . between them; at most 64.

    Raises:
        InputError: It is none.

    Example:
        >>> checked_list("marketing-2027")
        'marketing-2027'
    """
    if not isinstance(name, str):
        raise InputError(
            f"A list's name is a text, not a {type(name).__name__}: give one as 'all'."
        )
    if why := _why_not(name):
        raise InputError(f"A suppression list cannot be called {shortened(name)}: {why}.")
    return name


def existing_list(name: str, lists: Collection[str]) -> str:
    """The name of a list that is there; `all` always is.

    Args:
        name: As somebody wrote it.
        lists: Those that a ledger has.

    Raises:
        InputError: There is none of that name; one that is near is told.

    Example:
        >>> existing_list("marketing", ["marketing"]), existing_list("all", [])
        ('marketing', 'all')
    """
    if checked_list(name) not in {ALL, *lists}:
        hint = did_you_mean(name, {ALL, *lists}) or f": there are {', '.join(_known(lists))}"
        raise InputError(f"There is no suppression list {name!r} in the ledger{hint}.")
    return name


def unlike_others(name: str, lists: Collection[str]) -> str:
    """The name of a list that may be new, if it is not another one's but for its form.

    Who is on `Marketing` would be contacted by a campaign that asks for `marketing`.

    Args:
        name: As somebody wrote it.
        lists: Those that a ledger has.

    Raises:
        InputError: No list can be called so, or another one is called nearly so.

    Example:
        >>> unlike_others("marketing", ["news"])
        'marketing'
    """
    checked_list(name)
    form = _form(name)
    for known in _known(lists):
        if known != name and _form(known) == form:
            raise InputError(
                f"A suppression list {name!r} would be another one than {known!r}, which it looks "
                f"like: write {known!r}, or choose a name that differs by more."
            )
    return name


def list_to_make(name: str, lists: Collection[str], *, is_meant: bool = False) -> str:
    """The name of a list to put somebody on, which is made if it is not there.

    Args:
        name: As somebody wrote it.
        lists: Those that a ledger has.
        is_meant: Whether a new list is meant, also where the name is near to another one's.

    Raises:
        InputError: No list can be called so, or it is not there and another one is near.

    Example:
        >>> list_to_make("marketing", []), list_to_make("news-de", ["news-fr"], is_meant=True)
        ('marketing', 'news-de')
    """
    near = near_list(unlike_others(name, lists), lists)
    if near and not is_meant:
        raise InputError(
            f"There is no suppression list {name!r} in the ledger, and there is {near!r}: write "
            "that, or say new_list=True if a new list is meant."
        )
    return name


def near_list(name: str, lists: Collection[str]) -> str | None:
    """The list that was probably meant by a name that none of them has; None if none is near.

    Example:
        >>> near_list("marketng", ["marketing"]), near_list("marketing", ["marketing", "market"])
        ('marketing', None)
    """
    return None if name in {ALL, *lists} else near_name(name, lists)


def _known(lists: Collection[str]) -> list[str]:
    return sorted({ALL, *lists})


def _why_not(name: str) -> str:
    if not name.strip():
        return "it is empty; write a name such as 'marketing'"
    if len(name) > LONGEST_LIST:
        return f"it has {len(name):,} characters, and may have {LONGEST_LIST}"
    if unicodedata.normalize("NFKC", name) != name:
        return "it has characters that stand for others; write plain letters"
    odd = [one for one in name if not (one.isalnum() or one in _JOINTS)]
    if odd or not (name[0].isalnum() and name[-1].isalnum()):
        return "write letters and digits, and between them - _ or ."
    return ""


def _form(name: str) -> str:
    """What two names share that a person would mistake for each other."""
    return "".join(one for one in name.casefold() if one not in _JOINTS)
