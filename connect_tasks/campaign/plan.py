"""The plan: what a table came to when it was entered into a campaign."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from connect_tasks.campaign.outlook import Outlook
from connect_tasks.campaign.row_check import Intake

__all__ = ["Plan"]


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
        request_changes: Which rows these are, and in which fields and columns they differ.
        rejected: Rows with something wrong.
        duplicate: Rows that repeat a customer.
        withdrawn: Customers whom an earlier table had planned and this one refuses: nobody
            contacts them now.
        kept_out: Valid rows of customers whom a person took out of the campaign.
        outside: Customers who wait in the campaign and are not in the table. A run with this plan
            leaves them alone: `resume` contacts them, `withdraw` takes them out.
        table_id: By what the ledger knows the table.
        warnings: What is no error and yet looks like a slip, in sentences without a value.
        outlook: Of those who were not contacted before: who may be now, later and never.
        intake: The same for a forecast, with reasons and samples.
        index: The table's own index, if it has one.
        source: The path or URI that the table was read from, if it has one.
    """

    campaign: str
    customer_ids: Sequence[str | None] = field(repr=False)
    added: int
    known: int
    request_changed: int
    rejected: int
    duplicate: int
    request_changes: str = ""
    withdrawn: int = 0
    kept_out: int = 0
    outside: int = 0
    table_id: str | None = None
    warnings: tuple[str, ...] = ()
    intake: Intake = field(repr=False)
    outlook: Outlook = field(default_factory=Outlook, repr=False)
    index: Any = field(default=None, repr=False)
    source: str | None = field(default=None, repr=False)
