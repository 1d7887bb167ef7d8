"""Whom a person would call the same is one customer, in ledgers of earlier versions too."""

import itertools
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from connect_tasks import Conversation
from connect_tasks.aws.idempotency import canonical_key, exact_token
from connect_tasks.aws.pacing.clock import SystemClock
from connect_tasks.campaign import CampaignResult, manage
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.errors import InputError
from connect_tasks.ledger import Ledger, erase, forget
from connect_tasks.ledger.redaction import forgotten_ids
from connect_tasks.tables.reading import open_table
from connect_tasks.tasks import collect_responses, start_chats, validate_customers
from tests.functional.world import CAMPAIGN, World, world

OLD = Path(__file__).parents[1] / "data" / "ledger_of_26fc872.db"
WRITTEN_AT = datetime(2026, 11, 26, 23, 53, 18, tzinfo=UTC)

# The same to a person: as it is, with white space, without width, in two characters.
ZOE = ["Zo\u00eb 7", " Zo\u00eb 7\t", "Zoe\u0308 7", "Zo\u200b\u00eb 7\u00a0", "\ufeffZo\u00eb 7"]


def row(name: str, **more: Any) -> dict[str, Any]:
    return {"customer_id": name, "display_name": "Ada", "score": "9", **more}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as here:
        yield here


def write(here: World, statement: str) -> None:
    with closing(sqlite3.connect(here.ledger.url.removeprefix("sqlite:///"))) as database:
        database.execute(statement)
        database.commit()


def contact(here: World, *rows: Mapping[str, Any]) -> None:
    here.run(table_id=here.plan(rows).table_id)


# What a person would call the same, pair by pair; the first as a table of one kind gives it.
LOOK_ALIKE = {
    "a byte order mark": ("0042", "\ufeff0042"),
    "a joiner in emoji": ("\U0001f468\u200d\U0001f469", "\U0001f468\U0001f469"),
    "a variation selector": ("\u2764\ufe0f 1", "\u2764 1"),
    "a soft hyphen": ("kundin", "kun\u00addin"),
    "no-break spaces outside": ("7", "\u00a07\u202f"),
    "a no-break space inside": ("Haus 7", "Haus\u00a07"),
    "an ideographic space inside": ("Haus 7", "Haus\u30007"),
    "ideographic spaces outside": ("\u7530\u4e2d", "\u3000\u7530\u4e2d\u3000"),
    "tabs and line ends": ("7", "\t7\r\n"),
    "decomposed accents": ("Zo\u00eb", "Zoe\u0308"),
    "accents in another order": ("a\u0323\u0307", "a\u0307\u0323"),
    "Hangul letters": ("\ud55c\uae00", "\u1112\u1161\u11ab\u1100\u1173\u11af"),
    "a Hangul filler": ("7", "\u31647\uffa0"),
    "marks of direction": ("\u05d0\u05d1 7", "\u202b\u05d0\u05d1\u202c \u20667\u2069"),
    "an empty Braille pattern": ("7", "7\u2800"),
    "a grapheme joiner": ("ab", "a\u034fb"),
    "a control character": ("7", "7\x07\x1b"),
    "a tag": ("7", "7\U000e0031\U000e007f"),
}


@pytest.mark.parametrize(("one", "other"), LOOK_ALIKE.values(), ids=LOOK_ALIKE)
def test_ids_that_look_alike_are_one_customer_from_table_to_table(
    here: World, one: str, other: str
) -> None:
    contact(here, row(one), row(other))
    contact(here, row(other))
    here.run()
    campaigns = {here.ledger.campaign_name(name) for name in (one, other)}

    assert [c.customer_id for c in here.local.contacts] == [one]
    assert here.ledger.known(CAMPAIGN, [one, other]).keys() == {one, other}
    assert manage.withdraw(CAMPAIGN, [one, other], here.ledger) == 0
    assert forget(other, here.ledger.url).contacts == 1
    assert len(campaigns) == 1


@pytest.mark.parametrize("again", ZOE, ids=ascii)
def test_whoever_looks_the_same_is_contacted_once(here: World, again: str) -> None:
    contact(here, row(ZOE[0]))
    contact(here, row(again))

    assert len(here.local.contacts) == 1


def test_rows_that_look_the_same_are_one_customer_and_the_id_is_shown_as_given(
    here: World,
) -> None:
    plan = here.plan([row(name) for name in reversed(ZOE)])
    here.run(table_id=plan.table_id)

    contacts = CampaignResult(CAMPAIGN, here.ledger.url, plan).contacts
    assert list(contacts["status"]) == ["completed", *["duplicate"] * 4]
    assert list(contacts["customer_id"]) == list(reversed(ZOE))
    assert [c.customer_id for c in here.local.contacts] == [ZOE[-1]]


