"""Judging: a policy's verdicts about contacts, taken and written where they take effect.

The rules of this file:

- A verdict counts in the transaction in which it was taken, and in no other: before the next step
  it is taken again.
- Where a limit counts what others send, everybody who judges waits for one lock first: two
  campaigns would otherwise both find the last allowed contact free.
- Who was not called yet is withheld, or waits. Of whom nobody knows whether a call reached them,
  the status stays: no call repeats it against the policy, and in the end a person decides.
- Who waits is nobody's: their claim ends, and the time at which they may be claimed is written.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from connect_tasks.ledger.contact import Status
from connect_tasks.ledger.decisions import Judged, record
from connect_tasks.ledger.history import histories
from connect_tasks.ledger.schema import contacts, decisions
from connect_tasks.ledger.verdicts import (
    Allow,
    Customer,
    Defer,
    History,
    HoldOut,
    Judge,
    Moment,
    Rule,
    Suppress,
    Verdict,
    reasons,
)

__all__ = ["CANDIDATE_COLUMNS", "Court", "lock", "lock_by", "may_be_judged", "verdicts_of"]

CANDIDATE_COLUMNS = [
    contacts.c[name]
    for name in (
        "id",
        "campaign",
        "customer_id",
        "customer_key",
        "status",
        "planned_at",
        "sent_at",
        "time_zone",
    )
]
"""What is asked of a contact to judge it."""

_BEGIN = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "LOCK TABLE contacts IN ROW EXCLUSIVE MODE"}
# Held until the transaction ends. The number is any that nobody else on the server uses.
_TAKE_TURNS = "SELECT pg_advisory_xact_lock(72746316)"
# How many who wait for the same opening are set aside at a time.
_PIECE = 10_000
_BY_THE_HOUR = frozenset({Rule.OUTSIDE_HOURS, Rule.RESTRICTED_PERIOD})

_Row = Mapping[Any, Any]


def lock(connection: sa.Connection, judge: Judge | None) -> None:
    """Wait until nobody else judges by what others send; first of all in a transaction.

    In SQLite nobody else writes then, also where nothing is judged: what is read stays so. In
    PostgreSQL who changes many contacts, or a policy, locks their table first: waited for here,
    and not while rows are held that they want.
    """
    _begin(connection)
    if judge is not None:
        _take_turns(connection, judge)


def lock_by(connection: sa.Connection, read: Callable[[], Judge]) -> Judge:
    """The same with a policy that is read meanwhile: no other one is said before the end."""
    _begin(connection)
    judge = read()
    _take_turns(connection, judge)
    return judge


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(_BEGIN[connection.dialect.name])


def _take_turns(connection: sa.Connection, judge: Judge) -> None:
    if judge.look_back and connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_TAKE_TURNS)


@dataclass(slots=True, kw_only=True)
class Court:
    """Judges contacts in one transaction, whose lock is held, and writes what follows.

    Args:
        connection: The transaction's.
        judge: The campaign's policy.
        now: The present time.
        moment: What is about to happen.
        token_validity: How long a client token holds.
        on_withheld: Told how many contacts were settled.
    """

    connection: sa.Connection
    judge: Judge
    now: datetime
    moment: Moment
    token_validity: timedelta
    on_withheld: Callable[[int], None] = lambda _: None
    _openings: dict[str | None, Defer] = field(default_factory=dict, init=False)

    def allowed(self, rows: Sequence[_Row]) -> list[int]:
        """Judge contacts; the numbers of those who may be called. The others are set aside.

        Args:
            rows: Contacts with `CANDIDATE_COLUMNS` that nobody else changes until the end.
        """
        verdicts = self._verdicts(rows)
        aside = [row for row in rows if not isinstance(verdicts[row["id"]], Allow)]
        # That somebody was allowed is told where it is used, and not each time it is asked.
        is_used = self.moment is Moment.START and self.judge.fingerprint
        self._record(rows if is_used else aside, verdicts)
        self._set_aside(aside, verdicts)
        return [number for number, verdict in verdicts.items() if isinstance(verdict, Allow)]

    def put_off(self, among: sa.ColumnElement[bool]) -> None:
        """Let others wait for the openings that those wait for who were judged, some thousands.

        Else a closing of the hours would have everybody judged one by one.

        Args:
            among: Which others a worker would claim now.
        """
        for zone, one in self._openings.items():
            theirs = (among, contacts.c.time_zone.is_not_distinct_from(zone))
            query = sa.select(contacts.c.id).where(*theirs).limit(_PIECE)
            ids = self.connection.scalars(query.with_for_update(skip_locked=True)).all()
            if not ids:
                continue
            which = contacts.c.id.in_(ids)
            update = sa.update(contacts).where(which)
            self.connection.execute(update.values(not_before=one.until, **_UNCLAIMED))
            self.connection.execute(self._same_for(which, one))

    def _verdicts(self, rows: Sequence[_Row]) -> Mapping[int, Verdict]:
        known = histories(
            self.connection,
            {row["customer_key"] for row in rows},
            self.judge,
            self.now,
            leaving_out=[row["id"] for row in rows],
        )
        return {row["id"]: self._verdict(row, known[row["customer_key"]]) for row in rows}

    def _verdict(self, row: _Row, history: History) -> Verdict:
        customer = Customer(
            customer_key=row["customer_key"],
            planned_at=row["planned_at"],
            time_zone=row["time_zone"],
        )
        verdict = self.judge.decide(customer, self.now, history)
        # They were to be contacted once, and perhaps were.
        return Allow() if isinstance(verdict, HoldOut) and row["sent_at"] else verdict

    def _record(self, rows: Sequence[_Row], verdicts: Mapping[int, Verdict]) -> None:
        judged = [
            Judged(
                campaign=row["campaign"],
                customer_id=row["customer_id"],
                customer_key=row["customer_key"],
                verdict=verdicts[row["id"]],
            )
            for row in rows
        ]
        policy = self.judge.fingerprint
        record(self.connection, judged, moment=self.moment, policy=policy, now=self.now)

    def _set_aside(self, rows: Sequence[_Row], verdicts: Mapping[int, Verdict]) -> None:
        settled = 0
        for row in rows:
            verdict = verdicts[row["id"]]
            if isinstance(verdict, Defer):
                self._update(row, not_before=verdict.until)
                self._note_opening(row, verdict)
            elif row["sent_at"] is None:
                settled += self._withhold(row, verdict)
            else:
                # Nobody knows whether a call reached them: none comes after it.
                self._update(row, not_before=row["sent_at"] + self.token_validity)
        if settled:
            self.on_withheld(settled)

    def _note_opening(self, row: _Row, verdict: Defer) -> None:
        """Note when the hours open where a customer is: the zone's, and nothing of their own."""
        zone = row["time_zone"]
        if zone in self._openings or not {why.rule for why in verdict.why} <= _BY_THE_HOUR:
            return
        anybody = Customer(customer_key="", planned_at=self.now, time_zone=zone)
        theirs = self.judge.decide(anybody, self.now, History())
        if row["status"] == Status.PLANNED and isinstance(theirs, Defer):
            self._openings[zone] = theirs

    def _withhold(self, row: _Row, verdict: Suppress | HoldOut | Allow) -> int:
        first = verdict.why[0]
        return self._update(
            row,
            status=Status.WITHHELD,
            error_code=first.rule,
            error_message=reasons(verdict.why),
            ended_at=self.now,
        )

    def _update(self, row: _Row, **values: Any) -> int:
        which = (contacts.c.id == row["id"], contacts.c.status == row["status"])
        written = {"sent_at": row["sent_at"], **values, **_UNCLAIMED}
        update = sa.update(contacts).where(*which).values(written)
        return self.connection.execute(update).rowcount

    def _same_for(self, which: sa.ColumnElement[bool], one: Defer) -> sa.Insert:
        first = one.why[0]
        columns = contacts.c
        shared = {
            "decided_at": self.now,
            "moment": self.moment,
            "decision": one.decision,
            "rule": first.rule,
            "value": first.value,
            "until": one.until,
            "reasons": [str(why) for why in one.why],
            "policy": self.judge.fingerprint,
        }
        literals = [sa.literal(value, decisions.c[name].type) for name, value in shared.items()]
        names = ["campaign", "customer_id", "customer_key", *shared]
        theirs = (columns.campaign, columns.customer_id, columns.customer_key)
        query = sa.select(*theirs, *literals).where(which)
        return sa.insert(decisions).from_select(names, query)


_UNCLAIMED: Mapping[str, Any] = {"claimed_by": None, "claimed_until": None}


def may_be_judged(ids: Collection[int]) -> sa.Select[Any]:
    """The contacts of these numbers, as `Court.allowed` takes them."""
    return sa.select(*CANDIDATE_COLUMNS).where(contacts.c.id.in_(ids)).order_by(contacts.c.id)


def verdicts_of(
    connection: sa.Connection,
    customers: Sequence[Customer],
    judge: Judge,
    now: datetime,
    campaign: str | None = None,
) -> dict[str, Verdict]:
    """What a policy says of customers now (some thousands at most), by their keys.

    It is not sure to hold when they are contacted, and decides nothing. Links that their campaign
    has given them already do not count against it.
    """
    keys = [one.customer_key for one in customers]
    known = histories(connection, keys, judge, now, leaving_out_links_of=campaign)
    return {one.customer_key: judge.decide(one, now, known[one.customer_key]) for one in customers}
