"""Positions in TOML: the key is where the scanner says, however the document is written."""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.command_line.toml_positions import Path, positions

BARE = re.compile(r"[A-Za-z0-9_-]+")
# Whatever ends, begins or hides something in TOML.
NAMES = st.text("ab-_ .#='\"[]{},\\ä", max_size=4)
TEXTS = st.text("a #='\"[]{},\\\n\tä", max_size=8)
LEAVES = (
    st.integers(-5, 5)
    | st.booleans()
    | TEXTS
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.dates()
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)
BLANKS = st.sampled_from(["", " ", "\t "])
LINES = st.sampled_from(["", "\n", '# = [{ "\n', "\n\n# ä\n", "  \n"])


def written_name(draw: st.DrawFn, name: str) -> str:
    ways = [json.dumps(name, ensure_ascii=False)]
    if BARE.fullmatch(name):
        ways.append(name)
    if "'" not in name:
        ways.append(f"'{name}'")
    return draw(st.sampled_from(ways))


def written_text(draw: st.DrawFn, text: str) -> str:
    plain = json.dumps(text, ensure_ascii=False)
    ways = [plain, f'""{plain}""']
    if "'" not in text:
        ways.append(f"'''\n{text}'''")
        if "\n" not in text:
            ways.append(f"'{text}'")
    return draw(st.sampled_from(ways))


def written(draw: st.DrawFn, value: Any) -> str:
    """A value in one place: tables and arrays within braces."""
    blank = draw(BLANKS)
    if isinstance(value, dict):
        pairs = [
            f"{blank}{written_name(draw, name)}{blank}={blank}{written(draw, inner)}"
            for name, inner in value.items()
        ]
        return f"{{{','.join(pairs)}{blank}}}"
    if isinstance(value, list):
        items = [f"{draw(LINES)}{written(draw, inner)}{draw(LINES)}" for inner in value]
        return f"[{','.join(items)}{draw(LINES)}]"
    if isinstance(value, str):
        return written_text(draw, value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def sections(draw: st.DrawFn, header: str, table: dict[str, Any]) -> Iterator[str]:
    """A table's lines: pairs first, then what has a header of its own."""
    later: list[str] = []
    for name, value in table.items():
        key = written_name(draw, name)
        place = f"{header}{draw(BLANKS)}.{draw(BLANKS)}{key}" if header else key
        tables = value if isinstance(value, list) and value else None
        if isinstance(value, dict) and draw(st.booleans()):
            later += [f"[{place}]{draw(BLANKS)}# c\n", *sections(draw, place, value)]
        elif tables and all(isinstance(one, dict) for one in tables) and draw(st.booleans()):
            for one in tables:
                later += [f"[[{place}]]\n", *sections(draw, place, one)]
        elif isinstance(value, dict) and value and draw(st.booleans()):
            for inner, leaf in value.items():
                yield f"{key}.{written_name(draw, inner)} = {written(draw, leaf)}\n"
        else:
            yield f"{draw(LINES)}{draw(BLANKS)}{key} ={draw(BLANKS)}{written(draw, value)} # e\n"
    yield from later


@st.composite
def documents(draw: st.DrawFn) -> str:
    text = "".join(sections(draw, "", draw(DOCUMENTS)))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    inner: Any = {}
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for name, one in inner:
        yield (*path, name)
        yield from paths(one, (*path, name))


def name_at(text: str, line: int, column: int) -> str:
    rest = text.replace("\r\n", "\n").split("\n")[line - 1][column - 1 :]
    found = re.match(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|[A-Za-z0-9_-]+", rest)
    assert found, rest
    return next(iter(tomllib.loads(f"{found[0]} = 0")))


@given(documents())
def test_every_key_stands_where_it_is_said_to(text: str) -> None:
    found = positions(text)
    there = list(paths(tomllib.loads(text)))

    assert set(there) == set(found)
    names = {path: path[-1] for path in there if isinstance(path[-1], str)}
    assert {path: name_at(text, *found[path]) for path in names} == names


@pytest.mark.parametrize(
    ("text", "path", "position"),
    [
        ("a = 1\nb = 2", ("b",), (2, 1)),
        ("[a]\n  b = 2", ("a", "b"), (2, 3)),
        ("[a.b]\n", ("a",), (1, 2)),
        ("[ a . 'b c' ]\n", ("a", "b c"), (1, 7)),
        ("a.b.c = 1", ("a", "b", "c"), (1, 5)),
        ("a = { b = 1, c.d = 2 }", ("a", "c", "d"), (1, 16)),
        ("a = [\n 1,\n 2, # x\n]", ("a", 1), (3, 2)),
        ("a = [{ b = 1 },\n { b = 2 }]", ("a", 1, "b"), (2, 4)),
        ("[[a]]\nb = 1\n[[a]]\nb = 2", ("a", 1, "b"), (4, 1)),
        ("[[a]]\n[[a.b]]\n[[a]]\n[[a.b]]\nc = 1", ("a", 1, "b", 0, "c"), (5, 1)),
        ("[[a]]\n[[a]]\n[a.b]\nc = 1", ("a", 1, "b", "c"), (4, 1)),
        ('a = """\nb = 1\n"""\nb = 2', ("b",), (4, 1)),
        ("a = '''\n[b]\n'''\nb = 2", ("b",), (4, 1)),
        ('a = """x"""""\nb = 2', ("b",), (2, 1)),
        ("a = 2026-11-27 08:00:00 # b\nb = 2", ("b",), (2, 1)),
        ("# ä [\r\n\r\nb = 2", ("b",), (3, 1)),
    ],
)
def test_a_place_is_a_line_and_a_column(text: str, path: Path, position: tuple[int, int]) -> None:
    tomllib.loads(text)

    assert positions(text)[path] == position
