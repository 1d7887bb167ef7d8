"""What a ledger does, on each database that may hold one."""

import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connect_tasks.aws.transcript import Item
from connect_tasks.chat.dialogue import EndReason
from connect_tasks.errors import ClaimLostError, InputError, LedgerError
from connect_tasks.ledger.answers import FROM_AMAZON
from connect_tasks.ledger.changes import Change, Heard, Planned, Progress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import Contact, Refusal, Status
from connect_tasks.ledger.database import make_engine
from connect_tasks.ledger.schema import SCHEMA_VERSION
from connect_tasks.ledger.store import Ledger

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
TERMS = ClaimTerms(lease=timedelta(seconds=30), token_validity=timedelta(hours=24))
CAMPAIGN = "renewals"


def later(**duration: float) -> datetime:
    return NOW + timedelta(**duration)


def planned(number: int, *, request: str = "first", generation: int = 1) -> Planned:
    return Planned(
        customer_id=f"c-{number}",
        customer_key=f"c-{number}",
        generation=generation,
        client_token=f"t-{number}-{generation}",
        request=request,
        fingerprint=f"print of {request}",
        messages=("Hello", "Bye"),
    )


def item(name: str, second: int = 0, content: str = "Hi") -> Item:
    return Item(
        message_id=name,
        absolute_time=later(seconds=second),
        type="MESSAGE",
        content_type="text/plain",
        content=content,
        participant_role="SYSTEM",
        participant_id="p-2",
        display_name="BOT",
    )


def claim(
    ledger: Ledger, worker: str = "w-1", *, most: int = 100, now: datetime = NOW
) -> list[Contact]:
    return ledger.claim(CAMPAIGN, worker, most=most, now=now, terms=TERMS)


def customers(contacts: list[Contact]) -> list[str]:
    return [contact.customer_id for contact in contacts]


def step(
    ledger: Ledger, contact: Contact, status: Status, worker: str = "w-1", **changes: Any
) -> Contact:
    after = contact.advance(status, **changes)
    ledger.apply(worker, [Progress(after, contact.status)])
    return after


def start(ledger: Ledger, contact: Contact, worker: str = "w-1") -> Contact:
    """A chat exists."""
    sent = step(ledger, contact, Status.STARTING, worker, sent_at=NOW)
    name = f"chat of {contact.customer_id}"
    return step(ledger, sent, Status.STARTED, worker, contact_id=name, started_at=NOW)


def records(ledger: Ledger) -> dict[str, dict[str, Any]]:
    return {row["customer_id"]: dict(row) for row in ledger.contact_records(CAMPAIGN)}


def statuses(ledger: Ledger) -> list[str]:
    return [row["status"] for row in ledger.contact_records(CAMPAIGN)]


def query(url: str, statement: str) -> list[Any]:
    """What a database says, asked past the ledger."""
    engine = make_engine(url)
    try:
        with engine.begin() as connection:
            answer = connection.exec_driver_sql(statement)
            return [row[0] for row in answer] if answer.returns_rows else []
    finally:
        engine.dispose()


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger(ledger_url) as opened:
        opened.open_campaign(CAMPAIGN, "i-1", now=NOW)
        yield opened


@pytest.fixture
def three(ledger: Ledger) -> Ledger:
    """A ledger with three planned contacts."""
    ledger.plan(CAMPAIGN, [planned(number) for number in (1, 2, 3)], now=NOW)
    return ledger


# --- opening ---


def test_a_second_opening_keeps_what_is_there(three: Ledger, ledger_url: str) -> None:
    with Ledger(ledger_url) as again:
        assert statuses(again) == statuses(three) == ["planned"] * 3


def test_many_may_open_a_new_ledger_at_the_same_time(ledger_url: str) -> None:
    def open_and_close(_: int) -> None:
        Ledger(ledger_url).close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(open_and_close, range(8)))

    with Ledger(ledger_url) as ledger:
        assert ledger.counts(CAMPAIGN)["valid"] == 0


