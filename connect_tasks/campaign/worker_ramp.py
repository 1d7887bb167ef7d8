"""The ramp of a worker: whether it has to wait for a step's end, may go on, or must stop."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from connect_tasks.campaign.worker_claims import WorkerClaims
from connect_tasks.errors import RampHaltedError
from connect_tasks.ledger.ramp_steps import Stand, Standing
from connect_tasks.ledger.ramps import RampDecision
from connect_tasks.ledger.store import Ledger

__all__ = ["WorkerRamp", "halt_words"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class WorkerRamp:
    """The campaign's ramp, as its worker asks it.

    Args:
        claims: The worker's.
    """

    claims: WorkerClaims

    async def stand(self, hurry: Callable[[], bool]) -> Stand | None:
        """How the ramp stands for a worker that found nothing to do; None where all may begin.

        Again, or concurrent with another worker's, it decides nothing twice. Cancelled, what was
        decided is in the ledger.

        Args:
            hurry: Whether there is something left to try, at once, before the step is over.
        """
        stand = await self._look(decides=False)
        if stand.standing is Standing.WAITING and not hurry():
            stand = await self._look(decides=True)
            self._tell_passed(stand)
        return None if stand.standing is Standing.FREE else stand

    def _tell_passed(self, stand: Stand) -> None:
        if stand.standing is Standing.PASSED:
            told = "; ".join(stand.reasons)
            _log.info("campaign %s goes on after %s: %s", self.claims.campaign, stand.where, told)

    async def _look(self, *, decides: bool) -> Stand:
        return await self.claims.ledger.run(partial(self._look_in, decides=decides))

    def _look_in(self, ledger: Ledger, *, decides: bool) -> Stand:
        claims = self.claims
        steps = claims.policy.steps(ledger)
        if steps is None:
            return Stand(Standing.FREE)
        terms, now = claims.terms, claims.clock.now()
        names = (claims.campaign, claims.worker)
        return ledger.ramp.look(*names, steps, now=now, terms=terms, decides=decides)

    async def stopped_by(self) -> Stand | None:
        """What a paused campaign waits for, if its ramp has paused it.

        It changes nothing, concurrent or cancelled.
        """
        return await self.claims.ledger.run(lambda ledger: ledger.ramp.halted(self.claims.campaign))

    def error(self, stand: Stand) -> RampHaltedError | None:
        """What a worker halts by where its ramp stands like this; None where it only ends."""
        words = halt_words(self.claims.campaign, stand)
        if stand.decision is RampDecision.HALT:
            return RampHaltedError(words)
        if stand.decision is RampDecision.ASK:
            _log.warning("%s", words)
        return None


def halt_words(campaign: str, stand: Stand) -> str:
    """What a campaign waits for that its ramp has paused, in sentences.

    Example:
        >>> stand = Stand(Standing.PAUSED, RampDecision.ASK, ("errors 0 of 50",), "step 1 of 2")
        >>> halt_words("renewals", stand)[:67]
        "Campaign 'renewals' waits for approval at the end of step 1 of 2: e"
    """
    told = "; ".join(stand.reasons)
    if stand.decision is RampDecision.ASK:
        return (
            f"Campaign {campaign!r} waits for approval at the end of {stand.where}: {told}. "
            "`resume` (as a flow, campaign-resume) lets the next step begin."
        )
    return (
        f"Campaign {campaign!r} was halted by its ramp at the end of {stand.where}: {told}. "
        "Find out why; `resume` (as a flow, campaign-resume) then goes on with the next step."
    )
