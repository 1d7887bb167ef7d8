"""A process that runs a campaign, to be killed: `python -m tests.e2e.child ENDPOINT LEDGER`."""

import logging
import signal
import sys

from connect_tasks import Conversation
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.campaign.run import run_campaign
from connect_tasks.ledger.store import Ledger
from tests.functional.world import CAMPAIGN, FAST, QUICK, session

LEASE_SECONDS = 2


def main(endpoint_url: str, ledger_url: str) -> None:
    logging.basicConfig(level=logging.WARNING)
    # What a shell starts in the background ignores Ctrl-C, and so does everything below it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    api = ConnectApi(session, ClientOptions(parameters={"endpoint_url": endpoint_url}))
    quotas = FAST.model_copy(update={"starts_per_second": 100.0, "start_burst": 5})
    instance = Instance(api=api, quotas=quotas, policy=QUICK)
    conversation = Conversation(
        settle_seconds=0, messages=("{{ score }}",), reply_timeout_seconds=5
    )
    with Ledger(ledger_url) as ledger:
        print("running", flush=True)  # noqa: T201 - the parent waits for it
        run_campaign(
            ledger, CAMPAIGN, instance, conversation=conversation, lease_seconds=LEASE_SECONDS
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
