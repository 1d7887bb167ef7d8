"""The Prefect flows: campaigns from a table, on one machine or many, and what people do about them.

They are in the wheel, so a deployment needs no checkout: `connect_tasks.flows.outreach.outreach`.
"""

from connect_tasks.flows.table_flow import table_flow

__all__ = ["table_flow"]
