"""Rules of fields that people write: the one sentence of what is wrong with a value."""

from datetime import timedelta
from decimal import Decimal
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


def _no_percent(value: Any) -> Any:
    """Who thinks in percent writes 10, or '10 %'."""
    if isinstance(value, bool) or (isinstance(value, str) and not _is_number(value)):
        refuse("must be a number, as 0.1 for 10 %")
    if isinstance(value, int | float) and value > 1:
        refuse("must be a share and no percentage: 10 % is 0.1")
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _with_unit(value: Any) -> Any:
    """A number alone would be one of seconds, and somebody means days by 14."""
    is_number = isinstance(value, int | float | Decimal)
    return refuse("must say of what it is a number: write P14D") if is_number else value


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
Duration = Annotated[timedelta, BeforeValidator(_with_unit), AfterValidator(_lasting)]
"""A time of a second or more: ISO 8601 as `P14D`, or `14 days`."""
Share = Annotated[
    float, Field(ge=LEAST_SHARE, le=1, allow_inf_nan=False), BeforeValidator(_no_percent)
]
"""A share of customers."""
Rate = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False), BeforeValidator(_no_percent)]
"""A rate, as 0.02 for 2 %."""
Listed = BeforeValidator(_no_text)
"""For tuples of texts: a text alone would be one of its letters."""
NotEmpty = AfterValidator(_some)
"""For tuples that must have something in them."""
