"""How a CSV's cells are told apart, and what looks odd in it."""

from pathlib import Path
from typing import Any

import pytest

from connect_tasks.errors import InputError
from connect_tasks.tables.reading import open_table


def read(path: Path) -> list[dict[str, Any]]:
    return [row for chunk in open_table(path).chunks() for row in chunk]


def written(folder: Path, text: str, name: str = "c.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param(
            'customer_id;"Name, Vorname";"Ort, PLZ, Land"\n1;"M, Max";"Berlin, 1, DE"\n',
            ["customer_id", "Name, Vorname", "Ort, PLZ, Land"],
            id="quoted names with more commas than semicolons",
        ),
        pytest.param('"a|b";"c|d"\n"1|2";"3|4"\n', ["a|b", "c|d"], id="a bar in every cell"),
        pytest.param(
            "customer_id;Name, Vorname;Ort, PLZ\n1;Muster, Max;Berlin, 10115\n",
            ["customer_id", "Name, Vorname", "Ort, PLZ"],
            id="commas of texts, without quotes",
        ),
        pytest.param("id;a,b\n1;x\n2;y, z\n", ["id", "a,b"], id="a comma in a name alone"),
        pytest.param('id,"a;b;c"\n1,x\n', ["id", "a;b;c"], id="semicolons in a quoted name"),
        pytest.param('id,"first\nname"\n1,x\n', ["id", "first\nname"], id="a line break in a name"),
        pytest.param("sep=;\nid;a,b\n1;2,3\n", ["id", "a,b"], id="sep= in the first line"),
        pytest.param('"sep=|"\r\nid|a;b\r\n1|2\r\n', ["id", "a;b"], id="sep= in quotes"),
        pytest.param("\n\nid;name\n1;a\n", ["id", "name"], id="blank lines first"),
        pytest.param("id\n1\n", ["id"], id="one column"),
        pytest.param('id,json\n1,"{""a"": [1; 2]}"\n', ["id", "json"], id="quotes within quotes"),
    ],
)
def test_the_delimiter_is_the_one_that_makes_a_table(
    tmp_path: Path, text: str, names: list[str]
) -> None:
    (row, *_) = read(written(tmp_path, text))

    assert list(row) == names
    assert None not in row.values()


def test_a_file_that_two_delimiters_fit_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"separated by ',' and ';': .* as sep="):
        open_table(written(tmp_path, "id;Betrag,netto\n1;12,50\n"))


@pytest.mark.parametrize("name", ["c.tsv", "c.txt", "c.csv"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tabs_are_read_in_any_encoding_of_excel(tmp_path: Path, name: str, encoding: str) -> None:
    path = written(tmp_path, "customer_id\tname\r\n0042\tZoë, Ada\r\n", name, encoding)

    assert read(path) == [{"customer_id": "0042", "name": "Zoë, Ada"}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('id,name\n1,"Ada\n2,Bob\n', "a quote opens in line 2 and is never closed"),
        ('id,"name\n1,Ada\n', "a quote opens in line 1 and is never closed"),
        ("id,name\n1,Ada\n2,Lovelace, Ada\n", "line 3 has 3 cells, more than the first line has"),
        ("id;name\n1;a;b\n", "the first row below the names has more cells .* what holds ';'"),
        (f"id,{'n' * 200_000}\n1,2\n", "a name of more than 131,072 characters"),
    ],
)
def test_a_broken_row_is_told_with_what_to_do(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        list(open_table(written(tmp_path, text)).chunks())

    assert "Error tokenizing" not in str(caught.value)


def test_a_tsv_is_parted_at_tabs_only(tmp_path: Path) -> None:
    assert read(written(tmp_path, "a,b\n1,2\n", "c.tsv")) == [{"a,b": "1,2"}]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_told(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(InputError, match="UTF-16 without a mark"):
        open_table(written(tmp_path, "customer_id,name\n1,Ada\n", encoding=encoding))


def test_a_header_of_many_names_is_read_whole(tmp_path: Path) -> None:
    names = [f"a column with a long name, number {n}" for n in range(4_000)]
    header = ";".join(f'"{name}"' for name in names)
    table = open_table(written(tmp_path, f"{header}\n{';'.join(['x'] * 4_000)}\n"))

    assert table.columns == names


# -- odd quotes


def swallowing(tmp_path: Path) -> Path:
    """Row 1 has an odd quote, and so has row 2: between them, they are one."""
    rows = ["1,Ada,Berlin", '2,"Anna,Berlin', '3,Bob,"Paris', "4,Eve,Rome", "5,Dan,Oslo"]
    return written(tmp_path, "\n".join(["customer_id,name,city", *rows, ""]))


def test_a_quote_that_swallows_other_rows_is_told_with_its_row(tmp_path: Path) -> None:
    table = open_table(swallowing(tmp_path))
    rows = sum(len(chunk) for chunk in table.chunks())
    (warning,) = table.warnings

    assert rows == 4
    assert "Row 1 of " in warning
    assert "'name'" in warning
    assert "Anna" not in warning


def test_a_second_reading_warns_as_often_as_the_first(tmp_path: Path) -> None:
    table = open_table(swallowing(tmp_path))

    assert list(table.chunks()) == list(table.chunks())
    assert len(table.warnings) == 1


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(["Main St 1\nBerlin, DE"] * 5, id="line breaks in most cells"),
        pytest.param(
            ["Hello,\n" + "good morning to you, " * 5] * 2 + ["long " * 30] * 5, id="long"
        ),
        pytest.param(["a\nb", *["c"] * 5], id="no delimiter after the break"),
    ],
)
def test_texts_of_several_lines_are_not_warned_of(tmp_path: Path, cells: list[str]) -> None:
    lines = "".join(f'{n},"{cell}"\n' for n, cell in enumerate(cells))
    table = open_table(written(tmp_path, f"id,text\n{lines}"))

    assert sum(len(chunk) for chunk in table.chunks()) == len(cells)
    assert table.warnings == ()


# Whatever the other cells are: the lines make whole rows.
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(['1,"Ada,Berlin', '2,Anna",Paris'], id="no other row"),
        pytest.param(['1,"Ada,Berlin', "2,Bob,Rome", '3,"Anna,Paris'], id="two more"),
        pytest.param(['1,Ada,"Berlin', '2,Anna,Paris"'], id="in the last column"),
        pytest.param(['"1,Ada,Berlin', '2",Anna,Paris'], id="in the first column"),
        pytest.param([f'{n},"{"long " * 20},x\n{n},a",b' for n in range(4)], id="in all rows"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_whole_rows_within_a_cell_are_told(
    tmp_path: Path, rows: list[str], end: str, delimiter: str
) -> None:
    text = end.join("\n".join(["customer_id,name,city", *rows, ""]).split("\n"))
    table = open_table(written(tmp_path, text.replace(",", delimiter)))
    found = sum(len(chunk) for chunk in table.chunks())

    assert len(table.warnings) == found < len(text.split(end)) - 2


def test_many_odd_cells_are_counted(tmp_path: Path) -> None:
    lines = "".join(f'{n},"a\n{n},b"\n{n},c\n{n},d\n' for n in range(15))
    table = open_table(written(tmp_path, f"id,text\n{lines}"))
    list(table.chunks())

    assert len(table.warnings) == 11
    assert table.warnings[-1].startswith("5 more cells")
