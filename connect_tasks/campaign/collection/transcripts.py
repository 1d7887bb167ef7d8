"""Transcripts: bringing what was said from Amazon's bucket into the ledger.

The rules of this file:

- A chat's file is found without a call to Amazon Connect: by the day on which the chat began, or
  the next one, as a chat begins while it is made. A day is listed as a whole as long as that takes
  fewer calls than asking for each chat, and what a page of the list names is looked up in the
  ledger: memory does not grow with the campaign.
- A look that finds nothing is written down with the time of the next one. Nobody waits here.
- A file that cannot be used is named, left, and looked at again. A permission that is missing says
  nothing of any file: nothing is written down, as long as files are looked for.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TypeVar

from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.transcript_file import Unreadable, contact_of, day_prefix, read_file
from connect_tasks.aws.transcript_store import MOST_BYTES, KeyPage, StoredKey, TranscriptStore
from connect_tasks.campaign.collection.look_schedule import next_look
from connect_tasks.errors import (
    AccessDeniedError,
    AmazonError,
    CampaignWideError,
    NotFoundError,
    OutcomeUnknownError,
    RetryableError,
)
from connect_tasks.ledger.async_ledger import AsyncLedger
from connect_tasks.ledger.opt_outs import FindOptOuts
from connect_tasks.ledger.store import Ledger
from connect_tasks.ledger.transcripts import Awaited

__all__ = ["Place", "TranscriptReader", "sweep"]

Result = TypeVar("Result")

_log = logging.getLogger(__name__)

# Files that are read at one time; each may be as large as `MOST_BYTES`.
_AT_ONCE = 8
# Contacts that are asked for one by one, of which so many are in memory.
_PIECE = 500
# One page of a list costs as much as asking for one chat, and serves several.
_CHATS_A_PAGE = 4
_MOST_TOLD = 20
_ENOUGH_DENIED = 5
_DAY = timedelta(days=1)

_TOO_LARGE = f"it is larger than {MOST_BYTES:,} bytes"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an instance keeps what was said in chats.

    Args:
        bucket: The bucket in S3.
        prefix: How the keys of its files begin, without a slash at the end.
    """

    bucket: str
    prefix: str


@dataclass(slots=True)
class Read:
    """What came of reading: how many files, and how many of their items were new."""

    files: int = 0
    items: int = 0
    unusable: int = 0
    lists: int = 0
    troubles: Counter[str] = field(default_factory=Counter)


