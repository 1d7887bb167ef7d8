"""What came of a campaign, as tables and files, read piece by piece from a ledger of each kind."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from connect_tasks.aws.transcript import Item
from connect_tasks.campaign.planning import Plan
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.row_check import Intake
from connect_tasks.chat.dialogue import EndReason
from connect_tasks.errors import InputError
from connect_tasks.ledger.changes import Heard, Planned, Progress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import Refusal, Status
from connect_tasks.ledger.store import Ledger
from tests.functional.fake_s3 import fake_s3

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
TERMS = ClaimTerms(lease=timedelta(seconds=30), token_validity=timedelta(hours=24))
CAMPAIGN = "renewals"


def planned(customer_id: str, generation: int = 1) -> Planned:
    return Planned(
        customer_id=customer_id,
        customer_key=customer_id,
        generation=generation,
        client_token=f"token-{customer_id}-{generation}",
        request="{}",
        fingerprint="f",
        messages=(),
    )


def refusal(position: int, reason: str = "'display_name' is empty") -> Refusal:
    return Refusal(
        position=position,
        customer_id=f"refused-{position}",
        status=Status.REJECTED,
        error_code="InvalidRow",
        error_message=reason,
    )


def item(name: str, second: int, content: str | None) -> Item:
    return Item(
        message_id=name,
        absolute_time=NOW + timedelta(seconds=second, microseconds=250_000),
        type="MESSAGE" if content else "EVENT",
        content_type="text/plain",
        content=content,
        participant_role="CUSTOMER",
        participant_id="p-1",
        display_name=None,
    )


def plan(customer_ids: list[str | None], index: Any = None) -> Plan:
    """A plan as `plan_campaign` makes it of a table with these customers."""
    refused = customer_ids.count(None)
    intake = Intake(
        rows=len(customer_ids),
        valid=len(customer_ids) - refused,
        rejected=refused,
        duplicate=0,
        contacted=0,
        opened=0,
        said=0,
        reasons={},
        more_reasons=0,
        samples=(),
    )
    return Plan(
        campaign=CAMPAIGN,
        customer_ids=customer_ids,
        added=intake.valid,
        known=0,
        request_changed=0,
        rejected=refused,
        duplicate=0,
        intake=intake,
        index=index,
    )


def answer(ledger: Ledger, customer_id: str, *items: Item) -> None:
    """Have a chat with a customer who is planned."""
    contacts = ledger.claim(CAMPAIGN, "w", most=10, now=NOW, terms=TERMS)
    (contact,) = (each for each in contacts if each.customer_id == customer_id)
    steps: list[tuple[Status, dict[str, Any]]] = [
        (Status.STARTING, {"sent_at": NOW}),
        (Status.STARTED, {"contact_id": f"chat-{customer_id}", "started_at": NOW}),
        (Status.CONNECTED, {"connected_at": NOW}),
        (Status.COMPLETED, {"end_reason": EndReason.REPLIED, "ended_at": NOW}),
    ]
    for status, changes in steps:
        after = contact.advance(status, **changes)
        ledger.apply("w", [Progress(after, contact.status)])
        contact = after
    ledger.apply("w", [Heard(contact, items)])
    ledger.release(CAMPAIGN, "w")


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """A ledger with two contacts, of which the second has answered, and a refused row."""
    with Ledger(ledger_url) as opened:
        opened.open_campaign(CAMPAIGN, "i-1", now=NOW)
        opened.plan(CAMPAIGN, [planned("0001"), planned("0002")], now=NOW)
        answer(opened, "0002", item("m-1", 1, "Yes"), item("m-2", 2, None), item("m-3", 3, "8"))
        opened.replace_refusals(CAMPAIGN, [refusal(1)])
        yield opened


def rows(table: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """Some columns, row by row; None for what is missing."""
    return list(
        table[list(columns)]
        .astype(object)
        .where(table[list(columns)].notna(), None)
        .itertuples(index=False, name=None)
    )


def test_there_is_one_row_for_each_row_of_the_table_in_its_order(ledger: Ledger) -> None:
    of_rows = plan(["0002", None, "0001"], index=pd.Index(["a", "b", "c"]))
    contacts = CampaignResult(CAMPAIGN, ledger.url, of_rows).contacts

    assert list(contacts.index) == ["a", "b", "c"]
    assert rows(contacts, "campaign", "customer_id", "status", "contact_id", "error_message") == [
        (CAMPAIGN, "0002", "completed", "chat-0002", None),
        (CAMPAIGN, "refused-1", "rejected", None, "'display_name' is empty"),
        (CAMPAIGN, "0001", "planned", None, None),
    ]


def test_without_a_plan_the_refused_rows_follow_the_contacts(ledger: Ledger) -> None:
    contacts = CampaignResult(CAMPAIGN, ledger.url).contacts

    assert contacts["customer_id"].tolist() == ["0001", "0002", "refused-1"]


def test_only_the_latest_contact_of_a_customer_counts(ledger: Ledger) -> None:
    ledger.plan(CAMPAIGN, [planned("0002", generation=2)], now=NOW)

    for of_rows in (None, plan(["0002", "0001"])):
        contacts = CampaignResult(CAMPAIGN, ledger.url, of_rows).contacts
        found = dict(rows(contacts.query("status != 'rejected'"), "customer_id", "generation"))
        assert found == {"0001": 1, "0002": 2}


def test_rows_that_were_refused_in_another_table_are_not_mixed_in(ledger: Ledger) -> None:
    ledger.replace_refusals(CAMPAIGN, [refusal(0, "another table"), refusal(2, "the same place")])
    contacts = CampaignResult(CAMPAIGN, ledger.url, plan([None, "0001", None, None])).contacts
    ledger.replace_refusals(CAMPAIGN, [refusal(1, "another table")])
    others = CampaignResult(CAMPAIGN, ledger.url, plan([None, "0001", None])).contacts

    assert contacts["error_message"].fillna("").tolist() == [
        "another table",
        "",
        "the same place",
        "",
    ]
    assert others["error_message"].fillna("").tolist() == ["", "", ""]


def test_a_table_of_many_pieces_keeps_its_order(ledger: Ledger) -> None:
    known = [f"c-{n:05d}" for n in range(4_500)]
    ledger.plan(CAMPAIGN, [planned(customer_id) for customer_id in known], now=NOW)
    customers = [None if n % 1_000 == 999 else name for n, name in enumerate(reversed(known))]
    positions = [n for n, customer in enumerate(customers) if customer is None]
    ledger.replace_refusals(CAMPAIGN, [refusal(position) for position in positions])
    contacts = CampaignResult(CAMPAIGN, ledger.url, plan(customers)).contacts

    assert contacts["customer_id"].tolist() == [
        customer or f"refused-{n}" for n, customer in enumerate(customers)
    ]


def test_messages_are_in_order_of_time(ledger: Ledger) -> None:
    messages = CampaignResult(CAMPAIGN, ledger.url).messages

    assert rows(messages, "customer_id", "message_id", "content") == [
        ("0002", "m-1", "Yes"),
        ("0002", "m-2", None),
        ("0002", "m-3", "8"),
    ]
    assert messages["absolute_time"][0] == pd.Timestamp("2026-11-22T09:00:01.25Z")


def test_conversations_are_who_said_what(ledger: Ledger) -> None:
    result = CampaignResult(CAMPAIGN, ledger.url)

    assert list(result.conversations()) == [[("", "Yes"), ("", "8")]]
    assert list(result.conversations(0)) == []


def test_nothing_is_read_before_it_is_asked_for_and_then_once(ledger: Ledger) -> None:
    result = CampaignResult(CAMPAIGN, ledger.url)
    ledger.plan(CAMPAIGN, [planned("0003")], now=NOW)
    before = result.contacts
    ledger.plan(CAMPAIGN, [planned("0004")], now=NOW)

    assert "0003" in before["customer_id"].tolist()
    assert result.contacts is before


def test_parquet_files_are_the_tables(ledger: Ledger, tmp_path: Path) -> None:
    result = CampaignResult(CAMPAIGN, ledger.url, plan(["0002", None, "0001"], index=[7, 8, 9]))
    folder = tmp_path / "new" / "out"
    result.to_parquet(folder)

    assert sorted(path.name for path in folder.iterdir()) == [
        "attributes.parquet",
        "contacts.parquet",
        "decisions.parquet",
        "messages.parquet",
        "replies.parquet",
    ]
    written = {path.stem: pd.read_parquet(path) for path in folder.iterdir()}
    expected = {
        "contacts": result.contacts.reset_index(drop=True),
        "messages": result.messages,
        "replies": result.replies,
        "attributes": result.attributes,
        "decisions": result.decisions,
    }
    for name, table in expected.items():
        assert written[name].dtypes.astype(str).equals(table.dtypes.astype(str))
        pd.testing.assert_frame_equal(written[name], table, check_dtype=False)


def test_files_of_an_earlier_call_are_replaced(ledger: Ledger, tmp_path: Path) -> None:
    result = CampaignResult(CAMPAIGN, ledger.url)
    for write in (result.to_parquet, result.save):
        write(tmp_path / "out")
    ledger.plan(CAMPAIGN, [planned("0003")], now=NOW)
    for write in (result.to_parquet, result.save):
        write(tmp_path / "out")

    from_csv = pd.read_csv(tmp_path / "out" / "contacts.csv", dtype="string")
    from_parquet = pd.read_parquet(tmp_path / "out" / "contacts.parquet")
    expected = ["0001", "0002", "0003", "refused-1"]
    assert from_csv["customer_id"].tolist() == from_parquet["customer_id"].tolist() == expected


def test_saved_files_are_the_tables_and_the_report(ledger: Ledger, tmp_path: Path) -> None:
    result = CampaignResult(CAMPAIGN, ledger.url, plan(["0002", None, "0001"]))
    result.save(tmp_path / "out", neutralise=False)

    found = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "out").iterdir()}
    assert found == {
        "contacts.csv": result.contacts.to_csv(index=False),
        "messages.csv": result.messages.to_csv(index=False),
        "replies.csv": result.replies.to_csv(index=False),
        "attributes.csv": result.attributes.to_csv(index=False),
        "decisions.csv": result.decisions.to_csv(index=False),
        "report.html": result.report(),
    }
    assert "Yes" in found["report.html"]
    assert "&#39;display_name&#39; is empty" in found["report.html"]


def test_a_file_that_cannot_be_completed_leaves_the_earlier_one(
    ledger: Ledger, tmp_path: Path
) -> None:
    result = CampaignResult(CAMPAIGN, ledger.url)
    result.to_parquet(tmp_path / "out")
    result.save(tmp_path / "out", neutralise=False)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    of_another_ledger = CampaignResult(CAMPAIGN, ledger.url, plan(["0001", "9999"]))
    for write in (of_another_ledger.to_parquet, of_another_ledger.save):
        with pytest.raises(InputError, match="not have all customers of the table"):
            write(tmp_path / "out")

    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


@pytest.mark.parametrize("neutralise", [True, False])
def test_files_for_s3_are_those_of_a_folder(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, neutralise: bool
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    result = CampaignResult(CAMPAIGN, ledger.url)
    with fake_s3() as (address, stored):
        result.save(
            f"s3://bucket/out?endpoint_override={address}&scheme=http&region=us-east-1",
            neutralise=neutralise,
        )
    result.save(tmp_path / "out", neutralise=neutralise)

    here = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert {path.removeprefix("/bucket/out/"): body for path, body in stored.items()} == here


def test_nothing_is_written_to_a_uri_of_another_kind() -> None:
    result = CampaignResult(CAMPAIGN, "sqlite:///nowhere")

    for write in (result.to_parquet, result.save):
        with pytest.raises(InputError, match=r"written to https://example\.org/out: give a folder"):
            write("https://ada:secret@example.org/out?signature=secret")


def test_a_store_that_refuses_the_files_is_named_without_what_is_secret(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger(url) as ledger:
        ledger.open_campaign(CAMPAIGN, "i-1", now=datetime.now(UTC))
    empty = CampaignResult(CAMPAIGN, url)
    nowhere = "s3://bucket/out?endpoint_override=127.0.0.1:1&scheme=http&region=us-east-1"
    with pytest.raises(InputError, match="cannot be written to s3://bucket/out: ") as caught:
        empty.save(nowhere)

    assert "endpoint_override" not in str(caught.value)


@pytest.mark.parametrize(
    "ids",
    [
        pd.Series([2, 1, 9], dtype="int64"),
        pd.Series([2.0, 1.0, None]),
        pd.Series([" 2", "1\u200b", "9"]),
        pd.Series(["2", "1", "9"], dtype="category"),
    ],
    ids=["integers", "floats", "texts", "categories"],
)
def test_ones_own_table_is_joined_by_id_and_keeps_its_dtypes(
    ledger: Ledger, ids: "pd.Series[Any]"
) -> None:
    ledger.plan(CAMPAIGN, [planned("1"), planned("2")], now=NOW)
    mine = pd.DataFrame({"account": ids, "status": ["vip", "new", "new"]}).set_axis([7, 5, 3])

    joined = CampaignResult(CAMPAIGN, ledger.url).join(mine, on="account")

    assert list(joined.index) == [7, 5, 3]
    assert joined["account"].dtype == ids.dtype
    assert list(joined["status"]) == ["vip", "new", "new"]
    assert list(joined["status_contact"].fillna("nobody")) == ["planned", "planned", "nobody"]
    assert list(joined["client_token"][:2]) == ["token-2-1", "token-1-1"]
    assert str(joined.dtypes["planned_at"]) == "datetime64[us, UTC]"
    assert joined["generation"].dtype == "Int64"


def test_of_a_customer_with_a_refused_row_too_the_contact_is_joined(ledger: Ledger) -> None:
    ledger.plan(CAMPAIGN, [planned("1")], now=NOW)
    repeated = replace(refusal(0), customer_id="1", status=Status.DUPLICATE)
    ledger.replace_refusals(CAMPAIGN, [repeated])
    mine = pd.DataFrame({"n": [1]}, index=pd.Index([1], name="customer_id"))

    assert list(CampaignResult(CAMPAIGN, ledger.url).join(mine)["status"]) == ["planned"]


def test_a_table_without_the_id_is_told_which_columns_it_has(ledger: Ledger) -> None:
    with pytest.raises(InputError, match=r"no column 'customer_id'\. .* has 'account'"):
        CampaignResult(CAMPAIGN, ledger.url).join(pd.DataFrame({"account": [1]}))
