"""Methods: what a template may ask of a value beside its items, and the bounds of each.

Only what stands here can be reached. Nothing that reads a clock, a time zone or an encoding does.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from jinja2.runtime import LoopContext
from jinja2.utils import Namespace, missing

from connect_tasks.chat.template.cells import gap
from connect_tasks.chat.template.faults import Attempt, Place, TextError
from connect_tasks.chat.template.formats import checked_date_format, formatted
from connect_tasks.chat.template.limits import (
    LONGEST_SEARCH,
    LONGEST_TEXT,
    too_large,
)
from connect_tasks.chat.template.scope import Scope

__all__ = ["Method", "check_repetition", "check_replacement", "check_search", "member", "text_join"]

_DAY = "year month day"
_HOUR = "hour minute second microsecond fold"
_ATTRIBUTES: tuple[tuple[type, frozenset[str]], ...] = tuple(
    (kind, frozenset(names.split()))
    for kind, names in (
        (datetime, f"{_DAY} {_HOUR}"),
        (date, _DAY),
        (time, _HOUR),
        (timedelta, "days seconds microseconds"),
        # Of what groupby and isocalendar make.
        (tuple, "grouper list year week weekday"),
        (
            LoopContext,
            "index index0 revindex revindex0 first last length depth depth0 previtem nextitem",
        ),
    )
)
_OF_TEXTS = (
    "capitalize casefold center count endswith expandtabs find format format_map index isalnum"
    " isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle"
    " isupper join ljust lower lstrip partition removeprefix removesuffix replace rfind rindex"
    " rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title upper zfill"
)
_OF_DATES = "isoformat strftime replace weekday isoweekday isocalendar toordinal ctime"
_OF_TIMES = "isoformat strftime replace tzname utcoffset dst"
_METHODS: tuple[tuple[type, frozenset[str]], ...] = tuple(
    (kind, frozenset(names.split()))
    for kind, names in (
        (
            str,
            _OF_TEXTS,
        ),
        (datetime, f"{_OF_DATES} {_OF_TIMES} date time timetz"),
        (date, _OF_DATES),
        (time, _OF_TIMES),
        (timedelta, "total_seconds"),
        (float, "is_integer"),
        (Decimal, "quantize normalize to_integral_value copy_abs is_signed"),
        (dict, "get items keys values"),
        (list, "count index"),
        (tuple, "count index"),
        (LoopContext, "cycle changed"),
    )
)
_SEARCHES = {"rfind", "rindex", "rsplit", "rpartition", "strip", "lstrip", "rstrip"}
_WIDTHS = {"center", "ljust", "rjust", "zfill"}


class Method:
    """A method of a value, not called yet.

    Args:
        owner: Whose it is.
        name: Its name.
    """

    __slots__ = ("_owner", "name")

    def __init__(self, owner: Any, name: str) -> None:
        self._owner = owner
        self.name = name

    def in_words(self) -> tuple[str, str, str]:
        """What it is, and what to write."""
        what = f"the method {self.name!r}"
        if isinstance(self._owner, str):
            return what, "write {{ @() }}, with brackets", "write brackets behind it"
        return what, "write {{ @() }}, or {{ @@['" + self.name + "'] }} for a member", ""

    def called(self, scope: Scope, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call it within bounds.

        Raises:
            TextError: An argument is missing or unusable, or there is nothing to give.
        """
        special = _SPECIAL.get((_kind(self._owner), self.name))
        with Attempt(f"{self.name}()"):
            if special is not None:
                return scope.keep(special(scope, self._owner, *args, **kwargs))
            return self._plainly(scope, args, kwargs)

    def _plainly(self, scope: Scope, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        scope.usable(*args, *kwargs.values())
        scope.exact(self._owner)
        scope.weigh(self._owner, *args, *kwargs.values())
        if isinstance(self._owner, str):
            _check_text_method(self._owner, self.name, args, kwargs)
        result = getattr(self._owner, self.name)(*args, **kwargs)
        return gap(f"{self.name}() gives nothing here") if result is None else scope.keep(result)


def member(owner: Any, name: str) -> Any:
    """What `owner.name` is, where it is no item: an attribute or method; `missing` if neither."""
    if isinstance(owner, Namespace):
        return getattr(owner, name, missing) if not name.startswith("_") else missing
    for kind, names in _ATTRIBUTES:
        if isinstance(owner, kind) and name in names:
            value = getattr(owner, name, missing)
            return missing if callable(value) else value
    for kind, methods in _METHODS:
        if isinstance(owner, kind):
            return Method(owner, name) if name in methods else missing
    return missing


def text_join(scope: Scope, text: str, items: Any) -> str:
    """Join what the items print."""
    parts: list[str] = []
    for item in scope.sequence(items):
        parts.append(scope.text(item))
        scope.spend(len(text))
    return text.join(parts)


def check_search(text: str) -> None:
    """Refuse a long text to search for, where each character may meet each.

    Raises:
        LimitError: It is too long.
    """
    if len(text) > LONGEST_SEARCH:
        raise too_large("what is searched for", LONGEST_SEARCH, "characters")


def check_repetition(text: str, times: int) -> None:
    """Refuse to write a text too often.

    Raises:
        LimitError: The result is too long.
    """
    if len(text) * times > LONGEST_TEXT:
        raise too_large("a text", LONGEST_TEXT, "characters")


def check_replacement(text: str, old: str, new: str) -> None:
    """Refuse to replace by so much that the text gets too long.

    Raises:
        LimitError: The result is too long.
    """
    check_repetition(new, text.count(old))


def _check_text_method(
    text: str, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> None:
    if name in _SEARCHES:
        check_search(str(args[0]) if args and isinstance(args[0], str) else "")
    if name in _WIDTHS and args and isinstance(args[0], int):
        check_repetition(" ", args[0])
    if name == "expandtabs":
        width = next(iter((*args, *kwargs.values())), 8)
        check_repetition(" " * text.count("\t"), width if isinstance(width, int) else 0)


def _replaced(scope: Scope, text: str, old: Any, new: Any, count: int = -1) -> str:
    old, new = scope.text(old), scope.text(new)
    scope.spend(len(text))
    check_replacement(text, old, new)
    return text.replace(old, new, count)


def _got(scope: Scope, struct: Mapping[Any, Any], key: Any, default: Any = missing) -> Any:
    scope.arguments([key])
    if isinstance(key, tuple):
        raise TextError("a list is no key: name a member")
    if key in struct:
        return struct[key]
    if default is not missing:
        return default
    # The key may be the row's own text, and a reason holds nothing of that.
    place: Place | None = getattr(struct, "place", None)
    return gap(f"{place or 'a struct'} has no such member in this row", is_placed=bool(place))


def _changed(scope: Scope, loop: LoopContext, *values: Any) -> bool:
    scope.weigh(*values)
    return loop.changed(*values)


def _strftime(scope: Scope, day: date, how: Any) -> str:
    scope.usable(how)
    return day.strftime(checked_date_format(how))


def _kind(owner: Any) -> type:
    kinds = (str, dict, LoopContext, date, time)
    return next((kind for kind in kinds if isinstance(owner, kind)), object)


_SPECIAL: dict[tuple[type, str], Callable[..., Any]] = {
    (str, "format"): lambda scope, text, *args, **kwargs: formatted(scope, text, args, kwargs),
    (str, "format_map"): lambda scope, text, values: formatted(scope, text, (), values),
    (str, "join"): text_join,
    (str, "replace"): _replaced,
    (dict, "get"): _got,
    (dict, "items"): lambda scope, struct: [(key, struct[key]) for key in scope.sequence(struct)],
    (dict, "keys"): lambda scope, struct: scope.sequence(struct),
    (dict, "values"): lambda scope, struct: [struct[key] for key in scope.sequence(struct)],
    (LoopContext, "cycle"): lambda _scope, loop, *values: loop.cycle(*values),
    (LoopContext, "changed"): _changed,
    (date, "strftime"): _strftime,
    (time, "strftime"): _strftime,
}
