"""From rows to planned contacts: validate, render, make the token, write. Nothing is sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connect_tasks.contact import Refusal, Status
from connect_tasks.ledger import Known, Ledger, Planned
from connect_tasks.models import StartChatContactRequest
from connect_tasks.renderer import Rendered, RowRenderer
from connect_tasks.tokens import canonical_json, client_token, fingerprint

__all__ = ["Plan", "plan_campaign"]


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
        index: The table's own index, if it has one.
    """

    campaign: str
    customer_ids: Sequence[str | None] = field(repr=False)
    added: int
    known: int
    request_changed: int
    rejected: int
    duplicate: int
    index: Any = field(default=None, repr=False)


def plan_campaign(
    ledger: Ledger,
    campaign: str,
    chunks: Iterable[Sequence[Mapping[str, Any]]],
    renderer: RowRenderer,
    *,
    now: datetime,
) -> Plan:
    """Enter a table's rows into a campaign.

    A second call with the same table changes nothing. Rows that are still only planned take a
    changed request; for customers already contacted it is counted and not sent.

    Args:
        ledger: Where the contacts are kept.
        campaign: The campaign, already open in the ledger.
        chunks: The rows, some thousands at a time.
        renderer: Makes requests of rows.
        now: The present time.

    Raises:
        LedgerError: The ledger cannot be written.
    """
    planner = _Planner(ledger, campaign, renderer, now)
    for rows in chunks:
        planner.add(rows)
    return planner.finish()


@dataclass(slots=True)
class _Planner:
    ledger: Ledger
    campaign: str
    renderer: RowRenderer
    now: datetime
    customer_ids: list[str | None] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)
    added: int = 0
    request_changed: int = 0

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take the next rows of the table in."""
        valid = [accepted for row in rows if (accepted := self._accept(row))]
        known = self.ledger.known(self.campaign, [request.customer_id for request in valid])
        planned = [self._plan(request, known.get(request.customer_id)) for request in valid]
        self.ledger.plan(self.campaign, [row for row in planned if row], now=self.now)

    def finish(self) -> Plan:
        """Write the refused rows and sum up."""
        self.ledger.replace_refusals(self.campaign, self.refusals)
        duplicate = sum(row.status is Status.DUPLICATE for row in self.refusals)
        return Plan(
            campaign=self.campaign,
            customer_ids=self.customer_ids,
            added=self.added,
            known=len(self.positions) - self.added,
            request_changed=self.request_changed,
            rejected=len(self.refusals) - duplicate,
            duplicate=duplicate,
        )

    def _accept(self, row: Mapping[str, Any]) -> "_Valid | None":
        """A row's request; None, with the reason noted, if it is refused."""
        rendered = self.renderer.render(row)
        if rendered.request is None:
            self._refuse(_given_id(row), "InvalidRow", _reasons(rendered))
            return None
        customer_id = str(rendered.request.customer_id)
        if customer_id in self.positions:
            reason = f"repeats the customer of row {self.positions[customer_id]}"
            self._refuse(customer_id, "DuplicateCustomer", reason)
            return None
        self.positions[customer_id] = len(self.customer_ids)
        self.customer_ids.append(customer_id)
        return _Valid(customer_id, rendered.request, rendered.messages)

    def _refuse(self, customer_id: str | None, code: str, reason: str) -> None:
        refusal = Refusal(
            position=len(self.customer_ids),
            customer_id=customer_id,
            status=Status.DUPLICATE if code == "DuplicateCustomer" else Status.REJECTED,
            error_code=code,
            error_message=reason,
        )
        self.refusals.append(refusal)
        self.customer_ids.append(None)

    def _plan(self, valid: "_Valid", known: Known | None) -> Planned | None:
        """What to write for a valid row; None if the ledger has it or it must stay as it is."""
        generation = known.generation if known else 1
        row = valid.planned(self.campaign, generation)
        if known is None:
            self.added += 1
            return row
        if (row.fingerprint, row.messages) == (known.fingerprint, known.messages):
            return None
        if known.status is Status.PLANNED:
            return row
        self.request_changed += row.fingerprint != known.fingerprint
        return None


@dataclass(frozen=True, slots=True)
class _Valid:
    customer_id: str
    request: StartChatContactRequest
    messages: tuple[str, ...]

    def planned(self, campaign: str, generation: int) -> Planned:
        token = client_token(campaign, self.customer_id, generation)
        wire = self.request.to_wire()
        return Planned(
            customer_id=self.customer_id,
            generation=generation,
            client_token=token,
            request=canonical_json({**wire, "ClientToken": token}),
            fingerprint=fingerprint(wire),
            messages=self.messages,
        )


def _given_id(row: Mapping[str, Any]) -> str | None:
    value = row.get("customer_id")
    return None if value is None else str(value)[:128]


def _reasons(rendered: Rendered) -> str:
    return "; ".join(map(str, rendered.problems))
