"""Line b: starts per second without a quota, against bare boto3 and against a task run each."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, TypeAlias

from connect_tasks import Conversation
from tests.bench.bench_prefect import mapped_starts, prefect_server
from tests.bench.parties import Job, bare_chats, bare_pool, plan, worker
from tests.bench.processes import Spent, Start, local_amazon, starting
from tests.bench.table import Row
from tests.postgresql import running_postgresql

__all__ = ["measure_starts"]

Transport: TypeAlias = Literal["lean", "boto3"]

# Connected, greeted, and left: what a start needs so that its chat lives.
_CONNECTED = Conversation(
    settle_seconds=0, max_replies=1, reply_timeout_seconds=30, close="leave_open"
)
_WHOLE = Conversation(settle_seconds=0, max_replies=1, reply_timeout_seconds=30)


def measure_starts(count: int = 2_000, mapped: int = 200) -> Iterator[Row]:
    """What boto3 makes comes before and after each campaign; the better of the two counts."""
    yield _against_bare(
        "starts, a slot for each, all connected", count // 2, _CONNECTED, open_chats=count
    )
    yield _against_bare("whole chats, 500 slots", count, _WHOLE, open_chats=500)
    yield _against_bare(
        "whole chats by boto3, 500 slots", count, _WHOLE, transport="boto3", open_chats=500
    )
    yield _against_script(count)
    yield _two_workers(count)
    yield _against_map(mapped)


def _against_bare(
    what: str,
    count: int,
    conversation: Conversation,
    transport: Transport = "lean",
    **limits: float,
) -> Row:
    bare = [_bare(count)]
    ours = _ours(count, conversation, transport, **limits)
    best = max([*bare, _bare(count)], key=lambda one: one["per_second"])
    return _row(f"{what}, {count:,} customers", ours, "bare boto3", best, "≥ 0.8")


def _against_script(count: int) -> Row:
    """Beside a script that does all that a chat takes; of two sizes of its pool the better one."""
    scripts = [_script(count, threads) for threads in (16, 64)]
    ours = _ours(count, _WHOLE, open_chats=500)
    scripts += [_script(count, threads) for threads in (16, 64)]
    best = max(scripts, key=lambda one: one["chats_per_second"])
    return _row(
        f"whole chats from the first start to the last end, 500 slots, {count:,} customers",
        ours,
        "a script with the same calls and sockets by boto3",
        best,
        "≥ 1.5",
        of="chats",
    )


def _two_workers(count: int) -> Row:
    """How whole chats grow with processes; the local Amazon Connect needs a core besides."""
    alone, both = (_by_workers(count, number) for number in (1, 2))
    return Row(
        line="b",
        what=f"whole chats on PostgreSQL, 500 slots, {count:,} customers: two workers",
        measured=f"{both['chats_per_second']:,.0f} chats/s",
        reference=f"one worker {alone['chats_per_second']:,.0f}/s",
        ratio=f"{both['chats_per_second'] / alone['chats_per_second']:.2f}",
        aim="say",
        raw={"one": alone, "two": both},
    )


def _by_workers(count: int, number: int) -> dict[str, float]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(running_postgresql(folder))
        amazon = stack.enter_context(local_amazon())
        job = Job.at(amazon, url, _WHOLE, open_chats=500)
        plan(job, count)
        workers = [stack.enter_context(starting(worker, job)) for _ in range(number)]
        before = amazon.cpu_seconds()
        for one in workers:
            one.ask("go")
        spent: list[Spent] = [one.hear() for one in workers]
        whole = Spent(max(one.wall_seconds for one in spent), sum(one.cpu_seconds for one in spent))
        return _figures(whole, amazon.starts(), amazon.cpu_seconds() - before, count)


def _row(
    what: str,
    ours: dict[str, float],
    whose: str,
    best: dict[str, float],
    aim: str,
    *,
    of: Literal["starts", "chats"] = "starts",
) -> Row:
    rate = "per_second" if of == "starts" else "chats_per_second"
    return Row(
        line="b",
        what=what,
        measured=f"{ours[rate]:,.0f} {of}/s, {ours['cpu_ms']:.2f} ms CPU each",
        reference=f"{whose} {best[rate]:,.0f}/s, {best['cpu_ms']:.2f} ms CPU each",
        ratio=f"{ours[rate] / best[rate]:.2f}",
        aim=aim,
        raw={"ours": ours, "best": best},
    )


def _bare(count: int) -> dict[str, float]:
    with local_amazon() as amazon, starting(bare_pool, amazon.where, count) as pool:
        pool.ask("go")
        return _figures(pool.hear(), amazon.starts(), 0, count)


def _script(count: int, threads: int) -> dict[str, float]:
    with local_amazon() as amazon, starting(bare_chats, amazon.where, count, threads) as script:
        before = amazon.cpu_seconds()
        script.ask("go")
        spent: Spent = script.hear()
        return _figures(spent, amazon.starts(), amazon.cpu_seconds() - before, count)


def _ours(
    count: int, conversation: Conversation, transport: Transport = "lean", **limits: float
) -> dict[str, float]:
    return _figures(*_campaign(count, conversation, transport, **limits), count)


def _figures(spent: Spent, starts: Sequence[Start], served: float, count: int) -> dict[str, float]:
    return {
        # With a slot for each, chats go on after the last start; without, starts wait for closes.
        "per_second": _rate(starts),
        "chats_per_second": count / (_last_end(starts) - starts[0].started_at),
        "wall_seconds": spent.wall_seconds,
        "cpu_ms": spent.cpu_seconds / count * 1e3,
        "amazon_cpu_ms": served / count * 1e3,
        "amazon_busy": served / spent.wall_seconds,
    }


def _last_end(starts: Sequence[Start]) -> float:
    return max(start.ended_at or start.started_at for start in starts)


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
