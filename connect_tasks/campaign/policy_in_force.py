"""The policy in force: who may be contacted in a campaign, as the ledger has it in this moment."""

from typing import Any

from connect_tasks.campaign.policy.judge import PolicyJudge
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.ledger.reader import LedgerReader

__all__ = ["PolicyInForce", "stored_policy"]


def stored_policy(ledger: LedgerReader, campaign: str) -> OutreachPolicy:
    """The policy that a campaign was planned with last; one without rules if there is none."""
    return OutreachPolicy.model_validate(ledger.policy(campaign) or {})


class PolicyInForce:
    """A campaign's policy, read before each decision: somebody may say another while a run goes.

    Used from the ledger's one thread.

    Args:
        campaign: Whose.
    """

    def __init__(self, campaign: str) -> None:
        self._campaign = campaign
        self._stored: dict[str, Any] | None = None
        self._judge = PolicyJudge(OutreachPolicy())

    def judge(self, ledger: LedgerReader) -> PolicyJudge:
        """What decides by it."""
        stored = ledger.policy(self._campaign)
        if stored != self._stored:
            self._judge = PolicyJudge(OutreachPolicy.model_validate(stored or {}))
            self._stored = stored
        return self._judge
