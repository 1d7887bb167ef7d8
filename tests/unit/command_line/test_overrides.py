"""Overrides: what is typed goes over the file's settings, and secrets are not typed."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.command_line.overrides import overridden, typed_flags, typed_settings
from connect_tasks.errors import InputError

NAMES = st.text("abc", min_size=1, max_size=2)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(tuple)
TABLES = st.recursive(
    st.integers() | st.text(max_size=3), lambda inner: st.dictionaries(NAMES, inner, max_size=3)
)


def at(table: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        table = table[name]
    return table


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("a.b=3", 3),
        ("a.b=true", True),
        ('a.b="3"', "3"),
        ("a.b=[1, 2]", [1, 2]),
        ("a.b={ c = 1 }", {"c": 1}),
        ("a.b={{ plan }}", "{{ plan }}"),
        ("a.b=Hi, {{ name }}!", "Hi, {{ name }}!"),
        ("a.b=", ""),
        ("a.b=x=y", "x=y"),
        ("a.b=1\nc = 2", "1\nc = 2"),
        ("a . 'b'=renewals", "renewals"),
    ],
)
def test_a_value_is_tomls_or_else_text_as_it_stands(pair: str, value: Any) -> None:
    assert typed_settings([pair]) == {("a", "b"): value}


@given(st.text(max_size=12))
def test_any_value_is_read(value: str) -> None:
    ((path, _),) = typed_settings([f"a.b={value}"]).items()

    assert path == ("a", "b")


@pytest.mark.parametrize("pair", ["a", "=3", "a..b=3", "a b=3", "[a]\nb=3", "'''a\nb'''=3", ".=1"])
def test_what_is_no_pair_is_refused_with_how_to_write_one(pair: str) -> None:
    with pytest.raises(InputError, match="KEY=VALUE"):
        typed_settings([pair])


@given(TABLES.filter(lambda value: isinstance(value, dict)), PATHS, st.integers())
def test_one_setting_is_what_was_typed_and_all_others_stay(
    fields: dict[str, Any], path: tuple[str, ...], value: int
) -> None:
    before = json.dumps(fields)
    try:
        whole = overridden(fields, {path: value})
    except InputError:
        inner = fields
        while isinstance(inner, dict):
            inner, path = inner[path[0]], path[1:]
        assert path
        return

    assert at(whole, path) == value
    assert json.dumps(fields) == before
    # The same settings, written again after what was typed is taken out of both.
    for table in (whole, whole_of := json.loads(before)):
        inner = table
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner.pop(path[-1], None)
    assert whole == whole_of


def test_what_is_typed_last_counts_and_flags_say_nothing_by_none() -> None:
    said = typed_settings(["a=1", "a=2"]) | typed_flags({"b": None, "c.d": 0})

    assert said == {("a",): 2, ("c", "d"): 0}


@pytest.mark.parametrize(
    ("pair", "way"),
    [
        ("instance.aws_secret_access_key=wJalr", "AWS_SECRET_ACCESS_KEY"),
        ("instance.AWS_SESSION_TOKEN=wJalr", "AWS_SESSION_TOKEN"),
        ("campaign.keys=wJalr", "CONNECT_TASKS_INVITATION_KEYS"),
        ("campaign.invitation_keys=wJalr", "CONNECT_TASKS_INVITATION_KEYS"),
        ("instance={ secret_key = 'wJalr' }", "AWS_SECRET_ACCESS_KEY"),
        ("instance={ more = [{ password = 'wJalr' }] }", "pgpass"),
        ("campaign.ledger=postgresql://ada:wJalr@host/ledger", "CONNECT_TASKS_LEDGER"),
        ("campaign.ledger='postgresql://ada@host/ledger?password=wJalr'", "CONNECT_TASKS_LEDGER"),
        ("campaign={ ledger = 'postgresql://ada:wJalr@host/ledger' }", "CONNECT_TASKS_LEDGER"),
        ("instance.endpoint_url=https://ada:wJalr@proxy", "environment"),
    ],
)
def test_a_secret_is_refused_with_where_it_may_be_and_not_repeated(pair: str, way: str) -> None:
    with pytest.raises(InputError, match=way) as raised:
        typed_settings([pair])

    assert "wJalr" not in str(raised.value)


def test_a_flag_with_a_password_is_refused_as_well() -> None:
    with pytest.raises(InputError, match="history"):
        typed_flags({"campaign.ledger": "postgresql://ada:wJalr@host/ledger"})


def test_what_only_looks_like_a_secret_is_none() -> None:
    pairs = [
        "campaign.ledger=postgresql://ada@host/ledger",
        "campaign.base_url=https://chat.example.com",
        "instance.quotas.token_validity=PT12H",
        "template.attributes.token={{ token }}",
        "template.initial_message=My password = {{ password }}",
        "conversation.messages=['pwd=1']",
    ]

    assert len(typed_settings(pairs)) == len(pairs)


def test_a_setting_inside_of_no_table_is_refused() -> None:
    with pytest.raises(InputError, match=r"a\.b\.c cannot be set: a\.b is no table"):
        overridden({"a": {"b": 1}}, {("a", "b", "c"): 2})


def test_values_of_toml_are_those_of_tomllib() -> None:
    date = tomllib.loads("a = 2026-11-27")["a"]

    assert typed_settings(["a=2026-11-27"]) == {("a",): date}
