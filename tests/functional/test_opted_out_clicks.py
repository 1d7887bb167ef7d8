"""Opt-outs at a click, as far as the ledger knows: what counts, and what goes on all the same."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from connect_tasks.ledger.changes import Planned
from connect_tasks.ledger.clicks import FoundLink, Succession
from connect_tasks.ledger.contact import Contact, Status
from connect_tasks.ledger.store import Ledger
from tests.functional.judged_world import DAY, HOUR, NOON, JudgedLinks

NEVER = "CUSTOMER_CONNECTION_NOT_ESTABLISHED"
POLICIES: Mapping[str, Mapping[str, Any] | None] = {
    "none": None,
    "marketing": {"suppression": ["marketing", "surveys"]},
    "no lists": {"suppression": [], "expires_after": "P14D"},
}


@pytest.fixture
def here(ledger_url: str) -> Iterator[JudgedLinks]:
    with Ledger(ledger_url) as ledger:
        yield JudgedLinks(ledger)


def enter(here: JudgedLinks, *customers: str, policy: str = "none") -> None:
    here.enter(*customers, policy=POLICIES[policy])
    here.issue(*customers)


def token(customer: str) -> str:
    return f"renewals {customer} k-1"


def found(here: JudgedLinks, customer: str) -> FoundLink:
    return here.ledger.clicks.find([token(customer)], now=here.now)[token(customer)]


def claim(here: JudgedLinks, *ids: int, worker: str = "w-1") -> set[int]:
    claimed, _ = here.ledger.clicks.claim(worker, ids, now=here.now, until=here.now + HOUR / 60)
    return set(claimed)


@pytest.mark.parametrize(
    ("policy", "list_", "counts"),
    [
        ("none", "all", True),
        ("no lists", "all", True),
        ("marketing", "all", True),
        ("none", "marketing", False),
        ("no lists", "marketing", False),
        ("marketing", "marketing", True),
        ("marketing", "surveys", True),
        ("marketing", "offers", False),
    ],
)
def test_a_list_counts_if_the_policy_names_it_and_all_always_does(
    here: JudgedLinks, policy: str, list_: str, *, counts: bool
) -> None:
    enter(here, "1", "2", policy=policy)
    here.opt_out("1", list_)

    one, two = found(here, "1"), found(here, "2")
    assert (one.opted_out, two.opted_out) == (counts, False)
    ids = [link.contact.id for link in (one, two) if link.contact]
    assert claim(here, *ids) == set(ids[1:] if counts else ids)


def test_an_opt_out_holds_until_it_ends_or_is_taken_back(here: JudgedLinks) -> None:
    enter(here, "1", "2")
    here.opt_out("1", expires_at=NOON + HOUR)
    here.opt_out("2")
    here.now += HOUR - timedelta.resolution
    assert found(here, "1").opted_out
    assert found(here, "2").opted_out

    here.now = NOON + HOUR
    assert not found(here, "1").opted_out
    here.opt_in("2")
    assert not found(here, "2").opted_out


def test_links_of_several_campaigns_are_each_asked_for_by_their_own_lists(
    here: JudgedLinks,
) -> None:
    here.enter("1", "2", campaign="offers", policy=POLICIES["marketing"])
    here.enter("1", "2", campaign="service")
    for campaign in ("offers", "service"):
        here.issue("1", "2", campaign=campaign)
    here.opt_out("1", "marketing")

    hashes = [f"{campaign} {name} k-1" for campaign in ("offers", "service") for name in "12"]
    links = here.ledger.clicks.find(hashes, now=NOON)
    assert [hashed for hashed, link in links.items() if link.opted_out] == ["offers 1 k-1"]
    contacts = {hashed: link.contact for hashed, link in links.items()}
    claimed = claim(here, *(contact.id for contact in contacts.values() if contact))
    kept = contacts["offers 1 k-1"]
    assert kept
    assert claimed == {c.id for c in contacts.values() if c} - {kept.id}


def test_who_opts_out_after_the_look_is_not_claimed_and_held_by_nobody(here: JudgedLinks) -> None:
    enter(here, "1")
    contact = found(here, "1").contact
    assert contact
    here.opt_out("1")

    assert claim(here, contact.id) == set()
    here.opt_in("1")
    assert claim(here, contact.id, worker="w-2") == {contact.id}


@pytest.mark.parametrize("status", [Status.STARTED, Status.CONNECTED])
def test_a_chat_that_is_open_is_claimed_for_a_reload_by_who_opted_out(
    here: JudgedLinks, status: Status
) -> None:
    enter(here, "1")
    here.becomes("1", status=status, contact_id="c-1", sent_at=NOON)
    contact = found(here, "1").contact
    assert contact
    here.opt_out("1")

    assert claim(here, contact.id) == {contact.id}


@pytest.mark.parametrize("status", [Status.STARTING, Status.UNKNOWN])
def test_a_start_of_which_nobody_knows_the_outcome_is_not_repeated_for_who_opted_out(
    here: JudgedLinks, status: Status
) -> None:
    enter(here, "1")
    here.becomes("1", status=status, sent_at=NOON)
    contact = found(here, "1").contact
    assert contact
    here.opt_out("1")

    assert claim(here, contact.id) == set()
    assert here.contact("1")["status"] == status


@pytest.mark.parametrize("opts_out", [False, True])
def test_no_chat_follows_one_that_nobody_joined_for_who_opted_out(
    here: JudgedLinks, *, opts_out: bool
) -> None:
    enter(here, "1")
    here.becomes("1", status=Status.STARTED, contact_id="c-1", sent_at=NOON)
    before = found(here, "1").contact
    assert before
    claim(here, before.id)
    if opts_out:
        here.opt_out("1")

    ended = before.advance(Status.COMPLETED, error_code=NEVER, ended_at=NOON)
    succession = Succession(over=ended, was=before.status, again=again(before))
    following = here.ledger.clicks.succeed(
        "w-1", token("1"), succession, now=NOON, until=NOON + HOUR
    )

    assert (following is None) == opts_out
    latest = here.contact("1")
    assert (latest["generation"], latest["status"]) == (
        (1, Status.STARTED) if opts_out else (2, Status.PLANNED)
    )


def again(before: Contact) -> Planned:
    return Planned(
        customer_id=before.customer_id,
        customer_key=before.customer_id,
        generation=before.generation + 1,
        client_token="t-2",
        request="{}",
        fingerprint="f",
        messages=(),
    )


def test_an_opt_out_under_an_id_that_only_looks_different_is_the_same_customers(
    here: JudgedLinks,
) -> None:
    enter(here, "42")
    here.opt_out(" 42.0\u200b")

    assert found(here, "42").opted_out
    contact = found(here, "42").contact
    assert contact
    assert claim(here, contact.id) == set()


@pytest.mark.parametrize("on_a_list", ["nobody", "another", "them"])
def test_a_look_asks_the_same_of_a_link_that_is_found_and_of_one_that_is_not(
    here: JudgedLinks, on_a_list: str
) -> None:
    enter(here, "1", "2", policy="marketing")
    if on_a_list != "nobody":
        here.opt_out("1" if on_a_list == "them" else "2", "marketing")
    asked: list[str] = []

    def note(*call: Any) -> None:
        asked.append(call[2])

    looks = {}
    for hashed in (token("1"), "no such token"):
        with here.ledger._reading() as connection:
            engine = connection.engine
        sa.event.listen(engine, "before_cursor_execute", note)
        here.ledger.clicks.find([hashed], now=NOON)
        sa.event.remove(engine, "before_cursor_execute", note)
        looks[hashed], asked = [*asked], []

    one, none = looks.values()
    assert one == none
    # Where nobody is on any list, it is known after the second.
    assert len(one) == (2 if on_a_list == "nobody" else 3)


def test_hundreds_are_looked_up_with_as_many_questions_as_one(here: JudgedLinks) -> None:
    names = [f"{number:03}" for number in range(300)]
    enter(here, *names, policy="marketing")
    for name in names[::3]:
        here.opt_out(name, "marketing")
    asked: list[str] = []

    with here.ledger._reading() as connection:
        engine = connection.engine
    sa.event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    links = here.ledger.clicks.find([token(name) for name in names], now=NOON + DAY)

    assert len(asked) == 3
    out = {link.customer_id for link in links.values() if link.opted_out}
    assert out == set(names[::3])
