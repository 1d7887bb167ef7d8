"""Keys, tokens and addresses of links."""

import hashlib
import hmac
import pickle
import re
import shlex
import subprocess
import sys
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from random import Random
from urllib.parse import urlsplit

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.campaign.links import (
    KEYS_VARIABLE,
    InvitationKeys,
    checked_base_url,
    link_url,
    token_hash,
)
from connect_tasks.errors import InputError

OLD, NEW, OTHER = (
    "Hx0kJ2mQ7vLr5TnWc8YpZd3Fb6Gs9Ae1",
    "q8XbN1fVtZ0uDgR4oKiS7cPwE5yMhL2a",
    "U3jY6rBzQ9eGxT1kWnC8vHdOsA5pFm0L",
)
KEYS = InvitationKeys(f"{NEW},{OLD}")

names = st.text(min_size=1, max_size=30).filter(canonical_key)


def by_the_book(key: str, campaign: str, customer_id: str) -> str:
    """What a link's token is said to be, written down a second time."""
    parts = [
        text.encode(errors="surrogatepass") for text in ("invitation-1", campaign, customer_id)
    ]
    said = b"".join(str(len(part)).encode() + b":" + part for part in parts)
    digest = hmac.new(key.encode(), said, hashlib.sha256).digest()
    return urlsafe_b64encode(digest[:16]).decode().rstrip("=")


# --- keys ---


@pytest.mark.parametrize("text", ["", "  ", ",", " , ,"])
def test_without_a_key_one_sentence_says_how_to_make_one(text: str) -> None:
    with pytest.raises(InputError) as caught:
        InvitationKeys(text)

    said = str(caught.value)
    assert KEYS_VARIABLE in said
    assert said.count(". ") == 0
    command = shlex.split(re.findall("`(.+)`", said)[0])
    made = subprocess.run(
        [sys.executable, *command[1:]], capture_output=True, check=True, text=True
    )
    assert InvitationKeys(made.stdout).ids


def test_keys_come_from_the_environment_and_nowhere_else() -> None:
    assert InvitationKeys.from_environment({KEYS_VARIABLE: OLD}).ids == InvitationKeys(OLD).ids
    with pytest.raises(InputError, match=KEYS_VARIABLE):
        InvitationKeys.from_environment({})


@pytest.mark.parametrize(
    "weak",
    [
        "hunter2",
        "change-me",
        OLD[:31],
        "a" * 64,
        "password" * 8,
        "0123456789" * 5,
        "correct horse battery staple, and more",
        f'"{OLD}"',
        f"'{OLD}'",
        f"{OLD}\n{NEW}",
        f"{OLD};{NEW}",
        "ключ" * 16,
        OLD + "\0",
    ],
)
@pytest.mark.parametrize("among", ["{}", f"{OLD},{{}}", f"{{}},{OLD}"])
def test_a_key_that_could_be_guessed_or_misread_is_refused_without_being_shown(
    weak: str, among: str
) -> None:
    with pytest.raises(InputError, match="token_urlsafe") as caught:
        InvitationKeys(among.format(weak))

    said = str(caught.value).replace(KEYS_VARIABLE, "")
    assert not any(part in said for part in re.split(r"[ ,;\n]+", weak) if len(part) > 5)
    assert OLD not in said


@pytest.mark.parametrize("size", [16, 24, 32, 48, 64])
def test_random_keys_are_taken_in_every_usual_spelling(size: int) -> None:
    chance = Random(size)  # noqa: S311 - the same keys at every run
    for _ in range(300):
        made = chance.randbytes(size)
        spelt = {made.hex(), made.hex().upper()}
        if size >= 24:
            spelt |= {b64encode(made).decode(), urlsafe_b64encode(made).decode().rstrip("=")}
        for key in spelt:
            assert InvitationKeys(key).signing_id == hashlib.sha256(key.encode()).hexdigest()[:8]


