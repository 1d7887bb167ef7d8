"""Many files that are one table, archives, and spreadsheets."""

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from connect_tasks.errors import InputError
from connect_tasks.tables.reading import open_table


def read(source: Any) -> list[dict[str, Any]]:
    return [row for chunk in open_table(source).chunks() for row in chunk]


def ids(source: Any) -> list[Any]:
    return [row["customer_id"] for row in read(source)]


@pytest.fixture
def spark(tmp_path: Path) -> Path:
    """A folder as Spark writes it."""
    folder = tmp_path / "customers.parquet"
    folder.mkdir()
    for n, customers in enumerate([["1", "2"], [], ["3"]]):
        frame = pd.DataFrame({"customer_id": pd.Series(customers, dtype="str")})
        frame.to_parquet(folder / f"part-0000{n}-x.snappy.parquet", index=False)
    (folder / "_SUCCESS").touch()
    (folder / ".part-00000-x.snappy.parquet.crc").write_bytes(b"crc")
    return folder


def test_a_folder_of_spark_is_one_table(spark: Path) -> None:
    assert ids(spark) == ids(f"{spark}/") == ids(spark.as_uri()) == ["1", "2", "3"]
    assert open_table(spark).index is None


def test_a_glob_is_one_table(spark: Path) -> None:
    assert ids(spark / "part-0000[02]*.parquet") == ["1", "2", "3"]
    assert ids(spark.parent / "*.parquet" / "*.parquet") == ["1", "2", "3"]


def test_two_stars_are_any_folders_or_none(tmp_path: Path) -> None:
    for folder in ("", "2026", "2026/11", "2026/11/22.csv"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "c.csv").write_text(f"customer_id\nof {folder}\n")
    (tmp_path / "2026" / "note.json").write_text("{}")

    assert sorted(ids(f"{tmp_path}/**/*.csv")) == [
        "of ",
        "of 2026",
        "of 2026/11",
        "of 2026/11/22.csv",
    ]
    assert ids(f"{tmp_path}/2026/**/22.csv/*") == ["of 2026/11/22.csv"]
    assert sorted(ids(f"{tmp_path}/**/11/*c.csv")) == ["of 2026/11"]


def test_a_glob_without_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without tables"):
        open_table(tmp_path / "*.csv")


def test_a_glob_that_matches_a_folder_is_told(spark: Path) -> None:
    with pytest.raises(InputError, match="matches the folder"):
        open_table(spark.parent / "*.parquet")


def test_a_name_with_wildcards_is_a_file_if_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "c[1].csv").write_text("customer_id\n7\n")

    assert ids(tmp_path / "c[1].csv") == ["7"]


def test_names_of_folders_are_columns(tmp_path: Path) -> None:
    for country in ("DE", "F%20R", "__HIVE_DEFAULT_PARTITION__"):
        folder = tmp_path / f"country={country}"
        folder.mkdir()
        pd.DataFrame({"customer_id": [country]}).to_parquet(folder / "part.parquet")

    assert [row["country"] for row in read(tmp_path)] == ["DE", "F R", None]
    assert next(open_table(tmp_path).chunks(columns=["country"])) == [{"country": "DE"}]


def test_files_may_have_their_columns_in_another_order(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("customer_id,name\n1,Ada\n")
    (tmp_path / "b.csv").write_text("name;customer_id\nBob;2\n")
    (tmp_path / "c.csv").write_text("")

    assert read(tmp_path) == [
        {"customer_id": "1", "name": "Ada"},
        {"customer_id": "2", "name": "Bob"},
    ]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("b.csv", "customer_id,nom\n2,Bob\n", "other columns than"),
        ("b.json", "{}", "which is no table"),
        ("_delta_log/0.json", "{}", "Delta Lake"),
        (".hoodie/x", "", "Hudi"),
        ("_temporary/0", "", "still being written"),
    ],
)
def test_a_folder_that_is_no_plain_table_is_told(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    (tmp_path / "a.csv").write_text("customer_id,name\n1,Ada\n")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content)

    with pytest.raises(InputError, match=words):
        open_table(tmp_path)


def test_the_indexes_of_files_come_one_after_the_other(tmp_path: Path) -> None:
    for name in ("a", "b"):
        ids_of_file = pd.Index([f"{name}1"], name="customer_id")
        pd.DataFrame({"n": [1]}, index=ids_of_file).to_parquet(tmp_path / f"{name}.parquet")
    index = open_table(tmp_path).index

    assert index is not None
    assert list(index) == ids(tmp_path) == ["a1", "b1"]


@pytest.mark.parametrize("name", ["number", ["customer_id", "plan"]])
def test_files_with_other_indexes_are_told(tmp_path: Path, name: Any) -> None:
    for file, names in (("a", ["customer_id"]), ("b", name)):
        frame = pd.DataFrame({"customer_id": ["1"], "number": ["1"], "plan": ["x"], "n": [1]})
        frame.set_index(names)[["n"]].to_parquet(tmp_path / f"{file}.parquet")

    with pytest.raises(InputError, match="has other columns than"):
        open_table(tmp_path)


def test_ids_in_the_indexes_of_files_are_what_they_are_alone(tmp_path: Path) -> None:
    for name, numbers in (("a", [2**60 + 1]), ("b", [1.5, None]), ("c", ["0042"])):
        ids_of_file = pd.Index(numbers, name="customer_id")
        pd.DataFrame({"n": numbers}, index=ids_of_file).to_parquet(tmp_path / f"{name}.parquet")

    assert ids(tmp_path) == [row["n"] for row in read(tmp_path)] == [2**60 + 1, 1.5, None, "0042"]