@pytest.mark.parametrize("again", ZOE, ids=ascii)
def test_a_customer_is_forgotten_by_any_id_that_looks_the_same(here: World, again: str) -> None:
    contact(here, row(ZOE[0]))

    assert forget(again, here.ledger.url).contacts == 1
    contact(here, row(again))
    assert len(here.local.contacts) == 1


def test_an_id_of_which_nothing_is_seen_is_the_rows_error(here: World) -> None:
    plan = here.plan([row("\u200b\u2060"), row("a")])

    (refusal,) = here.ledger.refused_rows(CAMPAIGN)
    assert (plan.rejected, plan.added) == (1, 1)
    assert "nothing that a person could see" in refusal.error_message


def test_the_key_in_the_ledger_is_that_of_the_id(here: World) -> None:
    contact(here, row(ZOE[1]), row("b "))
    with closing(sqlite3.connect(here.ledger.url.removeprefix("sqlite:///"))) as database:
        found = database.execute("SELECT customer_id, customer_key FROM contacts").fetchall()

    assert found == [(ZOE[1], canonical_key(ZOE[1])), ("b ", "b")]


def test_a_mistyped_campaign_that_holds_the_same_customers_is_told_before_anything_is_sent(
    here: World,
) -> None:
    rows = [row(f"{number:04}") for number in range(20)]
    here.plan(rows)
    renderer = here.template.bind(
        instance_id=here.local.instance_id, contact_flow_id=here.local.flow_id
    )
    here.ledger.open_campaign("renewasl", here.local.instance_id, now=WRITTEN_AT)
    plan = plan_campaign(here.ledger, "renewasl", [rows], renderer, now=WRITTEN_AT)

    (told,) = plan.warnings
    assert "'renewasl' is new, and 'renewals' holds 20 of the first 20 customers" in told
    assert here.local.contacts == []


# --- numbers ---


def ids_of(*values: Any, dtype: Any = None) -> list[Any]:
    frame = pd.DataFrame({"customer_id": pd.Series(values, dtype=dtype)})
    return [r["customer_id"] for piece in open_table(frame).chunks() for r in piece]


@pytest.mark.parametrize(
    "odd",
    [3.5, float("inf"), 2.0**53, None, "x", True],
    ids=["a fraction", "infinity", "a large one", "a gap", "a text", "a truth value"],
)
def test_who_a_whole_number_is_does_not_depend_on_the_rows_beside_it(here: World, odd: Any) -> None:
    alone = ids_of(1.0, 2.0)
    beside = ids_of(1.0, 2.0, odd, dtype=None if not isinstance(odd, str | bool) else object)
    contact(here, *(row(name) for name in alone))
    contact(here, *(row(name) for name in beside[:2]))

    assert here.made() == {"1": 1, "2": 1}


# --- campaigns ---


@pytest.mark.parametrize("name", ZOE, ids=ascii)
def test_a_campaign_is_the_one_that_looks_the_same(here: World, name: str) -> None:
    here.ledger.open_campaign(here.ledger.campaign_name(ZOE[0]), "i-1", now=WRITTEN_AT)

    assert here.ledger.campaign_name(name) == ZOE[0]
    manage.pause(name, here.ledger)
    assert manage.status(ZOE[0], here.ledger)["state"] == "paused"


def test_campaigns_of_an_earlier_version_that_look_the_same_must_be_named_exactly(
    here: World,
) -> None:
    here.ledger.open_campaign("spring", "i-1", now=WRITTEN_AT)
    here.ledger.open_campaign("spring ", "i-1", now=WRITTEN_AT)
    assert here.ledger.campaigns() == ["spring"]
    write(here, "UPDATE campaigns SET campaign = 'spring ' WHERE campaign = 'spring'")
    write(
        here,
        "INSERT INTO campaigns (campaign, instance_id, created_at, state) "
        "SELECT 'spring', instance_id, created_at, state FROM campaigns",
    )

    assert here.ledger.campaign_name("spring ") == "spring "
    manage.pause("spring ", here.ledger)
    assert manage.status("spring", here.ledger)["state"] == "running"
    with pytest.raises(InputError, match="Name one exactly"):
        here.ledger.campaign_name(" spring")
    # Each may have contacted the same people: a table is entered in neither.
    with pytest.raises(InputError, match="take another name"):
        here.ledger.open_campaign("spring", "i-1", now=WRITTEN_AT)


