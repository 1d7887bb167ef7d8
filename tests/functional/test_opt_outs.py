"""What people say when they want no more: recorded with their transcript, once, and for good."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from websockets.sync.client import connect

from connect_tasks.campaign.opt_outs import FinderByPolicy
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.suppression import suppress, suppressed, unsuppress
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.ledger.erasure import erase, forget
from connect_tasks.ledger.schema import campaigns, items
from connect_tasks.ledger.store import Ledger
from tests.functional.collecting_world import (
    CAMPAIGN,
    NOON,
    Amazon,
    item,
    moto_s3,
    new_amazon,
    told,
    transcript,
)
from tests.functional.hand_over_world import SUBSCRIBE
from tests.functional.links_world import LinksWorld, eventually, key_in_environment
from tests.functional.world import session
from tests.ledger_rows import enter, table

ENDED = NOON - timedelta(minutes=40)
SAID_AT = NOON - timedelta(hours=1) + timedelta(seconds=32, milliseconds=123)
INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with moto_s3() as url:
        yield url


@pytest.fixture
def amazon(s3: str) -> Amazon:
    return new_amazon(s3)


@pytest.fixture
def opened(ledger_url: str) -> Iterator[Ledger]:
    with Ledger(ledger_url) as ledger:
        yield ledger


@pytest.fixture
def sqlite(ledger: str) -> Iterator[Ledger]:
    with Ledger(ledger) as opened:
        yield opened


def says(
    ledger: Ledger, amazon: Amazon, name: str, *texts: str, mode: str = "invitation", **more: Any
) -> None:
    """A chat that is over, in which a customer said this; their second message is the first."""
    enter(ledger, name, mode=mode, **{"handed_over_at": NOON, **more})
    amazon.contacts[f"c-{name}"] = told(ended=ENDED)
    said = [item(number, text=text) for number, text in enumerate(texts, 2)]
    asked = item(1, role="SYSTEM", text="Do you want to stop?")
    amazon.put(f"c-{name}", transcript(f"c-{name}", [asked, *said]))


def set_policy(ledger: Ledger, **policy: Any) -> None:
    stored = OutreachPolicy(**policy).model_dump(mode="json")
    with ledger._writing() as connection:
        update = sa.update(campaigns).where(campaigns.c.campaign == CAMPAIGN)
        connection.execute(update.values(policy=stored))


def on_lists(ledger: Ledger) -> list[tuple[str, str]]:
    frame = suppressed(ledger=ledger)
    return sorted(zip(frame["customer_id"], frame["list"], strict=True))


@pytest.mark.parametrize("mode", ["invitation", "hand_over"])
def test_who_says_an_opt_out_word_and_nothing_else_is_put_on_the_list(
    opened: Ledger, amazon: Amazon, mode: str
) -> None:
    for name, texts in {
        "stops": ["STOP"],
        "later": ["9", " opt-out! "],
        "french": ["Arrêt."],
        "ends": ["END"],
        "cancels": ["cancel"],
        "asks": ["please stop"],
        "goes on": ["yes"],
    }.items():
        says(opened, amazon, name, *texts, mode=mode)
    amazon.collect(opened)

    assert on_lists(opened) == [("french", "all"), ("later", "all"), ("stops", "all")]
    (row,) = suppressed(ledger=opened).query("customer_id == 'stops'").to_dict("records")
    assert (row["reason"], row["source"], row["added_at"]) == ("word", "i-2", SAID_AT)
    assert row["expires_at"] != row["expires_at"]


def test_a_second_collect_adds_nothing_and_brings_nothing_back(
    opened: Ledger, amazon: Amazon
) -> None:
    says(opened, amazon, "ada", "STOP")
    says(opened, amazon, "bob", "STOP")
    amazon.collect(opened)
    before = suppressed(ledger=opened)
    amazon.collect(opened)
    assert suppressed(ledger=opened).equals(before)

    unsuppress("ada", ledger=opened)
    set_policy(opened, suppression=["news"], opt_out={"list": "all"})
    amazon.collect(opened)
    assert on_lists(opened) == [("bob", "all")]


def test_what_comes_to_light_late_was_said_before_a_person_took_them_off(
    sqlite: Ledger, amazon: Amazon
) -> None:
    """Taken off later than the message: the person has the last word. Earlier: the message."""
    suppress(["ada", "bob"], ledger=sqlite, clock=At(SAID_AT - timedelta(days=2)))
    unsuppress("ada", ledger=sqlite, clock=At(SAID_AT + timedelta(seconds=1)))
    unsuppress("bob", ledger=sqlite, clock=At(SAID_AT - timedelta(seconds=1)))
    for name in ("ada", "bob"):
        says(sqlite, amazon, name, "STOP")
    amazon.collect(sqlite)

    assert on_lists(sqlite) == [("bob", "all")]


class At:
    """A clock that stands still."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


