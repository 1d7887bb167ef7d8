"""What is remembered of a chat that is open, so that another process can take it up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import AwareDatetime

__all__ = ["IssuedConnection", "StartedContact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedContact:
    """A contact that StartChatContact or StartOutboundChatContact has made.

    Attributes:
        contact_id: The contact's id.
        key: What its ids and tokens follow from.
        request: What that call was given.
        started_at: When it was made.
    """

    contact_id: str
    key: str
    request: Mapping[str, Any]
    started_at: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedConnection:
    """Connection information that was handed out; the tokens follow from its number.

    Attributes:
        contact_id: The contact that it is of.
        number: Its number in the chat, from 1.
        types: What it holds: `WEBSOCKET`, `CONNECTION_CREDENTIALS`.
        issued_at: When; both last from then on.
    """

    contact_id: str
    number: int
    types: tuple[str, ...]
    issued_at: AwareDatetime
