"""Messages to phones, each once, counted at a local Amazon Connect; without Prefect."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connect_tasks import Quotas
from connect_tasks.aws.client import ConnectApi
from connect_tasks.aws.outbound_models import StartOutboundChatContactResponse
from connect_tasks.campaign import manage
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.run import run_campaign
from connect_tasks.campaign.suppression import suppress
from connect_tasks.emulator import Fault, FaultKind, LocalQuotas
from connect_tasks.emulator.phones import LocalPhones, PhoneKind
from connect_tasks.errors import CampaignHaltedError, InputError, RetryableError
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.erasure import forget
from connect_tasks.ledger.store import Ledger
from tests.functional.fake_amazon import JumpingClock
from tests.functional.outbound_world import (
    FAST_OUT,
    OutboundWorld,
    number,
    outbound_world,
    phones,
)
from tests.functional.world import CAMPAIGN, QUICK, always
from tests.postgresql import new_database

START = "StartOutboundChatContact"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
        return
    with new_database() as url:
        yield url


def fault(kind: FaultKind, **where: Any) -> Fault:
    return Fault(operation=START, kind=kind, **where)


def watched(here: OutboundWorld) -> list[str]:
    """The requests that went out, by threads: a client of one's own is not carried otherwise."""
    sent: list[str] = []

    class Watched(ConnectApi):
        def start_outbound_chat(self, request: str) -> StartOutboundChatContactResponse:
            sent.append(request)
            return super().start_outbound_chat(request)

    here.api_class = Watched
    return sent


# --- once each ---


def test_each_customer_is_written_to_once_and_no_socket_is_opened(tmp_path: Path) -> None:
    with outbound_world(tmp_path) as here:
        here.plan(phones(5))
        funnel = here.run()

        here.assert_once_each(5)
        assert (funnel.started, funnel.handed_over, funnel.in_hands, funnel.left) == (5, 5, 5, 0)
        assert here.local.calls[START] == 5
        assert here.local.calls["CreateParticipantConnection"] == 0
        assert here.local.calls["StartChatContact"] == 0


def test_a_second_run_writes_to_nobody_and_to_who_is_new(tmp_path: Path) -> None:
    with outbound_world(tmp_path) as here:
        here.plan(phones(3))
        here.run()
        here.plan(phones(4))
        here.run()
        here.run()

        here.assert_once_each(4)


def test_an_edited_text_writes_to_nobody_again_and_is_reported(tmp_path: Path) -> None:
    with outbound_world(tmp_path) as here:
        here.plan(phones(2))
        here.run()
        here.template = here.template.model_copy(
            update={"attributes": {"plan": "{{ customer_id }}"}}
        )
        plan = here.plan(phones(2))
        here.run()

        here.assert_once_each(2)
        assert plan.request_changed == 2
        assert "attributes.plan (column 'customer_id')" in plan.request_changes


def test_workers_share_a_campaign_and_write_to_everybody_once(ledger_url: str) -> None:
    with outbound_world(Path(), ledger_url=ledger_url) as here:
        here.plan(phones(40))

        def run() -> int:
            with Ledger(ledger_url) as own:
                return here.run(ledger=own).started

        with ThreadPoolExecutor(2) as threads:
            runs = [threads.submit(run) for _ in range(2)]
        assert [one.exception() for one in runs] == [None, None]
        here.assert_once_each(40)


def test_what_is_stored_is_what_is_sent_token_and_all(tmp_path: Path) -> None:
    with outbound_world(tmp_path, faults=[fault(FaultKind.CUT_AFTER, nth=1)]) as here:
        sent = watched(here)
        here.plan(phones(1))
        here.run()

        [row] = here.rows().values()
        assert sent == [row["request"]] * 2
        assert json.loads(sent[0])["ClientToken"] == row["client_token"]
        assert here.made() == {number(0): 1}


# --- faults, as for starts ---


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.CUT_BEFORE,
        FaultKind.CUT_AFTER,
        FaultKind.THROTTLE,
        FaultKind.UNTYPED_429,
        FaultKind.TRUNCATED,
        FaultKind.NO_SLOT,
    ],
)
def test_a_fault_on_every_third_call_contacts_everybody_once(
    tmp_path: Path, kind: FaultKind
) -> None:
    with outbound_world(tmp_path, faults=[fault(kind, every=3)]) as here:
        here.plan(phones(12))
        for _ in range(5):
            if not here.run().left:
                break

        here.assert_once_each(12)


