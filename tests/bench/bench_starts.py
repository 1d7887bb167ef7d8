"""Line b: starts per second without a quota, against bare boto3 and against a task run each."""

import tempfile
from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

from connect_tasks import Conversation
from tests.bench.bench_prefect import mapped_starts, prefect_server
from tests.bench.parties import Job, bare_pool, plan, worker
from tests.bench.processes import Spent, Start, local_amazon, starting
from tests.bench.table import Row

__all__ = ["measure_starts"]

Transport: TypeAlias = Literal["lean", "boto3"]

# Connected, greeted, and left: what a start needs so that its chat lives.
_CONNECTED = Conversation(
    settle_seconds=0, max_replies=1, reply_timeout_seconds=30, close="leave_open"
)
_WHOLE = Conversation(settle_seconds=0, max_replies=1, reply_timeout_seconds=30)


def measure_starts(count: int = 2_000, mapped: int = 200) -> Iterator[Row]:
    """The bare pool comes before and after each campaign; the better of the two is the measure."""
    yield _against_bare(
        "starts, a slot for each, all connected", count // 2, _CONNECTED, open_chats=count
    )
    yield _against_bare("whole chats, 500 slots", count, _WHOLE, open_chats=500)
    yield _against_bare(
        "whole chats by boto3, 500 slots", count, _WHOLE, transport="boto3", open_chats=500
    )
    yield _against_map(mapped)


def _against_bare(
    what: str,
    count: int,
    conversation: Conversation,
    transport: Transport = "lean",
    **limits: float,
) -> Row:
    bare = [_bare(count)]
    spent, starts, served = _campaign(count, conversation, transport, **limits)
    bare.append(_bare(count))
    best = max(bare, key=lambda one: one["per_second"])
    # With a slot for each, chats go on after the last start; without, starts wait for closes.
    per_second = (len(starts) - 1) / (starts[-1].started_at - starts[0].started_at)
    return Row(
        line="b",
        what=f"{what}, {count:,} customers",
        measured=f"{per_second:,.0f} starts/s, {spent.cpu_seconds / count * 1e3:.2f} ms CPU each",
        reference=f"bare boto3 {best['per_second']:,.0f}/s, {best['cpu_ms']:.2f} ms CPU each",
        ratio=f"{per_second / best['per_second']:.2f}",
        aim="≥ 0.8",
        raw={
            "customers": count,
            "per_second": per_second,
            "connected": sum(start.connected_at is not None for start in starts),
            "wall_seconds": spent.wall_seconds,
            "cpu_ms": spent.cpu_seconds / count * 1e3,
            "amazon_cpu_ms": served / count * 1e3,
            "bare": bare,
        },
    )


def _bare(count: int) -> dict[str, float]:
    with local_amazon() as amazon, starting(bare_pool, amazon.where, count) as pool:
        pool.ask("go")
        spent: Spent = pool.hear()
        return {
            "per_second": _rate(amazon.starts()),
            "wall_seconds": spent.wall_seconds,
            "cpu_ms": spent.cpu_seconds / count * 1e3,
        }


def _campaign(
    count: int, conversation: Conversation, transport: Transport = "lean", **limits: float
) -> tuple[Spent, Sequence[Start], float]:
    with tempfile.TemporaryDirectory() as folder, local_amazon() as amazon:
        job = Job.at(amazon, f"sqlite:///{folder}/ledger.db", conversation, **limits)
        plan(job, count)
        with starting(worker, job.carried_by(transport)) as one:
            before = amazon.cpu_seconds()
            one.ask("go")
            spent: Spent = one.hear()
        return spent, amazon.starts(), amazon.cpu_seconds() - before


def _against_map(count: int) -> Row:
    _, ours, _ = _campaign(count, _CONNECTED, open_chats=count)
    with prefect_server() as server, local_amazon() as amazon:
        mapped_starts(server, amazon, count)
        theirs = amazon.starts()
    return Row(
        line="b",
        what=f"starts against start_chat.map, {count:,} customers",
        measured=f"{_rate(ours):,.0f} starts/s",
        reference=f"{_rate(theirs):,.1f} starts/s",
        ratio=f"{_rate(ours) / _rate(theirs):,.0f} times",
        aim="say",
        raw={"customers": count, "per_second": _rate(ours), "mapped_per_second": _rate(theirs)},
    )


def _rate(starts: Sequence[Start]) -> float:
    return (len(starts) - 1) / (starts[-1].started_at - starts[0].started_at)
