"""Find out whether an instance is ready.

The entrypoint of deployments from a checkout; what it is stands in the package.
"""

from connect_tasks.flows.verify import verify

__all__ = ["verify"]
