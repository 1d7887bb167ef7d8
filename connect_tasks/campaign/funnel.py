"""The funnel: a campaign counted while it runs, for whoever is watching."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connect_tasks.ledger.contact import CampaignMode, Contact, Status

__all__ = ["Funnel", "FunnelCounter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """How far the rows of a campaign have come, in numbers.

    `started`, `connected` and `replied` (the other side has answered something that ours said)
    count contacts that ever got so far; `open_chats` those
    that are in a conversation now; `withheld` those whom the campaign's policy let nobody contact.
    `handed_over` counts chats that were given to their customers,
    and `in_hands` those that are with people now. `learnt` holds what the instance grants less of
    than its quotas say: calls per second by API, and `open_chats`. `limited_by` is where most wait
    at this moment: an API's name, `open_chats`, `hand_over`, or None where nobody waits.
    `waits_until` is for when the run waits, having nobody else left than those whom the policy does
    not let be contacted yet.
    """

    rows: int
    valid: int
    rejected: int
    duplicate: int
    started: int
    connected: int
    replied: int
    completed: int
    failed: int
    unknown: int
    planned: int
    open_chats: int
    withheld: int = 0
    handed_over: int = 0
    in_hands: int = 0
    mode: CampaignMode = CampaignMode.SIMULATION
    learnt: Mapping[str, float] = field(default_factory=dict)
    limited_by: str | None = None
    waits_until: datetime | None = None

    @property
    def settled(self) -> int:
        """Contacts about which this run has nothing more to do."""
        return self.completed + self.failed + self.unknown + self.withheld + self.in_hands

    @property
    def left(self) -> int:
        """Contacts that this or another run has yet to bring to their end."""
        return self.valid - self.settled


class FunnelCounter:
    """The funnel of a campaign, kept up to date by its own steps instead of by queries.

    Args:
        counts: What `Ledger.counts` says at the start.
    """

    def __init__(self, counts: Mapping[str, Any]) -> None:
        self._status = Counter({status: counts[status] for status in Status})
        self._valid = counts["valid"]
        self._started = counts["reached_started"]
        self._connected: int = counts["reached_connected"]
        self._replied = counts["replied"]
        self._handed_over = counts["handed_over"]
        self._in_hands = counts["in_hands"]
        self._mode = CampaignMode(counts["mode"])
        self._learnt: dict[str, float] = {}
        self._waits_until: datetime | None = None
        self.limit: Callable[[], str | None] = lambda: None

    def step(self, was: Status, contact: Contact) -> None:
        """A contact came one step further."""
        self._waits_until = None
        self._status[was] -= 1
        self._status[contact.status] += 1
        if contact.status is not was:
            self._started += contact.status is Status.STARTED
            # It had started for somebody else's token long ago: none of this campaign's starts.
            self._started -= was is Status.STARTED and contact.started_at is None
            self._connected += contact.status is Status.CONNECTED

    def reply(self) -> None:
        """A contact's other side answered our side for the first time."""
        self._replied += 1

    def hand_over(self) -> None:
        """A contact's chat was given to its customer."""
        self._handed_over += 1
        self._in_hands += 1

    def withhold(self, count: int, was: Status = Status.PLANNED) -> None:
        """The policy never lets so many be contacted who were planned, or about to be."""
        self._status[was] -= count
        self._status[Status.WITHHELD] += count

    def wait_until(self, opens: datetime | None) -> None:
        """The run waits until somebody may be contacted, or for nobody."""
        self._waits_until = opens

    def learn(self, what: str, granted: float | None) -> None:
        """The instance grants less of something than its quota says; None if it does not."""
        if granted is None:
            self._learnt.pop(what, None)
        else:
            self._learnt[what] = granted

    @property
    def any_started(self) -> bool:
        """Whether any chat of the campaign was ever started."""
        return bool(self._started)

    @property
    def connected(self) -> int:
        """How many chats of the campaign were ever connected."""
        return self._connected

    def funnel(self) -> Funnel:
        """The numbers now."""
        status = self._status
        refused = status[Status.REJECTED] + status[Status.DUPLICATE]
        return Funnel(
            rows=self._valid + refused,
            valid=self._valid,
            rejected=status[Status.REJECTED],
            duplicate=status[Status.DUPLICATE],
            started=self._started,
            connected=self._connected,
            replied=self._replied,
            completed=status[Status.COMPLETED],
            failed=status[Status.FAILED],
            unknown=status[Status.UNKNOWN],
            planned=status[Status.PLANNED],
            open_chats=status[Status.STARTED] + status[Status.CONNECTED],
            withheld=status[Status.WITHHELD],
            handed_over=self._handed_over,
            in_hands=self._in_hands,
            mode=self._mode,
            learnt=dict(self._learnt),
            limited_by=self.limit(),
            waits_until=self._waits_until,
        )
