"""The source of a text: what people wrote, read into a syntax tree or refused in words."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from jinja2 import nodes
from jinja2.environment import Template
from jinja2.exceptions import TemplateSyntaxError
from jinja2.meta import TrackingCodeGenerator

from connect_tasks.chat.template.limits import DEEPEST, LONGEST_SOURCE, MOST_PIECES
from connect_tasks.chat.template.sandbox import TextSandbox
from connect_tasks.chat.template.scope import CALLED_WORDS
from connect_tasks.chat.template.sequences import LIST_FILTERS
from connect_tasks.chat.template.steps import STEPS
from connect_tasks.chat.template.syntax_tree import made_safe

__all__ = ["SANDBOX", "BadSourceError", "compiled", "is_template", "parsed", "undeclared"]

SANDBOX = TextSandbox()
SANDBOX.filters |= STEPS

_MARKS = ("{{", "{%", "{#")
# What stands in a place as if it were a name: `{{ First name }}`, `{{ 1st }}`.
_ODD_NAME = re.compile(r"\{\{[ \t]{0,9}(\w[\w .:/&#-]{0,59}?)[ \t]{0,9}\}\}")
_OPERATORS = {"not"}
_REUSE = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.Block)
_LISTS = (nodes.List, nodes.Tuple, nodes.Dict)
_TOO_DEEP = f"brackets, operators or blocks are nested more than {DEEPEST} levels deep: use fewer"


class BadSourceError(Exception):
    """A text is no template.

    Args:
        line: Where it is wrong.
        rule: What is wrong.
    """

    def __init__(self, line: int, rule: str) -> None:
        super().__init__(f"line {line}: {rule}")


def is_template(text: str) -> bool:
    """Tell a text with places to fill in from a constant.

    Example:
        >>> is_template("Hello {{ name }}"), is_template("Hello")
        (True, False)
    """
    return any(mark in text for mark in _MARKS)


def parsed(text: str) -> nodes.Template:
    """Read a text into a syntax tree.

    Raises:
        BadSourceError: It is no template, or passes a limit.
    """
    if len(text) > LONGEST_SOURCE:
        raise BadSourceError(1, f"a template has at most {LONGEST_SOURCE:,} characters: shorten it")
    with _told(text):
        tree = SANDBOX.parse(text)
    for line, rule in _faults(tree):
        raise BadSourceError(line, rule)
    return tree


def compiled(tree: nodes.Template, columns: frozenset[str]) -> Template:
    """Make a tree ready to run; it is changed by that.

    Raises:
        BadSourceError: It cannot be run, or passes a limit.
    """
    with _told():
        code = SANDBOX.compile(made_safe(tree, columns))
    return Template.from_code(SANDBOX, code, {})


def undeclared(tree: nodes.Template) -> frozenset[str]:
    """The names in a tree that it gives no meaning itself.

    Raises:
        BadSourceError: There is a filter or test in it that nobody knows.
    """
    tracker = TrackingCodeGenerator(SANDBOX)
    # Left on, it works constants out, and raises what belongs to the filling in of a row.
    tracker.optimizer = None
    with _told():
        tracker.visit(tree)
    return frozenset(tracker.undeclared_identifiers)


@contextmanager
def _told(text: str = "") -> Iterator[None]:
    try:
        yield
    except TemplateSyntaxError as error:
        told = error.message or "is no template"
        raise BadSourceError(error.lineno, told + _hint(text)) from error
    except (RecursionError, MemoryError) as error:
        raise BadSourceError(1, _TOO_DEEP) from error
    except SyntaxError as error:
        # Python's own limits on what jinja makes of the text.
        is_deep = "nested" in str(error) or "indent" in str(error)
        raise BadSourceError(1, _TOO_DEEP if is_deep else str(error.msg)) from error
    except ValueError as error:
        raise BadSourceError(1, f"a number cannot be read: {error}") from error


def _hint(text: str) -> str:
    """Say how a column is written whose name is more than an identifier."""
    for name in _ODD_NAME.findall(text):
        if not name.isidentifier() or name in _OPERATORS:
            return f"; a column of this name is written {{{{ row[{name!r}] }}}}"
    return ""


def _faults(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    if rule := _too_much(tree):
        yield 1, rule
        return
    if rule := _too_alike(tree):
        yield 1, rule
    named = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
    named |= {node.name for node in tree.find_all(nodes.Macro)}
    for node in tree.find_all(nodes.Node):
        if isinstance(node, _REUSE):
            yield node.lineno, "a template cannot use other templates or blocks"
        if isinstance(node, nodes.ScopedEvalContextModifier):
            yield node.lineno, "autoescape makes HTML, which chat texts are not: leave it out"
        if isinstance(node, nodes.Const) and node.value in {float("inf"), float("-inf")}:
            yield node.lineno, "a number is too large to be written: write a smaller one"
        if isinstance(node, nodes.Output):
            yield from (
                (child.lineno, rule)
                for child in node.nodes
                if (rule := _never_printed(child, named))
            )


def _too_alike(tree: nodes.Template) -> str:
    """Say which names are one name to Python, which runs the template."""
    names = [node.name for node in tree.find_all(nodes.Name)]
    by_form: dict[str, str] = {}
    for name in (*names, *(node.name for node in tree.find_all(nodes.Macro))):
        known = by_form.setdefault(unicodedata.normalize("NFKC", name), name)
        if known != name:
            place = f"{{{{ row[{name!r}] }}}}"
            return f"{known!r} and {name!r} count as one name: write {place} for a column"
    return ""


def _never_printed(node: nodes.Expr, named: set[str]) -> str:
    """Say why no row could print this; empty if one may."""
    if isinstance(node, _LISTS):
        return "a list or struct of the template itself is printed: end it with | join(', ')"
    if isinstance(node, nodes.Filter) and node.name in LIST_FILTERS:
        return f"{node.name} makes a list, which cannot be printed: end it with | join(', ')"
    called = node.node if isinstance(node, nodes.Call) else None
    word = called.name if isinstance(called, nodes.Name) else ""
    if word in CALLED_WORDS and word not in named:
        return f"{word}() makes nothing that can be printed: print its items"
    return ""


def _too_much(tree: nodes.Template) -> str:
    level: list[nodes.Node] = [tree]
    pieces = 0
    # The template and the place are levels that nobody wrote.
    for _ in range(DEEPEST + 2):
        level = [child for node in level for child in node.iter_child_nodes()]
        pieces += len(level)
        if pieces > MOST_PIECES:
            return f"a template has at most {MOST_PIECES:,} names, values and tags: shorten it"
        if not level:
            return ""
    return _TOO_DEEP
