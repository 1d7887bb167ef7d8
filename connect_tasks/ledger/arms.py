"""The arms of an experiment: each customer of a campaign, and how far it came with them.

The rules of this file:

- A customer counts once, by their latest contact; who was taken out counts nowhere.
- Somebody is contacted when their start was sent, and by an invitation when they were given a link:
  what they do with it is what is compared.
- An opt-out counts if it came after that. Who is forgotten keeps their place in the counts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger.contact import SETTLED, CampaignMode, Status, Withdrawal
from connect_tasks.ledger.counts import is_latest
from connect_tasks.ledger.schema import campaigns, contacts, invitations
from connect_tasks.ledger.suppressions import suppressions_of
from connect_tasks.ledger.verdicts import Rule

__all__ = ["ArmMember", "Arms"]

_PIECE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmMember:
    """A customer of a campaign.

    `is_held_out` is of who was not contacted, so that others can be compared with them, when they
    would have been; `is_settled` of who was, and of whom nothing more is to come.
    """

    customer_key: str
    variant: str | None
    is_held_out: bool
    is_contacted: bool
    is_settled: bool
    is_reached: bool
    is_replied: bool
    is_opted_out: bool


class Arms:
    """Whom campaigns compare. Safe to use from many threads.

    Args:
        reading: Opens a connection for questions.
    """

    def __init__(self, reading: Callable[[], AbstractContextManager[sa.Connection]]) -> None:
        self._reading = reading

    def members(
        self, campaign: str, lists: frozenset[str], *, now: datetime
    ) -> Iterator[ArmMember]:
        """All customers of a campaign; only some of them are held in memory.

        Args:
            campaign: The campaign's name.
            lists: Suppression lists whose entries are opt-outs.
            now: The present time.
        """
        with self._reading() as connection, self._reading() as beside:
            query = _members(campaign, _is_by_link(beside, campaign))
            rows = connection.execute(query).yield_per(_PIECE).mappings()
            for piece in rows.partitions():
                yield from _told(beside, piece, lists, now)


def _is_by_link(connection: sa.Connection, campaign: str) -> bool:
    mode = sa.select(campaigns.c.mode).where(campaigns.c.campaign == campaign)
    return connection.scalar(mode) == CampaignMode.INVITATION


def _members(campaign: str, by_link: bool) -> sa.Select[Any]:  # noqa: FBT001 - of one query two
    columns, links = contacts.c, invitations.c
    out = sa.and_(columns.status == Status.FAILED, columns.error_code.in_(list(Withdrawal)))
    given_at = sa.func.coalesce(links.not_before, links.issued_at)
    query = sa.select(
        columns.customer_key,
        columns.variant,
        columns.status,
        columns.error_code,
        columns.connected_at,
        columns.first_reply_at,
        (given_at if by_link else columns.sent_at).label("contacted_at"),
    ).where(columns.campaign == campaign, columns.generation > 0, ~out, is_latest())
    if by_link:
        same = (links.campaign == columns.campaign, links.customer_key == columns.customer_key)
        query = query.outerjoin_from(contacts, invitations, sa.and_(*same))
    return query.order_by(columns.id)


def _told(
    connection: sa.Connection,
    rows: Sequence[Mapping[Any, Any]],
    lists: frozenset[str],
    now: datetime,
) -> Iterator[ArmMember]:
    keys = [row["customer_key"] for row in rows if row["contacted_at"] is not None]
    said = suppressions_of(connection, keys, lists, now)
    for row in rows:
        at, status = row["contacted_at"], row["status"]
        entries = said.get(row["customer_key"], ()) if at else ()
        yield ArmMember(
            customer_key=row["customer_key"],
            variant=row["variant"],
            is_held_out=status == Status.WITHHELD and row["error_code"] == Rule.HELD_OUT,
            is_contacted=at is not None,
            is_settled=at is not None and status in SETTLED,
            is_reached=row["connected_at"] is not None,
            is_replied=row["first_reply_at"] is not None,
            is_opted_out=any(entry.added_at >= at for entry in entries),
        )
