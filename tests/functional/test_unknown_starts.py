"""A run comes back to starts whose outcome nobody knows, counted at Amazon Connect."""

import json
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from connect_tasks import Conversation, StartChatContactResponse
from connect_tasks.aws.client import ConnectApi
from connect_tasks.campaign import manage
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.emulator import Fault, FaultKind
from connect_tasks.errors import InputError
from connect_tasks.ledger.changes import Progress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import Status
from tests.functional.world import CAMPAIGN, FAST, World, customers, world

CUT = FaultKind.CUT_AFTER
SHORT = Conversation(messages=("9",), settle_seconds=0, reply_timeout_seconds=30)


class Calls:
    """The calls that were made for one customer: when, and with which bytes."""

    def __init__(self, here: World, customer_id: str) -> None:
        self.made: list[tuple[float, str]] = []
        calls = self

        class Watched(ConnectApi):
            def start_chat(self, request: str) -> StartChatContactResponse:
                if json.loads(request)["CustomerId"] == customer_id:
                    calls.made.append((time.monotonic(), request))
                return super().start_chat(request)

        here.api_class = Watched

    @property
    def pauses(self) -> list[float]:
        """The gaps that are no back-off within one try."""
        times = [at for at, _ in self.made]
        gaps = (later - earlier for earlier, later in pairwise(times))
        return [gap for gap in gaps if gap > 1]


def cut(*numbers: int, customer_id: str = "0001") -> list[Fault]:
    """These calls for a customer make a chat, and are answered by nothing."""
    return [
        Fault(operation="StartChatContact", kind=CUT, customer_id=customer_id, nth=number)
        for number in numbers
    ]


def always_cut(customer_id: str = "0001") -> list[Fault]:
    return [Fault(operation="StartChatContact", kind=CUT, customer_id=customer_id, every=1)]


def statuses(here: World) -> dict[str, str]:
    return {row["customer_id"]: row["status"] for row in here.contacts()}


def test_an_unknown_start_is_found_by_its_own_run_with_the_same_token_and_bytes(
    tmp_path: Path,
) -> None:
    with world(tmp_path, faults=cut(1, 2, 3, 4, 5)) as here:
        here.conversation = SHORT
        calls = Calls(here, "0001")
        here.plan(customers(3))
        funnel = here.run()

        assert (funnel.completed, funnel.unknown) == (3, 0)
        assert len(calls.made) == 6
        assert len({request for _, request in calls.made}) == 1
        here.assert_once_each(3)


def test_the_run_comes_back_after_growing_pauses_and_once_more_before_it_ends(
    tmp_path: Path,
) -> None:
    with world(tmp_path, faults=always_cut(), think_seconds=(4.5, 4.5)) as here:
        here.conversation = SHORT
        calls = Calls(here, "0001")
        here.plan(customers(2))
        funnel = here.run()

        # The other chat lasts nine seconds: after two, after four more, and at the end.
        assert (funnel.completed, funnel.unknown) == (1, 1)
        first, second, last = calls.pauses
        assert first >= 2
        assert second >= 4
        assert last >= 2
        assert len(calls.made) == 4 * 4
        assert here.claims() == 0
        assert here.made() == {"0000": 1, "0001": 1}


def test_half_of_all_starts_are_reset_and_one_run_contacts_everybody_once(tmp_path: Path) -> None:
    # Counted for each customer apart: whose starts are reset does not hang on who is quicker, and
    # nobody's are reset more often than one run tries.
    faults = [
        Fault(operation="StartChatContact", kind=kind, share=0.25, per_customer=True)
        for kind in (FaultKind.CUT_BEFORE, CUT)
    ]
    with world(tmp_path, faults=faults) as here:
        here.conversation = SHORT
        here.plan(customers(120))
        tried: set[int] = set()
        here.run(lambda funnel: tried.add(funnel.unknown))

        assert max(tried) >= 1
        here.assert_once_each(120)


def test_workers_that_each_hold_an_unknown_start_come_to_an_end(tmp_path: Path) -> None:
    faults = [fault for number in range(6) for fault in always_cut(f"{number:04}")]
    with world(tmp_path, faults=faults) as here:
        here.conversation = SHORT
        here.plan(customers(6))
        here.quotas = FAST.model_copy(update={"open_chats": 3})
        with ThreadPoolExecutor(2) as workers:
            list(workers.map(lambda _: here.run(), range(2)))

        # Each is tried by its holder alone: at once, before the end, and perhaps once between.
        assert set(statuses(here).values()) == {"unknown"}
        assert 6 * 8 <= here.local.calls["StartChatContact"] <= 6 * 12
        assert here.claims() == 0


def left_unknown(here: World, *, interrupted: bool) -> None:
    """What a worker leaves that was killed, or interrupted, while it held an unknown start."""
    now = datetime.now(UTC)
    terms = ClaimTerms(lease=timedelta(seconds=1.5), token_validity=timedelta(hours=24))
    (contact,) = here.ledger.claim(CAMPAIGN, "gone", most=1, now=now, terms=terms)
    starting = contact.advance(Status.STARTING, sent_at=now)
    unknown = starting.advance(Status.UNKNOWN)
    here.ledger.apply(
        "gone", [Progress(starting, contact.status), Progress(unknown, starting.status)]
    )
    if interrupted:
        here.ledger.release(CAMPAIGN, "gone", interrupted_at=now)


