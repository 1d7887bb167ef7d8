"""The link judge: a policy as it is asked of links that would be given out, in a dry run."""

from datetime import datetime, timedelta

from connect_tasks.campaign.policy.judge import PolicyJudge
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.ledger.link_windows import link_window
from connect_tasks.ledger.verdicts import Customer, History, Verdict

__all__ = ["LinkJudge"]


class LinkJudge(PolicyJudge):
    """Decides of links that would be given out, as it is decided when they are.

    Args:
        policy: The campaign's.
        expires_after: How long each link works.

    Example:
        >>> LinkJudge(OutreachPolicy(), timedelta(days=30)).expires_after.days
        30
    """

    def __init__(self, policy: OutreachPolicy, expires_after: timedelta) -> None:
        super().__init__(policy)
        self.expires_after = expires_after
        self._of_contacts = PolicyJudge(policy)

    def decide(self, customer: Customer, now: datetime, history: History) -> Verdict:
        """Decide about a customer's link, which would end before it may be sent, or would not."""
        expires_at, judge = now + self.expires_after, self._of_contacts
        return link_window(judge, customer, history, now=now, expires_at=expires_at)[0]