def test_a_ledger_of_a_newer_version_is_refused_and_left_as_it_is(
    ledger: Ledger, ledger_url: str
) -> None:
    query(ledger_url, "UPDATE ledger SET schema_version = schema_version + 1")

    with pytest.raises(LedgerError, match=r"newer connect-tasks .*pip install --upgrade"):
        Ledger(ledger_url)
    assert query(ledger_url, "SELECT schema_version FROM ledger") == [SCHEMA_VERSION + 1]
    assert ledger.counts(CAMPAIGN)["valid"] == 0


@pytest.mark.parametrize("ledger_url", ["PostgreSQL"], indirect=True)
def test_postgresql_waits_for_a_lock_as_long_as_sqlite_unless_told_otherwise(
    ledger_url: str,
) -> None:
    assert query(ledger_url, "SHOW lock_timeout") == ["30s"]
    told = f"{ledger_url}&options=-c%20lock_timeout%3D7s"
    assert query(told, "SHOW lock_timeout") == ["7s"]


# --- campaigns and plans ---


def test_a_campaign_stays_on_its_instance(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="'renewals' belongs to instance i-1, not i-2"):
        ledger.open_campaign(CAMPAIGN, "i-2", now=NOW)


def test_a_campaign_may_be_entered_again(ledger: Ledger) -> None:
    ledger.open_campaign(CAMPAIGN, "i-1", now=later(days=1))
    ledger.open_campaign("another", "i-2", now=NOW)

    assert [ledger.instance_id(name) for name in (CAMPAIGN, "another")] == ["i-1", "i-2"]


def test_planning_the_same_rows_again_adds_nothing(three: Ledger) -> None:
    three.plan(CAMPAIGN, [planned(2), planned(3), planned(4)], now=later(days=1))

    assert list(records(three)) == ["c-1", "c-2", "c-3", "c-4"]
    assert records(three)["c-2"]["planned_at"] == NOW


def test_a_row_that_is_only_planned_takes_a_new_request(three: Ledger) -> None:
    three.plan(CAMPAIGN, [planned(2, request="second")], now=NOW)

    assert [contact.request for contact in claim(three)] == ["first", "second", "first"]


def test_a_contact_under_way_keeps_the_request_that_was_sent(three: Ledger) -> None:
    step(three, claim(three)[1], Status.STARTING)

    three.plan(CAMPAIGN, [planned(2, request="second")], now=NOW)

    assert records(three)["c-2"]["request"] == "first"


# What may have been sent is sent again byte by byte: only who is surely not contacted may change.
@pytest.mark.parametrize(
    "path",
    [
        [Status.STARTING],
        [Status.STARTING, Status.UNKNOWN],
        [Status.STARTING, Status.STARTED],
        [Status.STARTING, Status.STARTED, Status.CONNECTED],
        [Status.STARTING, Status.FAILED],
        [Status.STARTING, Status.STARTED, Status.COMPLETED],
    ],
    ids=lambda path: str(path[-1]),
)
def test_a_contact_that_is_past_planned_keeps_all_that_was_sent_though_nobody_holds_it(
    three: Ledger, path: list[Status]
) -> None:
    contact = claim(three)[1]
    for status in path:
        contact = step(three, contact, status)
    three.release(CAMPAIGN, "w-1")
    before = records(three)["c-2"]

    three.plan(CAMPAIGN, [planned(2, request="second")], now=later(hours=1), table_id="another")

    assert records(three)["c-2"] == before
    assert three.known(CAMPAIGN, ["c-2"])["c-2"].fingerprint == "print of first"


# Its worker has the request in memory: it must not send that one any more.
def test_a_corrected_request_ends_the_claim_of_a_worker_that_has_not_begun_to_send(
    three: Ledger,
) -> None:
    contact = claim(three)[1]

    three.plan(CAMPAIGN, [planned(2, request="second")], now=later(seconds=1))

    assert records(three)["c-2"]["request"] == "second"
    with pytest.raises(ClaimLostError):
        step(three, contact, Status.STARTING)


def test_a_claim_that_ran_out_is_void_once_its_request_has_changed(three: Ledger) -> None:
    contact = claim(three)[1]
    three.plan(CAMPAIGN, [planned(2, request="second")], now=later(seconds=31))

    assert records(three)["c-2"]["request"] == "second"
    with pytest.raises(ClaimLostError):
        step(three, contact, Status.STARTING)


