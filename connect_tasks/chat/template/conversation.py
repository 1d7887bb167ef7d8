"""The conversation: what our side says, and when it is over."""

from typing import Annotated, Literal

from pydantic import Field

from connect_tasks.chat.template.fields import (
    TemplateModel,
    Text,
)

__all__ = ["Conversation"]


class Conversation(TemplateModel):
    """What our side says as the customer, and when the conversation is over.

    Example:
        >>> Conversation(messages=["Is {{ date }} still right?"]).max_seconds
        600.0
    """

    messages: tuple[Text, ...] = Field(
        default=(),
        description="Templates over the row's columns, as `Is {{ date }} still right?`; each is "
        "said after the other side has answered.",
    )
    max_replies: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="End after so many answers; no such limit when left out."
    )
    reply_timeout_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        default=30.0, description="How long to wait for each answer."
    )
    max_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        default=600.0, description="How long the whole conversation may take."
    )
    close: Literal["stop", "disconnect", "leave_open"] = Field(
        default="stop",
        description="What becomes of the chat: `stop` (StopContact), `disconnect` (the "
        "participant leaves) or `leave_open`, which keeps one of the instance's open chats "
        "occupied.",
    )
