"""Whatever a template asks for, it ends within a moment and holds little memory."""

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.expression import syntax_error
from connect_tasks.errors import InputError

pytestmark = pytest.mark.thorough

# Of processor time, with tracemalloc, which makes everything some times slower.
MOST_SECONDS = 3.0
MOST_MEGABYTES = 30.0

ROW: dict[str, Any] = {
    "customer_id": "0042",
    "name": "ada",
    "n": 7,
    "text": "a" * 90_000,
    "words": "ab " * 30_000,
    "marks": "<!---->" * 12_000,
    "tags": ["a"] * 50_000,
    "home": {"city": "Paris"},
    "nested": [[["x"] * 100] * 10] * 20,
    "huge": Decimal("1E+999999"),
    "tiny": Decimal("1E-999999"),
    "long": Decimal("1." + "3" * 4_000),
}
# Lists that hold the one before twice: forty of them are a million million items.
DOUBLED = (
    "{% set ns = namespace(a=(1,), b=(1,)) %}{% for i in range(40) %}"
    "{% set ns.a = (ns.a, ns.a) %}{% set ns.b = (ns.b, ns.b) %}{% endfor %}"
)

NESTED = (
    "{% set ns = namespace(a=[]) %}{% for i in range(9000) %}{% set ns.a = [ns.a] %}{% endfor %}"
)
GROWING = (
    "{% set ns = namespace(s='x') %}"
    "{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}"
)


@contextmanager
def moment() -> Iterator[None]:
    """Fail if what is done takes long or much memory."""
    tracemalloc.start()
    started = time.process_time()
    try:
        yield
        seconds = time.process_time() - started
        megabytes = tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
    assert seconds < MOST_SECONDS
    assert megabytes < MOST_MEGABYTES


