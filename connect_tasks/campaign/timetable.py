"""The timetable: how long a campaign takes whose customers may not all be contacted at once.

Pure arithmetic over an outlook's openings and closings, and the pace of chats.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connect_tasks.campaign.outlook import Outlook
from connect_tasks.campaign.pace_limit import Pace

__all__ = ["Timetable", "timetable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """When how many customers are contacted, as far as can be foretold.

    Args:
        now: Who may be contacted now and is, before they may not any more.
        late: Who may be contacted now, and whose hours, or whose time in the campaign, end before
            it is their turn.
        expired: Those of `late` whose time in the campaign ends: nobody contacts them later.
        later: Who has to wait, and is not held out then.
        now_seconds: Until the last chat of `now` is over; 0 for nobody.
        seconds: Until the last chat of `later` is over, too: at the earliest, since their hours
            may end before it is their turn.
        ends_at: The same as a time (UTC); None if nobody has to wait.
    """

    now: int = 0
    late: int = 0
    expired: int = 0
    later: int = 0
    now_seconds: float = 0.0
    seconds: float = 0.0
    ends_at: datetime | None = None


def timetable(chats: int, outlook: Outlook, pace: Pace) -> Timetable:
    """Say when so many chats are over.

    Args:
        chats: How many there will be, now and later.
        outlook: Who has to wait until when, and who may be contacted until when.
        pace: How fast chats can be started.
    """
    later = min(chats, outlook.deferred - outlook.held_out_later)
    late, expired = _late(chats - later, outlook, pace)
    now = chats - later - late
    seconds = _seconds(now, later, outlook, pace)
    waits = later > 0 and outlook.as_of is not None
    return Timetable(
        now=now,
        late=late,
        expired=expired,
        later=later,
        now_seconds=pace.limit(now).duration_seconds if now else 0.0,
        seconds=seconds,
        ends_at=outlook.as_of + timedelta(seconds=seconds) if waits and outlook.as_of else None,
    )


def _seconds(now: int, later: int, outlook: Outlook, pace: Pace) -> float:
    """How long all takes: what opens while others are still started queues up behind them."""
    opening_ones = sum(opening.customers for opening in outlook.openings)
    share = later / opening_ones if opening_ones else 0.0
    began, queued = 0.0, float(now)
    for opening in outlook.openings:
        at = _seconds_until(opening.at, outlook)
        if at > began + pace.seconds_to_start(round(queued)):
            began, queued = at, 0.0
        queued += opening.customers * share
    chats = round(queued)
    return began + pace.limit(chats).duration_seconds if chats else 0.0


def _late(chats: int, outlook: Outlook, pace: Pace) -> tuple[int, int]:
    """Of those who may be contacted now, how many are not before they may not any more.

    And how many of these never are, as their time in the campaign is over then.

    Who comes first has nothing to do with whose hours end first: of all who still wait, the same
    share is started at any time.
    """
    waiting, left, late, expired, started = float(chats), 1.0, 0.0, 0.0, 0
    for closing in outlook.closings:
        by_then = pace.started_after(_seconds_until(closing.at, outlook), most=chats)
        share = min(1.0, (by_then - started) / waiting) if waiting > 0 else 1.0
        left *= 1 - share
        missed = closing.customers * left
        expired += closing.expiring * left
        waiting, late, started = waiting * (1 - share) - missed, late + missed, by_then
    whole = min(chats, round(late))
    return whole, min(whole, round(expired))


def _seconds_until(at: datetime, outlook: Outlook) -> float:
    return max(0.0, (at - (outlook.as_of or at)).total_seconds())
