"""An expression: one text with places for columns, in Jinja2's sandbox.

A column whose value is missing is *undefined* in the template: printing it is an error of the row,
`default()` and `or` replace it, `if` takes it for false. `none` prints nothing, and a text that is
`none` as a whole is left out.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import TemplateRuntimeError, TemplateSyntaxError, UndefinedError
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from connect_tasks.chat.template.fast_path import (
    ABSENT,
    ROW,
    is_row,
    plain_parts,
    printed,
    row_access,
)

__all__ = [
    "ABSENT",
    "EmptyColumnError",
    "Expression",
    "RowContext",
    "is_template",
    "row_context",
    "syntax_error",
]

_MARKS = ("{{", "{%", "{#")
_REUSE = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.Block)
# Of what jinja offers by itself: the rest makes megabytes (lipsum) or hides a column's name.
_GLOBALS = {"range", "namespace", "dict"}
_GUARDS = {"default", "d", "defined", "undefined"}
_ASSIGNMENT = (nodes.Assign, nodes.AssignBlock, nodes.Macro)


class EmptyColumnError(UndefinedError):
    """A template prints a column that is empty in this row."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


class _Row:
    """The row by column names; no mapping, so that no method hides a column of the same name."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, column: str) -> object:
        return self._values[column]


class _Empty(Undefined):
    """A missing value: nothing can be done with it but to ask for it.

    Between jinja's kinds: people ask `{% if nickname %}` and `plan == 'gold'` of empty cells, but
    printing one is an error.
    """

    __slots__ = ()
    __str__ = __iter__ = __len__ = __contains__ = Undefined._fail_with_undefined_error  # noqa: SLF001 -- as jinja's own StrictUndefined

    def __init__(
        self,
        hint: str | None = None,
        obj: object = missing,
        name: str | None = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> None:
        super().__init__(hint, obj, name, exc)
        if hint is None and (obj is missing or isinstance(obj, _Row)):
            self._undefined_hint = f"column {name!r} is empty"
            self._undefined_exception = partial(EmptyColumnError, str(name))  # type: ignore[assignment]


def _sandbox() -> ImmutableSandboxedEnvironment:
    # Chat texts are not HTML: nothing is escaped.
    environment = ImmutableSandboxedEnvironment(
        undefined=_Empty,
        finalize=printed,
        keep_trailing_newline=True,
        autoescape=False,
    )
    for name in environment.globals.keys() - _GLOBALS:
        del environment.globals[name]
    return environment


_SANDBOX = _sandbox()
_BLANK = _SANDBOX.from_string("")


def is_template(text: str) -> bool:
    """Tell a text with places to fill in from a constant.

    Example:
        >>> is_template("Hello {{ name }}"), is_template("Hello")
        (True, False)
    """
    return any(mark in text for mark in _MARKS)


def syntax_error(text: str) -> str | None:
    """Say why a text is no valid template; None if it is one.

    Example:
        >>> syntax_error("Hello {{ name }")
        "line 1: unexpected '}'"
    """
    try:
        tree = _SANDBOX.parse(text)
        _SANDBOX.compile(text)
    except TemplateSyntaxError as error:
        return f"line {error.lineno}: {error.message}"
    if found := next(tree.find_all(_REUSE), None):
        return f"line {found.lineno}: a template cannot use other templates or blocks"
    return None


class RowContext:
    """What the expressions of one row read.

    Attributes:
        values: The row's columns; those that are missing left out.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    @cached_property
    def for_jinja(self) -> Context:
        """The same for jinja: made when the first expression needs it, and many rows need none."""
        return _BLANK.new_context({**self.values, ROW: _Row(self.values)})


def row_context(values: Mapping[str, Any]) -> RowContext:
    """Make what the expressions of one row read; several may share it.

    Args:
        values: The row's columns; those that are missing left out.

    Example:
        >>> Expression("{{ row['First name'] }}").render(row_context({"First name": "Ada"}))
        'Ada'
    """
    return RowContext(values)


