"""One file that somebody sends in a chat."""

from dataclasses import dataclass
from datetime import datetime

from connect_tasks.emulator.flows.steps import Speaker

__all__ = ["Upload"]


@dataclass(slots=True, kw_only=True)
class Upload:
    """A file, from the moment that somebody wants to send it.

    Attributes:
        id: What it is asked for by.
        sender: Who sends it.
        name: Its name.
        content_type: Its media type.
        size: Its bytes, as they were announced.
        until: Until when it may be put.
        content: Its bytes, once they were, for as long as they are kept.
        sent_in: The id of the contact that it was sent in, once it was.
    """

    id: str
    sender: Speaker
    name: str
    content_type: str
    size: int
    until: datetime
    content: bytes | None = None
    sent_in: str | None = None
