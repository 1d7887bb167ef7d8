"""Started chats that are given to their customers, at a local Amazon Connect, without Prefect."""

import asyncio
import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connect_tasks import Conversation
from connect_tasks.campaign.hand_over.calls import HandOverCalls
from connect_tasks.campaign.hand_over.started_chat import StartedChat
from connect_tasks.campaign.hand_over_pipeline import MOST_AT_ONCE, NOT_HANDED_OVER
from connect_tasks.campaign.manage import pause, resume, stop
from connect_tasks.campaign.run import run_campaign
from connect_tasks.campaign.summary import pace_now
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.emulator import Fault, FaultKind
from connect_tasks.errors import CampaignHaltedError, InputError
from connect_tasks.ledger.changes import Progress
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.store import Ledger
from tests.functional.hand_over_world import App, hand_over_world, join
from tests.functional.world import CAMPAIGN, QUICK, always, customers, world

LONG = 30


def everybody(count: int) -> dict[str, int]:
    return {f"{number:04}": 1 for number in range(count)}


def test_each_customer_s_chat_is_given_away_once_with_what_opens_it(tmp_path: Path) -> None:
    with hand_over_world(tmp_path) as here:
        here.template = ChatTemplate(attributes={"plan": "plan {{ score }}"})
        here.plan(customers(3))
        app = App()
        funnel = here.hand_over(app)

        assert app.given == everybody(3)
        chat = next(chat for chat in app.chats if chat.customer_id == "0001")
        made = {one.customer_id: one for one in here.local.contacts}
        assert chat.attributes == {"plan": "plan 9"}
        assert (chat.campaign, chat.contact_id) == (CAMPAIGN, made["0001"].contact_id)
        assert timedelta(minutes=4) < chat.connect_by - datetime.now(UTC) <= timedelta(minutes=5)
        assert chat.response.contact_id == chat.contact_id
        with join(here, chat.participant_token.get_secret_value()):
            pass
        assert next(one.connected_at for one in here.local.contacts if one.customer_id == "0001")
        assert (funnel.handed_over, funnel.in_hands, funnel.left, funnel.connected) == (3, 3, 0, 0)


def test_what_was_given_away_is_nobody_s_of_ours_any_more(tmp_path: Path) -> None:
    with hand_over_world(tmp_path) as here:
        here.plan(customers(3))
        app = App()
        here.hand_over(app)
        rows = here.rows().values()

        assert {(row["status"], row["end_reason"]) for row in rows} == {("started", None)}
        assert all(row["handed_over_at"] >= row["started_at"] for row in rows)
        assert here.claims() == 0
        again = here.hand_over(app)

        assert app.given == everybody(3)
        assert set(here.ended().values()) == {None}
        assert here.local.calls["StopContact"] == 0
        assert here.local.calls["CreateParticipantConnection"] == 0
        assert again.in_hands == 3


def test_a_chat_that_no_template_limits_lasts_four_hours(tmp_path: Path) -> None:
    with hand_over_world(tmp_path) as here:
        here.plan(customers(1))
        (row,) = here.contacts()

        assert json.loads(row["request"])["ChatDurationInMinutes"] == 240


class Own(BaseException):
    pass


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, Own])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_function_that_fails_for_good_stops_that_chat_and_no_other(
    tmp_path: Path, error: type[BaseException], *, is_async: bool
) -> None:
    def give(chat: StartedChat) -> None:
        if chat.customer_id == "0001":
            raise error("what Ada earns")

    async def give_async(chat: StartedChat) -> None:
        give(chat)

    with hand_over_world(tmp_path) as here:
        here.plan(customers(4))
        app = App(give_async if is_async else give)
        funnel = here.hand_over(app)
        rows = here.rows()
        lost = rows.pop("0001")

        assert app.given == {**everybody(4), "0001": QUICK.attempts}
        assert (lost["status"], lost["end_reason"]) == ("completed", "lost")
        assert lost["error_code"] == NOT_HANDED_OVER
        assert error.__name__ in lost["error_message"]
        assert "Ada" not in lost["error_message"]
        assert lost["handed_over_at"] is None
        assert here.ended() == {"0000": None, "0001": "API", "0002": None, "0003": None}
        assert all(row["handed_over_at"] for row in rows.values())
        assert (funnel.handed_over, funnel.completed, funnel.left) == (3, 1, 0)


