"""How fast a table becomes requests: `python tests/bench/bench_planning.py [rows]`.

Prints one table: each step by itself, all of them, and, as the measure, pydantic alone validating
the same requests from prepared dicts in the same run. No pass or fail: machines differ.
"""

import gc
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import pandas as pd

from connect_tasks.frames import rows
from connect_tasks.models import StartChatContactRequest
from connect_tasks.template import ChatTemplate, Conversation, RowRenderer
from connect_tasks.tokens import client_token, fingerprint


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
    """The best of three runs; nothing that is made is kept."""
    times = []
    for _ in range(3):
        gc.collect()
        # What was prepared for the measure must not be walked through again and again by it.
        gc.freeze()
        start = time.perf_counter()
        deque(work(), maxlen=0)
        times.append(time.perf_counter() - start)
    return min(times)


def planned(frame: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Everything from the frame to what the ledger gets, chunk by chunk."""
    bound = renderer(list(frame.columns))
    for chunk in rows(frame):
        for row in chunk:
            request = bound.render(row).request
            if request is None or request.customer_id is None:
                raise AssertionError(f"no request of {row}")
            yield client_token("bench", request.customer_id), fingerprint(request.to_wire())


def measured(frame: pd.DataFrame) -> Iterator[tuple[str, float]]:
    """Each step's name and seconds."""
    bound = renderer(list(frame.columns))
    table = [row for chunk in rows(frame) for row in chunk]
    requests = [request for row in table if (request := bound.render(row).request)]
    wires = [request.to_wire() for request in requests]
    prepared = [request.model_dump(exclude_none=True) for request in requests]
    ids = [row["customer_id"] for row in table]
    yield "rows", seconds(lambda: rows(frame))
    yield "render (template and validation)", seconds(lambda: map(bound.render, table))
    yield "to_wire", seconds(lambda: (request.to_wire() for request in requests))
    yield "client_token", seconds(lambda: (client_token("bench", customer) for customer in ids))
    yield "fingerprint", seconds(lambda: map(fingerprint, wires))
    yield "all, frame to fingerprint", seconds(lambda: planned(frame))
    validate = StartChatContactRequest.model_validate
    yield "validation alone, prepared dicts", seconds(lambda: map(validate, prepared))


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    frame = customers(count)
    print(f"{count:,} rows, {len(frame.columns)} columns; best of 3\n")
    print(f"{'step':<36}{'s':>8}{'us/row':>9}{'rows/s':>11}")
    for name, spent in measured(frame):
        print(f"{name:<36}{spent:>8.2f}{spent / count * 1e6:>9.1f}{count / spent:>11,.0f}")


if __name__ == "__main__":
    main()
