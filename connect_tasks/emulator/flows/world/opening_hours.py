"""When a place is open: hours of operation, by weekday, in their own time zone."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["OpeningHours"]


class OpeningHours(BaseModel):
    """Hours of operation.

    Attributes:
        name: Their name.
        time_zone: IANA name of the zone that they are meant in.
        open: From and to (`HH:MM`) of each weekday, the end exclusive; no weekday, closed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = ""
    time_zone: str = Field(default="UTC", alias="timeZone")
    open: Mapping[str, tuple[str, str]] = Field(default_factory=dict)

    def is_open(self, now: datetime) -> bool:
        """Whether it is open at this moment."""
        local = now.astimezone(ZoneInfo(self.time_zone))
        raise NotImplementedError(local)