def test_a_function_that_fails_at_first_is_asked_again(tmp_path: Path) -> None:
    failures = Counter({"0000": 1, "0002": QUICK.attempts - 1})
    lock = threading.Lock()

    def give(chat: StartedChat) -> None:
        with lock:
            failures[chat.customer_id] -= 1
            if failures[chat.customer_id] >= 0:
                raise OSError

    with hand_over_world(tmp_path) as here:
        here.plan(customers(3))
        app = App(give)
        here.hand_over(app)

        assert app.given == {"0000": 2, "0001": 1, "0002": QUICK.attempts}
        assert all(row["handed_over_at"] for row in here.contacts())


@pytest.mark.parametrize("is_async", [False, True])
def test_one_that_hangs_costs_its_chat_in_time_and_holds_up_nobody(
    tmp_path: Path, *, is_async: bool
) -> None:
    never = threading.Event()

    def give(chat: StartedChat) -> object:
        if chat.customer_id != "0000":
            return None
        return asyncio.sleep(LONG * 10) if is_async else never.wait(LONG * 10)

    with hand_over_world(tmp_path) as here:
        here.connect_window = timedelta(seconds=2)
        here.plan(customers(100))
        app = App(give)
        began = time.monotonic()
        here.hand_over(app)
        took = time.monotonic() - began
        never.set()
        rows = here.rows()
        lost = rows.pop("0000")

        assert app.given == everybody(100)
        assert (lost["end_reason"], lost["error_code"]) == ("lost", NOT_HANDED_OVER)
        assert "did not return in time" in lost["error_message"]
        # Before Amazon itself would have given it up.
        assert here.ended()["0000"] == "API"
        assert lost["ended_at"] - lost["started_at"] < here.connect_window
        assert all(row["handed_over_at"] for row in rows.values())
        assert took < LONG


def test_one_that_returns_too_late_has_lost_its_chat(tmp_path: Path) -> None:
    late = threading.Event()
    with hand_over_world(tmp_path) as here:
        here.connect_window = timedelta(seconds=0.5)
        here.plan(customers(1))
        here.hand_over(lambda _: late.wait(LONG))
        late.set()
        (row,) = here.contacts()

        assert (row["end_reason"], row["error_code"]) == ("lost", NOT_HANDED_OVER)
        assert row["handed_over_at"] is None


def test_a_chat_that_its_customer_joined_was_given_away_whatever_the_function_says(
    tmp_path: Path,
) -> None:
    with hand_over_world(tmp_path) as here:
        here.plan(customers(1))

        def give(chat: StartedChat) -> None:
            with join(here, chat.participant_token.get_secret_value()):
                raise ValueError

        here.hand_over(give)
        (row,) = here.contacts()

        assert row["status"] == "connected"
        assert row["handed_over_at"]
        assert here.ended() == {"0000": None}


def test_no_more_chats_are_started_than_are_given_away_at_once(tmp_path: Path) -> None:
    release, enough = threading.Event(), threading.Event()
    with hand_over_world(tmp_path) as here:
        here.plan(customers(MOST_AT_ONCE + 30))

        def give(_: StartedChat) -> None:
            if len(app.chats) >= MOST_AT_ONCE:
                enough.set()
            release.wait(LONG)

        app = App(give)
        limits: set[str | None] = set()
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(
                here.hand_over, app, report=lambda funnel: limits.add(funnel.limited_by)
            )
            assert enough.wait(LONG)
            # Whoever would be started beyond that has had the time for it.
            time.sleep(0.3)
            started = len(here.local.contacts)
            release.set()
            run.result(LONG)

        assert started == MOST_AT_ONCE
        # What a person sees of it in the meantime names the function, and no quota of Amazon's.
        assert "hand_over" in limits
        assert pace_now("hand_over", here.quotas, {}).startswith("limited by the hand-over's")
        assert app.given == everybody(MOST_AT_ONCE + 30)