@pytest.mark.parametrize(
    "index", [pd.period_range("2026-01", periods=2, freq="M"), pd.interval_range(0, 2)]
)
def test_an_index_of_any_kind_is_the_same_from_parquet(tmp_path: Path, index: Any) -> None:
    frame = pd.DataFrame({"n": [1, 2]}, index=index.rename("customer_id"))
    frame.to_parquet(tmp_path / "c.parquet")

    assert ids(tmp_path / "c.parquet") == ids(frame) == list(map(str, index))


@pytest.mark.parametrize("noted", [b"", b"{}", b"[]", b"\xff", b'{"index_columns": ["nowhere"]}'])
def test_a_parquet_is_read_whatever_is_noted_in_it_for_pandas(tmp_path: Path, noted: bytes) -> None:
    table = pa.table({"customer_id": ["0042"]}).replace_schema_metadata({b"pandas": noted})
    parquet.write_table(table, tmp_path / "c.parquet")

    assert read(tmp_path / "c.parquet") == [{"customer_id": "0042"}]
    assert open_table(tmp_path / "c.parquet").index is None


def test_parquet_with_its_ids_in_the_index_or_on_two_levels_is_read(tmp_path: Path) -> None:
    pd.DataFrame({"n": [1]}, index=pd.Index(["0042"], name="customer_id")).to_parquet(
        tmp_path / "index.parquet"
    )
    levels = pd.MultiIndex.from_tuples([("customer_id", ""), ("plan", "name")])
    pd.DataFrame([["0042", "gold"]], columns=levels).to_parquet(tmp_path / "levels.parquet")

    assert read(tmp_path / "index.parquet") == [{"customer_id": "0042", "n": 1}]
    assert read(tmp_path / "levels.parquet") == [{"customer_id": "0042", "plan.name": "gold"}]


# -- archives


def test_an_archive_of_one_table_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("export/c.csv", "customer_id\n007\n")
        archive.writestr("__MACOSX/export/._c.csv", "x")
        archive.writestr("export/.DS_Store", "x")

    assert ids(tmp_path / "c.zip") == ["007"]


def test_an_archive_of_several_files_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("a.csv", "customer_id\n1\n")
        archive.writestr("b.csv", "customer_id\n2\n")

    with pytest.raises(InputError, match="holds 2 files"):
        open_table(tmp_path / "c.zip")


# -- spreadsheets


def test_the_cells_of_a_spreadsheet_are_what_they_are_there(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    frame = pd.DataFrame(
        {
            "customer_id": ["0042", 7.0, 8.5, True],
            "name": ["NA", None, " ", "Zoë"],
            "due": [dt.datetime(2026, 1, 2), dt.datetime(2026, 1, 2, 12), None, "later"],  # noqa: DTZ001 -- no zone
        },
        dtype=object,
    )
    frame.to_excel(tmp_path / "c.xlsx", index=False)
    rows = read(tmp_path / "c.xlsx")

    assert [repr(row["customer_id"]) for row in rows] == ["'0042'", "7", "8.5", "True"]
    assert [row["name"] for row in rows] == ["NA", None, " ", "Zoë"]
    assert [row["due"] for row in rows] == [
        dt.date(2026, 1, 2),
        dt.datetime(2026, 1, 2, 12),  # noqa: DTZ001 -- no zone
        None,
        "later",
    ]


def test_what_is_no_spreadsheet_is_told(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    (tmp_path / "c.xlsx").write_bytes(b"x")

    with pytest.raises(InputError, match=r"not what its name says.*such as \.csv"):
        open_table(tmp_path / "c.xlsx")


def test_further_sheets_are_warned_of(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    frame = pd.DataFrame({"customer_id": ["1"]})
    with pd.ExcelWriter(tmp_path / "c.xlsx") as book:
        for name in ("May", "June"):
            frame.to_excel(book, sheet_name=name, index=False)
        pd.DataFrame().to_excel(book, sheet_name="Blank")
    (warning,) = open_table(tmp_path / "c.xlsx").warnings

    assert "'May', is read; there are also 'June'." in warning


def test_a_sheet_that_is_hidden_or_blank_is_passed_over(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["customer_id"])
    book.active.append(["of the hidden sheet"])
    book.active.sheet_state = "hidden"
    book.create_sheet("blank")
    seen = book.create_sheet("seen")
    seen.append(["customer_id"])
    seen.append(["0042"])
    book.save(tmp_path / "c.xlsx")
    table = open_table(tmp_path / "c.xlsx")

    assert [row for chunk in table.chunks() for row in chunk] == [{"customer_id": "0042"}]
    assert table.warnings == ()


def test_a_number_of_a_spreadsheet_that_is_not_exact_is_no_integer(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    numbers = [2**53 - 1, 2**53, 2**60, -(2**60)]
    pd.DataFrame({"customer_id": numbers}, dtype=object).to_excel(tmp_path / "c.xlsx", index=False)

    assert list(map(repr, ids(tmp_path / "c.xlsx"))) == [
        "9007199254740991",
        *map(repr, map(float, numbers[1:])),
    ]


def test_a_name_twice_in_a_spreadsheet_is_told(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    frame = pd.DataFrame([["customer_id", "customer_id"], ["1", "2"]])
    frame.to_excel(tmp_path / "c.xlsx", index=False, header=False)

    with pytest.raises(InputError, match="same name: 'customer_id'"):
        open_table(tmp_path / "c.xlsx")
