"""The forecast of messages to phones: contacts and messages, and no money.

What a message costs is Amazon's and the carrier's to say, and differs by country.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from connect_tasks.aws.quotas import Quotas
from connect_tasks.campaign.forecast import ABANDONED_SECONDS, ChatSecondsFrom, Forecast, came_to
from connect_tasks.campaign.outlook import Outlook
from connect_tasks.campaign.pace_limit import Pace, rounded_words
from connect_tasks.campaign.row_check import Intake
from connect_tasks.errors import InputError

__all__ = ["OutboundForecast", "outbound_forecast"]

_HOW = {
    "given": "given",
    "measured": "measured",
    "assumed": "assumed: nobody ends it sooner; a flow that does, or a shorter "
    "chat_duration_in_minutes, frees its slot",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundForecast(Forecast):
    """What writing to a table's customers on their phones will take.

    `duration_seconds` is until the last message is out; `chat_seconds` is how long a conversation
    fills one of the instance's open chats after that.
    """

    _one: ClassVar[str] = "message"

    def _told(self) -> Iterator[str]:
        yield from self._counted()
        contacts = f"{self.to_contact:,} contact{'' if self.to_contact == 1 else 's'}"
        yield f"{contacts}, each begun with one message; further ones are the flow's to send"
        held, how = rounded_words(self.chat_seconds), _HOW[self.chat_seconds_from]
        yield f"{held} of an open chat for each ({how})"
        yield ", ".join(f"{name} {count:,}" for name, count in self.calls.items())


def outbound_forecast(
    intake: Intake,
    quotas: Quotas,
    *,
    outlook: Outlook | None = None,
    given_seconds: float | None = None,
    held_minutes: int | None = None,
) -> OutboundForecast:
    """Say what it will take to write to a table's customers.

    Args:
        intake: What the table came to.
        quotas: What the instance grants.
        outlook: Who may be contacted now, later and never; all may be now if None.
        given_seconds: How long a conversation lasts on average, if somebody knows it.
        held_minutes: How long one lasts at most, as the template says; as long as Amazon keeps it
            if None.

    Raises:
        InputError: If the given time is not more than nothing.

    Example:
        >>> intake = Intake(
        ...     rows=305, valid=305, rejected=0, duplicate=0, contacted=0, opened=0, said=0,
        ...     reasons={}, more_reasons=0, samples=(),
        ... )
        >>> outbound_forecast(intake, Quotas()).summary
        '305 messages in about 2 min 30 s, limited by 2 messages per second'
    """
    seconds, source = _held(given_seconds, held_minutes)
    calls = {"StartOutboundChatContact": 1.0}
    # A run is over when the last message is out: it waits for nobody's answer.
    pace = Pace(calls=calls, quotas=quotas, chat_seconds=0.0, held_seconds=seconds)
    told = {**came_to(intake, outlook or Outlook(), pace), "chat_seconds": seconds}
    return OutboundForecast(**told, chat_seconds_from=source)


def _held(given: float | None, minutes: int | None) -> tuple[float, ChatSecondsFrom]:
    if given is None:
        return (ABANDONED_SECONDS if minutes is None else minutes * 60.0), "assumed"
    if not 0 < given < math.inf:
        raise InputError(f"A conversation takes some seconds, more than 0: got {given}.")
    return given, "given"
