"""The pulse: an event a minute that says a campaign moves, so that its silence can be noticed.

That a process is there, Prefect's heartbeats say. This is of what it does: a run that lives and
gets nobody any further sends none.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from connect_tasks.campaign.funnel import Funnel
from connect_tasks.tasks.artifacts import UpdateInterval
from connect_tasks.tasks.events import tell_campaign

__all__ = ["Pulse"]


class Pulse:
    """Tells once a minute of a campaign that moves; outside a run it does nothing.

    One that has to wait by its policy, and knows until when, is as it should be and tells so.

    Args:
        campaign: Its name.
        monotonic: Tells the time.
        tell: Sends the event, as `tell_campaign` does.

    Example:
        ```python
        pulse = Pulse("renewals")
        pulse.feel(funnel)
        ```
    """

    SECONDS = 60.0

    def __init__(
        self,
        campaign: str,
        monotonic: Callable[[], float] = time.monotonic,
        tell: Callable[..., None] = tell_campaign,
    ) -> None:
        self._campaign = campaign
        self._tell = tell
        self._interval = UpdateInterval(self.SECONDS, monotonic)
        # That it has begun is an event of its own.
        self._interval.done()
        self._last: Funnel | None = None

    def feel(self, funnel: Funnel) -> None:
        """Tell of the campaign if a minute has passed and it has moved; called at any rate.

        Args:
            funnel: How far it has come.
        """
        counts = replace(funnel, learnt={}, limited_by=None, waits_until=None)
        self._last = self._last or counts
        moves = counts != self._last or funnel.waits_until is not None
        if moves and self._interval.is_due:
            self._tell("progress", self._campaign, funnel, **_until(funnel))
            self._interval.done()
            self._last = counts


def _until(funnel: Funnel) -> dict[str, str]:
    return {"until": funnel.waits_until.isoformat()} if funnel.waits_until else {}
