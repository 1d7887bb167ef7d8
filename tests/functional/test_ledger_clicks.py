"""What presses find, claim and note in a ledger, on both kinds of database, without a server."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from connect_tasks.campaign.links import token_hash
from connect_tasks.campaign.unknown_outcomes import next_generation
from connect_tasks.emulator import LocalConnect
from connect_tasks.ledger.clicks import Opened, Succession
from connect_tasks.ledger.contact import CampaignState, Contact, Status
from connect_tasks.ledger.schema import contacts, invitations
from connect_tasks.ledger.store import Ledger
from tests.functional.links_world import CAMPAIGN, LinksWorld

NOW = datetime.now(UTC)
UNTIL = NOW + timedelta(seconds=10)
NEVER = "CUSTOMER_CONNECTION_NOT_ESTABLISHED"


@pytest.fixture
def world(ledger_url: str) -> Iterator[LinksWorld]:
    with Ledger(ledger_url) as ledger:
        yield LinksWorld(LocalConnect(), ledger)


def found(world: LinksWorld, token: str) -> Contact:
    link = world.ledger.clicks.find([token_hash(token)], now=NOW)[token_hash(token)]
    assert link.contact
    return link.contact


def claim(world: LinksWorld, *ids: int, worker: str = "w-1") -> set[int]:
    claimed, _ = world.ledger.clicks.claim(worker, ids, now=NOW, until=UNTIL)
    return set(claimed)


def test_a_look_gives_each_link_with_its_customers_latest_contact(world: LinksWorld) -> None:
    one, two = world.invite("0001", "0002")
    links = world.ledger.clicks.find([token_hash(one), token_hash(two), token_hash("x")], now=NOW)
    customers = {name: link.contact and link.contact.customer_id for name, link in links.items()}
    assert customers == {token_hash(one): "0001", token_hash(two): "0002"}


def test_a_contact_is_claimed_by_one_until_it_gives_it_up_or_its_lease_ends(
    world: LinksWorld,
) -> None:
    [token] = world.invite("0001")
    id_, clicks = found(world, token).id, world.ledger.clicks
    assert claim(world, id_) == {id_}
    assert claim(world, id_, worker="w-2") == set()
    assert claim(world, id_) == set()
    late, _ = clicks.claim("w-2", [id_], now=UNTIL + timedelta(seconds=1), until=UNTIL)
    assert set(late) == {id_}
    clicks.claim("w-1", [], given_up=[id_], now=NOW, until=UNTIL)
    assert claim(world, id_, worker="w-3") == set(), "it was another's to give up"
    clicks.claim("w-2", [], given_up=[id_], now=NOW, until=UNTIL)
    assert claim(world, id_, worker="w-3") == {id_}


def test_a_renewed_claim_lasts(world: LinksWorld) -> None:
    [token] = world.invite("0001")
    id_ = found(world, token).id
    claim(world, id_)
    world.ledger.clicks.renew("w-2", [id_], until=NOW + timedelta(minutes=9))
    world.ledger.clicks.renew("w-1", [id_], until=NOW + timedelta(minutes=5))
    late = NOW + timedelta(minutes=4)
    assert not world.ledger.clicks.claim("w-2", [id_], now=late, until=late)[0]
    later = NOW + timedelta(minutes=6)
    assert world.ledger.clicks.claim("w-2", [id_], now=later, until=later)[0]


@pytest.mark.parametrize(
    ("status", "state", "claims"),
    [
        (Status.PLANNED, CampaignState.RUNNING, True),
        (Status.PLANNED, CampaignState.PAUSED, False),
        (Status.PLANNED, CampaignState.STOPPED, False),
        (Status.STARTED, CampaignState.PAUSED, True),
        (Status.STARTED, CampaignState.STOPPED, False),
        (Status.COMPLETED, CampaignState.RUNNING, False),
        (Status.FAILED, CampaignState.RUNNING, False),
    ],
)
def test_what_changed_since_the_look_is_seen_by_the_claim(
    world: LinksWorld, status: Status, state: CampaignState, *, claims: bool
) -> None:
    [token] = world.invite("0001")
    id_ = found(world, token).id
    world.becomes("0001", status=status)
    world.ledger.set_state(CAMPAIGN, state)
    assert bool(claim(world, id_)) is claims


@pytest.mark.parametrize("dead", [{"revoked_at": NOW}, {"expires_at": NOW - timedelta(seconds=1)}])
def test_a_link_that_died_since_the_look_claims_nothing(
    world: LinksWorld, dead: dict[str, datetime]
) -> None:
    [token] = world.invite("0001")
    id_ = found(world, token).id
    world.link_becomes("0001", **dead)
    assert claim(world, id_) == set()


def pressed(token: str, presses: int = 1, at: datetime = NOW) -> Opened:
    return Opened(token_hash=token_hash(token), first_at=at, presses=presses)


def test_presses_are_counted_and_the_first_one_is_kept(world: LinksWorld) -> None:
    [token] = world.invite("0001")
    clicks = world.ledger.clicks
    for opened in (pressed(token, 2), pressed(token, 3, NOW + timedelta(hours=1))):
        assert clicks.claim("w-1", [], opened=[opened], now=NOW, until=UNTIL) == ({}, set())
    link = world.link(token)
    assert (link["opens"], link["opened_at"]) == (5, NOW)


def test_a_link_that_is_gone_is_not_noted_for_ever(world: LinksWorld) -> None:
    [token] = world.invite("0001")
    opened = [pressed(token), pressed("gone")]
    _, left = world.ledger.clicks.claim("w-1", [], opened=opened, now=NOW, until=UNTIL)
    assert left == set()
    assert world.link(token)["opens"] == 1


def test_a_link_that_another_writes_is_left_for_later_and_never_waited_for(
    world: LinksWorld,
) -> None:
    if world.ledger.url.startswith("sqlite"):
        pytest.skip("a file has one writer at a time")
    one, two = world.invite("0001", "0002")
    theirs = invitations.c.token_hash == token_hash(one)
    with world.ledger._writing() as connection:
        connection.execute(sa.update(invitations).where(theirs).values(opens=10))
        _, left = world.ledger.clicks.claim(
            "w-1", [], opened=[pressed(one), pressed(two)], now=NOW, until=UNTIL
        )
    assert left == {token_hash(one)}
    assert world.link(two)["opens"] == 1


def succession(contact: Contact, **over: object) -> Succession:
    ended = contact.advance(Status.COMPLETED, error_code=NEVER, ended_at=NOW, **over)
    return Succession(over=ended, was=contact.status, again=next_generation(contact))


def succeed(world: LinksWorld, token: str, of: Succession, worker: str = "w-1") -> Contact | None:
    return world.ledger.clicks.succeed(worker, token_hash(token), of, now=NOW, until=UNTIL)


def test_the_next_contact_is_planned_once_and_claimed_by_who_planned_it(world: LinksWorld) -> None:
    [token] = world.invite("0001")
    world.becomes("0001", status=Status.COMPLETED, error_code=NEVER, attempts=7, table_id="t-1")
    before = found(world, token)
    following = Succession(over=before, was=before.status, again=next_generation(before))
    planned = succeed(world, token, following)
    again = succeed(world, token, following, worker="w-2")
    assert planned
    assert again is None
    assert (planned.generation, planned.status) == (2, Status.PLANNED)
    assert planned.request.replace(planned.client_token, "") == before.request.replace(
        before.client_token, ""
    )
    assert claim(world, planned.id, worker="w-2") == set()
    rows = [row["attempts"] for row in world.contacts()]
    assert sorted(rows) == [0, 7]
    with world.ledger._reading() as connection:
        assert set(connection.scalars(sa.select(contacts.c.table_id))) == {"t-1"}


def test_a_contact_that_is_held_is_followed_only_by_its_holders_word(world: LinksWorld) -> None:
    [token] = world.invite("0001")
    world.becomes("0001", status=Status.STARTED, contact_id="c-1")
    contact = found(world, token)
    claim(world, contact.id)
    assert succeed(world, token, succession(contact), worker="w-2") is None
    assert succeed(world, token, succession(contact), worker="w-1")
    assert found(world, token).generation == 2


@pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.STOPPED])
def test_nobody_is_planned_anew_in_a_campaign_that_does_not_run(
    world: LinksWorld, state: CampaignState
) -> None:
    [token] = world.invite("0001")
    world.becomes("0001", status=Status.COMPLETED, error_code=NEVER)
    before = found(world, token)
    world.ledger.set_state(CAMPAIGN, state)
    following = Succession(over=before, was=before.status, again=next_generation(before))
    assert succeed(world, token, following) is None
    assert len(world.contacts()) == 1
