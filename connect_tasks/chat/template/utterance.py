"""The utterance: one message of ours that says what it answers."""

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, TypeAdapter, WrapValidator, model_validator
from pydantic_core import PydanticCustomError, SchemaError, SchemaValidator, core_schema

from connect_tasks.aws.problems import RULE
from connect_tasks.chat.template.expression import is_template
from connect_tasks.chat.template.fields import TemplateModel, Text

__all__ = ["After", "OwnMessage", "Utterance"]

#: Characters of a pattern, times every number that it repeats something by.
_MOST_WORK = 1_000
#: Characters of the other side's text that a pattern is looked for in.
_LONGEST_SEARCHED = 8_192
_REPEATS = re.compile(r"\{(\d*),?(\d*)\}")


def _checked_pattern(pattern: str) -> str:
    if is_template(pattern):
        raise _broken("is the same for every row and takes no column: write [{] for a brace")
    if _work(pattern) > _MOST_WORK:
        raise _broken(
            f"is too much to look for: its length times its repeats may be {_MOST_WORK:,}; write"
            " .* for .{0,500}"
        )
    try:
        _compiled(pattern)
    except SchemaError as error:
        raise _broken(f"is no pattern: {_why(error)}") from None
    return pattern


def _broken(rule: str) -> PydanticCustomError:
    # By its own name: pydantic would take the braces of a pattern for places to fill in.
    return PydanticCustomError(RULE, "{rule}", {"rule": rule})


def _work(pattern: str) -> int:
    """About how much a pattern is when every repeat is written out."""
    repeats = (max(int(most or 1), int(least or 1)) for least, most in _REPEATS.findall(pattern))
    return len(pattern) * math.prod(max(1, times) for times in repeats)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> SchemaValidator:
    # Rust's regular expressions take time in proportion to the text, whatever the pattern is;
    # Python's could stop every chat of this process for minutes.
    return SchemaValidator(core_schema.str_schema(pattern=pattern))


def _why(error: SchemaError) -> str:
    """The last line of what is wrong, without the picture of the pattern above it."""
    return str(error).strip().rpartition("\n")[2].strip().removeprefix("error: ")


class After(TemplateModel):
    """What the other side must have said since our last message.

    With a pattern and a role, the same message must fit both.

    Example:
        >>> After(pattern="(?i)from 0 to 10").is_met_by("SYSTEM", "From 0 to 10, how likely?")
        True
    """

    pattern: Annotated[str, Field(min_length=1), AfterValidator(_checked_pattern)] | None = Field(
        default=None,
        description="Text that matches this regular expression, anywhere in one message; `(?i)` "
        "in front ignores capitals. No look-around and no back-references.",
    )
    role: Literal["AGENT", "SYSTEM", "CUSTOM_BOT", "SUPERVISOR"] | None = Field(
        default=None, description="Anything that this participant says."
    )

    @model_validator(mode="after")
    def _ask_for_something(self) -> Self:
        if self.pattern is None and self.role is None:
            raise PydanticCustomError(RULE, "needs a pattern or a role")
        return self

    def is_met_by(self, role: str | None, text: str | None) -> bool:
        """Whether something that somebody said fits.

        Args:
            role: Who said it.
            text: What; the first 8,192 characters count.
        """
        if self.role is not None and role != self.role:
            return False
        if self.pattern is None:
            return True
        return _compiled(self.pattern).isinstance_python((text or "")[:_LONGEST_SEARCHED])


class Utterance(TemplateModel):
    """One message of ours that is said only after something that it answers.

    Example:
        >>> Utterance(text="{{ score }}", after={"pattern": "from 0 to 10"}).otherwise
        'say'
    """

    text: Text = Field(description="A template over the row's columns, as `{{ score }}`.")
    after: After = Field(
        description="What the other side must have said since our last message; a text alone is "
        "its pattern."
    )
    otherwise: Literal["say", "end"] = Field(
        default="say",
        description="What happens when that has not come within `reply_timeout_seconds` of "
        "silence: `say` it all the same, or `end` the conversation as `silent`.",
    )

    @classmethod
    def filled(cls, fields: Mapping[str, Any]) -> "Utterance":
        """Make one whose text is filled in: what looks like a template in it is a customer's.

        Args:
            fields: Its fields, the condition checked before.

        Example:
            >>> Utterance.filled({"text": "Hi {{", "after": {"role": "AGENT"}}).text
            'Hi {{'
        """
        after = After.model_validate(fields["after"])
        otherwise = fields.get("otherwise", "say")
        return cls.model_construct(text=str(fields["text"]), after=after, otherwise=otherwise)

    @model_validator(mode="before")
    @classmethod
    def _read_pattern(cls, data: object) -> object:
        if isinstance(data, Mapping) and isinstance(data.get("after"), str):
            return {**data, "after": {"pattern": data["after"]}}
        return data


_TEXT = TypeAdapter(Text)


def _text_or_utterance(value: object, _: object) -> Any:
    """One of the two, with the complaints of that one alone."""
    if isinstance(value, str):
        return _TEXT.validate_python(value)
    if isinstance(value, Mapping) and value.get("after") is None and "text" in value:
        # As a form sends it where nobody filled in what it answers.
        rest = {name: told for name, told in value.items() if name not in {"text", "after"}}
        if rest in ({}, {"otherwise": "say"}):
            return _TEXT.validate_python(value["text"])
    return Utterance.model_validate(value)


OwnMessage = Annotated[Text | Utterance, WrapValidator(_text_or_utterance)]
"""What our side says: a text, or one that says what it answers; with no condition it is a text."""
