"""The results of a campaign as a command shows them."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from connect_tasks.campaign.conclusion import Conclusion, conclude
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.command_line.results import outcome_of
from connect_tasks.ledger.contact import CampaignState

COUNTS = ["rows", "valid", "started", "replied", "completed", "rejected", "duplicate", "failed"]


@dataclass
class Ended:
    """A campaign without customers."""

    campaign: str = "renewals"
    ledger_url: str = "postgresql://ada:wJalr@host/ledger"
    state: CampaignState = CampaignState.RUNNING
    summary: dict[str, Any] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))

    @property
    def conclusion(self) -> Conclusion:
        return conclude(self.summary, self.state)


@pytest.mark.parametrize(
    "save_to", ["postgresql://ada:wJalr@host/results", "s3://KEY:wJalr@bucket/out"]
)
def test_no_password_of_where_results_are_is_shown(save_to: str) -> None:
    outcome = outcome_of(cast("CampaignResult", Ended()), save_to=save_to)

    assert "wJalr" not in f"{outcome.text}{outcome.document}"
    assert outcome.document["saved_to"] in outcome.text
    assert outcome.document["saved_to"].startswith(save_to.partition("wJalr")[0])
