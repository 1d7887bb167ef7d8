"""Take customers out of the ledger.

The entrypoint of deployments from a checkout; what it is stands in the package.
"""

from connect_tasks.flows.forget import erase, forget

__all__ = ["erase", "forget"]