def test_the_first_key_signs_and_all_verify() -> None:
    assert KEYS.token("renewals", "0042") == InvitationKeys(NEW).token("renewals", "0042")
    for key in (OLD, NEW):
        alone = InvitationKeys(key)
        token = alone.token("renewals", "0042")
        assert KEYS.token("renewals", "0042", alone.signing_id) == token
        assert KEYS.is_genuine(token, "renewals", "0042", alone.signing_id)


def test_spaces_and_empty_places_between_keys_do_not_count_nor_does_a_key_twice() -> None:
    assert InvitationKeys(f" {NEW} ,, {OLD},{NEW},").ids == KEYS.ids
    assert InvitationKeys(f" {NEW} ,, {OLD},{NEW},").signing_id == KEYS.signing_id


def test_a_key_that_was_taken_away_opens_nothing() -> None:
    before = InvitationKeys(OLD)
    token = before.token("renewals", "0042")

    after = InvitationKeys(NEW)
    assert not after.is_genuine(token, "renewals", "0042", before.signing_id)
    with pytest.raises(KeyError):
        after.token("renewals", "0042", before.signing_id)


def test_a_token_of_another_key_is_not_genuine_under_that_keys_name() -> None:
    forged = InvitationKeys(OTHER).token("renewals", "0042")

    assert not KEYS.is_genuine(forged, "renewals", "0042", KEYS.signing_id)
    assert not KEYS.is_genuine(forged, "renewals", "0042", InvitationKeys(OTHER).signing_id)


def test_even_the_signing_keys_own_token_is_not_genuine_for_a_link_of_a_key_that_is_gone() -> None:
    assert not KEYS.is_genuine(KEYS.token("renewals", "0042"), "renewals", "0042", "00000000")


@given(token=st.text(max_size=60) | st.text("ABCDabcd0123-_", min_size=22, max_size=22))
@example(token="\ud800")
@example(token="é" * 22)
@example(token="\0")
def test_whatever_somebody_gives_is_compared_and_never_raises(token: str) -> None:
    genuine = KEYS.token("renewals", "0042")
    assume(token != genuine)

    for key_id in (KEYS.signing_id, "", "no such key"):
        assert not KEYS.is_genuine(token, "renewals", "0042", key_id)
    assert token_hash(token) != token_hash(genuine)


@given(place=st.integers(0, 21), sign=st.sampled_from("ABCXYZabcxyz0189-_= "))
def test_a_token_with_one_other_sign_is_not_genuine(place: int, sign: str) -> None:
    genuine = KEYS.token("renewals", "0042")
    changed = genuine[:place] + sign + genuine[place + 1 :]

    assert KEYS.is_genuine(changed, "renewals", "0042", KEYS.signing_id) == (changed == genuine)


def test_keys_are_in_no_text_and_do_not_travel() -> None:
    assert repr(KEYS) == str(KEYS) == "<InvitationKeys: 2>"
    with pytest.raises(TypeError, match=KEYS_VARIABLE):
        pickle.dumps(KEYS)


# --- tokens ---


def test_a_token_never_changes() -> None:
    # Pinned: links that are in people's mailboxes.
    assert InvitationKeys(OLD).token("renewals", "0042") == "0BfV5ZNhk2UwVCT2rGcpQQ"


@given(campaign=names, customer_id=names)
def test_a_token_is_128_bits_of_hmac_over_the_two_keys(campaign: str, customer_id: str) -> None:
    token = KEYS.token(campaign, customer_id)

    assert token == by_the_book(NEW, canonical_key(campaign), canonical_key(customer_id))
    assert re.fullmatch("[A-Za-z0-9_-]{22}", token)
    assert len(urlsafe_b64decode(token + "==")) == 16


