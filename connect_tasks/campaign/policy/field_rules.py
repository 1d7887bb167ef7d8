"""Rules of fields that people write: the one sentence of what is wrong with a value."""

from datetime import timedelta
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from connect_tasks.aws.problems import RULE
from connect_tasks.errors import InputError
from connect_tasks.ledger.suppression_lists import checked_list

__all__ = ["Duration", "ListName", "Name", "Rate", "Share", "refuse"]


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
    if isinstance(value, bool):
        refuse("must be a number")
    return value


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        refuse("must be longer than nothing, as 'P14D' for 14 days")
    return value


ListName = Annotated[str, AfterValidator(_list_name)]
"""The name of a suppression list."""
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
"""What a person calls something, at most 64 characters."""
Duration = Annotated[timedelta, BeforeValidator(_no_truth), AfterValidator(_positive)]
"""A time longer than nothing: ISO 8601 as `P14D`, `14 days`, or seconds."""
Share = Annotated[float, BeforeValidator(_no_truth), Field(ge=0.0001, le=1, allow_inf_nan=False)]
"""A share of customers; they are dealt out in ten thousandths."""
Rate = Annotated[float, BeforeValidator(_no_truth), Field(ge=0, lt=1, allow_inf_nan=False)]
"""A rate, as 0.02 for 2 %."""
