"""Numbers as parameters have them: texts of digits."""

__all__ = ["whole"]

_MOST_DIGITS = 9


def whole(text: str) -> int | None:
    """The whole number that a text is; None if it is none, or out of all bounds."""
    if not text.isascii() or not text.isdecimal() or len(text) > _MOST_DIGITS:
        return None
    return int(text)
