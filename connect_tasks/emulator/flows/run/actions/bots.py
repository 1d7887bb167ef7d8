"""The action that lets a bot talk with the customer: the only one that takes text."""

from datetime import timedelta
from typing import Any

from connect_tasks.emulator.flows.exported.document import Action
from connect_tasks.emulator.flows.interactive import INTERACTIVE
from connect_tasks.emulator.flows.run.context import Context
from connect_tasks.emulator.flows.run.numbers import whole
from connect_tasks.emulator.flows.run.outcomes import (
    Await,
    Failed,
    Heard,
    Play,
    Result,
)
from connect_tasks.emulator.flows.run.references import text_of
from connect_tasks.emulator.flows.steps import BOT, Prompt, Say, Speaker
from connect_tasks.emulator.flows.world.bot import Bot, Intent, Said, Slot, plain
from connect_tasks.emulator.flows.world.patterns import SlowPatternError
from connect_tasks.emulator.flows.world.understanding import Understood, fill, fits, understand
from connect_tasks.emulator.flows.world.world import named

__all__ = ["talk_with_bot"]

_FALLBACK = Intent(name="FallbackIntent", fallback=True)
"""Every bot of Lex has one, also where a bot's file does not say so."""


class _SilenceError(Exception):
    """The customer said nothing in time."""


class _GaveUpError(Exception):
    """A slot could not be filled."""


def talk_with_bot(context: Context, action: Action) -> Play:
    """Let a bot find out what the customer means; the intent's name is the result."""
    bot = _bot(context, action)
    seconds = _seconds(context, action)
    if bot is None or seconds is None:
        return Failed("LexTimeoutSeconds is no number" if bot else "there is no such bot")
    first = _first_utterance(context, action)
    if first == "":
        return Failed("the contact has no initial message")
    talk = _Talk(context, bot, seconds)
    memory = context.memory
    memory.lex = {
        "SessionAttributes": memory.deep(action.parameters.get("LexSessionAttributes") or {})
    }
    try:
        if first is None:
            yield from _prompt(context, action)
        understood = yield from talk.find_out(first)
    except _SilenceError:
        return Failed(f"silence for {seconds} s", "InputTimeLimitExceeded")
    except _GaveUpError as error:
        memory.lex |= {"IntentName": str(error), "DialogState": "Failed"}
        return Failed(f"the intent {error} was not fulfilled")
    except SlowPatternError as error:
        return Failed(f"the pattern {error.pattern!r} takes too long: it backtracks")
    name = understood.intent.name
    memory.lex |= {"IntentName": name, "Slots": understood.slots, "DialogState": "Fulfilled"}
    return Result(name, f"intent: {name}")


def _bot(context: Context, action: Action) -> Bot | None:
    reference = action.parameters.get("LexV2Bot") or action.parameters.get("LexBot")
    if not isinstance(reference, dict):
        return None
    name = context.text(reference, "AliasArn") or context.text(reference, "Name")
    bots = context.world.bots
    found = named(bots, name)
    by_name = (bot for bot in bots.values() if name and bot.bot == name)
    return found[1] if found else next(by_name, None)


def _seconds(context: Context, action: Action) -> int | None:
    given = action.parameters.get("LexTimeoutSeconds")
    if isinstance(given, dict):
        given = given.get("Text")
    if given is None:
        return context.memory.assumptions.lex_timeout_seconds
    return whole(context.memory.text(given))


def _first_utterance(context: Context, action: Action) -> str | None:
    """What the bot is given to begin with; None if the customer is to be asked."""
    given = action.parameters.get("LexInitializationData")
    if not isinstance(given, dict) or "InitialMessage" not in given:
        return None
    return context.text(given, "InitialMessage")


def _prompt(context: Context, action: Action) -> Any:
    text = context.memory.shown(action.parameters.get("Text", ""))
    if text:
        yield Prompt(Speaker("SYSTEM", context.memory.assumptions.prompt_name), text)


class _Talk:
    """One bot in one block."""

    def __init__(self, context: Context, bot: Bot, seconds: int) -> None:
        self._context = context
        self._bot = bot
        self._seconds = seconds

    def find_out(self, first: str | None) -> Any:
        """Hear, ask again where that is not understood, fill the slots, and answer."""
        understood = yield from self._understand(first)
        for slot in understood.intent.slots:
            if slot.name not in understood.slots and slot.prompt is not None:
                value = yield from self._ask(understood.intent, slot)
                understood.slots[slot.name] = value
        if understood.intent.response is not None:
            yield _say(fill(understood.intent.response, understood.slots))
        return understood

    def _understand(self, first: str | None) -> Any:
        said = first if first is not None else (yield from self._hear())
        clarification = self._bot.clarification
        attempts = clarification.attempts if clarification else 0
        understood: Understood | None = understand(self._bot, said)
        while understood is None and attempts > 0 and clarification is not None:
            yield _say(clarification.text)
            attempts -= 1
            understood = understand(self._bot, (yield from self._hear()))
        return understood or Understood(self._fallback(), {})

    def _fallback(self) -> Intent:
        return next((intent for intent in self._bot.intents if intent.fallback), _FALLBACK)

    def _ask(self, intent: Intent, slot: Slot) -> Any:
        question = slot.prompt
        for _ in range(1 + slot.retries):
            yield _say(question or "")
            said = plain((yield from self._hear()))
            if fits(slot, said):
                return said
            question = slot.reprompt if slot.reprompt is not None else slot.prompt
        raise _GaveUpError(intent.name)

    def _hear(self) -> Any:
        until = self._context.now + timedelta(seconds=self._seconds)
        event = yield Await(until, listens=True, takes_kept=True)
        if not isinstance(event, Heard):
            raise _SilenceError
        return event.text


def _say(said: Said) -> Say:
    if isinstance(said, str):
        return Say(BOT, said)
    return Say(BOT, text_of(said), INTERACTIVE)
