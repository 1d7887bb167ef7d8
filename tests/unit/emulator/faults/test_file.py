import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.emulator import Fault, FaultKind, read_faults
from connect_tasks.emulator.faults.plan import FILE_KINDS, FRAME_KINDS

PLAN = """
[[fault]]
operation = "StartChatContact"
kind = "error_after"
share = 0.25
status = 503
code = ""
message = "Service Unavailable"

[[fault]]
operation = "SendMessage"
kind = "delay"
seconds = 2
every = 10
per_customer = true

[[fault]]
operation = "ChatFrame"
kind = "socket_silent"
customer_id = "0007"
nth = 3
"""

WHEN: dict[str, Any] = {
    "customer_id": "0007",
    "per_customer": True,
    "nth": 6,
    "every": 3,
    "share": 0.5,
}
ERROR = {"status": 503, "code": "ServiceUnavailableException", "message": "Busy"}
# What each kind has besides: a kind that is not here has not been thought of.
OWN_FIELDS: dict[FaultKind, dict[str, Any]] = {
    FaultKind.ERROR_BEFORE: ERROR,
    FaultKind.ERROR_AFTER: ERROR,
    FaultKind.CUT_BEFORE: {},
    FaultKind.CUT_AFTER: {},
    FaultKind.TRUNCATED: {},
    FaultKind.THROTTLE: {},
    FaultKind.NO_SLOT: {},
    FaultKind.UNTYPED_429: {},
    FaultKind.EXPIRED_CREDENTIALS: {},
    FaultKind.DELAY: {"seconds": 1.5},
    FaultKind.SOCKET_DROP: {},
    FaultKind.SOCKET_SILENT: {},
    FaultKind.FRAME_LOST: {},
    FaultKind.FRAME_DUPLICATED: {},
    FaultKind.FRAME_SWAPPED: {},
    FaultKind.FILE_CUT: {},
    FaultKind.FILE_VERSION: {},
    FaultKind.FILE_CONTACT: {},
    FaultKind.FILE_NO_JSON: {},
    FaultKind.FILE_HUGE: {},
}
EVERY_OWN_FIELD = {name: value for own in OWN_FIELDS.values() for name, value in own.items()}


def written(members: dict[str, Any]) -> str:
    """One entry of a file; what JSON calls these values TOML calls them too."""
    return "\n".join(["[[fault]]", *(f"{name} = {json.dumps(members[name])}" for name in members)])


def named(kind: FaultKind) -> dict[str, Any]:
    of_files = "GetObject" if kind in FILE_KINDS else "StartChatContact"
    operation = "ChatFrame" if kind in FRAME_KINDS else of_files
    return {"operation": operation, "kind": kind.value}


def write(folder: Path, text: str) -> Path:
    path = folder / "faults.toml"
    path.write_text(text, encoding="utf-8")
    return path


def complaint(folder: Path, text: str) -> str:
    path = write(folder, text)
    with pytest.raises(ValueError, match=r"faults\.toml") as caught:
        read_faults(path)
    return str(caught.value).removeprefix(f"{path}: ")


def test_a_file_says_what_the_python_object_says(tmp_path: Path) -> None:
    assert read_faults(write(tmp_path, PLAN)) == (
        Fault(
            operation="StartChatContact",
            kind=FaultKind.ERROR_AFTER,
            share=0.25,
            status=503,
            code=None,
            message="Service Unavailable",
        ),
        Fault(
            operation="SendMessage",
            kind=FaultKind.DELAY,
            seconds=2,
            every=10,
            per_customer=True,
        ),
        Fault(operation="ChatFrame", kind=FaultKind.SOCKET_SILENT, customer_id="0007", nth=3),
    )


def test_the_path_may_be_a_text(tmp_path: Path) -> None:
    assert len(read_faults(str(write(tmp_path, PLAN)))) == 3


def test_an_empty_file_is_a_plan_without_faults(tmp_path: Path) -> None:
    assert read_faults(write(tmp_path, "# nothing goes wrong\n")) == ()


@pytest.mark.parametrize("kind", FaultKind)
def test_every_kind_can_be_written_in_a_file_with_all_that_it_has(
    tmp_path: Path, kind: FaultKind
) -> None:
    members = {**named(kind), **WHEN, **OWN_FIELDS[kind]}

    faults = read_faults(write(tmp_path, written(members)))

    assert faults == (Fault(**{**members, "kind": kind}),)


@pytest.mark.parametrize("kind", FaultKind)
def test_a_field_that_a_kind_does_not_have_is_refused(tmp_path: Path, kind: FaultKind) -> None:
    for name in EVERY_OWN_FIELD.keys() - OWN_FIELDS[kind]:
        entry = {**named(kind), **OWN_FIELDS[kind], name: EVERY_OWN_FIELD[name]}
        assert f"{name}: means nothing with {kind}, only" in complaint(tmp_path, written(entry))


def test_no_kind_and_no_field_of_a_fault_is_missing_here() -> None:
    names = {"operation", "kind", *WHEN, *EVERY_OWN_FIELD}

    assert set(OWN_FIELDS) == set(FaultKind)
    assert names == {field.name for field in fields(Fault)}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('opperation = "x"', "opperation: there is no such field; there are operation, kind, "),
        ("nth = 1.5", "nth: must be a whole number, not 1.5."),
        ("every = true", "every: must be a whole number, not True."),
        ("every = 0", "every: must be at least 1, not 0."),
        ("nth = 0", "nth: must be at least 1, not 0."),
        ('share = "often"', "share: must be a number, not 'often'."),
        ("share = 1.5", "share: must be from 0 to 1, not 1.5."),
        ("share = nan", "share: must be from 0 to 1, not nan."),
        ("status = 200", "status: must be from 400 to 599, not 200."),
        ("customer_id = 7", "customer_id: must be a text, not 7."),
        ("per_customer = 1", "per_customer: must be true or false, not 1."),
        ("seconds = 1", "seconds: means nothing with error_before, only with delay."),
    ],
)
def test_a_wrong_field_is_named_with_its_entry(tmp_path: Path, line: str, words: str) -> None:
    entry = f'[[fault]]\noperation = "SendMessage"\nkind = "error_before"\n{line}\n'

    assert complaint(tmp_path, PLAN + entry).startswith(f"fault 4: {words}")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('kind = "throttle"', "operation: is missing."),
        ('operation = "StopContact"', "kind: is missing."),
        ('operation = "StopContact"\nkind = "delay"', "seconds: is missing."),
        ('operation = "StopContact"\nkind = "flood"', "kind: there is no 'flood'; there are "),
        (
            'operation = "StopContacts"\nkind = "throttle"',
            "operation: throttle cannot strike 'StopContacts'; it can: ",
        ),
        (
            'operation = "StopContact"\nkind = "throttle"\nstatus = 503',
            "status: means nothing with throttle, only with error_before, error_after.",
        ),
    ],
)
def test_an_entry_that_could_never_strike_is_refused(
    tmp_path: Path, lines: str, words: str
) -> None:
    assert complaint(tmp_path, f"[[fault]]\n{lines}\n").startswith(f"fault 1: {words}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[faults]]\n", "faults: there is no such table; each fault begins with [[fault]]."),
        ("[fault]\n", "fault: must be written as [[fault]], once for each fault."),
        ("fault = [1]\n", "fault: must be written as [[fault]], once for each fault."),
        ("[[fault]\n", "Expected ']]'"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, text: str, words: str) -> None:
    assert complaint(tmp_path, text).startswith(words)


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_faults(tmp_path / "none.toml")