def test_a_function_that_always_fails_ends_the_run_before_it_has_cost_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HandOverCalls, "MOST_IN_A_ROW", 5)

    def give(_: StartedChat) -> None:
        raise ValueError

    with hand_over_world(tmp_path) as here:
        here.plan(customers(400))
        with pytest.raises(CampaignHaltedError, match=r"failed for .* chats in a row"):
            here.hand_over(give)
        spent = len(here.local.contacts)
        app = App()
        here.hand_over(app)

        assert spent < 5 + MOST_AT_ONCE + 30
        assert here.made() == everybody(400)
        assert len(app.given) == 400 - spent


@pytest.mark.parametrize("kind", [FaultKind.CUT_AFTER, FaultKind.ERROR_AFTER, FaultKind.CUT_BEFORE])
def test_a_start_that_went_unanswered_is_given_away_once_all_the_same(
    tmp_path: Path, kind: FaultKind
) -> None:
    fault = Fault(operation="StartChatContact", kind=kind, every=3)
    with hand_over_world(tmp_path, faults=[fault]) as here:
        here.plan(customers(9))
        app = App()
        here.hand_over(app)

        assert here.made() == everybody(9)
        assert app.given == everybody(9)
        assert all(row["handed_over_at"] for row in here.contacts())


def interrupted(here: Any, *, started_ago: float = 1) -> None:
    """As a run leaves a contact that was killed between the start and the end of the function."""

    def give(_: StartedChat) -> None:
        started.set()
        release.wait(LONG)

    started, release = threading.Event(), threading.Event()

    def ctrl_c(_: Any) -> None:
        if started.is_set():
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        here.hand_over(give, report=ctrl_c)
    release.set()
    at = datetime.now(UTC) - timedelta(seconds=started_ago)
    with closing(sqlite3.connect(here.ledger.url.removeprefix("sqlite:///"))) as database:
        text = at.replace(tzinfo=None).isoformat(sep=" ")
        database.execute("UPDATE contacts SET sent_at = ?, started_at = ?", (text, text))
        database.commit()


def test_ctrl_c_in_the_middle_leaves_the_chat_for_the_next_run(tmp_path: Path) -> None:
    with hand_over_world(tmp_path) as here:
        here.plan(customers(1))
        interrupted(here)
        (row,) = here.contacts()
        assert (row["status"], row["handed_over_at"]) == ("started", None)
        assert here.claims() == 0

        app = App()
        here.hand_over(app)
        (row,) = here.contacts()

        assert app.given == {"0000": 1}
        assert app.chats[0].contact_id == row["contact_id"]
        assert here.made() == {"0000": 1}
        assert row["handed_over_at"]
        with join(here, app.chats[0].participant_token.get_secret_value()):
            pass


def test_a_chat_that_somebody_joined_meanwhile_is_not_given_away_again(tmp_path: Path) -> None:
    with hand_over_world(tmp_path) as here:
        here.plan(customers(1))
        interrupted(here)
        first = App()
        # The answer of the first run's function was lost with its run; the app has the chat.
        with join(here, here.local.issued_tokens[0]):
            here.hand_over(first)
        (row,) = here.contacts()

        assert first.given == {}
        assert (row["status"], bool(row["handed_over_at"])) == ("connected", True)
        assert row["connected_at"] == here.local.contacts[0].connected_at
        assert here.ended() == {"0000": None}


