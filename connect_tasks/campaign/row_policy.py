"""A row's policy: what a policy has to know of a row, its customer's time zone and variant."""

from collections.abc import Collection, Mapping
from typing import Any

from connect_tasks.aws.problems import Problem, did_you_mean
from connect_tasks.campaign.policy.assignment import variant_of
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.policy.zones import zone_of
from connect_tasks.errors import InputError

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

    def check(self, columns: Collection[str]) -> None:
        """Make sure that a table has what the policy reads from it.

        Raises:
            InputError: A column is missing: with a default, all would be judged by that unnoticed.
        """
        for name in sorted(self.columns.difference(columns)):
            raise InputError(
                f"The policy reads each customer's time zone from the column {name!r}, which the "
                f"table does not have{did_you_mean(name, columns)}. Correct time_zone_column, or "
                "leave it out and give default_time_zone."
            )

    def zone(self, row: Mapping[str, Any]) -> str | Problem | None:
        """The time zone of a row's customer, or what is wrong with it; None if none is needed."""
        if self._time is None:
            return None
        column = self._time.time_zone_column
        return zone_of(row.get(column) if column else None, self._time)

    def variant(self, customer_key: str) -> str | None:
        """Which variant a customer has; the same whenever it is asked."""
        return variant_of(customer_key, self._policy)
