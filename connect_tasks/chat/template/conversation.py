"""The conversation: what our side says, and when it is over."""

from typing import Annotated, Literal

from pydantic import Field

from connect_tasks.chat.template.fields import TemplateModel
from connect_tasks.chat.template.utterance import OwnMessage

__all__ = ["Conversation"]


class Conversation(TemplateModel):
    """What our side says as the customer, and when the conversation is over.

    Example:
        >>> Conversation(messages=["Is {{ date }} still right?"]).max_seconds
        600.0
    """

    messages: tuple[OwnMessage, ...] = Field(
        default=(),
        description="Templates over the row's columns, as `Is {{ date }} still right?`; each is "
        "said when the other side has spoken and its turn is over. With `after` it waits for what "
        "it answers.",
    )
    settle_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=1.0,
        description="The other side's turn is over when it has been quiet for so long; typing "
        "counts as speaking. 0: each message of it is a turn of its own.",
    )
    max_replies: Annotated[int, Field(gt=0)] | None = Field(
        default=None,
        description="End after so many answers to what our side said; no such limit when left out.",
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
    check_transcript: bool = Field(
        default=True,
        description="Read a chat's transcript also where nothing seems wrong, for what its socket "
        "lost without a sign: before the last of several messages, and while it is quiet, once a "
        "minute at most. One more GetTranscript call for each chat of several messages.",
    )
