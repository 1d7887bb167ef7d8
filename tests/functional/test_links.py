"""What a press of a link's button does, by the table of what it may do; on real sockets."""

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from connect_tasks import Quotas
from connect_tasks.aws.client import ConnectApi
from connect_tasks.campaign.links import KEYS_VARIABLE
from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.errors import LedgerUnreachableError
from connect_tasks.invitations import service
from connect_tasks.ledger import forget
from connect_tasks.ledger.clicks import Clicks
from connect_tasks.ledger.contact import CampaignState, Status, Withdrawal
from connect_tasks.ledger.schema import metadata
from connect_tasks.ledger.store import Ledger
from tests.functional.links_world import (
    CAMPAIGN,
    LinksWorld,
    Site,
    eventually,
    key_in_environment,
    serving,
)
from tests.functional.world import FAST, session

pytestmark = pytest.mark.timeout(120)

NO_TOKEN = "AAAAAAAAAAAAAAAAAAAAAA"
OTHER_KEY = "q8XbN1fVtZ0uDgR4oKiS7cPwE5yMhL2a"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    key_in_environment(monkeypatch)


@pytest.fixture
def world(local: LocalConnect, ledger_url: str) -> Iterator[LinksWorld]:
    with Ledger(ledger_url) as ledger:
        yield LinksWorld(local, ledger)


@pytest.fixture
def lite(local: LocalConnect, ledger: str) -> Iterator[LinksWorld]:
    """Where the kind of database makes no difference."""
    with Ledger(ledger) as opened:
        yield LinksWorld(local, opened)


def faulty(*faults: Fault, **quotas: Any) -> LocalConnect:
    limits = LocalQuotas.unlimited() if not quotas else LocalQuotas(**quotas)
    return LocalConnect(quotas=limits, faults=faults)


