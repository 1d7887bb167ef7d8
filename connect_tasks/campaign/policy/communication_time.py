"""Communication time: when people may be contacted, by the clocks where they are."""

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from connect_tasks.aws.problems import WITHOUT_NUL
from connect_tasks.aws.strict_model import StrictModel
from connect_tasks.campaign.policy.field_rules import Name, refuse
from connect_tasks.campaign.policy.open_hours import OpenHours
from connect_tasks.campaign.policy.zone_names import UnknownZoneError, zone_name

__all__ = ["CommunicationTime", "RestrictedPeriod"]


def _day(value: Any) -> Any:
    # pydantic takes numbers for seconds since 1970.
    if isinstance(value, int | float):
        refuse("must be a date, as '2026-12-24'")
    return value


def _zone(value: str) -> str:
    try:
        return zone_name(value)
    except UnknownZoneError as error:
        refuse(str(error))


Day = Annotated[date, BeforeValidator(_day)]


class RestrictedPeriod(StrictModel, title="Restricted period"):
    """Days on which nobody is contacted, both ends included, by the customer's calendar.

    Example:
        >>> str(RestrictedPeriod(name="holidays", start_date="2026-12-24", end_date="2026-12-26"))
        'holidays'
    """

    name: Name = Field(description="What it is called in reasons, as `holidays`.")
    start_date: Day = Field(description="The first day.")
    end_date: Day = Field(description="The last day, which is in it.")

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "RestrictedPeriod":
        if self.end_date < self.start_date:
            refuse(f"ends on {self.end_date}, before it begins on {self.start_date}")
        return self

    def __str__(self) -> str:
        return self.name


class CommunicationTime(StrictModel, title="Communication time"):
    """When people may be contacted, each by the clock and calendar where they are.

    Example:
        >>> day = {"start_time": "09:00", "end_time": "20:00"}
        >>> hours = OpenHours(MONDAY=[day])
        >>> CommunicationTime(open_hours=hours, default_time_zone="europe/berlin").default_time_zone
        'Europe/Berlin'
    """

    open_hours: OpenHours | None = Field(
        default=None, description="The windows of each weekday; always open when left out."
    )
    restricted_periods: tuple[RestrictedPeriod, ...] = Field(
        default=(),
        max_length=1_000,
        description="Days on which nobody is contacted, whatever the open hours are.",
    )
    default_time_zone: Annotated[str, AfterValidator(_zone)] | None = Field(
        default=None, description="Whose clock counts where a row has no zone: `Europe/Berlin`."
    )
    time_zone_column: Annotated[str, Field(pattern=WITHOUT_NUL, min_length=1)] | None = Field(
        default=None, description="The column with each customer's time zone."
    )

    @model_validator(mode="after")
    def _can_be_asked(self) -> "CommunicationTime":
        if self.open_hours is None and not self.restricted_periods:
            refuse(
                "has neither open_hours nor restricted_periods: give one, or leave "
                "communication_time out"
            )
        if self.default_time_zone is None and self.time_zone_column is None:
            refuse(
                "needs a time zone: give default_time_zone, as 'Europe/Berlin', or "
                "time_zone_column, or both"
            )
        if _covers_all_days(self.restricted_periods):
            refuse("never opens: its restricted_periods cover all days that there are")
        return self


def _covers_all_days(periods: tuple[RestrictedPeriod, ...]) -> bool:
    reached = 0
    for period in sorted(periods, key=lambda period: period.start_date):
        if period.start_date.toordinal() > reached + 1:
            return False
        reached = max(reached, period.end_date.toordinal())
    return reached >= date.max.toordinal()
