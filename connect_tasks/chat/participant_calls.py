"""What a chat's session needs of the participant service."""

from datetime import datetime
from typing import Protocol

from connect_tasks.aws.transcript import Connection, Page
from connect_tasks.chat.dialogue import Say

__all__ = ["ParticipantCalls", "TranscriptCalls"]


class TranscriptCalls(Protocol):
    """What hearing needs of the participant service, for one chat."""

    async def read(self, connection: Connection, after: str | None, *, quiet: bool = False) -> Page:
        """Read the transcript from an item on, or from the beginning: all pages as one.

        It changes nothing, concurrent or cancelled. `quiet`: nothing seems to be missing.
        """
        ...


class ParticipantCalls(TranscriptCalls, Protocol):
    """What a session needs of the participant service, for one chat."""

    async def connect(self) -> Connection:
        """Get a connection: a token and a socket URL.

        Never concurrently. Cancelled, one may have been made that nobody uses.
        """
        ...

    async def say(self, connection: Connection, message: Say) -> datetime | None:
        """Send a message of ours, and tell when by Amazon's time, if that is known.

        The same number again sends nothing twice.

        Nor concurrently, nor after the first call was cancelled.
        """
        ...

    async def close(self, connection: Connection) -> None:
        """End the chat; fine if it is over already.

        Never concurrently. Cancelled, it may be over or not.
        """
        ...
