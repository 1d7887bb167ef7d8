"""`suppress`, `unsuppress` and `suppressed` over tables, files and ids, as a person calls them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from connect_tasks.campaign.suppression import suppress, suppressed, unsuppress
from connect_tasks.errors import InputError
from connect_tasks.ledger import Ledger, forget

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
DAY = timedelta(days=1)


class At:
    """A clock that stands still."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


@pytest.fixture(name="ledger")
def _ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger(ledger_url) as opened:
        yield opened


def listed(ledger: Ledger | str, **options: Any) -> list[dict[str, Any]]:
    rows: list[dict[Any, Any]] = suppressed(
        ledger=ledger, clock=options.pop("clock", At()), **options
    ).to_dict("records")
    return rows


def names(ledger: Ledger | str, **options: Any) -> list[str]:
    return sorted(row["customer_id"] for row in listed(ledger, **options))


def put(ledger: Ledger | str, customers: Any, **options: Any) -> int:
    return suppress(customers, ledger=ledger, clock=options.pop("clock", At()), **options)


@pytest.mark.parametrize(
    ("customers", "expected"),
    [
        ("0042", ["0042"]),
        (42, ["42"]),
        (["0042", 7, 8.0, np.int64(9)], ["0042", "7", "8", "9"]),
        ({"a", "b"}, ["a", "b"]),
        (range(2), ["0", "1"]),
        (pd.Series(["a", "b"]), ["a", "b"]),
        (pd.DataFrame({"customer_id": [1.0, 2.0]}), ["1", "2"]),
        (pd.DataFrame({"x": [1]}, index=pd.Index(["a"], name="customer_id")), ["a"]),
        ([], []),
        (pd.DataFrame({"customer_id": []}), []),
        ("urn:person:7", ["urn:person:7"]),
    ],
    # Not as they are written: a set is in another order in each process.
    ids=[
        "text",
        "number",
        "list",
        "set",
        "range",
        "series",
        "frame",
        "index",
        "none",
        "empty",
        "urn",
    ],
)
def test_customers_may_be_given_in_any_way(
    ledger: Ledger, customers: Any, expected: list[str]
) -> None:
    assert put(ledger, customers) == len(expected)
    assert names(ledger) == expected


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".csv.gz"])
def test_a_file_says_of_each_row_what_differs_from_the_arguments(
    ledger: Ledger, tmp_path: Path, suffix: str
) -> None:
    frame = pd.DataFrame(
        {
            "customer_id": ["0001", "0002", "0003"],
            "list": ["news", None, "news"],
            "reason": [None, "complaint", None],
            "source": ["t-1", None, None],
            "expires_at": ["2026-12-24", None, "2026-12-24T18:00+01:00"],
            "name": ["Ada", "Bo", "Cleo"],
        }
    )
    path = tmp_path / f"optouts{suffix}"
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_csv(path, index=False)
    put(ledger, str(path), list="marketing", reason="import", source="crm", expires_after=30 * DAY)

    christmas = datetime(2026, 12, 24, tzinfo=UTC)
    found = {row["customer_id"]: tuple(row.values())[1:] for row in listed(ledger)}
    assert found == {
        "0001": ("news", "import", "t-1", NOW, christmas),
        "0002": ("marketing", "complaint", "crm", NOW, NOW + 30 * DAY),
        "0003": ("news", "import", "crm", NOW, christmas + timedelta(hours=17)),
    }


@pytest.mark.parametrize(
    ("cell", "until"),
    [
        ("2026-12-24", datetime(2026, 12, 24, tzinfo=UTC)),
        (" 2026-12-24 18:00 ", datetime(2026, 12, 24, 18, tzinfo=UTC)),
        ("2026-12-24T18:00:00Z", datetime(2026, 12, 24, 18, tzinfo=UTC)),
        (date(2026, 12, 24), datetime(2026, 12, 24, tzinfo=UTC)),
        (
            pd.Timestamp("2026-12-24 18:00", tz="Asia/Kolkata"),
            datetime(2026, 12, 24, 12, 30, tzinfo=UTC),
        ),
        (None, None),
        ("", None),
        (float("nan"), None),
    ],
    ids=str,
)
def test_an_end_is_a_date_or_a_time_of_any_zone(
    ledger: Ledger, cell: Any, until: datetime | None
) -> None:
    put(ledger, pd.DataFrame({"customer_id": ["a"], "expires_at": pd.Series([cell], dtype=object)}))

    (row,) = listed(ledger)
    assert (None if pd.isna(row["expires_at"]) else row["expires_at"]) == until


BAD = pd.DataFrame(
    {
        "customer_id": ["fine", None, " \u200b", "c" * 129, "d\0", "e", "f", "g", True],
        "list": [None, None, None, None, None, "no way", None, None, None],
        "reason": [None, None, None, None, None, None, "r" * 300, None, None],
        "expires_at": [None, None, None, None, None, None, None, "24.12.2026", None],
    }
)


