"""The forecast of invitations: nobody knows when people come, but how many at once is known."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from connect_tasks.aws.quotas import Quotas
from connect_tasks.campaign.forecast import Forecast, rounded_words
from connect_tasks.campaign.row_check import Intake

__all__ = ["InvitationForecast", "invitation_forecast"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationForecast(Forecast):
    """What inviting a table's customers comes to, if all of them open their link at once.

    `duration_seconds` is then how long the last of them waits for the chat's start;
    `chat_seconds` is 0, as nobody knows how long people talk.

    Args:
        at_a_time: How many of them can chat at the same time.
    """

    at_a_time: int

    @property
    def summary(self) -> str:
        """The forecast in one sentence, with nothing of any customer in it."""
        if not self.to_contact:
            return "nobody is left to invite"
        links = f"{self.to_contact:,} link{'' if self.to_contact == 1 else 's'}"
        if not self.duration_seconds:
            return f"{links}; opened all at once, nobody would wait"
        about = rounded_words(self.duration_seconds)
        return f"{links}; opened all at once, the last would wait about {about} ({self.limit})"

    def _told(self) -> Iterator[str]:
        yield from self._counted()
        if self.to_contact > self.at_a_time:
            yield f"at most {self.at_a_time:,} can chat at the same time: send the links in waves"


def invitation_forecast(intake: Intake, quotas: Quotas) -> InvitationForecast:
    """Say what inviting a table's customers comes to.

    Args:
        intake: What the table came to.
        quotas: What the instance grants.

    Example:
        >>> intake = Intake(
        ...     rows=308, valid=308, rejected=0, duplicate=0, contacted=0, opened=0, said=0,
        ...     reasons={}, more_reasons=0, samples=(),
        ... )
        >>> invitation_forecast(intake, Quotas()).summary
        '308 links; opened all at once, the last would wait about 1 min (5 starts per second)'
    """
    rate, burst = quotas.rate_of("StartChatContact")
    return InvitationForecast(
        **{name.name: getattr(intake, name.name) for name in fields(Intake)},
        duration_seconds=max(0, intake.to_contact - burst) / rate,
        chats_per_second=rate,
        limit=f"{rate:g} starts per second",
        chat_seconds=0.0,
        chat_seconds_from="assumed",
        calls={"StartChatContact": intake.to_contact},
        at_a_time=quotas.open_chats,
    )
