"""What planning dirty tables writes into a ledger and says of it, as data.

`python -m tests.planned_ledgers > tests/data/planned_ledgers_of_a0e3c39.json` wrote the data that
the tests compare with, with the code as it was in that commit; with `postgresql` after it, that
of a ledger there.
"""

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from connect_tasks import OutboundChatTemplate
from connect_tasks.campaign.plan import Plan
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.suppression import suppress
from connect_tasks.campaign.variant_renderer import EitherRenderer
from connect_tasks.ledger.changes import Progress
from connect_tasks.ledger.claims import ClaimTerms
from connect_tasks.ledger.contact import CampaignMode, Status
from connect_tasks.ledger.database import make_engine
from connect_tasks.ledger.schema import contacts, decisions, ledger, refusals
from connect_tasks.ledger.store import Ledger
from tests.planning_corpus import CASES, CELLS, ROWS, renderer_of
from tests.postgresql import new_database

__all__ = ["LEDGER_CASES", "planned_ledger"]

CAMPAIGN = "Dirty\u00a0tables"
NOW = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
TERMS = ClaimTerms(lease=timedelta(seconds=30), token_validity=timedelta(hours=24))
WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")
POLICY = {
    "communication_time": {
        "time_zone_column": "zone",
        "open_hours": {day: [{"start_time": "09:00", "end_time": "18:00"}] for day in WEEK},
    },
    "communication_limits": {"limits": [{"max_count_per_recipient": 2, "frequency": 7}]},
    "expires_after": timedelta(days=14),
    "suppression": ["marketing"],
    "hold_out": 0.2,
}
NOT_WANTED = ["name-1", "name-3", "plan-4", "note-7", "zone-0"]

Row = Mapping[str, Any]


def _phones() -> list[dict[str, Any]]:
    base = {"id": "0", "phone": "+4915112000000", "note": "n"}
    rows: list[dict[str, Any]] = [
        {**base, "id": f"{n}", "phone": f"+4915112{n:06}"} for n in range(40)
    ]
    rows += [{**base, "id": f"again-{n}", "phone": f"+49 1511 2{n % 9:06}"} for n in range(20)]
    for number, cell in enumerate(CELLS):
        own = f"+4915113{number:06}"
        rows.append({"id": cell, "phone": own, "note": "n"})
        rows.append({"id": f"phone-{number}", "phone": cell, "note": "n"})
        rows.append({"id": f"note-{number}", "phone": f"+4915114{number:06}", "note": cell})
    return rows


def _outbound() -> tuple[EitherRenderer, OutreachPolicy]:
    template = OutboundChatTemplate.model_validate(
        {
            "customer_id": "{{ id }}",
            "source_endpoint": "arn:aws:connect:eu-central-1:123456789012:phone-number/p-1",
            "destination_endpoint": "{{ phone }}",
            "initial_system_message": "Hello {{ id }}, {{ note }}",
        }
    )
    return template.bind(instance_id="i-1", contact_flow_id="f-1"), OutreachPolicy()


def _under_policy() -> tuple[EitherRenderer, OutreachPolicy]:
    renderer, _ = renderer_of("columns")
    return renderer, OutreachPolicy.model_validate(POLICY)


Made = Callable[[], tuple[EitherRenderer, OutreachPolicy]]


def _of_corpus(name: str) -> Made:
    return lambda: renderer_of(name)


LEDGER_CASES: Mapping[str, tuple[Made, Sequence[Row], CampaignMode, bool]] = {
    **{name: (_of_corpus(name), ROWS, CampaignMode.SIMULATION, False) for name in CASES},
    "policy": (_under_policy, ROWS, CampaignMode.SIMULATION, False),
    "invitations": (_of_corpus("columns"), ROWS, CampaignMode.INVITATION, False),
    "outbound": (_outbound, _phones(), CampaignMode.OUTBOUND, False),
    "shared numbers": (_outbound, _phones(), CampaignMode.OUTBOUND, True),
}
"""By name: the renderer and policy, the rows, who speaks, whether numbers may be shared."""


