"""Look after a campaign.

The entrypoint of deployments from a checkout; what it is stands in the package.
"""

from connect_tasks.flows.manage import campaigns, pause, resolve, resume, status, stop, withdraw

__all__ = ["campaigns", "pause", "resolve", "resume", "status", "stop", "withdraw"]
