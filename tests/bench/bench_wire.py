"""What a bad wire costs: messages that the ledger lacks, and whether their chats say so.

`python -m tests.bench.bench_wire [--chats N]` prints a table. Each chat has some forty
messages: ours, and answers in three bubbles each. What the local Amazon Connect holds is the truth.
"""

import argparse
import logging
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.run import run_campaign
from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.emulator.flows import scripts, steps
from connect_tasks.ledger.store import Ledger
from tests.bench.parties import session, unlimited

__all__ = ["WIRES", "Found", "Wire", "measure_wire"]

CAMPAIGN = "wire"
EXCHANGES, BUBBLES = 10, 3


def _bubbles(number: int) -> tuple[steps.Step, ...]:
    return tuple(steps.Say(steps.BOT, f"answer {number}.{n}") for n in range(BUBBLES))


def talks(_caller: steps.Caller) -> steps.Dialogue:
    """Answer in bubbles; our side ends the chat."""
    for number in range(EXCHANGES):
        yield _bubbles(number)
    yield _bubbles(EXCHANGES)


def talks_and_ends(_caller: steps.Caller) -> steps.Dialogue:
    """Answer in bubbles, and end the chat right behind the last of them."""
    for number in range(EXCHANGES):
        yield _bubbles(number)
    yield (*_bubbles(EXCHANGES), steps.End("CONTACT_FLOW_DISCONNECT"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """What goes wrong on the way.

    Args:
        what: In words.
        kind: The fault of frames; None for a good wire.
        share: Of how many frames.
        flow_ends: Whether the other side ends the chat, or ours does.
        checks: Whether the transcript is read where nothing seems wrong.
        patience: How long our side waits for an answer.
    """

    what: str
    kind: FaultKind | None
    share: float = 0
    flow_ends: bool = True
    checks: bool = True
    patience: float = 8

    @property
    def faults(self) -> list[Fault]:
        """For the local Amazon Connect."""
        return [Fault(operation="ChatFrame", kind=self.kind, share=self.share)] if self.kind else []

    def __str__(self) -> str:
        who = "the flow" if self.flow_ends else "our side"
        return f"{self.what}; {who} ends{'' if self.checks else '; without checks'}"


_LOST, _SWAPPED, _DROP = FaultKind.FRAME_LOST, FaultKind.FRAME_SWAPPED, FaultKind.SOCKET_DROP

WIRES = (
    Wire(what="good", kind=None),
    Wire(what="good", kind=None, flow_ends=False),
    Wire(what="2% of frames lost without a sign", kind=_LOST, share=0.02),
    Wire(what="2% of frames lost without a sign", kind=_LOST, share=0.02, checks=False),
    Wire(what="2% of frames lost without a sign", kind=_LOST, share=0.02, flow_ends=False),
    Wire(what="10% of frames behind the next one", kind=_SWAPPED, share=0.1),
    Wire(what="10% of frames behind the next one", kind=_SWAPPED, share=0.1, flow_ends=False),
    Wire(what="sockets cut behind 2% of frames", kind=_DROP, share=0.02),
    Wire(what="sockets cut behind 2% of frames", kind=_DROP, share=0.02, flow_ends=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came of the chats on one wire.

    Args:
        wire: Which.
        chats: How many there were.
        messages: How many messages Amazon has.
        lost: How many of them the ledger lacks.
        chats_lacking: How many chats lack some.
        told: How many of these are told as `lost`, or as incomplete.
        unchecked: How many of these are told as not checked.
        silent: How many of these are told as whole.
        false_alarms: How many that lack nothing are told as incomplete.
        ended: The end reasons.
        reads: GetTranscript calls for each chat.
    """

    wire: Wire
    chats: int
    messages: int
    lost: int
    chats_lacking: int
    told: int
    unchecked: int
    silent: int
    false_alarms: int
    ended: Counter[str]
    reads: float


def measure_wire(chats: int = 120, wires: Sequence[Wire] = WIRES) -> Iterator[Found]:
    """Hold so many chats over each wire, one wire after another."""
    flows = cast("dict[str, Any]", scripts.FLOWS)
    flows |= {"talks": talks, "talks-and-ends": talks_and_ends}
    try:
        for wire in wires:
            yield _measure(wire, chats)
    finally:
        del flows["talks"], flows["talks-and-ends"]


def _measure(wire: Wire, chats: int) -> Found:
    local = LocalConnect(
        flow="talks-and-ends" if wire.flow_ends else "talks",
        quotas=LocalQuotas.unlimited(),
        think_seconds=(0.01, 0.03),
        faults=wire.faults,
    )
    with (
        local,
        tempfile.TemporaryDirectory() as folder,
        Ledger(f"sqlite:///{folder}/l.db") as ledger,
    ):
        _run(local, ledger, _conversation(wire), chats)
        rows = [dict(row) for row in ledger.contact_records(CAMPAIGN)]
        heard = [dict(row) for row in ledger.message_records(CAMPAIGN)]
        return _judge(wire, local, rows, heard)


def _conversation(wire: Wire) -> Conversation:
    settings: dict[str, Any] = {
        "messages": [f"message {number}" for number in range(EXCHANGES)],
        "reply_timeout_seconds": wire.patience,
        "max_seconds": 120,
        "settle_seconds": 0.3,
        "check_transcript": wire.checks,
    }
    # So that an older version can be measured by the same program.
    known = {name: value for name, value in settings.items() if name in Conversation.model_fields}
    return Conversation.model_validate(known)


def _run(local: LocalConnect, ledger: Ledger, conversation: Conversation, chats: int) -> None:
    now = datetime.now(UTC)
    renderer = ChatTemplate().bind(
        instance_id=local.instance_id, contact_flow_id=local.flow_id, conversation=conversation
    )
    rows = [{"customer_id": f"c-{n}", "display_name": f"Customer {n}"} for n in range(chats)]
    ledger.open_campaign(CAMPAIGN, local.instance_id, now=now)
    plan_campaign(ledger, CAMPAIGN, [rows], renderer, now=now)
    api = ConnectApi(session, ClientOptions(parameters={"endpoint_url": local.endpoint_url}))
    instance = Instance(api=api, quotas=unlimited(starts_per_second=20, start_burst=5))
    run_campaign(ledger, CAMPAIGN, instance, conversation=conversation)


def _judge(
    wire: Wire, local: LocalConnect, rows: list[dict[str, Any]], heard: list[dict[str, Any]]
) -> Found:
    has: dict[str, set[str]] = {}
    for row in heard:
        has.setdefault(row["contact_id"], set()).add(row["message_id"])
    truth = {
        contact.contact_id: {item.id for item in contact.transcript if item.type == "MESSAGE"}
        for contact in local.contacts
    }
    lost = {name: len(ids - has.get(name, set())) for name, ids in truth.items()}
    lacking = [row for row in rows if lost.get(row["contact_id"])]
    told = [row for row in lacking if _is_told(row)]
    checked = [row.get("transcript_complete", True) for row in lacking]
    whole = [row for row in rows if row not in lacking]
    return Found(
        wire=wire,
        chats=len(rows),
        messages=sum(map(len, truth.values())),
        lost=sum(lost.values()),
        chats_lacking=len(lacking),
        told=len(told),
        unchecked=checked.count(None)
        - sum(row.get("transcript_complete", 1) is None for row in told),
        silent=sum(value is True for value in checked)
        - sum(row.get("transcript_complete", True) is True for row in told),
        false_alarms=sum(map(_is_told, whole)),
        ended=Counter(str(row["end_reason"]) for row in rows),
        reads=local.calls["GetTranscript"] / len(rows),
    )


def _is_told(row: dict[str, Any]) -> bool:
    return row["end_reason"] == "lost" or row.get("transcript_complete") is False


def as_table(found: Sequence[Found]) -> str:
    """For a terminal, and for the documentation."""
    heading = (
        "| wire | messages | lost | chats that lack some | … told as such | … as not checked "
        "| … as whole | whole ones told as not | ended | reads a chat |"
    )
    lines = [heading, "|---|---:|---:|---:|---:|---:|---:|---:|---|---:|"]
    for one in found:
        ended = ", ".join(f"{count} {name}" for name, count in one.ended.most_common())
        lines.append(
            f"| {one.wire} | {one.messages:,} | {one.lost} | {one.chats_lacking} | {one.told} "
            f"| {one.unchecked} | {one.silent} | {one.false_alarms} | {ended} | {one.reads:.2f} |"
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure all wires and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_wire", description=__doc__)
    parser.add_argument("--chats", type=int, default=120)
    logging.disable(logging.WARNING)
    found = list(measure_wire(parser.parse_args(argv).chats))
    print(as_table(found))


if __name__ == "__main__":
    main()