def result(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == httpx.codes.OK, answer.text
    found: dict[str, str] = answer.json()["data"]["startChatResult"]
    return found


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def stop_chat(world: LinksWorld, contact_id: str) -> None:
    connect = session().client("connect", endpoint_url=world.local.endpoint_url)
    connect.stop_contact(InstanceId=world.local.instance_id, ContactId=contact_id)


NOT_VALID, OVER, BUSY = (410, "not_valid"), (410, "over"), (503, "busy")


def test_only_a_post_starts_anything(lite: LinksWorld) -> None:
    [token] = lite.invite("0001")
    ahead = {"Sec-Purpose": "prefetch;prerender", "Purpose": "prefetch"}
    with lite.site() as site:
        pages = [
            site.get(f"/i/{token}"),
            site.get(f"/i/{token}", headers=ahead),
            site.get("/i/chat"),
            site.get("/i/"),
            site.get(f"/i/{NO_TOKEN}?utm_source=mail"),
        ]
        head = httpx.head(f"{site.url}/i/{token}")
        others = [httpx.request(verb, f"{site.url}/i/{token}") for verb in ("PUT", "DELETE")]

    assert {page.status_code for page in pages} == {200}
    assert len({page.content for page in pages}) == 1
    assert "Ada" not in pages[0].text
    assert token not in pages[0].text
    assert head.status_code == httpx.codes.OK
    assert head.content == b""
    assert {other.status_code for other in others} == {405}
    assert not lite.local.calls
    assert lite.link(token)["opens"] == 0


def test_a_press_starts_the_chat_of_its_customer_and_says_what_clients_begin_with(
    world: LinksWorld,
) -> None:
    before = datetime.now(UTC)
    _, token = world.invite("0001", "0002")
    with world.site() as site:
        answer = site.press(token)

    [chat] = world.local.contacts
    one, two = world.contacts()
    assert answer.json() == {
        "data": {
            "startChatResult": {
                "ContactId": chat.contact_id,
                "ParticipantId": two["participant_id"],
                "ParticipantToken": world.local.issued_tokens[0],
            },
            "featurePermissions": {"MESSAGING_MARKDOWN": False, "ATTACHMENTS": False},
        }
    }
    assert answer.headers["content-type"] == "application/json"
    assert (one["status"], two["status"]) == ("planned", "started")
    assert two["contact_id"] == chat.contact_id
    assert chat.client_token == two["client_token"]
    link = world.link(token)
    assert link["opens"] == 1
    assert before <= link["opened_at"] <= datetime.now(UTC)


def test_nobody_of_ours_joins_the_chat(lite: LinksWorld) -> None:
    [token] = lite.invite("0001")
    with lite.site() as site:
        site.press(token)
    assert set(lite.local.calls) == {"StartChatContact"}


def test_eight_presses_at_once_make_one_chat(world: LinksWorld) -> None:
    [token] = world.invite("0001")
    with world.site() as site:
        answers = site.press_at_once([token] * 8)

    assert len({result(answer)["ContactId"] for answer in answers}) == 1
    assert len(world.started()) == 1
    assert world.local.calls["StartChatContact"] == 1
    eventually(lambda: world.link(token)["opens"] == 8)


def test_eight_presses_at_once_at_several_servers_make_one_chat(world: LinksWorld) -> None:
    [token] = world.invite("0001")
    with world.site() as one, world.site() as two, world.site() as three:
        sites = [one, two, three, one, two, three, one, two]
        answers: list[httpx.Response] = []
        presses = [
            threading.Thread(target=lambda site=site: answers.append(site.press(token)))
            for site in sites
        ]
        for press in presses:
            press.start()
        for press in presses:
            press.join()

    assert len(answers) == 8
    assert len({result(answer)["ContactId"] for answer in answers}) == 1
    assert len(world.started()) == 1
    assert world.link(token)["opens"] == 8


def test_a_reload_finds_the_chat_that_goes_on(world: LinksWorld) -> None:
    [token] = world.invite("0001")
    with world.site() as one, world.site() as two:
        first, again = result(one.press(token)), result(two.press(token))
    assert again["ContactId"] == first["ContactId"]
    assert len(world.started()) == 1
    [contact] = world.contacts()
    assert (contact["status"], contact["generation"]) == ("started", 1)


def test_a_chat_that_nobody_joined_is_followed_by_another_three_at_most(ledger_url: str) -> None:
    brief = LocalConnect(quotas=LocalQuotas.unlimited(), connect_window_seconds=0.2)
    with brief as local, Ledger(ledger_url) as ledger:
        world = LinksWorld(local, ledger)
        [token] = world.invite("0001")
        answers = []
        for _ in range(4):
            # Each with a memory of its own: an answer is given again for some seconds.
            with world.site() as site:
                answers.append(site.press(token))
            eventually(lambda: all(chat.ended_at for chat in local.contacts))

    ids = [result(answer)["ContactId"] for answer in answers[:3]]
    assert len(set(ids)) == 3
    assert code(answers[3]) == OVER
    assert len(world.started()) == 3


def test_each_next_chat_is_a_contact_of_its_own_with_the_same_request(ledger: str) -> None:
    brief = LocalConnect(quotas=LocalQuotas.unlimited(), connect_window_seconds=0.2)
    with brief as local, Ledger(ledger) as opened:
        world = LinksWorld(local, opened)
        [token] = world.invite("0001")
        for _ in range(2):
            with world.site() as site:
                result(site.press(token))
            eventually(lambda: all(chat.ended_at for chat in local.contacts))
        first, second = sorted(world.contacts(), key=lambda one: one["generation"])

    assert (first["status"], first["error_code"]) == (
        "completed",
        "CUSTOMER_CONNECTION_NOT_ESTABLISHED",
    )
    assert (second["generation"], second["status"]) == (2, "started")
    assert first["client_token"] != second["client_token"]


def test_two_servers_that_plan_the_next_chat_at_once_make_one(ledger_url: str) -> None:
    brief = LocalConnect(quotas=LocalQuotas.unlimited(), connect_window_seconds=0.3)
    with brief as local, Ledger(ledger_url) as ledger:
        world = LinksWorld(local, ledger)
        [token] = world.invite("0001")
        with world.site() as site:
            result(site.press(token))
        eventually(lambda: all(chat.ended_at for chat in local.contacts))
        with world.site() as one, world.site() as two:
            got: list[httpx.Response] = []
            presses = [
                threading.Thread(target=lambda site=site: got.append(site.press(token)))
                for site in (one, two, one, two)
            ]
            for press in presses:
                press.start()
            for press in presses:
                press.join()
    assert {answer.status_code for answer in got} == {200}
    assert len(world.started()) == 2


def test_a_conversation_that_was_ended_is_over(world: LinksWorld) -> None:
    [token] = world.invite("0001")
    with world.site() as site:
        ids = result(site.press(token))
    stop_chat(world, ids["ContactId"])
    with world.site() as site:
        answers = [site.press(token), site.press(token)]

    assert {code(answer) for answer in answers} == {OVER}
    assert len(world.started()) == 1
    [contact] = world.contacts()
    assert (contact["status"], contact["end_reason"]) == ("completed", "chat_ended")


def test_a_conversation_that_ended_a_moment_ago_is_over_at_once(world: LinksWorld) -> None:
    [token] = world.invite("0001")
    with world.site() as site:
        ids = result(site.press(token))
        assert result(site.press(token)) == ids
        assert world.local.calls["StartChatContact"] == 1
        stop_chat(world, ids["ContactId"])
        assert code(site.press(token)) == OVER
    assert len(world.started()) == 1


def _unchanged(_: LinksWorld) -> None:
    """Nothing but the token is wrong."""


def _revoked(world: LinksWorld) -> None:
    world.ledger.invitations.revoke(CAMPAIGN, ["0001"], now=datetime.now(UTC))


def _expired(world: LinksWorld) -> None:
    world.link_becomes("0001", expires_at=datetime.now(UTC) - timedelta(seconds=1))


def _withdrawn(world: LinksWorld) -> None:
    world.becomes("0001", status=Status.FAILED, error_code=Withdrawal.BY_PERSON)


def _failed(world: LinksWorld) -> None:
    world.becomes("0001", status=Status.FAILED, error_code="InvalidParameterException")


def _forgotten(world: LinksWorld) -> None:
    forget("0001", world.ledger.url, overwrite=False)


def _stopped(world: LinksWorld) -> None:
    world.ledger.set_state(CAMPAIGN, CampaignState.STOPPED)


def _of_a_lost_key(world: LinksWorld) -> None:
    world.link_becomes("0001", key_id="00000000")


def _opted_out(world: LinksWorld) -> None:
    world.opt_out("0001")


def _withheld(world: LinksWorld) -> None:
    world.becomes("0001", status=Status.WITHHELD, error_code="held_out")


DEAD = [
    _revoked,
    _expired,
    _withdrawn,
    _failed,
    _forgotten,
    _stopped,
    _of_a_lost_key,
    _opted_out,
    _withheld,
]
WRONG = [
    NO_TOKEN,
    "",
    "x",
    "a/b",
    "%00",
    "%FF%FE",
    "..%2F..%2Fetc",
    "A" * 5_000,
    "'%20OR%201=1",
    "\N{GRINNING FACE}",
]


@pytest.mark.parametrize("spoil", DEAD)
def test_a_link_that_works_no_more_is_answered_as_one_that_never_was(
    world: LinksWorld, spoil: Callable[[LinksWorld], None]
) -> None:
    [token] = world.invite("0001")
    with world.site() as site:
        never = site.press(NO_TOKEN)
        spoil(world)
        dead = site.press(token)

    assert code(dead) == NOT_VALID
    assert _told(dead) == _told(never)
    assert not world.local.calls


def test_whatever_is_no_token_is_answered_alike(lite: LinksWorld) -> None:
    [token] = lite.invite("0001")
    wrong = [*WRONG, token[:-1], token + "A", token.swapcase(), f"{token}/x", f" {token}"]
    with lite.site() as site:
        answers = [site.press(text) for text in wrong]
    assert {code(answer) for answer in answers} == {NOT_VALID}
    assert len({_told(answer) for answer in answers}) == 1
    assert not lite.local.calls


def _told(answer: httpx.Response) -> tuple[object, ...]:
    """All that a client sees of an answer but when it was given."""
    return (
        answer.status_code,
        answer.content,
        tuple((name, value) for name, value in answer.headers.items() if name != "date"),
    )


def test_a_chat_that_was_open_when_its_link_was_revoked_is_not_given_out_again(
    lite: LinksWorld,
) -> None:
    [token] = lite.invite("0001")
    with lite.site() as site:
        result(site.press(token))
        _revoked(lite)
        assert code(site.press(token)) == NOT_VALID


def test_a_chat_that_is_open_goes_on_for_who_has_opted_out_and_is_their_last(
    world: LinksWorld,
) -> None:
    [token] = world.invite("0001")
    with world.site() as site:
        started = result(site.press(token))
        _opted_out(world)
        assert result(site.press(token))["ContactId"] == started["ContactId"]
        stop_chat(world, started["ContactId"])
        eventually(lambda: site.press(token).status_code == httpx.codes.GONE)
        assert code(site.press(token)) == NOT_VALID
    assert world.started() == [started["ContactId"]]


def test_who_opts_out_between_the_look_and_the_claim_is_not_started(world: LinksWorld) -> None:
    [token] = world.invite("0001")
    find = Clicks.find

    def looked(*arguments: Any, **options: Any) -> Any:
        links = find(*arguments, **options)
        _opted_out(world)
        return links

    with world.site() as site, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Clicks, "find", looked)
        assert code(site.press(token)) == NOT_VALID
    assert not world.local.calls