def test_of_several_generations_the_latest_is_known(three: Ledger) -> None:
    three.plan(CAMPAIGN, [planned(1, request="second", generation=2)], now=NOW)

    known = three.known(CAMPAIGN, ["c-1", "c-3", "c-9"])

    assert {name: one.generation for name, one in known.items()} == {"c-1": 2, "c-3": 1}
    assert known["c-1"].fingerprint == "print of second"
    assert known["c-1"].messages == ("Hello", "Bye")
    assert known["c-1"].status is Status.PLANNED


def test_what_another_campaign_knows_stays_there(three: Ledger) -> None:
    assert three.known("another", ["c-1"]) == {}


def test_refused_rows_are_those_of_the_last_table(ledger: Ledger) -> None:
    def refused(position: int, status: Status) -> Refusal:
        return Refusal(
            position=position,
            customer_id=None,
            status=status,
            error_code="InvalidRow",
            error_message="empty",
        )

    ledger.replace_refusals(CAMPAIGN, [refused(7, Status.REJECTED)])
    rows = [refused(4, Status.REJECTED), refused(2, Status.DUPLICATE)]
    ledger.replace_refusals(CAMPAIGN, rows)

    assert ledger.refused_rows(CAMPAIGN) == [rows[1], rows[0]]
    counts = ledger.counts(CAMPAIGN)
    assert (counts["rejected"], counts["duplicate"]) == (1, 1)


# --- claims ---


def test_contacts_are_claimed_in_the_order_of_the_table(three: Ledger) -> None:
    assert customers(claim(three, most=2)) == ["c-1", "c-2"]
    assert customers(claim(three, most=2)) == ["c-3"]


def test_a_claimed_contact_is_whole(three: Ledger) -> None:
    assert claim(three, most=1) == [
        Contact(
            id=1,
            campaign=CAMPAIGN,
            customer_id="c-1",
            generation=1,
            status=Status.PLANNED,
            client_token="t-1-1",
            request="first",
            messages=("Hello", "Bye"),
            planned_at=NOW,
        )
    ]


def test_a_contact_that_another_worker_holds_is_left_to_it(three: Ledger) -> None:
    claim(three, "w-1", most=2)

    assert customers(claim(three, "w-2", now=later(seconds=30))) == ["c-3"]


def test_a_contact_whose_lease_ran_out_is_taken_over(three: Ledger) -> None:
    claim(three, "w-1", most=2)

    assert customers(claim(three, "w-2", now=later(seconds=31))) == ["c-1", "c-2", "c-3"]


def test_a_renewed_lease_holds(three: Ledger) -> None:
    claim(three, "w-1", most=2)
    three.renew(CAMPAIGN, "w-1", until=later(seconds=60))

    assert customers(claim(three, "w-2", now=later(seconds=31))) == ["c-3"]


def test_renewing_does_not_take_back_what_was_released(three: Ledger) -> None:
    claim(three, "w-1")
    three.release(CAMPAIGN, "w-1")
    three.renew(CAMPAIGN, "w-1", until=later(hours=1))

    assert len(claim(three, "w-2")) == 3


def test_released_contacts_are_free_for_others_at_once(three: Ledger) -> None:
    claim(three, "w-1", most=2)
    three.release(CAMPAIGN, "w-1")

    assert len(claim(three, "w-2")) == 3


def test_a_worker_releases_only_its_own(three: Ledger) -> None:
    claim(three, "w-1", most=2)
    three.release(CAMPAIGN, "w-2")
    three.release("another", "w-1")

    assert customers(claim(three, "w-2")) == ["c-3"]


def leave_unknown(ledger: Ledger, worker: str = "w-1") -> Contact:
    """The first contact's start stays without an answer, and its worker holds it."""
    (contact,) = claim(ledger, worker, most=1)
    sent = step(ledger, contact, Status.STARTING, worker, sent_at=NOW)
    return step(ledger, sent, Status.UNKNOWN, worker)


BEGUN = replace(TERMS, takes_given_up=False)


