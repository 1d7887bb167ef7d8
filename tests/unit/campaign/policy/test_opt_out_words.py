"""Which messages are opt-outs, which may be, and which are answers."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.campaign.policy.opt_out_words import WORDS, is_opt_out, may_be_opt_out

ALL = [word for words in WORDS.values() for word in words]


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        " Stop. ",
        "STOP!!!",
        '"stop"',
        "\N{FULLWIDTH LATIN CAPITAL LETTER S}\N{FULLWIDTH LATIN CAPITAL LETTER T}op",
        "stop\N{ZERO WIDTH SPACE}",
        "Stop \N{RAISED HAND}\N{VARIATION SELECTOR-16}",
        "STOPALL",
        "Stop all",
        "unsubscribe",
        "Opt-out",
        "OPT OUT",
        "optout",
        "S.T.O.P",
        "revoke",
        "ARRET",
        "Arrêt",
        unicodedata.normalize("NFD", "ARRÊT"),
        "\nstop\t",
    ],
)
def test_a_word_as_a_whole_message_is_an_opt_out(text: str) -> None:
    assert is_opt_out(text)
    assert not may_be_opt_out(text)


@pytest.mark.parametrize(
    "text",
    ["END", "Cancel", "YES", "quit", "no", "", " ", "?!", "\N{THUMBS UP SIGN}", "0", "shop", "top"],
)
def test_an_answer_is_none(text: str) -> None:
    assert not is_opt_out(text)
    assert not may_be_opt_out(text)


@pytest.mark.parametrize(
    "text",
    [
        "Stop. Thank you",
        "please stop",
        "STOP PLEASE",
        "STOP 12345",
        "I want you to stop writing to me",
        "Please unsubscribe me",
        "I opt out, thanks",
        "opt-out please",
        "unsubscibe",
        "Unsubscribed",
    ],
)
def test_what_may_mean_it_is_for_a_person_to_look_at(text: str) -> None:
    assert not is_opt_out(text)
    assert may_be_opt_out(text)


@pytest.mark.parametrize("text", ["nonstop", "The bus stops here", "I cancelled it", "revolver"])
def test_a_word_inside_of_another_is_none(text: str) -> None:
    assert not is_opt_out(text)
    assert not may_be_opt_out(text)


def test_words_can_be_replaced() -> None:
    words = {"de": ["abmelden", "bitte nicht mehr"], "tr": ["iptal"]}

    assert is_opt_out("Bitte nicht mehr!", words)
    assert is_opt_out("IPTAL", words)
    assert not is_opt_out("stop", words)
    assert may_be_opt_out("Ich will mich abmelden.", words)
    assert not is_opt_out("stop", {})
    assert not may_be_opt_out("stop", {"en": []})


DOTTED = "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}"
DOTLESS = "\N{LATIN SMALL LETTER DOTLESS I}"


@pytest.mark.parametrize(
    ("small", "capital"),
    [
        ("iptal", f"{DOTTED}PTAL"),
        (f"\u00e7{DOTLESS}k", "\u00c7IK"),
        (f"abonelikten \u00e7{DOTLESS}k", f"ABONEL{DOTTED}KTEN \u00c7IK"),
    ],
)
def test_a_turkish_word_may_be_written_in_its_own_capitals_and_in_others(
    small: str, capital: str
) -> None:
    for word in (small, capital):
        for said in (small, capital, small.upper(), capital.lower(), small.title()):
            assert is_opt_out(said, {"tr": [word]}), said


@given(st.sampled_from(ALL), st.sampled_from(["", " ", "!", "...", " - ", "\n"]))
def test_capitals_and_punctuation_change_nothing(word: str, around: str) -> None:
    assert is_opt_out(f"{around}{word}{around}")
    assert is_opt_out(f"{around}{word.upper()}")


@given(
    st.text(), st.sampled_from([WORDS, {"x": ["ß"]}, {"x": ["\N{LATIN SMALL LETTER DOTLESS I}"]}])
)
def test_any_message_can_be_asked(text: str, words: dict[str, tuple[str, ...]]) -> None:
    assert not (is_opt_out(text, words) and may_be_opt_out(text, words))


def test_a_word_in_a_very_long_message_is_none() -> None:
    assert not is_opt_out("!" * 1_000_000 + "stop" + "x" * 1_000_000)
    assert not may_be_opt_out("x" * 1_000_000)
