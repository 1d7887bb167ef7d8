"""What all pipelines of a campaign share."""

from dataclasses import dataclass
from datetime import timedelta

from connect_tasks.aws.paced_calls import PacedCalls
from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.pacing.rate_limiter import SlotGate
from connect_tasks.aws.retry import RandomSource, RetryPolicy
from connect_tasks.campaign.funnel import Tally
from connect_tasks.campaign.shared_quota import Buyer
from connect_tasks.chat.template.chat_template import Conversation
from connect_tasks.ledger.group_commit import Recorder

__all__ = ["CampaignContext"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignContext:
    """What a campaign's contacts are worked on with: the same for all of them."""

    conversation: Conversation
    calls: PacedCalls
    buyer: Buyer
    recorder: Recorder
    slots: SlotGate
    policy: RetryPolicy
    token_validity: timedelta
    tally: Tally
    clock: Clock
    random: RandomSource

    def limit(self) -> str | None:
        """Where most wait now: an API's name, or `open_chats`; None where nobody does."""
        waiting = {"open_chats": self.slots.waiting, **self.calls.waiting}
        longest = max(waiting, key=waiting.__getitem__)
        return longest if waiting[longest] else None
