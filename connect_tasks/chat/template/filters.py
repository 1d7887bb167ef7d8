"""The filters of a template for single values: texts, numbers, and what stands in for nothing.

Each is jinja's own behind a check of what goes in and of how much comes out. The filters that write
as Python or as HTML does (pprint, urlize, xmlattr) are left out.
"""

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from typing import Any

from jinja2.filters import FILTERS
from jinja2.runtime import Undefined
from jinja2.utils import htmlsafe_json_dumps, pass_context
from markupsafe import escape

from connect_tasks.chat.template.faults import Attempt, LimitError, TextError
from connect_tasks.chat.template.formats import percent
from connect_tasks.chat.template.limits import LONGEST_SEARCH, too_large
from connect_tasks.chat.template.methods import (
    check_repetition,
    check_replacement,
    check_search,
)
from connect_tasks.chat.template.printing import unprintable, whole
from connect_tasks.chat.template.scope import Scope

__all__ = ["VALUE_FILTERS", "original"]

Filter = Callable[..., Any]

# Of what takes a comparison of each character with each, or copies the text again and again.
_LONGEST_HEAVY = 10 * LONGEST_SEARCH
_MOST_DIGITS = 100
_WIDEST_INDENT = 8
# Jinja's largest unit is 10**24; beyond it come numbers that are none.
_MOST_BYTES = 1e30


# What jinja's own filters take before the value.
_PASSED: dict[str, Callable[[Scope], Any]] = {
    "context": lambda scope: scope,
    "eval_context": lambda scope: scope.eval_ctx,
    "environment": lambda scope: scope.environment,
}


def _with_first(function: Filter) -> tuple[Filter, Callable[[Scope], Any] | None]:
    passes = getattr(function, "jinja_pass_arg", None)
    return function, None if passes is None else _PASSED[passes.name]


_ORIGINALS = {name: _with_first(function) for name, function in FILTERS.items()}


def original(name: str, scope: Scope, *args: Any, **kwargs: Any) -> Any:
    """Call jinja's own filter of a name."""
    function, first = _ORIGINALS[name]
    if first is None:
        return function(*args, **kwargs)
    return function(first(scope), *args, **kwargs)


def _of_text(name: str) -> Filter:
    @pass_context
    def apply(scope: Scope, value: Any, *args: Any, **kwargs: Any) -> Any:
        # What leaves a field out goes on doing so.
        if value is None:
            return None
        text = scope.text(value)
        scope.arguments((*args, *kwargs.values()))
        with Attempt(name):
            if name in _GUARDS:
                _GUARDS[name](text, *args, **kwargs)
            write: Filter = _WRITERS.get(name, _by_jinja)
            return scope.keep(write(name, scope, text, *args, **kwargs))

    return apply


def _of_number(name: str) -> Filter:
    @pass_context
    def apply(scope: Scope, value: Any, *args: Any, **kwargs: Any) -> Any:
        number = scope.number(value)
        scope.arguments((*args, *kwargs.values()))
        with Attempt(name):
            if name == "round":
                _check_digits(*args, **kwargs)
            if name == "filesizeformat":
                number = _number_of_bytes(number)
            return scope.keep(original(name, scope, number, *args, **kwargs))

    return apply


def _by_jinja(name: str, scope: Scope, text: str, *args: Any, **kwargs: Any) -> Any:
    result = original(name, scope, text, *args, **kwargs)
    # Markup is a text that changes the others around it.
    return str.__str__(result) if isinstance(result, str) else result


def _escaped(_name: str, _scope: Scope, text: str) -> str:
    return str.__str__(escape(text))


def _as_it_is(_name: str, _scope: Scope, text: str) -> str:
    return text


def _replaced(
    _name: str, scope: Scope, text: str, old: Any, new: Any, count: int | None = None
) -> str:
    old, new = scope.text(old), scope.text(new)
    check_replacement(text, old, new)
    return text.replace(old, new, -1 if count is None else count)


def _formatted(_name: str, scope: Scope, text: str, *args: Any, **kwargs: Any) -> str:
    if args and kwargs:
        raise TextError("format takes values by place or by name, not both")
    return percent(scope, text, kwargs or args)


