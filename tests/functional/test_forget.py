"""A customer, or all of a campaign, is taken out of the ledger; that they were contacted stays."""

import itertools
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connect_tasks import Conversation, client_token
from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.aws.pacing.clock import SystemClock
from connect_tasks.aws.transcript import Item
from connect_tasks.campaign import manage
from connect_tasks.campaign.planning import look_over
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.errors import ClaimLostError, InputError
from connect_tasks.ledger.changes import Heard, Planned, Progress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import Contact, Refusal, Status
from connect_tasks.ledger.database import make_engine
from connect_tasks.ledger.decisions import Judged, record
from connect_tasks.ledger.erasure import Erased, erase, forget
from connect_tasks.ledger.overwriting import overwrite
from connect_tasks.ledger.schema import (
    campaigns,
    collected,
    contacts,
    decisions,
    items,
    metadata,
    refusals,
    suppressions,
)
from connect_tasks.ledger.store import Ledger
from connect_tasks.ledger.verdicts import Allow, Moment, Rule, Suppression, Why
from connect_tasks.ledger.what_stays import STAYS
from tests.functional.world import CAMPAIGN, World, customers
from tests.postgresql import new_database

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
TERMS = ClaimTerms(lease=timedelta(seconds=30), token_validity=timedelta(hours=24))
REDACTED = (
    *("contacts", "items", "refusals", "invitations", "collected"),
    *("decisions", "suppressions"),
)
PERSONAL = ["kunde-17", "Zebulon", "seldom said"]
ECHOED = Conversation(settle_seconds=0, messages=("{{ score }}",), max_replies=1)
ZEBULON = {"customer_id": "kunde-17", "display_name": "Zebulon", "score": "seldom said"}

# --- what there is in a database, read past our code ---


def ask(url: str, *statements: str) -> list[Any]:
    """What a database says, asked past the ledger."""
    engine = make_engine(url)
    try:
        with engine.begin() as connection:
            answers = [connection.exec_driver_sql(statement) for statement in statements]
            return [row for answer in answers if answer.returns_rows for row in answer]
    finally:
        engine.dispose()


def everything(url: str) -> str:
    """All cells of the ledger's tables."""
    return "\n".join(map(str, ask(url, *(f"SELECT * FROM {name}" for name in metadata.tables))))  # noqa: S608 - our own names


def in_files(url: str) -> str:
    """The bytes of a SQLite ledger's files, its log included."""
    database = Path(url.removeprefix("sqlite:///"))
    files = database.parent.glob(f"{database.name}*")
    return b"".join(path.read_bytes() for path in files).decode("latin-1")


def left_of(url: str, *words: str) -> list[str]:
    """Which words are still somewhere in the database, where PostgreSQL's statistics count too."""
    is_file = url.startswith("sqlite")
    here = everything(url) + (in_files(url) if is_file else str(ask(url, "TABLE pg_stats")))
    return [word for word in words if word in here]


def take_samples(url: str) -> None:
    """As PostgreSQL does by itself after a while."""
    if url.startswith("postgresql"):
        ask(url, "ANALYZE")


# --- a ledger without a campaign that runs ---


def planned(customer_id: str, *, campaign: str = CAMPAIGN, generation: int = 1) -> Planned:
    return Planned(
        customer_id=customer_id,
        customer_key=customer_id,
        generation=generation,
        client_token=client_token(campaign, customer_id, generation),
        request=f'{{"DisplayName":"Name of {customer_id}"}}',
        fingerprint=f"print of {customer_id}",
        messages=(f"Hello {customer_id}",),
    )


def item(name: str) -> Item:
    return Item(
        message_id=name,
        absolute_time=NOW,
        type="MESSAGE",
        content_type="text/plain",
        content=f"words of {name}",
        participant_role="CUSTOMER",
        participant_id="p-1",
        display_name="Zebulon",
    )


def claim(ledger: Ledger, worker: str = "w-1", *, now: datetime = NOW) -> dict[str, Contact]:
    claimed = ledger.claim(CAMPAIGN, worker, most=10_000, now=now, terms=TERMS)
    return {contact.customer_id: contact for contact in claimed}


def step(
    ledger: Ledger, contact: Contact, status: Status, worker: str = "w-1", **changes: Any
) -> Contact:
    after = contact.advance(status, **changes)
    ledger.apply(worker, [Progress(after, contact.status)])
    return after


def start(ledger: Ledger, contact: Contact) -> Contact:
    sent = step(ledger, contact, Status.STARTING, sent_at=NOW)
    chat = f"chat-{contact.customer_id}"
    return step(ledger, sent, Status.STARTED, contact_id=chat, started_at=NOW)


def complete(ledger: Ledger, contact: Contact) -> Contact:
    started = start(ledger, contact)
    ledger.apply("w-1", [Heard(started, [item(f"said-{contact.customer_id}")])])
    return step(ledger, started, Status.COMPLETED, ended_at=NOW)


@pytest.fixture(name="ledger")
def _ledger(ledger_url: str) -> Iterator[Ledger]:
    """Zebulon and another customer are planned, in two campaigns."""
    with Ledger(ledger_url) as opened:
        for name in (CAMPAIGN, "another"):
            opened.open_campaign(name, "i-1", now=NOW)
            rows = [planned(customer_id, campaign=name) for customer_id in ("kunde-17", "ada")]
            opened.plan(name, rows, now=NOW)
        yield opened


