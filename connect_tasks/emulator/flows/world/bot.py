"""A bot as its file describes it: intents, what is said for each, and the slots to fill."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

__all__ = ["Bot", "Clarification", "Intent", "Slot", "plain"]

Said = str | dict[str, Any]
"""A text, or the JSON of an interactive message (`templateType`, `version`, `data`)."""

_SLOT = re.compile(r"\{([A-Za-z0-9_-]+)\}")
_UNHEARD = re.compile(r"[.,!?]")


def plain(text: str) -> str:
    """A message as bots compare it: without `. , ! ?` and without spaces that say nothing."""
    return " ".join(_UNHEARD.sub("", text).split())


class _Member(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Clarification(_Member):
    """What a bot says when it has not understood.

    Attributes:
        text: What it says.
        attempts: How often in one block, before the fallback intent.
    """

    text: Said
    attempts: NonNegativeInt = 1


class Slot(_Member):
    """Something that an intent needs to know.

    Attributes:
        name: Its name, in braces in utterances and answers.
        pattern: A regular expression that a whole value must match, in any case.
        prompt: What asks for it; a slot without one is not asked for.
        reprompt: What is said after a wrong answer; the prompt if None.
        retries: How many wrong answers are borne before the last.
    """

    name: str
    pattern: str = ".+"
    prompt: Said | None = None
    reprompt: Said | None = None
    retries: NonNegativeInt = 2


class Intent(_Member):
    """What a customer can mean.

    Attributes:
        name: Its name: the result of the block.
        utterances: How it is said, with slots in braces.
        slots: What it needs to know, in the order in which it is asked for.
        response: What the bot says once it knows all, with slots in braces.
        fallback: Whether it stands for all that was not understood.
    """

    name: str
    utterances: tuple[str, ...] = ()
    slots: tuple[Slot, ...] = ()
    response: Said | None = None
    fallback: bool = False


class Bot(_Member):
    """A bot.

    Attributes:
        bot: Its name.
        alias_arn: The ARN of its alias.
        clarification: What it says when it has not understood.
        intents: What it can understand, in order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    bot: str = ""
    alias_arn: str | None = Field(default=None, alias="aliasArn")
    clarification: Clarification | None = None
    intents: Annotated[tuple[Intent, ...], Field(min_length=1)]
