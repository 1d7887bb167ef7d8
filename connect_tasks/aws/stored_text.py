"""Stored text: what every database can hold, and the rest made so that it can.

PostgreSQL takes no NUL, no driver half of a character, and an index no key of many thousand bytes.
What a person gives is refused for that where it is checked (`why_not_stored`); what Amazon sends is
changed as little as it needs (`as_stored`), since nobody is there to mend it.
"""

from typing import Any

__all__ = ["LONGEST_KEY", "LONGEST_REASON", "as_stored", "short_values", "why_not_stored"]

LONGEST_KEY = 256
"""The most characters of a name that is part of a key: Amazon's own limit for ids.

PostgreSQL's indexes take 2,704 bytes in a row, and no index has more than two such names beside a
customer's.
"""

LONGEST_REASON = 10_000
"""The most characters of what is said about one row: some hundred problems."""

_MARK = "\N{REPLACEMENT CHARACTER}"


def why_not_stored(text: str, *, most: int | None = None) -> str:
    r"""Say why a database cannot hold a text; empty if all can.

    Args:
        text: The text.
        most: The most characters that it may have.

    Example:
        >>> why_not_stored("Zo\u00eb"), why_not_stored("a\0b")[:11], why_not_stored("ab", most=1)
        ('', 'holds a NUL', 'may have at most 1 characters, has 2')
    """
    if most is not None and len(text) > most:
        return f"may have at most {most:,} characters, has {len(text):,}"
    if "\0" in text:
        return "holds a NUL character, which no text may: take it out"
    if not _is_encodable(text):
        return "holds half of a character (a surrogate): write the character itself"
    return ""


def as_stored(text: str, *, most: int) -> str:
    r"""The text as every database takes it, and not longer than this.

    Args:
        text: The text. A NUL in it, and half of a character, becomes U+FFFD.
        most: The most characters; what is cut off is told by an ellipsis.

    Example:
        >>> as_stored("a\0b\ud800", most=9) == "a\ufffdb\ufffd", as_stored("abcd", most=3)
        (True, 'ab…')
    """
    if len(text) > most:
        text = f"{text[: most - 1]}…"
    if not _is_encodable(text):
        text = "".join(_MARK if "\ud800" <= c <= "\udfff" else c for c in text)
    return text.replace("\0", _MARK)


def short_values(values: dict[str, Any], *, most: int) -> dict[str, Any]:
    """These values with each text `as_stored`.

    Example:
        >>> short_values({"code": "abcd", "status": 404, "id": None}, most=3)
        {'code': 'ab…', 'status': 404, 'id': None}
    """
    return {
        name: as_stored(value, most=most) if isinstance(value, str) else value
        for name, value in values.items()
    }


def _is_encodable(text: str) -> bool:
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False
