"""How fast a table becomes planned contacts: `python tests/bench/bench_planning.py [rows]`.

Prints each step by itself, then the whole way from the frame to the committed ledger with its peak
memory, in a process of its own. The measure is pydantic alone validating the same requests from
prepared dicts in the same run. No pass or fail: machines differ.
"""

import gc
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from connect_tasks.aws.idempotency import client_token, fingerprint
from connect_tasks.aws.models import StartChatContactRequest
from connect_tasks.campaign.planning import CHUNK_ROWS, plan_campaign
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.renderer import RowRenderer
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.reading import open_table


def customers(count: int) -> pd.DataFrame:
    """A table of the usual dtypes."""
    numbers = range(count)
    return pd.DataFrame(
        {
            "customer_id": [f"{n:08d}" for n in numbers],
            "first_name": [f"Customer {n}" for n in numbers],
            "plan": pd.Categorical([("basic", "gold", "family")[n % 3] for n in numbers]),
            "visits": pd.array([None if n % 7 == 0 else n % 50 for n in numbers], dtype="Int64"),
            "due": pd.to_datetime("2026-11-02") + pd.to_timedelta([n % 30 for n in numbers], "D"),
            "notes": ["not used"] * count,
        }
    )


def renderer(columns: list[str]) -> RowRenderer:
    """A template as people write it: name, message with two columns, three attributes."""
    template = ChatTemplate(
        display_name="{{ first_name }}",
        initial_message="Hello {{ first_name }}, your plan {{ plan }} is about to end.",
        attributes={
            "plan": "{{ plan }}",
            "visits": "{{ visits | default('0') }}",
            "due": "{{ due }}",
        },
    )
    conversation = Conversation(messages=("Is {{ due }} still right for you?",))
    return template.bind(
        instance_id="11111111-2222-3333-4444-555555555555",
        contact_flow_id="66666666-7777-8888-9999-000000000000",
        conversation=conversation,
        columns=columns,
    )


def seconds(work: Callable[[], Iterable[object]]) -> float:
    """Processor time, the best of three runs; nothing that is made is kept."""
    times = []
    for _ in range(3):
        gc.collect()
        # What was prepared for the measure must not be walked through again and again by it.
        gc.freeze()
        start = time.process_time()
        deque(work(), maxlen=0)
        times.append(time.process_time() - start)
    return min(times)


def planned(frame: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Everything from the frame to what the ledger gets, chunk by chunk."""
    bound = renderer(list(frame.columns))
    for chunk in open_table(frame).chunks():
        for row in chunk:
            request = bound.render(row).request
            if request is None or request.customer_id is None:
                raise AssertionError(f"no request of {row}")
            yield client_token("bench", request.customer_id), fingerprint(request.to_wire())


def measured(frame: pd.DataFrame) -> Iterator[tuple[str, float]]:
    """Each step's name and seconds."""
    bound = renderer(list(frame.columns))
    table = [row for chunk in open_table(frame).chunks() for row in chunk]
    requests = [request for row in table if (request := bound.render(row).request)]
    wires = [request.to_wire() for request in requests]
    prepared = [request.model_dump(exclude_none=True) for request in requests]
    ids = [row["customer_id"] for row in table]
    yield "rows", seconds(lambda: open_table(frame).chunks())
    yield "render (template and validation)", seconds(lambda: map(bound.render, table))
    yield "to_wire", seconds(lambda: (request.to_wire() for request in requests))
    yield "client_token", seconds(lambda: (client_token("bench", customer) for customer in ids))
    yield "fingerprint", seconds(lambda: map(fingerprint, wires))
    yield "all, frame to fingerprint", seconds(lambda: planned(frame))
    validate = StartChatContactRequest.model_validate
    yield "validation alone, prepared dicts", seconds(lambda: map(validate, prepared))


def measure_planning(rows: int) -> list[dict[str, Any]]:
    """Plan a table of so many rows into a new ledger, in a process of its own.

    Returns:
        name, value, unit and ratio of each figure: rows per second, and the same by processor
        time, against pydantic alone in the same process; seconds; and the peak memory, against
        that of a process with only the table.
    """
    command = [sys.executable, __file__, "child", str(rows)]
    child = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(child.stdout)
    rate, measure = rows / found["seconds"], found["validations_per_second"]
    cpu_seconds = found["cpu_seconds"]
    return [
        _figure(f"planning {rows:,} rows, frame to ledger", rate, "rows/s", rate / measure),
        _figure("pydantic alone, prepared dicts", measure, "rows/s", 1.0),
        _figure(f"planning {rows:,} rows, time", found["seconds"], "s", None),
        _figure(
            f"planning {rows:,} rows, CPU time", cpu_seconds, "s", rows / cpu_seconds / measure
        ),
        _figure(
            f"planning {rows:,} rows, peak memory",
            found["peak_mib"],
            "MiB",
            found["peak_mib"] / found["frame_mib"],
        ),
    ]


def _figure(name: str, value: float, unit: str, ratio: float | None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "ratio": ratio}


def plan_here(rows: int) -> dict[str, float]:
    """Plan so many rows in this process, then let pydantic validate some of them alone."""
    frame = customers(rows)
    frame_mib = peak_mib()
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder, Ledger(f"sqlite:///{folder}/ledger.db") as ledger:
        ledger.open_campaign("bench", "i-1", now=now)
        wall, cpu = time.perf_counter(), time.process_time()
        chunks = open_table(frame).chunks(chunk_rows=CHUNK_ROWS)
        plan_campaign(ledger, "bench", chunks, renderer(list(frame.columns)), now=now)
        spent = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "seconds": spent[0],
        "cpu_seconds": spent[1],
        "frame_mib": frame_mib,
        "peak_mib": peak_mib(),
        "validations_per_second": validations_per_second(frame.head(20_000)),
    }


def validations_per_second(frame: pd.DataFrame) -> float:
    """How fast pydantic alone validates the requests of a table."""
    bound = renderer(list(frame.columns))
    rendered = (bound.render(row).request for chunk in open_table(frame).chunks() for row in chunk)
    prepared = [request.model_dump(exclude_none=True) for request in rendered if request]
    validate = StartChatContactRequest.model_validate
    return len(prepared) / seconds(lambda: map(validate, prepared))


def peak_mib() -> float:
    """The largest memory of this process so far.

    Not from `getrusage`: there a process starts with the peak of the one that started it.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


def main() -> None:
    """Measure and print; or, as a child, plan and answer in JSON."""
    match sys.argv[1:]:
        case ["child", rows]:
            print(json.dumps(plan_here(int(rows))))
        case [*given]:
            _show(int(given[0]) if given else 100_000)


def _show(count: int) -> None:
    frame = customers(count)
    print(f"{count:,} rows, {len(frame.columns)} columns; best of 3\n")
    print(f"{'step':<36}{'s':>8}{'us/row':>9}{'rows/s':>11}")
    for name, spent in measured(frame):
        print(f"{name:<36}{spent:>8.2f}{spent / count * 1e6:>9.1f}{count / spent:>11,.0f}")
    print()
    for figure in measure_planning(count):
        ratio = "" if figure["ratio"] is None else f"{figure['ratio']:>8.2f}"
        print(f"{figure['name']:<44}{figure['value']:>12,.1f} {figure['unit']:<7}{ratio}")


if __name__ == "__main__":
    main()