def _check_center(_text: str, width: int = 80) -> None:
    check_repetition(" ", width)


def _check_indent(text: str, width: int | str = 4, *_: object, **__: object) -> None:
    lines = len(text.splitlines()) + 1
    check_repetition(" " * lines, len(width) if isinstance(width, str) else width)


def _check_wordwrap(text: str, *args: Any, **kwargs: Any) -> None:
    _check_heavy(text)
    ends = kwargs.get("wrapstring", args[2] if len(args) > 2 else None)  # noqa: PLR2004 -- jinja's place of it
    check_repetition(text, len(ends or "\n"))


def _check_trim(_text: str, chars: str | None = None) -> None:
    check_search(chars or "")


def _check_heavy(text: str) -> None:
    if len(text) > _LONGEST_HEAVY:
        raise too_large("a text for this filter", _LONGEST_HEAVY, "characters")


def _check_digits(precision: int = 0, *_: object, **__: object) -> None:
    if abs(precision) > _MOST_DIGITS:
        raise LimitError(f"round takes at most {_MOST_DIGITS} digits: ask for fewer")


def _number_of_bytes(number: Any) -> float:
    found = float(number)
    if not abs(found) < _MOST_BYTES:
        raise LimitError("filesizeformat takes a number that is too large: use a smaller one")
    return found


@pass_context
def _as_json(scope: Scope, value: Any, indent: int | None = None) -> str:
    scope.weigh(value)
    scope.arguments([indent])
    with Attempt("tojson"):
        is_wide = indent is not None and indent > _WIDEST_INDENT
    if is_wide:
        raise LimitError(f"tojson indents by at most {_WIDEST_INDENT}: indent by less")
    plain = _plain(scope, value)
    return str(scope.keep(str.__str__(htmlsafe_json_dumps(plain, allow_nan=False, indent=indent))))


def _plain(scope: Scope, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(scope, item) for item in value]
    if isinstance(value, dict):
        return {scope.text(key): _plain(scope, item) for key, item in value.items()}
    scope.exact(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        scope.text(value)
        number = whole(value)
        return float(number) if isinstance(number, Decimal) else number
    if isinstance(value, str | date | time | Undefined):
        return scope.text(value)
    raise unprintable(value)


@pass_context
def _as_query(scope: Scope, value: Any) -> Any:
    if isinstance(value, list | tuple | dict):
        scope.weigh(value)
        pairs = value.items() if isinstance(value, dict) else value
        with Attempt("urlencode"):
            value = [(scope.text(key), scope.text(item)) for key, item in pairs]
            return scope.keep(original("urlencode", scope, value))
    return None if value is None else scope.keep(original("urlencode", scope, scope.text(value)))


@pass_context
def _attribute(scope: Scope, value: Any, name: Any) -> Any:
    return scope.environment.getattr(value, scope.text(name))


_GUARDS: dict[str, Callable[..., None]] = {
    "center": _check_center,
    "indent": _check_indent,
    "wordwrap": _check_wordwrap,
    "trim": _check_trim,
    "striptags": _check_heavy,
}
_WRITERS: dict[str, Callable[..., Any]] = {
    "e": _escaped,
    "escape": _escaped,
    "forceescape": _escaped,
    "format": _formatted,
    "replace": _replaced,
    "safe": _as_it_is,
    "string": _as_it_is,
}
_TEXT_FILTERS = (
    "capitalize center e escape forceescape format indent lower replace safe string striptags"
    " title trim truncate upper wordcount wordwrap"
)
_NUMBER_FILTERS = "abs filesizeformat float int round"

#: The filters for single values, by name.
VALUE_FILTERS: dict[str, Filter] = {
    **{name: _of_text(name) for name in _TEXT_FILTERS.split()},
    **{name: _of_number(name) for name in _NUMBER_FILTERS.split()},
    "attr": _attribute,
    "d": FILTERS["d"],
    "default": FILTERS["default"],
    "tojson": _as_json,
    "urlencode": _as_query,
}
