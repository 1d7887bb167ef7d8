"""Claims under a policy, by a clock of the test: who is set aside, until when, and why."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connect_tasks.campaign.policy.judge import PolicyJudge
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.errors import LedgerError, NotAllowedError
from connect_tasks.ledger.changes import Planned, Progress
from connect_tasks.ledger.claims import ClaimTerms, free
from connect_tasks.ledger.contact import CampaignMode, Contact, Status
from connect_tasks.ledger.issuing import Link
from connect_tasks.ledger.sending import Sending
from connect_tasks.ledger.store import Ledger
from connect_tasks.ledger.verdicts import Suppression
from tests.postgresql import new_database

TERMS = ClaimTerms(lease=timedelta(seconds=30), token_validity=timedelta(hours=24))
FRIDAY = datetime(2026, 11, 27, 19, 59, tzinfo=UTC)
SATURDAY = datetime(2026, 11, 28, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 30, 9, tzinfo=UTC)
WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")


def hours(start: str, *days: str) -> dict[str, Any]:
    window = [{"start_time": start, "end_time": "20:00"}]
    return {"default_time_zone": "UTC", "open_hours": dict.fromkeys(days, window)}


OFFICE = OutreachPolicy.model_validate({"communication_time": hours("09:00", *WEEK)})
DAILY = {"limits": [{"max_count_per_recipient": 1, "frequency": 1}]}


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'ledger.db'}"
        if request.param == "PostgreSQL":
            url = stack.enter_context(new_database())
        yield stack.enter_context(Ledger(url))


def rows(campaign: str, count: int) -> list[Planned]:
    return [
        Planned(
            customer_id=f"{number:05}",
            customer_key=f"{number:05}",
            generation=1,
            client_token=f"{campaign}-{number}",
            request="{}",
            fingerprint="f",
            messages=(),
            time_zone="UTC",
        )
        for number in range(count)
    ]


def plan(ledger: Ledger, campaign: str, policy: OutreachPolicy, count: int, now: datetime) -> None:
    ledger.open_campaign(campaign, "i-1", now=now, policy=policy.model_dump(mode="json"))
    ledger.plan(campaign, rows(campaign, count), now=now)


def claim(ledger: Ledger, campaign: str, now: datetime, most: int = 100) -> list[Contact]:
    """As a new worker does, by the policy that the ledger has."""
    stored = OutreachPolicy.model_validate(ledger.policy(campaign) or {})
    judge = PolicyJudge(stored)
    worker = f"w-{now.isoformat()}"
    return ledger.claim(campaign, worker, most=most, now=now, terms=TERMS, judge=lambda: judge)


def waits(ledger: Ledger, campaign: str) -> Counter[datetime | None]:
    return Counter(row["not_before"] for row in ledger.contact_records(campaign))


def test_what_one_customer_has_to_wait_for_is_not_what_all_of_their_zone_wait_for(
    ledger: Ledger,
) -> None:
    afternoon = OutreachPolicy.model_validate({"communication_time": hours("13:00", "MONDAY")})
    ledger.open_campaign("links", "i-1", now=SATURDAY, mode=CampaignMode.INVITATION)
    ledger.plan("links", rows("links", 1), now=SATURDAY)
    ledger.invitations.issue(
        "links",
        [Link(customer_key="00000", token_hash="h", key_id="k")],
        key_ids=["k"],
        now=SATURDAY,
        expires_after=timedelta(days=30),
        judge=PolicyJudge(afternoon),
    )
    policy = OFFICE.model_copy(
        update={
            "communication_limits": OutreachPolicy.model_validate(
                {"communication_limits": DAILY}
            ).communication_limits
        }
    )
    plan(ledger, "calls", policy, 300, SATURDAY)

    assert claim(ledger, "calls", SATURDAY, most=1) == []
    # A link of theirs may be sent on Monday at one, so that theirs is the day after.
    tuesday = datetime(2026, 12, 1, 13, tzinfo=UTC)
    assert waits(ledger, "calls") == {MONDAY: 299, tuesday: 1}
    assert len(claim(ledger, "calls", MONDAY, most=300)) == 299


def test_whoever_the_hour_lets_in_is_found_without_sorting_them_all(ledger: Ledger) -> None:
    plan(ledger, "calls", OFFICE, 10, SATURDAY)
    queries = free("calls", "w", Status.PLANNED, MONDAY, TERMS)
    engine = sa.create_engine(
        sa.make_url(ledger.url).set(drivername="sqlite")
        if ledger.url.startswith("sqlite")
        else sa.make_url(ledger.url).set(drivername="postgresql+psycopg")
    )
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET enable_seqscan = off")
            connection.exec_driver_sql("SET enable_bitmapscan = off")
            connection.exec_driver_sql("SET enable_sort = off")
        for query in queries:
            text = query.limit(5).compile(engine, compile_kwargs={"literal_binds": True})
            told = str(connection.exec_driver_sql(f"{explain} {text}").all())
            assert "contacts_by_status" in told
            assert "TEMP B-TREE" not in told
            assert "Sort" not in told
    engine.dispose()


def sent(
    ledger: Ledger, contact: Contact, now: datetime, *, is_unmade: bool = False, worker: str
) -> Contact:
    """Write that a start is sent, as far as the policy of the moment allows it."""
    judge = PolicyJudge(OutreachPolicy.model_validate(ledger.policy(contact.campaign) or {}))
    sending = Sending(judge=lambda: judge, now=lambda: now, token_validity=TERMS.token_validity)
    starting = contact.advance(Status.STARTING, sent_at=contact.sent_at or now)
    change = Progress(starting, contact.status, sends=True, is_unmade=is_unmade)
    ledger.apply(worker, [change], sending=sending)
    return starting


def test_a_start_that_was_clearly_refused_before_the_hours_end_is_made_when_they_open(
    ledger: Ledger,
) -> None:
    plan(ledger, "calls", OFFICE, 1, FRIDAY)
    [contact] = claim(ledger, "calls", FRIDAY)
    worker = f"w-{FRIDAY.isoformat()}"
    starting = sent(ledger, contact, FRIDAY, worker=worker)

    with pytest.raises(NotAllowedError):
        sent(ledger, starting, FRIDAY + timedelta(minutes=2), is_unmade=True, worker=worker)

    assert waits(ledger, "calls") == {MONDAY: 1}
    assert ledger.deferred("calls", now=SATURDAY).first == MONDAY
    ledger.expire_tokens("calls", now=MONDAY, terms=TERMS)
    assert [one.customer_id for one in claim(ledger, "calls", MONDAY)] == ["00000"]


def test_a_start_of_which_nobody_knows_is_not_repeated_against_the_hours_nor_waited_for(
    ledger: Ledger,
) -> None:
    plan(ledger, "calls", OFFICE, 1, FRIDAY)
    [contact] = claim(ledger, "calls", FRIDAY)
    worker = f"w-{FRIDAY.isoformat()}"
    starting = sent(ledger, contact, FRIDAY, worker=worker)
    ledger.suppressions.add([("00000", Suppression("all", "person", "x", FRIDAY))])

    with pytest.raises(NotAllowedError):
        sent(ledger, starting, FRIDAY + timedelta(seconds=30), worker=worker)

    later = FRIDAY + timedelta(minutes=1)
    assert claim(ledger, "calls", later) == []
    assert ledger.deferred("calls", now=later).count == 0
    ledger.expire_tokens("calls", now=MONDAY, terms=TERMS)
    assert claim(ledger, "calls", MONDAY) == []
    assert [one.status for one in ledger.unknown_contacts("calls")] == [Status.UNKNOWN]


def test_who_is_taken_off_a_list_does_not_wait_for_its_end(ledger: Ledger) -> None:
    ends = SATURDAY + timedelta(days=180)
    ledger.suppressions.add([("00000", Suppression("all", "person", "x", SATURDAY, ends))])
    plan(ledger, "calls", OutreachPolicy(), 1, SATURDAY)
    assert claim(ledger, "calls", SATURDAY) == []
    assert waits(ledger, "calls") == {ends: 1}

    later = SATURDAY + timedelta(hours=1)
    ledger.suppressions.remove([("00000", "all")], now=later)

    assert len(claim(ledger, "calls", later)) == 1


def test_another_policy_frees_whoever_waited_by_the_one_before(ledger: Ledger) -> None:
    plan(ledger, "calls", OFFICE, 2, FRIDAY)
    worker = f"w-{FRIDAY.isoformat()}"
    first, _ = claim(ledger, "calls", FRIDAY)
    starting = sent(ledger, first, FRIDAY, worker=worker)
    set_down = starting.advance(Status.STARTING, sent_at=None)
    ledger.apply(worker, [Progress(set_down, Status.STARTING, release=True)])
    ledger.release("calls", worker)
    assert claim(ledger, "calls", SATURDAY) == []
    assert waits(ledger, "calls") == {MONDAY: 2}

    ledger.open_campaign("calls", "i-1", now=SATURDAY, policy={"expires_after": "P14D"})

    assert len(claim(ledger, "calls", SATURDAY + timedelta(minutes=1))) == 2


def test_a_claim_goes_by_the_policy_that_is_said_while_it_waits_for_its_turn(
    ledger: Ledger,
) -> None:
    plan(ledger, "calls", OutreachPolicy(), 1, SATURDAY)
    asked: list[bool] = []

    def judge() -> PolicyJudge:
        # Whoever says another one by now has to wait for the end of this claim.
        asked.append(True)
        return PolicyJudge(OutreachPolicy.model_validate(ledger.policy("calls") or {}))

    office = OFFICE.model_dump(mode="json")
    ledger.open_campaign("calls", "i-1", now=SATURDAY, policy=office)

    assert ledger.claim("calls", "w", most=1, now=SATURDAY, terms=TERMS, judge=judge) == []
    assert asked == [True]


def test_a_table_may_be_planned_again_while_workers_claim_from_it(ledger: Ledger) -> None:
    count = 3_000
    plan(ledger, "calls", OutreachPolicy(), count, SATURDAY)
    wrong: list[Exception] = []
    is_over = threading.Event()

    def again() -> None:
        with Ledger(ledger.url) as other:
            number = 0
            while not is_over.is_set():
                number += 1
                table = rows("calls", count)
                _noting(
                    wrong,
                    lambda table=table, number=number: other.plan(  # type: ignore[misc]
                        "calls", table, now=SATURDAY, table_id=f"t-{number}"
                    ),
                )

    planner = threading.Thread(target=again)
    planner.start()
    try:
        for number in range(30):
            at = SATURDAY + timedelta(seconds=31 * number)
            _noting(wrong, lambda at=at: claim(ledger, "calls", at))  # type: ignore[misc]
    finally:
        is_over.set()
        planner.join(60)

    assert wrong == []


def _noting(wrong: list[Exception], work: Callable[[], object]) -> None:
    try:
        work()
    except LedgerError as error:
        wrong.append(error)
