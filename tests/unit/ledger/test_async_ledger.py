"""A ledger that is waited for."""

import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, cast

import pytest

from connect_tasks.errors import LedgerError, LedgerUnreachableError
from connect_tasks.ledger.async_ledger import AsyncLedger
from connect_tasks.ledger.store import Ledger
from tests.unit.virtual_time import CLOCK, run

GONE = LedgerUnreachableError("The ledger postgresql://host/db: the server cannot be reached.")


class Here(Executor):
    """Runs what it is given at once, in the caller's thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except LedgerError as error:
            future.set_exception(error)
        return future


def patient(seconds: float = 300) -> AsyncLedger:
    return AsyncLedger(cast("Ledger", object()), Here(), CLOCK, patience_seconds=seconds)


class Outage:
    """A call that cannot be made for so long."""

    def __init__(self, seconds: float, error: LedgerError = GONE) -> None:
        self._until = seconds
        self._error = error
        self.tried = 0

    def __call__(self, _: Ledger) -> str:
        self.tried += 1
        if CLOCK.monotonic() < self._until:
            raise self._error
        return "made"


def test_a_call_is_made_once_the_database_is_back() -> None:
    outage = Outage(60)

    async def story() -> tuple[str, float]:
        return await patient().run(outage), CLOCK.monotonic()

    answer, seconds = run(story())

    assert answer == "made"
    assert 60 <= seconds <= 65.1


def test_a_database_that_is_gone_is_not_hammered() -> None:
    outage = Outage(60)

    async def story() -> None:
        await patient().run(outage)

    run(story())

    assert outage.tried < 25


def test_patience_ends() -> None:
    async def story() -> float:
        with pytest.raises(LedgerUnreachableError):
            await patient(300).run(Outage(10_000))
        return CLOCK.monotonic()

    assert 300 <= run(story()) <= 305.1


def test_an_error_that_waiting_does_not_mend_is_told_at_once() -> None:
    outage = Outage(60, LedgerError("the disk is full"))

    async def story() -> None:
        with pytest.raises(LedgerError, match="disk is full"):
            await patient().run(outage)

    run(story())

    assert outage.tried == 1


def test_who_is_in_a_hurry_waits_for_nothing() -> None:
    outage = Outage(60)

    async def story() -> None:
        ledger = patient()
        ledger.hurry()
        with pytest.raises(LedgerUnreachableError):
            await ledger.run(outage)

    run(story())

    assert outage.tried == 1


def test_an_outage_is_told_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> int:
        ledger = patient()
        await ledger.run(Outage(60))
        return ledger.outages

    with caplog.at_level(logging.WARNING):
        outages = run(story())

    assert outages == 1
    assert [record.getMessage() for record in caplog.records] == [f"{GONE} Waiting up to 300 s."]
