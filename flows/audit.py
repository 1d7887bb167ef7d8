"""Answer for who was contacted and who was not.

The entrypoint of deployments from a checkout; what it is stands in the package.
"""

from connect_tasks.flows.audit import audit, prune_decisions

__all__ = ["audit", "prune_decisions"]
