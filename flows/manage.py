"""Look after a campaign.

The entrypoint of deployments from a checkout; what it is stands in the package.
"""

from connect_tasks.flows.manage import pause, resolve, resume, status, stop, withdraw

__all__ = ["pause", "resolve", "resume", "status", "stop", "withdraw"]
