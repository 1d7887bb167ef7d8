"""The dialogue: what our side does next, a pure fold over the chat's items and the time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from connect_tasks.aws.transcript import Item
from connect_tasks.chat.template.conversation import Conversation

__all__ = ["Dialogue", "EndReason", "Finish", "Say", "Step", "Wait"]


class EndReason(StrEnum):
    """Why a conversation was over."""

    CHAT_ENDED = "chat_ended"
    REPLIED = "replied"
    SILENT = "silent"
    TIME_LIMIT = "time_limit"
    LEFT_OPEN = "left_open"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Say:
    """Send this message; `number` counts ours from 1."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before this time, in monotonic seconds, unless an item arrives."""

    until: float


@dataclass(frozen=True, slots=True)
class Finish:
    """The conversation is over."""

    reason: EndReason


Step = Say | Wait | Finish


class Dialogue:
    """One conversation, from our side.

    Our first message is said after the other side has spoken (a flow drops what is said before
    its greeting), each further one after the other side has spoken again. Fed with the items of
    an interrupted chat, it knows what was already said and goes on there. After the longest
    silence it is over as `replied` if all our messages were answered, else as `silent`.

    Args:
        conversation: When it is over.
        messages: What our side says to this customer, in order.
        opening: How many of the customer's messages come from the start request itself
            (1 with an initial message, else 0).
    """

    def __init__(
        self, conversation: Conversation, messages: Sequence[str], *, opening: int = 0
    ) -> None:
        self._conversation = conversation
        self._messages = messages
        self._began = 0.0
        self._quiet_since = 0.0
        self._deadline = math.inf
        self._ours_seen = -opening
        self._said = 0
        self._our_turn = False
        self._ended = False
        self.replies = 0

    def begin(self, now: float) -> None:
        """The customer is connected: the conversation's time starts."""
        self._began = self._quiet_since = now

    def finish_by(self, deadline: float) -> None:
        """Let the conversation last no longer than this, in monotonic seconds."""
        self._deadline = deadline

    def observe(self, item: Item, now: float) -> None:
        """Take an item in: each one once, in order of time."""
        if item.is_end:
            self._ended = True
        elif item.is_ours:
            self._count_own(item)
        else:
            self._count_theirs(item, now)

    def next_step(self, now: float) -> Step:
        """What to do at this time. A `Say` counts as said."""
        if reason := self._over(now):
            return Finish(reason)
        if self._our_turn and self._said < len(self._messages):
            return self._say()
        return Wait(min(self._ends_at, self._patience_ends_at))

    def sent(self, now: float) -> None:
        """Our message is with Amazon: from now on the other side is waited for."""
        self._quiet_since = now

    def _over(self, now: float) -> EndReason | None:
        if self._ended:
            return EndReason.CHAT_ENDED
        limit = self._conversation.max_replies
        if limit is not None and self.replies >= limit:
            return EndReason.REPLIED
        if now >= self._ends_at:
            return EndReason.TIME_LIMIT
        if now >= self._patience_ends_at:
            return EndReason.REPLIED if self._all_answered else EndReason.SILENT
        return None

    @property
    def _ends_at(self) -> float:
        return min(self._deadline, self._began + self._conversation.max_seconds)

    @property
    def _patience_ends_at(self) -> float:
        return self._quiet_since + self._conversation.reply_timeout_seconds

    @property
    def _all_answered(self) -> bool:
        return self._our_turn and self._said == len(self._messages)

    def _say(self) -> Say:
        text = self._messages[self._said]
        self._said += 1
        self._our_turn = False
        return Say(self._said, text)

    def _count_own(self, item: Item) -> None:
        if not item.is_spoken:
            return
        self._ours_seen += 1
        if self._ours_seen > self._said:
            # Said before an interruption: the transcript remembers what this process cannot.
            self._said = self._ours_seen
            self._our_turn = False

    def _count_theirs(self, item: Item, now: float) -> None:
        self._quiet_since = now
        if item.is_spoken:
            self.replies += 1
            self._our_turn = True