def test_a_start_that_times_out_is_repeated_and_makes_one_contact(tmp_path: Path) -> None:
    delay = fault(FaultKind.DELAY, nth=1, seconds=3)
    with outbound_world(tmp_path, faults=[delay]) as here:
        here.read_timeout_seconds = 1
        here.plan(phones(2))
        here.run()

        here.assert_once_each(2)


def test_a_server_error_may_have_made_a_contact_and_the_same_token_finds_it(
    tmp_path: Path,
) -> None:
    error = Fault(operation=START, kind=FaultKind.ERROR_AFTER, nth=1, status=500, code=None)
    with outbound_world(tmp_path, faults=[error]) as here:
        here.plan(phones(2))
        here.run()

        here.assert_once_each(2)


def test_a_clear_refusal_fails_its_row_alone(tmp_path: Path) -> None:
    refusal = Fault(
        operation=START,
        kind=FaultKind.ERROR_BEFORE,
        nth=1,
        status=400,
        code="InvalidRequestException",
    )
    with outbound_world(tmp_path, faults=[refusal]) as here:
        here.plan(phones(3))
        here.run()

        assert here.statuses() == {"started": 2, "failed": 1}
        assert sum(here.made().values()) == 2


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "AccessDeniedException"), (404, "ResourceNotFoundException")],
)
def test_what_concerns_everybody_stops_the_campaign_and_is_resumable(
    tmp_path: Path, status: int, code: str
) -> None:
    with outbound_world(tmp_path, faults=[always(START, status, code)]) as here:
        here.plan(phones(20))
        with pytest.raises(CampaignHaltedError):
            here.run()

        assert here.made() == {}
        assert set(here.statuses()) <= {"planned", "starting"}


def test_an_outcome_that_nobody_knows_is_found_out_within_seven_days_and_not_after(
    tmp_path: Path,
) -> None:
    clock = JumpingClock()
    cut = fault(FaultKind.CUT_AFTER, every=1)
    with outbound_world(tmp_path, faults=[cut]) as here:
        here.plan(phones(1))
        here.run(clock=clock)
        assert here.statuses() == {"unknown": 1}
        calls = here.local.calls[START]
        clock.advance(timedelta(days=6, hours=23))
        here.run(clock=clock)
        assert here.local.calls[START] > calls
        calls = here.local.calls[START]
        clock.advance(timedelta(hours=1))
        here.run(clock=clock)

        assert here.local.calls[START] == calls
        assert here.statuses() == {"unknown": 1}
        assert here.made() == {number(0): 1}


def test_what_a_person_decides_again_is_written_once_more_with_another_token(
    tmp_path: Path,
) -> None:
    cut = fault(FaultKind.CUT_AFTER, every=1)
    with outbound_world(tmp_path, faults=[cut]) as here:
        here.plan(phones(1))
        here.run()
    with outbound_world(tmp_path) as here:
        manage.resolve(CAMPAIGN, "0000", "contact_again", here.ledger)
        here.run()

        [row] = here.rows().values()
        assert (row["generation"], row["status"]) == (2, "started")
        assert here.made() == {number(0): 1}


# --- pace ---


def test_its_own_quota_paces_it_and_that_of_starts_does_not(tmp_path: Path) -> None:
    granted = LocalQuotas.unlimited()
    with outbound_world(tmp_path, quotas=granted) as here:
        here.quotas = FAST_OUT.model_copy(
            update={
                "outbound_starts_per_second": 20.0,
                "outbound_start_burst": 1,
                "starts_per_second": 0.01,
                "start_burst": 1,
            }
        )
        here.plan(phones(10))
        limits: list[str | None] = []
        here.run(on_progress=lambda funnel: limits.append(funnel.limited_by))

        here.assert_once_each(10)
        assert START in limits
        assert "StartChatContact" not in limits


def test_no_more_conversations_are_open_than_the_instance_has_slots(tmp_path: Path) -> None:
    silent = LocalPhones(shares={PhoneKind.SILENT: 1})
    with outbound_world(tmp_path, phones=silent) as here:
        here.quotas = FAST_OUT.model_copy(update={"open_chats": 3})
        here.plan(phones(5))
        done = threading.Event()

        def run() -> None:
            here.run()
            done.set()

        thread = threading.Thread(target=run)
        thread.start()
        while sum(here.made().values()) < 3:
            assert not done.wait(0.05)
        # Asked about again and again, none of the three is over: nobody else is written to.
        assert not done.wait(2.5)
        assert sum(here.made().values()) == 3
        manage.pause(CAMPAIGN, here.ledger)
        thread.join(60)
        assert done.is_set()