class Expression:
    """One compiled text.

    Args:
        source: The text; its syntax must be right.

    Attributes:
        columns: The columns it names.
        required: Those of them that the table must have: named without `default()` or `is defined`.
        reads_whole_row: Whether it reaches columns by names that only the row tells.

    Example:
        >>> greeting = Expression("Hello {{ first }} {{ last | default('') }}")
        >>> sorted(greeting.columns), sorted(greeting.required)
        (['first', 'last'], ['first'])
        >>> greeting.render(row_context({"first": "Ada"}))
        'Hello Ada '
    """

    __slots__ = ("_alone", "_chunks", "_parts", "columns", "reads_whole_row", "required", "source")

    def __init__(self, source: str) -> None:
        tree = _SANDBOX.parse(source)
        names = find_undeclared_variables(tree)
        self.source = source
        self.reads_whole_row = ROW in names and _reaches_at_will(tree)
        by_row = set(_by_row(tree)) if ROW in names else set()
        self.columns = frozenset((names - {ROW} - _SANDBOX.globals.keys()) | by_row)
        self.required = self.columns - set(_guarded(tree))
        # What a template sets, the next one would see in a shared context.
        self._alone = any(tree.find_all(_ASSIGNMENT))
        self._parts = plain_parts(tree, reserved=_SANDBOX.globals.keys())
        self._chunks = _SANDBOX.from_string(source).root_render_func

    def render(self, context: RowContext) -> str:
        """Fill in one row.

        Args:
            context: The row, from `row_context`.

        Returns:
            The text, or `ABSENT` itself if it is `none` as a whole.

        Raises:
            EmptyColumnError: If it prints a column that is missing.
            Exception: Whatever the template's own arithmetic raises.
        """
        filled = self._fill_parts(context.values)
        return self._by_jinja(context.for_jinja) if filled is None else filled

    def _fill_parts(self, values: Mapping[str, Any]) -> str | None:
        # Most texts only name columns; for a million rows jinja takes several times as long.
        filled: list[str] = []
        for part in self._parts:
            text = part if type(part) is str else part.fill(values)  # type: ignore[union-attr]
            if text is None:
                return None
            filled.append(text)
        return _joined(filled) if filled else None

    def _by_jinja(self, context: Context) -> str:
        if self._alone:
            context = _BLANK.new_context(context.parent, shared=True)
        return _joined(list(self._chunks(context)))

    def empty_columns(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Find every missing column that the text prints, not only the first.

        Args:
            values: The row as given to `row_context`.
        """
        found: dict[str, Any] = {}
        while True:
            try:
                self.render(row_context({**values, **found}))
            except EmptyColumnError as error:
                if error.column in found:
                    break
                found[error.column] = "?"
            except Exception:  # noqa: BLE001 -- the stand-in itself may not fit; enough is known
                break
            else:
                break
        return tuple(found)


def _joined(texts: list[str]) -> str:
    # A single one is passed on as it is: it may be `ABSENT` itself.
    return texts[0] if len(texts) == 1 else "".join(texts)


def _by_row(tree: nodes.Node) -> Iterator[str]:
    candidates = tree.find_all((nodes.Getitem, nodes.Getattr))
    return (column for node in candidates if (column := row_access(node)) is not None)


def _reaches_at_will(tree: nodes.Template) -> bool:
    mentions = sum(is_row(node) for node in tree.find_all(nodes.Name))
    return mentions > sum(1 for _ in _by_row(tree))


def _guarded(tree: nodes.Template) -> Iterator[str]:
    """The columns that a template provides for not being there at all."""
    for node in (*tree.find_all(nodes.Filter), *tree.find_all(nodes.Test)):
        if node.name in _GUARDS and node.node is not None:
            column = row_access(node.node)
            if isinstance(node.node, nodes.Name):
                column = node.node.name
            if column is not None:
                yield column
