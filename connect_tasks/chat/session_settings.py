"""Session settings: how one chat is held, whatever is said in it."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["SessionSettings", "last_of_several"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """How a chat is held.

    Args:
        contact_id: Whose chat it is: what names another contact is passed over. Anybody's if None.
        leave_open: Do not close the chat at the end.
        catch_up: Read the transcript after the first connection too: needed when something may
            have been said before.
        reconnects: How often in a row to open a socket again that broke and was of no use.
        beat_seconds: How often a socket is asked whether it lives.
        checks: Read the transcript where nothing seems wrong too: in a chat that is quiet, and
            before the message `check_before`.
        check_before: The number of our last message, if there are several: until it is said the
            other side waits for it, and what comes after it may end the chat.
    """

    contact_id: str | None = None
    leave_open: bool = False
    catch_up: bool = False
    reconnects: int = 5
    beat_seconds: float = 10
    checks: bool = True
    check_before: int | None = None


def last_of_several(messages: Sequence[object]) -> int | None:
    """The number of our last message; None for fewer than two, before which little can be missed.

    Example:
        >>> last_of_several(["Hello", "Yes", "Bye"]), last_of_several(["Hello"])
        (3, None)
    """
    return len(messages) if len(messages) > 1 else None
