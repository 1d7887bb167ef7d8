"""A stopped campaign's people are left without a chat: by an app, or by the next collect."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

import pytest

from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.aws.paced_calls import PacedCalls
from connect_tasks.aws.pacing.token_bucket import PermitRequest, Permits
from connect_tasks.campaign import manage
from connect_tasks.campaign.collection.collected import Collected
from connect_tasks.campaign.collection.collecting import collect_campaign
from connect_tasks.campaign.collection.describing import Describer
from connect_tasks.campaign.collection.stopping import Stopper
from connect_tasks.emulator import LocalConnect
from connect_tasks.errors import (
    AccessDeniedError,
    AmazonError,
    InputError,
    NotFoundError,
    ServiceFaultError,
)
from connect_tasks.ledger.async_ledger import AsyncLedger
from connect_tasks.ledger.contact import CampaignState
from connect_tasks.ledger.erasure import erase, forget
from connect_tasks.ledger.schema import contacts
from connect_tasks.ledger.store import Ledger
from tests.functional.collecting_world import NOON, Amazon, moto_s3, new_amazon, told
from tests.functional.hand_over_world import App, HandOverWorld
from tests.functional.links_world import LinksWorld, eventually, key_in_environment
from tests.functional.world import CAMPAIGN as HANDED_OVER
from tests.functional.world import FAST, QUICK, customers, session
from tests.ledger_rows import INSTANCE, enter, table

INVITED, PAUSED, RUNNING = "invited", "paused", "running"
ENDED = {("completed", "chat_ended")}


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    key_in_environment(monkeypatch)


@pytest.fixture
def opened(ledger_url: str) -> Iterator[Ledger]:
    with Ledger(ledger_url) as ledger:
        yield ledger


@pytest.fixture
def people(local: LocalConnect, opened: Ledger) -> LinksWorld:
    """Chats that people have open, in three campaigns by invitation and one by hand-over."""
    world = LinksWorld(local, opened)
    tokens = [
        world.invite(f"{campaign}-{number}", campaign=campaign)[0]
        for campaign in (INVITED, PAUSED, RUNNING)
        for number in range(2)
    ]
    with world.site() as site:
        assert {site.press(token).status_code for token in tokens} == {200}
    hand_over = HandOverWorld(local, opened)
    hand_over.plan(customers(2))
    hand_over.hand_over(App())
    return world


def is_open(world: LinksWorld, campaign: str) -> list[bool]:
    """Of each of a campaign's chats whether it goes on, as Amazon has it."""
    ids = {row["contact_id"] for row in world.contacts(campaign)}
    return [one.disconnect_reason is None for one in world.local.contacts if one.contact_id in ids]


def statuses(world: LinksWorld, campaign: str) -> set[tuple[str, str | None]]:
    return {(row["status"], row["end_reason"]) for row in world.contacts(campaign)}


def has_ended(world: LinksWorld, campaign: str) -> bool:
    return not any(is_open(world, campaign)) and statuses(world, campaign) == ENDED


def collect(world: LinksWorld, campaign: str) -> Collected:
    options = ClientOptions(parameters={"endpoint_url": world.local.endpoint_url})
    instance = Instance(api=ConnectApi(session, options), quotas=FAST, policy=QUICK)
    return collect_campaign(world.ledger, campaign, instance)


def stop_and_pause(world: LinksWorld) -> None:
    manage.pause(PAUSED, world.ledger)
    manage.stop(INVITED, world.ledger)
    manage.stop(HANDED_OVER, world.ledger)


def test_an_app_ends_peoples_chats_of_what_is_stopped_and_no_others(people: LinksWorld) -> None:
    with people.site():
        stop_and_pause(people)
        for campaign in (INVITED, HANDED_OVER):
            eventually(partial(has_ended, people, campaign))
    assert is_open(people, PAUSED) == is_open(people, RUNNING) == [True, True]
    assert people.local.calls["StopContact"] == 4


def test_where_no_app_runs_collect_ends_them(people: LinksWorld) -> None:
    stop_and_pause(people)
    for campaign in (INVITED, HANDED_OVER):
        found = collect(people, campaign)
        assert (is_open(people, campaign), found.open) == ([False, False], 0)
        assert statuses(people, campaign) == ENDED
    for campaign in (PAUSED, RUNNING):
        collect(people, campaign)
        assert is_open(people, campaign) == [True, True]


