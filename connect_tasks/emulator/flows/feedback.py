"""A scripted flow that asks with buttons, a list and free text, and stores what it learns."""

from collections.abc import Generator, Sequence

from connect_tasks.emulator.flows.interactive import INTERACTIVE, list_picker, pick, quick_reply
from connect_tasks.emulator.flows.steps import (
    BOT,
    Caller,
    Dialogue,
    End,
    FollowUp,
    Say,
    Step,
    Store,
)

__all__ = ["AGAIN", "REASONS", "SCORES", "feedback"]

SCORES = ("1", "2", "3", "4", "5")
REASONS = ("Price", "Quality", "Service", "Something else")
AGAIN = ("Yes", "No")

_STOP = frozenset({"stop", "stopall", "unsubscribe", "optout", "opt out"})
_OVER = End("CONTACT_FLOW_DISCONNECT")

Questions = Generator[tuple[Step, ...], str, str | None]


class _StopError(Exception):
    """The customer wants to hear no more."""


def feedback(caller: Caller) -> Dialogue:
    """Ask for a score, its reason and a comment; then, as a disconnect flow, one thing more.

    The contact's attributes become `score` and `reason`, those of the contact that follows also
    `contact_again`. Whoever writes STOP is asked nothing more, and has `opted_out`.
    """
    try:
        yield from _ask_all(caller)
    except _StopError:
        farewell = Say(BOT, "You will not hear from us again. Goodbye.")
        yield (Store({"opted_out": "true"}), farewell, _OVER)


def _ask_all(caller: Caller) -> Dialogue:
    plan = caller.attributes.get("plan")
    subject = f"your {plan} plan" if plan else "us"
    question = f"Hello {caller.display_name}, how satisfied are you with {subject}, from 1 to 5?"
    score = yield from _choose((), quick_reply(question, SCORES), SCORES)
    picker = list_picker("What is the main reason?", REASONS, subtitle="Tap to select")
    reason = yield from _choose(_known(score=score), picker, REASONS)
    yield from _hear((*_known(reason=reason), Say(BOT, "Would you like to tell us more?")))
    thanks = (Say(BOT, "Thank you, we will read that."), FollowUp("CONTACT_FLOW_DISCONNECT"))
    more = quick_reply("One more thing: may we ask you again some day?", AGAIN)
    again = yield from _choose(thanks, more, AGAIN)
    known = _known(contact_again=again.lower() if again else None)
    yield (*known, Say(BOT, "Goodbye!"), _OVER)


def _choose(before: tuple[Step, ...], question: str, options: Sequence[str]) -> Questions:
    """Ask once, and once more where the answer is none of the options."""
    ask = Say(BOT, question, INTERACTIVE)
    chosen = pick((yield from _hear((*before, ask))), options)
    if chosen is None:
        sorry = Say(BOT, f"Please choose one of these: {', '.join(options)}.")
        chosen = pick((yield from _hear((sorry, ask))), options)
    return chosen


def _hear(steps: tuple[Step, ...]) -> Generator[tuple[Step, ...], str, str]:
    answer = yield steps
    if " ".join(answer.split()).casefold().rstrip(".!") in _STOP:
        raise _StopError
    return answer


def _known(**attributes: str | None) -> tuple[Step, ...]:
    known = {name: value for name, value in attributes.items() if value is not None}
    return (Store(known),) if known else ()
