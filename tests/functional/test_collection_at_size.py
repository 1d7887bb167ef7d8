"""Collecting many: what is read of a chat does not grow with the campaign."""

from datetime import UTC, datetime

import sqlalchemy as sa

from connect_tasks.ledger import transcripts
from connect_tasks.ledger.schema import items
from connect_tasks.ledger.store import Ledger
from connect_tasks.ledger.transcripts import Awaited


def test_items_of_a_chat_are_found_by_its_contacts_and_not_by_walking_through_all(
    ledger: str,
) -> None:
    now = datetime.now(UTC)
    one = Awaited(
        key=1,
        campaign="renewals",
        customer_id="ada",
        contact_id="c-1",
        initial_contact_id="c-1",
        started_at=now,
        ended_at=now,
    )
    query = sa.select(items).where(items.c.campaign == "renewals", transcripts._in_family(one))
    with Ledger(ledger) as opened, opened._reading() as connection:
        said = str(query.compile(opened._engine, compile_kwargs={"literal_binds": True}))
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}")]

    walks = [step for step in plan if " items " in step]
    assert ["contact_id=?" in step for step in walks] == [True]
