"""Budgets: how often one link may make Amazon be asked. No waiting, no I/O.

Whoever has a link can press its button all day. Each press that costs a call is taken from the
link's own budget, so that what one link can use of the quotas is little, and all others have the
rest.
"""

from collections import OrderedDict

__all__ = ["LinkBudgets"]


class LinkBudgets:
    """The budgets of the links that were pressed lately.

    Args:
        burst: How many presses of one link may cost calls at once.
        seconds: After how many seconds one more may.
        most_links: Of how many links the budget is kept; of those whose press is longest ago it
            is whole again.
    """

    def __init__(self, *, burst: int = 6, seconds: float = 10.0, most_links: int = 20_000) -> None:
        self._burst = burst
        self._seconds = seconds
        self._most_links = most_links
        # When the budget of each would be whole again; a link that is not here has all of it.
        self._whole_at: OrderedDict[str, float] = OrderedDict()

    def wait(self, link: str, now: float) -> float:
        """How many seconds a press has to wait until it may cost a call; 0 if it may now."""
        whole_at = self._whole_at.get(link, now)
        return max(0.0, whole_at - now - (self._burst - 1) * self._seconds)

    def spend(self, link: str, now: float) -> None:
        """A press of this link costs a call."""
        self._whole_at[link] = max(now, self._whole_at.get(link, now)) + self._seconds
        self._whole_at.move_to_end(link)
        if len(self._whole_at) > self._most_links:
            self._whole_at.popitem(last=False)
