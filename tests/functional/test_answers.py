"""What people answered, as tables, files and a report, from a ledger of each kind.

The rows of what Amazon told (`collected`) and of links (`invitations`) are put into the ledger as
they stand in its schema.
"""

import json
import logging
import pickle
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from connect_tasks.campaign.links import KEYS_VARIABLE, InvitationKeys, token_hash
from connect_tasks.campaign.result_tables import ResultTables
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.errors import InputError
from connect_tasks.ledger import forget
from connect_tasks.ledger.changes import Planned
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.schema import campaigns, collected, contacts, invitations, items
from connect_tasks.ledger.store import Ledger

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
CAMPAIGN = "feedback"
KEYS = secrets.token_urlsafe(32)
BASE_URL = "https://chat.example.org"
EXPIRY = datetime(2100, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class People:
    """A campaign whose chats people hold."""

    def __init__(self, url: str, mode: CampaignMode) -> None:
        self.url = url
        self._engine = sa.create_engine(url)
        self.ledger = Ledger(url)
        self.ledger.open_campaign(CAMPAIGN, "i-1", now=NOW, mode=mode)

    def close(self) -> None:
        self._engine.dispose()
        self.ledger.close()

    def write(self, *statements: sa.Executable) -> None:
        with self._engine.begin() as connection:
            for statement in statements:
                connection.execute(statement)

    def plan(self, *customers: str, generation: int = 1, **sent: str) -> None:
        rows = [
            Planned(
                customer_id=name,
                customer_key=name.strip(),
                generation=generation,
                client_token=f"token-{name}-{generation}",
                request=json.dumps({"Attributes": sent}),
                fingerprint="f",
                messages=(),
            )
            for name in customers
        ]
        self.ledger.plan(CAMPAIGN, rows, now=NOW)

    def chat(self, customer: str, status: str = "completed", **changes: Any) -> None:
        """What became of a customer's latest contact."""
        started = {"contact_id": f"chat-{customer.strip()}", "started_at": NOW, "status": status}
        ended = {"end_reason": "chat_ended", "ended_at": at(60)} if status == "completed" else {}
        joined = {} if status == "started" else {"connected_at": at(1)}
        latest = sa.select(sa.func.max(contacts.c.id)).where(contacts.c.customer_id == customer)
        values = {**started, **ended, **joined, **changes}
        update = sa.update(contacts).where(contacts.c.id == latest.scalar_subquery())
        self.write(update.values(values))

    def collect(self, contact_id: str, of: str | None = None, **told: Any) -> None:
        row = {
            "campaign": CAMPAIGN,
            "contact_id": contact_id,
            "initial_contact_id": of or contact_id,
            "described_at": NOW,
            "transcript": "stored",
            "ended_at": at(60),
            **told,
        }
        self.write(sa.insert(collected).values(row))

    def hear(
        self, contact_id: str, customer: str, *said: tuple[str, str], begin: float = 2
    ) -> None:
        rows = [
            {
                "campaign": CAMPAIGN,
                "contact_id": contact_id,
                "message_id": f"{contact_id}-{begin + number:05}",
                "customer_id": customer,
                "absolute_time": at(begin + number),
                "participant_role": role,
                "display_name": "Ada" if role == "CUSTOMER" else "BOT",
                "type": "EVENT" if role == "EVENT" else "MESSAGE",
                "content_type": "text/plain",
                "content": text,
            }
            for number, (role, text) in enumerate(said)
        ]
        self.write(sa.insert(items).values(rows))

    def invite(self, *customers: str, keys: str = KEYS, **changes: Any) -> None:
        made = InvitationKeys(keys)
        rows = [
            {
                "token_hash": token_hash(made.token(CAMPAIGN, name)),
                "campaign": CAMPAIGN,
                "customer_id": name,
                "customer_key": name.strip(),
                "key_id": made.signing_id,
                "issued_at": NOW,
                "expires_at": EXPIRY,
                "opens": 0,
                **changes,
            }
            for name in customers
        ]
        self.write(
            sa.insert(invitations).values(rows), sa.update(campaigns).values(base_url=BASE_URL)
        )

    def open(self, *customers: str) -> None:
        keys = [name.strip() for name in customers]
        update = sa.update(invitations).where(invitations.c.customer_key.in_(keys))
        self.write(update.values(opened_at=at(1), opens=1))

    @property
    def result(self) -> CampaignResult:
        return CampaignResult(CAMPAIGN, self.url)


@pytest.fixture
def people(ledger_url: str) -> Iterator[People]:
    people = People(ledger_url, CampaignMode.INVITATION)
    yield people
    people.close()


@pytest.fixture
def handed(ledger_url: str) -> Iterator[People]:
    people = People(ledger_url, CampaignMode.HAND_OVER)
    yield people
    people.close()


@pytest.fixture(name="keys")
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEYS_VARIABLE, KEYS)


