"""Texts that only name columns print what Jinja2 would print."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from connect_tasks.chat.template.cells import is_missing
from connect_tasks.chat.template.expression import ABSENT, EmptyColumnError, Expression, row_context
from connect_tasks.chat.template.fast_path import plain_parts
from connect_tasks.chat.template.faults import TextError

VALUES: Mapping[str, Any] = {
    "name": "Ada",
    "count": 7,
    "share": 0.5,
    "flag": True,
    "due": date(2026, 11, 2),
    "at": datetime(2026, 11, 2, 9, 30, tzinfo=UTC),
    "hour": time(9, 30),
    "price": Decimal("1.50"),
    "whole": 7.0,
    "large": 1e16,
    "exact": Decimal("5.00"),
    "tags": ["a", "b"],
    "First name": "Grace",
    "row": "a column called row",
    "range": "a column called range",
    "self": "a column called self",
    "_id": 7,
}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ name }}", "Ada"),
        ("Hi, {{ name }}!", "Hi, Ada!"),
        ("{{ count }}/{{ share }}/{{ flag }}/{{ price }}", "7/0.5/True/1.50"),
        ("{{ due }} {{ at }} {{ hour }}", "2026-11-02 2026-11-02T09:30:00+00:00 09:30:00"),
        ("{{ whole }} {{ large }} {{ exact }}", "7 10000000000000000 5"),
        ("{{ row['First name'] }} {{ row.name }}", "Grace Ada"),
        ("{{ name | default('there') }}", "Ada"),
        ("{{ nickname | default('there') }}", "there"),
        ("{{ nickname | d(3) }}", "3"),
        ("{{ row['nick'] | default('') }}", ""),
        ("a{{ nickname | default(none) }}b", "ab"),
        ("{{ nickname | default(none) }}{{ nickname | default(none) }}", ""),
        ("{{ nickname | default(name) }}", "Ada"),
        ("{{ nickname | default('a') | default('b') }}", "a"),
        ("{{ name | upper }}", "ADA"),
        ("{{ row['row'] }}", "a column called row"),
        ("{{ range }}", "a column called range"),
        ("{{ self }} {{ row._id }}", "a column called self 7"),
        ("line\r\n{{ name }}\n", "line\nAda\n"),
        ("{# aside #}{{ name }}{% if count %}!{% endif %}", "Ada!"),
    ],
)
def test_a_text_prints_the_same_whoever_fills_it_in(source: str, expected: str) -> None:
    expression, context = Expression(source), row_context(VALUES)

    assert expression.render(context) == expected
    assert expression._by_jinja(context.row) == expected


def test_a_column_that_is_none_as_a_whole_leaves_the_field_out() -> None:
    assert Expression("{{ plan | default(none) }}").render(row_context({})) is ABSENT


@pytest.mark.parametrize("source", ["{{ plan }}", "a {{ row['plan'] }}"])
def test_an_empty_column_is_the_same_mistake_as_in_jinja(source: str) -> None:
    with pytest.raises(EmptyColumnError, match="'plan' is empty"):
        Expression(source).render(row_context({}))


@pytest.mark.parametrize(
    "source",
    [
        "",
        "{{ row }}",
        "{{ row[name] }}",
        "{{ true }}",
        "{{ name | default('x', true) }}",
        "{{ name | default(default_value='x') }}",
        "{{ name + name }}",
        "{% for n in name %}{{ n }}{% endfor %}",
    ],
)
def test_only_columns_as_they_are_count_as_plain(source: str) -> None:
    assert plain_parts(Environment().parse(source)) == ()  # noqa: S701 - only parsed


# -- whatever stands in the text and in the cells

CELLS = st.recursive(
    st.booleans()
    | st.integers()
    | st.integers(10**990, 10**1_010)
    | st.floats()
    | st.decimals()
    | st.sampled_from([Decimal("1E+9999"), Decimal("1E-9999"), Decimal("1E+999"), 2.0**53, 1e22])
    | st.text(st.characters() | st.characters(categories=["Cs"]))
    | st.integers(99_990, 100_010).map("x".__mul__)
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.timedeltas()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=4,
)
PLACES = [
    *("{{ a }}", "{{ row['a'] }}", "{{ row.b }}", "{{ b }}", "{{ self }}", "{{ row['a b'] }}"),
    *("{{ a | default('z') }}", "{{ b | d(none) }}", "{{ range | default(1.0) }}"),
    *("{{ a | default(true) }}", "{{ a | default('') }}", "{{ b | default(10**3) }}"),
    *("x", " ", "\n", "{# aside #}", "\ud800"),
]
NAMES = ["a", "b", "a b", "self", "range"]


def outcome(fill: Callable[[], str]) -> tuple[str, bool] | str:
    """A text, and whether it leaves the field out; or what is wrong."""
    try:
        text = fill()
    except TextError as error:
        return f"{type(error).__name__}: {error}"
    return text, text is ABSENT


@settings(suppress_health_check=list(HealthCheck))
@given(
    source=st.lists(st.sampled_from(PLACES), min_size=1, max_size=4).map("".join),
    row=st.dictionaries(st.sampled_from(NAMES), CELLS),
    is_id=st.booleans(),
)
@example(source="{{ a }}{{ a }}", row={"a": "x" * 60_000}, is_id=False)
@example(source="{{ a }}", row={"a": Decimal("1E+999")}, is_id=True)
@example(source="{{ a }}", row={"a": Decimal("-1E+999")}, is_id=True)
@example(source="{{ a }}", row={"a": Decimal("1E-999")}, is_id=True)
def test_both_ways_come_to_the_same_whatever_the_cells_hold(
    source: str, row: dict[str, Any], *, is_id: bool
) -> None:
    values = {name: value for name, value in row.items() if not is_missing(value)}
    expression, context = Expression(source, is_id=is_id), row_context(values)

    assert outcome(lambda: expression.render(context)) == outcome(
        lambda: expression._by_jinja(context.row)
    )
