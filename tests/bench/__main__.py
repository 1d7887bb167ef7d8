"""All benchmarks in one table: `make bench`, or `python -m tests.bench [--quick] [lines]`."""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tests.bench import (
    bench_campaign,
    bench_collection,
    bench_connections,
    bench_ledger_size,
    bench_policy,
    bench_prefect,
    bench_presses,
    bench_quota,
    bench_rows,
    bench_serving,
    bench_starts,
    bench_words,
    machine,
)
from tests.bench.picture import draw
from tests.bench.table import Row, as_text

ROOT = Path(__file__).parents[2]
OUT = ROOT / "out" / "bench.json"
PICTURE = ROOT / "docs" / "starts-per-second.svg"


def lines(*, quick: bool) -> dict[str, Callable[[], Iterable[Row]]]:
    """What measures each line; quick for trying out, its numbers say little."""
    if quick:
        quota = [replace(each, seconds=each.seconds / 4) for each in bench_quota.SETTINGS]
        scarce = [replace(each, customers=60) for each in bench_connections.SETTINGS]
        whole = [replace(each, customers=200) for each in bench_campaign.SETTINGS]
        return {
            "a": lambda: bench_quota.measure_quota(quota),
            "b": lambda: bench_starts.measure_starts(400, 50),
            "c": lambda: bench_rows.measure_rows((10_000,), 10_000),
            "d": lambda: bench_prefect.measure_prefect((1_000,), 50),
            "e": lambda: bench_campaign.measure_campaigns(whole),
            "f": lambda: bench_connections.measure_connections(scarce),
            "h": lambda: bench_presses.measure_presses(2, (10, 30)),
            "i": lambda: bench_collection.measure_collection((100, 400)),
            "j": lambda: bench_serving.measure_serving(1_000, 1, 200),
            "k": lambda: bench_policy.measure_policy(10_000, (1_000, 10_000)),
            "l": lambda: bench_words.measure_words([bench_words.SMALL]),
            "m": lambda: bench_ledger_size.measure_sizes((1_000, 10_000)),
        }
    return {
        "a": bench_quota.measure_quota,
        "b": bench_starts.measure_starts,
        "c": bench_rows.measure_rows,
        "d": bench_prefect.measure_prefect,
        "e": bench_campaign.measure_campaigns,
        "f": bench_connections.measure_connections,
        "h": bench_presses.measure_presses,
        "i": bench_collection.measure_collection,
        "j": bench_serving.measure_serving,
        "k": bench_policy.measure_policy,
        "l": bench_words.measure_words,
        "m": bench_ledger_size.measure_sizes,
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what is asked for, print the table, and write `out/bench.json`."""
    arguments = _arguments(argv)
    if arguments.picture:
        draw(json.loads(OUT.read_text(encoding="utf-8"))["rows"], PICTURE)
        return
    where = machine.describe()
    print(machine.heading(where), flush=True)
    measure = lines(quick=arguments.quick)
    rows = list(_told(row for line in arguments.lines or measure for row in measure[line]()))
    print(f"\n{as_text(rows)}")
    OUT.parent.mkdir(exist_ok=True)
    found = {"machine": where, "quick": arguments.quick}
    found["rows"] = [{"line": row.line, "what": row.what, **row.raw} for row in rows]
    OUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=main.__doc__)
    parser.add_argument("lines", nargs="*", choices=[*lines(quick=True), []], help="all if none")
    parser.add_argument("--quick", action="store_true", help="short runs, to try the bench out")
    parser.add_argument(
        "--picture", action="store_true", help=f"draw {PICTURE.name} from the last run instead"
    )
    return parser.parse_args(argv)


def _told(rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        print(f"{row.line}  {row.what}: {row.measured}; {row.ratio}", flush=True)
        yield row


if __name__ == "__main__":
    main()
