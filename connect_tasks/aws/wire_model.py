"""Wire models: requests and answers, snake_case in Python and with Amazon's names on the wire."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_pascal
from pydantic_core import InitErrorDetails

from connect_tasks.aws.problems import reported
from connect_tasks.aws.rules import flow_id
from connect_tasks.aws.strict_model import with_names_that_were_meant

__all__ = ["AnswerModel", "RequestModel", "WholeModel", "WireModel", "list_fields"]


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


class RequestModel(WholeModel):
    """A whole request, which goes to a contact flow of an instance."""

    @field_validator("contact_flow_id", mode="before", check_fields=False)
    @classmethod
    def _flow_of_this_instance(cls, value: object, info: ValidationInfo) -> object:
        return flow_id(value, info.data.get("instance_id"))

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """Make a request out of Amazon's form, as `to_wire` gives it.

        Args:
            wire: The parameters by Amazon's names.

        Raises:
            pydantic.ValidationError: If any limit of Amazon Connect is broken.
        """
        return cls.model_validate(wire, by_alias=True, by_name=False)

    def to_wire(self) -> dict[str, Any]:
        """Give the parameters by Amazon's names: plain Python types, absent fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class AnswerModel(WireModel):
    """An answer of Amazon's, or a part of one."""

    # What Amazon adds to its answers is no reason to lose one; what cannot be read must not be
    # printed either, as it may be a token.
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """Read Amazon's answer; members that are not known here are passed over.

        Args:
            wire: The answer, with or without boto3's `ResponseMetadata`.

        Raises:
            pydantic.ValidationError: If it names no contact.
        """
        return cls.model_validate(wire, by_alias=True, by_name=False)


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
