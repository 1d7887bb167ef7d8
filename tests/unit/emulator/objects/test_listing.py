"""Listings against a model of a few lines: all keys, grouped, from a place on, in pages."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.objects.listing import (
    MOST_KEYS,
    Entry,
    Wish,
    page_of,
    read_token,
    write_token,
)

KEYS = st.lists(st.text(alphabet="ab/é", min_size=1, max_size=6), max_size=30, unique=True)
PREFIXES = st.text(alphabet="ab/", max_size=3)
DELIMITERS = st.sampled_from(["", "/", "a", "//"])


def bucket(keys: list[str], prefix: str, after: str) -> Iterator[str]:
    return iter([key for key in sorted(keys) if key.startswith(prefix) and key > after])


def expected(keys: list[str], prefix: str, delimiter: str, start_after: str = "") -> list[Entry]:
    """By S3's documentation, without pages."""
    entries: dict[Entry, None] = {}
    for key in sorted(key for key in keys if key.startswith(prefix) and key > start_after):
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        is_group = at >= 0
        entries[Entry(key[: at + len(delimiter)] if is_group else key, is_group)] = None
    return list(entries)


def pages(keys: list[str], wish: Wish) -> Iterator[tuple[Entry, ...]]:
    # More pages than lines can only be the same ones again.
    for _ in range(len(keys) + 2):
        page = page_of(lambda prefix, after: bucket(keys, prefix, after), wish)
        yield page.entries
        if not page.is_truncated:
            return
        after = read_token(write_token(page.entries[-1]))
        wish = Wish(prefix=wish.prefix, delimiter=wish.delimiter, after=after, most=wish.most)


@given(keys=KEYS, prefix=PREFIXES, delimiter=DELIMITERS, most=st.integers(1, 7))
def test_pages_hold_each_line_once_in_order_and_none_is_empty_or_too_long(
    keys: list[str], prefix: str, delimiter: str, most: int
) -> None:
    found = list(pages(keys, Wish(prefix=prefix, delimiter=delimiter, most=most)))

    assert [entry for page in found for entry in page] == expected(keys, prefix, delimiter)
    assert all(len(page) == most for page in found[:-1])
    assert len(found) == 1 or found[-1]


@given(keys=KEYS, prefix=PREFIXES, delimiter=DELIMITERS, start=st.text(alphabet="ab/", max_size=4))
def test_a_listing_begins_after_the_key_that_is_named(
    keys: list[str], prefix: str, delimiter: str, start: str
) -> None:
    wish = Wish(prefix=prefix, delimiter=delimiter, after=Entry(start))

    (found,) = pages(keys, wish)
    assert list(found) == expected(keys, prefix, delimiter, start)


def test_no_page_has_more_than_a_thousand_lines_whatever_is_asked() -> None:
    keys = [f"{number:05}" for number in range(2_500)]

    assert [len(page) for page in pages(keys, Wish(most=100_000))] == [MOST_KEYS, MOST_KEYS, 500]
    assert MOST_KEYS == 1_000


def test_who_asks_for_no_lines_gets_none_and_is_done() -> None:
    assert list(pages(["a", "b"], Wish(most=0))) == [()]


@given(name=st.text(max_size=30), is_group=st.booleans())
def test_a_token_stands_for_its_line(name: str, *, is_group: bool) -> None:
    assert read_token(write_token(Entry(name, is_group))) == Entry(name, is_group)


@given(st.text(max_size=40))
def test_a_token_that_somebody_made_up_is_an_invalid_argument_or_a_line(token: str) -> None:
    code = "InvalidArgument"
    try:
        name = read_token(token).name
    except RefusedError as refused:
        code, name = refused.code, ""

    assert (code, type(name)) == ("InvalidArgument", str)


@pytest.mark.parametrize("token", ["", "e30=", "bnVsbA==", "WzEsMl0=", "WyJhIiwxXQ==", "%%%"])
def test_a_token_of_something_else_is_an_invalid_argument(token: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read_token(token)

    assert (caught.value.code, caught.value.status) == ("InvalidArgument", 400)
