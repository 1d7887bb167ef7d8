"""The steps of a ramp: how many contacts each one begins, and what is decided at its end.

A rate is over its limit when that is sure: when the exact lower bound (95 %, one-sided) of what was
counted is. So few contacts halt a campaign only by much; at a limit of 2 % it takes 3 of 20, 4 of
50 or 8 of 200.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial

from connect_tasks.campaign.policy.binomial import lower_bound
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.policy.ramp import Ramp
from connect_tasks.errors import InputError
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.ramps import RampDecision, StepCounts, Steps, StepVerdict

__all__ = ["check_ramp", "ramp_words", "step_verdict", "steps_of"]

_ALL = "ramp"
_MOST_TOLD = 3


def check_ramp(policy: OutreachPolicy, mode: CampaignMode) -> None:
    """Make sure that a policy's ramp, if it has one, can be kept in a campaign of this way.

    Raises:
        InputError: People start its chats themselves.
    """
    if policy.ramp is not None and mode is CampaignMode.INVITATION:
        raise InputError(
            "An invitation has no ramp: people press their buttons when they like, so that a step "
            "is never over. Leave the ramp out, and invite some customers first, in a table of "
            "their own."
        )


def steps_of(policy: OutreachPolicy, customers: Callable[[], int]) -> Steps | None:
    """A policy's ramp, as the ledger asks it; None if it has none.

    Args:
        policy: The campaign's.
        customers: Counts its customers; asked where the steps are shares of them.

    Example:
        >>> steps_of(OutreachPolicy(ramp=(0.01, 0.1)), lambda: 1_050).caps
        (11, 105)
    """
    ramp = policy.ramp
    if ramp is None:
        return None
    is_shares = any(isinstance(step, float) for step in ramp.steps)
    total = customers() if is_shares else 0
    return Steps(
        caps=tuple(_cap(step, total) for step in ramp.steps),
        lists=policy.lists,
        judge=partial(step_verdict, ramp),
        policy=policy.fingerprint,
    )


def ramp_words(policy: OutreachPolicy) -> str:
    """How a campaign with this policy begins, in words; empty without a ramp.

    Example:
        >>> ramp_words(OutreachPolicy(ramp=(20, 2_000)))
        'by its ramp the first 20, then looked at, the first 2,000, then looked at, then all others'
    """
    ramp = policy.ramp
    if ramp is None:
        return ""
    looked_at = "looked at" if ramp.approval == "automatic" else "looked at and approved by hand"
    steps = [f"the first {_share_words(step)}, then {looked_at}" for step in ramp.steps]
    if len(steps) > _MOST_TOLD:
        steps[_MOST_TOLD:] = [f"and so on in {len(steps)} steps"]
    return f"by its ramp {', '.join(steps)}, then all others"


def _share_words(step: float) -> str:
    return f"{step:,}" if isinstance(step, int) else f"{step * 100:g} %"


def _cap(step: float, customers: int) -> int:
    # Never nobody: a step that begins no contact would never be over.
    return step if isinstance(step, int) else max(1, math.ceil(round(step * customers, 6)))


def step_verdict(ramp: Ramp, counts: StepCounts) -> StepVerdict:
    """Decide at the end of a step. Pure: the same for the same counts.

    Args:
        ramp: What the policy says of it.
        counts: What became of the step's contacts.

    Returns:
        Whether to go on, halt, or ask a person; with all rates in words, those that are over their
        limit first.

    Example:
        >>> counts = StepCounts(step=1, steps=2, contacts=50, errors=4)
        >>> verdict = step_verdict(Ramp(steps=(50, 500)), counts)
        >>> verdict.decision.value, verdict.rule
        ('halt', 'errors')
        >>> verdict.reasons[0]
        'errors 4 of 50 (8.0 %), surely more than 2.8 %: at most 2 % are allowed'
    """
    told = list(_told(ramp, counts))
    over = [(rule, words) for rule, words, is_over in told if is_over]
    within = [words for _, words, is_over in told if not is_over]
    if over:
        reasons = (*(words for _, words in over), *within)
        return StepVerdict(decision=RampDecision.HALT, rule=over[0][0], reasons=reasons)
    decision = RampDecision.ASK if ramp.approval == "by_hand" else RampDecision.GO_ON
    return StepVerdict(decision=decision, rule=_ALL, reasons=tuple(within))


def _told(ramp: Ramp, counts: StepCounts) -> Iterator[tuple[str, str, bool]]:
    kinds = (
        ("errors", counts.errors, ramp.most_errors),
        ("opt_outs", counts.opt_outs, ramp.most_opt_outs),
        ("refusals", counts.refusals, ramp.most_refusals),
    )
    for rule, hits, most in kinds:
        rate = hits / counts.contacts if counts.contacts else 0.0
        words = f"{rule.replace('_', '-')} {hits:,} of {counts.contacts:,} ({rate * 100:.1f} %)"
        if most is None:
            yield rule, f"{words}: no limit", False
            continue
        least = lower_bound(hits, counts.contacts)
        is_over = least > most
        sure = f", surely more than {least * 100:.1f} %" if is_over else ""
        yield rule, f"{words}{sure}: at most {most * 100:g} % are allowed", is_over
