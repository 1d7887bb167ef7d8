"""Gaps: what a chat's transcript may lack, and when it is worth reading for that; pure decisions.

A socket loses what it is cut off from, and sometimes a frame without a sign. GetTranscript has
everything, but only until the chat ends. The rules of this file:

- What is known to be missing and was not read stays known, to the end of the chat.
- Whole is only what was read right before our side closed the chat. Where the other side ended it,
  nobody can say.
- The transcript of a chat in which nothing seems wrong is read seldom: its quota is for chats in
  which something is.
"""

import math

__all__ = ["Gaps"]


class Gaps:
    """What one chat's transcript may lack.

    Args:
        checks: Whether to read the transcript where nothing seems wrong.
    """

    ECHO_SECONDS = 2.0
    """By when our own message comes back, as Amazon sends it to its sender too."""
    QUIET_SECONDS = 5.0
    """For how long a chat must be quiet: bots answer sooner, people write for longer."""
    AGAIN_SECONDS = 60.0
    """How often a chat is read at most in which nothing seems wrong."""
    RETRY_SECONDS = 5.0
    """How soon after a reading that failed, or found nothing, another may be tried."""

    def __init__(self, *, checks: bool = True) -> None:
        self._checks = checks
        self._broken = False
        self._suspicion = ""
        self._unreadable = ""
        self._unechoed = 0
        self._moved_at = -math.inf
        self._said_at = -math.inf
        self._is_unread = False
        self._tried_at = -math.inf
        self._is_closed_by_us = False

    @property
    def owes_reading(self) -> bool:
        """Whether a socket broke and what it missed was not read since."""
        return self._broken

    @property
    def is_complete(self) -> bool | None:
        """Whether the transcript is whole; None where nobody can say."""
        if self.why:
            return False
        return True if self._is_closed_by_us else None

    @property
    def why(self) -> str:
        """What is missing, or may be, in words; empty if nothing is known to be."""
        if self._broken:
            return "the chat ended before what a broken socket had missed was read"
        if self._unechoed:
            return "a message of ours never came back, so that others may be missing too"
        return self._suspicion or self._unreadable

    def broke(self) -> None:
        """The socket is gone, and the chat may go on without us."""
        self._broken = True

    def odd(self, why: str) -> None:
        """Something came over the socket that may have been an item."""
        self._suspicion = f"something came that was passed over: {why}"

    def unreadable(self, why: str) -> None:
        """The transcript itself holds something that cannot be read: no reading makes it whole."""
        self._unreadable = f"the transcript holds what was passed over: {why}"

    def said(self, now: float) -> None:
        """Our message is with Amazon."""
        self._unechoed += 1
        self._said_at = self._moved_at = now
        self._is_unread = True

    def heard(self, now: float, *, own: int) -> None:
        """Items were heard, some of them messages of our own."""
        self._unechoed = max(0, self._unechoed - own)
        self._moved_at = now
        self._is_unread = True

    def tried(self, now: float) -> None:
        """A reading begins; it may fail."""
        self._tried_at = now

    def refused(self, code: str) -> None:
        """A reading failed, and will not be repeated for its own sake."""
        self._suspicion = f"the transcript could not be read ({code[:60]})"

    def was_read(self, *, found: bool) -> None:
        """The transcript was read to its present end; `found` says that a socket had lost some."""
        self._broken = self._is_unread = False
        self._suspicion = ""
        self._unechoed = 0
        if found:
            # Of a socket that has lost something, more is to be expected.
            self._tried_at = -math.inf

    def closed(self) -> None:
        """Our side closes the chat, right after a reading."""
        self._is_closed_by_us = not self._is_unread

    @property
    def due_at(self) -> float:
        """When the transcript is to be read once, in monotonic seconds, unless something comes."""
        if self._broken or self._suspicion:
            return self._tried_at + self.RETRY_SECONDS
        if not self._checks:
            return math.inf
        if self._unechoed:
            return max(self._said_at + self.ECHO_SECONDS, self._tried_at + self.RETRY_SECONDS)
        if self._is_unread:
            return max(self._moved_at + self.QUIET_SECONDS, self._tried_at + self.AGAIN_SECONDS)
        return math.inf
