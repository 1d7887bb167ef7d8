"""Histories: what counts of customers' pasts, over the campaigns of a ledger.

The rules of this file:

- A contact counts from when its start was sent, also where nobody knows what came of it.
- A link counts from when it may be given out, unless it was taken back before that; that its
  customer opens it is their own wish, and counts for nothing.
- A contact does not count against itself: who is to be called again is left out by the number of
  their contact.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa

from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.many_values import among
from connect_tasks.ledger.schema import campaigns, contacts, invitations
from connect_tasks.ledger.suppressions import suppressions_of
from connect_tasks.ledger.verdicts import History, Judge

__all__ = ["histories"]

_Times: TypeAlias = sa.Select[Any, Any]


def histories(
    connection: sa.Connection,
    customer_keys: Collection[str],
    judge: Judge,
    now: datetime,
    *,
    leaving_out: Collection[int] = (),
    leaving_out_links_of: str | None = None,
) -> dict[str, History]:
    """The histories of customers, some thousands at most; of each, one with nothing in it too.

    Two questions for contacts and links, each by an index: it costs the same however many contacts
    of other customers there are.

    Args:
        connection: In a transaction that holds `judging.lock`, where limits must hold for sure.
        customer_keys: Whose.
        judge: What counts.
        now: The present time.
        leaving_out: Numbers of contacts that do not count.
        leaving_out_links_of: A campaign whose links do not count: of its own customers is asked.
    """
    times: dict[str, list[datetime]] = defaultdict(list)
    if judge.look_back:
        since, dialect = now - judge.look_back, connection.dialect.name
        sent, links = contacts.c.customer_key, invitations.c.customer_key
        for query in (
            _contacted(judge, since, leaving_out).where(among(sent, customer_keys, dialect)),
            _given_out(judge, since, leaving_out_links_of).where(
                among(links, customer_keys, dialect)
            ),
        ):
            for key, at in connection.execute(query):
                times[key].append(at)
    lists = suppressions_of(connection, customer_keys, judge.lists, now)
    # Of most there is none.
    known, none = times.keys() | lists.keys(), History((), ())
    return {
        key: History(tuple(sorted(times.get(key, ()))), lists.get(key, ()))
        if key in known
        else none
        for key in customer_keys
    }


def _contacted(judge: Judge, since: datetime, leaving_out: Collection[int]) -> _Times:
    columns = contacts.c
    return (
        sa.select(columns.customer_key, columns.sent_at)
        .join(campaigns, campaigns.c.campaign == columns.campaign)
        .where(
            columns.sent_at.is_not(None),
            columns.sent_at > since,
            columns.id.not_in(list(leaving_out)),
            campaigns.c.mode != CampaignMode.INVITATION,
            *_in_group(judge),
        )
    )


def _given_out(judge: Judge, since: datetime, leaving_out_of: str | None) -> _Times:
    links = invitations.c
    query = (
        sa.select(links.customer_key, links.not_before)
        .join(campaigns, campaigns.c.campaign == links.campaign)
        .where(links.not_before > since, _could_be_sent(links), *_in_group(judge))
    )
    return query if leaving_out_of is None else query.where(links.campaign != leaving_out_of)


def _could_be_sent(links: Any) -> sa.ColumnElement[bool]:
    """Links that were not taken back before anybody was to send them."""
    return sa.or_(links.revoked_at.is_(None), links.revoked_at > links.not_before)


def _in_group(judge: Judge) -> tuple[sa.ColumnElement[bool], ...]:
    return () if judge.group is None else (campaigns.c.limits_group == judge.group,)
