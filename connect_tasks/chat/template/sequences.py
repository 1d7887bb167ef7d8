"""The filters of a template for lists and structs, each of which gives a list or one item.

None is left half done, as jinja's own generators are: what they take is known when they are called.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2.utils import pass_context

from connect_tasks.chat.template.cells import gap
from connect_tasks.chat.template.faults import Attempt, LimitError
from connect_tasks.chat.template.filters import original
from connect_tasks.chat.template.limits import LONGEST_TEXT, STEP, too_large
from connect_tasks.chat.template.methods import text_join
from connect_tasks.chat.template.printing import wrong_kind
from connect_tasks.chat.template.scope import Scope

__all__ = ["LIST_FILTERS", "SEQUENCE_FILTERS"]

_LONGEST_ATTRIBUTE = 200
# A list of n items is compared about so many times n.
_COMPARISONS = 16
_COMPARE = {"dictsort", "groupby", "max", "min", "sort", "unique"}
#: Filters that always give a list: nothing that can be printed.
LIST_FILTERS = frozenset({"batch", "dictsort", "groupby", "items", "list", "map"}) | {
    *("reject", "rejectattr", "select", "selectattr", "slice", "sort", "unique")
}


def _of_items(name: str) -> Callable[..., Any]:
    @pass_context
    def apply(scope: Scope, value: Any, *args: Any, **kwargs: Any) -> Any:
        items = scope.sequence(value)
        scope.spend(STEP * (len(items) + 1))
        _check_attribute(name, items, args, kwargs, scope)
        if name in _COMPARE:
            for _ in range(_COMPARISONS):
                scope.weigh(items)
        with Attempt(name):
            result = original(name, scope, items, *args, **kwargs)
            return scope.keep(list(result) if isinstance(result, Iterator) else result)

    return apply


def _check_attribute(
    name: str, items: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], scope: Scope
) -> None:
    scope.usable(*(kwargs[key] for key in ("attribute", "reverse") if key in kwargs))
    # The others' first argument is the name of a filter or test, and then come its own.
    own = () if name in {"map", "select", "reject"} else args
    for value in (*own, kwargs.get("attribute")):
        if isinstance(value, str):
            if len(value) > _LONGEST_ATTRIBUTE:
                raise LimitError(f"{name} takes a name of at most {_LONGEST_ATTRIBUTE} characters")
            scope.spend(len(value) * len(items))


@pass_context
def _length(scope: Scope, value: Any) -> int:
    return len(scope.sequence(value))


@pass_context
def _pairs(scope: Scope, value: Any) -> list[tuple[Any, Any]]:
    scope.usable(value)
    if not isinstance(value, dict):
        raise wrong_kind(value, "items takes a struct")
    return [(key, value[key]) for key in scope.sequence(value)]


@pass_context
def _sorted_pairs(scope: Scope, value: Any, *args: Any, **kwargs: Any) -> Any:
    scope.usable(value, *args, *kwargs.values())
    if not isinstance(value, dict):
        raise wrong_kind(value, "dictsort takes a struct")
    for _ in range(_COMPARISONS):
        scope.weigh(value)
    with Attempt("dictsort"):
        return scope.keep(original("dictsort", scope, value, *args, **kwargs))


@pass_context
def _joined(scope: Scope, value: Any, d: Any = "", attribute: Any = None) -> str:
    items = scope.sequence(value)
    if attribute is not None:
        items = _of_items("map")(scope, items, attribute=attribute)
    return str(scope.keep(text_join(scope, scope.text(d), items)))


@pass_context
def _summed(scope: Scope, value: Any, attribute: Any = None, start: Any = 0) -> Any:
    items = scope.sequence(value)
    if attribute is not None:
        items = _of_items("map")(scope, items, attribute=attribute)
    total = scope.number(start)
    for item in items:
        total = scope.environment.call_binop(scope, "+", total, scope.number(item))  # type: ignore[attr-defined]
    return total


@pass_context
def _reversed(scope: Scope, value: Any) -> Any:
    items = scope.sequence(value)
    return value[::-1] if isinstance(value, str) else list(items)[::-1]


@pass_context
def _batches(scope: Scope, value: Any, linecount: int, fill_with: Any = None) -> Any:
    _check_count(scope, linecount)
    return _of_items("batch")(scope, value, linecount, fill_with)


@pass_context
def _slices(scope: Scope, value: Any, slices: int, fill_with: Any = None) -> Any:
    _check_count(scope, slices)
    return _of_items("slice")(scope, value, slices, fill_with)


@pass_context
def _random(scope: Scope, value: Any) -> Any:
    items = scope.sequence(value)
    return original("random", scope, items) if items else gap("a list without items has no item")


def _check_count(scope: Scope, count: int) -> None:
    scope.arguments([count])
    if not isinstance(count, int):
        raise wrong_kind(count, "batch and slice take a whole number")
    if count > LONGEST_TEXT:
        raise too_large("a list", LONGEST_TEXT, "items")
    scope.spend(STEP * max(count, 0))


_BY_JINJA = "first groupby last list map max min reject rejectattr select selectattr sort unique"

#: The filters for lists and structs, by name.
SEQUENCE_FILTERS: dict[str, Callable[..., Any]] = {
    **{name: _of_items(name) for name in _BY_JINJA.split()},
    "batch": _batches,
    "count": _length,
    "dictsort": _sorted_pairs,
    "items": _pairs,
    "join": _joined,
    "length": _length,
    "random": _random,
    "reverse": _reversed,
    "slice": _slices,
    "sum": _summed,
}
