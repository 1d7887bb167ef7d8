"""Which refusals of a start concern everybody, and what a start does that was withdrawn."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from connect_tasks.campaign.start import Start, is_campaign_wide
from connect_tasks.errors import AmazonError, OutcomeUnknownError, RetryableError
from connect_tasks.ledger.contact import Status
from tests.unit.virtual_time import LoopClock, run

REQUEST = {"InstanceId": "i", "ContactFlowId": "f"}


def test_not_found_concerns_everybody_while_nothing_was_started() -> None:
    assert is_campaign_wide(REQUEST, started_before=False)


def test_not_found_concerns_one_row_once_something_was_started() -> None:
    assert not is_campaign_wide(REQUEST, started_before=True)


@pytest.mark.parametrize("name", ["RelatedContactId", "PersistentChat"])
def test_not_found_concerns_a_row_that_names_a_contact_of_its_own(name: str) -> None:
    assert not is_campaign_wide({**REQUEST, name: "c"}, started_before=False)


class Claimed:
    """A contact that is claimed, without a ledger."""

    token_is_valid = True
    turn = None
    attempts = 0

    def __init__(self) -> None:
        self.request = REQUEST
        self.contact = SimpleNamespace(id=1, status=Status.PLANNED, sent_at=None, request="{}")

    async def step(self, status: Status, **values: object) -> None:
        self.contact = SimpleNamespace(**{**vars(self.contact), "status": status, **values})


@pytest.mark.parametrize("error", [OutcomeUnknownError("cut"), RetryableError("busy")])
def test_a_start_that_was_withdrawn_waits_for_no_further_call(error: AmazonError) -> None:
    calls = []

    async def story() -> float:
        clock = LoopClock()

        async def acquire(_: object) -> None:
            pass

        async def start_chat(request: object) -> None:
            calls.append(request)
            start.withdraw()
            raise error

        context = SimpleNamespace(
            calls=SimpleNamespace(starts=SimpleNamespace(acquire=acquire), start_chat=start_chat),
            clock=clock,
            policy=SimpleNamespace(next_wait=lambda **_: 1_000.0),
            random=None,
            token_validity=timedelta(hours=24),
        )
        start = Start(cast("Any", context), cast("Any", Claimed()), cast("Any", None))
        began = clock.monotonic()
        assert await start.run() is None
        return clock.monotonic() - began

    assert run(story()) == 0
    assert len(calls) == 1
