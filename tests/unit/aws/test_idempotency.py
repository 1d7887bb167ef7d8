import hashlib
import json
import unicodedata
from typing import Any, Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connect_tasks.aws.idempotency import (
    canonical_json,
    canonical_key,
    client_token,
    fingerprint,
    first_token_of,
    message_token,
)
from connect_tasks.errors import InputError

PINNED_CONTACT = (
    "connect-tasks-contact-1-e69e7a537b0ca1546866da34e93c43c98c8b8a4c925247cc5ed8f3a8be09228e"
)
PINNED_MESSAGE = (
    "connect-tasks-message-1-827e69d425b2aeccb5f834977d8373cae7e422bf3d9eb7478999d2dcd7a3d874"
)
PINNED_PRINT = "e9e22ae32589b8710cf95fd9193823f516539f7abc6e946e8834cb4cccc54623"

names = st.text(min_size=1).filter(canonical_key)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("aé\n", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=5,
)


def sha256_hex(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("campaign", "customer", "generation", "hashed"),
    [
        ("renewals", "0042", 1, b"8:renewals4:00421:1"),
        ("renewals", "0042", 12, b"8:renewals4:00422:12"),
        ("Grüße", "ä", 1, b"7:Gr\xc3\xbc\xc3\x9fe2:\xc3\xa41:1"),
    ],
    ids=["plain", "a later generation", "beyond ASCII"],
)
def test_a_client_token_is_the_hash_of_its_parts_with_their_lengths(
    campaign: str, customer: str, generation: int, hashed: bytes
) -> None:
    expected = "connect-tasks-contact-1-" + sha256_hex(hashed)

    assert client_token(campaign, customer, generation) == expected


# These values are in the ledgers of running campaigns: a change contacts people twice.
def test_tokens_never_change() -> None:
    assert client_token("renewals-2026-11", "0042") == PINNED_CONTACT
    assert message_token(PINNED_CONTACT, 1) == PINNED_MESSAGE
    assert fingerprint({"InstanceId": "i-1", "Attributes": {"b": "é", "a": ""}}) == PINNED_PRINT


@given(names, names, names, names)
def test_other_parts_give_other_tokens(a: str, b: str, c: str, d: str) -> None:
    assume(tuple(map(canonical_key, (a, b))) != tuple(map(canonical_key, (c, d))))

    assert client_token(a, b) != client_token(c, d)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("ab", "c", 1), ("a", "bc", 1), id="the boundary moved"),
        pytest.param(("a", "b", 1), ("b", "a", 1), id="swapped"),
        pytest.param(("a", "b1", 1), ("a", "b", 11), id="into the generation"),
        pytest.param(("a", "1", 1), ("a", "01", 1), id="a leading zero"),
    ],
)
def test_similar_parts_give_other_tokens(
    one: tuple[str, str, int], other: tuple[str, str, int]
) -> None:
    assert client_token(*one) != client_token(*other)


@given(names, names, st.integers(min_value=1))
def test_a_token_is_short_ascii(campaign: str, customer: str, generation: int) -> None:
    token = client_token(campaign, customer, generation)

    assert token.isascii()
    assert token.isprintable()
    assert len(token) <= 500
    assert len(message_token(token, 3)) <= 500


@pytest.mark.parametrize("wrong", [("", "0042", 1), ("renewals", "", 1), ("renewals", "0042", 0)])
def test_a_token_needs_a_campaign_a_customer_and_a_generation(wrong: tuple[str, str, int]) -> None:
    with pytest.raises(InputError):
        client_token(*wrong)


def test_every_message_of_every_contact_has_its_own_token() -> None:
    contacts = [client_token("c", str(n)) for n in range(20)]
    tokens = {message_token(contact, n) for contact in contacts for n in range(20)}

    assert len(tokens | set(contacts)) == 20 * 20 + 20


def test_a_fingerprint_does_not_see_the_client_token() -> None:
    assert fingerprint({"A": "1", "ClientToken": "x"}) == fingerprint({"A": "1"})
    assert fingerprint({"A": {"ClientToken": "x"}}) != fingerprint({"A": {}})


@given(st.dictionaries(st.text("abc"), json_values))
def test_equal_requests_have_one_canonical_text(wire: dict[str, Any]) -> None:
    backwards = dict(reversed(wire.items()))

    assert canonical_json(wire) == canonical_json(backwards)
    assert json.loads(canonical_json(wire)) == wire


@given(st.dictionaries(st.text("abc"), json_values), st.dictionaries(st.text("abc"), json_values))
def test_fingerprints_agree_exactly_when_canonical_texts_do(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    same = canonical_json(one) == canonical_json(other)

    assert (fingerprint(one) == fingerprint(other)) == same


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_say_has_no_fingerprint(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        fingerprint({"A": value})


def test_the_canonical_text_is_pinned() -> None:
    assert canonical_json({"b": ["é", 1], "a": {"d": None, "c": True}}) == (
        '{"a":{"c":true,"d":null},"b":["é",1]}'
    )


# --- what a person would call the same ---

INVISIBLE = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) == "Cf"]
WHITE = [c for c in map(chr, range(0x3100)) if c.isspace()]
NAMES = st.text(min_size=1).filter(lambda name: name.encode("utf-8", "ignore").decode() == name)


@given(NAMES)
def test_a_keys_own_key_is_itself(name: str) -> None:
    assert canonical_key(canonical_key(name)) == canonical_key(name)


@given(
    NAMES,
    st.text(st.sampled_from([*WHITE, *INVISIBLE])),
    st.text(st.sampled_from([*WHITE, *INVISIBLE])),
    st.sampled_from(INVISIBLE),
    st.sampled_from(["NFC", "NFD"]),
)
def test_what_nobody_sees_makes_no_other_customer(
    name: str, before: str, after: str, within: str, form: Literal["NFC", "NFD"]
) -> None:
    middle = len(name) // 2
    dressed = unicodedata.normalize(form, f"{before}{name}{after}")
    spaced = f"{name[:middle]}{within}{name[middle:]}"

    assert canonical_key(dressed) == canonical_key(name)
    assert canonical_key(spaced) == canonical_key(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [("a", "A"), ("0042", "42"), ("a b", "ab"), ("a", "\u0430"), ("1", "\u00b9"), ("1.0", "1")],
)
def test_what_a_person_sees_to_differ_stays_different(one: str, other: str) -> None:
    assert canonical_key(one) != canonical_key(other)


@pytest.mark.parametrize("name", ["", " ", "\u200b", "\u00a0\ufeff\u2003"])
def test_a_name_of_which_nothing_is_seen_makes_no_token(name: str) -> None:
    with pytest.raises(InputError):
        client_token("renewals", name)
    with pytest.raises(InputError):
        client_token(name, "0042")


def test_a_campaign_without_a_name_makes_no_tokens() -> None:
    with pytest.raises(InputError):
        first_token_of("\u200b")


@given(NAMES, NAMES)
def test_the_tokens_of_many_first_contacts_are_those_of_each(campaign: str, name: str) -> None:
    assume(canonical_key(campaign) and canonical_key(name))

    token = first_token_of(campaign)(canonical_key(name))

    assert token == client_token(campaign, name, 1)


def test_two_that_look_the_same_have_one_token() -> None:
    assert client_token(" renewals\u200b", "Zoe\u0308\u00a0") == client_token(
        "renewals", "Zo\u00eb"
    )
