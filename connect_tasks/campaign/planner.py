"""The planner: a table on its way into the ledger, chunk by chunk."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from connect_tasks.aws.idempotency import canonical_key, client_token
from connect_tasks.campaign.plan import Plan
from connect_tasks.campaign.planned_verdicts import PlannedVerdicts, never
from connect_tasks.campaign.request_changes import ChangedRequests
from connect_tasks.campaign.row_check import RowCheck
from connect_tasks.campaign.row_maker import Rows, ValidRow
from connect_tasks.campaign.warnings import near_campaigns, slip_of_the_pen
from connect_tasks.ledger.changes import Known, Planned
from connect_tasks.ledger.contact import CampaignMode, Refusal, Status, Withdrawal
from connect_tasks.ledger.keys import is_whole
from connect_tasks.ledger.next_chats import NextChat
from connect_tasks.ledger.rows import written_row
from connect_tasks.ledger.store import Ledger
from connect_tasks.ledger.verdicts import Defer, Verdict, Why

__all__ = ["CHUNK_ROWS", "Planner", "contacted"]

CHUNK_ROWS = 2_000
"""How many rows of a table to work on at a time."""

# How many customers are looked for in a campaign of nearly the same name.
_SOME = 100


@dataclass(slots=True)
class Planner:
    """One table being entered into a campaign: give it the rows, and let it finish.

    Args:
        ledger: Where the contacts are kept.
        campaign: The campaign, by its exact name.
        row_check: Finds the rows that are valid, and makes their requests.
        verdicts: Says who may be contacted when.
        now: The present time.
        commit_rows: How many contacts to write at a time.
        shared_numbers: Whether customers may share a number.
        table_id: This planning's.
    """

    ledger: Ledger
    campaign: str
    row_check: RowCheck
    verdicts: PlannedVerdicts
    now: datetime
    commit_rows: int
    shared_numbers: bool
    table_id: str
    planned: list[Planned] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    added: int = 0
    known: int = 0
    contacted: int = 0
    kept_out: int = 0
    changed: ChangedRequests = field(default_factory=ChangedRequests)
    taken_out: Collection[str] = ()
    has_forgotten: bool = field(init=False)
    has_links: bool = field(init=False)

    def __post_init__(self) -> None:
        self.has_forgotten = self.ledger.has_forgotten(self.campaign)
        self.has_links = self.ledger.mode(self.campaign) is CampaignMode.INVITATION

    def add(self, rows: Rows) -> None:
        """Take the next rows of the table in."""
        valid, refused = self.row_check.check(rows)
        self.refusals += refused
        known = self._known([row.customer_id for row in valid])
        if self.has_links:
            known |= self._say_for_next(valid, known)
        welcome = [row for row in valid if row.customer_key not in self.taken_out]
        self.kept_out += len(valid) - len(welcome)
        said = self.verdicts.of(valid, known)
        planned = [
            self._plan(row, known.get(row.customer_id), said.get(row.customer_key))
            for row in welcome
        ]
        self.planned += [row for row in planned if row]
        self._name_again(known, {row.customer_id for row in planned if row}, said)
        self.added += len(valid) - len(known)
        self.known += len(known)
        self.contacted += contacted(known.values())
        if len(self.planned) >= self.commit_rows:
            self._commit()

    def finish(self) -> Plan:
        """Write what is left, and the refused rows; sum up."""
        self._commit()
        # First: killed in between, nobody is told as refused whom a later run would contact.
        withdrawn = self._withdraw()
        self.ledger.replace_refusals(self.campaign, self.refusals)
        intake = self.row_check.intake(self.contacted)
        return Plan(
            campaign=self.campaign,
            customer_ids=self.row_check.customer_ids,
            added=self.added,
            known=self.known,
            request_changed=self.changed.count,
            request_changes=self.changed.details(
                partial(self.ledger.requests, self.campaign), self.row_check.columns
            ),
            rejected=intake.rejected,
            duplicate=intake.duplicate,
            withdrawn=withdrawn,
            kept_out=self.kept_out,
            outside=self.ledger.outside(self.campaign, self.table_id),
            table_id=self.table_id,
            warnings=(*intake.warnings, *self._slips()),
            intake=intake,
            outlook=self.verdicts.outlook,
        )

    def _slips(self) -> Iterator[str]:
        """Only while nobody of the table was contacted: later it is too late to warn."""
        if self.contacted:
            return
        near = near_campaigns(self.campaign, self.ledger.campaigns())
        some = [name for name in self.row_check.customer_ids[:CHUNK_ROWS] if name][:_SOME]
        yield from slip_of_the_pen(self.campaign, near, some, self.ledger.known)

    def _known(self, customer_ids: Sequence[str]) -> dict[str, Known]:
        known = self.ledger.known(self.campaign, customer_ids)
        if not self.has_forgotten:
            return known
        odd = [name for name in customer_ids if name not in known and self._was_odd(name)]
        return known | self.ledger.recognised(self.campaign, odd) if odd else known

    def _was_odd(self, customer_id: str) -> bool:
        """Whether an earlier version may have made another token, so that ours would not collide.

        Where it did not, writing finds those who were forgotten, and looking would take long.
        """
        key = canonical_key(customer_id)
        return is_whole(key) or key != customer_id or canonical_key(self.campaign) != self.campaign

    def _say_for_next(
        self, valid: Sequence[ValidRow], known: Mapping[str, Known]
    ) -> Mapping[str, Known]:
        """Say what customers' next chats are to be; those of whom something new is, looked up anew.

        A press may have planned the next one just before it was said: that one is corrected then.
        """
        pairs = [(row, known[row.customer_id]) for row in valid if row.customer_id in known]
        there = [(row, found) for row, found in pairs if not found.is_forgotten]
        said = self.ledger.next_chats.of(self.campaign, [row.customer_key for row, _ in there])
        self.taken_out = {key for key, one in said.items() if one.taken_out is Withdrawal.BY_PERSON}
        new: dict[str, str | None] = {}
        names = []
        for row, found in there:
            was, text = said.get(row.customer_key, NextChat()), self._next_row(row, found)
            if text != was.row or was.taken_out is Withdrawal.BY_TABLE:
                new[row.customer_key] = text
                names.append(row.customer_id)
        if not new:
            return {}
        self.ledger.next_chats.say(self.campaign, new)
        return self.ledger.known(self.campaign, names)

    def _next_row(self, valid: ValidRow, known: Known) -> str | None:
        row = _planned(valid, self.campaign, known.generation, known.client_token)
        is_new = known.may_be_followed and not _is_same(row, known)
        return written_row(row) if is_new and _in_same_arm(valid, known) else None

    def _name_again(
        self, known: Mapping[str, Known], anew: Collection[str], said: Mapping[str, Verdict]
    ) -> None:
        """Who stays as planned, or may have been contacted, is this table's too."""
        waiting = {Status.PLANNED, Status.STARTING, Status.UNKNOWN}
        names = [n for n, found in known.items() if found.status in waiting and n not in anew]
        if names:
            free = [key for key, verdict in said.items() if not isinstance(verdict, Defer)]
            self.ledger.name_again(self.campaign, names, self.table_id, free=free)

    def _withdraw(self) -> int:
        """Nobody is contacted whom the table has wrong, unless another row has them right."""
        reasons = {
            refusal.customer_key: refusal.error_message
            for refusal in self.refusals
            if refusal.customer_key and not self.row_check.has(refusal.customer_key)
        }
        names = list(reasons)
        pieces = (names[start : start + CHUNK_ROWS] for start in range(0, len(names), CHUNK_ROWS))
        return sum(
            self.ledger.withdraw(
                self.campaign,
                {name: reasons[name] for name in piece},
                Withdrawal.BY_TABLE,
                now=self.now,
            )
            for piece in pieces
        )

    def _commit(self) -> None:
        taken: list[Planned] = []
        written = self.ledger.plan(
            self.campaign,
            self.planned,
            now=self.now,
            table_id=self.table_id,
            policy=self.verdicts.fingerprint,
            on_taken=None if self.shared_numbers else taken.append,
        )
        if taken:
            self._take_back(taken)
        if written < len(self.planned):
            for start in range(0, len(self.planned), CHUNK_ROWS):
                self._recount(self.planned[start : start + CHUNK_ROWS])
        self.planned.clear()

    def _take_back(self, taken: Sequence[Planned]) -> None:
        """Rows whose number another customer of the campaign has are no valid ones."""
        self.refusals += [
            self.row_check.take_back(row.customer_key, row.customer_id) for row in taken
        ]
        there = self.ledger.known(self.campaign, [row.customer_id for row in taken])
        self.known -= len(there)
        self.added -= len(taken) - len(there)
        gone = {row.customer_key for row in taken}
        self.planned = [row for row in self.planned if row.customer_key not in gone]

    def _recount(self, planned: Sequence[Planned]) -> None:
        """Rows that looked new may be of customers who were forgotten: they are not entered."""
        customer_ids = [row.customer_id for row in planned]
        found = self.ledger.recognised(self.campaign, customer_ids)
        forgotten = len(found) - len(self.ledger.known(self.campaign, customer_ids))
        self.added -= forgotten
        self.known += forgotten
        self.contacted += forgotten

    def _plan(
        self, valid: ValidRow, known: Known | None, verdict: Verdict | None
    ) -> Planned | None:
        """What to write for a valid row; None if the ledger has it or it must stay as it is."""
        if known is None:
            return _planned(valid, self.campaign, 1, withheld=never(verdict))
        if known.is_forgotten:
            return None
        if known.is_withdrawn or known.status is Status.WITHHELD:
            return self._plan_again(valid, known, verdict)
        row = _planned(valid, self.campaign, known.generation, known.client_token)
        if known.status is Status.PLANNED:
            of_policy = (row.time_zone, row.variant) == (known.time_zone, known.variant)
            return None if _is_same(row, known) and of_policy else row
        if _is_same(row, known):
            return None
        is_for_next = self.has_links and known.is_unjoined
        is_another = row.fingerprint != known.fingerprint and _in_same_arm(valid, known)
        if is_another and not is_for_next:
            where = self.row_check.row_of(valid.customer_key)
            self.changed.add(valid.customer_id, where, valid.request)
        return None

    def _plan_again(self, valid: ValidRow, known: Known, verdict: Verdict | None) -> Planned | None:
        """Who was withdrawn for a wrong row is planned anew, nobody having contacted them.

        So is whom the policy withheld and does not any more.
        """
        if known.error_code == Withdrawal.BY_PERSON:
            self.kept_out += 1
            return None
        if known.status is Status.WITHHELD:
            is_so = self.verdicts.stays_withheld(valid.customer_key, known, verdict)
            return None if is_so else _planned(valid, self.campaign, known.generation + 1)
        again = known.generation + 1
        return _planned(valid, self.campaign, again, withheld=never(verdict))


