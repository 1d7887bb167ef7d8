"""Zones: the time zone that a cell names, or what is wrong with it."""

from typing import Any

from connect_tasks.aws.problems import REQUIRED, Problem, shortened
from connect_tasks.campaign.policy.communication_time import CommunicationTime
from connect_tasks.campaign.policy.zone_names import UnknownZoneError, zone_name
from connect_tasks.chat.template.cells import is_missing

__all__ = ["zone_of"]

_FIELD = "time_zone"


def zone_of(value: Any, communication_time: CommunicationTime) -> str | Problem:
    """The time zone of a row's customer.

    Args:
        value: What the row's cell holds; None if it has none.
        communication_time: Whose default counts where the cell is empty. A zone that is not known
            is the row's error, whatever the default is.

    Returns:
        The zone as the IANA database writes it, or what is wrong.

    Example:
        >>> monday = {"MONDAY": [{"start_time": "09:00", "end_time": "18:00"}]}
        >>> time = CommunicationTime(default_time_zone="Europe/Berlin", open_hours=monday)
        >>> zone_of(" asia/tokyo", time), zone_of(None, time)
        ('Asia/Tokyo', 'Europe/Berlin')
        >>> zone_of("+02:00", time).value
        "'+02:00'"
    """
    field = communication_time.time_zone_column or _FIELD
    text = _text(value)
    if text is None:
        return Problem(field, shortened(value), "must be the name of a time zone, as a text")
    if not text:
        return communication_time.default_time_zone or Problem(field, "", REQUIRED)
    try:
        return zone_name(text)
    except UnknownZoneError as error:
        return Problem(field, shortened(text), str(error))


def _text(value: Any) -> str | None:
    if is_missing(value):
        return ""
    # A `ZoneInfo`, as a frame may hold, knows its name.
    name = getattr(value, "key", value)
    return name.strip() if isinstance(name, str) else None