def test_an_unknown_start_that_was_given_up_is_for_a_worker_that_begins(three: Ledger) -> None:
    leave_unknown(three)
    three.release(CAMPAIGN, "w-1")

    def found(terms: ClaimTerms) -> list[str]:
        return customers(three.claim(CAMPAIGN, "w-2", most=1, now=NOW, terms=terms))

    assert found(BEGUN) == ["c-2"]
    assert found(TERMS) == ["c-1"]


@pytest.mark.parametrize("interrupted", [False, True], ids=["killed", "interrupted"])
def test_an_unknown_start_whose_holder_is_gone_is_for_any_worker(
    three: Ledger, *, interrupted: bool
) -> None:
    leave_unknown(three)
    if interrupted:
        three.release(CAMPAIGN, "w-1", interrupted_at=NOW)
    at = later(seconds=1 if interrupted else 31)

    assert three.claim(CAMPAIGN, "w-2", most=1, now=at, terms=BEGUN)[0].customer_id == "c-1"


def test_an_unknown_start_is_given_to_nobody_while_its_holder_comes_back_to_it(
    three: Ledger,
) -> None:
    leave_unknown(three)

    assert customers(claim(three, "w-2", now=later(seconds=29))) == ["c-2", "c-3"]


def test_an_interruption_leaves_nothing_else_reserved(three: Ledger) -> None:
    claim(three)
    three.release(CAMPAIGN, "w-1", interrupted_at=NOW)

    assert len(claim(three, "w-2")) == 3


# --- what a person decides ---


@pytest.mark.parametrize("again", [False, True], ids=["was contacted", "contact again"])
def test_nothing_is_decided_about_a_contact_that_a_worker_holds(
    three: Ledger, *, again: bool
) -> None:
    leave_unknown(three)
    (held,) = three.claim(CAMPAIGN, "w-2", most=1, now=later(seconds=31), terms=TERMS)
    settled = held.advance(Status.FAILED if again else Status.COMPLETED, ended_at=NOW)
    next_one = planned(1, generation=2) if again else None
    before = three.contact_records(CAMPAIGN)

    with pytest.raises(InputError, match="worker is at this contact"):
        three.resolve(settled, again=next_one, now=later(seconds=60))

    assert [dict(row) for row in three.contact_records(CAMPAIGN)] == [dict(row) for row in before]
    three.resolve(settled, again=next_one, now=later(seconds=62))
    assert records(three)["c-1"]["status"] == ("planned" if again else "completed")


def test_a_worker_is_given_each_contact_once(three: Ledger) -> None:
    claim(three, "w-1")
    three.release(CAMPAIGN, "w-1")

    assert claim(three, "w-1") == []


def test_another_campaign_is_not_touched(three: Ledger) -> None:
    assert three.claim("another", "w-1", most=9, now=NOW, terms=TERMS) == []


def test_open_chats_come_first_then_open_outcomes_then_planned_ones(ledger: Ledger) -> None:
    ledger.plan(CAMPAIGN, [planned(number) for number in range(1, 7)], now=NOW)
    _, unknown, starting, started, connected, done = claim(ledger)
    step(ledger, step(ledger, unknown, Status.STARTING, sent_at=NOW), Status.UNKNOWN)
    step(ledger, starting, Status.STARTING, sent_at=NOW)
    start(ledger, started)
    step(ledger, start(ledger, connected), Status.CONNECTED)
    step(ledger, start(ledger, done), Status.COMPLETED)
    ledger.release(CAMPAIGN, "w-1")

    assert customers(claim(ledger, "w-2")) == ["c-5", "c-4", "c-3", "c-2", "c-1"]


def test_two_workers_never_get_the_same_contact(ledger: Ledger, ledger_url: str) -> None:
    ledger.plan(CAMPAIGN, [planned(number) for number in range(120)], now=NOW)

    def work(worker: str) -> list[str]:
        with Ledger(ledger_url) as own:
            return [name for _ in range(20) for name in customers(claim(own, worker, most=3))]

    with ThreadPoolExecutor(4) as threads:
        shares = list(threads.map(work, ["w-1", "w-2", "w-3", "w-4"]))

    claimed = [name for share in shares for name in share]
    assert len(claimed) == 120
    assert len(set(claimed)) == 120


