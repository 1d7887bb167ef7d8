"""Planning: from rows to planned contacts in the ledger. Nothing is sent."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connect_tasks.aws.idempotency import client_token
from connect_tasks.campaign.row_check import Intake, RowCheck, RowCounts, Rows, ValidRow
from connect_tasks.chat.template.renderer import RowRenderer
from connect_tasks.ledger.changes import Known, Planned
from connect_tasks.ledger.contact import Refusal, Status
from connect_tasks.ledger.store import Ledger

__all__ = ["CHUNK_ROWS", "Plan", "look_over", "plan_campaign"]

CHUNK_ROWS = 2_000
"""How many rows of a table to work on at a time."""

COMMIT_ROWS = 20_000
"""How many contacts to write at a time: enough that they share a commit's cost, which grows with
the ledger's size, and few enough that others wait for the ledger half a second at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a table came to.

    Args:
        campaign: The campaign's name.
        customer_ids: One entry a row: the customer to contact, or None for a refused row.
        added: Customers who are new in the campaign.
        known: Customers who were in it before.
        request_changed: Of these, customers who were already contacted, with another request
            than the table and template give now. The new request is not sent.
        rejected: Rows with something wrong.
        duplicate: Rows that repeat a customer.
        intake: The same for a forecast, with reasons and samples.
        index: The table's own index, if it has one.
    """

    campaign: str
    customer_ids: Sequence[str | None] = field(repr=False)
    added: int
    known: int
    request_changed: int
    rejected: int
    duplicate: int
    intake: Intake = field(repr=False)
    index: Any = field(default=None, repr=False)


def plan_campaign(
    ledger: Ledger,
    campaign: str,
    chunks: Iterable[Rows],
    renderer: RowRenderer,
    *,
    now: datetime,
    samples: int = 3,
    commit_rows: int = COMMIT_ROWS,
    on_progress: Callable[[RowCounts], None] = lambda _: None,
) -> Plan:
    """Enter a table's rows into a campaign.

    A second call with the same table changes nothing. Rows that are still only planned take a
    changed request; for customers already contacted it is counted and not sent. Contacts are
    written on the way: after an interruption a second call goes on. The refused rows are written
    at the end, and until then those of the table before are remembered.

    Args:
        ledger: Where the contacts are kept.
        campaign: The campaign, already open in the ledger.
        chunks: The rows, `CHUNK_ROWS` or so at a time.
        renderer: Makes requests of rows.
        now: The present time.
        samples: How many customers' messages to keep for a forecast.
        commit_rows: How many contacts to write at a time.
        on_progress: Called after each chunk.

    Raises:
        LedgerError: The ledger cannot be written.
    """
    planner = _Planner(ledger, campaign, RowCheck(renderer, samples), now, commit_rows)
    for rows in chunks:
        planner.add(rows)
        on_progress(planner.row_check.counts)
    return planner.finish()


def look_over(
    chunks: Iterable[Rows],
    renderer: RowRenderer,
    *,
    samples: int = 3,
    known: Callable[[Sequence[str]], Mapping[str, Known]] = lambda _: {},
    on_progress: Callable[[RowCounts], None] = lambda _: None,
) -> Intake:
    """Find out what a table would come to, and write nothing.

    Args:
        chunks: The rows, `CHUNK_ROWS` or so at a time.
        renderer: Makes requests of rows.
        samples: How many customers' messages to keep.
        known: What a campaign already holds of some customers.
        on_progress: Called after each chunk.

    Example:
        ```python
        from connect_tasks.campaign.planning import look_over
        from connect_tasks import ChatTemplate

        template = ChatTemplate(display_name="{{ name }}")
        renderer = template.bind(instance_id="i-1", contact_flow_id="f-1")
        look_over([[{"customer_id": "0042", "name": "Ada"}]], renderer).valid
        ```
    """
    row_check, contacted = RowCheck(renderer, samples), 0
    for rows in chunks:
        valid, _ = row_check.check(rows)
        contacted += _contacted(known([row.customer_id for row in valid]).values())
        on_progress(row_check.counts)
    return row_check.intake(contacted)


@dataclass(slots=True)
class _Planner:
    ledger: Ledger
    campaign: str
    row_check: RowCheck
    now: datetime
    commit_rows: int
    planned: list[Planned] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    added: int = 0
    known: int = 0
    contacted: int = 0
    request_changed: int = 0

    def add(self, rows: Rows) -> None:
        """Take the next rows of the table in."""
        valid, refused = self.row_check.check(rows)
        self.refusals += refused
        known = self.ledger.known(self.campaign, [row.customer_id for row in valid])
        planned = [self._plan(row, known.get(row.customer_id)) for row in valid]
        self.planned += [row for row in planned if row]
        self.added += len(valid) - len(known)
        self.known += len(known)
        self.contacted += _contacted(known.values())
        if len(self.planned) >= self.commit_rows:
            self._commit()

    def finish(self) -> Plan:
        """Write what is left, and the refused rows; sum up."""
        self._commit()
        self.ledger.replace_refusals(self.campaign, self.refusals)
        intake = self.row_check.intake(self.contacted)
        return Plan(
            campaign=self.campaign,
            customer_ids=self.row_check.customer_ids,
            added=self.added,
            known=self.known,
            request_changed=self.request_changed,
            rejected=intake.rejected,
            duplicate=intake.duplicate,
            intake=intake,
        )

    def _commit(self) -> None:
        if self.ledger.plan(self.campaign, self.planned, now=self.now) < len(self.planned):
            for start in range(0, len(self.planned), CHUNK_ROWS):
                self._recount(self.planned[start : start + CHUNK_ROWS])
        self.planned.clear()

    def _recount(self, planned: Sequence[Planned]) -> None:
        """Rows that looked new may be of customers who were forgotten: they are not entered."""
        customer_ids = [row.customer_id for row in planned]
        found = self.ledger.recognised(self.campaign, customer_ids)
        forgotten = len(found) - len(self.ledger.known(self.campaign, customer_ids))
        self.added -= forgotten
        self.known += forgotten
        self.contacted += forgotten

    def _plan(self, valid: ValidRow, known: Known | None) -> Planned | None:
        """What to write for a valid row; None if the ledger has it or it must stay as it is."""
        row = _planned(valid, self.campaign, known.generation if known else 1)
        if known is None:
            return row
        if (row.fingerprint, row.messages) == (known.fingerprint, known.messages):
            return None
        if known.status is Status.PLANNED:
            return row
        self.request_changed += row.fingerprint != known.fingerprint
        return None


def _planned(valid: ValidRow, campaign: str, generation: int) -> Planned:
    token = client_token(campaign, valid.customer_id, generation)
    return Planned(
        customer_id=valid.customer_id,
        generation=generation,
        client_token=token,
        request=valid.request.signed(token),
        fingerprint=valid.request.fingerprint,
        messages=valid.messages,
    )


def _contacted(known: Iterable[Known]) -> int:
    return sum(customer.status is not Status.PLANNED for customer in known)