def test_who_never_was_on_a_list_is_put_there_by_what_they_said_before_unsuppress(
    sqlite: Ledger, amazon: Amazon
) -> None:
    """Nothing was taken away: nobody knew of it."""
    says(sqlite, amazon, "ada", "STOP")
    assert unsuppress("ada", ledger=sqlite) == 0
    amazon.collect(sqlite)

    assert on_lists(sqlite) == [("ada", "all")]


def test_the_policys_own_words_and_list_count_also_for_what_was_said_before_they_did(
    opened: Ledger, amazon: Amazon
) -> None:
    for name, text in {"ada": "abmelden", "bob": "STOP", "cyd": "Revoke"}.items():
        says(opened, amazon, name, text)
    amazon.collect(opened)
    assert on_lists(opened) == [("bob", "all"), ("cyd", "all")]

    words = {"de": ["Abmelden"], "en": ["stop"]}
    set_policy(opened, suppression=["news"], opt_out={"words": words})
    amazon.collect(opened)
    both = [("bob", "all"), ("bob", "news"), ("cyd", "all")]
    assert on_lists(opened) == [("ada", "news"), *both]

    unsuppress("ada", list="news", ledger=opened)
    amazon.collect(opened)
    assert on_lists(opened) == both


def test_what_an_earlier_version_collected_is_looked_through_once(
    sqlite: Ledger, amazon: Amazon, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(sqlite, amazon, "ada", "STOP")
    says(sqlite, amazon, "bob", "9")
    with monkeypatch.context() as before:
        before.setattr(FinderByPolicy, "__call__", lambda *_: [])
        amazon.collect(sqlite)
    with sqlite._writing() as connection:
        connection.execute(sa.update(campaigns).values(looked_for=None))
    assert on_lists(sqlite) == []

    amazon.collect(sqlite)
    assert on_lists(sqlite) == [("ada", "all")]
    looked: list[Any] = []

    def look(*arguments: Any) -> list[Any]:
        looked.append(arguments)
        return []

    monkeypatch.setattr(FinderByPolicy, "__call__", look)
    amazon.collect(sqlite)
    assert looked == []


def test_in_a_simulation_nobody_opts_out_and_nobody_may_have(
    opened: Ledger, amazon: Amazon
) -> None:
    says(opened, amazon, "ada", "STOP", "please stop", mode="simulation", status="completed")
    amazon.collect(opened)

    assert len(table(opened, items)) == 3
    assert on_lists(opened) == []
    assert list(CampaignResult(CAMPAIGN, opened.url).replies["possible_opt_out"]) == [False]


def test_what_the_request_says_for_a_person_is_no_opt_out_and_the_same_after_it_is(
    opened: Ledger, amazon: Amazon
) -> None:
    opening = json.dumps({"InitialMessage": {"Content": "Stop"}})
    for name, texts in {"silent": ["Stop"], "repeats": ["Stop", "Stop"]}.items():
        enter(opened, name, mode="invitation", request=opening)
        amazon.contacts[f"c-{name}"] = told(ended=ENDED)
        said = [item(number, text=text) for number, text in enumerate(texts)]
        amazon.put(f"c-{name}", transcript(f"c-{name}", said))
    amazon.collect(opened)

    assert on_lists(opened) == [("repeats", "all")]


def test_a_choice_of_that_title_is_an_opt_out_in_whichever_form_it_is_sent(
    sqlite: Ledger, amazon: Amazon
) -> None:
    elements = [{"title": "Stop", "elementId": "e-1"}, {"title": "Go on", "elementId": "e-2"}]
    offer = {"templateType": "ListPicker", "data": {"content": {"elements": elements}}}
    answers = {
        "by title": {"data": {"selectionText": "Stop"}},
        "by id": {"data": {"elementId": "e-1"}},
        "another": {"data": {"elementId": "e-2"}},
    }
    for name, answer in answers.items():
        enter(sqlite, name, mode="invitation")
        amazon.contacts[f"c-{name}"] = told(ended=ENDED)
        asked = item(1, role="SYSTEM", text=json.dumps(offer), ContentType=INTERACTIVE)
        kind = f"{INTERACTIVE}.response"
        chosen = item(2, text=json.dumps(answer), ContentType=kind)
        amazon.put(f"c-{name}", transcript(f"c-{name}", [asked, chosen]))
    amazon.collect(sqlite)
    expected = [("by id", "all"), ("by title", "all")]
    assert on_lists(sqlite) == expected

    unsuppress(["by id", "by title"], ledger=sqlite, clock=At(SAID_AT))
    set_policy(sqlite, suppression=["news"])
    amazon.collect(sqlite)
    assert on_lists(sqlite) == [(name, "news") for name, _ in expected]


def test_neither_the_other_side_nor_a_file_opts_out(sqlite: Ledger, amazon: Amazon) -> None:
    enter(sqlite, "ada", mode="invitation")
    amazon.contacts["c-ada"] = told(ended=ENDED)
    file = item(3, Type="ATTACHMENT", Content=None, Attachments=[{"AttachmentName": "stop"}])
    others = [item(1, role="SYSTEM", text="STOP"), item(2, role="AGENT", text="stop"), file]
    amazon.put("c-ada", transcript("c-ada", others))
    amazon.collect(sqlite)

    assert on_lists(sqlite) == []


def test_an_odd_clock_of_amazons_makes_no_opt_out_that_cannot_be_taken_back(
    sqlite: Ledger, amazon: Amazon
) -> None:
    enter(sqlite, "ada", mode="invitation")
    amazon.contacts["c-ada"] = told(ended=ENDED)
    amazon.put("c-ada", transcript("c-ada", [item(1, text="STOP", AbsoluteTime="2199-01-01")]))
    amazon.collect(sqlite)
    (entry,) = suppressed(ledger=sqlite)["added_at"]
    unsuppress("ada", ledger=sqlite, clock=At(NOON + timedelta(days=1)))

    assert NOON <= entry < NOON + timedelta(hours=1)
    assert on_lists(sqlite) == []


def test_replies_that_may_be_opt_outs_are_marked_and_nobody_is_put_on_a_list_by_them(
    sqlite: Ledger, amazon: Amazon, tmp_path: Path
) -> None:
    for name, text in {"ada": "Stop. Thank you", "bob": "9", "cyd": "STOP"}.items():
        says(sqlite, amazon, name, text)
    amazon.collect(sqlite)
    result = CampaignResult(CAMPAIGN, sqlite.url)
    result.save(tmp_path)

    marked = result.replies.set_index("customer_id")["possible_opt_out"].to_dict()
    assert marked == {"ada": True, "bob": False, "cyd": False}
    assert on_lists(sqlite) == [("cyd", "all")]
    written = (tmp_path / "replies.csv").read_text(encoding="utf-8-sig").splitlines()
    assert written[0].endswith(",possible_opt_out")
    assert written[1].endswith(",True")


@pytest.mark.parametrize("take_out", ["forget", "erase"])
def test_who_opted_out_and_was_taken_out_is_known_in_the_next_campaign(
    opened: Ledger, amazon: Amazon, take_out: str
) -> None:
    says(opened, amazon, "Zo\u00eb 7", "STOP")
    amazon.collect(opened)
    if take_out == "forget":
        forget("Zo\u00eb 7", opened.url)
    else:
        erase(CAMPAIGN, opened.url)
    amazon.collect(opened)

    assert suppressed(ledger=opened)["customer_id"].isna().tolist() == [True]
    assert set(suppressed(ledger=opened)["source"]) == {""}
    found = opened.suppressions.of(["Zo\u00eb 7"], NOON)
    assert [one.reason for one in found["Zo\u00eb 7"]] == ["word"]


def test_who_is_forgotten_while_it_is_collected_is_put_on_no_list(
    sqlite: Ledger, amazon: Amazon
) -> None:
    says(sqlite, amazon, "ada", "STOP")

    def passing(operation: str) -> None:
        if operation == "GetObject":
            forget("ada", sqlite.url, unread=True, overwrite=False)

    amazon.passing = passing
    amazon.collect(sqlite)

    assert on_lists(sqlite) == []


# --- broken off ---


class Killed(BaseException):
    """The process is gone."""


class Dying(Ledger):
    """A ledger of a process that dies at one of its transactions, before or after its commit."""

    def __init__(self, url: str, *, at: int, committed: bool) -> None:
        self._at, self._committed, self._made = at, committed, 0
        super().__init__(url)

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        self._made += 1
        is_last = self._made == self._at
        with super()._writing() as connection:
            yield connection
            if is_last and not self._committed:
                raise Killed
        if is_last:
            raise Killed


@pytest.mark.parametrize("committed", [False, True])
def test_killed_at_any_transaction_no_opt_out_is_lost_and_none_is_without_its_item(
    tmp_path: Path,
    s3: str,
    committed: bool,  # noqa: FBT001 - a case
) -> None:
    amazon = new_amazon(s3)
    for number in range(1, 1_000):
        url = f"sqlite:///{tmp_path / str(number)}.db"
        with Ledger(url) as ledger:
            says(ledger, amazon, "old", "STOP")
            amazon.collect(ledger)
            unsuppress("old", ledger=ledger)
            set_policy(ledger, suppression=["news"])
            says(ledger, amazon, "ada", "unsubscribe")
        with Dying(url, at=number, committed=committed) as ledger:
            try:
                amazon.collect(ledger)
            except Killed:
                is_killed = True
            else:
                is_killed = False
        with Ledger(url) as ledger:
            stored = {row["customer_id"] for row in table(ledger, items)}
            assert (("ada", "news") in on_lists(ledger)) == ("ada" in stored)
            amazon.collect(ledger)
            assert on_lists(ledger) == [("ada", "news"), ("old", "news")], number
        if not is_killed:
            break
    assert number > 5


# --- while a chat lives ---


def test_who_opts_out_while_the_chat_goes_on_is_on_the_list_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_in_environment(monkeypatch)
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    quotas = LocalQuotas.unlimited()
    with LocalConnect(flow="echo", quotas=quotas) as local, Ledger(url) as ledger:
        world = LinksWorld(local, ledger)
        (token,) = world.invite("ada")
        with world.site(listen=True) as site:
            started = site.press(token).json()["data"]["startChatResult"]
            client = session().client("connectparticipant", endpoint_url=local.endpoint_url)
            answer = client.create_participant_connection(
                Type=["WEBSOCKET", "CONNECTION_CREDENTIALS"],
                ParticipantToken=started["ParticipantToken"],
            )
            with connect(answer["Websocket"]["Url"], compression=None) as socket:
                socket.send(SUBSCRIBE)
                socket.recv(timeout=10)
                client.send_message(
                    ContentType="text/plain",
                    Content="Stop!",
                    ConnectionToken=answer["ConnectionCredentials"]["ConnectionToken"],
                )
                eventually(lambda: on_lists(ledger) == [("ada", "all")])
                assert local.contacts[0].ended_at is None