def test_one_that_goes_on_again_before_anybody_came_keeps_its_chats(people: LinksWorld) -> None:
    stop_and_pause(people)
    manage.resume(INVITED, people.ledger)
    collect(people, INVITED)
    with people.site():
        eventually(lambda: not any(is_open(people, HANDED_OVER)))
    assert is_open(people, INVITED) == [True, True]


def test_what_was_stopped_and_goes_on_starts_what_was_not_started(people: LinksWorld) -> None:
    [token] = people.invite("late", campaign=INVITED)
    manage.stop(INVITED, people.ledger)
    with people.site() as site:
        eventually(lambda: not any(is_open(people, INVITED)))
        assert site.press(token).status_code == 410
        manage.resume(INVITED, people.ledger)
        assert site.press(token).status_code == 200
    assert sum(is_open(people, INVITED)) == 1


@pytest.mark.parametrize("campaign", [INVITED, HANDED_OVER])
def test_what_erase_and_forget_advise_helps(people: LinksWorld, campaign: str) -> None:
    url = people.ledger.url
    with pytest.raises(InputError, match="`stop` it and `collect` it, which closes them"):
        erase(campaign, url, overwrite=False)
    [customer, _] = [row["customer_id"] for row in people.contacts(campaign)]
    with pytest.raises(InputError, match="`stop` the campaign and `collect` it"):
        forget(customer, url, campaign=campaign, overwrite=False)
    manage.stop(campaign, people.ledger)
    collect(people, campaign)
    assert forget(customer, url, campaign=campaign, overwrite=False).contacts == 1
    assert erase(campaign, url, overwrite=False).contacts == 1


class Stoppable(Amazon):
    """Amazon that ends chats: it remembers which, and refuses some."""

    stopped: list[str]
    refusing: dict[str, AmazonError]

    def stop_contact(self, instance_id: str, contact_id: str) -> None:
        self._pass("StopContact")
        assert instance_id == INSTANCE
        self.stopped.append(contact_id)
        if contact_id in self.refusing:
            raise self.refusing[contact_id]
        self.contacts[contact_id] |= {"DisconnectTimestamp": NOON}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with moto_s3() as url:
        yield url


@pytest.fixture
def amazon(s3: str) -> Stoppable:
    made = new_amazon(s3)
    amazon = Stoppable(made.endpoint_url, made.bucket)
    amazon.stopped, amazon.refusing = [], {}
    return amazon


def invited(ledger: Ledger, amazon: Amazon, count: int) -> list[str]:
    """People's open chats of a stopped campaign."""
    names = [f"{number:03}" for number in range(count)]
    for name in names:
        enter(ledger, name, mode="invitation")
        amazon.contacts[f"c-{name}"] = told()
    ledger.set_state("renewals", CampaignState.STOPPED)
    return [f"c-{name}" for name in names]


def left(ledger: Ledger) -> list[str]:
    return [row["contact_id"] for row in table(ledger, contacts) if row["status"] != "completed"]


def test_each_is_ended_once_however_many_there_are(opened: Ledger, amazon: Stoppable) -> None:
    ids = invited(opened, amazon, 230)
    found = amazon.collect(opened)
    assert sorted(amazon.stopped) == ids
    assert (left(opened), found.open, found.problems) == ([], 0, [])


def test_whoever_resumes_meanwhile_keeps_all_that_were_not_reached(
    opened: Ledger, amazon: Stoppable
) -> None:
    invited(opened, amazon, 100)

    def resume(operation: str) -> None:
        if operation == "StopContact":
            opened.set_state("renewals", CampaignState.RUNNING)

    amazon.passing = resume
    amazon.collect(opened)
    # Those with which the calls were under way.
    assert 1 <= len(amazon.stopped) <= 10
    assert len(left(opened)) == 100 - len(amazon.stopped)


