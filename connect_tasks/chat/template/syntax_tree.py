"""The syntax tree of a text: asked for its columns, and made safe to run.

Safe: whatever prints, repeats, compares or cuts is led through a step of `steps`, which knows the
scope, and a word of the template language that stands where a column may is the column.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from connect_tasks.chat.template.faults import Place
from connect_tasks.chat.template.limits import STEP
from connect_tasks.chat.template.scope import CALLED_WORDS, ROW

__all__ = [
    "SELF",
    "bare_words",
    "is_row",
    "made_safe",
    "row_access",
    "spellings",
]

#: The name that jinja gives a template within itself; here it is a column.
SELF = "self"
_WORDS = {ROW, SELF, *CALLED_WORDS}
_CONSTANTS = {True: ("true", "True"), False: ("false", "False"), None: ("none", "None")}
_ATTRIBUTE = (nodes.Getattr, nodes.Getitem)

_Node = TypeVar("_Node", bound=nodes.Node)


def is_row(node: nodes.Node) -> bool:
    """Whether a name in a text stands for the whole row."""
    return isinstance(node, nodes.Name) and node.name == ROW


def row_access(node: nodes.Node) -> str | None:
    """The column in `row['column']` or `row.column`."""
    if not isinstance(node, nodes.Getitem | nodes.Getattr) or not is_row(node.node):
        return None
    if isinstance(node, nodes.Getattr):
        return node.attr
    key = node.arg.value if isinstance(node.arg, nodes.Const) else None
    return key if isinstance(key, str) else None


def spellings(node: nodes.Node) -> tuple[str, ...]:
    """The columns that `true`, `false` or `none` may mean where it is printed, joined, filtered."""
    if isinstance(node, nodes.Const) and (node.value is None or isinstance(node.value, bool)):
        return _CONSTANTS[node.value]
    return ()


def bare_words(tree: nodes.Node) -> Iterator[nodes.Name]:
    """The words of the template language that stand where a column may.

    They do not in `range(3)` and in `row['name']`.
    """
    accesses: Iterator[nodes.Getattr | nodes.Getitem] = tree.find_all(_ATTRIBUTE)
    owners = {id(node.node) for node in accesses if is_row(node.node)}
    called = {id(node.node) for node in tree.find_all(nodes.Call)}
    for name in tree.find_all(nodes.Name):
        special = called if name.name in CALLED_WORDS else owners
        if name.name in _WORDS and name.ctx == "load" and id(name) not in special:
            yield name


def _path_of(node: nodes.Node | None) -> str:
    """How a chain of names and members is written; empty if the node is more than that."""
    if isinstance(node, nodes.Name):
        return node.name
    if not isinstance(node, nodes.Getattr | nodes.Getitem):
        return ""
    owner = _path_of(node.node)
    key = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
    if not owner or key is None:
        return ""
    return Place("", owner).below(key).path


def made_safe(tree: nodes.Template, columns: Iterable[str]) -> nodes.Template:
    """Change a tree so that running it takes the steps of `steps`.

    Args:
        tree: The tree; it is changed itself.
        columns: The columns that the text names.
    """
    changed: nodes.Template = _Change(frozenset(columns), bare_words(tree)).visit(tree)
    return changed


class _Change(NodeTransformer):
    def __init__(self, columns: frozenset[str], words: Iterable[nodes.Name]) -> None:
        self._columns = columns
        self._words = {id(word) for word in words}

    def visit_Output(self, node: nodes.Output) -> nodes.Node:  # noqa: N802 -- jinja's own naming
        node.nodes = [self._printed(child) for child in node.nodes]
        return node

    def visit_FilterBlock(self, node: nodes.FilterBlock) -> nodes.Node:  # noqa: N802 -- the same
        self.generic_visit(node)
        node.filter = _step(node.filter, "printed", (), "")
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:  # noqa: N802 -- the same
        self.generic_visit(node)
        node.node = _spelled(node.node)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 -- the same
        self.generic_visit(node)
        node.nodes = [_spelled(child) for child in node.nodes]
        return _step(nodes.List(node.nodes, lineno=node.lineno), "concatenated")

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:  # noqa: N802 -- the same
        self.generic_visit(node)
        pairs = [nodes.Tuple([pair.key, pair.value], "load") for pair in node.items]
        return _step(nodes.List(pairs, lineno=node.lineno), "struct")

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802 -- the same
        self.generic_visit(node)
        node.expr = _compared(node.expr)
        for operand in node.ops:
            operand.expr = _compared(operand.expr)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 -- the same
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _step(node.node, "cut")
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 -- the same
        self.generic_visit(node)
        if isinstance(node.node, nodes.Getattr):
            node.node = _step(node.node.node, "called", node.node.attr)
        return node

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 -- the same
        test = _size([node.test]) if node.test is not None else 0
        self._counted(node)
        node.iter = _step(node.iter, "repeated", STEP + test)
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:  # noqa: N802 -- the same
        self._counted(node)
        return node

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:  # noqa: N802 -- the same
        self._counted(node)
        return node

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802 -- the same
        return _step(node, "column", node.name) if id(node) in self._words else node

    def _counted(self, node: nodes.For | nodes.Macro | nodes.CallBlock) -> None:
        # Of what runs again and again, each run is paid for.
        size = _size(node.body)
        self.generic_visit(node)
        paid = _step(nodes.Const(0, lineno=node.lineno), "paid", size)
        node.body = [nodes.ExprStmt(paid, lineno=node.lineno), *node.body]

    def _printed(self, child: nodes.Expr) -> nodes.Expr:
        if isinstance(child, nodes.TemplateData):
            return child
        columns, path = tuple(sorted(self._named(child))), _path_of(child)
        return _step(_spelled(self.visit(child)), "printed", columns, path)

    def _named(self, child: nodes.Node) -> Iterator[str]:
        names = {node.name for node in _with_itself(child, nodes.Name)}
        rows = {row_access(node) for node in _with_itself(child, nodes.Getitem, nodes.Getattr)}
        return iter(self._columns & (names | rows))


def _with_itself(node: nodes.Node, *kinds: type[_Node]) -> Iterator[_Node]:
    if isinstance(node, kinds):
        yield node
    yield from node.find_all(kinds)


def _spelled(node: Any) -> Any:
    words = spellings(node)
    return _step(node, "constant", words) if words else node


def _compared(node: nodes.Expr) -> nodes.Expr:
    return node if isinstance(node, nodes.Const) else _step(node, "compared")


def _size(body: Sequence[nodes.Node | None]) -> int:
    """About how much there is to run, and to write, in a part of a text."""
    known = [node for node in body if node is not None]
    below = [inner for node in known for inner in node.find_all(nodes.Node)]
    data = sum(len(node.data) for node in below if isinstance(node, nodes.TemplateData))
    return len(known) + len(below) + data


def _step(node: Any, name: str, *args: object) -> nodes.Filter:
    constants: list[nodes.Expr] = [nodes.Const(arg) for arg in args]
    line = node.lineno if node is not None else None
    return nodes.Filter(node, f"({name})", constants, [], None, None, lineno=line)
