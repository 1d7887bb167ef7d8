"""Bring a campaign up to date with what Amazon knows.

The entrypoint of deployments from a checkout; what it is stands in the package.
"""

from connect_tasks.flows.collect import collect

__all__ = ["collect"]
