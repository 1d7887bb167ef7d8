"""The chat after one that nobody joined: who gets it, with which row, and how many there are."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connect_tasks import ChatTemplate
from connect_tasks.aws.contact_record import NEVER_JOINED
from connect_tasks.campaign.links import InvitationKeys, token_hash
from connect_tasks.campaign.manage import resolve, withdraw
from connect_tasks.campaign.plan import Plan
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.unknown_outcomes import next_generation
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.invitations.verdicts import Verdict, judge
from connect_tasks.ledger import forget
from connect_tasks.ledger.clicks import FoundLink, Succession
from connect_tasks.ledger.contact import Contact, Status, Withdrawal
from connect_tasks.ledger.schema import contacts
from connect_tasks.ledger.standing import Standing
from connect_tasks.ledger.store import Ledger
from tests.functional.inviting_world import CAMPAIGN, FIRST, NOON, Inviting, rows
from tests.functional.links_world import LinksWorld, eventually, key_in_environment

pytestmark = pytest.mark.timeout(120)

VALIDITY = timedelta(hours=24)
UNJOINED: dict[str, dict[str, Any]] = {
    "nobody joined it": {"status": Status.COMPLETED, "error_code": NEVER_JOINED},
    "it is open": {"status": Status.STARTED},
    "its answer was lost": {"status": Status.UNKNOWN, "contact_id": None},
    "it is being made": {"status": Status.STARTING, "contact_id": None},
}
SENT: dict[str, Any] = {"contact_id": "c-1", "sent_at": NOON, "error_code": None}
ENDED = UNJOINED["nobody joined it"]


class Links(Inviting):
    """Links, and presses of them as far as the ledger knows."""

    def found(self, customer: str) -> FoundLink:
        hashed = token_hash(InvitationKeys(FIRST).token(CAMPAIGN, customer))
        return self.ledger.clicks.find([hashed], now=self.now)[hashed]

    def press(self, customer: str) -> Contact | None:
        """The contact that a press would start; it is open afterwards, with an id of Amazon's."""
        link = self.found(customer)
        verdict, contact = judge(link, self.now, VALIDITY), link.contact
        if contact is None or verdict not in {Verdict.START, Verdict.NEXT}:
            return None
        until = self.now + timedelta(seconds=30)
        if verdict is Verdict.NEXT:
            following = self.following(link, contact)
            contact = self.ledger.clicks.succeed(
                "w-1", link.token_hash, following, now=self.now, until=until
            )
        else:
            claimed, _ = self.ledger.clicks.claim("w-1", [contact.id], now=self.now, until=until)
            contact = claimed.get(contact.id)
        if contact is not None:
            self.latest(customer, status=Status.STARTED, contact_id=f"c-{contact.id}")
            self.latest(customer, sent_at=self.now, claimed_by=None, claimed_until=None)
        return contact

    def following(self, link: FoundLink, contact: Contact) -> Succession:
        again = next_generation(contact, link.next_row)
        return Succession(over=contact, was=contact.status, again=again, next_row=link.next_row)

    def latest(self, customer: str, **columns: Any) -> None:
        """What becomes of a customer's latest contact."""
        contact = self.found(customer).contact
        assert contact
        with self.ledger._writing() as connection:
            update = sa.update(contacts).where(contacts.c.id == contact.id)
            connection.execute(update.values(columns))

    def count(self) -> int:
        return len(list(self.ledger.contact_records(CAMPAIGN)))


def name_in(contact: Contact) -> str:
    name: str = json.loads(contact.request)["ParticipantDetails"]["DisplayName"]
    return name


@pytest.fixture
def here(ledger_url: str) -> Iterator[Links]:
    with Ledger(ledger_url) as ledger:
        yield Links(ledger)


@pytest.fixture(params=UNJOINED)
def unjoined(request: pytest.FixtureRequest, here: Links) -> Links:
    """Where customer 1 was sent a chat, and has not joined it as far as is known."""
    here.invite(rows("1", "2"))
    here.latest("1", **{**SENT, **UNJOINED[request.param]})
    return here