def test_a_chat_that_ended_meanwhile_is_told_of_and_not_given_away(tmp_path: Path) -> None:
    with hand_over_world(tmp_path) as here:
        here.plan(customers(1))
        interrupted(here)
        here.stop_contact(here.local.contacts[0].contact_id)
        app = App()
        here.hand_over(app)
        (row,) = here.contacts()

        assert app.given == {}
        assert (row["status"], row["end_reason"], row["error_code"]) == ("completed", "lost", "API")


def test_one_for_which_too_little_time_is_left_is_stopped_and_not_given_away(
    tmp_path: Path,
) -> None:
    with hand_over_world(tmp_path) as here:
        here.plan(customers(1))
        interrupted(here, started_ago=270)
        app = App()
        here.hand_over(app)
        (row,) = here.contacts()

        assert app.given == {}
        assert (row["end_reason"], row["error_code"]) == ("lost", NOT_HANDED_OVER)
        assert here.ended() == {"0000": "API"}


def test_amazon_s_clock_counts_where_it_says_that_the_chat_is_older(tmp_path: Path) -> None:
    def late() -> datetime:
        return datetime.now(UTC) - timedelta(seconds=200)

    with hand_over_world(tmp_path, now=late) as here:
        here.plan(customers(1))
        interrupted(here)
        app = App()
        here.hand_over(app)

        (chat,) = app.chats
        left = chat.connect_by - datetime.now(UTC)
        assert timedelta(seconds=80) < left < timedelta(seconds=101)


def test_without_permission_to_ask_an_interrupted_chat_is_given_away_again(tmp_path: Path) -> None:
    fault = always("DescribeContact", 403, "AccessDeniedException")
    with hand_over_world(tmp_path, faults=[fault]) as here:
        here.plan(customers(1))
        interrupted(here)
        app = App()
        here.hand_over(app)

        assert app.given == {"0000": 1}
        assert here.made() == {"0000": 1}


def test_a_paused_campaign_starts_nothing_and_gives_away_what_is_started(tmp_path: Path) -> None:
    release, first = threading.Event(), threading.Event()

    def give(_: StartedChat) -> None:
        first.set()
        release.wait(LONG)

    with hand_over_world(tmp_path) as here:
        here.plan(customers(MOST_AT_ONCE * 2))
        app = App(give)
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(here.hand_over, app)
            assert first.wait(LONG)
            pause(CAMPAIGN, here.ledger)
            time.sleep(1.5)
            release.set()
            run.result(LONG)
        rows = here.contacts()
        given = [row for row in rows if row["handed_over_at"]]

        assert 0 < len(given) == len(here.local.contacts) <= MOST_AT_ONCE
        assert {row["status"] for row in rows} <= {"started", "planned"}
        resume(CAMPAIGN, here.ledger)
        here.hand_over(app)
        assert app.given == everybody(MOST_AT_ONCE * 2)


def test_a_stopped_campaign_stops_what_is_not_given_away_within_the_grace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connect_tasks.campaign import worker

    monkeypatch.setattr(worker.WorkerSettings, "__init__", _with_short_grace(worker.WorkerSettings))
    release, first = threading.Event(), threading.Event()

    def give(chat: StartedChat) -> None:
        if chat.customer_id == "0000":
            first.set()
            release.wait(LONG)

    with hand_over_world(tmp_path) as here:
        here.plan(customers(2))
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(here.hand_over, give)
            assert first.wait(LONG)
            stop(CAMPAIGN, here.ledger)
            run.result(LONG)
        release.set()
        rows = here.rows()

        assert rows["0000"]["error_code"] == NOT_HANDED_OVER
        assert here.ended() == {"0000": "API", "0001": None}
        assert rows["0001"]["handed_over_at"]


