"""The context of a campaign: what all its pipelines share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from connect_tasks.aws.paced_calls import PacedCalls
from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.pacing.slot_pool import SlotPool
from connect_tasks.aws.retry import RandomSource, RetryPolicy
from connect_tasks.campaign.funnel import FunnelCounter
from connect_tasks.campaign.hand_over.calls import HandOverCalls
from connect_tasks.campaign.peoples_slots import PeoplesSlots
from connect_tasks.campaign.policy_in_force import PolicyInForce
from connect_tasks.campaign.shared_quota import SharedQuota
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.ledger.contact import Contact
from connect_tasks.ledger.group_commit import GroupCommit

__all__ = ["CampaignContext"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignContext:
    """What a campaign's contacts are worked on with: the same for all of them.

    `conversations` are those of the variants that have one of their own, by their names. There is
    no `policy_in_force` where people start their chats: their links were given out by it. Outbound,
    contacts are started on their customers' phones, and nobody of us has to join them.
    """

    conversation: Conversation
    conversations: Mapping[str, Conversation] = field(default_factory=dict)
    hand_over: HandOverCalls | None = None
    is_outbound: bool = False
    calls: PacedCalls
    shared_quota: SharedQuota
    group_commit: GroupCommit
    slots: SlotPool
    unconnected: SlotPool
    peoples_slots: PeoplesSlots | None = None
    policy: RetryPolicy
    policy_in_force: PolicyInForce | None = None
    token_validity: timedelta
    connect_window: timedelta
    beat_seconds: float
    counter: FunnelCounter
    clock: Clock
    random: RandomSource

    def conversation_of(self, contact: Contact) -> Conversation:
        """How a contact's chat is held: as its variant says, or else the campaign."""
        return self.conversations.get(contact.variant or "", self.conversation)

    def limit(self) -> str | None:
        """Where most wait now: an API's name, `open_chats`, `hand_over`; None where nobody does."""
        waiting = {"open_chats": self.slots.waiting, "hand_over": 0, **self.calls.waiting}
        # Who may not be started because too many wait to be connected waits for that, too.
        next_step = "CreateParticipantConnection" if self.hand_over is None else "hand_over"
        waiting[next_step] += self.unconnected.waiting
        longest = max(waiting, key=waiting.__getitem__)
        return longest if waiting[longest] else None