@given(one=st.tuples(names, names), other=st.tuples(names, names))
def test_two_customers_have_one_token_only_if_they_are_the_same_customer(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    same = list(map(canonical_key, one)) == list(map(canonical_key, other))

    assert (KEYS.token(*one) == KEYS.token(*other)) == same


def test_what_stands_at_the_end_of_one_name_is_not_taken_for_the_beginning_of_the_next() -> None:
    pairs = [("renewals1", "2"), ("renewals", "12"), ("renewals:1", "2"), ("renewals", "1:12")]

    assert len({KEYS.token(*pair) for pair in pairs}) == 4


def test_a_hash_is_found_again_and_says_nothing_of_the_token() -> None:
    token = KEYS.token("renewals", "0042")

    assert token_hash(token) == hashlib.sha256(token.encode()).hexdigest()


# --- base_url ---

labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
hosts = st.lists(labels, min_size=1, max_size=4).map(".".join)
segments = st.from_regex(r"[A-Za-z0-9_~][A-Za-z0-9._~-]{0,8}", fullmatch=True)
paths = st.lists(segments, max_size=3)


@given(host=hosts, port=st.none() | st.integers(1, 65_535), path=paths, slashes=st.integers(0, 3))
def test_a_link_leads_to_the_host_the_port_and_the_path_that_were_given(
    host: str, port: int | None, path: list[str], slashes: int
) -> None:
    given_url = f"https://{host}{'' if port is None else f':{port}'}"
    given_url += "".join(f"/{part}" for part in path) + "/" * slashes

    checked = checked_base_url(f" {given_url}\n")

    link = urlsplit(link_url(checked, "token"))
    assert (link.scheme, link.hostname, link.port) == ("https", host, port)
    assert link.path == "".join(f"/{part}" for part in path) + "/i/token"
    assert not link.query
    assert not link.fragment
    assert checked_base_url(checked) == checked


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000",
        "http://127.8.9.10",
        "http://localhost",
        "http://localhost:8000/chat",
        "http://chat.localhost:8000",
        "http://[::1]:8000",
        "https://[2001:db8::1]/chat",
        "https://localhost",
    ],
)
def test_this_machine_may_be_reached_without_encryption(url: str) -> None:
    assert checked_base_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "chat.example.com",
        "//chat.example.com",
        "/chat",
        "http://chat.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://10.0.0.1",
        "http://0.0.0.0:8000",
        "http://[::2]",
        "ftp://chat.example.com",
        "javascript:alert(1)",
        "data:text/html,hello",
        "https://",
        "https:///chat",
        "https://:8000",
        "https://chat.example.com:",
        "https://chat.example.com:0",
        "https://chat.example.com:70000",
        "https://chat.example.com:port",
        "https://user:hunter2@chat.example.com",
        "https://hunter2@chat.example.com",
        "https://chat.example.com?campaign=1",
        "https://chat.example.com/?",
        "https://chat.example.com/#chat",
        "https://chat.example.com#",
        "https://chat example.com",
        "https://chat.example.com/a b",
        "https://chat.exa\nmple.com",
        "https://chat.example.com/\x00",
        "https://müller.example",
        "https://chat.example.com/grüße",
        "https://chat.example.com\\@evil.example",
        "https://chat..example.com",
        "https://-chat.example.com.",
        "https://chat.example.com/a//b",
        "https://chat.example.com/../b",
        "https://chat.example.com/./b",
        "https://chat.example.com/%2e%2e/b",
        'https://chat.example.com/"onclick=',
        "https://chat.example.com/<b>",
        "https://[::1",
        "https://[::1%eth0]",
        "https://{host}",
    ],
)
def test_an_address_that_leads_astray_or_lets_links_be_read_is_refused_in_one_sentence(
    url: str,
) -> None:
    with pytest.raises(InputError, match=r"base_url .*https://chat\.example\.com; http") as caught:
        checked_base_url(url)

    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


@given(text=st.text(max_size=40) | st.text("htps:/.[]@#?%ab1 \\", max_size=40))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        checked = checked_base_url(text)
    except InputError:
        return
    assert checked.startswith(("https://", "http://"))
    assert checked_base_url(checked) == checked
