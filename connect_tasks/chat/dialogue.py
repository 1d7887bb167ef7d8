"""The dialogue: what our side does next, a pure fold over the chat's items and the time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connect_tasks.aws.transcript import Item
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.utterance import After, OwnMessage
from connect_tasks.chat.turns import Order, Turns

__all__ = ["Dialogue", "EndReason", "Finish", "Say", "Step", "Wait"]


class EndReason(StrEnum):
    """Why a conversation was over."""

    CHAT_ENDED = "chat_ended"
    REPLIED = "replied"
    HEARD = "heard"
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

    A message is said when the other side has spoken since our last one (a flow drops what is said
    before its greeting) and its turn is over; one with a condition, when what it answers was said
    too. Fed with the items of an interrupted chat, it knows what was already said and goes on
    there. After the longest silence it is over as `replied` if all our messages were answered,
    else as `silent`. Where our side has nothing to say at all, nothing is a reply: what the other
    side says is `heard`.

    Args:
        conversation: When it is over, and when a turn is.
        messages: What our side says to this customer, in order.
        opening: How many of the customer's messages come from the start request itself
            (1 with an initial message, else 0).
    """

    def __init__(
        self, conversation: Conversation, messages: Sequence[OwnMessage], *, opening: int = 0
    ) -> None:
        self._conversation = conversation
        self._messages = messages
        self._opening = opening
        self._turns = Turns(conversation.settle_seconds, conversation.reply_timeout_seconds)
        self._began = 0.0
        self._quiet_since = 0.0
        self._deadline = math.inf
        self._ours_seen = -opening
        self._said = 0
        self._answers_before = 0
        self._ended = False
        # What was looked through for what a message answers, how far, and whether it was there.
        self._looked_through: Sequence[Item] = ()
        self._looked_at = 0
        self._is_met = False
        self._order = Order(is_opened=opening > 0)

    @property
    def replies(self) -> int:
        """How many turns of the other side answered something that our side said."""
        return self._answers_before + (self._turns.count if self._has_spoken else 0)

    def begin(self, now: float) -> None:
        """The customer is connected: the conversation's time starts."""
        self._began = self._quiet_since = now

    def finish_by(self, deadline: float) -> None:
        """Let the conversation last no longer than this, in monotonic seconds."""
        self._deadline = deadline

    def is_answered_by(self, items: Sequence[Item]) -> bool:
        """Whether the other side has answered our side, with these items or before.

        Args:
            items: New ones, which are observed later.
        """
        return self._order.with_items(items).is_answered

    def observe(self, item: Item, now: float) -> None:
        """Take an item in: each one once, in order of time but for what a socket reordered."""
        self._order = self._order.with_items([item])
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
        if self._may_speak(now):
            return self._say()
        return Wait(min(self._ends_at, self._next_change(now)))

    def sent(self, now: float, said_at: datetime | None = None) -> None:
        """Our message is with Amazon: from now on the other side is waited for.

        Args:
            now: The present time, in monotonic seconds.
            said_at: Amazon's time of the message; None if it told none.
        """
        self._quiet_since = now
        if said_at is not None:
            self._turns.place(said_at)
            self._order = self._order.with_said(said_at)

    def _over(self, now: float) -> EndReason | None:
        if self._ended:
            return EndReason.CHAT_ENDED
        if self._has_enough and now >= self._turns.over_at:
            return self._all_heard
        if now >= self._ends_at:
            return EndReason.TIME_LIMIT
        if now >= self._patience_ends_at and not self._may_speak(now):
            return self._all_heard if self._all_answered else EndReason.SILENT
        return None

    def _may_speak(self, now: float) -> bool:
        if self._said >= len(self._messages) or now < self._turns.over_at:
            return False
        message = self._messages[self._said]
        if isinstance(message, str):
            return bool(self._turns.heard)
        if self._was_said(message.after):
            return True
        return message.otherwise == "say" and now >= self._patience_ends_at

    def _was_said(self, after: After) -> bool:
        """Whether the other side has said what is waited for; each item is looked at once."""
        heard = self._turns.heard
        # Another list after each message of ours: what is waited for is another thing, too.
        if heard is not self._looked_through:
            self._looked_through, self._looked_at, self._is_met = heard, 0, False
        for item in heard[self._looked_at :]:
            self._is_met |= after.is_met_by(item.participant_role, item.content)
        self._looked_at = len(heard)
        return self._is_met

    def _next_change(self, now: float) -> float:
        """When something may be done although nobody says anything more."""
        waits = self._has_enough or self._said < len(self._messages)
        return (
            self._turns.over_at if waits and now < self._turns.over_at else self._patience_ends_at
        )

    @property
    def _has_spoken(self) -> bool:
        return bool(self._said or self._opening)

    @property
    def _listens(self) -> bool:
        """Whether there is nothing that could be answered."""
        return not (self._messages or self._has_spoken)

    @property
    def _has_enough(self) -> bool:
        limit = self._conversation.max_replies
        turns = self._turns.count if self._listens else self.replies
        return limit is not None and turns >= limit

    @property
    def _all_heard(self) -> EndReason:
        return EndReason.HEARD if self._listens else EndReason.REPLIED

    @property
    def _all_answered(self) -> bool:
        return bool(self._turns.heard) and self._said >= len(self._messages)

    @property
    def _ends_at(self) -> float:
        return min(self._deadline, self._began + self._conversation.max_seconds)

    @property
    def _patience_ends_at(self) -> float:
        """Who still has their turn is not silent."""
        quiet_for = self._conversation.reply_timeout_seconds
        return max(self._quiet_since + quiet_for, self._turns.over_at)

    def _say(self) -> Say:
        message = self._messages[self._said]
        self._take_turn(self._said + 1)
        return Say(self._said, message if isinstance(message, str) else message.text)

    def _take_turn(self, said: int) -> None:
        # What was heard before we said anything answers nothing.
        self._answers_before, self._said = self.replies, said
        self._turns.speak()

    def _count_own(self, item: Item) -> None:
        if not item.is_spoken:
            return
        self._ours_seen += 1
        if self._ours_seen > self._said:
            # Said before an interruption: the transcript remembers what this process cannot.
            self._take_turn(self._ours_seen)
        if self._ours_seen == self._said:
            self._turns.place(item.absolute_time)

    def _count_theirs(self, item: Item, now: float) -> None:
        self._quiet_since = now
        if item.is_spoken:
            self._turns.hear(item, now)
        elif item.is_typing:
            self._turns.see_typing(item, now)
