"""Invite customers by personal links, and take links back.

The entrypoint of deployments from a checkout; what it is stands in the package.
"""

from connect_tasks.flows.invite import invite, revoke

__all__ = ["invite", "revoke"]
