"""A campaign's result as it stands beside those of other campaigns, in a lake or a database."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any

from connect_tasks.campaign.answers.attributes import attributes_of
from connect_tasks.campaign.result_tables import Again, ResultTables
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.layouts import ATTRIBUTE_VALUES
from connect_tasks.tables.result_files import ResultTable
from connect_tasks.tables.shared_tables import SharedTable, SharedTables

__all__ = ["shared_tables"]

_ID_CHARACTERS = 16
# A refused row has no time, nor has an attribute: they are of the day on which the campaign began.
_TIMES: Mapping[str, tuple[str, ...]] = {
    "contacts": ("planned_at",),
    "messages": ("absolute_time",),
    "replies": ("asked_at", "answered_at"),
    "attributes": (),
    "decisions": ("decided_at",),
}


def shared_tables(ledger: Ledger, campaign: str) -> SharedTables:
    """The tables of a whole campaign, whichever of its own tables was run last.

    Attributes stand in a row each: the columns would be other ones in each campaign. Links are not
    among them: whoever has one speaks as its customer.

    Args:
        ledger: Where the campaign is; open for as long as the tables are gone through.
        campaign: Its name.
    """
    name = ledger.existing_campaign(campaign)
    since = ledger.created_at(name)
    told = f"{ledger.instance_id(name)}\n{since.isoformat()}\n{name}"
    return SharedTables(
        campaign_id=hashlib.sha256(told.encode()).hexdigest()[:_ID_CHARACTERS],
        campaign=name,
        since=since,
        tables={
            table: SharedTable(found.layout, found.records, _TIMES[table])
            for table, found in _of_all(ledger, name).items()
        },
    )


def _of_all(ledger: Ledger, campaign: str) -> Mapping[str, ResultTable]:
    # Where they are written may be the ledger's own database: opening it again would wait for us.
    whole = ResultTables(campaign, lambda: nullcontext(ledger))
    values = Again(lambda: (one for row in whole.stored() for one in _values(row)))
    return {
        "contacts": whole.contacts,
        "messages": whole.messages,
        "replies": whole.replies,
        "attributes": ResultTable(ATTRIBUTE_VALUES, values),
        "decisions": whole.decisions,
    }


def _values(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    ids = {"customer_id": row["customer_id"], "contact_id": row["contact_id"]}
    for name, value in sorted(attributes_of(row).items()):
        yield {**ids, "attribute": name, "value": value}
