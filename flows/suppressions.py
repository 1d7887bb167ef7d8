"""Say whom nobody is to contact.

The entrypoint of deployments from a checkout; what it is stands in the package.
"""

from connect_tasks.flows.suppressions import suppress, suppressed, unsuppress

__all__ = ["suppress", "suppressed", "unsuppress"]
