"""Be a customer yourself: `make chat`.

Keeps a local Amazon Connect and the app of invitations up, prints one link, and shows what was
answered once the chat is over. Nothing is kept afterwards.
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from connect_tasks import ChatTemplate
from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.campaign.collection.collecting import collect_campaign
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.emulator import LocalConnect
from connect_tasks.errors import ConnectTasksError
from connect_tasks.flows.invite import invite
from connect_tasks.invitations import LocalApp
from connect_tasks.ledger import Ledger
from flows.demo import QUOTAS, give_keys

__all__ = ["main"]

CAMPAIGN = "you"
TABLE = "customer_id,name,plan\n0001,there,plus\n"
TEMPLATE = ChatTemplate(display_name="{{ name }}", attributes={"plan": "{{ plan }}"})
SECONDS_BETWEEN_LOOKS = 1.0


def main() -> int:
    """Wait for one conversation; returns the process's exit code."""
    console = Console(highlight=False)
    give_keys()
    try:
        with TemporaryDirectory() as folder:
            _converse(console, Path(folder))
    except ConnectTasksError as error:
        console.print(f"[red]error:[/] {error}")
        return 1
    except KeyboardInterrupt:
        console.print("\nStopped.")
    return 0


def _converse(console: Console, folder: Path) -> None:
    ledger, table = f"sqlite:///{folder / 'ledger.db'}", folder / "customers.csv"
    table.write_text(TABLE, encoding="utf-8")
    with LocalConnect(flow="feedback", think_seconds=(0.4, 1.2), quotas=QUOTAS) as local:
        instance = local.instance()
        app = LocalApp(connect=instance, ledger=ledger)
        invited = invite(
            str(table),
            TEMPLATE,
            campaign=CAMPAIGN,
            connect=instance,
            base_url=app.base_url,
            ledger=ledger,
        )
        with app:
            console.print("\nOpen this in your browser, press the button, and answer:\n")
            console.print(f"  {invited.invitations['url'].iloc[0]}\n", soft_wrap=True)
            console.print("Ctrl-C ends.")
            _show(console, _answered(ledger, instance))


def _answered(ledger: str, instance: AmazonConnectInstance) -> CampaignResult:
    """The campaign once its one conversation is over and on record, whoever followed included."""
    with Ledger(ledger) as opened:
        while True:
            collected = collect_campaign(opened, CAMPAIGN, instance.connect())
            result = CampaignResult(CAMPAIGN, ledger)
            if result.summary["completed"] and not collected.open and not collected.awaited:
                return result
            time.sleep(SECONDS_BETWEEN_LOOKS)


def _show(console: Console, result: CampaignResult) -> None:
    table = Table(title="What you answered", title_justify="left")
    for heading in ("question", "answer", "seconds"):
        table.add_column(heading, overflow="fold")
    columns = ["question", "answer", "seconds_to_answer"]
    for row in result.replies[columns].astype("string").fillna("").itertuples(index=False):
        table.add_row(*row)
    console.print(table)
    stored = result.attributes.drop(columns=["customer_id", "contact_id"]).iloc[0].dropna()
    told = ", ".join(f"{name} {value}" for name, value in stored.items())
    console.print(f"What the flow stored: {told}")


if __name__ == "__main__":
    sys.exit(main())
