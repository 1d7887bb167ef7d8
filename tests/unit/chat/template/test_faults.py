"""Whatever fails in a text is told in words for those who write texts, and repeats no cell."""

import datetime as dt
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.filters import VALUE_FILTERS
from connect_tasks.chat.template.sequences import SEQUENCE_FILTERS


def rules(text: str, **row: Any) -> list[str]:
    """What is said about a text, when it is made or when it is filled in."""
    try:
        template = ChatTemplate(display_name="Ada", attributes={"a": text})
    except ValidationError as error:
        return [problem["msg"] for problem in error.errors()]
    renderer = template.bind(instance_id="i-1", contact_flow_id="f-1")
    return [problem.rule for problem in renderer.render({"customer_id": "0042", **row}).problems]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{{ x + 1 }}", "column 'x': + does not take a text and a number: turn texts into numbers"),
        ("{{ n / 0 }}", "column 'n': / divides by zero: provide for that with if"),
        ("{{ 1e300 * n * 1e300 * 1e9 }}", "column 'n' gives an infinite number"),
        ("{{ n ** 400.5 }}", "column 'n': ** comes to a number that is too large"),
        ("{{ -x }}", "column 'x' gives a text: - takes a number: turn texts into numbers"),
        ("{{ x | center('y') }}", "column 'x': center is given values of the wrong kind"),
        ("{{ x | replace('y') }}", "column 'x': replace is given values of the wrong kind"),
        ("{{ x.replace() }}", "column 'x': replace() is given values of the wrong kind"),
        ("{{ x | wordwrap(0) }}", "column 'x': wordwrap cannot work with one of its values"),
        ("{{ '%d' % x }}", "column 'x': % is given values of the wrong kind"),
        ("{{ '{:d}'.format(x) }}", "column 'x': format() cannot work with one of its values"),
        ("{{ x < n }}", "one of the columns 'n', 'x': a step of the template is given values of"),
        ("{{ [x, n] | sort | join }}", "one of the columns 'n', 'x': sort is given values of the"),
        ("{{ n is in(5) }}", "column 'n': in is given values of the wrong kind"),
        ("{% for a, b in x %}{% endfor %}", "column 'x': there are more names than items, or"),
        ("{% macro m() %}{% endmacro %}{{ m(x) }}", "column 'x': the macro m() is given values of"),
        ("{{ range(x) | join }}", "column 'x': range() is given values of the wrong kind"),
        ("{{ (n - 8) ** 0.5 }}", "column 'n' gives the root of a number below zero"),
        ("{{ {}[x] }}", "column 'x': a struct has no such item in this row"),
        (
            "{{ row[x] }}",
            "column 'x': the column that is looked up is empty, or",
        ),
        (
            "{{ [n] | map(x) | join }}",
            "one of the columns 'n', 'x': there is no filter of",
        ),
        ("{{ [n] | select(x) | join }}", "one of the columns 'n', 'x': there is no test of the"),
        ("{{ [n] | map('(paid)', 1) | join }}", "column 'n': there is no filter of the name"),
        ("{{ {}[[n]] }}", "column 'n' gives a list: it is no key: name a member"),
    ],
)
def test_what_fails_is_told_in_words_of_this_language(text: str, rule: str) -> None:
    (told,) = rules(text, x="Zebulon", n=7)

    assert told.startswith(rule)


ATOMS = st.sampled_from(
    ["t", "n", "f", "d", "l", "s", "m", "'x'", "'%s'", "'{}'", "2", "0.5", "none", "true", "[t]"]
)
FILTERS = sorted({*VALUE_FILTERS, *SEQUENCE_FILTERS})
OPERATORS = [*("+", "-", "*", "/", "//", "%", "**"), *("~", "==", "<", "in", "and", "or")]
MEMBERS = [
    *("title", "upper", "split", "join", "replace", "format", "index"),
    *("items", "get", "keys", "year", "strftime", "nope"),
]


def with_filters(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    argument = st.just("") | inner.map(lambda text: f"({text})")
    operators = st.sampled_from(OPERATORS)
    filtered = st.tuples(inner, st.sampled_from(FILTERS), argument)
    member = st.tuples(inner, st.sampled_from(MEMBERS), argument)
    pair = st.tuples(inner, operators, inner)
    return (
        filtered.map(lambda parts: f"({parts[0]} | {parts[1]}{parts[2]})")
        | member.map(lambda parts: f"({parts[0]}).{parts[1]}{parts[2]}")
        | pair.map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})")
        | st.tuples(inner, inner).map(lambda parts: f"({parts[0]})[{parts[1]}]")
        | inner.map(lambda text: f"(-{text})")
    )


EXPRESSIONS = st.recursive(ATOMS, with_filters, max_leaves=6)
OF_PYTHONS_ERRORS = re.compile(
    r"argument|operand|not supported|<class|unhashable|codec|NoneType|CellList|decimal\.|tuple"
    r"|str object|object has|iterable|list index|convert|literal|Zebulon"
)


@example("(2).title ~ t", "{{ @ }}")
@example("('a')[5] ~ 'b'", "{% if @ %}y{% endif %}")
@given(EXPRESSIONS, st.sampled_from(["{{ @ }}", "x{{ @ }}", "{% if @ %}y{% endif %}"]))
def test_whatever_is_written_ends_as_a_text_or_as_words(expression: str, place: str) -> None:
    row = {
        "t": "Zebulon",
        "n": 7,
        "f": 2.5,
        "d": dt.date(2026, 11, 2),
        "l": ["Zebulon", None],
        "s": {"a": "Zebulon", "n": 1},
        "m": None,
    }

    for told in rules(place.replace("@", expression), **row):
        assert not OF_PYTHONS_ERRORS.search(told)
