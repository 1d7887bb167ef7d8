"""Following: contacts that followed from a customer's own, each with an id and a transcript.

A transfer is another contact at Amazon, and so is what a disconnect flow starts, such as a survey.

What Amazon documents: each has an id of its own, tells how it began (`InitiationMethod`), the
contact before it (`PreviousContactId`) and the first of them all (`InitialContactId`);
SearchContacts gives these for all chats of the instance that began in some way in some time. What
is inferred: that a survey names the chat that it follows as a transfer does, that the search finds
a contact within a quarter of an hour, and that it takes four weeks at a time. DescribeContact of
the first names none of them: `NextContacts` has only quick connects.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connect_tasks.aws.contact_record import read_contact
from connect_tasks.aws.paced_calls import PacedCalls
from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.ledger.async_ledger import AsyncLedger
from connect_tasks.ledger.described import Asked

__all__ = ["Follower", "spans"]

_WAYS = ("TRANSFER", "QUEUE_TRANSFER", "DISCONNECT", "FLOW")
_LONGEST_SPAN = timedelta(weeks=4)
# Amazon's clock and ours differ, and the search takes whole seconds.
_MARGIN = timedelta(minutes=1)


class Follower:
    """Finds the contacts that followed from a campaign's.

    Args:
        calls: Makes the calls, at the pace that all workers share.
        ledger: Knows which contacts are the campaign's.
        clock: Tells the time.
    """

    def __init__(self, calls: PacedCalls, ledger: AsyncLedger, clock: Clock) -> None:
        self._calls = calls
        self._ledger = ledger
        self._clock = clock

    async def find(self, instance_id: str, campaign: str) -> AsyncIterator[list[Asked]]:
        """Give those that nobody has asked Amazon about yet, some at a time.

        One call finds a hundred of the instance's followers, whoever's they are; where none can
        have followed no call is made. When all were taken it is kept that they were looked for:
        cancelled or left before, a second call finds them again. Concurrent calls, also of other
        processes, may give the same ones.

        Raises:
            AmazonError: The search is not permitted, or failed.
            LedgerError: The ledger cannot be used.
        """
        at = self._clock.now()
        wanted = await self._ledger.run(lambda ledger: ledger.collection.to_follow(campaign))
        if wanted is None:
            return
        for since, until in spans(wanted[0] - _MARGIN, at + _MARGIN):
            async for page in self._pages(instance_id, since, until):
                if new := await self._new(campaign, page):
                    yield new
        await self._ledger.run(lambda ledger: ledger.collection.note_followed(campaign, at=at))

    async def _pages(
        self, instance_id: str, since: datetime, until: datetime
    ) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        page: str | None = None
        while True:
            answer = await self._calls.search(
                instance_id, since=since, until=until, methods=_WAYS, page=page
            )
            yield answer["Contacts"]
            page = answer.get("NextToken")
            if not page:
                return

    async def _new(self, campaign: str, page: Sequence[Mapping[str, Any]]) -> list[Asked]:
        found = {one["Id"]: read_contact(one, one["Id"]) for one in page}
        named = {
            contact_id: (one.initial_contact_id, one.previous_contact_id)
            for contact_id, one in found.items()
        }
        ids = {name for names in named.values() for name in names if name}
        owners = await self._ledger.run(lambda ledger: ledger.collection.owners(campaign, ids))
        known = await self._ledger.run(
            lambda ledger: ledger.collection.known(campaign, tuple(found))
        )
        return [
            replace(owner, contact_id=contact_id, started_at=found[contact_id].started_at)
            for contact_id, names in named.items()
            if contact_id not in known
            and (owner := next((owners[name] for name in names if name in owners), None))
            and contact_id != owner.initial_contact_id
        ]


def spans(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The parts of a time that one search may cover.

    Example:
        >>> from datetime import UTC
        >>> began = datetime(2026, 11, 1, tzinfo=UTC)
        >>> len(list(spans(began, began + timedelta(weeks=9))))
        3
    """
    while since < until:
        yield since, min(until, since + _LONGEST_SPAN)
        since += _LONGEST_SPAN
