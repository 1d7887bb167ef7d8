"""Strict models: a field that is not known is an error, which names the one that was meant."""

from typing import Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails

from connect_tasks.aws.problems import RULE, did_you_mean, problem_details, reported

__all__ = ["StrictModel", "with_names_that_were_meant"]

_UNKNOWN = "extra_forbidden"


class StrictModel(BaseModel):
    """A model of values that people write: frozen, and without fields that it does not know.

    Example:
        >>> from connect_tasks import Quotas
        >>> try:
        ...     Quotas(open_chat=100)
        ... except ValidationError as error:
        ...     print(error.errors()[0]["msg"])
        is not a field that is known here (did you mean 'open_chats'?)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="wrap")
    @classmethod
    def _name_what_was_meant(cls, data: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as error:
            lines = with_names_that_were_meant(cls, reported(error))
            raise ValidationError.from_exception_data(error.title, lines) from None


def with_names_that_were_meant(
    model: type[BaseModel], lines: list[InitErrorDetails]
) -> list[InitErrorDetails]:
    """Add to each unknown field of a model the known one that is near.

    Args:
        model: Whose fields were given; those of models inside of it have had their own turn.
        lines: What is wrong.
    """
    return [_named(model, line) for line in lines]


def _named(model: type[BaseModel], line: InitErrorDetails) -> InitErrorDetails:
    loc = line.get("loc", ())
    if line["type"] != _UNKNOWN or len(loc) != 1:
        return line
    meant = did_you_mean(str(loc[0]), model.model_fields)
    if not meant:
        return line
    rule = f"is not a field that is known here{meant}"
    return problem_details(RULE, rule, loc, line["input"])
