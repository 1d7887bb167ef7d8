"""Looks at functions that are written in Python without running them."""

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path

from connect_tasks.emulator.flows.exported.files import read_text
from connect_tasks.emulator.flows.exported.problems import nearest, shown

__all__ = ["Definitions", "definitions_in", "fault_of", "located"]

_FORM = "a Python function is written 'file.py:name'"
_ARGUMENTS = 2

Definitions = dict[str, list[ast.stmt]]
"""What a file defines by itself, and the statements that do: of several, any may be the one."""

_NO_FUNCTION = (
    ast.Constant
    | ast.Dict
    | ast.DictComp
    | ast.GeneratorExp
    | ast.JoinedStr
    | ast.List
    | ast.ListComp
    | ast.Set
    | ast.SetComp
    | ast.Tuple
)
"""What can be given a name and never be called."""


def located(written: str, folder: Path) -> tuple[Path, str]:
    """The file and the name of a function, as `file.py:name`.

    Args:
        written: As the world file has it.
        folder: The world file's folder.

    Raises:
        ValueError: It is not written like that.
    """
    file, _, name = written.rpartition(":")
    if not file or not name.isidentifier():
        raise ValueError(f"{shown(written)}: {_FORM}.")
    return (folder / file).absolute(), name


def definitions_in(path: Path) -> Definitions:
    """What a Python file defines; its code is not run.

    Raises:
        FlowFileError: It cannot be read.
        ValueError: It is no Python.
    """
    text = read_text(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        raise ValueError(f"{path.name} is no Python: line {error.lineno}: {error.msg}.") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{path.name} is no Python that can be read.") from error
    found: Definitions = {}
    for statement in _statements(tree.body):
        for name in _names(statement):
            found.setdefault(name, []).append(statement)
    return found


def fault_of(definitions: Definitions, name: str, file: str) -> str | None:
    """Why a function cannot be called as Lambda calls it; None if it seems it can."""
    if name not in definitions:
        if "*" in definitions:
            return None
        advice = nearest(name, [other for other in definitions if not other.startswith("_")])
        return f"{file} defines no {shown(name)}; {advice}"
    faults = [_fault_of(statement) for statement in definitions[name]]
    return f"{file}:{name} {faults[-1]}." if all(faults) else None


def _fault_of(statement: ast.stmt) -> str | None:
    match statement:
        case ast.AsyncFunctionDef():
            return "is asynchronous; Lambda calls plain functions only"
        case ast.FunctionDef(args=args) | ast.Assign(value=ast.Lambda(args=args)):
            return None if _takes_two(args) else "must take two arguments, (event, context)"
        case ast.Import():
            return "is a module, and no function"
        case ast.Assign(targets=targets, value=value) if _is_plain(targets):
            return "is no function" if isinstance(value, _NO_FUNCTION) else None
        case ast.AnnAssign(value=value):
            return "is no function" if isinstance(value, _NO_FUNCTION) else None
    return None


def _is_plain(targets: list[ast.expr]) -> bool:
    """Whether a value is given as a whole to each of its names."""
    return all(isinstance(target, ast.Name) for target in targets)


def _takes_two(arguments: ast.arguments) -> bool:
    positional = len(arguments.posonlyargs) + len(arguments.args)
    required = positional - len(arguments.defaults)
    keywords = sum(default is None for default in arguments.kw_defaults)
    enough = positional >= _ARGUMENTS or arguments.vararg is not None
    return enough and required <= _ARGUMENTS and not keywords


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a file is loaded, also those under a condition."""
    for statement in body:
        yield statement
        for name in ("body", "orelse", "finalbody"):
            if isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While):
                yield from _statements(getattr(statement, name, []))
        for handler in getattr(statement, "handlers", []):
            yield from _statements(handler.body)


def _names(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield statement.name
        case ast.Import() | ast.ImportFrom():
            yield from ((alias.asname or alias.name).split(".")[0] for alias in statement.names)
        case ast.Assign():
            for target in statement.targets:
                yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)) if statement.value is not None:
            yield name
