"""What a flow at work is made of: who speaks, and the steps of a turn. No time, no sockets."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "BOT",
    "SYSTEM_MESSAGE",
    "Caller",
    "Dialogue",
    "End",
    "Enqueue",
    "FollowUp",
    "Invoke",
    "Present",
    "Prompt",
    "Say",
    "ShowView",
    "Signal",
    "Speaker",
    "Step",
    "Store",
]

_PLAIN = "text/plain"


@dataclass(frozen=True)
class Caller:
    """What a flow knows of the customer.

    Attributes:
        display_name: As given to StartChatContact.
        attributes: The contact attributes.
    """

    display_name: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Speaker:
    """Somebody who takes part in a chat."""

    role: str
    display_name: str


BOT = Speaker("SYSTEM", "BOT")
"""A bot, as transcripts name it."""

SYSTEM_MESSAGE = Speaker("SYSTEM", "SYSTEM_MESSAGE")
"""The flow itself, as transcripts name it."""


@dataclass(frozen=True)
class Say:
    """A message; the speaker thinks first.

    Attributes:
        speaker: Who says it.
        text: The text, or the JSON of an interactive message.
        content_type: Its media type.
    """

    speaker: Speaker
    text: str
    content_type: str = _PLAIN


@dataclass(frozen=True)
class Prompt(Say):
    """What a block says before its bot speaks; nobody documents who says it in a transcript."""


@dataclass(frozen=True)
class ShowView(Say):
    """A message that shows a view."""


@dataclass(frozen=True)
class Present:
    """A view that can be asked for from now on, before the message that shows it.

    Attributes:
        token: What it is asked for with.
        view: What it is: its id and its data.
    """

    token: str
    view: Mapping[str, Any]


@dataclass(frozen=True)
class Signal:
    """An event of a speaker, named without its common prefix, for example `typing`."""

    speaker: Speaker
    event: str


@dataclass(frozen=True)
class Store:
    """Contact attributes that the flow sets, as the block "Set contact attributes" does.

    Attributes:
        attributes: Names and values; those that were set before stay.
    """

    attributes: Mapping[str, str]


@dataclass(frozen=True)
class Enqueue:
    """The contact waits in a queue from now on, until an agent joins.

    Attributes:
        arn: The queue's ARN.
        name: Its name.
    """

    arn: str
    name: str


@dataclass(frozen=True)
class Invoke:
    """A Python function is to be called, elsewhere; the flow waits for its answer.

    Attributes:
        number: Which call it is; given back with the answer.
        function: `file.py:name`.
        event: What the function gets.
        seconds: How long the flow waits.
    """

    number: int
    function: str
    event: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True)
class FollowUp:
    """The contact is over, and the same chat goes on as another one: a disconnect flow.

    Attributes:
        reason: The DisconnectReason of the contact that is over.
    """

    reason: str


@dataclass(frozen=True)
class End:
    """The chat is over.

    Attributes:
        reason: The contact's DisconnectReason.
        leaver: Who leaves first; `None` is the customer.
    """

    reason: str
    leaver: Speaker | None = None


Step = Say | Present | Signal | Store | Enqueue | Invoke | FollowUp | End
Dialogue = Generator[tuple[Step, ...], str, None]
"""A flow at work: it yields the steps of its turn, and is sent the customer's next message."""