def planned_ledger(name: str, url: str, **options: Any) -> list[Any]:
    """What plannings leave behind: of a table, of one that was changed since, of the first again.

    Args:
        name: Which case.
        url: Of a ledger that is not there yet.
        options: Of `plan_campaign`.
    """
    made, rows, mode, is_shared = LEDGER_CASES[name]
    found: list[Any] = []
    with Ledger(url) as opened:
        _fix_hashes(url)
        suppress(NOT_WANTED, list="marketing", ledger=url)
        renderer, policy = made()
        stored = policy.model_dump(mode="json")
        opened.open_campaign(CAMPAIGN, "i-1", now=NOW, mode=mode, policy=stored)
        for hour, table in enumerate((rows, _changed(rows), rows)):
            plan = plan_campaign(
                opened,
                CAMPAIGN,
                _pieces(table),
                renderer,
                now=NOW + timedelta(hours=hour),
                policy=policy,
                shared_numbers=is_shared,
                commit_rows=150,
                **options,
            )
            found.append([_of_plan(plan), *_of_tables(url)])
            _contact_some(opened)
    return found


def _fix_hashes(url: str) -> None:
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.update(ledger).values(hash_key="0" * 64))
    engine.dispose()


def _pieces(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    return (rows[at : at + 97] for at in range(0, len(rows), 97))


def _changed(rows: Sequence[Row]) -> list[Row]:
    """The table a day later: some are gone, some corrected, some wrong, in another order."""
    changed: list[Row] = []
    for number, row in enumerate(reversed(rows)):
        kinds: list[Row] = [row, row, {**row, "note": "new"}, {**row, "zone": "Asia/Tokyo"}]
        kinds += [{**row, "name": None, "phone": None}, {**row, "id": f"new-{number}"}]
        if number % 7 < len(kinds):
            changed.append(kinds[number % 7])
    return changed


def _contact_some(opened: Ledger) -> None:
    for contact in opened.claim(CAMPAIGN, "w-1", most=9, now=NOW, terms=TERMS):
        sent = contact.advance(Status.STARTING, sent_at=NOW)
        opened.apply("w-1", [Progress(sent, Status.PLANNED)])


def _of_plan(plan: Plan) -> Any:
    said = {**asdict(plan), "table_id": plan.table_id is not None}
    return [_digest(said), plan.added, plan.known, plan.rejected, plan.duplicate, plan.withdrawn]


def _of_tables(url: str) -> Iterator[list[Any]]:
    """Of each table how many rows there are and a digest; which table named whom, by number."""
    engine = make_engine(url)
    with engine.connect() as connection:
        for table in (contacts, refusals, decisions):
            rows = connection.exec_driver_sql(
                f"SELECT * FROM {table.name} ORDER BY {table.primary_key.columns.keys()[-1]}"  # noqa: S608 - our own names
            )
            values = [dict(row) for row in rows.mappings()]
            numbers: dict[str | None, int] = {}
            for row in values:
                if "table_id" in row:
                    row["table_id"] = numbers.setdefault(row["table_id"], len(numbers))
                if "decided_at" in row:
                    del row["decided_at"]
            yield [len(values), _digest(values)]
    engine.dispose()


def _digest(value: Any) -> str:
    return hashlib.sha256(repr(value).encode(errors="surrogatepass")).hexdigest()[:16]


@contextmanager
def _new_url(kind: str) -> Iterator[str]:
    if kind == "postgresql":
        with new_database() as url:
            yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'ledger.db'}"


def _all(kind: str) -> Iterator[tuple[str, list[Any]]]:
    for name in LEDGER_CASES:
        with _new_url(kind) as url:
            yield name, planned_ledger(name, url)


if __name__ == "__main__":
    json.dump(dict(_all(sys.argv[-1])), sys.stdout, indent=0)
