"""Clock times as people write them: `09:00`, or `24:00` for the end of a day."""

import re
from datetime import time
from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints

from connect_tasks.campaign.policy.field_rules import refuse

__all__ = ["DAY_MINUTES", "ClockTime", "minutes_of"]

DAY_MINUTES = 1_440
"""The minutes of a day by the clock."""

# Connect writes `T09:00`; seconds may be there and are none.
_FORM = re.compile(r"T?(\d\d):(\d\d)(?::00)?", re.ASCII)
_RULE = "must be a time of day in whole minutes, as '09:00', and at most '24:00'"


def minutes_of(clock: str) -> int:
    """The minutes since the day began.

    Example:
        >>> minutes_of("09:30"), minutes_of("24:00")
        (570, 1440)
    """
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _clock(value: Any) -> str:
    found = _FORM.fullmatch(_text(value))
    if found is None or int(found[2]) > 59 or int(found[1]) * 60 + int(found[2]) > DAY_MINUTES:  # noqa: PLR2004 - an hour's last minute
        refuse(_RULE)
    return f"{found[1]}:{found[2]}"


def _text(value: Any) -> str:
    if isinstance(value, time):
        # TOML has times of its own; one of a certain zone is another time for each customer.
        return value.isoformat() if value.tzinfo is None else ""
    return value.strip() if isinstance(value, str) else ""


ClockTime = Annotated[
    str, BeforeValidator(_clock), StringConstraints(pattern=r"^([01]\d|2[0-4]):[0-5]\d$")
]
"""A time of day in whole minutes, from `00:00` to `24:00`."""
