"""Line c: rows to planned contacts, and tables in and out: how fast, and in how much memory."""

from collections.abc import Iterator, Mapping, Sequence

from tests.bench import bench_tables
from tests.bench.bench_planning import measure_planning
from tests.bench.table import Row

__all__ = ["measure_rows"]

_SHOWN = ("DataFrame in pieces", "Parquet in pieces", "result.contacts", "result.to_parquet")


def measure_rows(
    planned: Sequence[int] = (100_000, 1_000_000), tables: int = 100_000
) -> Iterator[Row]:
    """One row a number of customers, and one for each way in and out."""
    for count in planned:
        yield _planning(count)
    measured = bench_tables.measure(tables)
    for name in _SHOWN:
        yield _table(name, tables, measured)


def _planning(count: int) -> Row:
    # In this order: our rows/s, pydantic's, seconds, CPU seconds, peak memory.
    figures = measure_planning(count)
    ours, theirs, spent, _, peak = (figure["value"] for figure in figures)
    return Row(
        line="c",
        what=f"planning {count:,} rows, frame to ledger",
        measured=f"{ours:,.0f} rows/s, {spent:.1f} s, {peak:,.0f} MiB",
        reference=f"pydantic alone {theirs:,.0f} rows/s",
        ratio=f"{ours / theirs:.2f}",
        aim="1,000,000: ≤ 90 s, ≤ 1,536 MiB",
        raw={"customers": count, "figures": figures},
    )


def _table(name: str, count: int, measured: Mapping[str, Mapping[str, float]]) -> Row:
    own, alone = measured[name], measured["imports alone"]
    more = own["peak_mib"] - alone["peak_mib"]
    return Row(
        line="c",
        what=f"{name}, {count:,} rows",
        measured=f"{own['seconds']:.1f} s, {own['peak_mib']:,.0f} MiB",
        reference=f"imports alone {alone['peak_mib']:,.0f} MiB",
        ratio=f"{more * 1024 / count:.2f} KiB a row",
        aim="flat a row",
        raw={"customers": count, "measured": name, **own, "imports_mib": alone["peak_mib"]},
    )