class Late:
    """A clock that stands still."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


def forget_zebulon(ledger: Ledger, **options: Any) -> Erased:
    return forget("kunde-17", ledger.url, clock=Late(), **options)


def records(ledger: Ledger, campaign: str = CAMPAIGN) -> list[Mapping[str, Any]]:
    return list(ledger.contact_records(campaign))


def statuses(ledger: Ledger, campaign: str = CAMPAIGN) -> list[str]:
    return [row["status"] for row in records(ledger, campaign)]


# --- every column of every table ---


def filled(column: sa.Column[Any]) -> Any:
    """Something of Zebulon's that fits a column, also one that somebody adds later."""
    if isinstance(column.type, sa.Text):
        return f"zebulon's {column.name}"
    if isinstance(column.type, sa.Integer | sa.Boolean):
        return column.type.python_type(7)
    return ["zebulon"] if isinstance(column.type, sa.JSON) else NOW


@contextmanager
def beside(url: str) -> Iterator[sa.Connection]:
    """A connection to the ledger's database, past our code."""
    engine = make_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def rows_of(url: str, table: sa.Table, *where: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    with beside(url) as connection:
        rows = connection.execute(sa.select(table).where(*where)).mappings().all()
    return [dict(row) for row in rows]


def fill(url: str, table: sa.Table, which: sa.ColumnElement[bool]) -> None:
    """Write something into each column of a row that nothing stands in yet."""
    (row,) = rows_of(url, table, which)
    full = {name: filled(table.c[name]) if row[name] is None else row[name] for name in row}
    with beside(url) as connection:
        connection.execute(sa.update(table).where(which).values(full))


def same(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    return {name for name, value in before.items() if after[name] == value}


def test_each_column_of_a_contact_is_emptied_or_on_the_list_of_what_stays(ledger: Ledger) -> None:
    contact = complete(ledger, claim(ledger)["kunde-17"])
    fill(ledger.url, contacts, contacts.c.id == contact.id)
    (before,) = rows_of(ledger.url, contacts, contacts.c.id == contact.id)
    forget_zebulon(ledger)

    (after,) = rows_of(ledger.url, contacts, contacts.c.id == contact.id)
    assert None not in before.values()
    assert same(before, after) == set(STAYS["contacts"])


def test_each_column_of_a_refused_row_is_emptied_or_on_the_list_of_what_stays(
    ledger: Ledger,
) -> None:
    refusal = Refusal(
        position=3,
        customer_id="kunde-17",
        status=Status.REJECTED,
        error_code="InvalidRow",
        error_message="Zebulon",
    )
    ledger.replace_refusals(CAMPAIGN, [refusal])
    fill(ledger.url, refusals, refusals.c.position == 3)
    (before,) = rows_of(ledger.url, refusals)
    forget_zebulon(ledger)

    (after,) = rows_of(ledger.url, refusals)
    assert None not in before.values()
    assert same(before, after) == set(STAYS["refusals"])


def decide(ledger: Ledger, customer_id: str = "kunde-17", *, campaign: str = CAMPAIGN) -> None:
    key = canonical_key(customer_id)
    about = Judged(campaign=campaign, customer_id=customer_id, customer_key=key, verdict=Allow())
    with beside(ledger.url) as connection:
        record(connection, [about], moment=Moment.CLAIM, policy="p-1", now=NOW)


def opt_out(ledger: Ledger, customer_id: str = "kunde-17", name: str = "all") -> None:
    entry = Suppression(name, "person", f"a call from {customer_id}", NOW)
    ledger.suppressions.add([(customer_id, entry)])


def on_lists(ledger: Ledger, customer_id: str = "kunde-17") -> list[str]:
    found = ledger.suppressions.of([canonical_key(customer_id)], NOW)
    return [one.list for theirs in found.values() for one in theirs]


def ids_on_lists(ledger: Ledger) -> list[str | None]:
    return [row["customer_id"] for row in ledger.suppressions.records(now=NOW)]


def test_each_column_of_a_decision_is_emptied_or_on_the_list_of_what_stays(ledger: Ledger) -> None:
    decide(ledger)
    fill(ledger.url, decisions, decisions.c.campaign == CAMPAIGN)
    (before,) = rows_of(ledger.url, decisions)
    forget_zebulon(ledger)

    (after,) = rows_of(ledger.url, decisions)
    assert None not in before.values()
    assert same(before, after) == set(STAYS["decisions"])
    assert after["customer_id"] == after["customer_key"] == records(ledger)[0]["customer_id"]


def test_each_column_of_a_suppression_is_emptied_or_on_the_list_of_what_stays(
    ledger: Ledger,
) -> None:
    opt_out(ledger)
    fill(ledger.url, suppressions, suppressions.c.list == "all")
    (before,) = rows_of(ledger.url, suppressions)
    forget_zebulon(ledger)

    (after,) = rows_of(ledger.url, suppressions)
    assert None not in before.values()
    assert same(before, after) == set(STAYS["suppressions"])


@pytest.mark.parametrize("named", ["kunde-17", " kunde-17", "kunde\N{ZERO WIDTH SPACE}-17"])
def test_who_opted_out_and_was_forgotten_is_known_when_they_are_named_again(
    ledger: Ledger, named: str
) -> None:
    opt_out(ledger)
    opt_out(ledger, "ada")
    erased = forget_zebulon(ledger)

    assert erased.suppressions == 1
    assert sorted(ids_on_lists(ledger), key=str) == [None, "ada"]
    assert on_lists(ledger, named) == ["all"]
    assert left_of(ledger.url, "kunde-17", "Zebulon") == []


def test_a_table_that_names_a_forgotten_customer_again_writes_their_id_nowhere(
    ledger: Ledger,
) -> None:
    forget_zebulon(ledger)
    again = replace(planned("kunde-17"), withheld=(Why(Rule.OPTED_OUT, "all"),))
    new = replace(planned("bob"), withheld=(Why(Rule.OPTED_OUT, "all"),))

    assert ledger.plan(CAMPAIGN, [again, new], now=NOW) == 1
    assert [row["customer_id"] for row in rows_of(ledger.url, decisions)] == ["bob"]
    assert left_of(ledger.url, "kunde-17", "Zebulon") == []


def test_what_was_said_and_not_read_yet_may_be_an_opt_out_and_is_read_first(
    ledger: Ledger,
) -> None:
    contact = complete(ledger, claim(ledger)["kunde-17"])
    with beside(ledger.url) as connection:
        theirs = {
            "campaign": CAMPAIGN,
            "contact_id": contact.contact_id,
            "initial_contact_id": contact.contact_id,
            "described_at": NOW,
            "transcript": "awaited",
        }
        connection.execute(sa.insert(collected), theirs)
        connection.execute(
            sa.update(campaigns).where(campaigns.c.campaign == CAMPAIGN).values(mode="invitation")
        )
    before = everything(ledger.url)
    unread = r"not read yet.*`collect`.*unread=True"
    with pytest.raises(InputError, match=unread):
        forget_zebulon(ledger)
    with pytest.raises(InputError, match=unread):
        erase(CAMPAIGN, ledger.url, clock=Late(NOW + 2 * TERMS.lease))
    assert everything(ledger.url) == before
    with beside(ledger.url) as connection:
        connection.execute(sa.update(collected).values(transcript="stored"))
    forget_zebulon(ledger)
    assert left_of(ledger.url, "kunde-17", "Zebulon") == []


def test_who_wants_to_forget_what_nobody_read_can(ledger: Ledger) -> None:
    contact = complete(ledger, claim(ledger)["kunde-17"])
    with beside(ledger.url) as connection:
        connection.execute(
            sa.update(campaigns).where(campaigns.c.campaign == CAMPAIGN).values(mode="invitation")
        )
        theirs = {"initial_contact_id": contact.contact_id, "described_at": NOW}
        row = {"campaign": CAMPAIGN, "contact_id": contact.contact_id, "transcript": "awaited"}
        connection.execute(sa.insert(collected), {**theirs, **row})
    forget_zebulon(ledger, unread=True)

    assert left_of(ledger.url, "kunde-17", "Zebulon") == []


def test_a_campaign_that_is_erased_takes_ids_out_of_what_was_decided_and_of_lists(
    ledger: Ledger,
) -> None:
    for name in ("kunde-17", "ada", "never planned"):
        decide(ledger, name)
        opt_out(ledger, name)
        forget(name, ledger.url, campaign="another") if name != "never planned" else None
    erased = erase(CAMPAIGN, ledger.url, clock=Late())

    assert erased.suppressions == 2
    assert sorted(ids_on_lists(ledger), key=str) == [None, None, "never planned"]
    assert [on_lists(ledger, name) for name in ("kunde-17", "ada")] == [["all"], ["all"]]
    about = [row["customer_id"] for row in rows_of(ledger.url, decisions)]
    assert [str(name).startswith("forgotten-") for name in about] == [True] * 3
    assert {row["customer_key"] for row in rows_of(ledger.url, decisions)} == set(about)


def test_a_suppression_keeps_its_id_as_long_as_another_campaign_knows_the_customer(
    ledger: Ledger,
) -> None:
    opt_out(ledger)
    forget_zebulon(ledger, campaign=CAMPAIGN)
    while_known = ids_on_lists(ledger)
    forget_zebulon(ledger, campaign="another")

    assert (while_known, ids_on_lists(ledger)) == (["kunde-17"], [None])


def test_who_is_on_a_list_only_can_be_forgotten(ledger: Ledger) -> None:
    opt_out(ledger, "kunde-99")
    erased = [forget("kunde-99", ledger.url, clock=Late()) for _ in range(2)]

    assert [one.suppressions for one in erased] == [1, 0]
    assert ids_on_lists(ledger) == [None]
    with pytest.raises(InputError, match="no customer 'ku…'"):
        forget("kunde-98", ledger.url)


def test_nobody_is_named_again_by_a_list_that_has_them_already(ledger: Ledger) -> None:
    opt_out(ledger)
    forget_zebulon(ledger)
    opt_out(ledger)

    assert ids_on_lists(ledger) == [None]


def test_nothing_is_left_of_the_items_of_a_transcript(ledger: Ledger) -> None:
    complete(ledger, claim(ledger)["kunde-17"])
    before = rows_of(ledger.url, items)
    forget_zebulon(ledger)

    assert (len(before), rows_of(ledger.url, items)) == (1, [])
    assert STAYS["items"] == {}


# --- a campaign that really ran ---


@pytest.fixture(name="here")
def _here(ledger_url: str) -> Iterator[World]:
    quotas = LocalQuotas.unlimited()
    with LocalConnect(flow="echo", quotas=quotas) as local, Ledger(ledger_url) as ledger:
        yield World(local, ledger, conversation=ECHOED)


def table() -> list[dict[str, Any]]:
    """Thirty customers with Zebulon among them, once more at the end, and one refused row."""
    refused = {"customer_id": "kunde-18", "display_name": "", "score": "Balthasar"}
    return [*customers(15), ZEBULON, *customers(30)[15:], ZEBULON, refused]


def contact_everybody(here: World) -> None:
    here.plan(table())
    here.run()


def test_nothing_of_a_forgotten_customer_is_left_in_the_database(here: World) -> None:
    contact_everybody(here)
    take_samples(here.ledger.url)
    zebulon = next(row for row in here.contacts() if row["customer_id"] == "kunde-17")
    at_amazon = [zebulon["contact_id"], zebulon["participant_id"]]
    before = left_of(here.ledger.url, *PERSONAL, *at_amazon, "kunde-18", "Customer 29")
    erased = forget("kunde-17", here.ledger.url)

    assert before == [*PERSONAL, *at_amazon, "kunde-18", "Customer 29"]
    assert left_of(here.ledger.url, *before) == ["kunde-18", "Customer 29"]
    assert (erased.contacts, erased.refusals, erased.overwritten) == (1, 1, True)
    assert erased.messages > 2


def test_a_forgotten_customer_is_not_contacted_again(here: World) -> None:
    contact_everybody(here)
    forget("kunde-17", here.ledger.url)
    again = here.plan([*table(), {**ZEBULON, "customer_id": "new", "display_name": "New"}])
    here.run()

    assert here.made() == dict.fromkeys([*(f"{n:04}" for n in range(30)), "kunde-17", "new"], 1)
    assert (again.added, again.known, again.request_changed) == (1, 31, 0)
    assert again.intake.contacted == 31
    assert left_of(here.ledger.url, "Zebulon") == []


def test_a_row_of_a_forgotten_customer_is_answered_without_what_was_personal(here: World) -> None:
    contact_everybody(here)
    made = next(dict(row) for row in here.contacts() if row["customer_id"] == "kunde-17")
    forget("kunde-17", here.ledger.url)
    result = CampaignResult(CAMPAIGN, here.ledger.url, here.plan(table()))
    row = result.contacts.set_index("customer_id").loc["kunde-17"].iloc[0]
    kept = ["status", "generation", "client_token", "planned_at", "started_at", "ended_at"]

    assert row["status"] == "completed"
    assert [row[name] for name in kept] == [made[name] for name in kept]
    assert row[["contact_id", "participant_id", "error_message", "request_id"]].isna().all()
    assert "kunde-17" not in result.messages["customer_id"].tolist()
    assert len(set(result.messages["customer_id"])) == 30
    assert result.summary["completed"] == 31
    assert "Zebulon" not in result.report()


def test_a_forgotten_customer_is_forgotten_in_a_forecast_of_the_table(here: World) -> None:
    contact_everybody(here)
    forget("kunde-17", here.ledger.url)
    renderer = here.template.bind(instance_id="i-1", contact_flow_id="f-1")
    known: Callable[..., Any] = lambda ids: here.ledger.recognised(CAMPAIGN, ids)  # noqa: E731

    assert look_over([table()], renderer, known=known).contacted == 31


def test_others_of_a_running_campaign_are_contacted_while_customers_are_forgotten(
    here: World,
) -> None:
    contact_everybody(here)
    here.plan(customers(120))
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(here.run)
        for number in range(30):
            forget(f"{number:04}", here.ledger.url, overwrite=number % 10 == 0)
        running.result()

    assert here.made() == dict.fromkeys([*(f"{n:04}" for n in range(120)), "kunde-17"], 1)
    assert set(statuses(here.ledger)) == {"completed"}
    assert left_of(here.ledger.url, "Customer 7", '"0007"') == ["Customer 7"]  # of Customer 70


# --- who was not contacted, and who is being contacted ---


def test_who_is_planned_is_never_contacted_once_forgotten(ledger: Ledger) -> None:
    forget_zebulon(ledger)
    ledger.plan(CAMPAIGN, [planned("kunde-17"), planned("ada")], now=NOW)

    assert statuses(ledger) == ["failed", "planned"]
    assert records(ledger)[0]["error_code"] == "ForgottenByPerson"
    assert records(ledger)[0]["ended_at"] == NOW
    assert list(claim(ledger)) == ["ada"]
    assert left_of(ledger.url, "kunde-17") == []


def test_who_was_never_sent_and_is_nobodys_is_never_contacted_once_forgotten(
    ledger: Ledger,
) -> None:
    step(ledger, claim(ledger)["kunde-17"], Status.STARTING)
    ledger.release(CAMPAIGN, "w-1")
    forget_zebulon(ledger)

    assert statuses(ledger) == ["failed", "planned"]
    assert list(claim(ledger, "w-2")) == ["ada"]


def sent(ledger: Ledger, contact: Contact) -> Contact:
    return step(ledger, contact, Status.STARTING, sent_at=NOW)


@pytest.mark.parametrize(
    ("bring", "advice"),
    [
        (lambda _, contact: contact, "wait for its end, or stop the campaign"),
        (sent, "run the campaign once more"),
        (start, "wait for its end, or stop the campaign"),
        (lambda led, c: step(led, start(led, c), Status.CONNECTED), "stop the campaign and run"),
        (lambda led, c: step(led, sent(led, c), Status.UNKNOWN), "decide with `resolve` first"),
    ],
    ids=["claimed", "sent", "started", "connected", "unknown"],
)
@pytest.mark.parametrize("released", [False, True], ids=["held", "let go"])
def test_who_is_under_way_is_not_forgotten_and_the_error_says_what_to_do(
    ledger: Ledger,
    bring: Callable[[Ledger, Contact], Contact],
    advice: str,
    released: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    contact = bring(ledger, claim(ledger)["kunde-17"])
    if released and contact.status is not Status.PLANNED:
        ledger.release(CAMPAIGN, "w-1")
    before = everything(ledger.url)

    with pytest.raises(InputError, match=advice) as refused:
        forget_zebulon(ledger)
    with pytest.raises(InputError, match=r"not over, .* being under way"):
        erase(CAMPAIGN, ledger.url, clock=Late())
    assert everything(ledger.url) == before
    assert "kunde-17" not in str(refused.value)


def test_a_worker_that_slept_cannot_go_on_with_a_forgotten_customer(ledger: Ledger) -> None:
    asleep = claim(ledger)["kunde-17"]
    awake = NOW + timedelta(seconds=31)
    forget("kunde-17", ledger.url, clock=Late(awake))
    ledger.renew(CAMPAIGN, "w-1", until=awake + TERMS.lease)

    assert [contact.customer_id for contact in ledger.recall(CAMPAIGN, "w-1")] == ["ada"]
    with pytest.raises(ClaimLostError):
        sent(ledger, asleep)
    assert "kunde-17" not in claim(ledger, "w-2", now=awake)


def test_a_worker_that_slept_cannot_bring_back_what_a_forgotten_customer_said(
    ledger: Ledger,
) -> None:
    asleep = complete(ledger, claim(ledger)["kunde-17"])
    forget_zebulon(ledger)
    ledger.apply("w-1", [Heard(asleep, [item("late")])])

    assert left_of(ledger.url, "words of", "Zebulon") == []


# --- what is forgotten, and what is not ---


def test_a_customer_is_forgotten_in_every_campaign_under_different_hashes(ledger: Ledger) -> None:
    erased = forget_zebulon(ledger)
    hashes = [records(ledger, name)[0]["customer_id"] for name in (CAMPAIGN, "another")]

    assert erased.contacts == 2
    assert len(set(hashes)) == 2
    assert all(name.startswith("forgotten-") for name in hashes)
    assert statuses(ledger, "another") == ["failed", "planned"]


def test_a_customer_is_forgotten_in_the_named_campaign_only(ledger: Ledger) -> None:
    assert forget_zebulon(ledger, campaign="another").contacts == 1
    assert [row["customer_id"] for row in records(ledger)] == ["kunde-17", "ada"]


def test_a_customer_who_is_under_way_somewhere_is_forgotten_nowhere(ledger: Ledger) -> None:
    claim(ledger)
    before = everything(ledger.url)

    with pytest.raises(InputError, match=f"in campaign '{CAMPAIGN}'"):
        forget_zebulon(ledger)
    assert everything(ledger.url) == before


def test_what_stays_of_a_contact_is_that_there_was_one(ledger: Ledger) -> None:
    complete(ledger, claim(ledger)["kunde-17"])
    forget_zebulon(ledger, campaign=CAMPAIGN)

    row = {name: value for name, value in records(ledger)[0].items() if value is not None}
    assert str(row.pop("customer_id")).removeprefix("forgotten-").isalnum()
    assert row == {
        "id": 1,
        "campaign": CAMPAIGN,
        "generation": 1,
        "status": "completed",
        "client_token": client_token(CAMPAIGN, "kunde-17"),
        "request": "{}",
        "messages": [],
        "attempts": 0,
        "items_skipped": 0,
        "planned_at": NOW,
        "sent_at": NOW,
        "started_at": NOW,
        "ended_at": NOW,
    }


def test_an_error_keeps_its_code_and_loses_its_text(ledger: Ledger) -> None:
    why = {"error_code": "InvalidRequest", "error_message": "kunde-17", "request_id": "r-1"}
    step(ledger, sent(ledger, claim(ledger)["kunde-17"]), Status.FAILED, **why)
    forget_zebulon(ledger)

    kept = [records(ledger)[0][name] for name in why]
    assert kept == ["InvalidRequest", None, None]


def test_all_generations_of_a_customer_are_forgotten(ledger: Ledger) -> None:
    step(ledger, sent(ledger, claim(ledger)["kunde-17"]), Status.UNKNOWN)
    ledger.release(CAMPAIGN, "w-1")
    manage.resolve(CAMPAIGN, "kunde-17", "contact_again", ledger.url)
    erased = forget("kunde-17", ledger.url)
    ledger.plan(CAMPAIGN, [planned("kunde-17")], now=NOW)
    found = ledger.contacts_of(CAMPAIGN, ["kunde-17"])["kunde-17"]

    assert erased.contacts == 3
    assert statuses(ledger) == ["failed", "planned", "failed"]
    assert (found["customer_id"], found["generation"]) == ("kunde-17", 2)
    assert left_of(ledger.url, "kunde-17") == []


def test_a_second_call_changes_nothing(ledger: Ledger) -> None:
    complete(ledger, claim(ledger)["kunde-17"])
    forget_zebulon(ledger)
    before = everything(ledger.url)

    assert forget_zebulon(ledger) == Erased(overwritten=True)
    assert forget_zebulon(ledger, campaign=CAMPAIGN) == Erased(overwritten=True)
    assert forget(str(records(ledger)[0]["customer_id"]), ledger.url) == Erased(overwritten=True)
    assert everything(ledger.url) == before


def test_a_customer_whom_the_ledger_does_not_know_cannot_be_forgotten(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="no customer 'so…' in the ledger"):
        forget("somebody else", ledger.url)
    ledger.open_campaign("empty", "i-1", now=NOW)
    with pytest.raises(InputError, match="no customer 'ku…' in campaign 'empty'"):
        forget_zebulon(ledger, campaign="empty")
    with pytest.raises(InputError, match="no campaign 'nothing'"):
        forget_zebulon(ledger, campaign="nothing")


def test_a_refused_row_loses_its_id_and_reasons_and_still_counts(ledger: Ledger) -> None:
    refused = [
        Refusal(
            position=number,
            customer_id=customer_id,
            status=Status.REJECTED,
            error_code="InvalidRow",
            error_message=f"the name of {customer_id} is wrong",
        )
        for number, customer_id in enumerate(["balthasar", "caspar", None])
    ]
    ledger.replace_refusals(CAMPAIGN, refused)

    assert forget("balthasar", ledger.url).refusals == 1
    assert left_of(ledger.url, "balthasar", "caspar") == ["caspar"]
    assert ledger.counts(CAMPAIGN)["rejected"] == 3
    with pytest.raises(InputError, match="no customer"):
        forget("balthasar", ledger.url)


# --- a whole campaign ---


def test_nothing_of_an_erased_campaign_is_left_in_the_database(here: World) -> None:
    contact_everybody(here)
    take_samples(here.ledger.url)
    tokens = [row["client_token"] for row in here.contacts()]
    counts = here.ledger.counts(CAMPAIGN)
    personal = [*PERSONAL, "kunde-18", "Balthasar", "Customer 7", '"0007"', "'0007'"]
    erased = erase(CAMPAIGN, here.ledger.url)

    assert (erased.contacts, erased.refusals, erased.overwritten) == (31, 2, True)
    assert left_of(here.ledger.url, *personal) == []
    assert here.said() == []
    assert here.ledger.counts(CAMPAIGN) == counts
    assert [row["client_token"] for row in here.contacts()] == tokens
    assert erase(CAMPAIGN, here.ledger.url) == Erased(overwritten=True)


def test_nobody_of_an_erased_campaign_is_contacted_again(here: World) -> None:
    contact_everybody(here)
    here.plan([*table(), *customers(40)])
    erase(CAMPAIGN, here.ledger.url)
    again = here.plan([*table(), *customers(40), {**ZEBULON, "customer_id": "new"}])
    here.run()

    assert here.made() == dict.fromkeys([*(f"{n:04}" for n in range(30)), "kunde-17", "new"], 1)
    assert (again.added, again.known) == (1, 41)
    assert CampaignResult(CAMPAIGN, here.ledger.url, again).contacts["customer_id"].notna().all()


def test_another_campaign_is_not_erased(ledger: Ledger) -> None:
    erase("another", ledger.url, clock=Late())

    assert [row["customer_id"] for row in records(ledger)] == ["kunde-17", "ada"]
    assert statuses(ledger, "another") == ["failed", "failed"]


def test_a_campaign_that_is_not_there_cannot_be_erased(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="no campaign 'nothing'"):
        erase("nothing", ledger.url)


def test_transcripts_whose_contacts_were_deleted_are_erased(ledger: Ledger) -> None:
    for contact in claim(ledger).values():
        complete(ledger, contact)
    ask(ledger.url, "DELETE FROM contacts WHERE customer_id = 'kunde-17'")

    assert erase(CAMPAIGN, ledger.url, clock=Late()).messages == 2
    assert left_of(ledger.url, "words of") == []


class Killed(BaseException):
    """What ends a process in the middle."""


class Mortal(SystemClock):
    """A clock that is asked the time a few times and then ends the process."""

    def __init__(self, times: int) -> None:
        self._left = times

    def now(self) -> datetime:
        self._left -= 1
        if self._left < 0:
            raise Killed
        return super().now()


def test_an_erasure_that_was_killed_is_gone_on_with(ledger: Ledger) -> None:
    rows = [planned(f"nobody:{number}:") for number in range(4_998)]
    ledger.plan(CAMPAIGN, rows, now=NOW)
    with pytest.raises(Killed):
        erase(CAMPAIGN, ledger.url, clock=Mortal(3))  # of which two are for pieces
    halfway = statuses(ledger).count("failed")
    erased = erase(CAMPAIGN, ledger.url)

    assert halfway == 4_000
    assert erased.contacts == 1_000
    assert set(statuses(ledger)) == {"failed"}
    assert left_of(ledger.url, "nobody:") == []


class Watching(SystemClock):
    """A clock that does something when it is asked the time for the n-th time."""

    def __init__(self, acts: Mapping[int, Callable[[], object]]) -> None:
        self._acts = acts
        self._times = 0

    def now(self) -> datetime:
        self._times += 1
        self._acts.get(self._times, lambda: None)()
        return super().now()


def test_who_comes_under_way_during_an_erasure_is_left_and_told_of(ledger: Ledger) -> None:
    def run() -> None:
        ledger.plan(CAMPAIGN, [planned("late")], now=NOW)
        start(ledger, claim(ledger)["late"])

    with pytest.raises(InputError, match="1 started being under way"):
        erase(CAMPAIGN, ledger.url, clock=Watching({3: run}))
    assert statuses(ledger) == ["failed", "failed", "started"]


def test_who_is_settled_behind_an_erasure_is_found(ledger: Ledger) -> None:
    def become(status: str) -> Callable[[], object]:
        return lambda: ask(ledger.url, f"UPDATE contacts SET status = '{status}' WHERE id = 1")  # noqa: S608 - our own words

    # The first is asked before anything is read, the second before the first piece.
    acts = {2: become("started"), 3: become("completed")}
    erased = erase(CAMPAIGN, ledger.url, clock=Watching(acts))

    assert erased.contacts == 2
    assert statuses(ledger) == ["completed", "failed"]


# --- the database's files ---


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    """A ledger in which Zebulon is planned among many."""
    path = tmp_path / "ledger.db"
    with Ledger(f"sqlite:///{path}") as ledger:
        ledger.open_campaign(CAMPAIGN, "i-1", now=NOW)
        others = [planned(f"other-{number}") for number in range(200)]
        ledger.plan(CAMPAIGN, [*others[:100], planned("kunde-17"), *others[100:]], now=NOW)
    return path


@pytest.fixture(name="careless")
def _careless() -> Iterator[None]:
    """A SQLite that was built without the wish to overwrite what is deleted, as most are."""

    def set_off(connection: Any, _: object) -> None:
        connection.execute("PRAGMA secure_delete=OFF")

    sa.event.listen(sa.engine.Engine, "connect", set_off)
    yield
    sa.event.remove(sa.engine.Engine, "connect", set_off)


@pytest.mark.usefixtures("careless")
def test_what_is_forgotten_is_zeroed_also_where_the_file_is_not_written_anew(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("VACUUM")  # What the planning left is another test's.
    erased = forget("kunde-17", f"sqlite:///{path}", overwrite=False)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    assert not erased.overwritten
    assert left_of(f"sqlite:///{path}", "kunde-17") == []


@pytest.mark.usefixtures("careless")
def test_traces_that_earlier_writes_left_are_gone_too(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    names = [f"kunde-{number:04}" for number in range(400)]
    quotas = LocalQuotas.unlimited()
    with LocalConnect(flow="echo", quotas=quotas) as local, Ledger(url) as ledger:
        here = World(local, ledger, conversation=ECHOED)
        here.plan([{**ZEBULON, "customer_id": name} for name in names])
        here.run()
    for name in names[::7]:
        forget(name, url, overwrite=name == names[-1 - (399 % 7)])

    assert left_of(url, *names[::7]) == []


def test_a_reader_keeps_the_log_and_the_next_call_makes_up_for_it(path: Path) -> None:
    url = f"sqlite:///{path}"
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM contacts").fetchone()
        during = forget("kunde-17", url, busy_seconds=0.1)
    after = forget("kunde-17", url)

    assert (during.contacts, during.overwritten) == (1, False)
    assert (after.contacts, after.overwritten) == (0, True)
    assert left_of(url, "kunde-17") == []


def test_a_writer_keeps_the_file_and_the_next_call_makes_up_for_it(path: Path) -> None:
    url = f"sqlite:///{path}"
    engine = make_engine(url)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert not overwrite(engine, busy_seconds=0.1)
    assert overwrite(engine)
    engine.dispose()


def test_what_others_write_while_postgresql_takes_new_samples_stays_and_nothing_else_does() -> None:
    added = "INSERT INTO refusals VALUES ('new', 0, 'ada', 'rejected', 'BadRow', 'is empty', 'ada')"

    def write(*execution: Any) -> None:
        if execution[2] == "ANALYZE refusals":
            ask(url, added)

    with new_database() as url:
        with Ledger(url):
            engine = make_engine(url)
        sa.event.listen(engine, "before_cursor_execute", write)
        assert overwrite(engine)
        engine.dispose()
        left = ask(url, *(f"SELECT * FROM {name}" for name in REDACTED))  # noqa: S608 - our own

    assert left == [("new", 0, "ada", "rejected", "BadRow", "is empty", "ada")]


# --- at the same time ---


def test_a_claim_between_the_look_and_the_deed_does_not_get_the_customer(ledger: Ledger) -> None:
    claims: list[Future[dict[str, Contact]]] = []

    def claim_meanwhile(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("UPDATE contacts SET customer_id") and not claims:
            claims.append(threads.submit(claim, ledger))
            # On SQLite the claim comes later, because it has to wait for us.
            wait(claims, timeout=1)

    with ThreadPoolExecutor(1) as threads:
        sa.event.listen(sa.engine.Engine, "before_cursor_execute", claim_meanwhile)
        try:
            forget_zebulon(ledger, campaign=CAMPAIGN)
        finally:
            sa.event.remove(sa.engine.Engine, "before_cursor_execute", claim_meanwhile)

    assert list(claims[0].result()) == ["ada"]
    assert statuses(ledger) == ["failed", "planned"]


def test_a_claim_at_the_same_moment_is_either_refused_or_comes_to_nothing(ledger: Ledger) -> None:
    names = [f"n-{number}" for number in range(60)]
    ledger.plan(CAMPAIGN, [planned(name) for name in names], now=NOW)

    def try_to_forget(name: str) -> bool:
        try:
            forget(name, ledger.url, overwrite=False)
        except InputError:
            return False
        return True

    def work(worker: str) -> list[str]:
        contacted = []
        with Ledger(ledger.url) as own:
            while claimed := own.claim(
                CAMPAIGN, worker, most=3, now=datetime.now(UTC), terms=TERMS
            ):
                contacted += [c.customer_id for c in claimed]
                for contact in claimed:
                    step(own, contact, Status.STARTING, worker, sent_at=datetime.now(UTC))
        return contacted

    with ThreadPoolExecutor(4) as threads:
        workers = [threads.submit(work, name) for name in ("w-1", "w-2")]
        # From the other end, so that they meet.
        done = zip(names[::-1], threads.map(try_to_forget, names[::-1]), strict=True)
        forgotten = {name for name, is_done in done if is_done}
        contacted = [name for worker in workers for name in worker.result()]

    assert forgotten.isdisjoint(contacted)
    assert forgotten | set(contacted) >= set(names)
    assert len(contacted) == len(set(contacted))


def test_what_is_heard_at_the_same_moment_is_forgotten_as_well(ledger: Ledger) -> None:
    names = [f"n-{number}" for number in range(60)]
    ledger.plan(CAMPAIGN, [planned(name) for name in names], now=NOW)
    over = {name: complete(ledger, contact) for name, contact in claim(ledger).items()}

    def hear() -> None:
        with Ledger(ledger.url) as asleep:
            for turn, name in itertools.product(range(4), names):
                asleep.apply("w-1", [Heard(over[name], [item(f"{name}-{turn}-")])])

    with ThreadPoolExecutor(2) as threads:
        hearing = [threads.submit(hear) for _ in range(2)]
        for name in names:
            forget(name, ledger.url, overwrite=False)
        for heard in hearing:
            heard.result()

    assert [row for row in ledger.message_records(CAMPAIGN) if "n-" in row["customer_id"]] == []
    assert "words of n-" not in everything(ledger.url)


def test_a_planning_at_the_same_moment_brings_nobody_back(ledger: Ledger) -> None:
    names = [f"n-{number}" for number in range(60)]
    rows = [planned(name) for name in names]
    ledger.plan(CAMPAIGN, rows, now=NOW)

    def plan() -> None:
        with Ledger(ledger.url) as planner:
            for turn in range(20):
                planner.plan(CAMPAIGN, rows if turn % 2 else rows[::-1], now=NOW)

    with ThreadPoolExecutor(2) as threads:
        planning = [threads.submit(plan) for _ in range(2)]
        for name in names:
            forget(name, ledger.url, overwrite=False)
        for done in planning:
            done.result()

    assert set(statuses(ledger)[2:]) == {"failed"}
    assert '"n-' not in everything(ledger.url)
    assert "Name of n-" not in everything(ledger.url)


def test_two_who_forget_the_same_customers_do_not_hinder_each_other(ledger: Ledger) -> None:
    names = [f"n-{number}" for number in range(30)]
    for campaign in (CAMPAIGN, "another"):
        rows = [planned(name, campaign=campaign) for name in names]
        ledger.plan(campaign, rows, now=NOW)

    def forget_all(_: int) -> int:
        return sum(forget(name, ledger.url, overwrite=False).contacts for name in names)

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(forget_all, range(2))) == 60


def test_a_start_that_is_cut_off_is_resolved_before_it_is_forgotten(here: World) -> None:
    cuts = [
        Fault(operation="StartChatContact", kind=FaultKind.CUT_AFTER, customer_id="kunde-17", nth=n)
        for n in range(1, 9)
    ]
    quotas = LocalQuotas.unlimited()
    with LocalConnect(flow="echo", quotas=quotas, faults=cuts) as local:
        cut = World(local, here.ledger, conversation=ECHOED)
        contact_everybody(cut)
        with pytest.raises(InputError, match="decide with `resolve` first"):
            forget("kunde-17", here.ledger.url)
        manage.resolve(CAMPAIGN, "kunde-17", "was_contacted", here.ledger.url)
        forget("kunde-17", here.ledger.url)

    assert left_of(here.ledger.url, *PERSONAL) == []
