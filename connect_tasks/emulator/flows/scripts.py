"""The scripted flows: what the other side says, as generators without time or sockets.

A flow yields the steps of its turn and is sent the customer's next message. When it returns, the
chat stays open and nobody answers any more.
"""

import re
from collections.abc import Callable, Mapping

from connect_tasks.emulator.flows.feedback import feedback
from connect_tasks.emulator.flows.steps import (
    BOT,
    SYSTEM_MESSAGE,
    Caller,
    Dialogue,
    End,
    Say,
    Signal,
    Speaker,
)

__all__ = ["FLOWS"]


AGENT = Speaker("AGENT", "Alex")

_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_HIGHEST = 10
_PROMOTER = 9
_PASSIVE = 7


def read_score(text: str) -> int | None:
    """The first number of a text, if it is a whole one from 0 to 10."""
    found = _NUMBER.search(text)
    if found is None or not found[0].isdecimal() or int(found[0]) > _HIGHEST:
        return None
    return int(found[0])


def survey(caller: Caller) -> Dialogue:
    """Ask for a score from 0 to 10, once more if the answer is none, and end the chat."""
    plan = caller.attributes.get("plan")
    subject = f"your {plan} plan" if plan else "us"
    question = f"how likely are you to recommend {subject} to a friend, from 0 to 10?"
    answer = yield (Say(BOT, f"Hello {caller.display_name}, {question}"),)
    score = read_score(answer)
    if score is None:
        answer = yield (Say(BOT, "Please answer with a number from 0 to 10."),)
        score = read_score(answer)
    yield (Say(BOT, _verdict(score)), End("CONTACT_FLOW_DISCONNECT"))


def _verdict(score: int | None) -> str:
    if score is None:
        return "Never mind, thank you for your time. Goodbye."
    if score >= _PROMOTER:
        return f"Thank you, {score} makes our day. Goodbye!"
    if score >= _PASSIVE:
        return f"Thank you for the {score}. We will work on the rest. Goodbye."
    return f"Thank you for being frank. A {score} means we have work to do. Goodbye."


def echo(caller: Caller) -> Dialogue:
    """Repeat each message; never end the chat."""
    said = yield (Say(BOT, f"Hello {caller.display_name}, I repeat whatever you say."),)
    while True:
        said = yield (Say(BOT, said),)


def silent(_caller: Caller) -> Dialogue:
    """Say nothing, ever."""
    yield ()


def agent(caller: Caller) -> Dialogue:
    """Let an agent join, answer the customer's first message, and take leave after the second."""
    yield (
        Say(SYSTEM_MESSAGE, "Please wait while we connect you to an agent."),
        Signal(AGENT, "participant.joined"),
        Say(AGENT, f"Hello {caller.display_name}, this is {AGENT.display_name}. May I help you?"),
    )
    yield (Signal(AGENT, "typing"), Say(AGENT, "I see. Is there anything else?"))
    farewell = Say(AGENT, f"I will see to it. Goodbye, {caller.display_name}.")
    yield (Signal(AGENT, "typing"), farewell, End("AGENT_DISCONNECT", leaver=AGENT))


FLOWS: Mapping[str, Callable[[Caller], Dialogue]] = {
    "agent": agent,
    "echo": echo,
    "feedback": feedback,
    "silent": silent,
    "survey": survey,
}
"""Every scripted flow by its name."""
