"""The forecast: how long a campaign takes, what limits it, how many calls it makes.

Pure arithmetic over a table's counts, the quotas and the conversation.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from html import escape
from typing import Any, ClassVar, Literal

from connect_tasks.aws.quotas import Quotas
from connect_tasks.campaign.outlook import Outlook, utc_minute
from connect_tasks.campaign.pace_limit import Pace, rounded_words
from connect_tasks.campaign.report.words import shorten
from connect_tasks.campaign.row_check import Intake, Sample
from connect_tasks.campaign.timetable import Timetable, timetable
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.errors import InputError

__all__ = [
    "ABANDONED_SECONDS",
    "Forecast",
    "HandOverForecast",
    "came_to",
    "chats_of",
    "forecast",
    "hand_over_forecast",
]

_LONGEST_LINE = 200
_WARNING = "Warning: {}"
ABANDONED_SECONDS = 25 * 3_600.0
"""How long Amazon keeps a chat that nobody closes, unless it is asked for less."""

# How long people talk, as long as nobody knows better.
_PEOPLE = Conversation(reply_timeout_seconds=600, settle_seconds=0, max_seconds=600)
_CLOSING = {"stop": "StopContact", "disconnect": "DisconnectParticipant"}

ChatSecondsFrom = Literal["given", "measured", "assumed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast(Intake):
    """A table's intake, and what contacting its customers will take.

    Shows itself in a terminal (`print`) and in a notebook.

    Args:
        duration_seconds: From the first start to the end of the last chat; 0 for nobody. Where
            some have to wait, from now on and at the earliest.
        chats_per_second: The pace, once the bursts are used up.
        limit: What limits that pace, in words.
        chat_seconds: The mean time from a chat's start to its end.
        chat_seconds_from: `given`, `measured` (this ledger's chats on the same instance), or
            `assumed`: every answer takes as long as we wait for it, and then its turn ends.
        calls: Calls of Amazon's API by name.
        outlook: Who may be contacted now, later and never, by the campaign's policy.
        timetable: How many are contacted now and later, and how long that takes.
        ramp: How the campaign begins by its policy's ramp, in words; empty without one. What is
            waited for between its steps is not in the duration.
    """

    duration_seconds: float
    chats_per_second: float
    limit: str
    chat_seconds: float
    chat_seconds_from: ChatSecondsFrom
    calls: Mapping[str, int]
    outlook: Outlook = field(default_factory=Outlook)
    timetable: Timetable = field(default_factory=Timetable)
    ramp: str = ""

    _one: ClassVar[str] = "chat"

    @property
    def to_contact(self) -> int:
        """Customers of the table whose chats are yet to be started, and may be now or later."""
        return chats_of(self, self.outlook)

    @property
    def summary(self) -> str:
        """The forecast in one sentence, with nothing of any customer in it."""
        if not self.to_contact:
            return "nobody is left to contact"
        ramp = f"; {self.ramp}" if self.ramp else ""
        when = _when(self.timetable, self.outlook, self._one)
        return f"{', '.join(when)}, limited by {self.limit}{ramp}"

    @property
    def outline(self) -> str:
        """The forecast in some lines, with nothing of any customer in it."""
        return "\n".join([_sentence(self.summary), *self._told(), *_reasons(self)])

    def __str__(self) -> str:
        lines = [self.outline, *map(_WARNING.format, self.warnings)]
        for sample in self.samples:
            lines.append(f"{sample.customer_id} ({sample.display_name})")
            lines += [f"    {shorten(text, _LONGEST_LINE)!r}" for text in _texts(sample)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        told = "".join(f"<li>{escape(line)}</li>" for line in self._told())
        reasons = "".join(f"<li>{escape(line.strip())}</li>" for line in _reasons(self))
        reasons += "".join(f"<li>{escape(_WARNING.format(line))}</li>" for line in self.warnings)
        samples = "".join(map(_sample_row, self.samples))
        return (
            f"<p><b>{escape(_sentence(self.summary))}</b></p><ul>{told}{reasons}</ul>"
            f"<table><tr><th>customer</th><th>name</th><th>messages</th></tr>{samples}</table>"
        )

    def _told(self) -> Iterator[str]:
        yield from self._counted()
        assumed = ": every answer takes as long as we wait for it"
        how = f"{self.chat_seconds_from}{assumed if self.chat_seconds_from == 'assumed' else ''}"
        yield f"{rounded_words(self.chat_seconds)} for each chat ({how})"
        yield ", ".join(f"{name} {count:,}" for name, count in self.calls.items())

    def _counted(self) -> Iterator[str]:
        refused = f"{self.rejected:,} rejected, {self.duplicate:,} duplicate"
        yield f"{self.rows:,} rows: {self.valid:,} valid, {refused}"
        if self.contacted:
            yield f"{self.contacted:,} contacted before, {self.to_contact:,} to contact"
        if not self.outlook.is_open:
            yield self.outlook.words


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOverForecast(Forecast):
    """What handing chats over to a table's customers will take: they talk as long as they like."""

    def _told(self) -> Iterator[str]:
        yield from self._counted()
        assumed = ": people talk as long as they like"
        how = f"{self.chat_seconds_from}{assumed if self.chat_seconds_from == 'assumed' else ''}"
        yield f"{rounded_words(self.chat_seconds)} for each chat ({how})"
        yield ", ".join(f"{name} {count:,}" for name, count in self.calls.items())


def forecast(
    intake: Intake,
    quotas: Quotas,
    conversation: Conversation,
    *,
    outlook: Outlook | None = None,
    given_seconds: float | None = None,
    measured_seconds: float | None = None,
) -> Forecast:
    """Say what it will take to contact a table's customers.

    The pace is that of the scarcest resource: the rate of each API through its calls per chat, or
    the open chats through the mean time of a chat.

    Args:
        intake: What the table came to.
        quotas: What the instance grants.
        conversation: What our side says, and when a conversation is over.
        outlook: Who may be contacted now, later and never; all may be now if None.
        given_seconds: The mean time of a chat, if somebody knows it.
        measured_seconds: The mean time of past chats, if there are any.

    Raises:
        InputError: If the given time is not more than nothing.

    Example:
        >>> intake = Intake(
        ...     rows=5_008, valid=5_008, rejected=0, duplicate=0, contacted=0, opened=0, said=0,
        ...     reasons={}, more_reasons=0, samples=(),
        ... )
        >>> forecast(intake, Quotas(), Conversation(), given_seconds=20).summary
        '5,008 chats in about 17 min, limited by 5 starts per second'
    """
    seconds, source = _chat_seconds(conversation, given_seconds, measured_seconds)
    calls = _calls_per_chat(intake, conversation)
    is_left = conversation.close == "leave_open" and source != "given"
    held_seconds = ABANDONED_SECONDS if is_left else seconds
    pace = Pace(calls=calls, quotas=quotas, chat_seconds=seconds, held_seconds=held_seconds)
    return Forecast(**came_to(intake, outlook or Outlook(), pace), chat_seconds_from=source)


def hand_over_forecast(
    intake: Intake,
    quotas: Quotas,
    *,
    outlook: Outlook | None = None,
    given_seconds: float | None = None,
    measured_seconds: float | None = None,
) -> HandOverForecast:
    """Say what it will take to start the chats of a table's customers and hand them over.

    Args:
        intake: What the table came to.
        quotas: What the instance grants.
        outlook: Who may be contacted now, later and never; all may be now if None.
        given_seconds: How long people talk on average, if somebody knows it.
        measured_seconds: The mean time of past chats, if there are any.

    Raises:
        InputError: If the given time is not more than nothing.

    Example:
        >>> intake = Intake(
        ...     rows=308, valid=308, rejected=0, duplicate=0, contacted=0, opened=0, said=0,
        ...     reasons={}, more_reasons=0, samples=(),
        ... )
        >>> hand_over_forecast(intake, Quotas(), given_seconds=60).summary
        '308 chats in about 2 min, limited by 5 starts per second'
    """
    seconds, source = _chat_seconds(_PEOPLE, given_seconds, measured_seconds)
    calls = {"StartChatContact": 1.0, "CreateParticipantConnection": 1.0}
    pace = Pace(calls=calls, quotas=quotas, chat_seconds=seconds, held_seconds=seconds)
    told = came_to(intake, outlook or Outlook(), pace)
    return HandOverForecast(**told, chat_seconds_from=source)


def came_to(intake: Intake, outlook: Outlook, pace: Pace) -> dict[str, Any]:
    """What all forecasts say of a table at a pace, by the names of their fields."""
    chats = chats_of(intake, outlook)
    limit, times = pace.limit(chats), timetable(chats, outlook, pace)
    return {
        **{name.name: getattr(intake, name.name) for name in fields(Intake)},
        "duration_seconds": times.seconds,
        "chats_per_second": limit.chats_per_second,
        "limit": limit.words,
        "chat_seconds": pace.chat_seconds,
        "calls": {name: round(per_chat * chats) for name, per_chat in pace.calls.items()},
        "outlook": outlook,
        "timetable": times,
    }


def chats_of(intake: Intake, outlook: Outlook) -> int:
    """How many of a table's customers are yet to be contacted, now or later."""
    out = outlook.suppressed + outlook.held_out + outlook.held_out_later
    return max(0, intake.valid - intake.contacted - out)


def _when(times: Timetable, outlook: Outlook, one: str) -> Iterator[str]:
    if times.now:
        chats = one if times.now == 1 else f"{one}s"
        now = " now" if times.late or times.later else ""
        yield f"{times.now:,} {chats}{now} in about {rounded_words(times.now_seconds)}"
    if hours := times.late - times.expired:
        yield f"{hours:,} more not before their hours end"
    if times.expired:
        yield f"{times.expired:,} more not before they expire"
    if times.later and outlook.first and times.ends_at:
        first, end = utc_minute(outlook.first), utc_minute(times.ends_at)
        yield f"{times.later:,} from {first} on, over at {end} at the earliest"


def _chat_seconds(
    conversation: Conversation, given: float | None, measured: float | None
) -> tuple[float, ChatSecondsFrom]:
    if given is not None:
        if not 0 < given < math.inf:
            raise InputError(f"A chat takes some seconds, more than 0: got {given}.")
        return given, "given"
    if measured is not None:
        return measured, "measured"
    answers = len(conversation.messages)
    if conversation.max_replies is not None:
        answers = min(answers, conversation.max_replies)
    each = conversation.reply_timeout_seconds + conversation.settle_seconds
    # And the greeting, which answers nothing.
    return min((1 + answers) * each, conversation.max_seconds), "assumed"


def _calls_per_chat(intake: Intake, conversation: Conversation) -> dict[str, float]:
    """How many calls of each API a chat takes, on average."""
    valid = max(intake.valid, 1)
    said = intake.said / valid
    if conversation.max_replies is not None:
        # The first answer is to the message of the start, where there is one.
        said = min(said, conversation.max_replies - intake.opened / valid)
    calls = {
        "StartChatContact": 1.0,
        "CreateParticipantConnection": 1 - intake.connected / valid,
        "SendMessage": said,
        # Once before a chat is closed; once more at its beginning, for the answer to a message
        # that was there before anybody listened.
        # Looks where nothing seems wrong give way to all others: they limit nothing.
        "GetTranscript": 1 + intake.opened / valid,
    }
    if conversation.close in _CLOSING:
        calls[_CLOSING[conversation.close]] = 1.0
    return {name: count for name, count in calls.items() if count}


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _reasons(made: Forecast) -> Iterator[str]:
    for reason, count in made.reasons.items():
        yield f"    {count:,} rejected: {reason}"
    if made.more_reasons:
        yield f"    and {made.more_reasons:,} further reasons"


def _texts(sample: Sample) -> tuple[str, ...]:
    opening = () if sample.initial_message is None else (sample.initial_message,)
    said = (message if isinstance(message, str) else message.text for message in sample.messages)
    return (*opening, *said)


def _sample_row(sample: Sample) -> str:
    texts = "<br>".join(escape(shorten(text, _LONGEST_LINE)) for text in _texts(sample))
    name = escape(sample.display_name)
    return f"<tr><td>{escape(sample.customer_id)}</td><td>{name}</td><td>{texts}</td></tr>"
