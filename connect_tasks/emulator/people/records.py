"""What became of a simulated person: kind, outcome, and every answer that was given."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Answered", "PersonKind", "PersonOutcome", "PersonRecord"]


class PersonKind(StrEnum):
    """How somebody deals with an invitation."""

    PROMPT = "prompt"
    """Opens the link at once, presses the button, and answers everything."""
    LATE = "late"
    """Does the same some time later."""
    TWICE = "twice"
    """Presses the button in two tabs at once, and answers in one of them."""
    HALF_WAY = "half_way"
    """Answers the first question, and closes the tab."""
    STOP = "stop"
    """Answers the first question, and the second with STOP."""
    NEVER = "never"
    """Never opens the link."""
    SCANNER = "scanner"
    """Is a mail scanner: asks for the link with GET and HEAD, and presses nothing."""


class PersonOutcome(StrEnum):
    """How it ended."""

    NOT_OPENED = "not_opened"
    """The button was never pressed."""
    COMPLETED = "completed"
    """The chat came to its end."""
    STOPPED = "stopped"
    """The chat came to its end after STOP."""
    LEFT = "left"
    """The tab was closed: half-way, or since nobody said anything any more."""
    REFUSED = "refused"
    """The link opened nothing: 410."""
    GAVE_UP = "gave_up"
    """All presses were put off: 503."""
    FAILED = "failed"
    """Something else went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One answer.

    Attributes:
        contact_id: The contact that was asked in, by its messages.
        question: What was asked, as it was heard: the title of an interactive message.
        options: What there was to choose from; empty where the answer was free.
        answer: What was answered.
        message_id: The id of the answer's message.
    """

    contact_id: str
    question: str
    options: tuple[str, ...]
    answer: str
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRecord:
    """What one person did, without link and tokens.

    Attributes:
        number: Their place among the links, from 0.
        customer_id: Whose link it was, if that was told.
        kind: How they deal with invitations.
        outcome: How it ended.
        error_code: What a refusal was called, or the kind of error behind `failed`.
        presses: How often the button was pressed.
        put_off: How many presses were answered with 503.
        contact_ids: The contacts of the chat in the order in which they were heard of.
        answers: What was answered, in order.
    """

    number: int
    customer_id: str | None
    kind: PersonKind
    outcome: PersonOutcome
    error_code: str | None = None
    presses: int = 0
    put_off: int = 0
    contact_ids: tuple[str, ...] = ()
    answers: tuple[Answered, ...] = ()
