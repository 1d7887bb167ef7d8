"""Line a: how much of a quota is used, and how often it is overrun.

The local Connect enforces exactly the quota that the campaign is told, and counts. What could have
been started is burst + rate x time, from the first start to the last.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connect_tasks import Conversation
from tests.bench.parties import Job, other_client, plan, worker
from tests.bench.processes import Amazon, Start, local_amazon, starting
from tests.bench.table import Row
from tests.postgresql import running_postgresql

__all__ = ["SETTINGS", "Setting", "measure_quota"]

# The flow greets, which is the reply that is waited for; then our side closes the chat.
_CONVERSATION = Conversation(settle_seconds=0, max_replies=1, reply_timeout_seconds=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A quota, and who shares it.

    Args:
        per_second: The quota.
        burst: How much of it may come at once.
        seconds: How long the campaign is to last, if it uses all of its quota.
        workers: How many processes work on the campaign.
        others: The share of the quota that another client takes.
        holds_chats: See `Job`.
    """

    per_second: int
    burst: int
    seconds: float
    workers: int = 1
    others: float = 0
    holds_chats: bool = True

    @property
    def customers(self) -> int:
        """As many as can be started in that time."""
        return round(self.burst + self.per_second * (1 - self.others) * self.seconds)

    def __str__(self) -> str:
        who = "one worker" if self.workers == 1 else f"{self.workers} workers on PostgreSQL"
        shared = f", another client takes {self.others:.0%}" if self.others else ""
        return f"{self.per_second}/s, burst {self.burst}: {who}{shared}"


def _thrice(per_second: int, burst: int, seconds: float, *, holds_chats: bool) -> list[Setting]:
    def setting(seconds: float = seconds, **more: Any) -> Setting:
        return Setting(
            per_second=per_second, burst=burst, seconds=seconds, holds_chats=holds_chats, **more
        )

    # What others take has to be found out first, by a few throttled calls: that takes its time.
    return [setting(), setting(workers=2), setting(max(40, 3 * seconds), others=0.5)]


SETTINGS = (
    *_thrice(5, 8, 40, holds_chats=True),
    *_thrice(50, 80, 20, holds_chats=True),
    # One process can pace so many, but neither start them by boto3 nor hold them.
    *_thrice(500, 800, 20, holds_chats=False),
)


def measure_quota(settings: Sequence[Setting] = SETTINGS) -> Iterator[Row]:
    """One row a setting."""
    for setting in settings:
        yield _row(setting)


def _row(setting: Setting) -> Row:
    quota = (setting.per_second, setting.burst)
    with local_amazon(start_chat_contact=quota) as amazon, _ledger(setting) as ledger_url:
        job = Job.at(
            amazon,
            ledger_url,
            _CONVERSATION,
            starts_per_second=setting.per_second,
            start_burst=setting.burst,
        )
        job = job if setting.holds_chats else job.without_chats()
        plan(job, setting.customers)
        their_calls, their_refusals = _run(setting, amazon, job)
        calls, refusals = amazon.calls()
        starts = amazon.starts()
    return _judge(setting, starts, calls - their_calls, refusals - their_refusals)


@contextmanager
def _ledger(setting: Setting) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="connect-tasks-") as folder:
        if setting.workers == 1:
            yield f"sqlite:///{folder}/ledger.db"
        else:
            with running_postgresql(Path(folder)) as url:
                yield url


def _run(setting: Setting, amazon: Amazon, job: Job) -> tuple[int, int]:
    """Run the campaign to its end; returns the calls and the refusals of the other client."""
    with ExitStack() as stack:
        workers = [stack.enter_context(starting(worker, job)) for _ in range(setting.workers)]
        other = None
        if setting.others:
            pace = setting.per_second * setting.others
            other = stack.enter_context(starting(other_client, amazon.where, pace))
            other.ask("go")
        for one in workers:
            one.ask("go")
        for one in workers:
            one.hear()
        if other is None:
            return 0, 0
        other.ask("stop")
        counted: tuple[int, int] = other.hear()
        return counted


def _judge(setting: Setting, starts: Sequence[Start], calls: int, refusals: int) -> Row:
    ours = [start.started_at for start in starts if start.customer_id.startswith("ours")]
    theirs = [start.started_at for start in starts if start.customer_id.startswith("other")]
    first, last = ours[0], ours[-1]
    taken = sum(first <= at <= last for at in theirs)
    possible = setting.burst + setting.per_second * (last - first) - taken
    return Row(
        line="a",
        what=str(setting),
        measured=f"{len(ours):,} starts in {last - first:.1f} s",
        reference=f"{possible:,.0f} possible" + (", theirs taken off" if taken else ""),
        ratio=f"{len(ours) / possible:.1%}, 429s {refusals / calls:.2%}",
        aim="≥ 90 %, ≤ 2 %" if setting.others else "≥ 99 %, ≤ 0.1 %",
        raw={
            "per_second": setting.per_second,
            "burst": setting.burst,
            "workers": setting.workers,
            "others": setting.others,
            "holds_chats": setting.holds_chats,
            "starts": len(ours),
            "seconds": last - first,
            "possible": possible,
            "ratio": len(ours) / possible,
            "calls": calls,
            "refusals": refusals,
            "ours_by_second": _by_second(ours, first, last),
            "theirs_by_second": _by_second(theirs, first, last),
        },
    )


def _by_second(times: Sequence[float], first: float, last: float) -> list[int]:
    counts = Counter(int(at - first) for at in times if first <= at <= last)
    return [counts[second] for second in range(int(last - first) + 1)]
