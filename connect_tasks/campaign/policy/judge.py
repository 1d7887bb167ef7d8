"""The judge: a policy as the ledger asks it."""

from datetime import datetime, timedelta

from connect_tasks.campaign.policy.decide import Rules
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.ledger.verdicts import Customer, History, Verdict

__all__ = ["PolicyJudge"]


class PolicyJudge:
    """Decides by a policy; a `verdicts.Judge`. Without rules it still knows the list `all`.

    Args:
        policy: The campaign's.

    Attributes:
        lists: The suppression lists that count, `all` among them.
        look_back: How far back contacts count; nothing if none do.
        group: Campaigns of which group count; all if None.
        fingerprint: Which policy it is; empty for one without rules.

    Example:
        >>> PolicyJudge(OutreachPolicy(suppression=["marketing"])).lists == {"all", "marketing"}
        True
    """

    def __init__(self, policy: OutreachPolicy) -> None:
        self._rules = Rules(policy)
        self.policy = policy
        self.lists: frozenset[str] = policy.lists
        self.look_back: timedelta = policy.look_back
        self.group: str | None = policy.group
        self.fingerprint: str = policy.fingerprint

    def decide(self, customer: Customer, now: datetime, history: History) -> Verdict:
        """Decide about a customer. Pure: the same for the same values."""
        return self._rules.verdict(customer, now, history)
