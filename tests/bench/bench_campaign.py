"""Line e: how long a campaign takes, against the least that its quotas allow.

The ideal is customers / min(rate, slots / chat time), with the burst taken off where the rate
binds. Chat time is what the other side takes, as set; what our side
adds to it counts against us.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connect_tasks import Conversation
from tests.bench.parties import Job, plan, worker
from tests.bench.processes import Spent, Start, local_amazon, starting
from tests.bench.table import Row

__all__ = ["SETTINGS", "Setting", "measure_campaigns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A campaign and its limits.

    Args:
        what: Which limit binds.
        customers: How many.
        per_second: The quota of starts.
        slots: The quota of open chats.
        chat_seconds: How long the other side talks; it thinks twice and then ends the chat.
    """

    what: str
    customers: int
    per_second: float
    slots: int
    chat_seconds: float

    @property
    def burst(self) -> int:
        """In the proportion of a new account's quota."""
        return round(self.per_second * 1.6)

    @property
    def ideal_seconds(self) -> float:
        """The least that is possible; a burst that comes first is no merit of ours."""
        by_rate = (self.customers - self.burst) / self.per_second
        by_slots = self.customers * self.chat_seconds / self.slots
        return max(by_rate, by_slots)

    def __str__(self) -> str:
        return (
            f"{self.what}: {self.customers:,} customers, {self.per_second:g}/s, "
            f"{self.slots} slots, {self.chat_seconds:g} s a chat"
        )


SETTINGS = (
    Setting(what="slots bind", customers=1_000, per_second=50, slots=100, chat_seconds=4),
    Setting(what="rate binds", customers=1_000, per_second=20, slots=500, chat_seconds=1),
)


def measure_campaigns(settings: Sequence[Setting] = SETTINGS) -> Iterator[Row]:
    """One row a setting."""
    for setting in settings:
        yield _row(setting)


def _row(setting: Setting) -> Row:
    conversation = Conversation(settle_seconds=0, messages=("9",), reply_timeout_seconds=30)
    rate: dict[str, Any] = {
        "start_chat_contact": (setting.per_second, setting.burst),
        "open_chats": setting.slots,
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        local_amazon("survey", think_seconds=setting.chat_seconds / 2, **rate) as amazon,
    ):
        job = Job.at(
            amazon,
            f"sqlite:///{folder}/ledger.db",
            conversation,
            starts_per_second=setting.per_second,
            start_burst=setting.burst,
            open_chats=setting.slots,
        )
        plan(job, setting.customers)
        with starting(worker, job) as one:
            one.ask("go")
            spent: Spent = one.hear()
        starts = amazon.starts()
    return _judge(setting, spent, starts)


def _judge(setting: Setting, spent: Spent, starts: list[Start]) -> Row:
    lasted = [start.ended_at - start.started_at for start in starts if start.ended_at]
    return Row(
        line="e",
        what=str(setting),
        measured=f"{spent.wall_seconds:.1f} s",
        reference=f"ideal {setting.ideal_seconds:.1f} s",
        ratio=f"{spent.wall_seconds / setting.ideal_seconds:.3f}",
        aim="≤ 1.05",
        raw={
            "what": setting.what,
            "customers": setting.customers,
            "per_second": setting.per_second,
            "burst": setting.burst,
            "slots": setting.slots,
            "chat_seconds": setting.chat_seconds,
            "mean_chat_seconds": sum(lasted) / len(lasted),
            "first_start_to_last_seconds": starts[-1].started_at - starts[0].started_at,
            "ideal_seconds": setting.ideal_seconds,
            "wall_seconds": spent.wall_seconds,
            "cpu_seconds": spent.cpu_seconds,
            "ratio": spent.wall_seconds / setting.ideal_seconds,
        },
    )
