"""A process that hands a campaign's chats over, and may be doomed to die at one step of it."""

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from connect_tasks import ChatTemplate
from connect_tasks.aws.client import ClientOptions
from connect_tasks.aws.instance import Instance
from connect_tasks.campaign.hand_over.started_chat import StartedChat
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.run import run_campaign
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.store import Ledger
from tests.e2e.killed import DoomedApi, DoomedLedger, Fate, Job
from tests.functional.world import CAMPAIGN, FAST, QUICK

__all__ = ["given_file", "main", "plan"]


def given_file(job: Job) -> Path:
    """One line for each call of the function that got as far as the app: customer, contact."""
    return job.folder / "given.txt"


def main(job: Job) -> None:
    """Hand the chats over, or go on with it; or die on the way."""
    logging.basicConfig(filename=job.complaints, level=logging.WARNING)
    fate = Fate(job.doom)
    sa.event.listen(sa.Engine, "commit", lambda _: fate.meet("in commit"))
    options = ClientOptions(parameters={"endpoint_url": job.endpoint_url})
    quotas = FAST.model_copy(update={"open_chats": job.open_chats})
    api = DoomedApi(options, fate, job.closes)
    given = os.open(given_file(job), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def give(chat: StartedChat) -> None:
        line = f"{chat.customer_id} {chat.contact_id}\n".encode()
        fate.around(["hand_over"], lambda: os.write(given, line))

    with DoomedLedger(job.ledger_url, fate) as ledger:
        run_campaign(
            ledger,
            CAMPAIGN,
            Instance(api=api, quotas=quotas, policy=QUICK),
            hand_over=give,
            lease_seconds=job.lease_seconds,
        )


def plan(ledger: Ledger, job: Job) -> None:
    """Enter the table."""
    now = datetime.now(UTC)
    ledger.open_campaign(CAMPAIGN, job.instance_id, now=now, mode=CampaignMode.HAND_OVER)
    renderer = ChatTemplate().bind(instance_id=job.instance_id, contact_flow_id=job.flow_id)
    plan_campaign(ledger, CAMPAIGN, [job.rows], renderer, now=now)
