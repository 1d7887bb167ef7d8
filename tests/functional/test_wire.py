"""A few chats on each kind of bad wire: what is lost, and that none that lacks some is whole.

`python -m tests.bench.bench_wire` measures the same with many.
"""

from pathlib import Path

import pytest

from connect_tasks.campaign.results import CampaignResult
from connect_tasks.emulator import Fault, FaultKind
from tests.bench.bench_wire import Wire, measure_wire
from tests.functional.world import CAMPAIGN, always, customers, world

CHATS = 8
KINDS = [
    (FaultKind.FRAME_LOST, 0.05),
    (FaultKind.FRAME_SWAPPED, 0.2),
    (FaultKind.SOCKET_DROP, 0.03),
    (FaultKind.FRAME_DUPLICATED, 0.2),
]


@pytest.mark.parametrize("flow_ends", [True, False], ids=["the flow ends", "our side ends"])
@pytest.mark.parametrize(("kind", "share"), KINDS, ids=[kind for kind, _ in KINDS])
def test_a_chat_that_lacks_something_is_never_told_as_whole(
    kind: FaultKind, share: float, *, flow_ends: bool
) -> None:
    wire = Wire(what=str(kind), kind=kind, share=share, flow_ends=flow_ends, patience=2)

    (found,) = measure_wire(CHATS, [wire])

    assert found.chats == CHATS
    assert found.messages == CHATS * 43
    assert found.silent == 0
    assert found.told + found.unchecked == found.chats_lacking
    if not flow_ends:
        # The transcript is read right before: nothing can be missing.
        assert found.lost == 0


def test_a_good_wire_costs_one_reading_more_for_a_chat_of_several_messages_at_most() -> None:
    ends, closed, unchecked = measure_wire(
        CHATS,
        [
            Wire(what="good", patience=2, kind=None),
            Wire(what="good", patience=2, kind=None, flow_ends=False),
            Wire(what="good", patience=2, kind=None, flow_ends=False, checks=False),
        ],
    )

    assert (ends.lost, closed.lost, unchecked.lost) == (0, 0, 0)
    assert ends.reads <= 1
    # One before our side closes the chat, with and without checks.
    assert closed.reads <= 2
    assert unchecked.reads == 1
    assert ends.false_alarms + closed.false_alarms + unchecked.false_alarms == 0


def test_a_chat_whose_gap_could_not_be_read_before_it_ended_says_so_in_its_row(
    tmp_path: Path,
) -> None:
    faults = [
        Fault(operation="ChatFrame", kind=FaultKind.SOCKET_DROP, nth=2, per_customer=True),
        # What the participant service answers when the chat is over.
        always("GetTranscript", 403, "AccessDeniedException"),
    ]
    with world(tmp_path, faults=faults) as here:
        here.plan(customers(1))
        here.run()

        (row,) = here.contacts()
        summary = CampaignResult(CAMPAIGN, here.ledger.url).summary
    assert (row["status"], row["end_reason"]) == ("completed", "lost")
    assert row["transcript_complete"] is False
    assert row["error_code"] == "ChatEnded"
    assert "broken socket" in row["error_message"]
    assert summary["transcripts_incomplete"] == 1