def test_who_waited_long_for_a_slot_is_tried_as_often_as_anybody(tmp_path: Path) -> None:
    cut_off: list[str] = []

    class Unplugged(ConnectApi):
        """Has no network for the first call to the second phone."""

        def start_outbound_chat(self, request: str) -> StartOutboundChatContactResponse:
            if number(1) in request and not cut_off:
                cut_off.append(request)
                raise RetryableError("nothing was sent", operation=START)
            return super().start_outbound_chat(request)

    # The first is talked to for longer than a start may be tried.
    with outbound_world(tmp_path, think_seconds=(1, 1)) as here:
        here.api_class = Unplugged
        here.quotas = FAST_OUT.model_copy(update={"open_chats": 1})
        here.plan(phones(2))
        tried = QUICK.model_copy(update={"total_seconds": 0.5})
        instance = replace(here.instance(), policy=tried)
        run_campaign(here.ledger, CAMPAIGN, instance, outbound=True, poll_seconds=0.02)

        assert len(cut_off) == 1
        here.assert_once_each(2)


# --- the way ---


def test_a_campaign_keeps_its_way(tmp_path: Path) -> None:
    with outbound_world(tmp_path) as here:
        here.plan(phones(1))
        ways: list[dict[str, Any]] = [{}, {"hand_over": lambda _: None}]
        for options in ways:
            with pytest.raises(InputError, match=r"written to on their phone \(`text_out`\)"):
                run_campaign(here.ledger, CAMPAIGN, here.instance(), **options)
        with pytest.raises(InputError, match="keeps its way"):
            here.ledger.open_campaign(
                CAMPAIGN, here.local.instance_id, now=_now(), mode=CampaignMode.SIMULATION
            )
        here.ledger.open_campaign("ours", here.local.instance_id, now=_now())
        with pytest.raises(InputError, match="is a simulation"):
            run_campaign(here.ledger, "ours", here.instance(), outbound=True)
        with pytest.raises(InputError, match="nothing to hand over"):
            run_campaign(
                here.ledger, CAMPAIGN, here.instance(), outbound=True, hand_over=lambda _: None
            )

        assert here.local.calls.total() == 0


def _now() -> datetime:
    return datetime.now(UTC)


def run_next(here: OutboundWorld) -> None:
    """Another campaign with the same policy, for the first customer."""
    renderer = here.template.bind(
        instance_id=here.local.instance_id, contact_flow_id=here.local.flow_id
    )
    here.ledger.open_campaign(
        "next",
        here.local.instance_id,
        now=_now(),
        mode=CampaignMode.OUTBOUND,
        policy=here.policy.model_dump(mode="json"),
    )
    plan_campaign(here.ledger, "next", [phones(1)], renderer, now=_now())
    run_campaign(here.ledger, "next", here.instance(), outbound=True)


# --- a person's wishes ---


def test_a_paused_campaign_writes_to_nobody_and_goes_on_where_it_was(tmp_path: Path) -> None:
    with outbound_world(tmp_path) as here:
        here.plan(phones(3))
        manage.pause(CAMPAIGN, here.ledger)
        here.run()
        assert here.made() == {}
        manage.resume(CAMPAIGN, here.ledger)
        here.run()

        here.assert_once_each(3)


def test_who_was_taken_out_is_not_written_to(tmp_path: Path) -> None:
    with outbound_world(tmp_path) as here:
        here.plan(phones(3))
        manage.withdraw(CAMPAIGN, ["0001"], here.ledger)
        here.run()

        assert here.made() == {number(0): 1, number(2): 1}


def test_a_stopped_campaign_s_conversations_are_ended_by_collect(tmp_path: Path) -> None:
    with outbound_world(tmp_path, phones=LocalPhones(shares={PhoneKind.SILENT: 1})) as here:
        here.plan(phones(2))
        here.run()
        manage.stop(CAMPAIGN, here.ledger)
        here.collect()

        assert {one.disconnect_reason for one in here.local.contacts} == {"API"}
        assert here.statuses() == {"completed": 2}


