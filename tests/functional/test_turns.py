"""Whose turn it is, and what counts as a reply, at the local Amazon Connect."""

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connect_tasks import After, ChatTemplate, Conversation, StartChatContactRequest, Utterance
from connect_tasks.aws.transcript import Item
from connect_tasks.campaign.summary import summarise
from connect_tasks.chat import single
from connect_tasks.emulator import Fault, FaultKind
from connect_tasks.ledger.changes import Change, Heard, Planned, Progress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.database import make_engine
from connect_tasks.ledger.store import Ledger
from tests.functional.world import CAMPAIGN, World, customers, world

TO_THE_AGENT = Utterance(text="my bill", after=After(role="AGENT"))
WITH_AN_AGENT = ["SYSTEM", "AGENT", "CUSTOMER", "AGENT", "CUSTOMER", "AGENT"]


def roles(here: World) -> list[str]:
    return [role for role, _ in here.said()]


def replied(here: World) -> tuple[int, list[bool], set[str]]:
    """In the summary, in each contact, and why the chats were over."""
    rows = here.contacts()
    summary = summarise(here.ledger.counts(CAMPAIGN))
    answered = [row["first_reply_at"] is not None for row in rows]
    return summary["replied"], answered, {row["end_reason"] for row in rows}


# --- the other side's turn ---


def test_what_is_said_in_two_messages_is_answered_once_it_is_said(tmp_path: Path) -> None:
    with world(tmp_path, flow="agent", think_seconds=(0.2, 0.2)) as here:
        here.conversation = Conversation(messages=("my bill", "thanks"), settle_seconds=1.5)
        here.plan(customers(2))
        here.run()

        assert roles(here) == WITH_AN_AGENT * 2


@pytest.mark.parametrize("settle", [0, 0.5])
def test_who_waits_for_an_agent_speaks_after_the_agent(tmp_path: Path, settle: float) -> None:
    with world(tmp_path, flow="agent", think_seconds=(0.8, 0.8)) as here:
        here.conversation = Conversation(
            messages=(TO_THE_AGENT, "thanks"), settle_seconds=settle, reply_timeout_seconds=20
        )
        here.plan(customers(2))
        here.run()

        assert roles(here) == WITH_AN_AGENT * 2


def test_an_interrupted_chat_still_waits_for_its_agent(tmp_path: Path) -> None:
    with world(tmp_path, flow="agent", think_seconds=(0.8, 0.8)) as here:
        here.conversation = Conversation(
            messages=(TO_THE_AGENT, "thanks"), settle_seconds=0, reply_timeout_seconds=20
        )
        here.plan(customers(2))

        def interrupt(funnel: Any) -> None:
            if funnel.connected == funnel.valid:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            here.run(interrupt)
        here.run()

        assert roles(here) == WITH_AN_AGENT * 2


@pytest.mark.parametrize(
    ("otherwise", "end", "said"), [("end", "silent", 0), ("say", "replied", 1)]
)
def test_what_is_never_asked_is_said_all_the_same_or_ends_the_chat(
    tmp_path: Path, otherwise: Any, end: str, said: int
) -> None:
    never = Utterance(text="my bill", after=After(pattern="^Anything else"), otherwise=otherwise)
    with world(tmp_path, flow="echo") as here:
        here.conversation = Conversation(
            messages=(never,), max_replies=1, settle_seconds=0, reply_timeout_seconds=0.5
        )
        here.plan(customers(2))
        here.run()

        assert replied(here) == (2 * said, [bool(said)] * 2, {end})
        assert roles(here).count("CUSTOMER") == 2 * said


def request_of(here: World, **fields: Any) -> StartChatContactRequest:
    own = {
        "instance_id": here.local.instance_id,
        "contact_flow_id": here.local.flow_id,
        "participant_details": {"display_name": "Ada"},
    }
    return StartChatContactRequest.model_validate({**own, **fields})


def test_a_single_chat_waits_for_what_its_message_answers(tmp_path: Path) -> None:
    with world(tmp_path, flow="agent", think_seconds=(0.5, 0.5)) as here:
        instance = here.local.instance().connect()
        chat = single.start(instance, request_of(here), "t-1")
        talk = Conversation(settle_seconds=0)
        held = single.hold(instance, chat, talk, [TO_THE_AGENT, "thanks"])

    spoken = held.messages[held.messages["type"] == "MESSAGE"]
    assert list(spoken["participant_role"]) == WITH_AN_AGENT
    assert held.end_reason == "chat_ended"


