import re
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.aws import phone_numbers
from connect_tasks.aws.phone_numbers import (
    are_countries_known,
    why_no_text_reaches,
    why_not_e164,
)


@pytest.fixture
def _by_form_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package `phonenumbers` is not installed."""
    phone_numbers._phonenumbers.cache_clear()
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    yield
    phone_numbers._phonenumbers.cache_clear()


@pytest.fixture
def _by_country() -> None:
    phone_numbers._phonenumbers.cache_clear()
    pytest.importorskip("phonenumbers", reason="needs the extra `phones`")


E164 = r"\+[1-9][0-9]{1,14}"
# By ITU-T E.164 a number has 15 digits at most and begins with its country's code, which never
# begins with 0; the shortest in use have 7 (Niue).
NUMBERS = ["+4915112345678", "+14155550100", "+6834002", "+881612345678", "+33612345678"]
NO_NUMBERS = {
    "": "is blank",
    "  ": "is blank",
    "call me": "has letters",
    "4.91511234567E+12": "a spreadsheet has shortened, and its digits are lost",
    "4,9e12": "a spreadsheet has shortened",
    "4e1x": "has letters",
    "+49151CALLME1": "has letters",
    "+49151\uff11\uff12\uff13\uff14\uff15678": "has digits other than 0 to 9",
    "+\u0664\u0669151123456": "has digits other than 0 to 9",
    "+49 151 12345678": "has blanks or marks between the digits: write it in E.164",
    "+49-151-12345678": "has blanks or marks",
    "+4915112345678\n": "has blanks or marks",
    "+49 (0) 151 12345678": "has blanks or marks",
    "(030) 901820": "has blanks or marks between the digits, and begins with 0",
    "030 901820": "begins with 0, as it is dialled within a country",
    "07700900123": "begins with 0, as it is dialled within a country",
    "004915112345678": "begins with 00: write + in its place",
    "4915112345678": "has no +",
    "4155550100": "has no +",
    "+04915112345678": "no country's code does",
    "+0": "no country's code does",
    "+49": "is too short for a number with its country's code",
    "+123456": "is too short for a number with its country's code: 7 to 15 digits, not 6",
    "+1234567890123456": "is too long for a number with its country's code: 7 to 15 digits, not 16",
    "+": "is no phone number",
    "++4915112345678": "is no phone number",
    "+49151;12345678": "is no phone number",
}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_in_e164_is_one(number: str) -> None:
    assert why_not_e164(number) is None


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.usefixtures("_by_form_alone")
def test_a_number_in_e164_is_one_by_its_form_alone(number: str) -> None:
    assert why_not_e164(number) is None


@pytest.mark.parametrize(("text", "why"), NO_NUMBERS.items(), ids=ascii)
def test_what_is_no_number_is_told_why(text: str, why: str) -> None:
    assert why in (why_not_e164(text) or "")


@pytest.mark.parametrize(("text", "why"), NO_NUMBERS.items(), ids=ascii)
@pytest.mark.usefixtures("_by_form_alone")
def test_what_is_no_number_by_its_form_is_told_why_without_the_package(text: str, why: str) -> None:
    assert why in (why_not_e164(text) or "")


# By Google's tables of libphonenumber.
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("+999123456789", "begins with no country's code"),
        ("+4901511234567", "dialled within its country only, as a 0 after +49: leave them out"),
        ("+12345678", "a length that no number of +1 has"),
        ("+3361234567", "a length that no number of +33 has"),
    ],
)
@pytest.mark.usefixtures("_by_country")
def test_a_number_that_nobody_can_have_is_told_why(text: str, why: str) -> None:
    assert why in (why_not_e164(text) or "")


@pytest.mark.parametrize(
    ("number", "what"),
    [
        ("+4930901820", "a landline"),
        ("+442071838750", "a landline"),
        ("+390612345678", "a landline"),
        ("+18005550199", "a toll-free number"),
        ("+33899701234", "a premium-rate number"),
    ],
)
@pytest.mark.usefixtures("_by_country")
def test_no_text_reaches_a_landline_or_a_service(number: str, what: str) -> None:
    assert why_not_e164(number) is None
    assert (why_no_text_reaches(number) or "").startswith(f"is {what}, which no SMS reaches")


@pytest.mark.parametrize(
    "number",
    ["+4915112345678", "+14155550100", "+447700900123", "+15555550100", "call me"],
    ids=["mobile", "mobile or landline", "not in the tables", "an area of none", "no number"],
)
@pytest.mark.usefixtures("_by_country")
def test_a_text_may_reach_what_is_not_known_to_be_deaf(number: str) -> None:
    assert why_no_text_reaches(number) is None


@pytest.mark.usefixtures("_by_form_alone")
def test_without_the_package_landlines_are_not_told_apart() -> None:
    assert why_no_text_reaches("+4930901820") is None
    assert not are_countries_known()


@pytest.mark.usefixtures("_by_country")
def test_with_the_package_countries_are_known() -> None:
    assert are_countries_known()


DIGITS = st.text("0123456789", min_size=1, max_size=17)


@given(text=st.text(max_size=20) | DIGITS | DIGITS.map("+{}".format) | st.from_regex(E164))
def test_whatever_is_written_is_a_number_in_e164_or_told_why_not(text: str) -> None:
    why = why_not_e164(text)

    assert why is None or len(why) > 10
    assert why is not None or re.fullmatch(E164, text)
    assert why_no_text_reaches(text) is None or why is None


@pytest.mark.usefixtures("_by_country")
def test_what_is_dialled_within_a_country_is_right_once_it_is_left_out() -> None:
    assert "as a 0 after +49: leave them out" in (why_not_e164("+4901511234567") or "")
    assert why_not_e164("+49" + "01511234567".removeprefix("0")) is None


@given(number=st.from_regex(r"\A\+?(49|1|55)?0?[2-9][0-9]{6,12}\Z"))
def test_a_reason_tells_nobodys_number(number: str) -> None:
    # Reasons are told where no customer's number may be, as in Prefect's log.
    why = why_not_e164(number) or why_no_text_reaches(number) or ""
    runs = re.findall("[0-9]{5,}", why.replace("+4915112345678", ""))

    assert runs == []
