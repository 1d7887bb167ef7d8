"""A row's policy: what a policy has to know of a row, its customer's time zone and variant."""

from collections.abc import Mapping
from typing import Any

from connect_tasks.aws.problems import Problem
from connect_tasks.campaign.policy.assignment import variant_of
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.policy.zones import zone_of

__all__ = ["RowPolicy"]


class RowPolicy:
    """Reads from rows what their customers are judged by.

    Args:
        policy: The campaign's.
    """

    def __init__(self, policy: OutreachPolicy) -> None:
        self._policy = policy
        self._time = policy.communication_time

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it reads."""
        column = self._time.time_zone_column if self._time else None
        return frozenset({column} if column else ())

    def zone(self, row: Mapping[str, Any]) -> str | Problem | None:
        """The time zone of a row's customer, or what is wrong with it; None if none is needed."""
        if self._time is None:
            return None
        column = self._time.time_zone_column
        return zone_of(row.get(column) if column else None, self._time)

    def variant(self, customer_key: str) -> str | None:
        """Which variant a customer has; the same whenever it is asked."""
        return variant_of(customer_key, self._policy)
