"""Rules of fields that people write: the one sentence of what is wrong with a value."""

from datetime import timedelta
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from connect_tasks.aws.problems import RULE
from connect_tasks.errors import InputError
from connect_tasks.ledger.suppression_lists import checked_list

__all__ = [
    "LEAST_SHARE",
    "Count",
    "Duration",
    "ListName",
    "Listed",
    "Name",
    "NotEmpty",
    "Rate",
    "Share",
    "refuse",
]

LEAST_SHARE = 0.0001
"""The least share of customers: they are dealt out in ten thousandths."""


def refuse(rule: str) -> NoReturn:
    """Say that a value breaks a rule; for validators.

    Raises:
        PydanticCustomError: Always.
    """
    # Braces would be read as places to fill in; without a context nothing is filled in.
    raise PydanticCustomError(RULE, rule)


def _list_name(name: str) -> str:
    try:
        return checked_list(name)
    except InputError as error:
        refuse(str(error).removesuffix("."))


def _no_truth(value: Any) -> Any:
    """Python takes True for 1, and nobody means that."""
    return refuse("must be a number") if isinstance(value, bool) else value


def _lasting(value: timedelta) -> timedelta:
    if value < timedelta(seconds=1):
        refuse("must be a second at least: nobody could be contacted before; as 'P14D'")
    return value


def _plain(name: str) -> str:
    # Trimmed, two names could become one.
    if not name.isprintable() or name != name.strip():
        refuse("must be plain characters, and no spaces around them")
    return name


def _no_text(value: Any) -> Any:
    return refuse("must be a list, as ['one', 'other']") if isinstance(value, str) else value


def _some(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return values or refuse("must have at least one item; leave it out if there is none")


ListName = Annotated[str, AfterValidator(_list_name)]
"""The name of a suppression list."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_plain)]
"""What a person calls something, at most 64 characters."""
Count = Annotated[int, BeforeValidator(_no_truth)]
"""A whole number."""
Duration = Annotated[timedelta, BeforeValidator(_no_truth), AfterValidator(_lasting)]
"""A time of a second or more: ISO 8601 as `P14D`, `14 days`, or seconds."""
Share = Annotated[
    float, Field(ge=LEAST_SHARE, le=1, allow_inf_nan=False), BeforeValidator(_no_truth)
]
"""A share of customers."""
Rate = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False), BeforeValidator(_no_truth)]
"""A rate, as 0.02 for 2 %."""
Listed = BeforeValidator(_no_text)
"""For tuples of texts: a text alone would be one of its letters."""
NotEmpty = AfterValidator(_some)
"""For tuples that must have something in them."""