def test_who_was_forgotten_is_not_written_to_again(tmp_path: Path) -> None:
    with outbound_world(tmp_path) as here:
        here.plan(phones(1))
        here.run()
        here.collect()
        forget("0000", here.ledger.url)
        plan = here.plan(phones(1))
        here.run()

        assert plan.added == 0
        assert here.made() == {number(0): 1}
        assert number(0).encode() not in (tmp_path / "ledger.db").read_bytes()


# --- who answered ---


def test_collect_brings_state_answers_and_opt_outs(tmp_path: Path) -> None:
    silent = PhoneKind.SILENT
    kinds = {number(1): PhoneKind.STOP, number(2): silent, number(3): PhoneKind.UNDELIVERABLE}
    people = LocalPhones(by_number=kinds, texts={number(0): ["9"]})
    with outbound_world(tmp_path, phones=people, flow="echo") as here:
        here.plan(phones(4))
        here.run()
        for contact in here.local.contacts:
            if contact.ended_at is None and contact.phone_number in (number(0), number(1)):
                here.instance().api.stop_contact(here.local.instance_id, contact.contact_id)
        here.collect()

        rows = here.rows()
        ends = {name: row["disconnect_reason"] for name, row in rows.items()}
        assert ends["0000"] == "API"
        assert ends["0003"] == "SYSTEM_ERROR"
        assert rows["0002"]["ended_at"] is None
        said = here.result.messages
        mine = said[(said["customer_id"] == "0000") & (said["participant_role"] == "CUSTOMER")]
        assert "9" in set(mine["content"].dropna())
        assert (rows["0000"]["first_reply_at"] is None) is False
        assert rows["0003"]["first_reply_at"] is None
        # The word was said before the transcript was read, and counts from then on.
        assert [entry["customer_id"] for entry in suppressed(here)] == ["0001"]


def suppressed(here: OutboundWorld) -> list[dict[str, Any]]:
    with here.ledger._reading() as connection:
        rows = connection.exec_driver_sql("SELECT customer_id, list FROM suppressions").mappings()
        return [dict(row) for row in rows]


def test_who_opted_out_by_one_campaign_is_not_written_to_by_the_next(tmp_path: Path) -> None:
    with outbound_world(
        tmp_path, phones=LocalPhones(shares={PhoneKind.STOP: 1}), flow="echo"
    ) as here:
        here.policy = OutreachPolicy(suppression=("marketing",))
        here.plan(phones(1))
        here.run()
        for contact in here.local.contacts:
            here.instance().api.stop_contact(here.local.instance_id, contact.contact_id)
        here.collect()
        run_next(here)

        assert here.made() == {number(0): 1}


# --- the policy ---


def test_an_opt_out_between_planning_and_sending_holds(tmp_path: Path) -> None:
    with outbound_world(tmp_path) as here:
        here.policy = OutreachPolicy(suppression=("marketing",))
        here.plan(phones(2))
        suppress("0001", list="marketing", ledger=here.ledger)
        here.run()

        assert here.made() == {number(0): 1}
        assert here.statuses() == {"started": 1, "withheld": 1}


def test_a_message_counts_as_a_contact_for_other_campaigns(tmp_path: Path) -> None:
    limits = {"communication_limits": {"limits": [{"max_count_per_recipient": 1, "frequency": 7}]}}
    with outbound_world(tmp_path) as here:
        here.policy = OutreachPolicy.model_validate(limits)
        here.plan(phones(1))
        here.run()
        run_next(here)

        assert here.made() == {number(0): 1}


def test_a_ramp_begins_with_few_and_halts_where_amazon_refuses_them(tmp_path: Path) -> None:
    refusal = Fault(
        operation=START,
        kind=FaultKind.ERROR_BEFORE,
        every=1,
        status=400,
        code="InvalidRequestException",
    )
    with outbound_world(tmp_path, faults=[refusal]) as here:
        here.policy = OutreachPolicy.model_validate({"ramp": {"steps": [5]}})
        here.plan(phones(30))
        with pytest.raises(CampaignHaltedError):
            here.run()

        assert here.local.calls[START] == 5
    other = tmp_path / "other"
    other.mkdir()
    with outbound_world(other) as here:
        here.policy = OutreachPolicy.model_validate({"ramp": {"steps": [5]}})
        here.plan(phones(12))
        here.run()

        here.assert_once_each(12)


def test_the_defaults_are_two_a_second_and_seven_days() -> None:
    quotas = Quotas()

    assert quotas.rate_of(START) == (2, 5)
    assert quotas.outbound_token_validity == timedelta(days=7)
