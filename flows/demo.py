"""The whole thing without an AWS account: `make demo`.

Invites the synthetic customers of `data/customers.csv` by personal links, lets simulated people
open them and chat at a local Amazon Connect, collects what they said, and shows what came of it.
A second run contacts nobody again.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from connect_tasks import ChatTemplate
from connect_tasks.campaign.report import stages
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.command_line.own_chat import QUOTAS, give_keys
from connect_tasks.emulator import LocalConnect
from connect_tasks.emulator.people import Habits, PersonRecord, simulate_people
from connect_tasks.errors import ConnectTasksError
from connect_tasks.flows.collect import collect
from connect_tasks.flows.invite import invite
from connect_tasks.invitations import LocalApp

__all__ = ["TEMPLATE", "main"]

ROOT = Path(__file__).parents[1]
CAMPAIGN = "renewals-demo"
TEMPLATE = ChatTemplate(
    display_name="{{ first_name }} {{ last_name }}",
    attributes={
        "plan": "{{ plan }}",
        "renewal_date": "{{ renewal_date }}",
        "language": "{{ language }}",
    },
)
HABITS = Habits(think_seconds=(0.1, 0.8), late_seconds=(1, 3))


@dataclass(frozen=True, slots=True)
class _Evening:
    """What one run of the demo came to."""

    invited: CampaignResult
    result: CampaignResult
    people: list[PersonRecord]
    contacts: tuple[int, int]


def main() -> int:
    """Run the demo; returns the process's exit code."""
    console = Console(highlight=False)
    try:
        evening = _spend_an_evening(ROOT / "data" / "customers.csv")
    except ConnectTasksError as error:
        console.print(f"[red]error:[/] {error}")
        return 1
    except KeyboardInterrupt:
        console.print("Stopped. `make demo` again goes on from here and contacts nobody twice.")
        return 130
    evening.result.save(ROOT / "out")
    _show(console, evening)
    console.print("\nWritten: out/contacts.csv, out/replies.csv, out/report.html, and more")
    console.print("Be a customer yourself: make chat")
    return 0


def _spend_an_evening(customers: Path) -> _Evening:
    give_keys()
    with LocalConnect(flow="feedback", think_seconds=(0.1, 0.6), quotas=QUOTAS) as local:
        instance = local.instance()
        app = LocalApp(connect=instance)
        invited = invite(
            str(customers), TEMPLATE, campaign=CAMPAIGN, connect=instance, base_url=app.base_url
        )
        links: dict[str, str] = dict(
            invited.invitations[["customer_id", "url"]].itertuples(index=False)
        )
        people: list[PersonRecord] = []
        if not invited.summary["opened"]:
            with app:
                people = simulate_people(links, endpoint_url=local.endpoint_url, habits=HABITS)
        collected = collect(CAMPAIGN, connect=instance)
        by_link = sum(contact.client_token is not None for contact in local.contacts)
        contacts = by_link, len(local.contacts) - by_link
        return _Evening(invited, collected, people, contacts)


def _show(console: Console, evening: _Evening) -> None:
    result = evening.result
    console.print(_funnel_table(result))
    console.print(_refused_table(evening.invited))
    console.print(_answers_table(result))
    for number, chat in enumerate(result.conversations(2), start=1):
        console.print(f"\n[bold]Conversation {number}[/]")
        for name, text in chat:
            console.print(f"  {name}: {text}", markup=False, soft_wrap=True)
    if not evening.people:
        console.print("\nThe simulated people had their evening before: nobody was asked again.")
        return
    kinds = Counter(str(person.kind).replace("_", " ") for person in evening.people)
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    console.print(f"\nSimulated people: {told}")
    links, followed = evening.contacts
    console.print(f"Counted at Amazon Connect: {links} chats by links, {followed} that followed")


def _funnel_table(result: CampaignResult) -> Table:
    table = Table(title=f"Campaign {result.campaign}", title_justify="left")
    table.add_column("step")
    table.add_column("count", justify="right")
    table.add_column("of links", justify="right")
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


def _answers_table(result: CampaignResult) -> Table:
    table = Table(title="What the flow stored", title_justify="left")
    for heading in ("score", "people", "reasons"):
        table.add_column(heading, justify="right" if heading == "people" else "left")
    stored = result.attributes
    for score, theirs in stored.dropna(subset="score").groupby("score"):
        reasons = theirs["reason"].value_counts()
        told = ", ".join(f"{reason} {count}" for reason, count in reasons.items())
        table.add_row(str(score), str(len(theirs)), told)
    return table


if __name__ == "__main__":
    sys.exit(main())
