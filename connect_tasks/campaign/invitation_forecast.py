"""The forecast of invitations: nobody knows when people come, but how many at once is known."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from connect_tasks.aws.quotas import Quotas
from connect_tasks.campaign.forecast import Forecast, chats_of
from connect_tasks.campaign.outlook import Outlook, utc_minute
from connect_tasks.campaign.pace_limit import rounded_words
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
            return f"nobody is left to invite{self._too_late()}"
        links = f"{self.to_contact:,} link{'' if self.to_contact == 1 else 's'}{self._to_send()}"
        links += self._too_late()
        if not self.duration_seconds:
            return f"{links}; opened all at once, nobody would wait"
        about = rounded_words(self.duration_seconds)
        return f"{links}; opened all at once, the last would wait about {about} ({self.limit})"

    def _too_late(self) -> str:
        if not (count := self.outlook.links_too_late):
            return ""
        more = " more" if self.to_contact else ""
        links = f"{count:,}{more} link{'' if count == 1 else 's'}"
        helps = "(a longer expires_after helps)"
        return f", {links} would end before the policy lets them be sent {helps}"

    def _to_send(self) -> str:
        """When links may be sent: somebody else sends them, and has to keep to it."""
        later = min(self.to_contact, self.outlook.deferred - self.outlook.held_out_later)
        if not later or self.outlook.first is None or self.outlook.last is None:
            return ""
        first, last = utc_minute(self.outlook.first), utc_minute(self.outlook.last)
        when = f"from {first} on" if first == last else f"from {first} (the last from {last}) on"
        which = "" if later == self.to_contact else f"{later:,} of them "
        return f", {which}to be sent {when}"

    def _told(self) -> Iterator[str]:
        yield from self._counted()
        if self.to_contact > self.at_a_time:
            yield f"at most {self.at_a_time:,} can chat at the same time: send the links in waves"


def invitation_forecast(
    intake: Intake, quotas: Quotas, *, outlook: Outlook | None = None
) -> InvitationForecast:
    """Say what inviting a table's customers comes to.

    Args:
        intake: What the table came to.
        quotas: What the instance grants.
        outlook: Who may be sent their link now, later and never; all may be now if None.

    Example:
        >>> intake = Intake(
        ...     rows=308, valid=308, rejected=0, duplicate=0, contacted=0, opened=0, said=0,
        ...     reasons={}, more_reasons=0, samples=(),
        ... )
        >>> invitation_forecast(intake, Quotas()).summary
        '308 links; opened all at once, the last would wait about 1 min (5 starts per second)'
    """
    rate, burst = quotas.rate_of("StartChatContact")
    outlook = outlook or Outlook()
    links = chats_of(intake, outlook)
    return InvitationForecast(
        **{name.name: getattr(intake, name.name) for name in fields(Intake)},
        duration_seconds=max(0, links - burst) / rate,
        chats_per_second=rate,
        limit=f"{rate:g} starts per second",
        chat_seconds=0.0,
        chat_seconds_from="assumed",
        calls={"StartChatContact": links},
        outlook=outlook,
        at_a_time=quotas.open_chats,
    )