def test_one_campaign_is_meant_by_every_form_of_its_name(here: World) -> None:
    forms = itertools.cycle(ZOE)
    options: dict[str, Any] = {"ledger": here.ledger.url}
    connect = here.local.instance()
    talk = Conversation(max_replies=1)
    for names in (["a", "b", "c"], ["a"]):
        plan = validate_customers.fn(
            pd.DataFrame([row(name) for name in names]),
            campaign=next(forms),
            connect=connect,
            conversation=talk,
            **options,
        )
    manage.pause(next(forms), here.ledger)
    start_chats.fn(next(forms), connect=connect, table_id=plan.table_id, **options)
    paused = len(here.local.contacts)
    manage.resume(next(forms), here.ledger)
    start_chats.fn(next(forms), connect=connect, table_id=plan.table_id, **options)
    taken = manage.withdraw(next(forms), ["b"], here.ledger)
    start_chats.fn(next(forms), connect=connect, **options)
    result = collect_responses.fn(next(forms), **options)
    manage.stop(next(forms), here.ledger)

    assert (paused, taken) == (0, 1)
    assert here.made() == {"a": 1, "c": 1}
    assert list(result.contacts["status"]) == ["completed", "failed", "completed"]
    assert set(result.messages["customer_id"]) == {"a", "c"}
    assert result.summary["withdrawn"] == 1
    assert manage.status(next(forms), here.ledger)["state"] == "stopped"
    assert manage.unknown_contacts(next(forms), here.ledger) == []
    assert forget("a", here.ledger.url, campaign=next(forms)).contacts == 1
    assert erase(next(forms), here.ledger.url).contacts == 2
    assert here.ledger.campaigns() == [ZOE[0]]


def test_a_mistyped_name_is_told_of_until_somebody_was_contacted(here: World) -> None:
    here.plan([row("a"), row("b")])
    renderer = here.template.bind(
        instance_id=here.local.instance_id, contact_flow_id=here.local.flow_id
    )
    here.ledger.open_campaign("renewal", here.local.instance_id, now=WRITTEN_AT)
    plans = [
        plan_campaign(
            here.ledger, "renewal", [[row("a"), row("b")]], renderer, now=datetime.now(UTC)
        )
        for _ in range(2)
    ]

    assert ["'renewals' holds 2" in plan.warnings[0] for plan in plans] == [True, True]


def test_an_id_that_no_database_keeps_is_its_rows_error_alone(here: World) -> None:
    contact(here, row("a\0b"), row("b"))

    (refusal,) = here.ledger.refused_rows(CAMPAIGN)
    assert here.made() == {"b": 1}
    assert "NUL" in refusal.error_message
    assert refusal.customer_id is None


# --- ledgers of an earlier version, which compared ids as they were written ---

Change = Callable[[sqlite3.Connection], None]


class LaterClock(SystemClock):
    """A clock that goes on two minutes after the ledger was written."""

    def now(self) -> datetime:
        return WRITTEN_AT + timedelta(minutes=2)


def renamed(old: str, new: str) -> Change:
    """What that version would have written, had the table had another id."""

    def change(database: sqlite3.Connection) -> None:
        token = exact_token(CAMPAIGN, new)
        where = "WHERE customer_id = ?"
        database.execute(f"UPDATE items SET customer_id = ? {where}", (new, old))  # noqa: S608
        database.execute(
            f"UPDATE contacts SET client_token = ?, customer_id = ? {where}",  # noqa: S608
            (token, new, old),
        )

    return change


def old_ledger(folder: Path, *changes: Change) -> Path:
    path = folder / "ledger.db"
    shutil.copy(OLD, path)
    with closing(sqlite3.connect(path)) as database:
        for change in changes:
            change(database)
        database.commit()
    return path


def planned_again(path: Path, *names: str) -> tuple[int, int]:
    """How many of a new table's customers are new in the old ledger, and how many are known."""
    with world(path.parent) as here:
        plan = here.plan([row(name) for name in names])
        return plan.added, plan.known


def test_who_was_contacted_with_white_space_around_the_id_is_known_without(
    tmp_path: Path,
) -> None:
    path = old_ledger(tmp_path, renamed("0000", " 0000"), renamed("0007", "0007\u00a0"))

    assert planned_again(path, "0000", "0007", "0001", "0042") == (1, 3)


def test_a_planned_customer_of_an_old_ledger_is_sent_with_the_token_written_then(
    tmp_path: Path,
) -> None:
    old_ledger(tmp_path, renamed("0007", "0007 "))
    with world(tmp_path) as here:
        plan = here.plan([row("0007", score="3")])
        here.run(table_id=plan.table_id)
        tokens = {r["customer_id"]: r["client_token"] for r in here.contacts()}

    assert here.made() == {"0007": 1}
    assert tokens["0007 "] == exact_token(CAMPAIGN, "0007 ")


