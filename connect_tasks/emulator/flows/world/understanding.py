"""How a bot understands a message: the first utterance that fits, and the slots in it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from connect_tasks.emulator.flows.world.bot import IN_BRACES, Bot, Intent, Said, Slot, plain
from connect_tasks.emulator.flows.world.patterns import whole_match

__all__ = ["Understood", "fill", "fits", "pattern_of", "understand"]


@dataclass(frozen=True, slots=True)
class Understood:
    """What a message means.

    Attributes:
        intent: The intent.
        slots: What is known already, as the customer has spelt it.
    """

    intent: Intent
    slots: dict[str, str]


def understand(bot: Bot, message: str) -> Understood | None:
    """The first intent with an utterance that a message fits; None if there is none.

    Raises:
        SlowPatternError: A slot's pattern took too long.
    """
    said = plain(message)
    for intent in bot.intents:
        for utterance in intent.utterances:
            slots = _read(utterance, intent.slots, said)
            if slots is not None:
                return Understood(intent, slots)
    return None


def fits(slot: Slot, said: str) -> bool:
    """Whether a text is a value of a slot.

    Raises:
        SlowPatternError: Its pattern took too long.
    """
    return whole_match(slot.pattern, said) is not None


def fill(said: Said, slots: Mapping[str, str]) -> Any:
    """What a bot says, its slots filled in; one that is not known is left empty."""
    if isinstance(said, str):
        return IN_BRACES.sub(lambda found: slots.get(found[1], ""), said)
    if isinstance(said, dict):
        return {name: fill(value, slots) for name, value in said.items()}
    return [fill(value, slots) for value in said] if isinstance(said, list) else said


def _read(utterance: str, slots: tuple[Slot, ...], said: str) -> dict[str, str] | None:
    names, pattern = pattern_of(utterance, slots)
    found = whole_match(pattern, said)
    return None if found is None else {name: found[f"s{n}"] for n, name in enumerate(names)}


def pattern_of(utterance: str, slots: tuple[Slot, ...]) -> tuple[list[str], str]:
    """The slots of an utterance in their order, and the pattern of the whole of it."""
    return _pattern(utterance, tuple((slot.name, slot.pattern) for slot in slots))


@lru_cache(maxsize=1_000)
def _pattern(utterance: str, patterns: tuple[tuple[str, str], ...]) -> tuple[list[str], str]:
    names: list[str] = []
    parts = "".join(_parts(plain(utterance), dict(patterns), names))
    return names, parts


def _parts(utterance: str, patterns: Mapping[str, str], names: list[str]) -> Iterator[str]:
    for number, part in enumerate(IN_BRACES.split(utterance)):
        if number % 2 == 0:
            yield re.escape(part)
        else:
            yield f"(?P<s{len(names)}>{patterns.get(part, '.+')})"
            names.append(part)
