"""Clocks that jump by hours in the middle of a campaign: nobody twice, nobody forgotten."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest

from connect_tasks import Conversation
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.aws.pacing.clock import SystemClock
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.run import run_campaign
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.emulator.instance.record import ContactRecord
from connect_tasks.ledger.store import Ledger
from tests.functional.world import CAMPAIGN, FAST, QUICK, World, customers, session

COUNT = 60
SIX_HOURS = timedelta(hours=6)


class JumpingClock(SystemClock):
    """Somebody sets the wall time; what measures time goes on as before."""

    def __init__(self) -> None:
        self.wrong_by = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.wrong_by


def run(
    here: World,
    ledger: Ledger,
    clock: SystemClock,
    report: Callable[[Funnel], None] = lambda _: None,
    *,
    lease_seconds: float = 30,
) -> Funnel:
    """Work at the campaign, some contacts at a time."""
    api = ConnectApi(session, ClientOptions(parameters={"endpoint_url": here.local.endpoint_url}))
    quotas = FAST.model_copy(update={"open_chats": 10})
    return run_campaign(
        ledger,
        CAMPAIGN,
        Instance(api=api, quotas=quotas, policy=QUICK),
        conversation=here.conversation,
        on_progress=report,
        lease_seconds=lease_seconds,
        clock=clock,
    )


def jumping(clock: JumpingClock, *jumps: tuple[int, timedelta]) -> Callable[[Funnel], None]:
    """Set the clock when so many chats were started."""
    to_come = list(jumps)

    def report(funnel: Funnel) -> None:
        if to_come and funnel.started >= to_come[0][0]:
            clock.wrong_by = to_come.pop(0)[1]

    return report


def said_by_us(contact: ContactRecord) -> list[str | None]:
    return [
        item.content
        for item in contact.transcript
        if (item.participant_role, item.type) == ("CUSTOMER", "MESSAGE")
    ]


@pytest.fixture
def here(ledger_url: str) -> Iterator[World]:
    """A campaign with its table planned, on either database."""
    with ExitStack() as stack:
        local = stack.enter_context(
            LocalConnect(quotas=LocalQuotas.unlimited(), think_seconds=(0.05, 0.15))
        )
        conversation = Conversation(
            settle_seconds=0, messages=("{{ score }}",), reply_timeout_seconds=5
        )
        world = World(local, stack.enter_context(Ledger(ledger_url)), conversation)
        world.plan(customers(COUNT))
        yield world


@pytest.mark.parametrize("ledger_url", ["SQLite"], indirect=True)
@pytest.mark.parametrize(
    "jumps",
    [
        [(COUNT // 4, SIX_HOURS)],
        [(COUNT // 4, -SIX_HOURS)],
        [(COUNT // 4, SIX_HOURS), (COUNT // 2, -SIX_HOURS)],
    ],
    ids=["forwards", "backwards", "forwards and then back"],
)
def test_a_clock_that_jumps_in_mid_campaign_doubles_and_forgets_nobody(
    here: World, jumps: list[tuple[int, timedelta]]
) -> None:
    clock = JumpingClock()
    run(here, here.ledger, clock, jumping(clock, *jumps), lease_seconds=1)

    assert clock.wrong_by == jumps[-1][1]
    here.assert_once_each(COUNT)
    assert here.local.calls["StartChatContact"] == COUNT


# The one's claims look as if they had run out long ago to the other.
@pytest.mark.timeout(180)
@pytest.mark.parametrize("jump", [SIX_HOURS, -SIX_HOURS], ids=["forwards", "backwards"])
def test_two_workers_whose_clocks_differ_by_hours_double_and_forget_nobody(
    here: World, jump: timedelta
) -> None:
    clock = JumpingClock()
    with Ledger(here.ledger.url) as other, ThreadPoolExecutor(2) as threads:
        works = [
            threads.submit(run, here, here.ledger, SystemClock()),
            threads.submit(run, here, other, clock, jumping(clock, (1, jump))),
        ]
        for work in works:
            work.result()

    assert clock.wrong_by == jump
    here.assert_once_each(COUNT)
    # Some chats mostly have two workers for a moment; each message was said once all the same.
    assert [said_by_us(contact) for contact in here.local.contacts] == [["9"]] * COUNT


@pytest.mark.parametrize("ledger_url", ["SQLite"], indirect=True)
def test_what_was_planned_and_sent_before_the_clock_was_set_back_is_not_sent_again(
    here: World,
) -> None:
    ahead, right = JumpingClock(), SystemClock()
    ahead.wrong_by = SIX_HOURS
    run(here, here.ledger, ahead)
    before = here.local.calls
    run(here, here.ledger, right)

    assert here.local.calls == before
    here.assert_once_each(COUNT)
