"""A flow of your own over the tasks: a campaign, and what it came to for each plan.

`python own_flow.py` runs it at a local Amazon Connect of its own, with a ledger that is forgotten.
With `AmazonConnectInstance.load("NAME")` in place of `local.instance()` it is yours that is called.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.emulator import LocalConnect
from connect_tasks.flows import table_flow
from connect_tasks.tasks import collect_responses, start_chats, validate_customers

CUSTOMERS = Path(__file__).with_name("customers.csv")
TEMPLATE = ChatTemplate(display_name="{{ name }}", attributes={"plan": "{{ plan }}"})
CONVERSATION = Conversation(messages=("{{ score }}",))


# As `flow` of Prefect's, but that Prefect records a summary of a table, and never its rows.
@table_flow(name="scores-by-plan")
def scores_by_plan(
    customers: Any, *, campaign: str, connect: AmazonConnectInstance, ledger: str | None = None
) -> pd.DataFrame:
    """Ask each customer once, and return the mean score of each plan."""
    plan = validate_customers(
        customers,
        TEMPLATE,
        campaign=campaign,
        connect=connect,
        conversation=CONVERSATION,
        ledger=ledger,
    )
    start_chats(campaign, connect=connect, table_id=plan.table_id, ledger=ledger)
    result = collect_responses(campaign, ledger=ledger, plan=plan)
    answers = result.replies.merge(customers.drop_duplicates("customer_id"), on="customer_id")
    answers["score"] = pd.to_numeric(answers["answer"], errors="coerce")
    return answers.groupby("plan")["score"].agg(["count", "mean"]).round(1)


if __name__ == "__main__":
    table = pd.read_csv(CUSTOMERS, dtype="string")
    with LocalConnect(flow="survey") as local, TemporaryDirectory() as folder:
        found = scores_by_plan(
            table,
            campaign="scores-by-plan",
            connect=local.instance(),
            ledger=f"sqlite:///{folder}/ledger.db",
        )
    print(found)
