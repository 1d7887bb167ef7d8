"""An unreadable cell: one that Python cannot hold, or that is too large; the error of its row."""

from typing import Any, NoReturn

__all__ = ["UnreadableCell"]


class UnreadableCell:
    """Stands in a row for a cell that cannot be used; whatever asks for its value is told why.

    It can be handed on, compared by identity and shown for debugging, and nothing else.

    Args:
        reason: Why it cannot be used, in words and without the cell's content.

    Example:
        >>> str(UnreadableCell("the cell has 200,000 characters, at most 100,000 can be used"))
        Traceback (most recent call last):
        ...
        ValueError: the cell has 200,000 characters, at most 100,000 can be used
    """

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"<UnreadableCell: {self.reason}>"

    def _refuse(self, *_: Any) -> NoReturn:
        raise ValueError(self.reason)

    # A template would take it for true, or for another than what it is compared with.
    __str__ = __bool__ = __len__ = __iter__ = __contains__ = __getitem__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = _refuse
    __add__ = __radd__ = __mod__ = __format__ = __int__ = __float__ = _refuse
