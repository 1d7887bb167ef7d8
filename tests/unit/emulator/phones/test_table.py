from pathlib import Path

import pytest

from connect_tasks.emulator.phones import PhoneKind, read_phones


def written(folder: Path, text: str) -> Path:
    path = folder / "phones.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_kinds_and_texts_are_read_by_number(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "number,kind,texts\n+4915112345678,,7|Bye\n+4915112345679,stop,\n+4915112345670,silent,\n",
    )

    assert read_phones(path) == (
        {
            "+4915112345678": PhoneKind.ANSWER,
            "+4915112345679": PhoneKind.STOP,
            "+4915112345670": PhoneKind.SILENT,
        },
        {"+4915112345678": ("7", "Bye")},
    )


def test_texts_may_be_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeffnumber,kind\n+4915112345678,undeliverable\n")

    assert read_phones(path) == ({"+4915112345678": PhoneKind.UNDELIVERABLE}, {})


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the columns must be number, kind, texts"),
        ("number\n+49\n", "the columns must be"),
        ("number,kind,color\n", "the columns must be"),
        ("number,kind\n+4915112345678,deaf\n", "line 2: the kind 'deaf' is none of answer"),
        ("number,kind\n+49151,stop\n+49151,stop\n", "line 3: .49151 comes twice"),
        ("number,kind\n,stop\n", "line 2: there is no number"),
        ("number,kind\n+49151,stop,a,b\n", "line 2: has more cells than columns"),
        ("number,kind\n+49151\n", "line 2: has fewer cells than columns"),
        ('number,kind\n"+49151,stop\n', "is no CSV"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(ValueError, match=what) as caught:
        read_phones(written(tmp_path, text))

    assert str(tmp_path / "phones.csv") in str(caught.value)


def test_other_bytes_are_no_table(tmp_path: Path) -> None:
    path = tmp_path / "phones.csv"
    path.write_bytes(b"number,kind\n\xff,stop\n")

    with pytest.raises(ValueError, match="is no CSV in UTF-8"):
        read_phones(path)
