"""Reads the documents of a world, and bots: JSON or TOML."""

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from connect_tasks.emulator.flows.exported.files import parse_json, read_text
from connect_tasks.emulator.flows.exported.problems import FlowFileError, Problem
from connect_tasks.emulator.flows.world.bot import Bot
from connect_tasks.emulator.flows.world.faults import faults_of
from connect_tasks.emulator.flows.world.patterns import compile_pattern
from connect_tasks.emulator.flows.world.understanding import pattern_of

__all__ = ["read_bot", "read_document", "shallow"]

_DEEPEST = 64
"""Levels of a document; the ones that mean something are fewer than ten, but for answers."""


def read_document(path: Path) -> Any:
    """The value of a JSON file, or of a TOML file if it is called so.

    Args:
        path: The file.

    Raises:
        FlowFileError: It cannot be read.
    """
    text, file = read_text(path), str(path)
    if path.suffix.lower() != ".toml":
        value = parse_json(text, file)
        _must_be_once(text, file)
        return value
    try:
        return shallow(tomllib.loads(text), file)
    except tomllib.TOMLDecodeError as error:
        raise FlowFileError([Problem(file, "", f"is no TOML: {error}.")]) from error
    except RecursionError as error:
        raise FlowFileError([Problem(file, "", "is nested too deep.")]) from error


def _must_be_once(text: str, file: str) -> None:
    """Refuse an object that has a member twice: JSON's readers forget the first."""
    twice: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        counts = Counter(name for name, _ in pairs)
        twice.extend(name for name, count in counts.items() if count > 1)

    json.loads(text, object_pairs_hook=look)
    if twice:
        raise FlowFileError([Problem(file, name, "is there twice; keep one.") for name in twice])


def shallow(value: Any, file: str) -> Any:
    """A value, if it is not nested too deep.

    Args:
        value: The value.
        file: Where it is from.

    Raises:
        FlowFileError: It is.
    """
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for outer in level for inner in _inner(outer)]
        if not level:
            return value
    raise FlowFileError([Problem(file, "", "is nested too deep.")])


def _inner(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else []


def read_bot(path: Path) -> Bot:
    """Read a bot from its file.

    Args:
        path: The file, JSON or TOML.

    Raises:
        FlowFileError: It is no bot.
    """
    file, document = str(path), read_document(path)
    try:
        bot = Bot.model_validate(document)
    except ValidationError as error:
        faults = faults_of(error, Bot)
        raise FlowFileError([Problem(file, place, text) for place, text in faults]) from error
    problems = list(_too_large(bot, file))
    if problems:
        raise FlowFileError(problems)
    return bot


def _too_large(bot: Bot, file: str) -> Iterator[Problem]:
    """Utterances that are too large with the patterns of their slots."""
    for number, intent in enumerate(bot.intents):
        for position, utterance in enumerate(intent.utterances):
            try:
                compile_pattern(pattern_of(utterance, intent.slots)[1])
            except ValueError as error:
                yield Problem(file, f"intents[{number}].utterances[{position}]", f"{error}.")