def test_a_run_that_is_cancelled_while_it_writes_gives_away_what_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connect_tasks.campaign import run as running

    monkeypatch.setattr(running, "GRACE_SECONDS", 0.3)
    writing, release, late = threading.Event(), threading.Event(), threading.Event()

    class SlowLedger(Ledger):
        def apply(self, worker: str, changes: Sequence[Any], **more: Any) -> None:
            if any(isinstance(one, Progress) and one.contact.handed_over_at for one in changes):
                writing.set()
                release.wait(LONG)
            super().apply(worker, changes, **more)

    def cancel(_: Any) -> None:
        if writing.is_set():
            # As Prefect does, from the run's own thread; the write goes on in the meantime.
            threading.Timer(0.2, release.set).start()
            raise InterruptedError

    with hand_over_world(tmp_path) as here, SlowLedger(here.ledger.url) as slow:
        here.plan(customers(2))
        hangs = {"0001": late}
        with pytest.raises(InterruptedError):
            here.hand_over(
                lambda chat: chat.customer_id in hangs and late.wait(LONG),
                ledger=slow,
                report=cancel,
            )
        late.set()
        rows = here.rows()

        assert rows["0000"]["handed_over_at"]
        assert rows["0001"]["error_code"] == NOT_HANDED_OVER
        assert here.ended() == {"0000": None, "0001": "API"}
    assert "Exception in callback" not in caplog.text


def _with_short_grace(settings: Any) -> Any:
    make = settings.__init__

    def short(self: Any, **values: Any) -> None:
        make(self, **{**values, "grace_seconds": 0.2, "state_seconds": 0.05})

    return short


def test_several_workers_give_each_chat_away_once(tmp_path: Path, ledger_url: str) -> None:
    with hand_over_world(tmp_path, ledger_url=ledger_url) as here:
        here.plan(customers(60))
        app = App(lambda _: time.sleep(0.01))
        with ThreadPoolExecutor(3) as pool, Ledger(ledger_url) as second:
            runs = [
                pool.submit(here.hand_over, app, ledger=ledger)
                for ledger in (here.ledger, second, here.ledger)
            ]
            for run in runs:
                run.result(LONG)

        assert app.given == everybody(60)
        assert here.made() == everybody(60)
        assert all(row["handed_over_at"] for row in here.contacts())


def test_a_campaign_is_run_in_its_own_way_only_and_nothing_is_claimed(tmp_path: Path) -> None:
    with hand_over_world(tmp_path) as here:
        here.plan(customers(2))
        with pytest.raises(InputError, match="run by hand-over"):
            run_campaign(here.ledger, CAMPAIGN, here.instance(), conversation=Conversation())
        with pytest.raises(InputError, match="run by hand-over"):
            run_campaign(here.ledger, CAMPAIGN, here.instance())
        with pytest.raises(InputError, match="Leave one of the two out"):
            here.hand_over(App(), conversation=Conversation())
        with pytest.raises(InputError, match="names no function"):
            here.hand_over("nowhere")

        assert here.local.calls.total() == 0
        assert {row["status"] for row in here.contacts()} == {"planned"}
        assert here.claims() == 0


@pytest.mark.parametrize("mode", [CampaignMode.SIMULATION, CampaignMode.INVITATION])
def test_a_campaign_of_another_way_is_handed_to_nobody(tmp_path: Path, mode: CampaignMode) -> None:
    with world(tmp_path) as here:
        now = datetime.now(UTC)
        here.ledger.open_campaign("other", here.local.instance_id, now=now, mode=mode)
        app = App()
        with hand_over_world(tmp_path) as there, pytest.raises(InputError, match="keeps its way"):
            run_campaign(here.ledger, "other", there.instance(), hand_over=app)

        assert app.given == {}


def test_no_token_is_written_down_or_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")

    def give(chat: StartedChat) -> None:
        if chat.customer_id == "0001":
            raise ValueError(chat.participant_token.get_secret_value())

    with hand_over_world(tmp_path) as here:
        here.plan(customers(3))
        here.hand_over(give)
        tokens = [token for token in here.local.issued_tokens if len(token) > 20]

        kept = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*")).decode("latin1")
        assert tokens
        assert not [token for token in tokens if token in kept or token in caplog.text]
