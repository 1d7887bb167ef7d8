"""The steps that a safe syntax tree takes: printing, repeating, comparing, cutting, naming."""

from collections.abc import Sequence
from typing import Any

from jinja2.runtime import TemplateReference
from jinja2.utils import missing, pass_context

from connect_tasks.chat.template.cells import Row
from connect_tasks.chat.template.faults import TextError
from connect_tasks.chat.template.limits import kept
from connect_tasks.chat.template.methods import member
from connect_tasks.chat.template.printing import wrong_kind
from connect_tasks.chat.template.sandbox import struct_of
from connect_tasks.chat.template.scope import ROW, Scope, Word

__all__ = ["STEPS"]


@pass_context
def _print(scope: Scope, value: Any, columns: Sequence[str], path: str) -> str:
    try:
        return scope.text(value)
    except TextError as error:
        # It is known only here which part of the text it was.
        error.whereabouts = (columns, path)
        raise


@pass_context
def _concatenate(scope: Scope, values: Sequence[Any]) -> str:
    texts = [scope.text(value) for value in values]
    return str(kept("".join(texts)))


@pass_context
def _compare(scope: Scope, value: Any) -> Any:
    scope.weigh(value)
    return value


@pass_context
def _cut(scope: Scope, value: Any) -> Any:
    scope.usable(value)
    if not isinstance(value, str | list | tuple):
        raise wrong_kind(value, "only texts and lists have parts to cut out")
    scope.spend(len(value) + 1)
    return value


@pass_context
def _repeat(scope: Scope, value: Any, each: int) -> Sequence[Any]:
    items = scope.sequence(value)
    scope.spend(each * len(items))
    return items


@pass_context
def _pay(scope: Scope, _value: Any, amount: int) -> str:
    scope.spend(amount)
    return ""


@pass_context
def _column(scope: Scope, value: Any, name: str) -> Any:
    """The column of a word's name, unless the template gave that name another meaning."""
    if isinstance(value, Row):
        return scope.row.get(ROW, value)
    is_word = isinstance(value, Word | TemplateReference)
    return scope.row[name] if is_word else value


@pass_context
def _called(scope: Scope, owner: Any, name: str) -> Any:
    """The method that is called, also where a struct has a member of that name."""
    method = member(owner, name) if isinstance(owner, dict) else missing
    return scope.environment.getattr(owner, name) if method is missing else method


@pass_context
def _constant(scope: Scope, value: Any, words: Sequence[str]) -> Any:
    return next((scope.row[word] for word in words if word in scope.row), value)


#: The steps, by names that no template can write.
STEPS = {
    "(printed)": _print,
    "(concatenated)": _concatenate,
    "(struct)": pass_context(struct_of),
    "(compared)": _compare,
    "(cut)": _cut,
    "(repeated)": _repeat,
    "(paid)": _pay,
    "(column)": _column,
    "(constant)": _constant,
    "(called)": _called,
}
