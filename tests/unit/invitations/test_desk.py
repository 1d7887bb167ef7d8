"""The desk: what goes to disk together, and what is written again."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Any, cast

import pytest

from connect_tasks.errors import LedgerError
from connect_tasks.invitations.desk import Desk
from connect_tasks.ledger.async_ledger import AsyncLedger
from connect_tasks.ledger.clicks import Opened
from connect_tasks.ledger.contact import Contact
from tests.unit.invitations.test_verdicts import contact
from tests.unit.virtual_time import CLOCK, run, settle


class Clicks:
    """A ledger's clicks, as far as a desk goes."""

    def __init__(self) -> None:
        self.noted: Counter[str] = Counter()
        self.claims: list[list[int]] = []
        self.given_up: list[int] = []
        self.renewed: list[list[int]] = []
        self.busy: set[str] = set()
        self.error: Exception | None = None

    def claim(
        self,
        _worker: str,
        ids: Collection[int],
        *,
        opened: Sequence[Opened],
        given_up: Collection[int],
        **_times: object,
    ) -> tuple[dict[int, Contact], set[str]]:
        if self.error:
            raise self.error
        self.claims.append(list(ids))
        self.given_up += given_up
        for one in opened:
            if one.token_hash not in self.busy:
                self.noted[one.token_hash] += one.presses
        names = {one.token_hash for one in opened}
        return {id_: contact(id=id_) for id_ in ids}, names & self.busy

    def renew(self, _worker: str, ids: Collection[int], **_times: object) -> None:
        self.renewed.append(sorted(ids))


class Ledger:
    """Runs calls one after another, each in a step of its own."""

    def __init__(self, clicks: Clicks) -> None:
        self.clicks = clicks

    async def run(self, call: Callable[[Any], Any]) -> Any:
        await asyncio.sleep(0)
        return call(self)


def desk(clicks: Clicks) -> Desk:
    ledger = cast("AsyncLedger", Ledger(clicks))
    return Desk(ledger, "w-1", lease=timedelta(seconds=9), clock=CLOCK)


def test_presses_that_come_together_share_a_transaction_or_two() -> None:
    async def story() -> tuple[list[int], int]:
        clicks = Clicks()
        one = desk(clicks)
        found = await asyncio.gather(*(one.claim(id_) for id_ in range(20)))
        return [each.id for each in found if each], len(clicks.claims)

    ids, commits = run(story())
    assert ids == list(range(20))
    assert commits <= 2


def test_a_press_that_another_keeps_from_being_noted_is_noted_later_and_once() -> None:
    async def story() -> tuple[dict[str, int], dict[str, int]]:
        clicks = Clicks()
        clicks.busy = {"h1"}
        one = desk(clicks)
        for name in ("h1", "h2", "h1"):
            one.note(name)
        await one.claim(1)
        before = dict(clicks.noted)
        clicks.busy.clear()
        await one.end()
        return before, dict(clicks.noted)

    assert run(story()) == ({"h2": 1}, {"h2": 1, "h1": 2})


def test_what_somebody_writes_for_ever_keeps_no_server_from_ending() -> None:
    async def story() -> None:
        clicks = Clicks()
        clicks.busy = {"h1"}
        one = desk(clicks)
        one.note("h1")
        await one.end()

    run(story())


def test_who_gives_up_waiting_for_a_claim_does_not_keep_it() -> None:
    async def story() -> list[int]:
        clicks = Clicks()
        one = desk(clicks)
        claiming = asyncio.ensure_future(one.claim(7))
        await asyncio.sleep(0)
        claiming.cancel()
        await settle()
        await one.end()
        return clicks.given_up

    assert run(story()) == [7]


def test_a_claim_that_comes_in_the_moment_of_giving_up_is_not_kept_for_ever() -> None:
    async def story() -> list[list[int]]:
        clicks = Clicks()
        one = desk(clicks)
        keeper = asyncio.ensure_future(one.keep())
        claiming = asyncio.ensure_future(one.claim(7))
        while not clicks.claims:  # noqa: ASYNC110 - the very step is meant
            await asyncio.sleep(0)
        # The claim is there, and whoever waits for it has not been woken yet.
        assert not claiming.done()
        claiming.cancel()
        await CLOCK.sleep(20)
        keeper.cancel()
        assert clicks.given_up == [7]
        return clicks.renewed

    assert run(story()) == []


def test_claims_are_renewed_well_before_they_end_and_only_those_that_are_held() -> None:
    async def story() -> list[list[int]]:
        clicks = Clicks()
        one = desk(clicks)
        keeper = asyncio.ensure_future(one.keep())
        await one.claim(1)
        await one.claim(2)
        await CLOCK.sleep(4)
        one.give_up(1)
        await CLOCK.sleep(4)
        keeper.cancel()
        return clicks.renewed

    renewed = run(story())
    assert renewed[0] == [1, 2]
    assert renewed[-1] == [2]
    assert len(renewed) >= 2


def test_a_ledger_that_fails_is_told_to_who_claims_and_loses_no_note() -> None:
    async def story() -> tuple[int, dict[str, int]]:
        clicks = Clicks()
        one = desk(clicks)
        one.note("h1")
        clicks.error = LedgerError("away")
        with pytest.raises(LedgerError):
            await one.claim(1)
        clicks.error = None
        await one.end()
        return len(clicks.claims), dict(clicks.noted)

    assert run(story()) == (1, {"h1": 1})
