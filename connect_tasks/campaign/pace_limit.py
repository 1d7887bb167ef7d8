"""The pace limit: what is scarcest for a campaign, and how long its chats take with it.

Pure arithmetic over quotas and calls per chat.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from connect_tasks.aws.quotas import Quotas
from connect_tasks.campaign.report.words import duration_words

__all__ = ["Pace", "PaceLimit", "rounded_words"]

# What people say for calls of an API.
_WORDS = {
    "StartChatContact": "starts",
    "StartOutboundChatContact": "messages",
    "CreateParticipantConnection": "connections",
    "SendMessage": "messages",
    "GetTranscript": "transcript reads",
    "StopContact": "closes",
    "DisconnectParticipant": "closes",
}


@dataclass(frozen=True, slots=True)
class PaceLimit:
    """What limits a number of chats.

    Args:
        chats_per_second: The pace, once the bursts are used up.
        duration_seconds: From the first start to the end of the last chat.
        words: What limits it.
    """

    chats_per_second: float
    duration_seconds: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast chats can be started: as the scarcest of rates and open chats allows.

    Args:
        calls: How many calls of each API a chat takes, on average.
        quotas: What the instance grants.
        chat_seconds: The mean time from a chat's start to its end.
        held_seconds: How long it fills one of the open chats.
    """

    calls: Mapping[str, float]
    quotas: Quotas
    chat_seconds: float
    held_seconds: float

    def limit(self, chats: int) -> PaceLimit:
        """What limits so many chats, if nothing was called for a while before them."""
        by_rate = min(self._rate_limits(chats), key=lambda limit: limit.chats_per_second)
        slots = self.quotas.open_chats
        if chats <= slots or slots >= by_rate.chats_per_second * self.held_seconds:
            duration = by_rate.duration_seconds + self.chat_seconds
            return PaceLimit(by_rate.chats_per_second, duration, by_rate.words)
        # A chat starts when the one that had its slot is over: in waves, each as long as a chat.
        waves, place = divmod(chats - 1, slots)
        starting = waves * self.held_seconds + place / by_rate.chats_per_second
        words = f"{slots:,} open chats at {rounded_words(self.held_seconds)} each"
        return PaceLimit(slots / self.held_seconds, starting + self.chat_seconds, words)

    def seconds_to_start(self, chats: int) -> float:
        """How long it takes until the last of so many chats has started."""
        return self.limit(chats).duration_seconds - self.chat_seconds

    def started_after(self, seconds: float, *, most: int) -> int:
        """How many chats of at most so many have started after a time."""
        return bisect_right(range(1, most + 1), seconds, key=self.seconds_to_start)

    def _rate_limits(self, chats: int) -> Iterator[PaceLimit]:
        for name, per_chat in self.calls.items():
            rate, burst = self.quotas.rate_of(name)
            beyond_burst = max(0.0, chats * per_chat - burst)
            each = "" if math.isclose(per_chat, 1) else f" at {per_chat:.2g} per chat"
            words = f"{rate:g} {_WORDS[name]} per second{each}{_unconnected(name, self.quotas)}"
            yield PaceLimit(rate / per_chat, beyond_burst / rate, words)


def _unconnected(api: str, quotas: Quotas) -> str:
    """Where connections are scarcer than slots, starts wait for them: how many are ahead."""
    most = quotas.most_unconnected()
    if api != "CreateParticipantConnection" or most >= quotas.open_chats:
        return ""
    return f", for which at most {most:,} chats wait"


def rounded_words(seconds: float) -> str:
    """A duration without seconds where nobody could foretell them.

    Example:
        >>> rounded_words(4), rounded_words(3_601)
        ('4 s', '1 h')
    """
    exact = seconds < 600  # noqa: PLR2004 - ten minutes
    words = duration_words(seconds if exact else 60 * round(seconds / 60))
    return words.removesuffix(" 0 s").removesuffix(" 0 min")