def test_an_opt_out_of_a_list_that_the_campaign_does_not_name_closes_no_link(
    world: LinksWorld,
) -> None:
    policy = {"suppression": ["surveys"]}
    world.open_campaign(policy=policy)
    tokens = world.invite("0001", "0002")
    world.opt_out("0001", "marketing")
    world.opt_out("0002", "surveys")
    with world.site() as site:
        answers = [site.press(token) for token in tokens]
    assert answers[0].status_code == httpx.codes.OK
    assert code(answers[1]) == NOT_VALID


@pytest.mark.parametrize("opens", [-2, 1])
def test_a_person_comes_when_they_like_whenever_their_link_may_be_sent(
    world: LinksWorld, opens: int
) -> None:
    [token] = world.invite("0001")
    opening = datetime.now(UTC) + timedelta(hours=opens)
    world.link_becomes("0001", not_before=opening, not_after=opening + timedelta(hours=1))
    with world.site() as site:
        result(site.press(token))
    assert len(world.started()) == 1


def test_an_old_key_opens_its_links_as_long_as_it_is_in_the_environment(
    lite: LinksWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = lite.invite("0001", "0002")
    monkeypatch.setenv(KEYS_VARIABLE, f"{OTHER_KEY},{os.environ[KEYS_VARIABLE]}")
    with lite.site() as site:
        result(site.press(one))
    monkeypatch.setenv(KEYS_VARIABLE, OTHER_KEY)
    with lite.site() as site:
        assert code(site.press(two)) == NOT_VALID


def test_a_key_that_an_app_lacks_is_told_once_and_answered_like_any_dead_link(
    lite: LinksWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ours = os.environ[KEYS_VARIABLE]
    tokens = lite.invite("0001", "0002")
    # Whoever lacks the key of what works no more anyway lacks nothing.
    [dead] = lite.invite("0003", campaign="earlier")
    lite.ledger.set_state("earlier", CampaignState.STOPPED)
    monkeypatch.setenv(KEYS_VARIABLE, OTHER_KEY)
    with lite.site() as site:
        answers = [site.press(token) for token in (NO_TOKEN, dead, *tokens, *tokens)]
    assert len({_told(answer) for answer in answers}) == 1
    [told] = [each for each in caplog.records if KEYS_VARIABLE in each.getMessage()]
    assert (told.levelname, told.getMessage().startswith(CAMPAIGN)) == ("WARNING", True)
    for secret in (ours, OTHER_KEY, *tokens):
        assert secret not in caplog.text


def test_a_simulations_customer_has_no_link(lite: LinksWorld) -> None:
    [token] = lite.invite("0001")
    with lite.ledger._writing() as connection:
        connection.exec_driver_sql("UPDATE campaigns SET mode = 'simulation'")
    with lite.site() as site:
        assert code(site.press(token)) == NOT_VALID
    assert not lite.local.calls


def test_while_a_campaign_is_paused_nothing_begins_and_what_goes_on_can_be_joined(
    world: LinksWorld,
) -> None:
    one, two = world.invite("0001", "0002")
    with world.site() as site:
        first = result(site.press(one))
    world.ledger.set_state(CAMPAIGN, CampaignState.PAUSED)
    with world.site() as site:
        waits, goes_on = site.press(two), site.press(one)
        world.ledger.set_state(CAMPAIGN, CampaignState.RUNNING)
        begins = site.press(two)

    assert code(waits) == BUSY
    assert int(waits.headers["Retry-After"]) == waits.json()["error"]["retry_after_seconds"] > 0
    assert result(goes_on)["ContactId"] == first["ContactId"]
    assert result(begins)["ContactId"] != first["ContactId"]
    assert len(world.started()) == 2


def test_what_amazon_throttles_is_started_later_with_the_same_token(ledger_url: str) -> None:
    throttle = [Fault.throttle("StartChatContact", nth=n) for n in (1, 2)]
    with faulty(*throttle) as local, Ledger(ledger_url) as ledger:
        world = LinksWorld(local, ledger)
        [token] = world.invite("0001")
        with world.site() as site:
            result(site.press(token))
    [contact] = world.contacts()
    assert local.contacts[0].client_token == contact["client_token"]
    assert len(world.started()) == 1
    assert local.calls["StartChatContact"] == 3


def test_without_a_slot_a_press_is_told_to_come_back_and_nothing_counts_as_sent(
    ledger_url: str,
) -> None:
    full = Fault(operation="StartChatContact", kind=FaultKind.NO_SLOT, nth=1)
    with faulty(full) as local, Ledger(ledger_url) as ledger:
        world = LinksWorld(local, ledger)
        [token] = world.invite("0001")
        with world.site() as site:
            refused = site.press(token)
            [before] = world.contacts()
            eventually(lambda: site.press(token).status_code == httpx.codes.OK)

    assert code(refused) == BUSY
    assert refused.headers["Retry-After"]
    assert before["status"] in {"planned", "starting"}
    assert before["sent_at"] is None
    assert len(world.started()) == 1


@pytest.mark.parametrize("kind", [FaultKind.CUT_AFTER, FaultKind.ERROR_AFTER])
def test_a_start_without_an_answer_is_found_again_by_its_token(
    ledger_url: str, kind: FaultKind
) -> None:
    lost = [Fault(operation="StartChatContact", kind=kind, nth=1)]
    with faulty(*lost) as local, Ledger(ledger_url) as ledger:
        world = LinksWorld(local, ledger)
        [token] = world.invite("0001")
        with world.site() as site:
            eventually(lambda: site.press(token).status_code == httpx.codes.OK)
    assert len(world.started()) == 1
    assert world.contacts()[0]["contact_id"] == world.started()[0]


def test_a_start_without_an_answer_whose_chat_died_meanwhile_gives_no_dead_token(
    ledger_url: str,
) -> None:
    brief = LocalConnect(quotas=LocalQuotas.unlimited(), connect_window_seconds=0.1)
    with brief as local, Ledger(ledger_url) as ledger:
        world = LinksWorld(local, ledger)
        [token] = world.invite("0001")
        with world.site() as site:
            result(site.press(token))
        eventually(lambda: local.contacts[0].ended_at)
        # As a process leaves it that is killed between Amazon's answer and the record of it.
        sent = datetime.now(UTC) - timedelta(minutes=6)
        nothing = {"contact_id": None, "participant_id": None, "started_at": None}
        world.becomes("0001", status=Status.STARTING, sent_at=sent, **nothing)
        with world.site() as site:
            found = result(site.press(token))
    assert found["ContactId"] == world.started()[1]


def test_a_start_too_old_to_be_repeated_is_followed_by_the_next(lite: LinksWorld) -> None:
    [token] = lite.invite("0001")
    sent = datetime.now(UTC) - timedelta(hours=25)
    lite.becomes("0001", status=Status.UNKNOWN, sent_at=sent)
    with lite.site() as site:
        result(site.press(token))
    first, second = sorted(lite.contacts(), key=lambda one: one["generation"])
    assert (first["status"], first["error_code"]) == ("failed", "TokenTooOld")
    assert second["status"] == "started"
    assert lite.local.contacts[0].client_token == second["client_token"]


def test_a_refused_request_fails_and_its_link_is_dead(ledger: str) -> None:
    refuse = Fault(
        operation="StartChatContact",
        kind=FaultKind.ERROR_BEFORE,
        status=400,
        code="InvalidParameterException",
    )
    with faulty(refuse) as local, Ledger(ledger) as opened:
        world = LinksWorld(local, opened)
        [token] = world.invite("0001")
        with world.site() as site:
            answers = [site.press(token), site.press(token)]
    assert {code(answer) for answer in answers} == {NOT_VALID}
    assert world.contacts()[0]["status"] == "failed"
    assert local.calls["StartChatContact"] == 1


def test_what_concerns_all_links_is_told_once_and_not_tried_at_each_press(
    ledger: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Fault(operation="StartChatContact", kind=FaultKind.EXPIRED_CREDENTIALS)
    with faulty(broken) as local, Ledger(ledger) as opened:
        world = LinksWorld(local, opened)
        tokens = world.invite(*(f"{number:04}" for number in range(12)))
        with world.site() as site:
            answers = [site.press(token) for token in tokens]
    assert {code(answer) for answer in answers} == {BUSY}
    told = [record for record in caplog.records if "links open no chats" in record.message]
    assert len(told) == 1
    assert "ExpiredTokenException" in told[0].message
    # Once more with new clients, which is the client's own rule.
    assert local.calls["StartChatContact"] <= 2
    assert {contact["status"] for contact in world.contacts()} <= {"planned", "starting"}


def test_links_of_another_instance_are_not_started_here(
    lite: LinksWorld, caplog: pytest.LogCaptureFixture
) -> None:
    [token] = lite.invite("0001")
    with lite.ledger._writing() as connection:
        connection.exec_driver_sql("UPDATE campaigns SET instance_id = 'elsewhere'")
    with lite.site() as site:
        assert code(site.press(token)) == BUSY
        assert code(site.press(token)) == BUSY
    assert sum("elsewhere" in record.message for record in caplog.records) == 1
    assert not lite.local.calls


def test_without_permission_to_ask_a_chat_counts_as_alive(ledger: str) -> None:
    refuse = Fault(
        operation="DescribeContact",
        kind=FaultKind.ERROR_BEFORE,
        status=403,
        code="AccessDeniedException",
    )
    with faulty(refuse) as local, Ledger(ledger) as opened:
        world = LinksWorld(local, opened)
        [token] = world.invite("0001")
        with world.site() as one, world.site() as two:
            ids = {result(site.press(token))["ContactId"] for site in (one, two)}
    assert len(ids) == 1


def test_a_flood_on_one_link_leaves_calls_for_the_others(lite: LinksWorld) -> None:
    flooded, *others = lite.invite(*(f"{number:04}" for number in range(5)))
    with lite.site() as site:
        for _ in range(40):
            site.press_at_once([flooded] * 5)
        made = dict(lite.local.calls)
        answers = [site.press(token) for token in others]
    assert made["StartChatContact"] <= 3
    # As many as a link has at once, and one more in ten seconds.
    assert made.get("DescribeContact", 0) <= 8
    assert {answer.status_code for answer in answers} == {200}


def test_a_guesser_writes_nothing_and_keeps_nobody_waiting_for_long(lite: LinksWorld) -> None:
    [token] = lite.invite("0001")
    before = _everything(lite)
    with lite.site() as site:
        guesses = [f"{number:022}" for number in range(40)]
        for _ in range(5):
            answers = site.press_at_once(guesses)
            assert {answer.status_code for answer in answers} <= {410, 503}
        assert _everything(lite) == before
        result(site.press(token))


def _everything(world: LinksWorld) -> list[object]:
    tables = ("contacts", "invitations", "holders", "paces", "campaigns")
    with world.ledger._reading() as connection:
        return [connection.execute(sa.select(metadata.tables[t])).all() for t in tables]


def test_a_crowd_that_would_wait_too_long_is_turned_away_at_once(ledger: str) -> None:
    slow = Quotas(starts_per_second=2, start_burst=2)
    quotas = LocalQuotas.unlimited()
    with LocalConnect(quotas=quotas) as local, Ledger(ledger) as opened:
        world = LinksWorld(local, opened, quotas=slow)
        tokens = world.invite(*(f"{number:04}" for number in range(40)))
        with world.site() as site:
            answers = site.press_at_once(tokens)
        with opened._reading() as connection:
            claimed = connection.exec_driver_sql(
                "SELECT count(*) FROM contacts WHERE claimed_by IS NOT NULL"
            ).scalar_one()
    codes = [answer.status_code for answer in answers]
    assert set(codes) == {200, 503}
    # Two starts a second, and nobody waits for longer than some seconds: the others wait at home.
    assert claimed <= 20
    assert codes.count(200) >= 2
    assert len(world.started()) == codes.count(200)
    waits = {answer.headers["Retry-After"] for answer in answers if answer.status_code != 200}
    assert len(waits) > 1, "all of them would come back together"


def test_a_crowd_before_a_full_instance_keeps_nobody_out_of_a_chat_that_goes_on(
    ledger: str,
) -> None:
    quotas = FAST.model_copy(update={"starts_per_second": 2.0, "open_chats": 3})
    with faulty() as local, Ledger(ledger) as opened:
        world = LinksWorld(local, opened, quotas)
        inside, ended, failed, *crowd = world.invite(*(f"{number:04}" for number in range(40)))
        with world.site() as site:
            eventually(partial(_opens, site, inside))
        world.becomes("0001", status="completed", error_code=None)
        world.becomes("0002", status="failed")
        # Another's, for as long as this test goes on.
        local_chats = world.invite("1000", "1001", campaign="others")
        with world.site() as site:
            for token in local_chats:
                eventually(partial(_opens, site, token))
        # A server that has no answer at hand.
        with world.site() as site, _pressing(site, crowd):
            answers = {site.press(token).status_code for token in (inside, inside, inside)}
            others = {code(site.press(token)) for token in (ended, failed)}

    assert answers == {200}
    assert others == {OVER, NOT_VALID}
    assert len(world.started()) == 3


@contextlib.contextmanager
def _pressing(site: Site, tokens: list[str]) -> Iterator[None]:
    """Everybody presses, again and again; all of them have by the time that it begins."""
    over, turned_away = threading.Event(), threading.Semaphore(0)

    def press(token: str) -> None:
        while not over.is_set():
            site.press(token)
            turned_away.release()
            over.wait(0.2)

    with ThreadPoolExecutor(len(tokens)) as pool:
        for token in tokens:
            pool.submit(press, token)
        try:
            for _ in tokens:
                turned_away.acquire()
            yield
        finally:
            over.set()


def test_starts_are_counted_with_those_of_all_who_share_the_instance(lite: LinksWorld) -> None:
    [token] = lite.invite("0001")
    with lite.site() as site:
        result(site.press(token))
        with lite.ledger._reading() as connection:
            paces = connection.exec_driver_sql("SELECT api FROM paces").scalars().all()
            holders = connection.exec_driver_sql("SELECT * FROM holders").all()
    assert "StartChatContact" in paces
    assert len(holders) == 1
    with lite.ledger._reading() as connection:
        assert connection.exec_driver_sql("SELECT * FROM holders").all() == []


def test_whoever_finds_no_slot_has_those_looked_for_that_people_gave_up(
    ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whatever is found, is found for those who wait: the gentle look comes too late for this test.
    monkeypatch.setattr(service, "_LOOK_SECONDS", 3600)
    quotas = FAST.model_copy(update={"open_chats": 30})
    with faulty() as local, Ledger(ledger) as opened:
        world = LinksWorld(local, opened, quotas)
        tokens = world.invite(*[f"{n:04}" for n in range(60)])
        with world.site() as site:
            for token in tokens[:30]:
                eventually(partial(_opens, site, token))
            asked = local.calls["DescribeContact"]
            for contact_id in world.started():
                stop_chat(world, contact_id)
            assert local.calls["DescribeContact"] == asked
            with ThreadPoolExecutor(30) as pool:
                opening = [partial(_opens, site, token) for token in tokens[30:]]
                list(pool.map(eventually, opening))

    assert len(world.started()) == 60


def _opens(site: Site, token: str) -> bool:
    return site.press(token).status_code == httpx.codes.OK


def test_the_status_of_peoples_chats_is_kept_fresh(lite: LinksWorld) -> None:
    [token] = lite.invite("0001")
    with lite.site() as site:
        ids = result(site.press(token))
        stop_chat(lite, ids["ContactId"])
        eventually(lambda: lite.contacts()[0]["status"] == "completed")


def test_a_call_under_way_is_finished_and_recorded_when_the_server_ends(world: LinksWorld) -> None:
    called, go_on = threading.Event(), threading.Event()
    start_chat = ConnectApi.start_chat

    def slow(self: ConnectApi, request: str) -> Any:
        called.set()
        assert go_on.wait(30)
        return start_chat(self, request)

    [token] = world.invite("0001")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConnectApi, "start_chat", slow)
        # A server that waits for no request: only the app itself can wait for its call.
        with serving(world.app(), timeout_graceful_shutdown=1) as site:
            press = threading.Thread(target=lambda: _ignoring(lambda: site.press(token)))
            press.start()
            assert called.wait(30)
            site.server.should_exit = True
            threading.Timer(2.5, go_on.set).start()
    press.join()
    [contact] = world.contacts()
    assert contact["status"] == "started"
    assert [contact["contact_id"]] == world.started()
    with world.ledger._reading() as connection:
        held = connection.exec_driver_sql("SELECT claimed_until FROM contacts").scalar()
    assert held is None


def _ignoring(work: Callable[[], object]) -> None:
    with contextlib.suppress(httpx.TransportError):
        work()


def test_a_ledger_that_is_away_costs_a_moment_and_one_line(
    lite: LinksWorld, caplog: pytest.LogCaptureFixture
) -> None:
    [token] = lite.invite("0001")
    with lite.site() as site, pytest.MonkeyPatch.context() as patch:

        def away(*_: object, **__: object) -> None:
            raise LedgerUnreachableError("the database server cannot be reached")

        patch.setattr("connect_tasks.ledger.clicks.Clicks.find", away)
        patch.setattr("connect_tasks.ledger.clicks.Clicks.check", away)
        answers = [site.press(token) for _ in range(5)]
        health = site.get("/healthz")
        patch.undo()
        result(site.press(token))
        well = site.get("/healthz")

    assert {code(answer) for answer in answers} == {BUSY}
    assert (health.status_code, health.json()) == (503, {"status": "unavailable"})
    assert (well.status_code, well.json()) == (200, {"status": "ok"})
    told = [record for record in caplog.records if "links open no chats" in record.message]
    assert len(told) == 1


def test_a_ledger_that_does_not_answer_keeps_no_press_waiting_for_it(
    lite: LinksWorld, caplog: pytest.LogCaptureFixture
) -> None:
    token, other = lite.invite("0001", "0002")
    answers, found = threading.Event(), Clicks.find

    def blocked(*arguments: Any, **options: Any) -> Any:
        answers.wait()
        return found(*arguments, **options)

    with lite.site() as site, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Clicks, "find", blocked)
        try:
            # They are answered, or this test does not end.
            pressed = site.press_at_once([token, token, other, NO_TOKEN])
        finally:
            answers.set()
        eventually(partial(_opens, site, token))

    assert {code(answer) for answer in pressed} == {BUSY}
    told = [record for record in caplog.records if "links open no chats" in record.message]
    assert len(told) == 1


def test_the_answer_is_json_that_says_nothing_of_the_customer(lite: LinksWorld) -> None:
    [token] = lite.invite("0001")
    with lite.site() as site:
        text = json.dumps(site.press(token).json())
    assert "Ada" not in text
    assert "0001" not in text.replace(json.loads(text)["data"]["startChatResult"]["ContactId"], "")


def test_a_chat_that_goes_on_is_not_failed_when_amazon_refuses_to_repeat_its_start(
    ledger: str, caplog: pytest.LogCaptureFixture
) -> None:
    refuse = Fault(
        operation="StartChatContact",
        kind=FaultKind.ERROR_BEFORE,
        nth=2,
        status=400,
        code="InvalidParameterException",
    )
    with faulty(refuse) as local, Ledger(ledger) as opened:
        world = LinksWorld(local, opened)
        [token] = world.invite("0001")
        with world.site() as one, world.site() as two:
            first = result(one.press(token))
            refused = two.press(token)
            again = result(two.press(token))
    assert code(refused) == BUSY
    assert "met a fault" not in caplog.text
    assert again["ContactId"] == first["ContactId"]
    assert world.contacts()[0]["status"] == "started"


def test_reloads_of_one_link_soon_cost_no_more_calls(lite: LinksWorld) -> None:
    [token] = lite.invite("0001")
    codes = []
    # Each with a memory of its own would let each ask: what is told is one server's.
    with lite.site() as site, pytest.MonkeyPatch.context() as patch:
        patch.setattr("connect_tasks.invitations.resolver.Resolver._keep", lambda *_: None)
        codes = [site.press(token).status_code for _ in range(12)]
    assert codes[:6] == [200] * 6
    assert set(codes[6:]) == {503}
    assert lite.local.calls["StartChatContact"] == 6


def test_a_started_chat_counts_once_among_the_open_ones(ledger: str) -> None:
    with faulty() as local, Ledger(ledger) as opened:
        world = LinksWorld(local, opened, quotas=FAST.model_copy(update={"open_chats": 4}))
        tokens = world.invite(*(f"{number:04}" for number in range(6)))
        with world.site() as site:
            codes = [site.press(token).status_code for token in tokens]
    assert codes == [200, 200, 200, 200, 503, 503]
    assert len(world.started()) == 4