def rows(table: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    chosen = table[list(columns)]
    found = chosen.astype(object).where(chosen.notna(), None)
    return list(found.itertuples(index=False, name=None))


BOT, ADA = "SYSTEM", "CUSTOMER"


# --- replies ---


def test_replies_are_numbered_over_a_customers_contacts_their_own_first(people: People) -> None:
    people.plan("0002", "0001")
    people.chat("0001")
    people.chat("0002")
    # What followed began later and stands after, whatever its id is.
    people.collect("a-survey", of="chat-0002", disconnect_reason="CONTACT_FLOW_DISCONNECT")
    people.collect("chat-0002", disconnect_reason="CUSTOMER_DISCONNECT", started_at=NOW)
    people.hear("a-survey", "0002", (BOT, "Solved?"), (ADA, "yes"), (BOT, "Bye"), begin=90)
    people.hear("chat-0002", "0002", (BOT, "Score?"), (ADA, "9"), (BOT, "Why?"))
    people.hear("chat-0001", "0001", (ADA, "Hi"), (BOT, "Score?"), ("EVENT", "left"))

    assert rows(
        people.result.replies, "customer_id", "contact_id", "number", "question", "answer"
    ) == [
        ("0002", "chat-0002", 1, "Score?", "9"),
        ("0002", "chat-0002", 2, "Why?", None),
        ("0002", "a-survey", 3, "Solved?", "yes"),
        ("0001", "chat-0001", 1, None, "Hi"),
    ]


def test_a_customers_generations_stand_together_and_are_counted_on(people: People) -> None:
    people.plan("0001", "0002")
    people.chat("0001", contact_id="first", error_code="CUSTOMER_CONNECTION_NOT_ESTABLISHED")
    people.chat("0002")
    people.plan("0001", generation=2)
    people.chat("0001", contact_id="second")
    people.hear("first", "0001", (BOT, "Anybody?"), (ADA, "Yes"))
    people.hear("chat-0002", "0002", (BOT, "Score?"), (ADA, "7"))
    people.hear("second", "0001", (BOT, "Score?"), (ADA, "9"))

    assert rows(people.result.replies, "customer_id", "number", "answer") == [
        ("0001", 1, "Yes"),
        ("0001", 2, "9"),
        ("0002", 1, "7"),
    ]


def test_what_followed_stands_after_the_own_contact_whatever_its_clock_says(people: People) -> None:
    people.plan("0001")
    people.chat("0001", started_at=at(100))
    people.collect("a-survey", of="chat-0001", started_at=NOW, ended_at=at(9))
    people.hear("a-survey", "0001", (BOT, "Solved?"), (ADA, "yes"), (BOT, "Bye"))
    people.hear("chat-0001", "0001", (BOT, "Score?"), (ADA, "9"))

    # It ended, and neither the customer nor time is named for it: what was said last is a farewell.
    assert rows(people.result.replies, "number", "question") == [(1, "Score?"), (2, "Solved?")]


def test_what_followed_and_goes_on_waits_for_an_answer(people: People) -> None:
    people.plan("0001")
    people.chat("0001")
    people.collect("a-survey", of="chat-0001", started_at=NOW, ended_at=None)
    people.hear("a-survey", "0001", (BOT, "Solved?"))

    assert rows(people.result.replies, "question", "answer") == [("Solved?", None)]


def test_attributes_are_those_of_the_generation_that_was_started_last(people: People) -> None:
    people.plan("0001", plan="gold")
    people.chat("0001", contact_id="first")
    people.plan("0001", generation=2, plan="tin")
    people.chat("0001", contact_id="second")

    assert rows(people.result.attributes, "contact_id", "plan") == [("second", "tin")]


@pytest.mark.usefixtures("keys")
def test_a_forgotten_customer_has_no_reply_no_attribute_and_no_link(people: People) -> None:
    people.plan("0001", "0002", plan="gold")
    people.invite("0001", "0002")
    for name in ("0001", "0002"):
        people.chat(name)
        people.collect(f"chat-{name}", attributes={"score": "9"})
        people.hear(f"chat-{name}", name, (BOT, "Score?"), (ADA, "9"))
    forget("0001", people.url)
    result = people.result

    assert result.replies["customer_id"].tolist() == ["0002"]
    assert result.attributes["customer_id"].tolist() == ["0002"]
    assert "0001" not in result.invitations["customer_id"].tolist()
    assert result.invitations["url"].notna().sum() == 1


def test_replies_of_a_simulation_are_the_tables(ledger_url: str) -> None:
    simulated = People(ledger_url, CampaignMode.SIMULATION)
    simulated.plan("0001", "0002")
    simulated.chat("0001")
    simulated.chat("0002", end_reason="silent")
    for name in ("0001", "0002"):
        simulated.hear(f"chat-{name}", name, (BOT, "Score?"), (ADA, "9"), (BOT, "Thanks"))

    # Who closed the chat makes a farewell of the last word, or not.
    assert rows(simulated.result.replies, "customer_id", "question", "answer") == [
        ("0001", "Score?", "9"),
        ("0002", "Score?", "9"),
        ("0002", "Thanks", None),
    ]
    simulated.close()


@pytest.mark.usefixtures("keys")
def test_tables_of_nobody_have_their_columns(people: People) -> None:
    result = people.result

    assert result.replies.dtypes.astype(str)["seconds_to_answer"] == "Float64"
    assert list(result.attributes.columns) == ["customer_id", "contact_id"]
    assert result.invitations.dtypes.astype(str)["opens"] == "Int64"
    assert [len(t) for t in (result.replies, result.attributes, result.invitations)] == [0, 0, 0]


# --- attributes ---


def test_attributes_are_what_amazon_told_last_and_else_what_was_sent(people: People) -> None:
    people.plan("0001", "0002", "0003", plan="gold")
    people.chat("0001")
    people.chat("0002")
    people.collect("chat-0001", attributes={"plan": "gold", "score": "9"})
    people.collect("next", of="chat-0001", attributes={"solved": "yes", "score": "8"})
    people.collect("chat-0002", attributes=None)
    table = people.result.attributes

    assert list(table.columns) == ["customer_id", "contact_id", "plan", "score", "solved"]
    assert set(table.dtypes.astype(str)) == {"string"}
    assert rows(table, *table.columns) == [
        ("0001", "chat-0001", "gold", "8", "yes"),
        ("0002", "chat-0002", "gold", None, None),
    ]


def test_attributes_that_are_called_like_an_id_get_another_column(people: People) -> None:
    people.plan("0001", customer_id="theirs", attribute_customer_id="x")
    people.chat("0001")
    table = people.result.attributes

    assert rows(
        table, "customer_id", "attribute_attribute_customer_id", "attribute_customer_id"
    ) == [("0001", "theirs", "x")]


def test_of_very_many_attributes_there_are_those_that_most_have(
    people: People, caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"{number:04}" for number in range(600)]
    people.plan(*names)
    for name in names:
        people.chat(name)
        people.collect(f"chat-{name}", attributes={"score": "9", f"order_{name}": "paid"})
    with caplog.at_level(logging.WARNING):
        table = people.result.attributes

    assert table.shape == (600, 502)
    assert table["score"].eq("9").all()
    assert "has 601 different attributes: the table has the 500 that most" in caplog.text


def test_the_latest_generation_that_was_started_has_the_attributes(people: People) -> None:
    people.plan("0001", plan="gold")
    people.chat("0001", contact_id="first")
    people.plan("0001", generation=2, plan="tin")

    assert rows(people.result.attributes, "contact_id", "plan") == [("first", "gold")]


# --- links ---


@pytest.mark.usefixtures("keys")
def test_links_have_their_urls_where_the_keys_are(people: People) -> None:
    people.plan("0001", "0002")
    people.invite("0001", "0002")
    people.open("0002")
    people.chat("0002")
    table = people.result.invitations
    token = InvitationKeys(KEYS).token(CAMPAIGN, "0001")

    assert table["url"][0] == f"{BASE_URL}/i/{token}"
    assert rows(table, "customer_id", "opens", "contact_id", "status") == [
        ("0001", 0, None, "planned"),
        ("0002", 1, "chat-0002", "completed"),
    ]


def test_without_the_keys_links_have_no_urls_and_that_is_said_once(
    people: People,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delenv(KEYS_VARIABLE, raising=False)
    people.plan("0001")
    people.invite("0001")
    result = people.result
    with caplog.at_level(logging.WARNING):
        assert result.invitations["url"].isna().all()
        result.save(tmp_path, invitations=True)

    assert caplog.text.count(KEYS_VARIABLE) == 1


@pytest.mark.usefixtures("keys")
def test_no_link_leaves_the_process_but_to_a_file_that_was_asked_for(
    people: People, tmp_path: Path
) -> None:
    people.plan("0001")
    people.invite("0001")
    result = people.result
    url = str(result.invitations["url"][0])
    token = url.rpartition("/")[2]
    result.save(tmp_path / "plain", formats=["csv", "parquet"])
    told = [repr(result), result._repr_html_(), result.report(), str(result.summary)]
    written = b"".join(path.read_bytes() for path in (tmp_path / "plain").iterdir())

    assert not any(secret in text for text in told for secret in (token, KEYS))
    for secret in (token.encode(), KEYS.encode()):
        assert secret not in pickle.dumps(result)
        assert secret not in written
    # Another process reads it anew, with keys of its own.
    assert pickle.loads(pickle.dumps(result)).invitations["url"][0] == url  # noqa: S301 - our own


@pytest.mark.usefixtures("keys")
def test_links_are_written_when_they_are_asked_for_and_for_their_owner_alone(
    people: People, tmp_path: Path
) -> None:
    people.plan("0001")
    people.invite("0001")
    result = people.result
    result.save(tmp_path, neutralise=False, formats=["csv", "parquet"], invitations=True)
    written = tmp_path / "invitations_all.csv"

    assert written.stat().st_mode & 0o777 == 0o600
    assert written.read_text() == result.invitations.to_csv(index=False)
    assert pd.read_parquet(tmp_path / "invitations_all.parquet")["url"][0].startswith(BASE_URL)


@pytest.mark.usefixtures("keys")
def test_a_workbook_has_the_links_as_a_sheet_when_they_are_asked_for(
    people: People, tmp_path: Path
) -> None:
    pytest.importorskip("openpyxl")
    people.plan("0001")
    people.invite("0001")
    people.result.to_excel(tmp_path / "plain.xlsx")
    people.result.to_excel(tmp_path / "all.xlsx", invitations=True)
    plain, everything = (
        pd.read_excel(tmp_path / f"{n}.xlsx", sheet_name=None) for n in ("plain", "all")
    )

    assert list(plain) == ["contacts", "messages", "replies", "attributes", "decisions"]
    assert list(everything) == [*plain, "invitations_all"]
    assert everything["invitations_all"]["url"][0].startswith(BASE_URL)


# --- beside one's own table ---


@pytest.mark.parametrize(
    "ids",
    [
        pd.Series([42, 7, 9], dtype="int64"),
        pd.Series([" 42", "7\u200b", "9"]),
        pd.Series([42.0, 7.0, None]),
    ],
    ids=["integers", "texts", "floats"],
)
def test_replies_stand_beside_ones_own_rows_once_for_each_question(
    people: People, ids: "pd.Series[Any]"
) -> None:
    people.plan("42", "7")
    people.chat("42")
    people.chat("7")
    people.hear("chat-42", "42", (BOT, "Score?"), (ADA, "9"), (BOT, "Why?"), (ADA, "So"))
    mine = pd.DataFrame({"customer_id": ids, "answer": ["a", "b", "c"]}).set_axis([7, 5, 3])
    joined = people.result.join(mine, table="replies")

    assert list(joined.index) == [7, 7, 5, 3]
    assert rows(joined, "answer", "number", "answer_reply") == [
        ("a", 1, "9"),
        ("a", 2, "So"),
        ("b", None, None),
        ("c", None, None),
    ]
    assert joined["customer_id"].dtype == mine["customer_id"].dtype
    assert joined.dtypes.astype(str)["number"] == "Int64"


@pytest.mark.usefixtures("keys")
def test_attributes_and_links_stand_beside_ones_own_rows(people: People) -> None:
    people.plan("42", plan="gold")
    people.invite("42")
    people.chat("42")
    people.collect("chat-42", attributes={"score": "9", "segment": "x", "segment_attribute": "y"})
    mine = pd.DataFrame({"account": [42, 8], "segment": ["a", "b"]})
    joined = people.result.join(mine, on="account", table="attributes")
    linked = people.result.join(mine, on="account", table="invitations")

    assert list(joined.columns) == [
        *("account", "segment", "contact_id", "plan", "score"),
        *("segment_attribute_attribute", "segment_attribute"),
    ]
    assert rows(joined, "segment", "score", "segment_attribute_attribute") == [
        ("a", "9", "x"),
        ("b", None, None),
    ]
    assert linked["url"].notna().tolist() == [True, False]


def test_a_table_that_is_not_there_is_told(people: People) -> None:
    with pytest.raises(
        InputError, match="no table 'answers' to join: give one of contacts, replies"
    ):
        people.result.join(pd.DataFrame({"customer_id": ["1"]}), table="answers")  # type: ignore[arg-type]


# --- contacts, summary, funnel ---


def test_contacts_end_with_what_amazon_told_of_them(people: People) -> None:
    people.plan("0001", "0002")
    people.chat("0001")
    people.collect("chat-0001", disconnect_reason="CUSTOMER_DISCONNECT", messages_sent=3)
    table = people.result.contacts

    told = ["disconnect_reason", "messages_sent", "not_before", "time_zone", "variant"]
    assert list(table.columns[-5:]) == told
    assert rows(table, "disconnect_reason", "messages_sent") == [
        ("CUSTOMER_DISCONNECT", 3),
        (None, None),
    ]


def invited(people: People) -> CampaignResult:
    """Six links: over, joined, opened, not opened, revoked, and of somebody who was withdrawn."""
    people.plan("1", "2", "3", "4", "5", "6")
    people.invite("1", "2", "3", "4")
    people.invite("5", revoked_at=NOW)
    people.invite("6")
    people.open("1", "2", "3")
    people.chat("1", first_reply_at=at(5))
    people.chat("2", "connected")
    people.chat("3", "started")
    failed = {"status": "failed", "error_code": "WithdrawnByPerson"}
    people.write(sa.update(contacts).where(contacts.c.customer_id == "6").values(failed))
    return people.result


def test_invitations_are_counted_from_the_link_to_the_answer(people: People) -> None:
    summary = invited(people).summary

    assert {name: summary[name] for name in ("mode", "issued", "opened", "unopened")} == {
        "mode": "invitation",
        "issued": 6,
        "opened": 3,
        "unopened": 1,
    }
    steps = ("started", "joined", "replied", "completed", "in_hands", "withdrawn")
    assert [summary[name] for name in steps] == [3, 2, 1, 1, 2, 1]
    assert summary["unopened_until"] == EXPIRY


def test_a_contact_in_peoples_hands_is_not_left_for_a_run(people: People) -> None:
    conclusion = invited(people).conclusion
    assert conclusion.name == "Waiting"
    assert conclusion.message == (
        "6 links issued, 3 opened, 2 joined, 1 replied, 1 withdrawn. "
        "1 of 6 links not opened yet, 2 chats still open; collect again."
    )


def test_handed_over_chats_are_counted_and_not_left(handed: People) -> None:
    handed.plan("1", "2", "3")
    handed.chat("1", handed_over_at=NOW, first_reply_at=at(5))
    handed.chat("2", "started", handed_over_at=NOW)
    result = handed.result

    assert result.conclusion.name == "Unfinished"
    handed.chat("3", "connected", handed_over_at=NOW)
    result = handed.result
    steps = ("started", "handed_over", "joined", "replied", "completed", "in_hands")
    assert [result.summary[name] for name in steps] == [3, 3, 2, 1, 1, 2]
    assert (result.conclusion.name, result.conclusion.message) == (
        "Waiting",
        (
            "3 of 3 rows contacted, 3 handed over, 2 joined, 1 replied. "
            "2 chats still open; collect again."
        ),
    )


def test_a_chat_that_was_not_handed_over_yet_is_nobodys(handed: People) -> None:
    handed.plan("1")
    handed.chat("1", "started")

    assert handed.result.summary["in_hands"] == 0
    assert handed.result.conclusion.name == "Unfinished"


def test_transcripts_that_are_to_come_are_told(people: People) -> None:
    people.plan("1", "2")
    people.invite("1", "2")
    people.open("1", "2")
    for name, transcript, again_at in (("1", "awaited", at(120)), ("2", "absent", None)):
        people.chat(name)
        people.collect(f"chat-{name}", transcript=transcript, look_again_at=again_at)

    assert people.result.conclusion.message.endswith("1 transcript not there yet; collect again.")


def test_what_a_result_of_invitations_shows_of_itself_is_of_them(people: People) -> None:
    shown = repr(invited(people))

    assert "issued 6, opened 3, unopened 1, started 3, joined 2" in shown
    assert "connected" not in shown


def test_what_a_result_of_hand_overs_shows_of_itself_is_of_them(handed: People) -> None:
    shown = repr(handed.result)

    assert "handed_over 0, joined 0" in shown
    assert "issued" not in shown


# --- report ---


def test_the_report_shows_what_people_were_asked_and_answered(people: People) -> None:
    people.plan("1", "2", "3")
    people.invite("1", "2", "3")
    people.open("1", "2", "3")
    for name, fruit in (("1", "Apple"), ("2", "Pear"), ("3", "Apple")):
        people.chat(name, first_reply_at=at(3))
        people.collect(f"chat-{name}", disconnect_reason="CUSTOMER_DISCONNECT")
        people.hear(f"chat-{name}", name, (BOT, "Which fruit?"), (ADA, fruit), (BOT, "Why?"))
    page = people.result.report()

    assert "3 of 3 people invited answered (100\xa0%)." in page
    for text in (
        "Which fruit?",
        "Asked 3 times, answered 3 times",
        "Apple",
        "Why?",
        "Links opened",
    ):
        assert text in page
    assert "The customer left" in page
    assert "What the table said" not in page


@pytest.mark.usefixtures("keys")
def test_tables_are_read_once_and_lazily(people: People) -> None:
    people.plan("1")
    people.invite("1")
    people.chat("1")
    result = people.result
    people.hear("chat-1", "1", (BOT, "Score?"), (ADA, "9"))
    first = result.replies, result.attributes, result.invitations
    people.hear("chat-1", "1", (BOT, "Why?"), begin=50)

    again = result.replies, result.attributes, result.invitations
    assert len(first[0]) == 1
    assert all(one is other for one, other in zip(first, again, strict=True))


def test_records_can_be_gone_through_again(people: People) -> None:
    people.plan("1")
    people.chat("1")
    people.hear("chat-1", "1", (BOT, "Score?"), (ADA, "9"))
    tables = ResultTables(CAMPAIGN, lambda: Ledger(people.url))

    assert list(tables.replies.records) == list(tables.replies.records) != []
    attributes = tables.attributes()
    assert list(attributes.records) == list(attributes.records) != []
