"""A process that writes to a campaign's customers, and may be doomed to die at one step of it."""

import logging
from datetime import UTC, datetime

import sqlalchemy as sa

from connect_tasks.aws.client import ClientOptions
from connect_tasks.aws.instance import Instance
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.run import run_campaign
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.store import Ledger
from tests.e2e.killed import DoomedApi, DoomedLedger, Fate, Job
from tests.functional.outbound_world import FAST_OUT, TEMPLATE
from tests.functional.world import CAMPAIGN, QUICK

__all__ = ["main", "plan"]


def main(job: Job) -> None:
    """Enter the table and write to everybody, or go on with it; or die on the way."""
    logging.basicConfig(filename=job.complaints, level=logging.WARNING)
    fate = Fate(job.doom)
    sa.event.listen(sa.Engine, "commit", lambda _: fate.meet("in commit"))
    options = ClientOptions(parameters={"endpoint_url": job.endpoint_url})
    quotas = FAST_OUT.model_copy(update={"open_chats": job.open_chats})
    api = DoomedApi(options, fate, job.closes)
    with DoomedLedger(job.ledger_url, fate) as ledger:
        if job.plans:
            plan(ledger, job)
        run_campaign(
            ledger,
            CAMPAIGN,
            Instance(api=api, quotas=quotas, policy=QUICK),
            outbound=True,
            lease_seconds=job.lease_seconds,
        )


def plan(ledger: Ledger, job: Job) -> None:
    """Enter the table; the text changes from run to run, as people do change it."""
    now = datetime.now(UTC)
    ledger.open_campaign(CAMPAIGN, job.instance_id, now=now, mode=CampaignMode.OUTBOUND)
    template = TEMPLATE.model_copy(update={"attributes": {"edition": str(job.edition)}})
    renderer = template.bind(instance_id=job.instance_id, contact_flow_id=job.flow_id)
    plan_campaign(ledger, CAMPAIGN, [job.rows], renderer, now=now)
