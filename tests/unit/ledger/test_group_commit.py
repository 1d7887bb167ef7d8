import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from connect_tasks.errors import ClaimLostError, LedgerError, UnwritableError
from connect_tasks.ledger.changes import Change, Heard, Progress
from connect_tasks.ledger.contact import Contact, Status
from connect_tasks.ledger.group_commit import GroupCommit


@dataclass
class FakeLedger:
    """Remembers the batches; refuses those that hold a lost contact, or all of them."""

    lost: set[int] = field(default_factory=set)
    unwritable: set[int] = field(default_factory=set)
    broken: Exception | None = None
    batches: list[list[int]] = field(default_factory=list)
    tried: int = 0

    def apply(self, changes: Sequence[Change]) -> None:
        """All or none."""
        self.tried += 1
        if self.broken:
            raise self.broken
        ids = [change.contact.id for change in changes]
        if self.lost.intersection(ids):
            raise ClaimLostError("another worker has it")
        if self.unwritable.intersection(ids):
            raise UnwritableError("the database cannot hold it")
        self.batches.append(ids)


class HeldExecutor(Executor):
    """Runs what it is given when told to, so that a commit can be under way in a test."""

    def __init__(self) -> None:
        self._held: deque[Callable[[], None]] = deque()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Keep a call for later."""
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - as every executor does
                future.set_exception(error)

        self._held.append(run)
        return future

    @property
    def under_way(self) -> int:
        """How many commits wait to come to their end."""
        return len(self._held)

    async def commit(self) -> None:
        """Let the commit that is under way come to its end."""
        await settle()
        self._held.popleft()()
        await settle()

    async def commit_all(self) -> None:
        """Let every commit come to its end."""
        for _ in range(9):
            await settle()
            if self._held:
                await self.commit()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def progress(number: int) -> Progress:
    contact = Contact(
        id=number,
        campaign="renewals",
        customer_id=f"c-{number}",
        generation=1,
        status=Status.STARTING,
        client_token=f"t-{number}",
        request="{}",
        messages=(),
        planned_at=datetime(2026, 11, 22, 9, tzinfo=UTC),
    )
    return Progress(contact, Status.PLANNED)


@dataclass
class Desk:
    """A recorder with everything around it."""

    ledger: FakeLedger
    executor: HeldExecutor
    recorder: GroupCommit

    def write(self, number: int) -> asyncio.Task[None]:
        """Write a contact's step in a task of its own."""
        return asyncio.ensure_future(self.recorder.write(progress(number)))


class Pauses:
    """A pause that lasts until it is told to end."""

    def __init__(self) -> None:
        self.count = 0
        self.over = asyncio.Event()

    async def __call__(self) -> None:
        self.count += 1
        await self.over.wait()


Story = Callable[[Desk], Coroutine[Any, Any, None]]


def tell(story: Story, ledger: FakeLedger | None = None, *, pause: Pauses | None = None) -> None:
    async def main() -> None:
        ledger_, executor = ledger or FakeLedger(), HeldExecutor()
        loop = asyncio.get_running_loop()

        async def apply(changes: Sequence[Change]) -> None:
            await loop.run_in_executor(executor, ledger_.apply, changes)

        await story(Desk(ledger_, executor, GroupCommit(apply, pause=pause)))

    asyncio.run(main())


def test_a_write_returns_only_after_its_commit() -> None:
    async def story(desk: Desk) -> None:
        write = desk.write(1)
        await settle()
        assert not write.done()

        await desk.executor.commit()
        assert write.done()
        assert desk.ledger.batches == [[1]]

    tell(story)


def test_writes_that_arrive_during_a_commit_share_the_next_one() -> None:
    async def story(desk: Desk) -> None:
        first = desk.write(1)
        await settle()
        others = [desk.write(number) for number in (2, 3, 4)]
        await desk.executor.commit()
        assert first.done()
        assert not any(write.done() for write in others)

        await desk.executor.commit()
        assert all(write.done() for write in others)
        assert desk.ledger.batches == [[1], [2, 3, 4]]

    tell(story)


def test_no_two_commits_are_under_way_at_once() -> None:
    async def story(desk: Desk) -> None:
        for number in (1, 2, 3):
            desk.write(number)
            await settle()

        assert desk.executor.under_way == 1
        await desk.executor.commit_all()

    tell(story)


def test_a_write_after_a_quiet_time_is_committed_too() -> None:
    async def story(desk: Desk) -> None:
        for number in (1, 2):
            desk.write(number)
            await desk.executor.commit_all()

        assert desk.ledger.batches == [[1], [2]]

    tell(story)


def test_changes_of_every_kind_are_handed_on_as_they_are() -> None:
    async def story(desk: Desk) -> None:
        heard = asyncio.ensure_future(desk.recorder.write(Heard(progress(7).contact, ())))
        await desk.executor.commit_all()

        assert heard.done()
        assert desk.ledger.batches == [[7]]

    tell(story)


def test_changes_that_are_written_together_are_in_one_commit() -> None:
    async def story(desk: Desk) -> None:
        first = desk.write(1)
        await settle()
        both = asyncio.ensure_future(desk.recorder.write(progress(2), progress(3)))
        await desk.executor.commit_all()

        await asyncio.gather(first, both)
        assert desk.ledger.batches == [[1], [2, 3]]

    tell(story)


def test_of_changes_that_are_written_together_none_is_kept_where_one_is_refused() -> None:
    async def story(desk: Desk) -> None:
        first = desk.write(1)
        await settle()
        both = asyncio.ensure_future(desk.recorder.write(progress(2), progress(3)))
        other = desk.write(4)
        await desk.executor.commit_all()

        await asyncio.gather(first, other)
        assert isinstance(both.exception(), UnwritableError)
        assert desk.ledger.batches == [[1], [4]]

    tell(story, FakeLedger(unwritable={3}))