def test_of_two_contacts_that_look_the_same_the_one_that_came_furthest_stands(
    tmp_path: Path,
) -> None:
    path = old_ledger(tmp_path, renamed("0007", " 0000"), renamed("0008", "0001\u200b"))
    with Ledger(f"sqlite:///{path}") as ledger:
        rows = list(ledger.contact_records(CAMPAIGN))
        known = ledger.known(CAMPAIGN, ["0000", "0001"])

    by_id = {r["customer_id"]: (r["status"], r["error_code"]) for r in rows}
    assert by_id[" 0000"] == by_id["0001\u200b"] == ("failed", "SameCustomer")
    assert {name: found.status for name, found in known.items()} == {
        "0000": "completed",
        "0001": "completed",
    }


def test_who_was_forgotten_under_an_odd_id_is_recognised_by_it(tmp_path: Path) -> None:
    name = "kunde 9 "
    (exact,) = forgotten_ids(CAMPAIGN, name) - forgotten_ids(CAMPAIGN, name.strip())

    def forget(database: sqlite3.Connection) -> None:
        database.execute(
            "UPDATE contacts SET customer_id = ?, fingerprint = '', status = 'failed' "
            "WHERE customer_id = ?",
            (exact, name),
        )

    path = old_ledger(tmp_path, renamed("0007", name), forget)

    assert planned_again(path, name) == (0, 1)


def test_a_whole_number_that_an_earlier_version_called_1_0_is_that_customer(
    tmp_path: Path,
) -> None:
    path = old_ledger(tmp_path, renamed("0000", "1.0"), renamed("0001", "2.0"))

    assert planned_again(path, "1", "2", "3") == (1, 2)


def test_who_was_forgotten_as_a_float_is_not_contacted_as_a_number(tmp_path: Path) -> None:
    old_ledger(tmp_path, renamed("0000", "1.0"))
    with world(tmp_path) as here:
        assert forget("1", here.ledger.url).contacts == 1
        contact(here, row("1"))

        assert here.local.contacts == []


def test_a_float_beside_its_number_is_not_contacted_once_one_of_them_was(tmp_path: Path) -> None:
    old_ledger(tmp_path, renamed("0000", "1.0"), renamed("0007", "1"), renamed("0008", "2.0"))
    with world(tmp_path) as here:
        contact(here, row("1"), row("2"))
        here.run()
        told = {r["customer_id"]: r["error_code"] for r in here.contacts()}

    assert here.made()["1"] == 0
    assert here.made()["2.0"] + here.made()["2"] == 1
    assert told["1"] == "SameCustomer"


def test_who_was_in_an_old_campaign_with_white_space_in_its_name_is_in_it(tmp_path: Path) -> None:
    def rename(database: sqlite3.Connection) -> None:
        for name in ("campaigns", "contacts", "items", "refusals"):
            database.execute(f"UPDATE {name} SET campaign = 'renewals '")  # noqa: S608
        rows = database.execute("SELECT id, customer_id, generation FROM contacts").fetchall()
        for number, customer, generation in rows:
            token = exact_token("renewals ", customer, generation)
            database.execute("UPDATE contacts SET client_token = ? WHERE id = ?", (token, number))

    old_ledger(tmp_path, renamed("0001", "kunde"), rename)
    with world(tmp_path) as here:
        assert forget("kunde", here.ledger.url, campaign="renewals").contacts == 1
        plan = here.plan([row("0000"), row("kunde"), row("0042")])

    assert (plan.campaign, plan.added, plan.known) == ("renewals ", 1, 2)


def test_all_contacts_of_one_customer_are_forgotten_together(tmp_path: Path) -> None:
    path = old_ledger(tmp_path, renamed("0001", " 0000"), renamed("0007", "0000 "))
    erased = forget("0000", f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as database:
        left = database.execute("SELECT count(*) FROM contacts WHERE customer_id LIKE '%0000%'")

        assert erased.contacts == 3
        assert left.fetchone() == (0,)
        ids = database.execute("SELECT count(*) FROM items WHERE customer_id LIKE '%0000%'")
        assert ids.fetchone() == (0,)


def test_a_later_generation_of_another_form_does_not_stand_for_who_was_contacted(
    tmp_path: Path,
) -> None:
    # One form was given up and planned once more, the other was contacted.

    def again(database: sqlite3.Connection) -> None:
        database.execute(
            "UPDATE contacts SET customer_id = '0000 ', generation = 2, client_token = ? "
            "WHERE customer_id = '0008'",
            (exact_token(CAMPAIGN, "0000 ", 2),),
        )
        database.execute(
            "UPDATE contacts SET status = 'failed' WHERE customer_id = '0000 ' AND generation = 1"
        )

    old_ledger(tmp_path, renamed("0007", "0000 "), again)
    with world(tmp_path) as here:
        contact(here, row("0000"))
        here.run()

    assert here.made()["0000"] + here.made()["0000 "] == 0
