"""Everything goes wrong at once, again and again: nobody twice, nobody forgotten."""

from pathlib import Path

import pytest

from connect_tasks import Conversation, RetryPolicy
from connect_tasks.emulator import Fault, FaultKind
from tests.functional.world import World, customers, world

CALLS = (
    "StartChatContact",
    "StopContact",
    "DescribeContact",
    "CreateParticipantConnection",
    "SendMessage",
    "GetTranscript",
)
KINDS = (
    FaultKind.ERROR_BEFORE,
    FaultKind.ERROR_AFTER,
    FaultKind.CUT_BEFORE,
    FaultKind.CUT_AFTER,
    FaultKind.TRUNCATED,
)
SOCKET_KINDS = (
    FaultKind.SOCKET_DROP,
    FaultKind.FRAME_LOST,
    FaultKind.FRAME_DUPLICATED,
    FaultKind.FRAME_SWAPPED,
)
STORM = [
    *(Fault(operation=call, kind=kind, share=0.02) for call in CALLS for kind in KINDS),
    *(Fault(operation="ChatFrame", kind=kind, share=0.02) for kind in SOCKET_KINDS),
    *(Fault.throttle(call, share=0.02) for call in CALLS),
    *(Fault.untyped_429(call, share=0.02) for call in CALLS),
    Fault.no_slot(share=0.02),
]


def run_until_settled(here: World, most: int = 6) -> int:
    """How many runs it took until no contact was left open."""
    for runs in range(1, most + 1):
        here.run()
        if {row["status"] for row in here.contacts()} <= {"completed", "failed"}:
            return runs
    raise AssertionError("some contacts are still open")


def stored_of(here: World, contact_id: str) -> list[str]:
    rows = here.ledger.message_records("renewals")
    return [row["message_id"] for row in rows if row["contact_id"] == contact_id]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_storm_of_faults_contacts_everybody_once_and_loses_no_message(
    tmp_path: Path, seed: int
) -> None:
    with world(tmp_path, flow="echo", faults=STORM, seed=seed) as here:
        here.policy = RetryPolicy(attempts=5, wait_initial_seconds=0.01, wait_max_seconds=0.05)
        here.conversation = Conversation(
            settle_seconds=0, messages=("one", "two"), max_replies=2, reply_timeout_seconds=1
        )
        here.plan(customers(80))
        run_until_settled(here)

        assert len(here.local.injected) >= 25
        assert here.made() == {f"{number:04}": 1 for number in range(80)}
        is_whole = {row["contact_id"]: row["transcript_complete"] for row in here.contacts()}
        for contact in here.local.contacts:
            stored = stored_of(here, contact.contact_id)
            heard = [item.id for item in contact.transcript if item.participant_role == "SYSTEM"]
            assert len(stored) == len(set(stored))
            # Readings fail here too, and on a busy machine all of them may: then it is said.
            assert set(heard) <= set(stored) or not is_whole[contact.contact_id]
            assert stored == [item.id for item in contact.transcript if item.id in stored]