def test_rows_that_cannot_be_used_are_told_by_number_and_nothing_is_written(
    ledger: Ledger,
) -> None:
    with pytest.raises(InputError) as refused:
        put(ledger, BAD)

    told = str(refused.value)
    assert told.startswith("8 rows of 9 cannot be used (counted from 0): row 1: customer_id: ")
    assert "row 5: list: A suppression list cannot be called 'no way'" in told
    assert told.endswith("; and 3 others. Nothing was written.")
    assert "ccc" not in told
    assert listed(ledger) == []


@pytest.mark.parametrize("row", range(1, len(BAD)))
def test_each_row_that_cannot_be_used_has_its_own_reason(ledger: Ledger, row: int) -> None:
    reasons = {
        1: "customer_id: is required",
        2: "customer_id: ",
        3: "may have at most 128 characters, has 129",
        4: "NUL",
        5: "'no way'",
        6: "at most 256 characters, has 300",
        7: "'24.12.2026' is no time: write a date as 2027-01-31",
        8: "customer_id: is no id",
    }
    with pytest.raises(InputError, match=r"^1 row of 1 cannot be used") as refused:
        put(ledger, BAD.iloc[[row]])
    assert reasons[row] in str(refused.value)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"list": ""}, "cannot be called ''"),
        ({"list": None}, "A list's name is a text"),
        ({"reason": " "}, "reason cannot be used: it is empty"),
        ({"reason": 7}, "reason is a int"),
        ({"source": "s" * 257}, "source cannot be used"),
        ({"expires_at": NOW}, "expires_at is no time that is still to come"),
        ({"expires_at": "soon"}, "expires_at is no time that is still to come"),
        ({"expires_after": timedelta(0)}, "expires_after is no time that is still to come"),
        ({"expires_after": timedelta.max}, "expires_after is no time that is still to come"),
        ({"expires_after": 30}, "expires_after is a int: give a timedelta"),
        ({"expires_after": DAY, "expires_at": NOW + DAY}, "and not both"),
    ],
    ids=str,
)
def test_arguments_that_cannot_be_used_are_one_sentence_and_nothing_is_written(
    ledger: Ledger, options: dict[str, Any], why: str
) -> None:
    with pytest.raises(InputError, match=why):
        put(ledger, "0042", **options)
    assert listed(ledger) == []


@pytest.mark.parametrize(
    ("customers", "why"),
    [
        (None, "customers is a NoneType"),
        (4.2, "customers is a float"),
        (b"0042", "customers is a bytes"),
        ({"0042": 1}, "customers is a dict"),
        ("lists/optouts", "may be a file or an id"),
        ("a\nb", "may be a file or an id"),
        ("nowhere.csv", "no file 'nowhere.csv'"),
        (Path("nowhere"), "no table"),
        (
            pd.DataFrame({"customerid": ["a"]}),
            r"no column 'customer_id' \(did you mean 'customerid'",
        ),
        (pd.DataFrame(), "The table is empty"),
        ([7, 2.5], "row 1: customer_id: is no id but a fraction"),
        ([Decimal("2.5")], "row 0: customer_id: is no id but a fraction"),
        (pd.DataFrame({"customer_id": [2.5]}), "row 0: customer_id: is no id but a fraction"),
        ([2.0**60], "row 0: customer_id: is no id but a number too large to be exact"),
        ([float("inf")], "row 0: customer_id: is no id"),
        ([True], "row 0: customer_id: is no id but a truth value"),
        ([3j], "row 0: customer_id: is no id"),
        ("", "row 0: customer_id: is required"),
        ([["a"]], "row 0: customer_id: is no id"),
    ],
    ids=str,
)
def test_what_names_no_customers_is_refused_in_one_sentence(
    ledger: Ledger, customers: Any, why: str
) -> None:
    with pytest.raises(InputError, match=why):
        put(ledger, customers)
    assert listed(ledger) == []


