"""The script of a conversation: who the customer is, what they do, and what is so around them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = ["Script"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What is put into one conversation.

    Attributes:
        display_name: The customer's name.
        attributes: Contact attributes at the start.
        initial_message: InitialMessage of the request; None if there is none.
        now: When it begins, with a zone; noon of a Monday if None.
        draws: What distributions by percentage draw, in order.
        world_patch: What is otherwise in the world, as a JSON merge patch of its file.
        customer: What the customer does, in order: texts, `{"silence": seconds}`, and
            `{"action": name, "data": {...}}` in a view.
    """

    display_name: str = "Customer"
    attributes: Mapping[str, str] = field(default_factory=dict)
    initial_message: str | None = None
    now: datetime | None = None
    draws: tuple[int, ...] = ()
    world_patch: Mapping[str, Any] | None = None
    customer: tuple[Any, ...] = ()
