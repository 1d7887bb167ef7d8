"""Texts that only name columns print what Jinja2 would print."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from jinja2 import Environment

from connect_tasks.chat.template.expression import ABSENT, EmptyColumnError, Expression, row_context
from connect_tasks.chat.template.fast_path import plain_parts

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
