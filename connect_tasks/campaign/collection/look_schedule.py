"""When to look for a transcript: Amazon writes it some time after the end of its chat."""

from datetime import datetime, timedelta

__all__ = ["GIVE_UP_AFTER", "next_look"]

GIVE_UP_AFTER = timedelta(days=30)
"""How long after its end a chat's transcript is looked for."""

# Amazon says 30 to 60 seconds; who waits for the first one wants it soon, the last may take days.
_AFTER_THE_END = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15))
_THEN_EVERY = timedelta(days=1)


def next_look(
    ended_at: datetime, now: datetime, give_up_after: timedelta = GIVE_UP_AFTER
) -> datetime | None:
    """When to look next, after a look now that found nothing, or before the first one.

    It follows from the times alone: a look that came late leaves out those before it.

    Args:
        ended_at: When the chat ended.
        now: The present time.
        give_up_after: How long after the end to look.

    Returns:
        The time; None if nobody is to look any more.

    Example:
        >>> from datetime import UTC
        >>> noon = datetime(2026, 11, 26, 12, tzinfo=UTC)
        >>> next_look(noon, noon + timedelta(minutes=3)).minute
        5
    """
    last = ended_at + give_up_after
    if now >= last:
        return None
    planned = (ended_at + wait for wait in _AFTER_THE_END)
    following = next((time for time in planned if time > now), now + _THEN_EVERY)
    return min(following, last)
