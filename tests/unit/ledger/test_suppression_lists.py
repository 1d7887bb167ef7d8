"""What a suppression list may be called; expected values follow from the rule in the docstrings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.errors import InputError
from connect_tasks.ledger.suppression_lists import (
    LONGEST_LIST,
    checked_list,
    existing_list,
    list_to_make,
    unlike_others,
)


@pytest.mark.parametrize(
    "name", ["all", "marketing", "2027", "news.weekly", "no-calls_at-night", "Bücher", "新闻"]
)
def test_a_list_may_be_called_in_letters_and_digits_with_joints_between(name: str) -> None:
    assert checked_list(name) == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("a" * (LONGEST_LIST + 1), "it has 65 characters, and may have 64"),
        ("mar keting", "letters and digits"),
        (" marketing", "letters and digits"),
        ("marketing\n", "letters and digits"),
        ("-marketing", "letters and digits"),
        ("marketing.", "letters and digits"),
        ("a/b", "letters and digits"),
        ("a\0b", "letters and digits"),
        ("mar\N{ZERO WIDTH SPACE}keting", "letters and digits"),
        ("\ud800", "letters and digits"),
        ("\uff4e\uff45\uff57\uff53", "stand for others"),
        ("Bu\N{COMBINING DIAERESIS}cher", "stand for others"),
    ],
)
def test_other_names_are_refused_in_one_sentence(name: str, why: str) -> None:
    with pytest.raises(InputError) as refused:
        checked_list(name)

    told = str(refused.value)
    assert why in told
    assert told.startswith("A suppression list cannot be called '")
    assert told.endswith(".")
    assert "\n" not in told


@pytest.mark.parametrize("name", [None, 7, ["all"]])
def test_what_is_no_text_is_no_name(name: object) -> None:
    with pytest.raises(InputError, match="A list's name is a text, not a"):
        checked_list(name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["Marketing", "MARKETING", "mar-keting", "mar.ke_ting", "ALL", "a-l-l"]
)
def test_a_name_that_looks_like_another_lists_is_refused_and_that_one_told(name: str) -> None:
    meant = "all" if len(name) < 6 else "marketing"
    with pytest.raises(InputError, match=f"which it looks like: write '{meant}'"):
        unlike_others(name, ["marketing", "news"])


@given(st.sampled_from(["news", "news2", "newsletter", "a", "all", "weekly-news"]))
def test_a_name_of_its_own_makes_a_list_and_one_that_is_there_is_that(name: str) -> None:
    assert unlike_others(name, ["news", "weekly-news"]) == name


def test_a_list_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(InputError, match=r"no suppression list 'markting' .*mean 'marketing'\?"):
        existing_list("markting", ["marketing"])
    with pytest.raises(InputError, match="in the ledger: there are all, news"):
        existing_list("zzz", ["news"])
    assert existing_list("all", []) == "all"


@pytest.mark.parametrize("slip", ["marketng", "markting", "marketing2", "amrketing"])
def test_nobody_is_put_on_a_list_that_is_nearly_another_one_unless_a_new_one_is_meant(
    slip: str,
) -> None:
    with pytest.raises(InputError, match=r"and there is 'marketing': .*new_list=True") as refused:
        list_to_make(slip, ["marketing", "zzz"])

    assert "\n" not in str(refused.value)
    assert list_to_make(slip, ["marketing", "zzz"], is_meant=True) == slip
    assert list_to_make(slip, ["marketing", slip]) == slip


@pytest.mark.parametrize("name", ["marketing", "calls", "all"])
def test_the_first_list_of_a_ledger_is_never_refused_as_near_to_another(name: str) -> None:
    assert list_to_make(name, []) == name


def test_a_new_list_that_is_meant_is_still_not_one_that_looks_like_another() -> None:
    with pytest.raises(InputError, match="which it looks like"):
        list_to_make("Marketing", ["marketing"], is_meant=True)
