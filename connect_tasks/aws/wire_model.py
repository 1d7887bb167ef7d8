"""Wire models: requests and answers, snake_case in Python and with Amazon's names on the wire."""

from collections.abc import Callable, Iterator
from typing import ClassVar, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_pascal
from pydantic_core import InitErrorDetails

from connect_tasks.aws.problems import reported
from connect_tasks.aws.strict_model import with_names_that_were_meant

__all__ = ["AnswerModel", "WholeModel", "WireModel", "list_fields"]


class WireModel(BaseModel):
    """A part of a request, by our names or by Amazon's."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_pascal,
        validate_by_name=True,
        validate_by_alias=False,
        loc_by_alias=False,
    )


class WholeModel(WireModel):
    """A model with rules about several fields, which speak up even when a single field is wrong."""

    _conflicts: ClassVar[Callable[[object], Iterator[InitErrorDetails]]]

    # pydantic's own model validators stay silent when a field fails; a person would then mend
    # one mistake only to be shown the next.
    @model_validator(mode="wrap")
    @classmethod
    def _report_everything(cls, data: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            whole = handler(data)
        except ValidationError as error:
            lines = with_names_that_were_meant(cls, reported(error))
            failures = [*lines, *cls._conflicts(data)]
            raise ValidationError.from_exception_data(cls.__name__, failures) from None
        if failures := list(cls._conflicts(whole)):
            raise ValidationError.from_exception_data(cls.__name__, failures)
        return whole


class AnswerModel(WireModel):
    """An answer of Amazon's, or a part of one."""

    # What Amazon adds to its answers is no reason to lose one; what cannot be read must not be
    # printed either, as it may be a token.
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


def list_fields(model: type[BaseModel]) -> frozenset[str]:
    """The fields of a request that hold a list.

    Example:
        >>> from connect_tasks.aws.models import StartChatContactRequest
        >>> "connection_types" in list_fields(StartChatContactRequest)
        True
    """
    return frozenset(n for n, field in model.model_fields.items() if _is_list(field.annotation))


def _is_list(annotation: object) -> bool:
    return get_origin(annotation) is tuple or any(map(_is_list, get_args(annotation)))