def _planned(
    valid: ValidRow,
    campaign: str,
    generation: int,
    token: str | None = None,
    withheld: tuple[Why, ...] = (),
) -> Planned:
    # A contact keeps the token that it was written with, which an earlier version made otherwise.
    if token is None:
        is_first = generation == 1
        token = valid.token if is_first else client_token(campaign, valid.customer_key, generation)
    return Planned(
        customer_id=valid.customer_id,
        customer_key=valid.customer_key,
        generation=generation,
        client_token=token,
        request=valid.request.signed(token),
        fingerprint=valid.fingerprint,
        messages=valid.messages,
        time_zone=valid.time_zone,
        variant=valid.variant,
        withheld=withheld,
        endpoint=valid.endpoint,
    )


def _in_same_arm(valid: ValidRow, known: Known) -> bool:
    """Who was contacted stays in the arm that they were contacted in, whatever a policy says."""
    return valid.variant == known.variant


def _is_same(row: Planned, known: Known) -> bool:
    return (row.fingerprint, row.messages) == (known.fingerprint, known.messages)


def contacted(known: Iterable[Known]) -> int:
    """How many of a campaign's customers were contacted, or may have been."""
    not_yet = {Status.PLANNED, Status.WITHHELD}
    return sum(one.status not in not_yet and not one.is_withdrawn for one in known)
