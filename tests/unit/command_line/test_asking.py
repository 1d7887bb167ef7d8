"""Asking people: before something is destroyed, and for ids, which are no arguments."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from connect_tasks.command_line.confirming import NotConfirmedError, confirm
from connect_tasks.command_line.customer_ids import customers_from, ids_of
from connect_tasks.errors import InputError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def answers(*lines: str) -> Callable[[], str]:
    left = iter(lines)

    def ask() -> str:
        try:
            return next(left)
        except StopIteration:
            raise EOFError from None

    return ask


@pytest.mark.parametrize("answer", ["y", "yes", " Y ", "YES"])
def test_a_yes_is_a_yes(answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    confirm("Stop it?", yes=False, is_terminal=True, ask=answers(answer))

    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "Stop it? [y/N] ")


@pytest.mark.parametrize("lines", [["n"], [""], ["yep"], ["ye"], []])
def test_anything_else_is_a_no(lines: list[str]) -> None:
    with pytest.raises(NotConfirmedError, match="Nothing was changed"):
        confirm("Stop it?", yes=False, is_terminal=True, ask=answers(*lines))


def test_where_nobody_can_be_asked_it_is_refused_with_the_way() -> None:
    with pytest.raises(NotConfirmedError, match=r"Stop it\?.*--yes"):
        confirm("Stop it?", yes=False, is_terminal=False, ask=answers("y"))


def test_who_said_yes_beforehand_is_not_asked() -> None:
    confirm("Stop it?", yes=True, is_terminal=False, ask=answers())


@pytest.mark.parametrize("source", ["0042", "Ada Lovelace", "ada@example.com", "customers"])
def test_an_id_is_no_argument_and_is_not_repeated(source: str) -> None:
    with pytest.raises(InputError, match="history") as raised:
        customers_from(source, stdin=Terminal())

    assert source not in str(raised.value).replace("Customers", "").replace("customer_id", "")


def test_ids_come_from_a_pipe_one_a_line() -> None:
    assert customers_from("-", stdin=io.StringIO("0042\n\n 0043 \n")) == ["0042", "0043"]


def test_ids_are_asked_for_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    given = customers_from(None, stdin=Terminal(), ask=answers("0042", "0043", "", "0044"))

    assert given == ["0042", "0043"]
    assert capsys.readouterr().out == ""


def test_without_a_terminal_nobody_is_asked() -> None:
    with pytest.raises(InputError, match="standard input"):
        customers_from(None, stdin=io.StringIO("0042\n"))


def test_nobody_is_no_customer() -> None:
    with pytest.raises(InputError, match="No customer was named"):
        customers_from("-", stdin=io.StringIO("\n \n"))


def test_a_table_names_customers_by_its_column(tmp_path: Path) -> None:
    path = str(tmp_path / "customers.csv")
    Path(path).write_text("name,customer_id\nAda,0042\nBo,0043\n")

    assert customers_from(path) == path
    assert ids_of(path) == ["0042", "0043"]
    assert ids_of(["0044"]) == ["0044"]


def test_a_table_with_a_row_of_nobody_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("customer_id,name\n0042,Ada\n,Bo\n")

    with pytest.raises(InputError, match="row 1"):
        ids_of(str(path))
