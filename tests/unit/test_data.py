"""The table of customers is what its script writes and what its README says."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from data import make_customers

DATA = Path(__file__).parents[2] / "data"

# Typed by hand from the story of each row, not taken from the script.
BAD = [7, 23, 48, 71, 96, 120, 140, 158, 201, 230]
ODD = [15, 34, 62, 88, 113, 187]

Row = dict[str, str]


@pytest.fixture(name="rows", scope="module")
def _rows() -> list[Row]:
    text = (DATA / "customers.csv").read_bytes().decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def good(rows: Sequence[Row]) -> list[Row]:
    return [row for position, row in enumerate(rows) if position not in BAD]


def documented() -> dict[int, str]:
    """Row and customer_id of every line of the README's two tables."""
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| (\d+) \|([^|]*)\|", readme, flags=re.MULTILINE)
    return {int(row): shown.strip() for row, shown in lines}


def test_the_file_is_byte_for_byte_what_the_script_writes() -> None:
    written = make_customers.as_csv(make_customers.customers()).encode()

    assert written == (DATA / "customers.csv").read_bytes()


def test_the_table_has_the_documented_columns_and_250_rows(rows: list[Row]) -> None:
    assert list(rows[0]) == [
        "customer_id",
        "first_name",
        "last_name",
        "plan",
        "renewal_date",
        "language",
        "score",
        "email",
    ]
    assert len(rows) == 250


def test_every_good_id_has_seven_digits_and_keeps_its_leading_zeros(rows: list[Row]) -> None:
    identifiers = [row["customer_id"] for row in good(rows)]

    assert identifiers[0] == "0004217"
    assert all(re.fullmatch(r"0\d{6}", identifier) for identifier in identifiers)


def test_no_two_good_rows_share_an_id(rows: list[Row]) -> None:
    assert len({row["customer_id"] for row in good(rows)}) == 240


def test_good_rows_fit_amazon_connects_limits(rows: list[Row]) -> None:
    for row in good(rows):
        assert 1 <= len(row["customer_id"]) <= 128
        assert 1 <= len(f"{row['first_name']} {row['last_name']}") <= 256
        assert row["plan"] in {"basic", "plus", "pro"}
        assert "2026-12-01" <= row["renewal_date"] <= "2027-02-28"


def test_good_scores_run_from_0_to_10_apart_from_two_that_make_the_survey_ask_again(
    rows: list[Row],
) -> None:
    scores = {row["score"] for row in good(rows)}

    assert scores == {str(score) for score in range(11)} | {"n/a", "eleven"}


def test_most_customers_are_content_as_in_a_real_renewal_survey(rows: list[Row]) -> None:
    scores = [int(row["score"]) for row in good(rows) if row["score"].isdigit()]

    assert 7.0 <= sum(scores) / len(scores) <= 8.5
    assert max(set(scores), key=scores.count) in {7, 8, 9}


def test_every_address_is_at_example_com(rows: list[Row]) -> None:
    assert all(re.fullmatch(r"customer-\d{7}@example\.com", row["email"]) for row in rows)


def test_names_use_more_than_the_latin_alphabet(rows: list[Row]) -> None:
    names = "".join(row["first_name"] for row in rows)

    for letter in ("ö", "Ł", "Σ", "Ю", "ف", "अ", "さ", "지"):
        assert letter in names


def test_the_bad_rows_are_bad_for_the_reasons_given(rows: list[Row]) -> None:
    assert rows[7]["customer_id"] == ""
    assert rows[23]["first_name"] == ""
    assert rows[48]["plan"] == ""
    assert rows[71]["customer_id"] == "   "
    assert len(rows[96]["customer_id"]) == 134
    assert rows[120] == rows[60]
    assert len(rows[140]["first_name"]) == 288
    assert rows[158]["last_name"] == ""
    assert rows[201]["renewal_date"] == ""
    assert rows[230]["customer_id"] == rows[5]["customer_id"]
    assert rows[230] != rows[5]


def test_the_readme_lists_every_bad_and_odd_row_and_no_other() -> None:
    assert sorted(documented()) == sorted(BAD + ODD)


@pytest.mark.parametrize("row", sorted(BAD + ODD))
def test_the_id_in_the_readme_is_the_id_in_the_table(row: int, rows: list[Row]) -> None:
    shown = documented()[row]

    assert rows[row]["customer_id"].strip().startswith(shown.rstrip("…"))
    assert bool(shown) == bool(rows[row]["customer_id"].strip())
