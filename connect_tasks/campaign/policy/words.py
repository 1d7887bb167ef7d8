"""Words for a policy's values, as reasons name them."""

from datetime import timedelta

__all__ = ["duration_words", "share_words"]

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def duration_words(duration: timedelta) -> str:
    """A duration in the largest unit that is whole.

    Example:
        >>> duration_words(timedelta(days=14)), duration_words(timedelta(hours=1))
        ('14 days', '1 hour')
    """
    seconds = duration.total_seconds()
    for unit, size in _UNITS:
        if seconds % size == 0:
            return _counted(seconds / size, unit)
    return _counted(seconds, "second")


def share_words(share: float) -> str:
    """A share in percent.

    Example:
        >>> share_words(0.1), share_words(0.0025)
        ('10 %', '0.25 %')
    """
    return f"{100 * share:.6g} %"


def _counted(number: float, unit: str) -> str:
    return f"{number:,.15g} {unit}" if number == 1 else f"{number:,.15g} {unit}s"
