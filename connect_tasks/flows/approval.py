"""Approval by hand: a flow run pauses at the end of a ramp's step until a person lets it go on.

Prefect shows a paused run with a button and the numbers; `resume` of the campaign, as a function or
a flow, is the same word. Where no server is that a person could ask, the run ends instead.
"""

from collections.abc import Callable

from prefect import flow_runs
from prefect.context import FlowRunContext
from prefect.exceptions import FlowPauseTimeout
from prefect.input import RunInput
from prefect.settings import PREFECT_API_URL
from pydantic import Field

from connect_tasks.campaign import manage
from connect_tasks.campaign.worker_ramp import halt_words
from connect_tasks.ledger.contact import CampaignState
from connect_tasks.ledger.ramp_steps import Stand
from connect_tasks.ledger.ramps import RampDecision
from connect_tasks.ledger.store import Ledger
from connect_tasks.tasks.run_context import run_logger

__all__ = ["StepApproval", "with_approvals"]

SECONDS_TO_ANSWER = 86_400
"""How long a run stays paused; after that it ends, and the campaign waits on."""

_POLL_SECONDS = 5


class StepApproval(RunInput):
    """What a person says of a ramp's next step, in the form of a paused run."""

    go_on: bool = Field(default=True, description="Whether the next step begins.")


def with_approvals(campaign: str, ledger: Ledger, work: Callable[[], object]) -> None:
    """Work on a campaign, again after each step that a person approves.

    Called in a flow's own thread. A second call goes on where the campaign stands. Cancelled while
    it is paused, the campaign stays paused.

    Args:
        campaign: As it was entered.
        ledger: The campaign's.
        work: Works until nothing is left to do, or the campaign is paused.
    """
    work()
    while (stand := _asks(campaign, ledger)) and _is_approved(campaign, ledger, stand):
        manage.resume(campaign, ledger)
        work()


def _asks(campaign: str, ledger: Ledger) -> Stand | None:
    stand = ledger.ramp.halted(campaign)
    return stand if stand and stand.decision is RampDecision.ASK else None


def _is_approved(campaign: str, ledger: Ledger, stand: Stand) -> bool:
    words = halt_words(campaign, stand)
    if FlowRunContext.get() is None or not PREFECT_API_URL.value():
        run_logger().warning("%s", words)
        return False
    try:
        answer = flow_runs.pause_flow_run(  # type: ignore[call-overload]
            wait_for_input=StepApproval.with_initial_data(description=words, go_on=True),
            timeout=SECONDS_TO_ANSWER,
            poll_interval=_POLL_SECONDS,
            # Its types do not name it. In a notebook, whose loop runs, it would be a coroutine.
            _sync=True,
        )
    except FlowPauseTimeout:
        run_logger().warning("campaign %s: nobody answered; it stays paused", campaign)
        return False
    # What was said of the campaign itself meanwhile counts: stopped, it stays so.
    return bool(answer.go_on) and ledger.state(campaign) is not CampaignState.STOPPED
