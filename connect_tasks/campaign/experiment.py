"""The experiment of a campaign: what became of each arm, and what can surely be said of it.

The rules of this file:

- Rates are of those who were contacted, as the arms were dealt out: nobody is left out for what
  they did afterwards.
- A rate's interval is exact (Clopper and Pearson, 95 %). A difference's is made of exact ones of
  97.5 % each: it surely holds with 95 %, and is somewhat wider than it had to be. Each difference
  stands for itself: of many, some interval misses by chance.
- Who is held out was sent nothing, and so has no replies: what they can be compared by is what the
  caller knows of all customers.
- Before the planned samples of all arms are reached, and all transcripts are there, results are
  called preliminary, and nothing is concluded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connect_tasks.campaign.policy.assignment import is_held_out
from connect_tasks.campaign.policy.binomial import interval
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.policy.variant import HELD_OUT, OWN
from connect_tasks.ledger.arms import ArmMember

__all__ = ["ArmCounts", "arm_records", "count_arms", "difference"]

# Two of which each holds with 97.5 % hold together with 95 %.
_EACH_OF_TWO = 0.975


@dataclass(slots=True)
class ArmCounts:
    """How many customers of an arm came how far.

    `due` are those whose turn came: contacted, or held out when they would have been.
    `outcomes_known` and `outcomes_total` are of what the caller knows of those.
    """

    sample: int | None = None
    assigned: int = 0
    due: int = 0
    contacted: int = 0
    settled: int = 0
    reached: int = 0
    replied: int = 0
    opted_out: int = 0
    outcomes_known: int = 0
    outcomes_total: float = 0

    def add(self, member: ArmMember, outcome: float | None) -> None:
        """Count a customer; the outcome is None where nobody knows it."""
        is_due = member.is_contacted or member.is_held_out
        self.assigned += 1
        self.due += is_due
        self.contacted += member.is_contacted
        self.settled += member.is_settled
        self.reached += member.is_contacted and member.is_reached
        self.replied += member.is_contacted and member.is_replied
        self.opted_out += member.is_contacted and member.is_opted_out
        if is_due and outcome is not None:
            self.outcomes_known += 1
            self.outcomes_total += outcome

    @property
    def sample_reached(self) -> bool | None:
        """Whether as many as were planned are contacted and settled; None if none was planned."""
        return None if self.sample is None else self.settled >= self.sample


def count_arms(
    members: Iterable[ArmMember],
    policy: OutreachPolicy,
    outcomes: Mapping[str, float] | None = None,
) -> dict[str, ArmCounts]:
    """Count a campaign's customers by their arm.

    Who was contacted stays in the arm that they were contacted in, whatever the policy says by now.

    Args:
        members: The campaign's customers.
        policy: The campaign's.
        outcomes: What the caller knows of customers, by their keys.

    Returns:
        By arm: the variants by name, then `own` if anybody is in it, then `held_out` if the policy
        holds anybody out or somebody was.
    """
    arms = {
        name: ArmCounts(sample=policy.variants[name].sample) for name in sorted(policy.variants)
    }
    more: dict[str, ArmCounts] = {}
    if policy.hold_out:
        more[HELD_OUT] = ArmCounts()
    known = outcomes or {}
    for member in members:
        name = _arm_of(member, policy)
        counts = arms.get(name) or more.setdefault(name, ArmCounts())
        counts.add(member, known.get(member.customer_key))
    last = [name for name in (OWN, HELD_OUT) if name in more]
    gone = sorted(more.keys() - {OWN, HELD_OUT})
    return arms | {name: more[name] for name in (*gone, *last)}


def _arm_of(member: ArmMember, policy: OutreachPolicy) -> str:
    if not member.is_contacted and (member.is_held_out or is_held_out(member.customer_key, policy)):
        return HELD_OUT
    return member.variant or OWN


def arm_records(
    arms: Mapping[str, ArmCounts], *, outcomes_are_rates: bool | None = None
) -> list[dict[str, Any]]:
    """The arms as rows of a table, in their order.

    Args:
        arms: As `count_arms` gives them.
        outcomes_are_rates: Whether the caller's outcomes are true or false, and no amounts; None if
            there are none.
    """
    first = next(iter(arms), "")
    rows = []
    for name, counts in arms.items():
        row = _record(name, counts)
        if name not in {first, HELD_OUT} and first != HELD_OUT:
            row |= _apart("", counts.replied, counts.contacted, *_replies(arms[first]))
        if outcomes_are_rates is not None:
            row |= _outcome(counts, _control(arms), is_rate=outcomes_are_rates)
        rows.append(row)
    return rows


def _replies(counts: ArmCounts) -> tuple[int, int]:
    return counts.replied, counts.contacted


def _control(arms: Mapping[str, ArmCounts]) -> ArmCounts | None:
    """What outcomes are compared with: those who were held out, or else the first arm."""
    return arms.get(HELD_OUT) or next(iter(arms.values()), None)


def _record(name: str, counts: ArmCounts) -> dict[str, Any]:
    row: dict[str, Any] = {
        "arm": name,
        **{kind: getattr(counts, kind) for kind in ("assigned", "due", "contacted", "settled")},
        "sample": counts.sample,
        "sample_reached": counts.sample_reached,
    }
    if name == HELD_OUT:
        return row
    row |= {kind: getattr(counts, kind) for kind in ("reached", "replied", "opted_out")}
    return row | _rate("reply", counts.replied, counts.contacted)


def _rate(name: str, hits: int, of: int) -> dict[str, float]:
    if not of:
        return {}
    low, high = interval(hits, of)
    return {f"{name}_rate": hits / of, f"{name}_rate_low": low, f"{name}_rate_high": high}


def _apart(name: str, hits: int, of: int, hits_first: int, of_first: int) -> dict[str, float]:
    if not of or not of_first:
        return {}
    told = difference(hits, of, hits_first, of_first)
    names = (f"{name}difference", f"{name}difference_low", f"{name}difference_high")
    return dict(zip(names, told, strict=True))


def difference(hits: int, of: int, hits_first: int, of_first: int) -> tuple[float, float, float]:
    """How much higher a rate is than the first one, and between which bounds with 95 % or more.

    The bounds are those of two exact intervals, each of 97.5 %: a conservative method (Bonferroni),
    which holds also for few and for rates near 0 or 1.

    Args:
        hits: How often it happened.
        of: Of how many, one at least.
        hits_first: The same of the arm that is compared with.
        of_first: Of how many, one at least.

    Example:
        >>> [round(value, 3) for value in difference(30, 100, 20, 100)]
        [0.1, -0.104, 0.296]
    """
    low, high = interval(hits, of, _EACH_OF_TWO)
    low_first, high_first = interval(hits_first, of_first, _EACH_OF_TWO)
    return hits / of - hits_first / of_first, low - high_first, high - low_first


def _outcome(counts: ArmCounts, control: ArmCounts | None, *, is_rate: bool) -> dict[str, Any]:
    known, total = counts.outcomes_known, counts.outcomes_total
    row: dict[str, Any] = {"outcomes_known": known}
    if not is_rate:
        return row | ({"outcome_mean": total / known} if known else {})
    row |= {"outcomes": int(total)} | _rate("outcome", int(total), known)
    if control is None or control is counts:
        return row
    hits, of = int(control.outcomes_total), control.outcomes_known
    return row | _apart("outcome_", int(total), known, hits, of)
