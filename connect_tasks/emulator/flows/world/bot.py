"""A bot as its file describes it: intents, what is said for each, and the slots to fill."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    StringConstraints,
    model_validator,
)

from connect_tasks.emulator.flows.exported.problems import nearest, shown
from connect_tasks.emulator.flows.world.patterns import compile_pattern
from connect_tasks.emulator.flows.world.said import Said

__all__ = ["IN_BRACES", "Bot", "Clarification", "Intent", "Said", "Slot", "plain"]

IN_BRACES = re.compile(r"\{([A-Za-z0-9_-]+)\}")
"""A slot in what is said."""

_UNHEARD = re.compile(r"[.,!?]")


def plain(text: str) -> str:
    """A message as bots compare it: without `. , ! ?` and without spaces that say nothing."""
    return " ".join(_UNHEARD.sub("", text).split())


def _compiled(pattern: str) -> str:
    """A pattern, if it is one."""
    compile_pattern(pattern)
    return pattern


def _twice(names: Iterable[str], what: str) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"the {what} {shown(name)} is there twice"


def _raise(problems: Iterable[str]) -> None:
    """Say all that is wrong with a member at once."""
    listed = "; ".join(problems)
    if listed:
        raise ValueError(listed)


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

    name: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]+$")]
    pattern: Annotated[str, AfterValidator(_compiled)] = ".+"
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

    name: Annotated[str, StringConstraints(min_length=1)]
    utterances: tuple[str, ...] = ()
    slots: tuple[Slot, ...] = ()
    response: Said | None = None
    fallback: bool = False

    @model_validator(mode="after")
    def _must_fit_together(self) -> Self:
        """Each slot is there once, and all that is named in braces is one."""
        _raise(self._problems())
        return self

    def _problems(self) -> Iterator[str]:
        known = {slot.name for slot in self.slots}
        yield from _twice((slot.name for slot in self.slots), "slot")
        for text in [*self.utterances, *_texts(self.response)]:
            for name in IN_BRACES.findall(text):
                if name not in known:
                    yield f"{shown(text)} names the slot {name!r}; {nearest(name, known)}"
        for utterance in self.utterances:
            if not plain(utterance):
                yield f"the utterance {shown(utterance)} says nothing"


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
    intents: tuple[Intent, ...]

    @model_validator(mode="after")
    def _must_be_clear(self) -> Self:
        """Each intent is there once, and at most one stands for what was not understood."""
        _raise(self._problems())
        return self

    def _problems(self) -> Iterator[str]:
        if not self.intents:
            yield "intents is empty; a bot needs one at least"
        yield from _twice((intent.name for intent in self.intents), "intent")
        fallbacks = [intent.name for intent in self.intents if intent.fallback]
        if len(fallbacks) > 1:
            yield f"only one intent can be the fallback, not {', '.join(fallbacks)}"


def _texts(said: Any) -> Iterator[str]:
    """Every text in what a bot says."""
    if isinstance(said, str):
        yield said
    elif isinstance(said, dict):
        for value in said.values():
            yield from _texts(value)
    elif isinstance(said, list):
        for value in said:
            yield from _texts(value)