def outcome(text: str) -> str:
    """What is said about a text, when it is made or when it is filled in; empty if it is right."""
    with moment():
        try:
            template = ChatTemplate(display_name="Ada", attributes={"a": text})
        except ValidationError as error:
            return str(error)
        renderer = template.bind(instance_id="i-1", contact_flow_id="f-1")
        # A request's own limits come later, and are another matter.
        problems = renderer.render(ROW).problems
    return "; ".join(p.rule for p in problems if p.field == "attributes.a")


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'x' * 10**9 }}",
        "{{ 10**9 * 'x' }}",
        "{{ [0] * 10**9 }}",
        "{{ ((0,) * 10**9) | length }}",
        "{{ text * 10**6 }}",
        "{{ text + text }}",
        "{{ text ~ text }}",
        "{{ text }}{{ text }}",
        "{{ 9 ** (9 ** 9) }}",
        "{{ 2 ** (10 ** 9) }}",
        "{{ (2 ** 3000) * (2 ** 3000) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%.999999999f' % 1 }}",
        "{{ '%0999999999d' % n }}",
        "{{ '%*d' % (999999999, 1) }}",
        "{{ '%(a)999999999s' % {'a': n} }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ '%s%s' % (text, text) }}",
        "{{ '%999999999d' is odd }}",
        "{{ '%999999999d' is divisibleby(3) }}",
        "{{ ['%999999999d'] | select('even') | join }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ '{:.999999999f}'.format(1.5) }}",
        "{{ '{:{w}}'.format(1, w=999999999) }}",
        "{{ ('{0}' * 30000).format(text) }}",
        "{{ '{a:999999999}'.format_map({'a': 1}) }}",
        "{{ 'x'.center(10**9) }}",
        "{{ 'x'.ljust(10**9) }}",
        "{{ 'x'.rjust(10**9) }}",
        "{{ 'x'.zfill(10**9) }}",
        "{{ ('\\t' * 50000).expandtabs(10**6) }}",
        "{{ text.replace('a', text) }}",
        "{{ text.replace('', text) }}",
        "{{ text.join(tags) }}",
        "{{ 'x' | center(10**9) }}",
        "{{ 'x\\ny' | indent(10**9) }}",
        "{{ text | replace('a', text) }}",
        "{{ tags | join(text) }}",
        "{{ words | wordwrap(5, true, text) }}",
        "{{ 15 | round(-10**9) }}",
        "{{ 1.5 | round(10**9, 'ceil') }}",
        "{{ tags | batch(10**9, 0) | first | length }}",
        "{{ [1] | slice(10**9) | first | length }}",
        "{{ marks | striptags }}",
        "{{ nested | tojson(indent=10**6) }}",
        "{{ text.strip('b' * 50000) }}",
        "{{ text.rfind('b' ~ 'a' * 45000) }}",
        "{{ tags | sort(attribute='a,' * 50000) | length }}",
        "{{ range(10**20) | length }}",
        "{% for i in range(10**5) %}{% endfor %}",
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
        "{% for a in tags %}{% for b in tags %}{% endfor %}{% endfor %}",
        "{% for i in range(9999) %}" + "y" * 15_000 + "{% endfor %}",
        "{% macro m() %}" + "y" * 9_000 + "{% endmacro %}{% for i in range(9999) %}"
        "{% set x = m() %}{% endfor %}",
        "{% set x %}{% for i in range(9999) %}" + "y" * 999 + "{% endfor %}{% endset %}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m() %}{{ m(varargs, varargs) }}{% endmacro %}{{ m(1) }}",
        "{% for x in [1] recursive %}{{ loop([1, 2]) }}{% endfor %}",
        GROWING + "{{ ns.s | length }}",
        "{% for i in range(9999) %}{% set x = text | upper %}{% endfor %}",
        "{% for i in range(9999) %}{% set x = text.upper() %}{% endfor %}",
        "{% for i in range(9999) %}{% set x = text[1:] %}{% endfor %}",
        "{% for i in range(9999) %}{% if text == text ~ 'b' %}{% endif %}{% endfor %}",
        "{% for i in range(9999) %}{% if 'b' in tags %}{% endif %}{% endfor %}",
        "{% for i in range(9999) %}{% set x = tags | sort %}{% endfor %}",
        DOUBLED + "{{ ns.a == ns.b }}",
        DOUBLED + "{{ ns.a is eq(ns.b) }}",
        DOUBLED + "{{ ns.a in [ns.b] }}",
        DOUBLED + "{{ {ns.a: 1} | length }}",
        DOUBLED + "{{ home[ns.a] }}",
        DOUBLED + "{{ home.get(ns.a) }}",
        DOUBLED + "{{ ns.a in home }}",
        DOUBLED + "{{ [ns.a] | unique | list | length }}",
        DOUBLED + "{{ [ns.a, ns.b] | sort | length }}",
        DOUBLED + "{{ ns.a.count(1) }}",
        DOUBLED + "{{ ns.a | tojson }}",
        DOUBLED + "{{ ns.a | string }}",
        DOUBLED + "{{ ns.a is lower }}",
        NESTED + "{{ ns.a == [] }}",
        "{{ [1] | map('(paid)', -10**12) | join }}",
        "{{ 1e999 }}",
        "{{ " + "9" * 5_000 + " }}",
        "{{ n.__class__ }}",
        "{{ huge | int }}",
        "{{ huge // 3 }}",
        "{{ '{:f}'.format(tiny) }}",
        "{% for i in range(9999) %}{% set x = long * long %}{% endfor %}",
        "{{ 10 ** 900 * 1.5 }}",
        "{{ 1e300 | filesizeformat }}",
        "{{ 'inf' | filesizeformat }}",
        "{% for i in range(9999) %}{% set x = loop.cycle(*tags) %}{% endfor %}",
        "{% for i in range(9999) %}{% set x = '{}'.format(*tags) %}{% endfor %}",
    ],
)
def test_a_greedy_template_is_refused_in_a_sentence(text: str) -> None:
    assert len(outcome(text)) > 20


@pytest.mark.parametrize(
    "text",
    [
        "{{ text | length }}{{ text[:9] }}",
        "{{ text.find('a' * 45000 ~ 'b') }}",
        "{{ words | title | length }}",
        "{{ ('a b ' * 20000) | wordcount }}",
        "{{ name ~ '" + "x" * 19_000 + "' }}",
        "{% for i in range(2000) %}{{ i }}{% endfor %}",
        "{% if n %}" + "{% elif n %}" * 500 + "{% endif %}",
        "{{ " + " ~ ".join(["name"] * 500) + " }}",
        "{{ " + " + ".join(["name"] * 30) + " }}",
        "{{ " + "(" * 15 + "n" + ")" * 15 + " }}",
    ],
)
def test_a_template_that_is_only_long_is_filled_in(text: str) -> None:
    assert outcome(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "(" * 300 + "n" + ")" * 300 + " }}",
        "{{ " + "[" * 300 + "n" + "]" * 300 + " }}",
        "{{ " + "{1:" * 300 + "n" + "}" * 300 + " }}",
        "{{ n" + "[n" * 300 + "]" * 300 + " }}",
        "{{ " + "not " * 3_000 + "n }}",
        "{{ " + "-" * 3_000 + "n }}",
        "{{ " + "+".join(["n"] * 3_000) + " }}",
        "{{ " + "n if n else " * 1_500 + "n }}",
        "{{ name" + " | upper" * 2_000 + " }}",
        "{{ name" + ".a" * 5_000 + " }}",
        "{{ name" + "()" * 5_000 + " }}",
        "{% if n %}" * 300 + "{% endif %}" * 300,
        "{% for i in tags %}" * 60 + "{% endfor %}" * 60,
        "{{ " * 3_000,
    ],
)
def test_a_template_that_is_nested_too_deeply_is_told_so(text: str) -> None:
    with moment():
        told = syntax_error(text)

    assert told is not None
    assert "more than 50 levels deep" in told


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{{ n }}" + "x" * 20_000, "at most 20,000 characters"),
        ("{{ [" + "n," * 9_000 + "] | length }}", "at most 3,000 names, values and tags"),
        ("{{ n " + "== n " * 3_900 + "}}", "at most 3,000 names, values and tags"),
    ],
)
def test_a_template_that_is_too_long_is_told_so(text: str, rule: str) -> None:
    with moment():
        told = syntax_error(text)

    assert told is not None
    assert rule in told


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        ("x" * 100_001, "column 'x' holds more than 100,000 characters or items"),
        (["x" * 60_000, "y" * 60_000], "column 'x' holds more than 100,000 characters or items"),
        (list(range(100_001)), "column 'x' holds more than 100,000 characters or items"),
        ({"a": "x" * 100_001}, "column 'x' holds more than 100,000 characters or items"),
        (10**2_000, "a number would be longer than 1,000 digits"),
    ],
)
def test_a_cell_that_is_too_large_is_the_rows_error(cell: object, rule: str) -> None:
    template = ChatTemplate(display_name="Ada", attributes={"a": "{{ x }}"})
    renderer = template.bind(instance_id="i-1", contact_flow_id="f-1")
    (problem,) = renderer.render({"customer_id": "0042", "x": cell}).problems

    assert rule in problem.rule