def test_many_writes_wait_a_moment_for_more_to_share_their_commit() -> None:
    pauses = Pauses()

    async def story(desk: Desk) -> None:
        first = desk.write(1)
        await settle()
        many = [desk.write(number) for number in (2, 3, 4, 5)]
        await desk.executor.commit()
        assert first.done()
        assert (pauses.count, desk.executor.under_way) == (1, 0)

        late = desk.write(6)
        pauses.over.set()
        await settle()
        await desk.executor.commit()
        await asyncio.gather(*many, late)
        assert desk.ledger.batches == [[1], [2, 3, 4, 5, 6]]

    tell(story, pause=pauses)


def test_few_writes_wait_for_nobody() -> None:
    pauses = Pauses()

    async def story(desk: Desk) -> None:
        desk.write(1)
        await settle()
        few = [desk.write(number) for number in (2, 3)]
        await desk.executor.commit_all()
        await asyncio.gather(*few)

    tell(story, pause=pauses)

    assert pauses.count == 0


def test_all_that_was_written_is_on_disk_at_the_end_although_nobody_waits_for_it() -> None:
    pauses = Pauses()

    async def story(desk: Desk) -> None:
        await desk.recorder.finish()
        writes = [desk.write(number) for number in range(6)]
        await settle()
        for write in writes:
            write.cancel()
        end = asyncio.ensure_future(desk.recorder.finish())
        await settle()
        assert not end.done()

        pauses.over.set()
        await desk.executor.commit_all()
        assert end.done()
        assert desk.ledger.batches == [[0, 1, 2, 3, 4, 5]]

    tell(story, pause=pauses)


def test_one_lost_claim_does_not_fail_the_others() -> None:
    async def story(desk: Desk) -> None:
        first = desk.write(1)
        await settle()
        lost, kept = desk.write(2), desk.write(3)
        await desk.executor.commit_all()

        await asyncio.gather(first, kept)
        with pytest.raises(ClaimLostError):
            await lost
        assert desk.ledger.batches == [[1], [3]]

    tell(story, FakeLedger(lost={2}))


def test_a_lost_claim_that_is_alone_is_tried_only_once() -> None:
    async def story(desk: Desk) -> None:
        lost = desk.write(2)
        await desk.executor.commit_all()

        assert isinstance(lost.exception(), ClaimLostError)
        assert desk.ledger.tried == 1

    tell(story, FakeLedger(lost={2}))


def test_a_value_that_cannot_be_held_costs_only_the_write_that_brought_it() -> None:
    async def story(desk: Desk) -> None:
        first = desk.write(1)
        await settle()
        others = [desk.write(number) for number in (2, 3, 4, 5)]
        await desk.executor.commit_all()

        await first
        assert [type(write.exception()) for write in others] == [
            UnwritableError,
            type(None),
            UnwritableError,
            type(None),
        ]
        assert desk.ledger.batches == [[1], [3], [5]]

    tell(story, FakeLedger(unwritable={2, 4}))


def test_a_broken_ledger_is_told_to_everybody() -> None:
    async def story(desk: Desk) -> None:
        first = desk.write(1)
        await settle()
        others = [desk.write(number) for number in (2, 3)]
        await desk.executor.commit_all()

        for write in (first, *others):
            assert isinstance(write.exception(), LedgerError)

    tell(story, FakeLedger(broken=LedgerError("the disk is full")))


# Were it not, whoever waits for this write, and for each later one, would wait for ever.
def test_a_fault_that_nobody_foresaw_is_told_as_an_error_of_the_ledger() -> None:
    async def story(desk: Desk) -> None:
        write = desk.write(1)
        await desk.executor.commit_all()

        assert write.done()
        assert isinstance(write.exception(), LedgerError)

    tell(story, FakeLedger(broken=UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogate")))


def test_the_next_write_is_tried_after_a_failed_one() -> None:
    ledger = FakeLedger(broken=LedgerError("locked"))

    async def story(desk: Desk) -> None:
        failed = desk.write(1)
        await desk.executor.commit_all()
        ledger.broken = None
        desk.write(2)
        await desk.executor.commit_all()

        assert failed.exception() is not None
        assert ledger.batches == [[2]]

    tell(story, ledger)


def test_cancelling_a_waiter_loses_no_write() -> None:
    async def story(desk: Desk) -> None:
        desk.write(1)
        await settle()
        cancelled, other = desk.write(2), desk.write(3)
        await settle()
        cancelled.cancel()
        await desk.executor.commit_all()

        assert cancelled.cancelled()
        assert other.done()
        assert desk.ledger.batches == [[1], [2, 3]]

    tell(story)


def test_cancelling_the_writer_whose_write_is_under_way_stops_no_commit() -> None:
    async def story(desk: Desk) -> None:
        cancelled = desk.write(1)
        await settle()
        waiting = desk.write(2)
        cancelled.cancel()
        await desk.executor.commit_all()

        assert waiting.done()
        assert desk.ledger.batches == [[1], [2]]

    tell(story)


def test_an_error_that_nobody_waits_for_any_more_makes_no_noise() -> None:
    noise: list[dict[str, Any]] = []

    async def story(desk: Desk) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: noise.append(told))
        cancelled = desk.write(1)
        await settle()
        cancelled.cancel()
        await desk.executor.commit_all()

    tell(story, FakeLedger(broken=LedgerError("the disk is full")))

    assert noise == []
