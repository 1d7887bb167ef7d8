"""Inviting: a link for each customer whom a table has right, and taking links back.

No chat is started here. What a link opens, and for how long, is decided when its button is pressed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.aws.pacing.clock import Clock, SystemClock
from connect_tasks.aws.quotas import Quotas
from connect_tasks.campaign.links import InvitationKeys, checked_base_url, token_hash
from connect_tasks.campaign.manage import MOST_SHOWN
from connect_tasks.campaign.plan import Plan
from connect_tasks.campaign.policy_in_force import PolicyInForce
from connect_tasks.chat.template.renderer import ChatMinutes
from connect_tasks.errors import InputError
from connect_tasks.ledger.contact import CampaignMode, CampaignState
from connect_tasks.ledger.invitations import MOST_LINKS
from connect_tasks.ledger.issuing import Link
from connect_tasks.ledger.opening import opened
from connect_tasks.ledger.standing import Standing
from connect_tasks.ledger.store import Ledger

__all__ = [
    "DEFAULT_EXPIRY",
    "Invited",
    "chat_minutes",
    "checked_expiry",
    "issue_links",
    "pieces",
    "revoke",
]

DEFAULT_EXPIRY = timedelta(days=30)
"""How long a link works, unless somebody says otherwise."""

# A number without a unit is one of seconds: somebody means days by 30.
_SHORTEST = timedelta(minutes=5)
_LONGEST = timedelta(days=366)

# While limits are judged, all others who judge by limits wait: half a second or so at most.
_MOST_UNDER_LIMITS = 2_000

# An abandoned tab keeps a slot of the instance so long.
_USUAL_MINUTES = 240
_LEAST_MINUTES, _MOST_MINUTES = 60, 1_440

_Item = TypeVar("_Item")

# In the order in which they are told; in a sentence after a number.
_WORDS: Mapping[Standing, str] = {
    Standing.NEW: "new",
    Standing.KEPT: "as before",
    Standing.RENEWED: "new in place of one whose key is gone",
    Standing.DEFERRED: "to be sent later, from their not_before on",
    Standing.PAST: "past their not_after (they work, and are not sent any more)",
    Standing.EXPIRED: "expired (a longer expires_after prolongs them)",
    Standing.TOO_LATE: "ending before the policy lets them be sent (a longer expires_after helps)",
    Standing.REVOKED: "revoked, and stay so",
    Standing.OVER: "without a link, as their conversation is over",
    Standing.WITHDRAWN: "without a link, as they were taken out of the campaign",
    Standing.FORGOTTEN: "without a link, as they were forgotten",
    Standing.OPTED_OUT: "opted out, and no link of theirs is sent or works",
    Standing.HELD_OUT: "without a link, as they are held out for comparison",
    Standing.WITHHELD: "without a link, as the policy lets nobody contact them any more",
}


@dataclass(frozen=True, slots=True)
class Invited:
    """How many customers of a table have which kind of link after `issue_links`.

    Args:
        campaign: The campaign's name.
        standings: How many customers stand how to their link.
        state: What a person wants of the campaign.

    Example:
        >>> print(Invited("renewals", {Standing.NEW: 2, Standing.REVOKED: 1}))
        2 links work: 2 new; 1 revoked, and stay so
    """

    campaign: str
    standings: Mapping[Standing, int] = field(default_factory=dict)
    state: CampaignState = CampaignState.RUNNING

    @property
    def working(self) -> int:
        """How many links can be given out."""
        return sum(count for standing, count in self.standings.items() if standing.works)

    def __str__(self) -> str:
        told = [f"{self.standings[s]:,} {w}" for s, w in _WORDS.items() if self.standings.get(s)]
        links = "1 link works" if self.working == 1 else f"{self.working:,} links work"
        return f"{links}: {'; '.join(told)}" if told else "there is nobody to invite"


def issue_links(
    ledger: Ledger,
    plan: Plan,
    keys: InvitationKeys,
    *,
    base_url: str,
    expires_after: timedelta = DEFAULT_EXPIRY,
    now: datetime,
) -> Invited:
    """Issue a link to each valid customer of a table who can still be reached.

    A second call issues none: the links are the same, and work until *expires_after* has passed
    since each was issued. After an interruption a second call goes on. Some thousand are issued at
    a time, and nothing of them is held.

    By the campaign's policy, as the ledger has it, each link has a time between which it may be
    sent, and who is not to be contacted gets none. A link that was given out keeps that time; one
    that may not be sent yet takes another if the policy is another by now.

    Args:
        ledger: Where the table was planned.
        plan: What the table came to.
        keys: The first signs.
        base_url: What links begin with, from now on those of the whole campaign.
        expires_after: How long a link works.
        now: The present time.

    Raises:
        InputError: The campaign is no invitation, or `base_url` or `expires_after` cannot be used.
        LedgerError: The ledger cannot be written.
    """
    campaign = ledger.existing_campaign(plan.campaign)
    ledger.check_mode(campaign, CampaignMode.INVITATION)
    expires_after = checked_expiry(expires_after)
    ledger.invitations.set_base_url(campaign, checked_base_url(base_url))
    policy = PolicyInForce(campaign)
    standings: Counter[Standing] = Counter()
    most = _MOST_UNDER_LIMITS if policy.judge(ledger).look_back else MOST_LINKS
    for names in pieces(plan.customer_ids, most):
        issued = ledger.invitations.issue(
            campaign,
            [_link(keys, campaign, name) for name in names],
            key_ids=keys.ids,
            now=now,
            expires_after=expires_after,
            judge=policy.judge(ledger),
        )
        standings.update(issued.values())
    return Invited(campaign, dict(standings), ledger.state(campaign))


def revoke(
    campaign: str,
    customers: Iterable[str],
    ledger: Ledger | str | None = None,
    *,
    clock: Clock | None = None,
) -> int:
    """Make customers' links open nothing any more; no later `issue_links` brings them back.

    A chat that is open goes on. Again, it changes nothing.

    Args:
        campaign: The campaign's name.
        customers: Their ids; one text is one customer.
        ledger: SQLAlchemy URL, or a ledger that is open; `$CONNECT_TASKS_LEDGER` or the file in
            `.connect_tasks` if None.
        clock: Tells the time; the machine's by default.

    Returns:
        How many links were revoked.

    Raises:
        InputError: There is no such campaign, it is no invitation, or it does not know one of the
            customers. Nothing was revoked then.

    Example:
        ```python
        from connect_tasks.campaign.inviting import revoke

        revoke("renewals-by-link", ["0042"], "sqlite:///.connect_tasks/ledger.db")
        ```
    """
    names = [customers] if isinstance(customers, str) else list(customers)
    now = (clock or SystemClock()).now()
    with opened(ledger) as open_ledger:
        campaign = open_ledger.existing_campaign(campaign)
        open_ledger.check_mode(campaign, CampaignMode.INVITATION)
        known = {name for some in pieces(names) for name in open_ledger.recognised(campaign, some)}
        if missing := [name for name in names if name not in known]:
            raise InputError(
                f"Campaign {campaign!r} does not know {len(missing):,} of these customers, "
                f"{missing[0][:MOST_SHOWN]!r} first: check the ids, the campaign's name and the "
                "ledger's URL. No link was revoked."
            )
        links = open_ledger.invitations
        return sum(
            links.revoke(campaign, [canonical_key(name) for name in some], now=now)
            for some in pieces(names)
        )


def checked_expiry(expires_after: timedelta) -> timedelta:
    """How long links work, if links can.

    Raises:
        InputError: It is no duration, or shorter than minutes or longer than a year.

    Example:
        >>> checked_expiry(timedelta(days=7)).days
        7
    """
    is_time = isinstance(expires_after, timedelta)
    if is_time and _SHORTEST <= expires_after <= _LONGEST:
        return expires_after
    given = str(expires_after) if is_time else type(expires_after).__name__
    raise InputError(
        f"expires_after is {given}: give 5 minutes to 366 days, as timedelta(days=30), in "
        "Prefect's form as P30D."
    )


def chat_minutes(quotas: Quotas) -> ChatMinutes:
    """How long a chat may last that was started from a link.

    A reload of the page sends the same start again, and finds the chat as long as Amazon knows the
    client token. After that it would make another.

    Raises:
        InputError: No chat is as short as the token's validity in these quotas.

    Example:
        >>> chat_minutes(Quotas()).default, chat_minutes(Quotas()).most
        (240, 1440)
    """
    most = min(_MOST_MINUTES, int(quotas.token_validity.total_seconds() // 60))
    if most < _LEAST_MINUTES:
        raise InputError(
            f"quotas.token_validity is {quotas.token_validity}, and a chat lasts an hour at least: "
            "with links it may not outlive the token. Say an hour or more."
        )
    return ChatMinutes(
        default=min(_USUAL_MINUTES, most),
        most=most,
        why="so long a reload of a link's page finds the same chat for sure",
    )


def pieces(values: Iterable[_Item | None], size: int = MOST_LINKS) -> Iterator[Sequence[_Item]]:
    """Go through the values that are there, some at a time.

    Example:
        >>> list(pieces(["a", None, "b", "c"], 2))
        [['a', 'b'], ['c']]
    """
    there = (value for value in values if value is not None)
    while piece := list(islice(there, size)):
        yield piece


def _link(keys: InvitationKeys, campaign: str, customer_id: str) -> Link:
    token = keys.token(campaign, customer_id)
    return Link(
        customer_key=canonical_key(customer_id),
        token_hash=token_hash(token),
        key_id=keys.signing_id,
    )
