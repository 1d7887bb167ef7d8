import datetime as dt
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from connect_tasks.ledger.contact import Status
from connect_tasks.tables.layouts import (
    CONTACTS,
    DECISIONS,
    INVITATIONS,
    MESSAGES,
    REPLIES,
    attributes_layout,
)

TIME, TEXT, COUNT = "datetime64[us, UTC]", "string", "Int64"
CONTACT_DTYPES = {
    **dict.fromkeys(["campaign", "customer_id", "status", "end_reason", "contact_id"], TEXT),
    **dict.fromkeys(["participant_id", "client_token"], TEXT),
    **dict.fromkeys(["generation", "attempts"], COUNT),
    **dict.fromkeys(["error_code", "error_message", "request_id"], TEXT),
    **dict.fromkeys(
        ["planned_at", "started_at", "connected_at", "first_reply_at", "ended_at"], TIME
    ),
    "transcript_complete": "boolean",
    "items_skipped": COUNT,
    "handed_over_at": TIME,
    "disconnect_reason": TEXT,
    "messages_sent": COUNT,
    "not_before": TIME,
    **dict.fromkeys(["time_zone", "variant"], TEXT),
}
MESSAGE_DTYPES = {
    **dict.fromkeys(["customer_id", "contact_id", "message_id"], TEXT),
    "absolute_time": TIME,
    **dict.fromkeys(["participant_role", "participant_id", "display_name", "type"], TEXT),
    **dict.fromkeys(["content_type", "content"], TEXT),
}
REPLY_DTYPES = {
    **dict.fromkeys(["customer_id", "contact_id"], TEXT),
    "number": COUNT,
    "question": TEXT,
    "asked_at": TIME,
    **dict.fromkeys(["asked_by", "answer"], TEXT),
    "answered_at": TIME,
    "seconds_to_answer": "Float64",
    "possible_opt_out": "boolean",
}
INVITATION_DTYPES = {
    **dict.fromkeys(["customer_id", "url"], TEXT),
    **dict.fromkeys(
        ["issued_at", "not_before", "not_after", "expires_at", "revoked_at", "opened_at"], TIME
    ),
    "opens": COUNT,
    **dict.fromkeys(["contact_id", "status"], TEXT),
}
DECISION_DTYPES = {
    **dict.fromkeys(["campaign", "customer_id"], TEXT),
    "decided_at": TIME,
    **dict.fromkeys(["moment", "decision", "rule", "value"], TEXT),
    "until": TIME,
    **dict.fromkeys(["reasons", "policy"], TEXT),
}
ATTRIBUTE_DTYPES = dict.fromkeys(["customer_id", "contact_id", "plan", "score"], TEXT)


@pytest.mark.parametrize("records", [[], [{}], [{"customer_id": "1"}, {"attempts": 2}]])
def test_the_tables_always_have_the_documented_columns(records: list[dict[str, Any]]) -> None:
    layouts = {
        CONTACTS: CONTACT_DTYPES,
        MESSAGES: MESSAGE_DTYPES,
        REPLIES: REPLY_DTYPES,
        INVITATIONS: INVITATION_DTYPES,
        DECISIONS: DECISION_DTYPES,
        attributes_layout(["plan", "score"]): ATTRIBUTE_DTYPES,
    }
    for layout, dtypes in layouts.items():
        table = layout.frame(records)

        assert list(table.dtypes.astype(str).items()) == list(dtypes.items())
        assert len(table) == len(records)


def test_what_a_record_lacks_is_missing() -> None:
    assert set(CONTACTS.frame([{}]).isna().iloc[0]) == {True}


def test_a_contacts_values_are_kept() -> None:
    planned = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
    berlin = dt.timezone(dt.timedelta(hours=1))
    table = CONTACTS.frame(
        [
            {"customer_id": "007", "attempts": 2, "planned_at": planned, "surplus": 1},
            {"planned_at": planned.astimezone(berlin), "started_at": planned},
        ],
        index=pd.Index(["x", "y"]),
    )

    assert list(table.index) == ["x", "y"]
    assert list(table.loc["x", ["customer_id", "attempts"]]) == ["007", 2]
    assert list(table["planned_at"]) == [planned, planned]
    assert list(table["started_at"].isna()) == [True, False]


def test_an_index_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="Length"):
        CONTACTS.frame([{}], index=[1, 2])


def many(count: int) -> Iterator[dict[str, Any]]:
    """Records that are made only when they are asked for."""
    moment = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    for n in range(count):
        yield {
            "customer_id": f"{n:05d}",
            "status": Status.COMPLETED if n % 2 else "failed",
            "attempts": n,
            "error_message": None if n % 3 else f'"Grüße", {n}\n',
            "ended_at": moment + dt.timedelta(microseconds=n) if n % 5 else None,
        }


def test_a_table_of_many_pieces_is_in_order_and_complete() -> None:
    table = CONTACTS.frame(many(25_000), index=range(1, 25_001))

    assert table["attempts"].tolist() == list(range(25_000))
    assert list(table.loc[24_999, ["customer_id", "status"]]) == ["24998", "failed"]
    assert list(table.dtypes.astype(str).items()) == list(CONTACT_DTYPES.items())


@pytest.mark.parametrize("count", [0, 3, 25_000])
def test_a_parquet_file_is_the_same_table(tmp_path: Path, count: int) -> None:
    CONTACTS.write_parquet(many(count), tmp_path / "c.parquet")
    found = pd.read_parquet(tmp_path / "c.parquet")

    # Which kind of `string` pandas reads is up to its version.
    pd.testing.assert_frame_equal(found, CONTACTS.frame(many(count)), check_dtype=False)
    assert list(found.dtypes.astype(str).items()) == list(CONTACT_DTYPES.items())


@pytest.mark.parametrize("count", [0, 3, 25_000])
def test_a_csv_file_is_what_pandas_makes_of_the_table(tmp_path: Path, count: int) -> None:
    CONTACTS.write_csv(many(count), tmp_path / "c.csv", neutralise=False)
    CONTACTS.frame(many(count)).to_csv(tmp_path / "whole.csv", index=False)

    assert (tmp_path / "c.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


class _Text(str):
    """Text that can be counted while it is alive."""

    __slots__ = ("__weakref__",)


def test_values_are_not_kept_as_objects_while_a_table_is_made() -> None:
    alive: weakref.WeakSet[_Text] = weakref.WeakSet()
    most = 0

    def records() -> Iterator[dict[str, Any]]:
        nonlocal most
        for n in range(60_000):
            alive.add(text := _Text(n))
            most = max(most, len(alive))
            yield {"customer_id": text}

    assert MESSAGES.frame(records())["customer_id"].iloc[-1] == "59999"
    assert most <= 30_000