@pytest.mark.parametrize(
    ("hours", "claimed"), [(23.9, ["c-1"]), (24, [])], ids=["still trusted", "too old"]
)
@pytest.mark.parametrize("status", [Status.STARTING, Status.UNKNOWN], ids=str)
def test_an_open_outcome_is_claimed_only_while_its_token_is_trusted(
    ledger: Ledger, status: Status, hours: float, claimed: list[str]
) -> None:
    ledger.plan(CAMPAIGN, [planned(1)], now=NOW)
    sent = step(ledger, claim(ledger)[0], Status.STARTING, sent_at=NOW)
    step(ledger, sent, status)
    ledger.release(CAMPAIGN, "w-1")

    assert customers(claim(ledger, "w-2", now=later(hours=hours))) == claimed


def test_a_start_that_was_never_sent_does_not_grow_old(ledger: Ledger) -> None:
    ledger.plan(CAMPAIGN, [planned(1)], now=NOW)
    step(ledger, claim(ledger)[0], Status.STARTING)
    now = later(days=30)

    assert ledger.expire_tokens(CAMPAIGN, now=now, terms=TERMS) == 0
    assert customers(claim(ledger, "w-2", now=now)) == ["c-1"]


def test_what_was_sent_too_long_ago_becomes_unknown(three: Ledger) -> None:
    old, young, _ = claim(three)
    step(three, old, Status.STARTING, sent_at=NOW)
    step(three, young, Status.STARTING, sent_at=later(hours=1))

    assert three.expire_tokens(CAMPAIGN, now=later(hours=24), terms=TERMS) == 1
    assert statuses(three) == ["unknown", "starting", "planned"]


def test_what_a_living_worker_holds_is_not_made_unknown(three: Ledger) -> None:
    step(three, claim(three)[0], Status.STARTING, sent_at=NOW)
    three.renew(CAMPAIGN, "w-1", until=later(hours=25))

    assert three.expire_tokens(CAMPAIGN, now=later(hours=24), terms=TERMS) == 0


def test_the_next_expiry_is_when_the_first_foreign_claim_runs_out(three: Ledger) -> None:
    claim(three, "w-1", most=1)
    claim(three, "w-2", most=2, now=later(seconds=5))

    def expiry(worker: str) -> datetime | None:
        return three.next_expiry(CAMPAIGN, worker, now=NOW, terms=TERMS)

    assert expiry("w-3") == later(seconds=30)
    assert expiry("w-1") == later(seconds=35)


def test_there_is_nothing_to_wait_for_when_the_rest_is_settled(three: Ledger) -> None:
    for contact in claim(three):
        step(three, start(three, contact), Status.COMPLETED)

    assert three.next_expiry(CAMPAIGN, "w-2", now=NOW, terms=TERMS) is None


# --- changes ---


def test_a_step_is_on_record_with_everything_that_was_learnt(three: Ledger) -> None:
    contact = start(three, claim(three)[0])
    step(
        three,
        contact,
        Status.COMPLETED,
        end_reason=EndReason.LOST,
        attempts=2,
        error_code="GONE",
        error_message="the chat is over",
        request_id="r-1",
        ended_at=later(seconds=9),
    )

    row = records(three)["c-1"]
    assert {name: row[name] for name in row if row[name] is not None} == {
        "id": 1,
        "campaign": CAMPAIGN,
        "customer_id": "c-1",
        "generation": 1,
        "status": "completed",
        "client_token": "t-1-1",
        "request": "first",
        "messages": ["Hello", "Bye"],
        "planned_at": NOW,
        "attempts": 2,
        "sent_at": NOW,
        "end_reason": "lost",
        "contact_id": "chat of c-1",
        "started_at": NOW,
        "ended_at": later(seconds=9),
        "error_code": "GONE",
        "error_message": "the chat is over",
        "request_id": "r-1",
        "items_skipped": 0,
    }


def test_times_keep_their_microseconds_and_come_back_in_utc(three: Ledger) -> None:
    berlin = datetime.fromisoformat("2026-11-22T10:00:00.123456+01:00")
    step(three, claim(three)[0], Status.STARTING, sent_at=berlin)

    sent_at = records(three)["c-1"]["sent_at"]
    assert sent_at == datetime(2026, 11, 22, 9, 0, 0, 123_456, tzinfo=UTC)
    assert sent_at.tzinfo is UTC


