"""One campaign on many machines.

The entrypoint of deployments from a checkout; what it is stands in the package.
"""

from connect_tasks.flows.workers import campaign_worker, outreach_on_workers

__all__ = ["campaign_worker", "outreach_on_workers"]