def nobody_joined(here: Links) -> None:
    here.latest("1", **ENDED)


def test_whom_a_person_takes_out_gets_no_further_chat(unjoined: Links) -> None:
    assert withdraw(CAMPAIGN, ["1"], unjoined.ledger) == 1
    assert withdraw(CAMPAIGN, ["1"], unjoined.ledger) == 0
    nobody_joined(unjoined)
    assert unjoined.press("1") is None
    again = unjoined.invite(rows("1", "2", name="Corrected"))
    assert again.standings == {Standing.WITHDRAWN: 1, Standing.KEPT: 1}
    assert unjoined.plan
    assert unjoined.plan.kept_out == 1
    assert set(unjoined.to_send()) == {"2"}
    assert unjoined.press("1") is None
    assert unjoined.count() == 2


def test_whom_a_table_takes_out_gets_no_further_chat_until_one_has_them_right(
    unjoined: Links,
) -> None:
    assert unjoined.entered(rows("1", name="")).withdrawn == 1
    assert unjoined.entered(rows("1", name="")).withdrawn == 0
    unjoined.entered(rows("2"))
    nobody_joined(unjoined)
    assert unjoined.press("1") is None

    invited = unjoined.invite(rows("1", name="Corrected"))

    assert invited.standings == {Standing.KEPT: 1}
    assert set(unjoined.to_send()) == {"1"}
    contact = unjoined.press("1")
    assert contact
    assert name_in(contact) == "Corrected"


def test_whom_a_table_took_out_a_person_takes_out_for_good(unjoined: Links) -> None:
    unjoined.entered(rows("1", name=""))
    assert withdraw(CAMPAIGN, ["1"], unjoined.ledger) == 1
    unjoined.entered(rows("1", name=""))
    unjoined.entered(rows("1"))
    nobody_joined(unjoined)
    assert unjoined.press("1") is None
    assert unjoined.found("1").taken_out is Withdrawal.BY_PERSON


def test_a_corrected_row_counts_for_the_next_chat_and_the_last_one_said(unjoined: Links) -> None:
    before = unjoined.found("1").contact
    assert before
    unjoined.entered(rows("1", name="Eve"))
    unjoined.entered(rows("1", name="Corrected"))
    same = unjoined.found("1").contact
    assert same
    assert same.request == before.request
    nobody_joined(unjoined)
    contact = unjoined.press("1")
    assert contact
    assert name_in(contact) == "Corrected"
    assert json.loads(contact.request)["ClientToken"] == contact.client_token
    nobody_joined(unjoined)
    contact = unjoined.press("1")
    assert contact
    assert name_in(contact) == "Corrected"


def test_a_row_that_is_as_before_again_is_sent_as_before(unjoined: Links) -> None:
    unjoined.entered(rows("1", name="Eve"))
    unjoined.entered(rows("1"))
    nobody_joined(unjoined)
    contact = unjoined.press("1")
    assert contact
    assert name_in(contact) == "Ada"


def test_only_a_change_that_nobody_is_sent_is_told_as_one(here: Links) -> None:
    here.invite(rows("1", "2"))
    here.latest("1", **{**SENT, **ENDED})
    here.latest("2", **{**SENT, "status": Status.COMPLETED})
    assert here.entered(rows("1", "2", name="Corrected")).request_changed == 1


@pytest.mark.parametrize("status", [Status.CONNECTED, Status.COMPLETED])
def test_who_has_joined_was_contacted_and_is_not_taken_out(here: Links, status: Status) -> None:
    here.invite(rows("1"))
    here.latest("1", **{**SENT, "status": status})
    assert withdraw(CAMPAIGN, ["1"], here.ledger) == 0
    assert here.entered(rows("1", name="")).withdrawn == 0


def test_who_is_contacted_again_by_a_person_is_by_the_row_of_the_last_table(here: Links) -> None:
    here.invite(rows("1"))
    here.latest("1", **{**SENT, **UNJOINED["its answer was lost"]})
    here.entered(rows("1", name="Corrected"))
    resolve(CAMPAIGN, "1", "contact_again", here.ledger)
    contact = here.press("1")
    assert contact
    assert name_in(contact) == "Corrected"