def test_a_contact_of_another_worker_is_not_changed(three: Ledger) -> None:
    contact = claim(three, "w-1")[0]
    claim(three, "w-2", now=later(seconds=31))

    with pytest.raises(ClaimLostError):
        step(three, contact, Status.STARTING, "w-1")
    assert statuses(three) == ["planned"] * 3


def test_a_released_contact_is_not_changed(three: Ledger) -> None:
    contact = claim(three)[0]
    three.release(CAMPAIGN, "w-1")

    with pytest.raises(ClaimLostError):
        step(three, contact, Status.STARTING)


def test_a_contact_that_is_further_than_thought_is_not_changed(three: Ledger) -> None:
    contact = claim(three)[0]
    start(three, contact)

    with pytest.raises(ClaimLostError):
        step(three, contact, Status.STARTING)
    assert statuses(three)[0] == "started"


def test_one_lost_contact_undoes_the_whole_batch(three: Ledger) -> None:
    mine, foreign = claim(three, "w-1", most=1)[0], claim(three, "w-2", most=1)[0]
    changes: list[Change] = [
        Progress(mine.advance(Status.STARTING), Status.PLANNED),
        Heard(mine.advance(Status.STARTING, contact_id="chat"), [item("a")]),
        Progress(foreign.advance(Status.STARTING), Status.PLANNED),
    ]

    with pytest.raises(ClaimLostError):
        three.apply("w-1", changes)
    assert statuses(three) == ["planned"] * 3
    assert list(three.message_records(CAMPAIGN)) == []


def test_several_steps_of_one_contact_may_share_a_batch(three: Ledger) -> None:
    planned_ = claim(three)[0]
    starting = planned_.advance(Status.STARTING, sent_at=NOW)
    started = starting.advance(Status.STARTED, contact_id="chat")

    three.apply("w-1", [Progress(starting, Status.PLANNED), Progress(started, Status.STARTING)])

    assert statuses(three)[0] == "started"


def test_nothing_to_write_is_written_without_complaint(three: Ledger) -> None:
    before = records(three)
    three.apply("w-1", [])

    assert records(three) == before


def test_a_settled_contact_is_released(three: Ledger, ledger_url: str) -> None:
    first, second, _ = claim(three)
    step(three, step(three, first, Status.STARTING), Status.FAILED)
    step(three, second, Status.STARTING)

    held = query(ledger_url, "SELECT claimed_until IS NOT NULL FROM contacts ORDER BY id")
    assert [bool(is_held) for is_held in held] == [False, True, True]


def test_a_contact_that_is_set_down_is_free_for_others(three: Ledger) -> None:
    contact = claim(three)[0]
    three.apply("w-1", [Progress(contact.advance(Status.STARTING), Status.PLANNED, release=True)])

    assert customers(claim(three, "w-2")) == ["c-1"]


# --- transcripts ---


def test_an_item_is_stored_once(three: Ledger) -> None:
    contact = start(three, claim(three)[0])

    three.apply("w-1", [Heard(contact, [item("a"), item("a", content="again")])])
    three.apply("w-1", [Heard(contact, [item("a", content="later")])])

    assert [row["content"] for row in three.message_records(CAMPAIGN)] == ["Hi"]


def test_an_item_is_stored_whole(three: Ledger) -> None:
    contact = start(three, claim(three)[0])
    three.apply("w-1", [Heard(contact, [item("a", second=3, content="Grüße 👋")])])

    assert [dict(row) for row in three.message_records(CAMPAIGN)] == [
        {
            "campaign": CAMPAIGN,
            "customer_id": "c-1",
            "contact_id": "chat of c-1",
            "message_id": "a",
            "absolute_time": later(seconds=3),
            "participant_role": "SYSTEM",
            "participant_id": "p-2",
            "display_name": "BOT",
            "type": "MESSAGE",
            "content_type": "text/plain",
            "content": "Grüße 👋",
        }
    ]


def test_items_come_contact_by_contact_and_in_order_of_time(three: Ledger) -> None:
    first, second, _ = (start(three, contact) for contact in claim(three))
    three.apply("w-1", [Heard(second, [item("x", 2), item("y", 1)])])
    three.apply("w-1", [Heard(first, [item("c", 9), item("b", 5), item("a", 5)])])

    names = [row["message_id"] for row in three.message_records(CAMPAIGN)]
    assert names == ["a", "b", "c", "y", "x"]