def test_a_text_that_is_a_file_here_is_not_taken_for_an_id(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("optouts").write_text("customer_id\na\n", encoding="utf-8")
    with pytest.raises(InputError, match="may be a file or an id"):
        put(ledger, "optouts")

    assert put(ledger, ["optouts"]) == 1
    assert names(ledger) == ["optouts"]


def test_rows_that_have_ended_are_passed_over(ledger: Ledger) -> None:
    frame = pd.DataFrame({"customer_id": ["old", "new"], "expires_at": ["2026-11-27T09", None]})

    assert put(ledger, frame) == 1
    assert names(ledger) == ["new"]


def test_a_list_that_looks_like_another_one_is_refused_also_within_a_table(ledger: Ledger) -> None:
    put(ledger, "0001", list="marketing")
    with pytest.raises(InputError, match="write 'marketing'"):
        put(ledger, "0042", list="Marketing")
    with pytest.raises(InputError, match="write 'News'"):
        put(ledger, pd.DataFrame({"customer_id": ["a", "b"], "list": ["news", "News"]}))
    assert names(ledger) == ["0001"]


@pytest.mark.parametrize(
    "customers", ["0042", pd.DataFrame({"customer_id": ["a", "b"], "list": ["all", "marketng"]})]
)
def test_a_list_that_is_nearly_another_one_is_made_only_where_that_is_said(
    ledger: Ledger, customers: Any
) -> None:
    put(ledger, "0001", list="marketing")
    with pytest.raises(InputError, match=r"there is 'marketing': .*new_list=True"):
        put(ledger, customers, list="marketng")
    assert names(ledger) == ["0001"]

    put(ledger, customers, list="marketng", new_list=True)
    put(ledger, "0043", list="marketng")
    assert "0043" in names(ledger, list="marketng")


def test_a_list_must_be_there_to_be_shown_or_to_be_taken_off(ledger: Ledger) -> None:
    put(ledger, "0042", list="marketing")
    for look in (
        lambda: suppressed(list="markting", ledger=ledger),
        lambda: unsuppress("0042", list="markting", ledger=ledger),
        lambda: unsuppress(
            pd.DataFrame({"customer_id": ["0042"], "list": ["markting"]}), ledger=ledger
        ),
    ):
        with pytest.raises(InputError, match=r"no suppression list 'markting' .*'marketing'"):
            look()
    assert unsuppress("0042", ledger=ledger) == 0
    assert names(ledger) == ["0042"]


def test_who_is_taken_off_is_listed_no_more_and_others_stay(ledger: Ledger) -> None:
    put(ledger, ["a", "b", "c"])
    put(ledger, ["a", "b"], list="news")
    frame = pd.DataFrame({"customer_id": [" a", "b", "nobody"], "list": ["news", None, "news"]})

    assert unsuppress(frame, ledger=ledger, clock=At()) == 2
    assert unsuppress(frame, ledger=ledger, clock=At()) == 0
    assert names(ledger, list="all") == ["a", "c"]
    assert names(ledger, list="news") == ["b"]


def test_the_file_that_is_saved_is_read_again_into_another_ledger(
    ledger: Ledger, tmp_path: Path
) -> None:
    odd = ["+49 170", "=1+1", 'quo"te', "Zo\u00eb, 7", "0042"]
    put(ledger, odd, source="-x", expires_after=DAY)
    put(ledger, odd[:2], list="news")
    before = suppressed(ledger=ledger, save_to=tmp_path / "out", clock=At())
    other = f"sqlite:///{tmp_path / 'other.db'}"
    put(other, tmp_path / "out" / "suppressed.csv")

    after = suppressed(ledger=other, clock=At())
    by = ["list", "customer_id"]
    pd.testing.assert_frame_equal(
        before.sort_values(by, ignore_index=True), after.sort_values(by, ignore_index=True)
    )
    assert before.dtypes.astype(str).to_dict() == {
        **dict.fromkeys(["customer_id", "list", "reason", "source"], "string"),
        **dict.fromkeys(["added_at", "expires_at"], "datetime64[us, UTC]"),
    }


def test_a_saved_file_is_without_those_who_were_forgotten_and_is_read_again(
    ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(ledger, ["a", "b", "c"])
    forget("b", ledger.url, overwrite=False)
    suppressed(ledger=ledger, save_to=tmp_path, clock=At())

    other = f"sqlite:///{tmp_path / 'other.db'}"
    assert put(other, tmp_path / "suppressed.csv") == 2
    assert names(other) == ["a", "c"]
    assert "without 1 who were forgotten" in caplog.text


@pytest.mark.parametrize("kept", [[], ["a"]], ids=["nobody at all", "only the forgotten"])
def test_a_saved_file_of_nobody_is_read_again_as_nobody(
    ledger: Ledger, tmp_path: Path, kept: list[str]
) -> None:
    put(ledger, kept)
    for customer in kept:
        forget(customer, ledger.url, overwrite=False)
    suppressed(ledger=ledger, save_to=tmp_path, clock=At())

    assert put(ledger, tmp_path / "suppressed.csv") == 0
    assert unsuppress(tmp_path / "suppressed.csv", ledger=ledger) == 0


def test_a_ledger_is_made_by_the_first_suppression_and_never_by_a_look(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'ledger.db'}"
    for look in (lambda: suppressed(ledger=url), lambda: unsuppress("a", ledger=url)):
        with pytest.raises(InputError, match="no ledger"):
            look()
    assert not (tmp_path / "new").exists()

    assert put(url, "a") == 1
    assert names(url) == ["a"]


def test_a_bad_row_at_the_end_of_a_large_table_keeps_all_others_out(ledger: Ledger) -> None:
    frame = pd.DataFrame({"customer_id": [f"{n}" for n in range(5_000)]})
    frame.loc[4_999, "customer_id"] = None
    with pytest.raises(InputError, match=r"1 row of 5,000 cannot be used .*row 4999"):
        put(ledger, frame)
    assert listed(ledger) == []
    assert put(ledger, frame.iloc[:-1]) == 4_999
