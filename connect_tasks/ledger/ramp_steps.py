"""The steps of a ramp: when one is over, what is decided then, and who lets a halted one go on.

The rules of this file:

- A step is over when as many contacts were begun as it has, and nobody is at one of them any more.
  Who has a chat in their own hands counts as settled: theirs ends when they like.
- What nobody knows the outcome of counts as an error. So does what a run could not bring to its
  end and no run of this table takes up: nobody waits for that.
- It is decided once, by whoever finds it first: the step, the campaign's state and the record are
  written together.
- Where nobody is left to be contacted there is no next step, and nothing to decide.
- A campaign that was halted, or waits for a person's word, is paused, and goes on with the next
  step when a person resumes it. Nothing else lets it go on.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

import sqlalchemy as sa

from connect_tasks.chat.dialogue import EndReason
from connect_tasks.ledger.claims import ClaimTerms, unclaimed, wanted
from connect_tasks.ledger.contact import OPEN, CampaignState, Status
from connect_tasks.ledger.ramps import (
    RampDecision,
    StepCounts,
    Steps,
    StepVerdict,
    allowance,
    customers_of,
    lock_ramp,
)
from connect_tasks.ledger.schema import campaigns, contacts, decisions
from connect_tasks.ledger.suppressions import suppressions_of
from connect_tasks.ledger.verdicts import Moment

__all__ = ["RampSteps", "Stand", "Standing"]

_Connect: TypeAlias = Callable[[], AbstractContextManager[sa.Connection]]

_WORKED_ON = (Status.PLANNED, Status.STARTING, *sorted(OPEN))
_PIECE = 1_000
_BY_PERSON = "a person resumed the campaign"


class Standing(StrEnum):
    """How a ramp stands, for a worker that has nothing to do."""

    FREE = "free"
    WAITING = "waiting"
    PASSED = "passed"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Stand:
    """How a ramp stands: whether more may be begun, and what was decided now or before, in words.

    `decision`, `reasons` and `where`, the step, are of a step that was passed just now, or of a
    campaign that waits for a person.
    """

    standing: Standing
    decision: RampDecision | None = None
    reasons: tuple[str, ...] = ()
    where: str = ""


_FREE = Stand(Standing.FREE)


class RampSteps:
    """The steps of the ramps in a ledger. Each method is one transaction; safe from many threads.

    Args:
        reading: Opens a connection for questions.
        writing: Opens one whose transaction is on disk when the block ends.
    """

    def __init__(self, reading: _Connect, writing: _Connect) -> None:
        self._reading = reading
        self._writing = writing

    def customers(self, campaign: str) -> int:
        """Of how many customers a share is reckoned; it takes a while in a large campaign."""
        with self._reading() as connection:
            return customers_of(connection, campaign)

    def look(
        self,
        campaign: str,
        worker: str,
        steps: Steps,
        *,
        now: datetime,
        terms: ClaimTerms,
        decides: bool,
    ) -> Stand:
        """Say whether a worker that found nothing to do has to wait for the ramp, or decide.

        A second call decides nothing again. Of two at once one decides, and the other is told.

        Args:
            campaign: The campaign's name.
            worker: Who asks; nothing that it holds is under way.
            steps: The campaign's ramp.
            now: The present time.
            terms: Which contacts the worker would take up.
            decides: Whether the step may end now; else its worker has something left to try.
        """
        with self._writing() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            # What this worker holds and will not send counts: else the step would never be over.
            left = allowance(connection, campaign, steps, now)
            if left != 0 or not _anybody(connection, _waits(campaign)):
                return _FREE
            if not decides or _is_under_way(connection, campaign, worker, now, terms):
                return Stand(Standing.WAITING)
            return _decide(connection, campaign, steps, now)

    def halted(self, campaign: str) -> Stand | None:
        """What a paused campaign waits for, if it was its ramp that paused it."""
        with self._reading() as connection:
            return _halted(connection, campaign)

    def passed(self, campaign: str, *, since: datetime) -> list[tuple[str, tuple[str, ...]]]:
        """The steps that were passed from a time on, each with its numbers, in their order."""
        columns = decisions.c
        query = (
            sa.select(columns.value, columns.reasons)
            .where(columns.customer_key == "", columns.campaign == campaign)
            .where(columns.moment == Moment.RAMP, columns.decision == RampDecision.GO_ON)
            .where(columns.decided_at >= since)
            .order_by(columns.id)
        )
        with self._reading() as connection:
            return [(value, tuple(reasons)) for value, reasons in connection.execute(query)]

    def resume(self, campaign: str, *, policy: str, now: datetime) -> bool:
        """Let a campaign that its ramp has paused begin with the next step, as a person says.

        Its state stays. A second call changes nothing.

        Args:
            campaign: The campaign's name.
            policy: The fingerprint of its policy, for the record.
            now: The present time.

        Returns:
            Whether it waited for that.
        """
        with self._writing() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            lock_ramp(connection, campaign)
            if _halted(connection, campaign) is None:
                return False
            last = _last(connection, campaign)
            verdict = StepVerdict(
                decision=RampDecision.RESUME, rule=last["rule"], reasons=(_BY_PERSON,)
            )
            _pass(connection, campaign)
            _record(connection, campaign, verdict, value=last["value"], policy=policy, now=now)
            return True


def _waits(campaign: str) -> sa.ColumnElement[bool]:
    return sa.and_(contacts.c.campaign == campaign, contacts.c.status == Status.PLANNED)


def _is_under_way(
    connection: sa.Connection, campaign: str, worker: str, now: datetime, terms: ClaimTerms
) -> bool:
    """Whether anybody is at a contact, or this worker would take one up that was begun."""
    columns = contacts.c
    held = sa.and_(
        columns.campaign == campaign,
        columns.claimed_until.is_not(None),
        columns.claimed_by != worker,
        columns.status.in_(_WORKED_ON),
        ~unclaimed(now),
    )
    begun_ones = [
        which & columns.sent_at.is_not(None)
        for status in (Status.STARTING, *OPEN)
        for which in wanted(campaign, worker, status, now, terms)
    ]
    return any(_anybody(connection, which) for which in (held, *begun_ones))


def _anybody(connection: sa.Connection, which: sa.ColumnElement[bool]) -> bool:
    return bool(connection.scalar(sa.select(sa.literal(1)).where(which).limit(1)))


def _decide(connection: sa.Connection, campaign: str, steps: Steps, now: datetime) -> Stand:
    state, step = connection.execute(
        sa.select(campaigns.c.state, campaigns.c.ramp_step).where(campaigns.c.campaign == campaign)
    ).one()
    if state != CampaignState.RUNNING:
        # A person's word: their `resume` brings the campaign here again.
        return _halted(connection, campaign) or Stand(Standing.PAUSED)
    counts = _counts(connection, campaign, step, steps, now)
    verdict = steps.judge(counts)
    value = f"step {counts.step} of {counts.steps}, {counts.contacts:,} contacts"
    _record(connection, campaign, verdict, value=value, policy=steps.policy, now=now)
    if verdict.decision is RampDecision.GO_ON:
        _pass(connection, campaign)
        return Stand(Standing.PASSED, verdict.decision, verdict.reasons, value)
    pause = sa.update(campaigns).where(campaigns.c.campaign == campaign)
    connection.execute(pause.values(state=CampaignState.PAUSED))
    return Stand(Standing.PAUSED, verdict.decision, verdict.reasons, value)


def _pass(connection: sa.Connection, campaign: str) -> None:
    one = sa.update(campaigns).where(campaigns.c.campaign == campaign)
    connection.execute(one.values(ramp_step=campaigns.c.ramp_step + 1))


def _record(
    connection: sa.Connection,
    campaign: str,
    verdict: StepVerdict,
    *,
    value: str,
    policy: str,
    now: datetime,
) -> None:
    """Of no customer: it is the campaign about which it was decided."""
    row = {
        "campaign": campaign,
        "customer_id": "",
        "customer_key": "",
        "decided_at": now,
        "moment": Moment.RAMP,
        "decision": verdict.decision,
        "rule": verdict.rule,
        "value": value,
        "reasons": list(verdict.reasons),
        "policy": policy,
    }
    connection.execute(sa.insert(decisions), row)


def _last(connection: sa.Connection, campaign: str) -> Mapping[Any, Any]:
    """What was decided last about the campaign itself; empty if nothing was."""
    columns = decisions.c
    query = (
        sa.select(columns.decision, columns.rule, columns.value, columns.reasons)
        .add_columns(columns.decided_at)
        # By this index: what was decided about customers is not gone through.
        .where(columns.customer_key == "", columns.campaign == campaign)
        .where(columns.moment == Moment.RAMP)
        .order_by(columns.id.desc())
        .limit(1)
    )
    return connection.execute(query).mappings().first() or {}


def _halted(connection: sa.Connection, campaign: str) -> Stand | None:
    last = _last(connection, campaign)
    if last.get("decision") not in {RampDecision.HALT, RampDecision.ASK}:
        return None
    decision = RampDecision(last["decision"])
    return Stand(Standing.PAUSED, decision, tuple(last["reasons"]), last["value"])


def _counts(
    connection: sa.Connection, campaign: str, step: int, steps: Steps, now: datetime
) -> StepCounts:
    """What became of the contacts that were begun since the step before was over."""
    rows = list(_of_step(connection, campaign))
    return StepCounts(
        step=step + 1,
        steps=len(steps.caps),
        contacts=len(rows),
        errors=sum(_is_error(row) for row in rows),
        refusals=sum(row["status"] == Status.FAILED for row in rows),
        opt_outs=_opt_outs(connection, rows, steps, now),
    )


def _of_step(connection: sa.Connection, campaign: str) -> Iterable[Mapping[Any, Any]]:
    columns = contacts.c
    since = _last(connection, campaign).get("decided_at")
    query = sa.select(
        columns.status,
        columns.end_reason,
        columns.handed_over_at,
        columns.customer_key,
        columns.sent_at,
    ).where(columns.campaign == campaign, columns.sent_at.is_not(None))
    if since is not None:
        query = query.where(columns.sent_at > since)
    return connection.execute(query).mappings()


def _is_error(row: Mapping[Any, Any]) -> bool:
    status = Status(row["status"])
    if status in {Status.FAILED, Status.WITHHELD} or row["handed_over_at"] is not None:
        return False
    return status is not Status.COMPLETED or row["end_reason"] == EndReason.LOST


def _opt_outs(
    connection: sa.Connection, rows: Iterable[Mapping[Any, Any]], steps: Steps, now: datetime
) -> int:
    sent_at = {row["customer_key"]: row["sent_at"] for row in rows}
    keys = list(sent_at)
    pieces = (keys[start : start + _PIECE] for start in range(0, len(keys), _PIECE))
    return sum(
        any(entry.added_at >= sent_at[key] for entry in entries)
        for piece in pieces
        for key, entries in suppressions_of(connection, piece, steps.lists, now).items()
    )