def test_nothing_of_a_row_for_the_next_chat_stays_of_who_is_forgotten(unjoined: Links) -> None:
    unjoined.entered(rows("1", name="Corrected"))
    assert {row["next_row"] is None for row in unjoined.stored()} == {True, False}
    nobody_joined(unjoined)
    forget("1", unjoined.ledger.url, overwrite=False)
    assert [row["next_row"] for row in unjoined.stored()] == [None, None]
    unjoined.entered(rows("1", name="Corrected"))
    assert [row["next_row"] for row in unjoined.stored()] == [None, None]


def test_a_next_chat_is_not_planned_of_what_was_said_before_the_last_table(here: Links) -> None:
    here.invite(rows("1"))
    here.latest("1", **{**SENT, **ENDED})
    link = here.found("1")
    assert link.contact
    following = here.following(link, link.contact)
    here.entered(rows("1", name="Corrected"))
    until = NOON + timedelta(seconds=30)
    late = here.ledger.clicks.succeed("w", link.token_hash, following, now=NOON, until=until)
    assert late is None
    contact = here.press("1")
    assert contact
    assert name_in(contact) == "Corrected"


@pytest.mark.parametrize("by", list(Withdrawal))
@pytest.mark.parametrize("state", [ENDED, UNJOINED["its answer was lost"]])
def test_who_was_taken_out_after_the_look_is_neither_planned_nor_claimed(
    here: Links, by: Withdrawal, state: dict[str, Any]
) -> None:
    here.invite(rows("1"))
    here.latest("1", **{**SENT, **state})
    link = here.found("1")
    assert link.contact
    assert here.ledger.withdraw(CAMPAIGN, {"1": "why"}, by, now=NOON) == 1
    until = NOON + timedelta(seconds=30)
    following = here.following(link, link.contact)
    late = here.ledger.clicks.succeed("w", link.token_hash, following, now=NOON, until=until)
    claimed, _ = here.ledger.clicks.claim("w", [link.contact.id], now=NOON, until=until)
    assert (late, claimed) == (None, {})


def _all_become(here: Links, **columns: Any) -> None:
    with here.ledger._writing() as connection:
        connection.execute(sa.update(contacts).values(columns))


def test_a_press_comes_before_or_after_whoever_takes_its_customer_out(here: Links) -> None:
    """What was planned just before is taken out as planned; nothing is planned after."""
    names = [str(number) for number in range(30)]
    here.invite(rows(*names))
    _all_become(here, status=Status.COMPLETED, error_code=NEVER_JOINED, contact_id="c")
    together = threading.Barrier(2)

    def plan_all() -> None:
        together.wait()
        for name in names:
            link = here.found(name)
            if link.contact and judge(link, NOON, VALIDITY) is Verdict.NEXT:
                following = here.following(link, link.contact)
                until = NOON + timedelta(hours=1)
                here.ledger.clicks.succeed("w", link.token_hash, following, now=NOON, until=until)

    presses = threading.Thread(target=plan_all)
    presses.start()
    together.wait()
    taken_out = sum(withdraw(CAMPAIGN, [name], here.ledger) for name in reversed(names))
    presses.join()

    assert taken_out == len(names)
    verdicts = {judge(here.found(name), NOON, VALIDITY) for name in names}
    assert verdicts == {Verdict.NOT_VALID}
    assert all(row["status"] != "planned" for row in here.ledger.contact_records(CAMPAIGN))


def test_plans_that_came_to_no_chat_use_none_up(here: Links) -> None:
    here.invite(rows("1"))
    for _ in range(4):
        here.entered(rows("1", name=""))
        here.entered(rows("1"))
    for _ in range(3):
        assert here.invite(rows("1")).standings == {Standing.KEPT: 1}
        assert here.press("1")
        nobody_joined(here)
    assert here.press("1") is None
    assert here.invite(rows("1")).standings == {Standing.OVER: 1}
    assert here.to_send() == {}


