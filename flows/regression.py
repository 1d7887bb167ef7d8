"""Find out whether a contact flow still does what its cases expect.

The entrypoint of deployments from a checkout; what it is stands in the package.
"""

from connect_tasks.flows.regression import regression

__all__ = ["regression"]