@pytest.mark.parametrize("interrupted", [False, True], ids=["killed", "interrupted"])
def test_an_unknown_start_of_a_worker_that_is_gone_is_taken_up_by_a_run_that_goes_on(
    tmp_path: Path, *, interrupted: bool
) -> None:
    with world(tmp_path, think_seconds=(1.5, 1.5)) as here:
        here.conversation = SHORT
        here.plan(customers(2))
        done = threading.Event()

        def report(funnel: Funnel) -> None:
            if funnel.connected and not done.is_set():
                done.set()
                here.plan([*customers(2), {**customers(3)[2]}])
                left_unknown(here, interrupted=interrupted)

        here.quotas = FAST.model_copy(update={"open_chats": 2})
        here.run(report)

        assert done.is_set()
        here.assert_once_each(3)


def test_a_campaign_that_is_paused_does_not_wait_for_its_unknown_starts(tmp_path: Path) -> None:
    with world(tmp_path, faults=always_cut()) as here:
        here.conversation = SHORT
        here.plan(customers(2))
        paused: list[bool] = []

        def report(funnel: Funnel) -> None:
            if funnel.unknown and not paused:
                paused.append(True)
                manage.pause(CAMPAIGN, here.ledger.url)

        here.run(report)

        assert here.local.calls["StartChatContact"] == 1 + 4
        assert statuses(here) == {"0000": "completed", "0001": "unknown"}

        # Not held any more: a person may decide, and the next run may go on.
        manage.resolve(CAMPAIGN, "0001", "was_contacted", here.ledger.url)
        assert statuses(here)["0001"] == "completed"


def test_an_unknown_start_is_not_sent_again_once_its_token_is_too_old(tmp_path: Path) -> None:
    with world(tmp_path, faults=always_cut(), think_seconds=(3.5, 3.5)) as here:
        here.conversation = SHORT
        here.quotas = FAST.model_copy(update={"token_validity": timedelta(seconds=3)})
        calls = Calls(here, "0001")
        here.plan(customers(2))
        funnel = here.run()

        assert funnel.unknown == 1
        assert calls.made[-1][0] - calls.made[0][0] < 3
        assert len(calls.made) == 2 * 4
        assert here.claims() == 0
        assert here.made() == {"0000": 1, "0001": 1}


def test_nobody_decides_about_a_start_that_its_run_comes_back_to(tmp_path: Path) -> None:
    with world(tmp_path, faults=cut(*range(1, 5))) as here:
        here.conversation = SHORT
        here.plan(customers(2))
        refused: list[str] = []

        def report(funnel: Funnel) -> None:
            if funnel.unknown and not refused:
                with pytest.raises(InputError) as error:
                    manage.resolve(CAMPAIGN, "0001", "contact_again", here.ledger.url)
                refused.append(str(error.value))

        here.run(report)

        assert "A worker is at this contact" in refused[0]
        here.assert_once_each(2)


def test_a_table_that_is_planned_again_does_not_change_what_an_unknown_start_sends(
    tmp_path: Path,
) -> None:
    with world(tmp_path, faults=cut(*range(1, 9))) as here:
        here.conversation = SHORT
        calls = Calls(here, "0001")
        here.plan(customers(2))
        here.run()
        assert statuses(here)["0001"] == "unknown"
        here.plan([{**row, "display_name": "Somebody else"} for row in customers(2)])
        here.run()

        assert len(calls.made) == 9
        assert len({request for _, request in calls.made}) == 1
        here.assert_once_each(2)


def test_a_start_that_a_person_replaced_while_its_worker_slept_is_not_sent_again(
    tmp_path: Path,
) -> None:
    before = [
        Fault(
            operation="StartChatContact",
            kind=FaultKind.CUT_BEFORE,
            customer_id="0001",
            nth=number,
        )
        for number in range(1, 5)
    ]
    with world(tmp_path, faults=before, think_seconds=(2.5, 2.5)) as here:
        here.conversation = SHORT
        calls = Calls(here, "0001")
        here.plan(customers(2))
        decided: list[bool] = []

        def report(funnel: Funnel) -> None:
            if funnel.unknown and not decided:
                decided.append(True)
                # What others see of a worker that has slept for longer than its claims last.
                with closing(sqlite3.connect(tmp_path / "ledger.db")) as database, database:
                    database.execute("UPDATE contacts SET claimed_until = '2020-01-01'")
                manage.resolve(CAMPAIGN, "0001", "contact_again", here.ledger.url)

        here.run(report)

        assert decided
        assert here.made()["0001"] == 1
        tokens = [json.loads(request)["ClientToken"] for _, request in calls.made]
        assert len(set(tokens[:4])) == 1
        assert len(set(tokens[4:])) == 1
        assert tokens[0] != tokens[4]
