"""Decisions: why somebody was contacted, or not; only ever added to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger.schema import decisions
from connect_tasks.ledger.verdicts import Defer, Moment, Verdict

__all__ = ["Judged", "record"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A customer of a campaign, and what was decided about them."""

    campaign: str
    customer_id: str
    customer_key: str
    verdict: Verdict


def record(
    connection: sa.Connection,
    judged: Sequence[Judged],
    *,
    moment: Moment,
    policy: str,
    now: datetime,
) -> None:
    """Add decisions to the record.

    Args:
        connection: In the transaction in which they take effect.
        judged: About whom, and what.
        moment: What was about to happen.
        policy: Which policy decided.
        now: The present time.
    """
    if judged:
        rows = list(_rows(judged, {"moment": moment, "policy": policy, "decided_at": now}))
        connection.execute(sa.insert(decisions), rows)


def _rows(judged: Sequence[Judged], shared: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for one in judged:
        first, until = one.verdict.why[0], getattr(one.verdict, "until", None)
        yield {
            **shared,
            "campaign": one.campaign,
            "customer_id": one.customer_id,
            "customer_key": one.customer_key,
            "decision": one.verdict.decision,
            "rule": first.rule,
            "value": first.value,
            "until": until if isinstance(one.verdict, Defer) else None,
            "reasons": [str(why) for why in one.verdict.why],
        }
