"""Live chats come first, and no more are started than can be connected: counted at Amazon Connect.

All is scaled: Amazon's five minutes are a few seconds here.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connect_tasks import Conversation, Quotas
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.campaign.run import run_campaign
from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.emulator.instance.record import ContactRecord
from connect_tasks.ledger.changes import Progress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.store import Ledger
from tests.functional.world import CAMPAIGN, FAST, QUICK, World, customers, session

TERMS = ClaimTerms(lease=timedelta(seconds=30), token_validity=timedelta(hours=24))


def pace(per_second: float, window_seconds: float, **others: Any) -> Quotas:
    """Many starts, few connections."""
    values = {
        "connections_per_second": per_second,
        "connection_burst": 1,
        "connect_window": timedelta(seconds=window_seconds),
    }
    return FAST.model_copy(update=values | others)


@contextmanager
def scarce(
    folder: Path,
    quotas: Quotas,
    *,
    enforced: float | None = None,
    faults: Sequence[Fault] = (),
    open_chats: int | None = None,
    think_seconds: float = 0.0,
) -> Iterator[World]:
    """An instance that lets few chats be connected per second, and a campaign at it."""
    per_second = enforced or quotas.connections_per_second
    rates = {**vars(LocalQuotas.unlimited()), "open_chats": open_chats}
    # A call that another one overtakes on a busy machine is not what is measured here.
    rates["create_participant_connection"] = (per_second, 3)
    local = LocalConnect(
        quotas=LocalQuotas(**rates),
        faults=faults,
        connect_window_seconds=quotas.connect_window.total_seconds(),
        think_seconds=(think_seconds, think_seconds),
    )
    conversation = Conversation(messages=("9",), settle_seconds=0, reply_timeout_seconds=20)
    with local, Ledger(f"sqlite:///{folder / 'ledger.db'}") as ledger:
        yield World(local, ledger, conversation=conversation, quotas=quotas)


def unconnected(contacts: Sequence[ContactRecord]) -> int:
    """The most chats that were started and not connected at one time."""
    forever = datetime.max.replace(tzinfo=UTC)
    steps = [(contact.started_at, 1) for contact in contacts]
    steps += [(contact.connected_at or contact.ended_at or forever, -1) for contact in contacts]
    count = most = 0
    for _, step in sorted(steps):
        count += step
        most = max(most, count)
    return most


def reasons(here: World) -> set[str | None]:
    return {contact.disconnect_reason for contact in here.local.contacts}


def test_no_chat_is_started_that_could_not_be_connected_in_time(tmp_path: Path) -> None:
    with scarce(tmp_path, pace(10, window_seconds=8)) as here:
        here.plan(customers(120))
        here.run()

        # Ten per second for half of the eight seconds.
        assert unconnected(here.local.contacts) <= 40
        assert reasons(here) == {"CONTACT_FLOW_DISCONNECT"}
        here.assert_once_each(120)


def test_a_quota_that_is_set_far_too_high_kills_no_chat(tmp_path: Path) -> None:
    with scarce(tmp_path, pace(20, window_seconds=16), enforced=5) as here:
        here.plan(customers(80))
        here.run()

        # What the instance really lets through in half of the time, not what it was said to.
        assert unconnected(here.local.contacts) <= 5 * 16
        assert reasons(here) == {"CONTACT_FLOW_DISCONNECT"}


def test_workers_share_how_many_may_wait_for_their_connection(tmp_path: Path) -> None:
    with scarce(tmp_path, pace(10, window_seconds=6)) as here:
        here.plan(customers(90))

        def work(_: int) -> None:
            options = ClientOptions(parameters={"endpoint_url": here.local.endpoint_url})
            instance = Instance(api=ConnectApi(session, options), quotas=here.quotas, policy=QUICK)
            with Ledger(here.ledger.url) as ledger:
                run_campaign(ledger, CAMPAIGN, instance, conversation=here.conversation)

        with ThreadPoolExecutor(3) as workers:
            list(workers.map(work, range(3)))

        assert unconnected(here.local.contacts) <= 30
        assert reasons(here) == {"CONTACT_FLOW_DISCONNECT"}
        here.assert_once_each(90)


def leave_started(here: World, count: int) -> None:
    """Start chats as a run does that is killed before it connects any of them."""
    api = ConnectApi(session, ClientOptions(parameters={"endpoint_url": here.local.endpoint_url}))
    now = datetime.now(UTC)
    for contact in here.ledger.claim(CAMPAIGN, "killed", most=count, now=now, terms=TERMS):
        response = api.start_chat(contact.request)
        starting = contact.advance(Status.STARTING, sent_at=now)
        started = starting.advance(Status.STARTED, started_at=now, contact_id=response.contact_id)
        changes = [Progress(starting, contact.status), Progress(started, starting.status)]
        here.ledger.apply("killed", changes)
    here.ledger.release(CAMPAIGN, "killed")


def test_chats_that_a_killed_run_started_are_connected_before_others_are_started(
    tmp_path: Path,
) -> None:
    with scarce(tmp_path, pace(10, window_seconds=12)) as here:
        here.plan(customers(100))
        leave_started(here, 70)
        here.run()

        left, fresh = here.local.contacts[:70], here.local.contacts[70:]
        assert reasons(here) == {"CONTACT_FLOW_DISCONNECT"}
        # They count: nothing was started before fewer of them than may wait were left.
        first = min(contact.started_at for contact in fresh)
        still = [one for one in left if one.connected_at and one.connected_at > first]
        assert len(still) < 60
        here.assert_once_each(100)


def test_a_socket_that_drops_is_opened_again_before_fresh_chats_are_connected(
    tmp_path: Path,
) -> None:
    dropped = [f"{number:04}" for number in range(70) if number % 10 < 2]
    drops = [
        Fault(operation="ChatFrame", kind=FaultKind.SOCKET_DROP, customer_id=customer_id, nth=2)
        for customer_id in dropped
    ]
    # Behind all first connections a chat would wait until it is over.
    with scarce(tmp_path, pace(7, window_seconds=60), faults=drops, think_seconds=1.5) as here:
        here.plan(customers(70))
        here.run()

        assert here.local.injected["ChatFrame", FaultKind.SOCKET_DROP] == len(dropped)
        assert {row["end_reason"] for row in here.contacts()} == {"chat_ended"}
        here.assert_once_each(70)


@pytest.mark.parametrize("most", [1, 3])
def test_who_waits_for_a_connection_and_who_waits_for_a_slot_do_not_wait_for_each_other(
    tmp_path: Path, most: int
) -> None:
    quotas = pace(most * 4, window_seconds=0.5, open_chats=10)
    with scarce(
        tmp_path, quotas, enforced=1000, open_chats=2, faults=[Fault.no_slot(share=0.3)]
    ) as here:
        here.quotas = quotas
        assert quotas.most_unconnected() == most
        here.plan(customers(15))
        here.run()

        here.assert_once_each(15)


def test_a_place_is_free_for_the_next_once_its_chat_is_connected(tmp_path: Path) -> None:
    quotas = pace(4, window_seconds=0.5, open_chats=10)
    with scarce(tmp_path, quotas, enforced=1000, think_seconds=1.5) as here:
        assert quotas.most_unconnected() == 1
        here.plan(customers(6))
        here.run()

        here.assert_once_each(6)
        lives = [(chat.started_at, chat.ended_at) for chat in here.local.contacts]
        # One connection after another takes a moment, one chat after another three seconds.
        assert max(started for started, _ in lives) < min(ended for _, ended in lives if ended)
