"""How much memory a table takes, in and out: `python tests/bench/bench_tables.py [rows]`.

Prints one table: reading customers in pieces from each kind of source, then the result's tables and
files from a ledger with as many contacts and one message each. Each line is a process of its own;
the first one only imports what the others need. Linux only. No pass or fail: machines differ.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_CAMPAIGN = "bench"
_NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
_REQUEST = json.dumps({"Attributes": {f"attribute_{n}": "value" * 8 for n in range(10)}})
_PLANNED_AT_ONCE = 5_000
_REFUSED_EACH = 100
# A conversation with all of them, in statements of the database: a campaign would take hours.
_CONTACTED = """
    UPDATE contacts SET status = 'completed', end_reason = 'replied', attempts = 1,
    contact_id = printf('%08d-1111-2222-3333-444444444444', id),
    participant_id = printf('%08d-5555-6666-7777-888888888888', id),
    request_id = printf('%08d-9999-aaaa-bbbb-cccccccccccc', id),
    started_at = planned_at, connected_at = planned_at, first_reply_at = planned_at,
    ended_at = planned_at
"""
_ANSWERED = """
    INSERT INTO items SELECT campaign, contact_id,
    printf('%08d-dddd-eeee-ffff-000000000000', id), customer_id, planned_at, 'CUSTOMER',
    participant_id, 'Ada', 'MESSAGE', 'text/plain', 'Yes, that is still right for me.'
    FROM contacts
"""


def make_files(folder: Path, rows: int) -> None:
    """The customers as CSV and Parquet."""
    from tests.bench.bench_planning import customers

    frame = customers(rows)
    frame.to_csv(folder / "customers.csv", index=False)
    frame.to_parquet(folder / "customers.parquet")


def make_ledger(folder: Path, rows: int) -> None:
    """A ledger in which everybody was contacted, but each hundredth row, which is refused."""
    from connect_tasks.ledger.changes import Planned
    from connect_tasks.ledger.contact import Refusal, Status
    from connect_tasks.ledger.database import make_engine
    from connect_tasks.ledger.store import Ledger

    with Ledger(_url(folder)) as ledger:
        ledger.open_campaign(_CAMPAIGN, "i", now=_NOW)
        for start in range(0, rows, _PLANNED_AT_ONCE):
            numbers = range(start, min(start + _PLANNED_AT_ONCE, rows))
            planned = [
                Planned(
                    customer_id=f"{n:08d}",
                    customer_key=f"{n:08d}",
                    generation=1,
                    client_token=f"{n:064d}",
                    request=_REQUEST,
                    fingerprint=f"{n:064d}",
                    messages=("Is 2026-11-02 still right for you?",),
                )
                for n in numbers
                if n % _REFUSED_EACH
            ]
            ledger.plan(_CAMPAIGN, planned, now=_NOW)
        refused = [
            Refusal(
                position=n,
                customer_id=f"{n:08d}",
                status=Status.REJECTED,
                error_code="InvalidRow",
                error_message="'display_name' is empty",
            )
            for n in range(0, rows, _REFUSED_EACH)
        ]
        ledger.replace_refusals(_CAMPAIGN, refused)
    engine = make_engine(_url(folder))
    with engine.begin() as connection:
        connection.exec_driver_sql(_CONTACTED)
        connection.exec_driver_sql(_ANSWERED)
    engine.dispose()


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'ledger.db'}"


def _read(source: Any, rows: int) -> None:
    from connect_tasks.tables.reading import open_table

    found = sum(len(chunk) for chunk in open_table(source).chunks())
    if found != rows:
        raise AssertionError(f"{found} rows instead of {rows}")


def _frame(folder: Path) -> Any:
    import pandas as pd

    return pd.read_parquet(folder / "customers.parquet")


def _result(folder: Path, rows: int) -> Any:
    from connect_tasks.campaign.results import CampaignResult

    # As much of a plan as a result reads; to plan that many rows takes a minute.
    customer_ids = [f"{n:08d}" if n % _REFUSED_EACH else None for n in range(rows)]
    plan: Any = SimpleNamespace(
        customer_ids=customer_ids, index=None, request_changed=0, table_id=None
    )
    return CampaignResult(_CAMPAIGN, _url(folder), plan)


MEASUREMENTS: dict[str, Callable[[Path, int], object]] = {
    "imports alone": lambda _folder, _rows: None,
    "DataFrame alone": lambda folder, _: _frame(folder),
    "DataFrame in pieces": lambda folder, rows: _read(_frame(folder), rows),
    "CSV in pieces": lambda folder, rows: _read(folder / "customers.csv", rows),
    "Parquet in pieces": lambda folder, rows: _read(folder / "customers.parquet", rows),
    "result.contacts": lambda folder, rows: _result(folder, rows).contacts,
    "result.messages": lambda folder, rows: _result(folder, rows).messages,
    "result.to_parquet": lambda folder, rows: _result(folder, rows).to_parquet(folder / "out"),
    "result.save": lambda folder, rows: _result(folder, rows).save(folder / "out"),
}


def measure_here(name: str, folder: Path, rows: int) -> dict[str, float]:
    """One measurement in this process: seconds, and the process's largest memory in MiB."""
    import connect_tasks.campaign.results  # not to be counted as the work's time
    import connect_tasks.tables.reading  # noqa: F401 -- the same

    start = time.perf_counter()
    MEASUREMENTS[name](folder, rows)
    return {"seconds": time.perf_counter() - start, "peak_mib": _peak_mib()}


def _peak_mib() -> float:
    # Not by getrusage: to it, the parent's memory counts as this process's own.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _in_a_child(step: str, folder: Path, rows: int) -> dict[str, float]:
    command = [sys.executable, __file__, step, str(folder), str(rows)]
    child = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, float] = json.loads(child.stdout)
    return answer


def measure(rows: int) -> dict[str, dict[str, float]]:
    """Every measurement by its name: `seconds` and `peak_mib`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for step in ("make_files", "make_ledger"):
            _in_a_child(step, folder, rows)
        return {step: _in_a_child(step, folder, rows) for step in MEASUREMENTS}


def main() -> None:
    """Measure and print; or, in a child, do one step."""
    match sys.argv[1:]:
        case ["make_files" | "make_ledger" as step, folder, rows]:
            {"make_files": make_files, "make_ledger": make_ledger}[step](Path(folder), int(rows))
            print("{}")
        case [step, folder, rows]:
            print(json.dumps(measure_here(step, Path(folder), int(rows))))
        case [*given]:
            _show(int(given[0]) if given else 100_000)


def _show(rows: int) -> None:
    print(f"{rows:,} rows\n\n{'step':<24}{'s':>8}{'us/row':>9}{'peak MiB':>11}")
    for step, found in measure(rows).items():
        seconds = found["seconds"]
        print(f"{step:<24}{seconds:>8.2f}{seconds / rows * 1e6:>9.1f}{found['peak_mib']:>11,.0f}")


if __name__ == "__main__":
    main()
