"""Invitations: the links of a campaign's customers, issued once, prolonged and revoked.

The rules of this file:

- A customer has one link in a campaign, whatever is issued again; of its token the table has a
  hash. Whether it opens anything is decided by what became of the customer, at each press.
- Whom nobody is to reach gets none: who was taken out or forgotten, or whose conversation is over.
- What a person revoked stays so. A link whose key is gone is no link: its customer gets another.
- Contacts are locked before links, in the order of their numbers, and links in that of their
  customers, so that nobody waits for another in a circle; and a customer who is being forgotten
  is waited for, so that nothing of them is written after that. Where a policy decides, its lock
  comes before all of these.
- What was given out stays as it is: a link that may be sent, or might have been, keeps its window.
- A link that may not be sent yet takes another window if another policy is in force, and one of
  somebody who opted out is not sent.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import sqlalchemy as sa

from connect_tasks.ledger import counts
from connect_tasks.ledger.counting_lists import in_force_when_sent, lists_of_campaigns
from connect_tasks.ledger.issuing import THEIRS, Issue, Link, links_of, locked_contacts
from connect_tasks.ledger.judging import lock
from connect_tasks.ledger.next_chats import count_chats
from connect_tasks.ledger.schema import campaigns, contacts, invitations
from connect_tasks.ledger.standing import Standing
from connect_tasks.ledger.suppressions import suppressions_of
from connect_tasks.ledger.verdicts import Judge

__all__ = ["MOST_LINKS", "Invitations"]


MOST_LINKS = 10_000
"""How many links are issued at a time; a database takes no more names in one question."""

_Connect: TypeAlias = Callable[[], AbstractContextManager[sa.Connection]]
_Row: TypeAlias = Mapping[Any, Any]

_COLUMNS = invitations.c


class Invitations:
    """The links in a ledger. Each method is one transaction; safe to use from many threads.

    Args:
        reading: Opens a connection for questions.
        writing: Opens one whose transaction is on disk when the block ends.
    """

    def __init__(self, reading: _Connect, writing: _Connect) -> None:
        self._reading = reading
        self._writing = writing

    def issue(
        self,
        campaign: str,
        links: Sequence[Link],
        *,
        key_ids: Collection[str],
        now: datetime,
        expires_after: timedelta,
        judge: Judge | None = None,
    ) -> dict[str, Standing]:
        """Issue links to customers who have none; those who have keep it, with a new end.

        A second call with the same values changes nothing. Two at the same time issue each link
        once, and with a policy two campaigns cannot both take a customer's last allowed contact:
        a link counts as one from when it may be sent.

        Args:
            campaign: Its name in the ledger.
            links: One for each customer, `MOST_LINKS` at most.
            key_ids: The keys that there are: a link of another one is replaced.
            now: The present time.
            expires_after: How long a link works, from when it was issued.
            judge: The campaign's policy, which says between when links may be sent. Who is not to
                be contacted gets none, and is withheld. Without one all may be sent at once.

        Returns:
            How each customer stands now, by their key.
        """
        ordered = sorted(links, key=lambda link: link.customer_key)
        keys = [link.customer_key for link in ordered]
        with self._writing() as connection:
            _begin(connection, judge)
            latest = locked_contacts(connection, campaign, keys)
            there = links_of(connection, campaign, keys)
            issue = Issue(campaign, latest, there, key_ids, now, expires_after)
            standings = {link.customer_key: issue.look(link) for link in ordered}
            if judge is not None:
                standings |= issue.ask(connection, judge)
            issue.write(connection)
        return standings

    def revoke(self, campaign: str, customer_keys: Sequence[str], *, now: datetime) -> int:
        """Make links open nothing any more, for good. Again, it changes nothing.

        Args:
            campaign: Its name in the ledger.
            customer_keys: Whose links.
            now: The present time.

        Returns:
            How many were revoked; the others were before, or were never issued.
        """
        values = [{"of_campaign": campaign, "theirs": key} for key in sorted(set(customer_keys))]
        if not values:
            return 0
        with self._writing() as connection:
            update = sa.update(invitations).where(*THEIRS).values(revoked_at=now)
            return connection.execute(update, values).rowcount

    def records(self, campaign: str) -> Iterator[Mapping[str, Any]]:
        """All links of a campaign in the order of planning, with what became of their customers.

        Each has the columns of `invitations`; contact_id, status, error_code and generation of the
        customer's latest contact; and how many chats of theirs were made.
        """
        query = _with_contacts(campaign).order_by(contacts.c.id, _COLUMNS.customer_key)
        with self._reading() as connection:
            for row in connection.execute(query).yield_per(1_000).mappings():
                yield {str(name): value for name, value in row.items()}

    def records_of(
        self, campaign: str, customer_keys: Sequence[str], *, now: datetime
    ) -> dict[str, _Row]:
        """The same of some customers (`MOST_LINKS` at most), by their keys.

        Each says too whether the customer has `opted_out`, by a list that counts, of the time at
        which their link may be sent.
        """
        query = _with_contacts(campaign).where(_COLUMNS.customer_key.in_(customer_keys))
        with self._reading() as connection:
            rows = connection.execute(query).mappings().all()
            counting = lists_of_campaigns(connection, [campaign]).get(campaign, frozenset())
            keyed = {row["customer_key"]: row for row in rows}
            found = suppressions_of(connection, keyed, counting, now)
        return {
            key: {
                **row,
                "opted_out": in_force_when_sent(found.get(key, ()), row["not_before"], now),
            }
            for key, row in keyed.items()
        }

    def base_url(self, campaign: str) -> str | None:
        """What the campaign's links begin with, as it was said last."""
        query = sa.select(campaigns.c.base_url).where(campaigns.c.campaign == campaign)
        with self._reading() as connection:
            return connection.scalar(query)

    def set_base_url(self, campaign: str, base_url: str) -> None:
        """Say what the campaign's links begin with, those that were issued before too."""
        update = sa.update(campaigns).where(campaigns.c.campaign == campaign)
        with self._writing() as connection:
            connection.execute(update.values(base_url=base_url))


def _begin(connection: sa.Connection, judge: Judge | None) -> None:
    if judge is not None:
        lock(connection, judge)
    elif connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _with_contacts(campaign: str) -> sa.Select[Any]:
    of_contact = ("contact_id", "status", "error_code", "generation")
    theirs = (
        contacts.c.campaign == _COLUMNS.campaign,
        contacts.c.customer_key == _COLUMNS.customer_key,
        counts.is_latest(),
    )
    return (
        sa.select(
            invitations, *(contacts.c[name] for name in of_contact), count_chats().label("chats")
        )
        .select_from(invitations)
        .outerjoin(contacts, sa.and_(*theirs))
        .where(_COLUMNS.campaign == campaign)
    )
