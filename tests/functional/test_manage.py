"""What a person does about a campaign, counted at Amazon Connect."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from connect_tasks import Conversation, StartChatContactResponse, client_token
from connect_tasks.aws.client import ConnectApi
from connect_tasks.campaign import manage
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.emulator import Fault, FaultKind
from connect_tasks.errors import InputError
from connect_tasks.ledger.store import Ledger
from tests.functional.world import CAMPAIGN, FAST, World, customers, world

VERSION_1 = Path(__file__).parents[1] / "data" / "ledger_version_1.sql"
CUTS = [
    Fault(operation="StartChatContact", kind=FaultKind.CUT_AFTER, customer_id="0001", nth=n)
    for n in range(1, 9)
]


def once(condition: Callable[[Funnel], bool], act: Callable[[], None]) -> Callable[[Funnel], None]:
    """Do something the first time that a running campaign has come so far."""
    done: list[Funnel] = []

    def report(funnel: Funnel) -> None:
        if not done and condition(funnel):
            done.append(funnel)
            act()

    return report


def slow(here: World) -> None:
    here.quotas = FAST.model_copy(update={"starts_per_second": 10.0, "start_burst": 1})


def statuses(here: World) -> dict[str, str]:
    return {row["customer_id"]: row["status"] for row in here.contacts()}


def test_a_paused_campaign_starts_nothing_more_and_finishes_what_is_open(tmp_path: Path) -> None:
    with world(tmp_path, think_seconds=(0.2, 0.4)) as here:
        slow(here)
        here.plan(customers(60))
        here.run(once(lambda f: f.started > 2, lambda: manage.pause(CAMPAIGN, here.ledger.url)))
        paused_at = len(here.local.contacts)
        here.run()

        assert 2 < paused_at < 60
        assert len(here.local.contacts) == paused_at
        assert set(statuses(here).values()) == {"completed", "planned"} | (
            {"starting"} & set(statuses(here).values())
        )
        assert {contact.disconnect_reason for contact in here.local.contacts} == {
            "CONTACT_FLOW_DISCONNECT"
        }

        manage.resume(CAMPAIGN, here.ledger.url)
        here.quotas = FAST
        here.run()
        assert here.made() == {f"{number:04}": 1 for number in range(60)}
        assert set(statuses(here).values()) == {"completed"}


def test_a_chat_that_is_being_made_while_a_campaign_is_paused_is_held(tmp_path: Path) -> None:
    slow_start = Fault(
        operation="StartChatContact", kind=FaultKind.DELAY, customer_id="0000", nth=1, seconds=2.5
    )
    with world(tmp_path, faults=[slow_start]) as here:
        here.plan(customers(1))
        pause = once(
            lambda _: bool(here.local.injected), lambda: manage.pause(CAMPAIGN, here.ledger.url)
        )
        here.run(pause)

        assert here.local.injected["StartChatContact", FaultKind.DELAY] == 1
        assert statuses(here) == {"0000": "completed"}
        assert here.local.contacts[0].disconnect_reason == "CONTACT_FLOW_DISCONNECT"


def test_a_stopped_campaign_closes_its_open_chats_and_can_go_on(tmp_path: Path) -> None:
    with world(tmp_path, flow="echo") as here:
        slow(here)
        here.conversation = Conversation(
            settle_seconds=0, reply_timeout_seconds=60, max_seconds=120
        )
        here.plan(customers(40))
        stop = once(lambda f: f.connected > 1, lambda: manage.stop(CAMPAIGN, here.ledger.url))
        here.run(stop)
        stopped_at = len(here.local.contacts)

        assert 1 < stopped_at < 40
        assert all(contact.ended_at for contact in here.local.contacts)
        ended = {row["end_reason"] for row in here.contacts() if row["status"] == "completed"}
        assert ended == {"time_limit"}
        assert manage.status(CAMPAIGN, here.ledger.url)["state"] == "stopped"


def test_a_campaign_that_is_not_there_cannot_be_paused(tmp_path: Path) -> None:
    with world(tmp_path) as here, pytest.raises(InputError, match="no campaign 'nothing'"):
        manage.pause("nothing", here.ledger.url)


def test_a_cancelled_run_closes_its_chats_and_loses_nothing(tmp_path: Path) -> None:
    class Cancelled(BaseException):
        """What Prefect throws into a run that is cancelled, or the like."""

    def cancel() -> None:
        raise Cancelled

    with world(tmp_path, think_seconds=(0.2, 0.4)) as here:
        slow(here)
        here.plan(customers(30))
        with pytest.raises(Cancelled):
            here.run(once(lambda f: f.connected > 1, cancel))

        assert all(contact.ended_at for contact in here.local.contacts)
        assert here.claims() == 0
        here.quotas = FAST
        here.run()
        assert here.made() == {f"{number:04}": 1 for number in range(30)}


def test_unknown_contacts_are_listed_with_what_is_known(tmp_path: Path) -> None:
    with world(tmp_path, faults=CUTS) as here:
        here.plan(customers(3))
        here.run()
        (unknown,) = manage.unknown_contacts(CAMPAIGN, here.ledger.url)

        assert unknown["customer_id"] == "0001"
        assert unknown["attempts"] == 8
        assert unknown["sent_at"] is not None
        assert unknown["error_code"] == "ConnectionClosedError"


def test_a_customer_who_was_contacted_after_all_is_not_contacted_again(tmp_path: Path) -> None:
    with world(tmp_path, faults=CUTS) as here:
        here.plan(customers(3))
        here.run()
        manage.resolve(CAMPAIGN, "0001", "was_contacted", here.ledger.url)
        here.run()

        assert statuses(here) == dict.fromkeys(["0000", "0001", "0002"], "completed")
        assert here.made() == {"0000": 1, "0001": 1, "0002": 1}


def test_contact_again_makes_a_new_generation_with_a_token_of_its_own(tmp_path: Path) -> None:
    with world(tmp_path, faults=CUTS) as here:
        here.plan(customers(3))
        here.run()
        here.quotas = FAST.model_copy(update={"token_validity": timedelta(microseconds=1)})
        manage.resolve(CAMPAIGN, "0001", "contact_again", here.ledger.url)
        here.run()
        here.plan(customers(3))
        here.run()

        tokens = [c.client_token for c in here.local.contacts if c.customer_id == "0001"]
        assert tokens == [client_token(CAMPAIGN, "0001", n) for n in (1, 2)]
        assert manage.status(CAMPAIGN, here.ledger.url)["valid"] == 3
        assert manage.status(CAMPAIGN, here.ledger.url)["completed"] == 3
        generations = {row["customer_id"]: row["generation"] for row in here.contacts()}
        assert generations == {"0000": 1, "0001": 2, "0002": 1}


def test_only_an_unknown_contact_can_be_resolved(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.plan(customers(1))
        with pytest.raises(InputError, match="no unknown contact"):
            manage.resolve(CAMPAIGN, "0000", "contact_again", here.ledger.url)


def test_a_replay_of_a_dead_chat_is_reported_and_not_counted_as_started(tmp_path: Path) -> None:
    with world(tmp_path, faults=CUTS) as here:
        here.plan(customers(3))
        here.run()
        dead = next(c for c in here.local.contacts if c.customer_id == "0001")
        here.stop_contact(dead.contact_id)
        funnel = here.run()

        row = next(row for row in here.contacts() if row["customer_id"] == "0001")
        assert (row["status"], row["end_reason"], row["error_code"]) == ("completed", "lost", "API")
        assert row["contact_id"] == dead.contact_id
        assert row["started_at"] is None
        assert (funnel.started, funnel.completed) == (2, 3)
        assert manage.status(CAMPAIGN, here.ledger.url)["started"] == 2
        assert here.made() == {"0000": 1, "0001": 1, "0002": 1}


def test_a_start_that_returns_no_token_is_a_dead_chat_like_any_other(tmp_path: Path) -> None:
    class Tokenless(ConnectApi):
        def start_chat(self, request: str) -> StartChatContactResponse:
            return super().start_chat(request).model_copy(update={"participant_token": None})

    with world(tmp_path) as here:
        here.api_class = Tokenless
        here.plan(customers(1))
        funnel = here.run()

        (row,) = here.contacts()
        assert (row["status"], row["end_reason"]) == ("completed", "lost")
        assert (row["error_code"], row["started_at"]) == ("ChatEnded", None)
        assert (funnel.started, funnel.completed) == (0, 1)


def test_a_run_without_a_conversation_uses_the_one_that_was_planned(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        planned = Conversation(
            settle_seconds=0, messages=("hi",), max_replies=1, close="disconnect"
        )
        here.plan(customers(1))
        here.ledger.open_campaign(
            CAMPAIGN,
            here.local.instance_id,
            now=here.contacts()[0]["planned_at"],
            conversation=planned,
        )

        assert here.ledger.conversation(CAMPAIGN) == planned


def tables_of(path: Path) -> dict[str, list[tuple[str, str, int, int]]]:
    """Each table and index with its columns, as SQLite itself describes them."""
    with closing(sqlite3.connect(path)) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
        return {
            name: sorted(
                database.execute(
                    # A time is called so on PostgreSQL too; to SQLite both are the same.
                    "SELECT name, replace(type, 'TIMESTAMP', 'DATETIME'), \"notnull\", pk "
                    "FROM pragma_table_info(?)",
                    (name,),
                )
            )
            for (name,) in names
        }


@pytest.mark.parametrize("file", ["ledger_version_1.sql", "ledger_of_26fc872.db"])
def test_a_ledger_of_any_earlier_version_gets_the_tables_of_a_new_one(
    tmp_path: Path, file: str
) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    if file.endswith(".sql"):
        with closing(sqlite3.connect(old)) as database:
            database.executescript((VERSION_1.parent / file).read_text(encoding="utf-8"))
    else:
        shutil.copy(VERSION_1.parent / file, old)
    for path in (old, new):
        Ledger(f"sqlite:///{path}").close()

    assert tables_of(old) == tables_of(new)
    assert len(tables_of(new)) > 8


def test_a_ledger_of_the_previous_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(VERSION_1.read_text(encoding="utf-8"))
    before = manage.status(CAMPAIGN, f"sqlite:///{path}")

    assert before["state"] == "running"
    assert (before["valid"], before["completed"], before["unknown"]) == (6, 2, 1)
    assert (before["failed"], before["planned"], before["rejected"]) == (1, 2, 1)
    with Ledger(f"sqlite:///{path}") as ledger:
        assert len(list(ledger.contact_records(CAMPAIGN))) == 6
        assert len(list(ledger.message_records(CAMPAIGN))) == 12
    manage.pause(CAMPAIGN, f"sqlite:///{path}")
    assert manage.status(CAMPAIGN, f"sqlite:///{path}")["state"] == "paused"
