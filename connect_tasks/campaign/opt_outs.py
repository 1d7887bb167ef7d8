"""Opt-outs: which of the things that a customer said say that they want no more.

The rules of this file:

- A message is one as a whole, by the words of the campaign's policy. A choice counts by its title:
  who presses Stop has said so, whichever client sent it.
- It was said when Amazon says, and never later than now: an odd clock must not make an opt-out
  that no person can take back.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connect_tasks.aws.transcript import Item
from connect_tasks.campaign.answers.said import INTERACTIVE, said
from connect_tasks.campaign.policy.opt_out_words import is_opt_out
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.policy_in_force import stored_policy
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.opt_outs import OptOut
from connect_tasks.ledger.store import Ledger

__all__ = ["FinderByPolicy", "look_through", "opt_out_words"]


class FinderByPolicy:
    """Finds opt-outs in items of one chat, by the policy of its campaign as the ledger has it.

    Args:
        now: Tells the time.

    Example:
        >>> from datetime import UTC
        >>> at = datetime(2026, 11, 27, tzinfo=UTC)
        >>> stop = Item(message_id="m-1", absolute_time=at, type="MESSAGE", content="Stop!",
        ...             participant_role="CUSTOMER")
        >>> FinderByPolicy(lambda: at)({"suppression": ["news"]}, [stop])[0].list
        'news'
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._stored: Mapping[str, Any] | None = None
        self._policy = OutreachPolicy()

    def __call__(self, stored: Mapping[str, Any] | None, items: Sequence[Item]) -> Sequence[OptOut]:
        """The opt-outs in some items, in their order.

        Args:
            stored: The policy; None for one without rules.
            items: In order of time.
        """
        policy = self._read(stored)
        offered: list[str] = []
        found: list[OptOut] = []
        for item in items:
            if not item.is_ours:
                offered += [item.content] if _offers(item) and item.content else []
            elif item.type == "MESSAGE":
                text = said(item.record, offered) or ""
                if is_opt_out(text, policy.opt_out_words):
                    at = min(item.absolute_time, self._now())
                    found.append(OptOut(item.message_id, at, policy.opt_out_list))
        return found

    def words(self, stored: Mapping[str, Any] | None) -> str:
        """Which words a policy has, and which list: equal ones give the same."""
        policy = self._read(stored)
        words = {language: sorted(theirs) for language, theirs in policy.opt_out_words.items()}
        text = json.dumps([policy.opt_out_list, words], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def _read(self, stored: Mapping[str, Any] | None) -> OutreachPolicy:
        if stored != self._stored:
            self._policy = OutreachPolicy.model_validate(stored or {})
            self._stored = stored
        return self._policy


def look_through(ledger: Ledger, campaign: str, find: FinderByPolicy) -> int:
    """Look for opt-outs in what a campaign's customers said before its policy had these words.

    Where nothing is new to it, it costs one short question. Killed, the next call does all of it.

    Args:
        ledger: Holds the campaign.
        campaign: Its name, as it was entered.
        find: Which are opt-outs.

    Returns:
        How many customers came onto a list.
    """
    return ledger.opt_outs.look_through(campaign, find, words=find.words(ledger.policy(campaign)))


def opt_out_words(ledger: Ledger, campaign: str) -> Mapping[str, tuple[str, ...]]:
    """The opt-out words of a campaign, by language; none where our side speaks.

    Args:
        ledger: Holds the campaign.
        campaign: Its name, as it was entered.
    """
    if ledger.mode(campaign) is CampaignMode.SIMULATION:
        return {}
    return stored_policy(ledger, campaign).opt_out_words


def _offers(item: Item) -> bool:
    return item.content_type == INTERACTIVE