def test_one_that_amazon_does_not_know_keeps_no_other_open(
    opened: Ledger, amazon: Stoppable
) -> None:
    ids = invited(opened, amazon, 130)
    gone = ids[:120]
    for one in gone:
        del amazon.contacts[one]
        amazon.refusing[one] = NotFoundError("", code="ResourceNotFoundException")
    found = amazon.collect(opened)
    assert sorted(amazon.stopped) == ids
    assert (left(opened), found.problems) == (gone, [])


def test_one_that_cannot_be_ended_is_told_of_and_keeps_no_other_open(
    opened: Ledger, amazon: Stoppable
) -> None:
    ids = invited(opened, amazon, 25)
    amazon.refusing[ids[3]] = ServiceFaultError("odd", code="InternalServiceException")
    found = amazon.collect(opened)
    assert left(opened) == [ids[3]]
    [problem] = found.problems
    assert problem.startswith("chats of the stopped campaign cannot be closed")


def test_without_permission_it_says_what_to_allow_and_collects_the_rest(
    opened: Ledger, amazon: Stoppable
) -> None:
    ids = invited(opened, amazon, 3)
    amazon.contacts[ids[0]] |= {"DisconnectTimestamp": NOON - timedelta(minutes=5)}
    refusal = AccessDeniedError("", code="AccessDeniedException", operation="StopContact")
    amazon.refused = {"StopContact": refusal}
    found = amazon.collect(opened)
    [problem] = found.problems
    assert "allow connect:StopContact" in problem
    assert (left(opened), found.ended) == (ids[1:], 1)


def test_chats_that_are_workers_are_left_to_them(opened: Ledger, amazon: Stoppable) -> None:
    enter(opened, "ada", mode="hand_over")
    opened.set_state("renewals", CampaignState.STOPPED)
    amazon.contacts["c-ada"] = told()
    amazon.collect(opened)
    assert amazon.stopped == []


async def _at_once(request: PermitRequest) -> Permits:
    return Permits(count=request.wanted, first_seconds=0, interval_seconds=0.0001)


@contextmanager
def keeper(ledger: Ledger, amazon: Amazon, seed: int) -> Iterator[Callable[[], Awaitable[None]]]:
    """What one process of an app does."""
    with ThreadPoolExecutor(4) as threads, ThreadPoolExecutor(1) as writes:
        random = Random(seed)  # noqa: S311 - which come first
        made: dict[str, Any] = {"acquire": _at_once, "executor": threads, "clock": amazon.clock}
        calls = PacedCalls(amazon, QUICK, random=random, **made)
        reached = AsyncLedger(ledger, writes, amazon.clock)
        stopper = Stopper(calls, reached, amazon.clock, random)
        describer = Describer(calls, reached, amazon.clock)
        yield lambda: stopper.keep(INSTANCE, describer)


async def keep_until(is_done: Callable[[], bool], *keeping: Callable[[], Awaitable[None]]) -> None:
    duties = [asyncio.ensure_future(keep()) for keep in keeping]
    async with asyncio.timeout(60):
        while not is_done() and not all(duty.done() for duty in duties):  # noqa: ASYNC110 - threads do it
            await asyncio.sleep(0.01)
    for duty in duties:
        duty.cancel()
    for outcome in await asyncio.gather(*duties, return_exceptions=True):
        assert isinstance(outcome, asyncio.CancelledError), outcome


def test_an_app_that_may_not_ask_what_became_of_them_ends_all_the_same(
    opened: Ledger, amazon: Stoppable
) -> None:
    ids = invited(opened, amazon, 130)
    refusal = AccessDeniedError("", code="AccessDeniedException", operation="DescribeContact")
    amazon.refused = {"DescribeContact": refusal}
    with keeper(opened, amazon, 1) as keep:
        asyncio.run(keep_until(lambda: len(amazon.stopped) >= len(ids), keep))
    assert sorted(amazon.stopped) == ids


def test_several_apps_share_what_is_to_be_ended(opened: Ledger, amazon: Stoppable) -> None:
    ids = invited(opened, amazon, 130)
    with keeper(opened, amazon, 1) as one, keeper(opened, amazon, 2) as two:
        asyncio.run(keep_until(lambda: not left(opened), one, two))
    assert set(amazon.stopped) == set(ids)
    assert len(amazon.stopped) < 1.5 * len(ids)