class TranscriptReader:
    """Reads the files of one campaign's contacts, once for each call of `collect`.

    Args:
        store: Reads S3.
        ledger: What is awaited, and where it goes.
        campaign: Whose contacts.
        instance_id: Of which instance.
        executor: The threads for S3.
        clock: Tells the time.
        give_up_after: How long after its end a chat's file is looked for.
        find: Finds opt-outs in what people said.
    """

    def __init__(
        self,
        store: TranscriptStore,
        ledger: AsyncLedger,
        *,
        campaign: str,
        instance_id: str,
        executor: Executor,
        clock: Clock,
        give_up_after: timedelta,
        find: FindOptOuts | None = None,
    ) -> None:
        self._find = find
        self._store = store
        self._ledger = ledger
        self._campaign = campaign
        self._instance_id = instance_id
        self._executor = executor
        self._clock = clock
        self._give_up_after = give_up_after
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._denied: dict[str, tuple[Awaited, AccessDeniedError]] = {}
        self._denial: AccessDeniedError | None = None
        self.read = Read()

    async def collect(self, place: Place) -> None:
        """Look for every transcript that is due: read what is there, and put off the others.

        A second call does what is due by then. Concurrent calls, also of other processes, write
        nothing twice. Cancelled, what was read is kept.

        Args:
            place: Where the files are.

        Raises:
            CampaignWideError: A permission is missing, or credentials are refused.
            AmazonError: S3 cannot be reached.
            LedgerError: The ledger cannot be used.
        """
        at = self._clock.now()
        days = await self._ask(lambda ledger: ledger.transcripts.days(self._campaign, at=at))
        asked_for = set()
        for day, wanted in sweep(days, at.date()):
            if not await self._sweep(place, day, most_pages=wanted // _CHATS_A_PAGE, at=at):
                asked_for.add(day)
        await self._the_others(place, asked_for, at)
        await self._judge_denied()

    async def put_off(self) -> None:
        """Write down that all transcripts that are due have no place where they could be.

        They are due again later, in case there is a place then, until nobody looks any more. A
        second call does what is due by then, and concurrent calls do no harm. Cancelled, what was
        written down is kept.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        at, after = self._clock.now(), ""
        while waiting := await self._waiting(at, after):
            after = waiting[-1].contact_id
            await self._postpone(one for one in waiting if one.contact_id not in self._denied)

    async def fetch(self, places: Sequence[tuple[str, str]]) -> None:
        """Read files of which Amazon told where they are; one that is not there is awaited.

        Concurrent calls write nothing twice. Cancelled, what was read is kept.

        Args:
            places: The contacts' ids, each with `bucket/key`.
        """
        ids = [contact_id for contact_id, _ in places]
        awaited = await self._among(ids, None)
        await self._gather(
            self._fetch(awaited[contact_id], location)
            for contact_id, location in places
            if contact_id in awaited
        )

    def pages(self, place: Place, day: date, *, most: int, contact_id: str = "") -> "Pages":
        """Start to list the files of a day."""
        return Pages(self._list, place, day_prefix(place.prefix, day, contact_id), most)

    async def _fetch(self, awaited: Awaited, location: str) -> None:
        bucket, _, key = location.partition("/")
        # Whatever else it is, such as an analysis, is not this contact's transcript.
        if contact_of(key) == awaited.contact_id and awaited.contact_id not in self._denied:
            await self._read_into_ledger(awaited, bucket, StoredKey(key, size=0))

    async def _sweep(self, place: Place, day: date, *, most_pages: int, at: datetime) -> bool:
        """Read all that is awaited and listed under a day; False if that took too many pages."""
        pages = self.pages(place, day, most=most_pages)
        async for page in pages:
            by_contact = {
                contact_id: one for one in page.keys if (contact_id := contact_of(one.key))
            }
            awaited = await self._among(by_contact, at)
            await self._gather(
                self._read_into_ledger(one, place.bucket, by_contact[contact_id])
                for contact_id, one in awaited.items()
            )
        return pages.is_whole

    async def _the_others(self, place: Place, asked_for: set[date], at: datetime) -> None:
        """Who was on no list: asked for one by one, where a list was not read to its end."""
        after = ""
        while waiting := await self._waiting(at, after):
            after = waiting[-1].contact_id
            found = await self._gather(self._alone(place, one, asked_for) for one in waiting)
            await self._postpone(
                one
                for one, there in zip(waiting, found, strict=True)
                if not there and one.contact_id not in self._denied
            )

    async def _alone(self, place: Place, awaited: Awaited, asked_for: set[date]) -> bool:
        """Look for one contact's file by its id; whether there was one."""
        began = awaited.started_at.date()
        for day in (began, began + _DAY):
            if day in asked_for:
                pages = self.pages(place, day, most=1, contact_id=awaited.contact_id)
                async for page in pages:
                    for one in page.keys:
                        if contact_of(one.key) == awaited.contact_id:
                            await self._read_into_ledger(awaited, place.bucket, one)
                            return True
        return False

    async def _read_into_ledger(self, awaited: Awaited, bucket: str, key: StoredKey) -> None:
        async with self._gate:
            try:
                if key.size > MOST_BYTES:
                    return await self._cannot_use(awaited, _TOO_LARGE)
                content = await self._in_thread(lambda: self._store.read(bucket, key.key))
            except NotFoundError:
                return None  # Told or listed too early: its time comes.
            except AccessDeniedError as error:
                return await self._deny(awaited, error)
            except (CampaignWideError, RetryableError, OutcomeUnknownError):
                raise
            except AmazonError as error:
                why = _TOO_LARGE if error.code == "TooLarge" else f"S3 says {error.code}"
                return await self._cannot_use(awaited, why)
            await self._store_items(awaited, content)
            return None

    async def _deny(self, awaited: Awaited, error: AccessDeniedError) -> None:
        """One file may have a key of its own; where none was ever read, a permission is missing.

        Either way a file is given up when its time is over.
        """
        self._denial = error
        if self._next(awaited) is None:
            return await self._cannot_use(awaited, f"S3 says {error.code}")
        self._denied[awaited.contact_id] = (awaited, error)
        if len(self._denied) >= _ENOUGH_DENIED and not await self._is_any_read():
            raise error
        return None

    async def _judge_denied(self) -> None:
        if self._denial is not None and not await self._is_any_read():
            raise self._denial
        for awaited, error in self._denied.values():
            await self._cannot_use(awaited, f"S3 says {error.code}")

    async def _is_any_read(self) -> bool:
        """Whether any file of the campaign was read, now or by an earlier call."""
        return bool(self.read.files) or await self._ask(
            lambda ledger: ledger.transcripts.is_any_read(self._campaign)
        )

    async def _among(self, contact_ids: Iterable[str], at: datetime | None) -> dict[str, Awaited]:
        return await self._ask(
            lambda ledger: ledger.transcripts.among(self._campaign, contact_ids, at=at)
        )

    async def _waiting(self, at: datetime, after: str) -> list[Awaited]:
        return await self._ask(
            lambda ledger: ledger.transcripts.waiting(
                self._campaign, at=at, after=after, most=_PIECE
            )
        )

    async def _store_items(self, awaited: Awaited, content: bytes) -> None:
        file = await self._in_thread(
            lambda: read_file(content, contact_id=awaited.contact_id, instance_id=self._instance_id)
        )
        if isinstance(file, Unreadable):
            return await self._cannot_use(awaited, file.why)
        # What is another contact's is missing nowhere.
        gaps = sum(one.is_gap for one in file.odd)
        why = f"{gaps} of its items cannot be read" if gaps else None
        if why:
            self._tell(awaited, why)
        again_at = self._next(awaited) if why else None
        self.read.files += 1
        # Added after the wait: others count meanwhile.
        new = await self._ask(
            lambda ledger: ledger.transcripts.store(
                awaited,
                file.items,
                unread=gaps,
                look_again_at=again_at,
                trouble=why,
                find=self._find,
            )
        )
        self.read.items += new
        return None

    async def _cannot_use(self, awaited: Awaited, why: str) -> None:
        self.read.unusable += 1
        self._tell(awaited, why)
        looks = [(awaited, self._next(awaited))]
        await self._ask(lambda ledger: ledger.transcripts.postpone(looks, trouble=why))

    async def _postpone(self, waiting: Iterable[Awaited]) -> None:
        looks = [(one, self._next(one)) for one in waiting]
        await self._ask(lambda ledger: ledger.transcripts.postpone(looks))

    def _next(self, awaited: Awaited) -> datetime | None:
        return next_look(awaited.ended_at, self._clock.now(), self._give_up_after)

    def _tell(self, awaited: Awaited, why: str) -> None:
        self.read.troubles[why] += 1
        if self.read.troubles.total() <= _MOST_TOLD:
            _log.warning("the transcript of contact %s: %s", awaited.contact_id, why)

    async def _list(self, bucket: str, prefix: str, page: str | None) -> KeyPage:
        self.read.lists += 1
        return await self._in_thread(lambda: self._store.keys(bucket, prefix, page))

    async def _gather(self, work: Iterable[Awaitable[Result]]) -> list[Result]:
        tasks = [asyncio.ensure_future(one) for one in work]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _ask(self, call: Callable[[Ledger], Result]) -> Result:
        return await self._ledger.run(call)

    async def _in_thread(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)


class Pages:
    """The pages of a list, until its end or as many as are worth it.

    Attributes:
        is_whole: Whether it came to its end.
    """

    def __init__(
        self,
        listed: Callable[[str, str, str | None], Awaitable[KeyPage]],
        place: Place,
        prefix: str,
        most: int,
    ) -> None:
        self._listed = listed
        self._place = place
        self._prefix = prefix
        self._left = most
        self._following: str | None = None
        self.is_whole = False

    def __aiter__(self) -> "Pages":
        return self

    async def __anext__(self) -> KeyPage:
        if self.is_whole or not self._left:
            raise StopAsyncIteration
        self._left -= 1
        page = await self._listed(self._place.bucket, self._prefix, self._following)
        self._following = page.following
        self.is_whole = page.following is None
        return page


def sweep(began: Counter[date], today: date) -> list[tuple[date, int]]:
    """Which days to list, with how many chats may be found under each.

    Args:
        began: How many chats are looked for, by the day on which they began.
        today: The present day, in UTC.

    Example:
        >>> day = date(2026, 11, 25)
        >>> sweep(Counter({day: 7}), day)
        [(datetime.date(2026, 11, 25), 7)]
        >>> [found for _, found in sweep(Counter({day: 7}), date(2026, 12, 1))]
        [7, 7]
    """
    days = {day for begun in began for day in (begun, begun + _DAY)}
    # Clocks differ: who began tomorrow is under that day.
    return [
        (day, began[day] + began[day - _DAY])
        for day in sorted(days)
        if day <= today or day in began
    ]