def test_a_cell_that_is_nested_too_deeply_is_the_rows_error() -> None:
    cell: list[Any] = []
    for _ in range(200):
        cell = [cell]
    template = ChatTemplate(display_name="Ada", attributes={"a": "{{ x | join }}"})
    renderer = template.bind(instance_id="i-1", contact_flow_id="f-1")
    (problem,) = renderer.render({"customer_id": "0042", "x": cell}).problems

    assert problem.rule == "column 'x' is nested more than 50 levels deep: flatten it"


def test_a_large_cell_that_no_text_uses_hurts_nobody() -> None:
    template = ChatTemplate(display_name="Ada", attributes={"a": "{{ row['n' ~ 1] }}"})
    renderer = template.bind(instance_id="i-1", contact_flow_id="f-1")

    assert renderer.render({"customer_id": "0042", "n1": 1, "x": "x" * 10**6}).problems == ()


# -- many columns


def wide(columns: int) -> list[str]:
    named = (f"attributes.c{number}" for number in range(columns))
    return ["customer_id", "display_name", *named]


def test_a_template_of_more_columns_than_a_request_holds_is_refused_at_once() -> None:
    with moment(), pytest.raises(InputError, match=r"20,002 columns .* takes 2,000"):
        ChatTemplate.from_columns(wide(20_000))


def test_a_template_with_more_texts_than_a_request_holds_is_refused() -> None:
    texts = {f"c{number}": "{{ x }}" for number in range(2_001)}

    with pytest.raises(InputError, match="may have 2,000"):
        ChatTemplate(display_name="Ada", attributes=texts).bind(
            instance_id="i-1", contact_flow_id="f-1"
        )


def seconds_for(columns: int) -> float:
    """The least of some tries: how long it takes to make a template of columns and fill it in."""
    names = wide(columns)
    tries: list[float] = []
    for _ in range(3):
        started = time.process_time()
        template = ChatTemplate.from_columns(names)
        renderer = template.bind(instance_id="i-1", contact_flow_id="f-1", columns=names)
        assert renderer.render(dict.fromkeys(names, "1")).problems == ()
        tries.append(time.process_time() - started)
    return min(tries)


def test_four_times_the_columns_take_about_four_times_as_long() -> None:
    assert seconds_for(1_600) < 10 * seconds_for(400)


def test_columns_that_no_text_uses_cost_next_to_nothing() -> None:
    names = [f"c{number}" for number in range(20_000)]
    template = ChatTemplate(customer_id="{{ c1 }}", display_name="{{ c2 }}")

    with moment():
        renderer = template.bind(instance_id="i-1", contact_flow_id="f-1", columns=names)
        row = dict.fromkeys(names, "1")
        assert all(renderer.render(row).request is not None for _ in range(1_000))


def test_names_that_are_absent_from_a_wide_table_are_told_shortly() -> None:
    names = [f"c{number}" for number in range(20_000)]
    text = "".join(f"{{{{ absent{number} }}}}" for number in range(900))

    with moment(), pytest.raises(InputError) as caught:
        ChatTemplate(display_name=text).bind(
            instance_id="i-1", contact_flow_id="f-1", columns=names
        )
    assert len(str(caught.value)) < 3_000
    assert "and 19,950 more" in str(caught.value)