@pytest.mark.parametrize("opening", [None, {"content": "Again", "content_type": "text/plain"}])
def test_what_was_said_in_the_chat_that_this_one_goes_on_with_is_past(
    tmp_path: Path, opening: dict[str, str] | None
) -> None:
    talk = Conversation(settle_seconds=0)
    with world(tmp_path, flow="survey") as here:
        instance = here.local.instance().connect()
        first = single.start(instance, request_of(here), "t-1")
        single.hold(instance, first, talk, ["9"])
        past = {
            "source_contact_id": first.contact_id,
            "rehydration_type": "ENTIRE_PAST_SESSION",
        }
        again = request_of(here, persistent_chat=past, initial_message=opening)
        second = single.start(instance, again, "t-2")
        held = single.hold(instance, second, talk, ["7"])

    said = held.messages[held.messages["participant_role"] == "CUSTOMER"]["content"].dropna()
    assert list(said) == ["9", *(["Again"] if opening else []), "7"]
    assert held.end_reason == "chat_ended"


# --- replies ---


def test_what_is_heard_where_our_side_says_nothing_is_no_reply(tmp_path: Path) -> None:
    with world(tmp_path, flow="echo") as here:
        here.conversation = Conversation(max_replies=1, settle_seconds=0)
        here.plan(customers(2))
        funnel = here.run()

        assert replied(here) == (0, [False, False], {"heard"})
        assert funnel.replied == 0


