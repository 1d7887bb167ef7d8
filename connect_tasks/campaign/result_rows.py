"""The rows of a campaign's result: one for each row of its table, or for each customer."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any, TypeAlias

from connect_tasks.campaign.plan import Plan
from connect_tasks.errors import InputError
from connect_tasks.ledger.contact import Refusal
from connect_tasks.ledger.store import Ledger

__all__ = ["Record", "contact_records"]

Record: TypeAlias = Mapping[str, Any]

# How many customers are looked up at once.
_LOOKUP_ROWS = 2_000


def contact_records(ledger: Ledger, campaign: str, plan: Plan | None) -> Iterator[Record]:
    """One record a row of the table, with the reasons where it was refused.

    Args:
        ledger: Where the contacts are.
        campaign: As it was called by whoever asks.
        plan: The table; without it, all customers of the campaign, in the last table or not, and
            then the refused rows of that table.

    Raises:
        InputError: The table was planned in another ledger.
    """
    name = ledger.existing_campaign(campaign)
    refused = ledger.refused_rows(name)
    if plan is None:
        yield from ledger.contact_records(name, latest_only=True, with_requests=False)
        yield from (_refused(name, row) for row in refused)
    else:
        yield from _row_by_row(ledger, name, plan.customer_ids, iter(refused))


def _row_by_row(
    ledger: Ledger, campaign: str, customers: Iterable[str | None], refused: Iterator[Refusal]
) -> Iterator[Record]:
    rows = enumerate(customers)
    refusal = next(refused, None)
    while piece := list(islice(rows, _LOOKUP_ROWS)):
        known = [customer for _, customer in piece if customer is not None]
        found = ledger.contacts_of(campaign, known)
        for position, customer in piece:
            # Another table may have been planned since, with other rows refused.
            while refusal and refusal.position < position:
                refusal = next(refused, None)
            here = refusal if refusal and refusal.position == position else None
            if customer is None:
                yield _refused(campaign, here)
            else:
                yield _contact(campaign, customer, found)


def _contact(campaign: str, customer_id: str, found: Mapping[str, Record]) -> Record:
    if customer_id not in found:
        raise InputError(
            f"Campaign {campaign!r} does not have all customers of the table in this ledger: give "
            "the ledger in which the table was planned."
        )
    return found[customer_id]


def _refused(campaign: str, row: Refusal | None) -> Record:
    return {"campaign": campaign, **(asdict(row) if row else {})}
