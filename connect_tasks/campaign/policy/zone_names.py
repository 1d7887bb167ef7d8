"""Names of time zones: which of those that are known here is meant, if it is sure."""

import re
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from connect_tasks.aws.problems import did_you_mean, shortened

__all__ = ["UnknownZoneError", "zone_name"]

# Not places: what the machine is set to, and what says that nothing is set.
_NO_ZONES = frozenset({"localtime", "Factory", "posixrules"})
# Their offset is the same all year, and who writes them in a table of people means their place.
_NO_PLACES = {"est": "America/New_York", "mst": "America/Denver", "hst": "Pacific/Honolulu"}
_OFFSET = re.compile(r"(utc|gmt|z)?\s*[+\N{MINUS SIGN}-]\s*\d{1,2}(:?\d\d)?", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


class UnknownZoneError(ValueError):
    """It is the name of no time zone, or it is not sure of which; the text says what to write."""


@cache
def _names() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones() - _NO_ZONES}


@lru_cache(maxsize=4_096)
def zone_name(text: str) -> str:
    """The time zone that is meant, as the IANA database writes it.

    Capitals, spaces around it and a space for an underscore do not matter.

    Args:
        text: As somebody wrote it.

    Raises:
        UnknownZoneError: None is known by this name.

    Example:
        >>> zone_name(" europe/berlin"), zone_name("America/New York")
        ('Europe/Berlin', 'America/New_York')
    """
    form = "_".join(text.split()).casefold()
    if form in _NO_PLACES:
        raise UnknownZoneError(
            f"is an hour that stays the same all year, not a place: write a time zone such as "
            f"{_NO_PLACES[form]!r}"
        )
    name = _names().get(form)
    if name is None:
        raise UnknownZoneError(_why_not(text))
    try:
        ZoneInfo(name)
    except (ValueError, OSError):
        raise UnknownZoneError("cannot be read from this machine's time zones") from None
    return name


def _why_not(text: str) -> str:
    if _OFFSET.fullmatch(text.strip()) or _NUMBER.fullmatch(text.strip()):
        return (
            "is an offset, and does not tell when clocks change: write a time zone such as "
            "'Europe/Berlin'"
        )
    meant = did_you_mean(shortened(text)[1:-1], _names().values())
    return f"is no time zone that is known here{meant}: write one such as 'Europe/Berlin'"
