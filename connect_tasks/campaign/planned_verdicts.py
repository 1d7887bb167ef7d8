"""Planned verdicts: what a campaign's policy says of a table's customers while it is planned.

Only who is never to be contacted is settled here. Who may be contacted later, or is held out, is
planned like everybody, and judged again when their turn has come.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from connect_tasks.campaign.outlook import Outlook, OutlookCounter
from connect_tasks.campaign.policy.assignment import held_out_by
from connect_tasks.campaign.policy.judge import PolicyJudge
from connect_tasks.campaign.row_maker import ValidRow
from connect_tasks.ledger.changes import Known
from connect_tasks.ledger.contact import Status, Withdrawal
from connect_tasks.ledger.reader import LedgerReader
from connect_tasks.ledger.verdicts import (
    Customer,
    Defer,
    History,
    Rule,
    Suppress,
    Verdict,
    Why,
)

__all__ = ["PlannedVerdicts", "never"]


class PlannedVerdicts:
    """Judges the rows of a table piece by piece, and counts the verdicts.

    Args:
        judge: The campaign's policy.
        ledger: Knows whom other campaigns have contacted and who opted out; None without one.
        now: The present time.
        campaign: In which campaign, if there is one already: a link that it has given out does not
            count against itself.
    """

    def __init__(
        self,
        judge: PolicyJudge,
        ledger: LedgerReader | None,
        now: datetime,
        campaign: str | None = None,
    ) -> None:
        self._judge = judge
        self._is_held_out = held_out_by(judge.policy)
        self._ledger = ledger
        self._campaign = campaign
        self._now = now
        self._counter = OutlookCounter(now)

    @property
    def outlook(self) -> Outlook:
        """What was decided so far, counted."""
        return self._counter.outlook()

    @property
    def fingerprint(self) -> str:
        """Which policy decides."""
        return self._judge.fingerprint

    def of(self, valid: Sequence[ValidRow], known: Mapping[str, Known]) -> dict[str, Verdict]:
        """The verdicts about those whom nobody has contacted yet, by their keys.

        Args:
            valid: Rows, some thousands at most.
            known: What the campaign holds of their customers, by their ids.
        """
        customers = [
            self._customer(row, known.get(row.customer_id))
            for row in valid
            if _waits(known.get(row.customer_id))
        ]
        verdicts = self._decide(customers)
        for one in customers:
            self._count(one, verdicts[one.customer_key])
        return verdicts

    def stays_withheld(self, customer_key: str, known: Known, verdict: Verdict | None) -> bool:
        """Whether a customer whom the policy withheld is to stay so.

        Who is held out is so at every hour, also where the verdict is that others have to wait.
        """
        was_held_out = known.error_code == Rule.HELD_OUT
        stays_out = was_held_out and self._is_held_out(customer_key)
        return stays_out or bool(never(verdict))

    def _count(self, customer: Customer, verdict: Verdict) -> None:
        lifetime = self._judge.policy.expires_after
        self._counter.add(
            verdict,
            # Who may be contacted now is not, and who is held out now is counted as that.
            is_held_out=isinstance(verdict, Defer) and self._is_held_out(customer.customer_key),
            expires_at=None if lifetime is None else _sum(customer.planned_at, lifetime),
        )

    def _decide(self, customers: Sequence[Customer]) -> dict[str, Verdict]:
        if self._ledger is None:
            nothing = History()
            return {
                one.customer_key: self._judge.decide(one, self._now, nothing) for one in customers
            }
        return self._ledger.verdicts(customers, self._judge, now=self._now, campaign=self._campaign)

    def _customer(self, row: ValidRow, known: Known | None) -> Customer:
        is_planned = known is not None and not known.is_withdrawn
        planned_at = known.planned_at if known and is_planned else None
        return Customer(
            customer_key=row.customer_key,
            planned_at=planned_at or self._now,
            time_zone=row.time_zone,
        )


def _sum(at: datetime, lifetime: timedelta) -> datetime | None:
    """None where no calendar goes so far."""
    try:
        return at + lifetime
    except OverflowError:
        return None


def never(verdict: Verdict | None) -> tuple[Why, ...]:
    """Why a customer is never contacted, if that is so.

    Example:
        >>> never(Suppress((Why(Rule.EXPIRED),)))[0].rule.value, never(None)
        ('expired', ())
    """
    return verdict.why if isinstance(verdict, Suppress) else ()


def _waits(known: Known | None) -> bool:
    if known is None:
        return True
    if known.is_forgotten or known.error_code == Withdrawal.BY_PERSON:
        return False
    return known.is_withdrawn or known.status in {Status.PLANNED, Status.WITHHELD}
