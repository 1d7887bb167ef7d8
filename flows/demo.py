"""The whole thing without an AWS account: `make demo`.

Starts a local Amazon Connect, contacts the synthetic customers of `data/customers.csv` with the
flow `outreach`, and shows what came of it. A second run contacts nobody again.
"""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.campaign.report import stages
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.errors import ConnectTasksError
from connect_tasks.flows.outreach import outreach

__all__ = ["main"]

ROOT = Path(__file__).parents[1]
CAMPAIGN = "renewals-demo"
CONVERSATION = Conversation(messages=("{{ score }}",), reply_timeout_seconds=5)
TEMPLATE = ChatTemplate(
    display_name="{{ first_name }} {{ last_name }}",
    attributes={
        "plan": "{{ plan }}",
        "renewal_date": "{{ renewal_date }}",
        "language": "{{ language }}",
    },
)


def main() -> int:
    """Run the demo; returns the process's exit code."""
    console = Console(highlight=False)
    try:
        result, local = _contact_everybody(ROOT / "data" / "customers.csv")
    except ConnectTasksError as error:
        console.print(f"[red]error:[/] {error}")
        return 1
    except KeyboardInterrupt:
        console.print("Stopped. `make demo` again goes on from here and contacts nobody twice.")
        return 130
    result.save(ROOT / "out")
    _show(console, result)
    console.print(f"\nContacts made in this run, counted by Amazon Connect: {len(local.contacts)}")
    console.print("Written: out/contacts.csv, out/messages.csv, out/report.html")
    return 0


def _contact_everybody(customers: Path) -> tuple[CampaignResult, LocalConnect]:
    """A local instance with ten times a new account's quota, so that nobody waits for the demo."""
    quotas = LocalQuotas(
        start_chat_contact=(50, 80),
        create_participant_connection=(60, 90),
        send=(100, 150),
        get_transcript=(80, 120),
    )
    with LocalConnect(think_seconds=(0.2, 2.0), quotas=quotas) as local:
        result = outreach(
            str(customers),
            TEMPLATE,
            campaign=CAMPAIGN,
            connect=local.instance(),
            conversation=CONVERSATION,
        )
        return result, local


def _show(console: Console, result: CampaignResult) -> None:
    console.print(_funnel_table(result))
    console.print(_refused_table(result))
    for number, chat in enumerate(result.conversations(3), start=1):
        console.print(f"\n[bold]Conversation {number}[/]")
        for name, text in chat:
            console.print(f"  {name}: {text}", markup=False, soft_wrap=True)


def _funnel_table(result: CampaignResult) -> Table:
    table = Table(title=f"Campaign {result.campaign}", title_justify="left")
    table.add_column("stage")
    table.add_column("count", justify="right")
    table.add_column("of rows", justify="right")
    for stage in stages(result.summary):
        table.add_row(stage.label, str(stage.count), f"{stage.share_of_total:.0%}")
    return table


def _refused_table(result: CampaignResult) -> Table:
    table = Table(title="Refused", title_justify="left")
    for heading in ("row", "customer_id", "why"):
        table.add_column(heading, overflow="fold")
    contacts = result.contacts
    refused = contacts[contacts["status"].isin(["rejected", "duplicate", "failed"])]
    reasons = refused[["customer_id", "error_message"]].fillna("")
    for row, customer_id, why in reasons.itertuples():
        table.add_row(str(row), customer_id[:20], why)
    return table


if __name__ == "__main__":
    sys.exit(main())
