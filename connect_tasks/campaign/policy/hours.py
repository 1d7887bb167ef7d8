"""Hours: when a customer's clock lets them be contacted."""

from connect_tasks.campaign.policy.communication_time import CommunicationTime

__all__ = ["Clock", "Clocks"]


class Clock:
    """The open hours and restricted periods in one time zone."""

    def restricted(self, now: int) -> tuple[str, ...]:
        """The names of the restricted periods that an instant is in."""
        return ()

    def outside(self, now: int) -> str:
        """The open hours of the weekday if an instant is not in them; else nothing."""
        return ""

    def opens(self, since: int) -> int | None:
        """The first instant, not before another one, that is open."""
        return since

    def closes(self, now: int) -> int | None:
        """The end of the open time that an instant is in."""
        return None


class Clocks:
    """The clocks of a policy, by time zone."""

    def __init__(self, communication_time: CommunicationTime | None) -> None:
        self.count = communication_time is not None

    def of(self, zone: str | None) -> Clock | None:
        """The clock of a zone."""
        return Clock() if self.count else None
