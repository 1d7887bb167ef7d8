"""A table of phones: which number is of which kind, and what is written back from it."""

import csv
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

from connect_tasks.emulator.phones.settings import PhoneKind

__all__ = ["read_phones"]

_COLUMNS = ("number", "kind", "texts")


def read_phones(path: Path | str) -> tuple[dict[str, PhoneKind], dict[str, tuple[str, ...]]]:
    r"""Read a CSV file of phones, in UTF-8.

    Its columns are `number`, `kind` (`answer` where it is empty) and, if wanted, `texts`: what is
    written back, with `|` between one text and the next.

    Returns:
        `by_number` and `texts` for `LocalPhones`.

    Raises:
        OSError: The file cannot be read.
        ValueError: A column is missing or too many, a kind is none, or a number comes twice; the
            message says in which line.

    Example:
        ```python
        from connect_tasks.emulator import LocalPhones

        Path("phones.csv").write_text("number,kind,texts\n+4915112345678,answer,7|Bye\n")
        by_number, texts = read_phones("phones.csv")
        phones = LocalPhones(by_number=by_number, texts=texts)
        ```
    """
    kinds: dict[str, PhoneKind] = {}
    texts: dict[str, tuple[str, ...]] = {}
    try:
        for line, row in _rows(Path(path)):
            number = _number(line, row, kinds)
            kinds[number] = _kind(line, row["kind"])
            if row.get("texts"):
                texts[number] = tuple(text.strip() for text in row["texts"].split("|"))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: is no CSV in UTF-8: {error}.") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return kinds, texts


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.reader(file, strict=True)
        names = next(table, [])
        _check_columns(names)
        for cells in table:
            if len(cells) != len(names):
                what = "more" if len(cells) > len(names) else "fewer"
                raise ValueError(f"line {table.line_num}: has {what} cells than columns.")
            yield table.line_num, dict(zip(names, cells, strict=True))


def _check_columns(names: Sequence[str]) -> None:
    is_each_once = len(set(names)) == len(names)
    if not (is_each_once and {"number", "kind"} <= set(names) <= set(_COLUMNS)):
        found = ", ".join(names) or "none"
        raise ValueError(f"the columns must be {', '.join(_COLUMNS)}, not {found}.")


def _number(line: int, row: dict[str, str], known: Container[str]) -> str:
    number = row["number"].strip()
    if not number:
        raise ValueError(f"line {line}: there is no number.")
    if number in known:
        raise ValueError(f"line {line}: {number} comes twice.")
    return number


def _kind(line: int, text: str) -> PhoneKind:
    name = text.strip() or PhoneKind.ANSWER
    try:
        return PhoneKind(name)
    except ValueError:
        known = ", ".join(PhoneKind)
        raise ValueError(f"line {line}: the kind {name!r} is none of {known}.") from None
