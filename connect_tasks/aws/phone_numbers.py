"""Phone numbers in E.164: what is one, and what is wrong with what is none.

By form alone, a number that nobody can have looks like any other. With the package `phonenumbers`
(the extra `phones`) countries, their lengths, and landlines are told apart, too.
"""

import re
from functools import cache
from importlib import import_module
from types import ModuleType

__all__ = ["are_countries_known", "why_no_text_reaches", "why_not_e164"]

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_LEAST_DIGITS, _MOST_DIGITS = 7, 15
_AS = "write it in E.164, as +4915112345678"
# As spreadsheets show a number that is too long for them.
_SHORTENED = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+")
_MARKS = re.compile(r"[\s()./\u2010-\u2015-]")


def why_not_e164(text: str) -> str | None:
    """Say why something is no phone number in E.164; None if it is one.

    What is one is the only way to write that number, so two that differ are two numbers.

    Example:
        >>> why_not_e164("+4915112345678") is None
        True
        >>> why_not_e164("0151 1234")
        "has blanks or marks between the digits, and begins with 0, as it is dialled within a \
country: write + and the country's code in place of that 0, as in +4915112345678"
    """
    if fault := _fault_of_form(text):
        return fault
    known = _phonenumbers()
    return _fault_by_country(known, text) if known else None


def are_countries_known() -> bool:
    """Whether countries, their lengths and their landlines are told apart here.

    Example:
        >>> why_not_e164("+999123456789") is None or are_countries_known()
        True
    """
    return _phonenumbers() is not None


def why_no_text_reaches(number: str) -> str | None:
    """Say why no SMS reaches a number in E.164; None if one may, or that cannot be told.

    Numbers that the tables of `phonenumbers` do not have pass: ranges are newer than tables.

    Example:
        >>> why_no_text_reaches("+14155550100") is None
        True
    """
    known = _phonenumbers()
    if known is None or why_not_e164(number):
        return None
    kinds = known.PhoneNumberType
    deaf = {
        kinds.FIXED_LINE: "a landline",
        kinds.TOLL_FREE: "a toll-free number",
        kinds.PREMIUM_RATE: "a premium-rate number",
        kinds.SHARED_COST: "a shared-cost number",
        kinds.UAN: "a company's number",
        kinds.VOICEMAIL: "a voice mailbox",
    }
    kind = deaf.get(known.number_type(known.parse(number)))
    return kind and f"is {kind}, which no SMS reaches: give the number of a mobile phone"


def _fault_of_form(text: str) -> str | None:
    if _E164.fullmatch(text):
        return None
    number = _MARKS.sub("", text)
    digits = number.removeprefix("+")
    if not (digits.isascii() and digits.isdecimal()):
        return f"{_what_is_no_number(text)}: {_AS}"
    more = _fault_of_beginning(number) or _fault_of_length(digits)
    if number == text:
        return more
    # Whoever mends the one should not be shown the other next.
    return f"has blanks or marks between the digits{f', and {more}' if more else f': {_AS}'}"


def _what_is_no_number(text: str) -> str:
    if not text.strip():
        return "is blank"
    if _SHORTENED.fullmatch(text.strip()):
        return (
            "is no phone number but one that a spreadsheet has shortened, and its digits are lost: "
            "give the column the format Text there, and enter it anew"
        )
    if any(letter.isalpha() for letter in text):
        return "is no phone number, as it has letters"
    if any(letter.isdecimal() and not letter.isascii() for letter in text):
        return "has digits other than 0 to 9"
    return "is no phone number"


def _fault_of_beginning(text: str) -> str | None:
    if text.startswith("+0"):
        return "begins with +0, and no country's code does: write + and the country's code"
    if text.startswith("00"):
        return "begins with 00: write + in its place, as in +4915112345678"
    if text.startswith("0"):
        return (
            "begins with 0, as it is dialled within a country: write + and the country's code in "
            "place of that 0, as in +4915112345678"
        )
    if not text.startswith("+"):
        return "has no +: write + and the country's code in front, as in +4915112345678"
    return None


def _fault_of_length(digits: str) -> str | None:
    if _LEAST_DIGITS <= len(digits) <= _MOST_DIGITS:
        return None
    what = "short" if len(digits) < _LEAST_DIGITS else "long"
    return (
        f"is too {what} for a number with its country's code: {_LEAST_DIGITS} to {_MOST_DIGITS} "
        f"digits, not {len(digits)}"
    )


def _fault_by_country(known: ModuleType, text: str) -> str | None:
    try:
        number = known.parse(text)
    except known.NumberParseException:
        return "begins with no country's code: write + and the country's code, as in +4915112345678"
    normal = known.format_number(number, known.PhoneNumberFormat.E164)
    if normal != text:
        # Without the number: reasons are told where no customer's number may be.
        return (
            f"has digits that are dialled within its country only, as a 0 after +"
            f"{number.country_code}: leave them out"
        )
    if known.is_possible_number_with_reason(number) == known.ValidationResult.IS_POSSIBLE:
        return None
    return (
        f"has a length that no number of +{number.country_code} has: look for a digit that is "
        "missing, or one too many"
    )


@cache
def _phonenumbers() -> ModuleType | None:
    """The package, where it is installed; its tables take time to load, so only when needed."""
    try:
        return import_module("phonenumbers")
    except ImportError:
        return None
