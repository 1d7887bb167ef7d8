"""Contact every customer of a table once.

The entrypoint of deployments from a checkout; what it is stands in the package.
"""

from connect_tasks.flows.outreach import outreach

__all__ = ["outreach"]
