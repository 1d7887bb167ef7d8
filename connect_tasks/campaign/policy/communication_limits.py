"""Communication limits: how often somebody may be contacted in a time that rolls along."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from connect_tasks.aws.strict_model import StrictModel
from connect_tasks.campaign.policy.field_rules import Count, Name, NotEmpty, refuse

__all__ = ["CommunicationLimit", "CommunicationLimits"]

_UNITS = {"HOUR": timedelta(hours=1), "DAY": timedelta(days=1), "WEEK": timedelta(weeks=1)}


class CommunicationLimit(StrictModel, title="Communication limit"):
    """At most so many contacts in a time that ends now; a day is 24 hours, not a calendar day.

    Example:
        >>> print(CommunicationLimit(max_count_per_recipient=2, frequency=7))
        2 in 7 days
    """

    max_count_per_recipient: Count = Field(
        ge=1, le=1_000_000, description="How many contacts at most, all campaigns together."
    )
    frequency: Count = Field(ge=1, le=30, description="In how many of the unit, 1 to 30.")
    unit: Literal["HOUR", "DAY", "WEEK"] = Field(
        default="DAY", description="A day is 24 hours back from now, a week 168."
    )

    @property
    def period(self) -> timedelta:
        """The time that it looks back."""
        return self.frequency * _UNITS[self.unit]

    def __str__(self) -> str:
        plural = "" if self.frequency == 1 else "s"
        return f"{self.max_count_per_recipient} in {self.frequency} {self.unit.lower()}{plural}"


class CommunicationLimits(StrictModel, title="Communication limits"):
    """How often somebody may be contacted by all campaigns of the ledger, or by those of a group.

    Each contact counts whose start was sent, also where nobody knows what came of it, and each
    link that was given out.

    Example:
        >>> limit = CommunicationLimit(max_count_per_recipient=1, frequency=1)
        >>> CommunicationLimits(limits=[limit]).look_back.days
        1
    """

    limits: Annotated[tuple[CommunicationLimit, ...], NotEmpty] = Field(
        max_length=2, description="One or two limits; both must allow a contact."
    )
    group: Name | None = Field(
        default=None, description="Only campaigns of this group count; all when left out."
    )

    @model_validator(mode="after")
    def _of_different_times(self) -> "CommunicationLimits":
        if len({limit.period for limit in self.limits}) < len(self.limits):
            refuse("has two limits for the same time: keep the lower one")
        return self

    @property
    def look_back(self) -> timedelta:
        """How far back contacts count."""
        return max(limit.period for limit in self.limits)
