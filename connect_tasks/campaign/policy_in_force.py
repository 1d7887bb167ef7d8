"""The policy in force: who may be contacted in a campaign, as the ledger has it in this moment."""

from functools import partial
from typing import Any

from connect_tasks.campaign.policy.judge import PolicyJudge
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.ramp_steps import steps_of
from connect_tasks.ledger.ramps import Steps
from connect_tasks.ledger.reader import LedgerReader
from connect_tasks.ledger.store import Ledger

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
        self._steps: Steps | None = None
        self._has_steps_of: PolicyJudge | None = None

    def judge(self, ledger: LedgerReader) -> PolicyJudge:
        """What decides by it."""
        stored = ledger.policy(self._campaign)
        if stored != self._stored:
            self._judge = PolicyJudge(OutreachPolicy.model_validate(stored or {}))
            self._stored = stored
        return self._judge

    def steps(self, ledger: Ledger) -> Steps | None:
        """Its ramp, if it has one; shares are of the customers who are in when first asked."""
        judge = self.judge(ledger)
        if judge is not self._has_steps_of:
            customers = partial(ledger.ramp.customers, self._campaign)
            self._steps = steps_of(judge.policy, customers)
            self._has_steps_of = judge
        return self._steps
