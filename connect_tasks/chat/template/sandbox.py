"""The sandbox: the template language as customers' texts have it, and no way out of it.

What a template can reach is listed, by kind of value: items and members, the methods in `methods`,
the filters in `filters` and `sequences`, the operators in `arithmetic`. Whatever makes a text or
repeats something takes work off the scope of the text.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from jinja2.runtime import Context, LoopContext, Macro, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS
from jinja2.utils import Namespace, missing, pass_context

from connect_tasks.chat.template.arithmetic import OPERATORS, SIGNS, operated, signed
from connect_tasks.chat.template.cells import Empty, Row, Unusable, gap
from connect_tasks.chat.template.faults import Attempt, Place, TextError
from connect_tasks.chat.template.filters import VALUE_FILTERS
from connect_tasks.chat.template.limits import MOST_STEPS, STEP, too_large
from connect_tasks.chat.template.methods import Method, member
from connect_tasks.chat.template.printing import unprintable, wrong_kind
from connect_tasks.chat.template.scope import Scope, Word
from connect_tasks.chat.template.sequences import SEQUENCE_FILTERS

__all__ = ["TextSandbox", "struct_of"]

_LONGEST_NAME = 40
# Tests that compare, and so may take as long as the values are large.
_COMPARING = (
    *("==", "eq", "equalto", "!=", "ne", "in", "sameas"),
    *(">", "gt", "greaterthan", ">=", "ge", "<", "lt", "lessthan", "<=", "le"),
)
_NUMERIC = ("odd", "even", "divisibleby")
_OF_TEXT = ("lower", "upper")


class TextSandbox(ImmutableSandboxedEnvironment):
    """The environment of every text."""

    intercepted_binops = frozenset(OPERATORS)
    intercepted_unops = frozenset(SIGNS)

    def __init__(self) -> None:
        super().__init__(
            undefined=Empty,
            keep_trailing_newline=True,
            # Chat texts are not HTML: nothing is escaped.
            autoescape=False,
            # Folding constants would do their work when a template is made, past every bound.
            optimized=False,
        )
        self.globals.clear()
        self.filters = {**VALUE_FILTERS, **SEQUENCE_FILTERS}
        self.tests = {**TESTS, **_tests()}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Find `obj.attribute`: a column, a member, or what the kind of value lets be asked."""
        if isinstance(obj, Row):
            return obj[attribute]
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return self._member(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Find `obj[argument]`."""
        Scope.usable(obj, argument)
        if isinstance(obj, Row) and isinstance(argument, str):
            return obj[argument]
        if isinstance(obj, dict) and isinstance(argument, list | tuple | dict):
            raise wrong_kind(argument, "it is no key: name a member")
        if isinstance(obj, str | list | tuple | dict):
            try:
                return obj[argument]
            except (TypeError, LookupError):
                pass
        return self._member(obj, argument) if isinstance(argument, str) else _lacking(obj, argument)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a method, a macro, or a word of the language."""
        scope = _scope(context)
        scope.usable(obj)
        scope.spend(STEP + len(args) + len(kwargs))
        if "caller" in kwargs and not isinstance(obj, Macro):
            raise TextError("{% call %} goes with macros only")
        if isinstance(obj, Macro | LoopContext):
            if isinstance(obj, LoopContext):
                args = tuple(scope.sequence(value) for value in args)
            with Attempt(f"the macro {obj.name}()" if isinstance(obj, Macro) else "loop()"):
                return context.call(obj, *args, **kwargs)
        own = {name: kwargs[name] for name in kwargs if name not in {"_loop_vars", "_block_vars"}}
        if isinstance(obj, Method):
            return obj.called(scope, args, own)
        if isinstance(obj, Word):
            with Attempt(f"{obj.name}()"):
                return _CALLED[obj.name](scope, *args, **own)
        raise wrong_kind(obj, "it cannot be called: leave the brackets out")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Reckon with two values."""
        return operated(_scope(context), operator, left, right)

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        """Reckon with one value."""
        return signed(_scope(context), operator, arg)

    def call_filter(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call a filter by a name that a template wrote as a text, as map does."""
        _check_known("filter", name, self.filters)
        return super().call_filter(name, *args, **kwargs)

    def call_test(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call a test by a name that a template wrote as a text, as select does."""
        _check_known("test", name, self.tests)
        return super().call_test(name, *args, **kwargs)

    def _member(self, obj: Any, name: str) -> Any:
        Scope.usable(obj)
        value = member(obj, name)
        return _lacking(obj, name) if value is missing else value


def struct_of(scope: Scope, pairs: Any) -> dict[Any, Any]:
    """Make a struct of a template's own, whose keys are plain values.

    Raises:
        TextError: A key is missing or a list.
    """
    struct: dict[Any, Any] = {}
    for key, value in pairs:
        scope.arguments([key])
        if isinstance(key, tuple):
            raise TextError("a list is no key: name a member")
        struct[key] = value
    return struct


def _check_known(kind: str, name: object, known: Mapping[str, Any]) -> None:
    # A step's name, in brackets, is none that a template may write; and the name that is given may
    # be the row's own text, of which a reason holds nothing.
    if not isinstance(name, str) or name not in known or name.startswith("("):
        raise TextError(f"there is no {kind} of the name that is given: correct it")


def _scope(context: Context) -> Scope:
    if not isinstance(context, Scope):
        raise TextError("a text is filled in within a scope")
    return context


def _lacking(obj: Any, name: Any) -> Empty:
    if isinstance(obj, Unusable | Undefined):
        str(obj)
    key = f"item {name}" if isinstance(name, int) else repr(str(name)[:_LONGEST_NAME])
    place: Place | None = getattr(obj, "place", None) if isinstance(obj, list | dict) else None
    holder = unprintable(obj).what if place is None else str(place)
    return gap(f"{holder} has no {key} in this row", is_placed=place is not None, key=key)


def _range(scope: Scope, *args: Any) -> list[int]:
    scope.arguments(args)
    numbers = range(*args)
    try:
        steps = len(numbers)
    except OverflowError:
        steps = MOST_STEPS + 1
    if steps > MOST_STEPS:
        raise too_large("a range", MOST_STEPS, "numbers")
    scope.spend(steps)
    return list(numbers)


def _dict(scope: Scope, pairs: Any = (), **members: Any) -> dict[Any, Any]:
    scope.usable(pairs)
    pairs = list(pairs.items()) if isinstance(pairs, Mapping) else scope.sequence(pairs)
    scope.spend(len(pairs))
    return {**struct_of(scope, pairs), **members}


def _namespace(scope: Scope, pairs: Any = (), **members: Any) -> Namespace:
    return Namespace(_dict(scope, pairs, **members))


_CALLED: dict[str, Callable[..., Any]] = {"range": _range, "dict": _dict, "namespace": _namespace}


def _tests() -> dict[str, Callable[..., bool]]:
    return {
        **{name: _comparing(name) for name in _COMPARING},
        **{name: _numeric(name) for name in _NUMERIC},
        **{name: _of_text(name) for name in _OF_TEXT},
    }


def _comparing(name: str) -> Callable[..., bool]:
    @pass_context
    def test(scope: Scope, value: Any, *args: Any) -> bool:
        scope.weigh(value, *args)
        return _original(name, value, *args)

    return test


def _numeric(name: str) -> Callable[..., bool]:
    @pass_context
    def test(scope: Scope, value: Any, *args: Any) -> bool:
        numbers = [scope.number(number) for number in (value, *args)]
        # A text with % in it is a format.
        if any(isinstance(number, str) for number in numbers):
            raise TextError(f"{name} is asked of numbers, and no texts: write | int first")
        return _original(name, *numbers)

    return test


def _of_text(name: str) -> Callable[..., bool]:
    @pass_context
    def test(scope: Scope, value: Any) -> bool:
        return _original(name, scope.text(value))

    return test


def _original(name: str, *args: Any) -> bool:
    test = cast("Callable[..., Any]", TESTS[name])
    with Attempt(name):
        return bool(test(*args))
