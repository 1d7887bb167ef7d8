"""People's chats fill an instance as any others: counted out of the ledger, on each database."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connect_tasks import Conversation
from connect_tasks.aws.pacing.concurrency import SlotDemand
from connect_tasks.campaign.peoples_slots import PeoplesSlots
from connect_tasks.campaign.run import run_campaign
from connect_tasks.emulator import LocalQuotas
from connect_tasks.ledger import peoples_chats
from connect_tasks.ledger.claims import CLAIM_ORDER, ClaimTerms
from connect_tasks.ledger.store import Ledger
from tests.functional.hand_over_world import App, hand_over_world, with_slots
from tests.functional.world import always, customers
from tests.ledger_rows import INSTANCE, enter

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
LEASE = timedelta(seconds=30)
TERMS = ClaimTerms(lease=LEASE, token_validity=timedelta(hours=24))
LONG = 30


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger(ledger_url) as ledger:
        yield ledger


def minutes_ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def share(
    ledger: Ledger,
    worker: str = "w",
    *,
    opened: int = 0,
    wanted: int = 500,
    quota: int = 10,
    refused: bool = False,
    instance: str = INSTANCE,
) -> tuple[int, int]:
    demand = SlotDemand(open=opened, wanted=wanted)
    return ledger.share_slots(
        instance, worker, demand, quota=quota, refused=refused, now=NOW, lease=LEASE
    )


def count(ledger: Ledger, instance: str = INSTANCE) -> int:
    with ledger._reading() as connection:
        return peoples_chats.count_open(connection, instance, NOW.timestamp())


INVITED = {"mode": "invitation", "campaign": "by-link"}
GIVEN = {"mode": "hand_over", "campaign": "by-hand"}
SIMULATED = {"mode": "simulation", "campaign": "by-us"}
FRESH: dict[str, Any] = {"started_at": minutes_ago(10)}


def test_what_people_have_open_is_not_there_for_workers(ledger: Ledger) -> None:
    enter(ledger, "a", **INVITED, **FRESH)
    enter(ledger, "b", **INVITED, **FRESH, status="connected")
    enter(ledger, "c", **GIVEN, **FRESH, handed_over_at=NOW)
    enter(ledger, "d", **GIVEN, **FRESH, handed_over_at=NOW, status="connected")

    assert count(ledger) == 4
    assert share(ledger) == (6, 10)


def test_what_workers_hold_or_nobody_has_open_is_not_people_s(ledger: Ledger) -> None:
    for status in ("planned", "starting", "completed", "failed", "unknown"):
        enter(ledger, f"i-{status}", **INVITED, **FRESH, status=status)
    enter(ledger, "g", **GIVEN, **FRESH)
    enter(ledger, "h", **GIVEN, **FRESH, handed_over_at=NOW, status="completed")
    enter(ledger, "s", **SIMULATED, **FRESH, status="connected")

    assert count(ledger) == 0
    assert share(ledger) == (10, 10)


def test_people_s_chats_fill_their_own_instance_only(ledger: Ledger) -> None:
    enter(ledger, "a", **INVITED, **FRESH)

    assert share(ledger, instance="another") == (10, 10)
    assert ledger.share_unconnected(
        INSTANCE,
        "w",
        SlotDemand(open=0, wanted=3),
        quotas=with_slots(500),
        now=NOW,
        lease=LEASE,
    )


@pytest.mark.parametrize(
    ("request_text", "lives_minutes"),
    [
        ('{"ChatDurationInMinutes": 60}', 60),
        ('{"Attributes": {"ChatDurationInMinutes": "5"}}', 1_500),
        ("{}", 1_500),
    ],
)
def test_a_chat_counts_no_longer_than_it_can_last(
    ledger: Ledger, request_text: str, lives_minutes: int
) -> None:
    for number, since in enumerate((lives_minutes - 1, lives_minutes + 1)):
        enter(ledger, f"{number}", **INVITED, request=request_text, started_at=minutes_ago(since))

    assert count(ledger) == 1


def test_what_people_leave_is_shared_fairly(ledger: Ledger) -> None:
    for number in range(4):
        enter(ledger, f"{number}", **INVITED, **FRESH)
    share(ledger, "first", wanted=3)
    second, _ = share(ledger, "second")
    first, _ = share(ledger, "first")

    assert (first, second) == (3, 3)


def test_an_instance_that_people_have_filled_gives_no_worker_any(ledger: Ledger) -> None:
    for number in range(12):
        enter(ledger, f"{number}", **INVITED, **FRESH)

    assert share(ledger) == (0, 10)


def test_a_refusal_teaches_how_many_are_open_people_s_among_them(ledger: Ledger) -> None:
    for number in range(4):
        enter(ledger, f"{number}", **INVITED, **FRESH)

    assert share(ledger, opened=2, refused=True) == (2, 6)


@st.composite
def contacts(draw: st.DrawFn) -> dict[str, Any]:
    way = draw(st.sampled_from([INVITED, GIVEN, SIMULATED]))
    minutes = draw(st.sampled_from([None, 60, 240, 10_080]))
    status = draw(st.sampled_from(["planned", "starting", "started", "connected", "completed"]))
    started = draw(st.one_of(st.none(), st.integers(0, 11_000)))
    handed_over = draw(st.booleans())
    return {
        **way,
        "status": status,
        "request": "{}" if minutes is None else f'{{"ChatDurationInMinutes": {minutes}}}',
        "started_at": None if started is None else minutes_ago(started + 0.5),
        "handed_over_at": NOW if handed_over and way is GIVEN else None,
        "lasts": 1_500 if minutes is None else minutes,
        "since": started,
    }


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(contacts(), max_size=8))
def test_whatever_a_ledger_holds_exactly_the_open_chats_of_people_count(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    expected = 0
    with Ledger(f"sqlite:///{tmp_path_factory.mktemp('rows') / 'ledger.db'}") as ledger:
        for number, row in enumerate(rows):
            since, lasts = row.pop("since"), row.pop("lasts")
            enter(ledger, f"{number}", **row)
            is_persons = row["mode"] == "invitation" or row["handed_over_at"] is not None
            is_open = row["status"] in {"started", "connected"} and since is not None
            expected += is_persons and is_open and since + 0.5 < lasts

        assert count(ledger) == expected


def test_counting_walks_only_through_the_open_chats(ledger: Ledger) -> None:
    enter(ledger, "a", **INVITED, **FRESH)
    with ledger._reading() as connection:
        dialect = connection.dialect
        query = peoples_chats.count_query(INSTANCE, NOW.timestamp(), dialect.name)
        # With parameters, as it is asked: a database may use no index that depends on them.
        compiled = query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        values = {name: _plain(value) for name, value in compiled.params.items()}
        explain = "EXPLAIN QUERY PLAN "
        if dialect.name == "postgresql":
            # So small a table would be read as a whole.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            explain = "EXPLAIN "
        names = compiled.positiontup
        sent: Any = tuple(values[name] for name in names) if names else values
        plan = " ".join(map(str, connection.exec_driver_sql(explain + str(compiled), sent)))

    assert "contacts_open" in plan


def _plain(value: Any) -> Any:
    return value.replace(tzinfo=None).isoformat(sep=" ") if hasattr(value, "tzinfo") else value


def test_people_s_chats_are_claimed_and_waited_for_by_nobody(ledger: Ledger) -> None:
    for status in CLAIM_ORDER:
        enter(ledger, f"i-{status}", **INVITED, **FRESH, status=status)
    enter(ledger, "g", **GIVEN, **FRESH, handed_over_at=NOW)
    enter(ledger, "h", **GIVEN, **FRESH, handed_over_at=NOW, status="connected")
    held: dict[str, Any] = {"claimed_by": "another", "claimed_until": NOW + LEASE}
    enter(ledger, "k", **GIVEN, **FRESH, **held, handed_over_at=NOW)

    for campaign in ("by-link", "by-hand"):
        assert ledger.claim(campaign, "w", most=99, now=NOW, terms=TERMS) == []
        assert ledger.next_expiry(campaign, "w", now=NOW, terms=TERMS) is None


def test_a_chat_that_is_not_in_its_customer_s_hands_yet_is_claimed_first(ledger: Ledger) -> None:
    enter(ledger, "p", **GIVEN, status="planned")
    enter(ledger, "s", **GIVEN, **FRESH)

    claimed = ledger.claim("by-hand", "w", most=1, now=NOW, terms=TERMS)

    assert [contact.customer_id for contact in claimed] == ["s"]


def people_fill(here: Any, slots: int) -> App:
    """People have as many chats open as the instance bears, and more customers wait."""
    here.quotas = with_slots(slots)
    here.plan(customers(slots))
    app = App()
    here.hand_over(app)
    assert len(app.chats) == slots
    return app


def simulate(here: Any) -> Any:
    now = datetime.now(UTC)
    here.ledger.open_campaign("by-us", here.local.instance_id, now=now)
    from connect_tasks.campaign.planning import plan_campaign

    renderer = here.template.bind(
        instance_id=here.local.instance_id, contact_flow_id=here.local.flow_id
    )
    plan_campaign(here.ledger, "by-us", [customers(3)], renderer, now=now)
    talk = Conversation(settle_seconds=0, reply_timeout_seconds=0.1, max_seconds=5)
    return run_campaign(here.ledger, "by-us", here.instance(), conversation=talk)


def test_a_run_waits_for_people_s_slots_and_notices_that_one_is_free(tmp_path: Path) -> None:
    quotas = LocalQuotas.unlimited()
    enforced = type(quotas)(**{**vars(quotas), "open_chats": 4})
    with hand_over_world(tmp_path, quotas=enforced) as here:
        app = people_fill(here, 4)
        asked = here.local.calls["DescribeContact"]
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(simulate, here)
            while here.local.calls["DescribeContact"] < asked + 4:
                threading.Event().wait(0.01)
            assert len(here.local.contacts) == 4
            here.stop_contact(app.chats[0].contact_id)
            funnel = run.result(LONG)
        refused = here.local.refusals[("StartChatContact", "LimitExceededException")]

        assert funnel.completed == 3
        # Amazon was never asked for a slot that people had.
        assert refused == 0
        rows = {row["contact_id"]: row for row in here.contacts()}
        assert rows[app.chats[0].contact_id]["status"] == "completed"


def test_a_hand_over_waits_for_the_chats_that_it_has_given_away_itself(tmp_path: Path) -> None:
    enforced = type(LocalQuotas())(**{**vars(LocalQuotas.unlimited()), "open_chats": 4})
    with hand_over_world(tmp_path, quotas=enforced) as here:
        here.quotas = with_slots(4)
        here.plan(customers(10))
        app = App()
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(here.hand_over, app)
            for over in (0, 4):
                while len(app.chats) < over + 4:
                    threading.Event().wait(0.01)
                asked = here.local.calls["DescribeContact"]
                while here.local.calls["DescribeContact"] < asked + 4:
                    threading.Event().wait(0.01)
                assert len(here.local.contacts) == over + 4
                for chat in app.chats[over:]:
                    here.stop_contact(chat.contact_id)
            run.result(LONG)

        assert len(app.chats) == 10
        assert here.local.refusals[("StartChatContact", "LimitExceededException")] == 0


def test_a_run_that_waits_for_nothing_asks_nothing(tmp_path: Path) -> None:
    with hand_over_world(tmp_path) as here:
        people_fill(here, 4)
        here.quotas = with_slots(50)
        asked = here.local.calls["DescribeContact"]
        simulate(here)

        assert here.local.calls["DescribeContact"] == asked


def test_where_nobody_may_ask_a_person_is_told_once_and_the_run_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PeoplesSlots, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(PeoplesSlots, "REFUSED_SECONDS", 0.02)
    faults = [always("DescribeContact", 403, "AccessDeniedException")]
    with hand_over_world(tmp_path, faults=faults) as here:
        people_fill(here, 2)
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(simulate, here)
            while here.local.calls["DescribeContact"] < 3:
                threading.Event().wait(0.01)
            _over(here.ledger)
            assert run.result(LONG).completed == 3

    told = [record for record in caplog.records if "connect:DescribeContact" in record.message]
    assert len(told) == 1


def _over(ledger: Ledger) -> None:
    """Time goes by: people's chats are older than they can last."""
    with ledger._writing() as connection:
        past = datetime.now(UTC) - timedelta(minutes=241)
        query = "UPDATE contacts SET started_at = ? WHERE handed_over_at IS NOT NULL"
        text = past.replace(tzinfo=None).isoformat(sep=" ")
        connection.exec_driver_sql(query, (text,))
