"""The Prefect flows, in the wheel: a deployment needs no checkout.

Its entrypoint is a dotted name, such as `connect_tasks.flows.outreach.outreach`.
"""

from connect_tasks.flows.table_flow import table_flow

__all__ = ["table_flow"]
