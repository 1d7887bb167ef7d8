"""Problems: what is wrong with one value, in words: the field, the value (shortened), the rule."""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from connect_tasks.aws.stored_text import why_not_stored
from connect_tasks.errors import InputError

__all__ = [
    "CONFLICT",
    "REQUIRED",
    "RULE",
    "WITHOUT_NUL",
    "Problem",
    "checked",
    "did_you_mean",
    "near_name",
    "plain_rule",
    "problem_details",
    "problems",
    "reported",
    "shortened",
]

Model = TypeVar("Model", bound=BaseModel)

#: Error type of a rule about one field that pydantic has no name for.
RULE = "rule"
#: Error type of a rule about several fields at once.
CONFLICT = "conflict"

#: The pattern of a text that may be any but for a NUL.
WITHOUT_NUL = r"^[^\x00]*$"

#: The rule that a field breaks by not being there.
REQUIRED = "is required"

_LONGEST_VALUE = 60
# Whatever stands in these fields is, or may hold, a bearer token.
_SECRET_FIELDS = {
    "participant_token",
    "connection_token",
    "url",
    "connection_credentials",
    "websocket",
}
_WORDS = {
    "missing": REQUIRED,
    "extra_forbidden": "is not a field that is known here",
}
# By pydantic's own sentence, as one type of error is about any pattern.
_SENTENCES = {
    f"String should match pattern '{WITHOUT_NUL}'": why_not_stored("\0"),
    "Input should be a valid string, unable to parse raw data as a unicode string": why_not_stored(
        "\ud800"
    ),
}
# What pydantic says of Python's types, to somebody who wrote TOML, JSON or a form.
_PLAIN = (
    (re.compile(r"^Value error, "), ""),
    (
        re.compile(r"^Input should be a valid date or datetime.*$"),
        "must be a valid date, as 2026-12-24",
    ),
    (re.compile(r", (unable to parse|got a number with|input is) .*$"), ""),
    (re.compile(r" after validation\b"), ""),
    (
        re.compile(r"^Input should be a valid dictionary or instance of \w+"),
        "must be fields by name, as { field = value }",
    ),
    (
        re.compile(r"^Input should be a valid dictionary$"),
        "must be values by name, as { name = value }",
    ),
    (re.compile(r"^Input should be a valid (tuple|list)$"), "must be a list, in [ ]"),
    (re.compile(r"^Input should be a valid integer$"), "must be a whole number"),
    (re.compile(r"^Input should be a valid string$"), "must be text"),
    (re.compile(r"^Input should be (a|an) valid "), r"must be \1 "),
    (re.compile(r"^(Input|Tuple|List|Dictionary) should "), "must "),
    (re.compile(r"\.$"), ""),
)
_KEY_WORDS = {
    "string_pattern_mismatch": "may hold only letters, digits, dash and underscore in its name",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one row, request or template.

    Args:
        field: The field, dotted where it is nested: `initial_message.content`.
        value: What was given, as Python writes it, at most 60 characters; empty if nothing was.
        rule: The rule that it breaks.

    Example:
        >>> print(Problem("chat_duration_in_minutes", "59", "must be at least 60"))
        chat_duration_in_minutes = 59: must be at least 60
    """

    field: str
    value: str
    rule: str

    def __str__(self) -> str:
        what = " = ".join(part for part in (self.field, self.value) if part)
        return f"{what}: {self.rule}" if what else self.rule


def problems(error: ValidationError, *, ignoring: Collection[str] = ()) -> tuple[Problem, ...]:
    """Say in words what a pydantic error holds.

    Args:
        error: The error.
        ignoring: pydantic's error types to leave out, such as `missing`.

    Returns:
        One problem per broken rule, in the order of the fields. No value is longer than 60
        characters and none is a bearer token.

    Example:
        >>> from connect_tasks.aws.models import ParticipantDetails
        >>> try:
        ...     ParticipantDetails(display_name="")
        ... except ValidationError as error:
        ...     print(problems(error)[0])
        display_name = '': String should have at least 1 character
    """
    details = error.errors(include_url=False, include_context=False)
    return tuple(_problem(detail) for detail in details if detail["type"] not in ignoring)


def checked(model: type[Model], fields: dict[str, Any], what: str) -> Model:
    """Make a model of its fields.

    Args:
        model: Which model.
        fields: Its fields, as a person wrote them.
        what: What they are, for the error.

    Raises:
        InputError: They break the model's rules; all that is wrong is said.

    Example:
        >>> from connect_tasks.aws.models import ParticipantDetails
        >>> checked(ParticipantDetails, {"display_name": "Ada"}, "participant").display_name
        'Ada'
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        wrong = "; ".join(map(str, problems(error)))
        raise InputError(f"The {what} cannot be used: {wrong}.") from None


def plain_rule(sentence: str) -> str:
    """A rule as a person reads it, of pydantic's sentence; without a full stop.

    Example:
        >>> plain_rule("Input should be less than 1"), plain_rule("Value error, It is broken.")
        ('must be less than 1', 'It is broken')
    """
    for pattern, words in _PLAIN:
        sentence = pattern.sub(words, sentence)
    return sentence


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Suggest the name that was meant; an empty text if none is near.

    Example:
        >>> did_you_mean("campain", ["campaign", "connect"])
        " (did you mean 'campaign'?)"
    """
    near = near_name(name, names)
    return "" if near is None else f" (did you mean {near!r}?)"


def near_name(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant; None if none is near.

    Example:
        >>> near_name("campain", ["campaign", "connect"])
        'campaign'
    """
    by_form = {known.casefold(): known for known in names}
    close = difflib.get_close_matches(name.casefold(), by_form, n=1)
    return by_form[close[0]] if close else None


def shortened(value: object) -> str:
    """Write a value as Python does, cut to 60 characters.

    Example:
        >>> shortened("a" * 100)[-5:]
        "aaa…'"
    """
    text = repr(value[:_LONGEST_VALUE] if isinstance(value, str | bytes) else value)
    if len(text) <= _LONGEST_VALUE and not (isinstance(value, str) and len(value) > len(text)):
        return text
    return f"{text[: _LONGEST_VALUE - 2]}…{text[-1]}"


def problem_details(
    kind: str, rule: str, loc: tuple[str | int, ...], value: object
) -> InitErrorDetails:
    """Make one line of a pydantic error out of a rule of our own.

    Example:
        >>> problem_details(RULE, "must be JSON", ("content",), "{")["loc"]
        ('content',)
    """
    # Braces would be read as places to fill in; without a context nothing is filled in.
    return InitErrorDetails(type=PydanticCustomError(kind, rule), loc=loc, input=value)


def reported(error: ValidationError) -> list[InitErrorDetails]:
    """Take a pydantic error apart, so that more lines can be added to it.

    Example:
        >>> reported(ValidationError.from_exception_data("empty", []))
        []
    """
    return [_reusable(detail) for detail in error.errors(include_url=False)]


def _reusable(detail: ErrorDetails) -> InitErrorDetails:
    if detail["type"] in {RULE, CONFLICT}:
        return problem_details(detail["type"], detail["msg"], detail["loc"], detail["input"])
    return InitErrorDetails(
        type=detail["type"],
        loc=detail["loc"],
        input=detail["input"],
        ctx=detail.get("ctx", {}),
    )


def _problem(detail: ErrorDetails) -> Problem:
    rule = _WORDS.get(detail["type"]) or _SENTENCES.get(detail["msg"], plain_rule(detail["msg"]))
    loc = detail["loc"]
    if loc and loc[-1] == "[key]":
        loc, rule = loc[:-1], _KEY_WORDS.get(detail["type"], f"as a key: {rule}")
    return Problem(field=_dotted(loc), value=_shown(detail, loc), rule=rule)


def _dotted(loc: Iterable[str | int]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return "".join(parts).removeprefix(".")


def _shown(detail: ErrorDetails, loc: tuple[str | int, ...]) -> str:
    value: Any = detail["input"]
    if _SECRET_FIELDS.intersection(loc):
        return "(hidden)"
    # A mapping is shown by none of its values: the one that is wrong has a line of its own.
    return "" if detail["type"] == "missing" or isinstance(value, Mapping) else shortened(value)
