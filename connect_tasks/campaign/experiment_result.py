"""The result of an experiment: read from the ledger, with what its caller knows of customers."""

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.campaign.experiment import arm_records, count_arms
from connect_tasks.campaign.experiment_words import experiment_words
from connect_tasks.campaign.policy_in_force import stored_policy
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.experiment_table import experiment_frame, known_outcomes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["experiment_of", "experiment_told"]

_log = logging.getLogger(__name__)


def experiment_of(
    ledger: Ledger, campaign: str, outcomes: "pd.DataFrame | None", *, now: datetime
) -> "pd.DataFrame":
    """One row for each arm of a campaign; see `CampaignResult.experiment`.

    Args:
        ledger: The campaign's.
        campaign: As it was entered.
        outcomes: What the caller knows of customers.
        now: The present time.

    Raises:
        InputError: The outcomes cannot be used.
    """
    known, is_rate = (None, None) if outcomes is None else known_outcomes(outcomes, canonical_key)
    policy = stored_policy(ledger, campaign)
    members = ledger.arms.members(campaign, policy.lists, now=now)
    records = arm_records(count_arms(members, policy, known), outcomes_are_rates=is_rate)
    frame = experiment_frame(records, outcomes_are_rates=is_rate)
    frame.attrs["summary"] = experiment_words(records, awaited=_awaited(ledger, campaign))
    _log.info("campaign %s: %s", campaign, frame.attrs["summary"])
    return frame


def experiment_told(ledger: Ledger, campaign: str, *, now: datetime) -> str | None:
    """What a campaign's experiment has come to, in words; None where no variants are compared.

    All customers of such a campaign are gone through once.

    Args:
        ledger: The campaign's.
        campaign: As it was entered.
        now: The present time.
    """
    policy = stored_policy(ledger, campaign)
    if not policy.variants:
        return None
    records = arm_records(count_arms(ledger.arms.members(campaign, policy.lists, now=now), policy))
    return experiment_words(records, awaited=_awaited(ledger, campaign))


def _awaited(ledger: Ledger, campaign: str) -> int:
    return int(ledger.counts(campaign)["transcripts_awaited"])
