"""Formats: `'%s' % value` and `'{}'.format(value)`, which print what `{{ value }}` does.

Python's own would write lists and objects, and as wide as they are asked to.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from string import Formatter
from typing import TYPE_CHECKING, Any

from connect_tasks.chat.template.faults import LimitError, TextError
from connect_tasks.chat.template.limits import LONGEST_TEXT, WIDEST, too_large
from connect_tasks.chat.template.printing import unprintable, whole

if TYPE_CHECKING:
    from connect_tasks.chat.template.scope import Scope

__all__ = ["checked_date_format", "formatted", "percent"]

_PLACE = re.compile(
    r"%(?:\((?P<key>[^()]*)\))?(?P<how>[-#0 +]*(?:\d+|\*)?(?:\.(?:\d+|\*)?)?)[hlL]?(?P<kind>.)",
    re.DOTALL,
)
_NUMERIC = "diouxXeEfFgGc"
_DIGITS = re.compile(r"\d+")
# As in '{0.name[key]}'.
_MEMBERS = re.compile(r"\.([^.\[]+)|\[([^\]]+)\]")
_DATE_WIDTH = re.compile(r"%[-_0^#+]*(\d+)")
# Python's own notation: quotes around texts, names of classes.
_AS_IN_PYTHON = "would write a value as Python does: use {} instead"


def percent(scope: "Scope", text: str, values: Any) -> str:
    """What `text % values` prints.

    Args:
        scope: The text's scope.
        text: The format.
        values: A value, a tuple of them, or a struct for places with names.

    Raises:
        TextError: A value cannot be printed, or is missing, or the format is wrong or too wide.
    """
    filling = _Percent(scope, values)
    result = _PLACE.sub(filling.place, text)
    filling.end(text)
    return result


def formatted(scope: "Scope", text: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """What `text.format(*args, **kwargs)` prints.

    Raises:
        TextError: A value cannot be printed, or is missing, or the format is wrong or too wide.
    """
    return _Format(scope).vformat(text, args, kwargs)


def checked_date_format(text: str) -> str:
    """Let a format of strftime pass unless it is too wide.

    Raises:
        LimitError: It asks for too many characters.
    """
    for width in _DATE_WIDTH.findall(text):
        _bounded(width)
    return text


class _Percent:
    """One format with percent signs being filled in."""

    def __init__(self, scope: "Scope", values: Any) -> None:
        self._scope = scope
        self._values = values
        self._next = iter(values if isinstance(values, tuple) else (values,))
        self._named = False
        self._length = 0

    def place(self, found: re.Match[str]) -> str:
        key, how, kind = found.group("key", "how", "kind")
        if kind == "%":
            return "%"
        if kind in "ra":
            raise TextError(f"%{kind} {_AS_IN_PYTHON.format('%s')}")
        if "*" in how or kind not in _NUMERIC + "s":
            raise TextError("the format has a place that is not known: use %s, or %d and %f")
        _bounded(how)
        written = f"%{how}{kind}" % (self._value(key, kind),)
        self._length += len(written)
        if self._length > LONGEST_TEXT:
            raise too_large("a text", LONGEST_TEXT, "characters")
        return written

    def end(self, text: str) -> None:
        """Refuse what Python would: too many values, half a place."""
        if not self._named and not isinstance(self._values, Mapping):
            for _ in self._next:
                raise TextError("the format has fewer places than values: count its % signs")
        rest = _PLACE.sub("", text)
        if "%" in rest:
            raise TextError("the format ends with half a place: write %% for a percent sign")

    def _value(self, key: str | None, kind: str) -> Any:
        value = self._next_value() if key is None else self._named_value(key)
        return self._scope.text(value) if kind == "s" else _number(self._scope, value)

    def _next_value(self) -> Any:
        for value in self._next:
            return value
        raise TextError("the format has more places than values: count its % signs")

    def _named_value(self, key: str) -> Any:
        self._named = True
        if not isinstance(self._values, Mapping):
            raise TextError("the format names its values, so it needs a struct: {'name': value}")
        if key not in self._values:
            raise TextError("the format names a value that the struct does not have")
        return self._values[key]


class _Format(Formatter):
    """`str.format` within the sandbox."""

    def __init__(self, scope: "Scope") -> None:
        self._scope = scope
        self._length = 0

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, Any]:
        first = re.split(r"[.\[]", field_name, maxsplit=1)[0]
        value = self.get_value(int(first) if first.isdigit() else first, args, kwargs)
        for member, item in _MEMBERS.findall(field_name[len(first) :]):
            key = int(item) if item.isdigit() else member or item
            value = self._scope.environment.getitem(value, key)
        return value, first

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        try:
            return args[key] if isinstance(key, int) else kwargs[key]
        except LookupError:
            raise TextError("the format has a place for which no value is given") from None

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        if conversion in {None, "s"}:
            return value if conversion is None else self._scope.text(value)
        raise TextError(f"!{conversion} {_AS_IN_PYTHON.format('!s, or nothing,')}")

    def format_field(self, value: Any, format_spec: str) -> str:
        written = _by_spec(self._scope, value, format_spec)
        self._length += len(written)
        if self._length > LONGEST_TEXT:
            raise too_large("a text", LONGEST_TEXT, "characters")
        return written


def _by_spec(scope: "Scope", value: Any, spec: str) -> str:
    if not spec:
        return scope.text(value)
    if isinstance(value, date | time):
        scope.usable(value)
        return format(value, checked_date_format(spec))
    _bounded(spec)
    if isinstance(value, str) or value is None:
        return format(scope.text(value), spec)
    number = _number(scope, value)
    # Of a whole number, ':>8' prints no fraction; ':.2f' asks for one.
    return format(number if "." in spec or spec[-1].isalpha() else whole(number), spec)


def _number(scope: "Scope", value: Any) -> Any:
    value = scope.number(value)
    if isinstance(value, str | int | float | Decimal):
        scope.text(value)
        return value
    raise unprintable(value)


def _bounded(widths: str) -> None:
    for width in _DIGITS.findall(widths):
        if len(width) > len(str(WIDEST)) or int(width) > WIDEST:
            raise LimitError(f"a format asks for more than {WIDEST:,} characters: ask for fewer")
