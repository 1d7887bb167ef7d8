"""The chosen rows of a table are its rows: with their columns, their index and their dtypes."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from connect_tasks.errors import InputError
from connect_tasks.tables.choosing import chosen_rows

FRAME = pd.DataFrame(
    {
        "account": [7, 42, 9],
        "plan": pd.Categorical(["gold", "tin", "gold"], categories=["tin", "gold", "none"]),
        "visits": pd.array([2**62 + 1, None, 3], "Int64"),
        "since": pd.to_datetime(["2020", "2021", "2022"]).tz_localize("Europe/Berlin"),
        "score": [1.5, None, 2.0],
        "small": pd.array([1, 2, 3], "int8[pyarrow]"),
        "note": pd.array(["a", None, "c"], "string"),
        "member": [True, False, True],
        "year": pd.period_range("2020", "2022", freq="Y"),
    },
    index=pd.Index([30, 10, 20], name="place"),
)


def chosen(source: Any, *ids: str, on: str = "account") -> pd.DataFrame:
    return chosen_rows(source, set(ids).__contains__, on=on)


def test_rows_of_a_frame_keep_columns_index_and_dtypes() -> None:
    before = FRAME.copy()

    pd.testing.assert_frame_equal(chosen(FRAME, "9", "7", "none"), FRAME.iloc[[0, 2]])
    pd.testing.assert_frame_equal(FRAME, before)


def test_nobody_is_a_table_of_the_same_columns_without_rows() -> None:
    pd.testing.assert_frame_equal(chosen(FRAME), FRAME.iloc[[]])


def test_columns_of_several_levels_stay_so() -> None:
    frame = pd.DataFrame([["1", "gold"]])
    frame.columns = pd.MultiIndex.from_tuples([("customer_id", ""), ("attributes", "plan")])

    pd.testing.assert_frame_equal(chosen(frame, "1", on="customer_id"), frame)


def test_the_id_may_be_a_level_of_the_index() -> None:
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.MultiIndex.from_product([["a", "b"], ["x"]]))
    frame.index.names = ["customer_id", "k"]

    pd.testing.assert_frame_equal(chosen(frame, "b", on="customer_id"), frame.iloc[[1]])


def test_each_row_of_a_customer_is_chosen() -> None:
    frame = pd.DataFrame({"account": ["1", "2", "1"], "n": [1, 2, 3]})

    assert list(chosen(frame, "1")["n"]) == [1, 3]


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT])
def test_a_row_of_nobody_is_never_chosen(missing: Any) -> None:
    frame = pd.DataFrame({"account": [missing, "1"]}, dtype=object)

    assert len(chosen_rows(frame, lambda _: True, on="account")) == 1


def test_a_column_that_is_not_there_is_told_with_those_that_are() -> None:
    for source in (FRAME, FRAME.reset_index()):
        with pytest.raises(InputError, match=r"no column 'customer_id'.*'place'.*'account'"):
            chosen(source, "1", on="customer_id")


def test_of_a_file_that_lacks_the_column_that_is_told_too(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "c.csv")
    FRAME.to_parquet(tmp_path / "c.parquet")

    for name in ("c.csv", "c.parquet"):
        with pytest.raises(InputError, match=r"no column 'customer_id'.*'account'"):
            chosen(tmp_path / name, "1", on="customer_id")


@pytest.mark.parametrize("ids", [("7", "9"), ("42",), ()])
def test_rows_of_a_parquet_file_are_as_pandas_reads_them(
    tmp_path: Path, ids: tuple[str, ...]
) -> None:
    FRAME.reset_index(drop=True).to_parquet(tmp_path / "c.parquet")
    whole = pd.read_parquet(tmp_path / "c.parquet")
    expected = whole[whole["account"].astype(str).isin(ids)]

    pd.testing.assert_frame_equal(chosen(tmp_path / "c.parquet", *ids), expected)


def test_the_index_that_pandas_stored_in_a_file_is_kept_and_may_hold_the_id(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "c.parquet")
    found = chosen(tmp_path / "c.parquet", "30", on="place")

    assert list(found.index) == [30]
    assert found.index.name == "place"
    assert list(found["account"]) == [7]


def test_integers_with_gaps_stay_integers_whichever_rows_are_chosen(tmp_path: Path) -> None:
    table = pa.table({"account": [1, 2], "n": pa.array([2**62 + 1, None], pa.int64())})
    parquet.write_table(table, tmp_path / "c.parquet")

    for ids in (("1",), ("1", "2"), ("2",)):
        found = chosen(tmp_path / "c.parquet", *ids)
        assert found["n"].dtype == "Int64"
    assert chosen(tmp_path / "c.parquet", "1")["n"][0] == 2**62 + 1


def test_rows_of_a_csv_are_text_and_have_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("account,zip\n007,01067\n42,NA\n9,\n", encoding="utf-8")
    found = chosen(tmp_path / "c.csv", "42", "9")

    assert list(found.dtypes) == ["string", "string"]
    assert found["zip"].tolist() == ["NA", pd.NA]
    assert list(found.index) == [1, 2]


def test_categories_of_many_pieces_are_one_column(tmp_path: Path) -> None:
    count = 25_000
    plans = pd.Categorical([f"plan {n // 9_000}" for n in range(count)])
    frame = pd.DataFrame({"account": range(count), "plan": plans})
    frame.to_parquet(tmp_path / "c.parquet")
    found = chosen_rows(tmp_path / "c.parquet", lambda name: name.endswith("1"), on="account")

    pd.testing.assert_frame_equal(found, frame[frame["account"] % 10 == 1])


def test_rows_of_a_folder_of_files_are_numbered_through(tmp_path: Path) -> None:
    for name, ids in {"1.csv": "a\nb", "2.csv": "c\nb"}.items():
        (tmp_path / name).write_text(f"account\n{ids}\n", encoding="utf-8")
    found = chosen(tmp_path, "b", "c")

    assert list(found.index) == [1, 2, 3]
    assert list(found["account"]) == ["b", "c", "b"]


@settings(max_examples=30)
@given(st.lists(st.integers(0, 5), max_size=30), st.sets(st.integers(0, 5)))
def test_exactly_the_wanted_rows_are_chosen_in_their_order(ids: list[int], few: set[int]) -> None:
    frame = pd.DataFrame({"account": pd.Series(ids, dtype="int64"), "n": range(len(ids))})
    found = chosen(frame, *map(str, few))

    assert found["n"].tolist() == [n for n, one in enumerate(ids) if one in few]