def test_items_of_another_campaign_are_left_out(three: Ledger) -> None:
    contact = start(three, claim(three)[0])
    three.apply("w-1", [Heard(contact, [item("a")])])

    assert list(three.message_records("another")) == []


def test_what_was_said_is_in_no_traceback(three: Ledger, ledger_url: str) -> None:
    contact = start(three, claim(three)[0])
    query(ledger_url, "DROP TABLE items")

    with pytest.raises(LedgerError) as caught:
        three.apply("w-1", [Heard(contact, [item("a", content="4" * 16)])])

    assert "4" * 16 not in "".join(traceback.format_exception(caught.value))


# --- numbers ---


def test_the_counts_tell_how_far_each_contact_ever_came(ledger: Ledger) -> None:
    ledger.plan(CAMPAIGN, [planned(number) for number in range(1, 6)], now=NOW)
    failed, lost, connected, done, _ = claim(ledger)
    step(ledger, step(ledger, failed, Status.STARTING), Status.FAILED, ended_at=later(hours=1))
    step(ledger, start(ledger, lost), Status.COMPLETED, ended_at=later(hours=2))
    step(ledger, start(ledger, connected), Status.CONNECTED, connected_at=NOW)
    talking = step(
        ledger, start(ledger, done), Status.CONNECTED, connected_at=NOW, first_reply_at=NOW
    )
    step(ledger, talking, Status.COMPLETED, ended_at=later(hours=1))

    assert ledger.counts(CAMPAIGN) == {
        "mode": "simulation",
        "issued": 0,
        "opened": 0,
        "unopened": 0,
        "unopened_until": None,
        "handed_over": 0,
        "in_hands": 0,
        "transcripts_awaited": 0,
        "rejected": 0,
        "duplicate": 0,
        "planned": 1,
        "starting": 0,
        "started": 0,
        "connected": 1,
        "completed": 2,
        "failed": 1,
        "withdrawn": 0,
        "unknown": 0,
        "withheld": 0,
        "valid": 5,
        "reached_started": 3,
        "reached_connected": 2,
        "replied": 1,
        # Of the one that was lost before anybody joined it there is nothing to be whole.
        "transcripts_incomplete": 0,
        "transcripts_unchecked": 1,
        "items_skipped": 0,
        "planned_at": NOW,
        "ended_at": later(hours=2),
    }


def test_a_transcript_is_counted_as_whole_as_not_or_as_what_nobody_can_say(three: Ledger) -> None:
    for contact, is_complete in zip(claim(three), (True, False, None), strict=True):
        talks = step(three, start(three, contact), Status.CONNECTED, connected_at=NOW)
        ended: dict[str, Any] = {
            "ended_at": NOW,
            "transcript_complete": is_complete,
            "items_skipped": 2,
        }
        step(three, talks, Status.COMPLETED, **ended)

    counts = three.counts(CAMPAIGN)

    assert counts["completed"] == 3
    assert (counts["transcripts_incomplete"], counts["transcripts_unchecked"]) == (1, 1)
    assert counts["items_skipped"] == 6
    told = [row["transcript_complete"] for row in three.contact_records(CAMPAIGN)]
    assert told == [True, False, None]


def test_an_unknown_campaign_counts_nothing(ledger: Ledger) -> None:
    counts = ledger.counts("another")

    assert counts.pop("mode") == "simulation"
    assert {name for name, value in counts.items() if value} == set()


def test_records_come_in_the_order_of_planning(ledger: Ledger) -> None:
    for number in (3, 1, 2):
        ledger.plan(CAMPAIGN, [planned(number)], now=NOW)

    assert list(records(ledger)) == ["c-3", "c-1", "c-2"]


def test_records_hold_a_contact_what_amazon_told_of_it_and_nothing_of_its_claim(
    three: Ledger,
) -> None:
    names = set(next(iter(three.contact_records(CAMPAIGN))))

    assert names == {*Contact.__slots__, *FROM_AMAZON, "not_before"}
