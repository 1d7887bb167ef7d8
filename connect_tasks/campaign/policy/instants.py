"""Instants: times as whole microseconds since 1970 (UTC), which never leave the calendar."""

from datetime import UTC, datetime, timedelta

__all__ = ["SECOND", "datetime_of", "instant_of", "microseconds"]

SECOND = 1_000_000
"""The microseconds of a second."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant_of(time: datetime) -> int:
    """A time that knows its zone, as microseconds.

    Example:
        >>> instant_of(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
        1000000
    """
    return (time - _EPOCH) // _MICROSECOND


def microseconds(duration: timedelta) -> int:
    """A duration in microseconds.

    Example:
        >>> microseconds(timedelta(seconds=2))
        2000000
    """
    return duration // _MICROSECOND


def datetime_of(instant: int) -> datetime | None:
    """The time (UTC) of an instant; None if it is after all years that can be written.

    Example:
        >>> datetime_of(0).isoformat(), datetime_of(10**18)
        ('1970-01-01T00:00:00+00:00', None)
    """
    try:
        return _EPOCH + timedelta(microseconds=instant)
    except OverflowError:
        return None