def test_chats_given_up_without_one_use_none_up(here: Links) -> None:
    here.invite(rows("1"))
    for _ in range(4):
        here.latest("1", status=Status.UNKNOWN, sent_at=NOON)
        resolve(CAMPAIGN, "1", "contact_again", here.ledger)
    assert here.press("1")
    nobody_joined(here)
    assert here.press("1")


ACTS = ["right", "wrong", "other", "withdraw", "press", "nobody joined"]


@dataclass
class Expected:
    """What the rules say of one customer."""

    row: str = "Ada"
    out: str | None = None
    chats: int = 0
    is_open: bool = False

    def does(self, act: str) -> str | None:
        """The name in the chat that an act starts, if it starts one."""
        if act == "withdraw":
            self.out = "person"
        elif act == "wrong":
            self.out = self.out or "table"
        elif act in {"right", "other"}:
            self.row = "Ada" if act == "right" else "Eve"
            self.out = None if self.out == "table" else self.out
        elif act == "nobody joined":
            self.is_open = False
        elif self.out is None and not self.is_open and self.chats < 3:
            self.chats, self.is_open = self.chats + 1, True
            return self.row
        return None


_numbers = count()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.sampled_from(ACTS), max_size=14))
def test_whatever_is_said_in_whatever_order_the_last_word_counts(
    here: Links, acts: list[str]
) -> None:
    customer, one = f"c{next(_numbers)}", Expected()
    here.invite(rows(customer))
    for act in acts:
        started = _do(here, customer, act, one)
        expected = one.does(act)
        assert (started and name_in(started)) == expected, (act, acts)


def _do(here: Links, customer: str, act: str, one: Expected) -> Contact | None:
    names = {"right": "Ada", "other": "Eve", "wrong": ""}
    if act in names:
        here.entered(rows(customer, name=names[act]))
    elif act == "withdraw":
        is_new = one.out != "person"
        assert withdraw(CAMPAIGN, [customer], here.ledger) == is_new
    elif act == "nobody joined" and one.is_open:
        here.latest(customer, **ENDED)
    elif act == "press":
        return here.press(customer)
    return None


@pytest.fixture
def world(ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[LinksWorld]:
    key_in_environment(monkeypatch)
    quotas = LocalQuotas.unlimited()
    with (
        LocalConnect(quotas=quotas, connect_window_seconds=2.0) as local,
        Ledger(ledger_url) as ledger,
    ):
        yield LinksWorld(local, ledger)


def said(world: LinksWorld, *table: dict[str, str]) -> Plan:
    """Plan a table as its flow does."""
    local = world.local
    renderer = ChatTemplate().bind(instance_id=local.instance_id, contact_flow_id=local.flow_id)
    return plan_campaign(world.ledger, CAMPAIGN, [table], renderer, now=datetime.now(UTC))


def test_an_open_chat_goes_on_and_no_other_follows(world: LinksWorld) -> None:
    out, wrong, corrected = world.invite("1", "2", "3")
    with world.site() as site:
        first = [site.press(token).json() for token in (out, wrong, corrected)]
        assert withdraw(CAMPAIGN, ["1"], world.ledger) == 1
        table = rows("2", name="") + rows("3", name="Corrected")
        assert said(world, *table).withdrawn == 1
        reloaded = [site.press(token).json() for token in (out, wrong, corrected)]
        assert [_id(answer) for answer in reloaded] == [_id(answer) for answer in first]
    eventually(lambda: all(chat.ended_at for chat in world.local.contacts))
    # Another one: what the first has answered it answers again for some seconds.
    with world.site() as site:
        answers = [site.press(token) for token in (out, wrong, corrected)]
        assert [answer.status_code for answer in answers] == [410, 410, 200]
    assert len(world.started()) == 4
    requests = [json.loads(row["request"]) for row in world.contacts()]
    names = [request["ParticipantDetails"]["DisplayName"] for request in requests]
    assert sorted(names) == ["Ada", "Ada", "Ada", "Corrected"]


def _id(answer: dict[str, Any]) -> str:
    contact_id: str = answer["data"]["startChatResult"]["ContactId"]
    return contact_id
