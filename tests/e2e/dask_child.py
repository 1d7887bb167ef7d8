"""A process with a Dask cluster that runs a campaign: `python -m tests.e2e.dask_child JSON`."""

import json
import os
import sys
from typing import Any

import pandas as pd
from dask.distributed import Client, LocalCluster
from prefect_aws import AwsClientParameters, AwsCredentials
from prefect_dask.task_runners import DaskTaskRunner

from connect_tasks import Conversation
from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.flows.outreach import outreach


def main(arguments: dict[str, Any]) -> None:
    connect = AmazonConnectInstance(
        instance_id=arguments["instance_id"],
        contact_flow_id=arguments["flow_id"],
        aws_credentials=AwsCredentials(
            aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1"
        ),
        aws_client_parameters=AwsClientParameters(endpoint_url=arguments["endpoint_url"]),
        quotas={"starts_per_second": 10, "start_burst": 5, "connections_per_second": 50},
    )
    customers = arguments["customers"]
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(**options) as cluster:  # type: ignore[no-untyped-call]
        with Client(cluster) as client:  # type: ignore[no-untyped-call]
            say(list(client.run(os.getpid).values()))
        runner = DaskTaskRunner(address=cluster.scheduler_address)
        result = outreach.with_options(task_runner=runner)(
            pd.DataFrame({"customer_id": customers, "display_name": "Zebulon"}),
            campaign="shared",
            connect=connect,
            conversation=Conversation(settle_seconds=0, max_replies=1),
            ledger=arguments["ledger"],
            workers=2,
        )
    say(result.contacts["status"].value_counts().to_dict())


def say(what: Any) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