def test_an_answer_to_our_message_is_a_reply(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.plan(customers(2))
        funnel = here.run()

        assert replied(here) == (2, [True, True], {"chat_ended"})
        assert funnel.replied == 2


def test_a_greeting_before_a_message_that_is_never_answered_is_no_reply(tmp_path: Path) -> None:
    with world(tmp_path, flow="echo", think_seconds=(2, 2)) as here:
        here.conversation = Conversation(messages=("hi",), settle_seconds=0, max_seconds=2.5)
        here.plan(customers(2))
        here.run()

        assert replied(here) == (0, [False, False], {"time_limit"})
        assert roles(here) == ["SYSTEM", "CUSTOMER"] * 2


def test_what_is_said_after_the_message_of_the_start_is_a_reply(tmp_path: Path) -> None:
    with world(tmp_path, flow="echo") as here:
        here.template = ChatTemplate(initial_message="My bill is wrong")
        here.conversation = Conversation(max_replies=1, settle_seconds=0)
        here.plan(customers(2))
        here.run()

        assert replied(here) == (2, [True, True], {"replied"})


def test_an_answer_counts_although_the_echo_of_our_message_was_lost(tmp_path: Path) -> None:
    # The third frame: joined, greeting, echo, verdict.
    lost = Fault(operation="ChatFrame", kind=FaultKind.FRAME_LOST, nth=3, per_customer=True)
    with world(tmp_path, faults=[lost]) as here:
        here.plan(customers(3))
        here.run()

        assert here.local.injected["ChatFrame", FaultKind.FRAME_LOST] == 3
        assert replied(here)[:2] == (3, [True] * 3)


# --- what the ledger holds ---


def stored_messages(ledger: Ledger) -> list[Any]:
    with closing(sqlite3.connect(ledger.url.removeprefix("sqlite:///"))) as database:
        return [json.loads(row[0]) for row in database.execute("SELECT messages FROM contacts")]


def test_texts_are_stored_as_ever_and_conditions_beside_them(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        nine = Utterance(text="{{ score }}", after=After(pattern="0 to 10"))
        here.conversation = Conversation(messages=("Hi", nine))
        here.plan(customers(1))

        stored = {"text": "9", "after": {"pattern": "0 to 10"}, "otherwise": "say"}
        assert stored_messages(here.ledger) == [["Hi", stored]]


def test_planning_a_message_with_a_condition_again_changes_nothing(tmp_path: Path) -> None:
    with world(tmp_path, flow="agent") as here:
        here.conversation = Conversation(messages=(TO_THE_AGENT,), max_replies=1, settle_seconds=0)
        here.plan(customers(2))
        planned = stored_messages(here.ledger)
        again = here.plan(customers(2))
        here.run()
        after = here.plan(customers(2))

        assert (again.added, again.known, after.request_changed) == (0, 2, 0)
        assert stored_messages(here.ledger) == planned


def test_a_changed_condition_of_who_waits_is_taken_over(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.conversation = Conversation(messages=(TO_THE_AGENT,))
        here.plan(customers(1))
        strict = TO_THE_AGENT.model_copy(update={"otherwise": "end"})
        here.conversation = Conversation(messages=(strict,))
        here.plan(customers(1))

        assert stored_messages(here.ledger)[0][0]["otherwise"] == "end"


def test_a_plan_of_an_earlier_version_is_the_same_plan(tmp_path: Path) -> None:
    """Its texts stand there as they always did, so nobody's request counts as changed."""
    file = Path(__file__).parents[1] / "data" / "ledger_of_26fc872.db"
    shutil.copy(file, tmp_path / "ledger.db")
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        written = database.execute("SELECT customer_id, messages FROM contacts").fetchall()
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        known = ledger.known(CAMPAIGN, [customer_id for customer_id, _ in written])

        assert {name: list(found.messages) for name, found in known.items()} == {
            name: json.loads(messages) for name, messages in written
        }


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
# What was said in which second, and which of it answered our side.
TRANSCRIPTS = {
    "greeted": ("bot 1", None),
    "said": ("bot 1, ours 3", None),
    "answered": ("bot 1, ours 3, bot 5, bot 7", 5),
    "opened": ("ours 1, bot 2", 2),
    "joined": ("ours-event 1, bot 2", None),
    "unnamed": ("ours 1, nobody 4", 4),
    "file": ("bot 1, ours-file 2, bot-file 3", 3),
}
ROLES = {"bot": "SYSTEM", "ours": "CUSTOMER", "nobody": None}


def transcript(told: str) -> list[Item]:
    parts = [part.split() for part in told.split(", ")]
    kinds = {"": "MESSAGE", "event": "EVENT", "file": "ATTACHMENT"}
    return [
        Item(
            message_id=f"{who} at {second}",
            absolute_time=NOON + timedelta(seconds=int(second)),
            type=kinds[who.partition("-")[2]],
            participant_role=ROLES[who.partition("-")[0]],
        )
        for who, second in parts
    ]


def planned(customer_id: str) -> Planned:
    return Planned(
        customer_id=customer_id,
        customer_key=customer_id,
        generation=1,
        client_token=f"token of {customer_id}",
        request="{}",
        fingerprint="f",
        messages=(),
    )


LATER_COLUMNS = {
    "ledger": ("hash_key",),
    "campaigns": ("mode", "base_url", "policy", "limits_group", "ramp_step", "looked_for"),
    "contacts": (
        *("transcript_complete", "items_skipped", "handed_over_at"),
        *("not_before", "time_zone", "variant", "endpoint"),
    ),
}


def as_version_4(ledger: Ledger, url: str) -> None:
    """As that version left it: every chat in which anything was said has a first reply."""
    ledger.open_campaign(CAMPAIGN, "i-1", now=NOON)
    ledger.plan(CAMPAIGN, [planned(name) for name in [*TRANSCRIPTS, "forgotten"]], now=NOON)
    terms = ClaimTerms(lease=timedelta(minutes=1), token_validity=timedelta(hours=24))
    for contact in ledger.claim(CAMPAIGN, "w", most=100, now=NOON, terms=terms):
        sent = contact.advance(Status.STARTING, sent_at=NOON)
        name = f"chat of {contact.customer_id}"
        made = sent.advance(Status.STARTED, contact_id=name, first_reply_at=NOON)
        changes: list[Change] = [Progress(sent, Status.PLANNED), Progress(made, Status.STARTING)]
        told = TRANSCRIPTS.get(contact.customer_id)
        ledger.apply("w", [*changes, Heard(made, transcript(told[0]) if told else [])])
    engine = make_engine(url)
    with engine.begin() as connection:
        for table in ("contacts", "refusals"):
            for when in ("new", "gone", "changed"):
                on = f" ON {table}" if engine.dialect.name == "postgresql" else ""
                connection.exec_driver_sql(f"DROP TRIGGER tally_{table}_{when}{on}")
        tallies = ("tallies", "tally_changes")
        for later in ("invitations", "collected", "suppressions", "decisions", *tallies):
            connection.exec_driver_sql(f"DROP TABLE {later}")
        for index in ("contacts_by_status", "contacts_by_table", "contacts_by_endpoint"):
            connection.exec_driver_sql(f"DROP INDEX {index}")
        for table, columns in LATER_COLUMNS.items():
            for column in columns:
                connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
        # Forgetting takes away what the ledger had of the chat.
        forgotten = "SET contact_id = NULL WHERE customer_id = 'forgotten'"
        connection.exec_driver_sql(f"UPDATE contacts {forgotten}")
        connection.exec_driver_sql("UPDATE ledger SET schema_version = 4")
    engine.dispose()


def test_in_a_ledger_of_an_earlier_version_greetings_are_no_replies_any_more(
    ledger_url: str,
) -> None:
    with Ledger(ledger_url) as ledger:
        as_version_4(ledger, ledger_url)
    with Ledger(ledger_url) as ledger:
        found = {
            row["customer_id"]: row["first_reply_at"] for row in ledger.contact_records(CAMPAIGN)
        }
        counted = ledger.counts(CAMPAIGN)["replied"]

    answers = {
        name: None if second is None else NOON + timedelta(seconds=second)
        for name, (_, second) in TRANSCRIPTS.items()
    }
    assert {name: found[name] for name in TRANSCRIPTS} == answers
    # Of who was forgotten nothing is left to find it out from: it stays as it was counted.
    assert counted == sum(at is not None for at in answers.values()) + 1
