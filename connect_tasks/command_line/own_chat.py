"""A chat in which a person at this machine is the customer: one link, and what they answered.

All of it is on this machine: a local Amazon Connect, the app of invitations, and a ledger that is
forgotten afterwards. Prefect has no part in it.
"""

import csv
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.campaign.collection.collecting import collect_campaign
from connect_tasks.campaign.links import KEYS_VARIABLE
from connect_tasks.campaign.plan import Plan
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.command_line.tables import records_of
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.errors import InputError
from connect_tasks.invitations import LocalApp
from connect_tasks.ledger import Ledger
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.tasks import issue_invitations, validate_customers

__all__ = ["QUOTAS", "Answered", "Scene", "be_the_customer", "give_keys"]

QUOTAS = LocalQuotas(
    start_chat_contact=(50, 80),
    describe_contact=(100, 150),
    create_participant_connection=(60, 90),
    send=(100, 150),
    get_transcript=(80, 120),
    search_contacts=(5, 10),
)
"""Ten times a new account's, so that nobody who looks on waits."""

_CAMPAIGN = "you"
_SECONDS_BETWEEN_LOOKS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the person finds.

    Attributes:
        name: What the flow calls them.
        attributes: The contact's attributes, as the flow reads them.
        flow: Name of the flow; the first of the files if None, or `feedback` where there are none.
        flow_files: Contact flows as they are exported.
        world: The file of what stands around them.
    """

    name: str = "there"
    attributes: Mapping[str, str] = field(default_factory=dict)
    flow: str | None = None
    flow_files: Sequence[Path] = ()
    world: Path | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What the person answered, and what the flow made of it.

    Attributes:
        replies: One per question: `question`, `answer`, `seconds_to_answer`; None where there is
            none.
        stored: The attributes that the flow stored.
    """

    replies: Sequence[Mapping[str, Any]]
    stored: Mapping[str, str]


def give_keys() -> None:
    """Keys for the links of this process, unless the environment has some."""
    os.environ.setdefault(KEYS_VARIABLE, secrets.token_urlsafe(32))


def be_the_customer(
    scene: Scene,
    on_link: Callable[[str, str], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Answered:
    """Give a person the link of one chat, and wait until their conversation is over.

    Nothing is kept. A second call is another chat; whoever interrupts it ends it.

    Args:
        scene: What the person finds.
        on_link: Called once, when the link opens, with it and with the URL of the local Amazon
            Connect, whose page shows the chat from the other side.
        sleep: Waits, between one look at the chat and the next.

    Raises:
        InputError: There is no such flow, or a file cannot be read or used.

    Example:
        ```python
        from connect_tasks.command_line.own_chat import Scene, be_the_customer

        def talk():
            return be_the_customer(Scene(flow="survey"), print)
        ```
    """
    give_keys()
    with TemporaryDirectory() as folder, _local(scene) as local:
        instance, ledger = local.instance(), f"sqlite:///{Path(folder, 'ledger.db')}"
        plan = _planned(_write_table(scene, Path(folder, "customers.csv")), instance, ledger)
        app = LocalApp(connect=instance, ledger=ledger)
        issue_invitations.fn(plan, base_url=app.base_url, ledger=ledger)
        links = CampaignResult(_CAMPAIGN, ledger, plan).invitations
        with app, Ledger(ledger) as opened:
            on_link(str(links["url"].iloc[0]), local.endpoint_url)
            while (result := _ended(opened, instance, ledger)) is None:
                sleep(_SECONDS_BETWEEN_LOOKS)
            return _answered(result)


def _local(scene: Scene) -> LocalConnect:
    flow = scene.flow if scene.flow or scene.flow_files else "feedback"
    try:
        return LocalConnect(
            flow=flow,
            flow_files=scene.flow_files,
            world=scene.world,
            think_seconds=(0.4, 1.2),
            quotas=QUOTAS,
        )
    except OSError as error:
        raise InputError(f"Cannot read {error.filename}: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(str(error)) from error


def _write_table(scene: Scene, path: Path) -> Path:
    """Of one customer. Its cells are texts, and no templates."""
    named = {f"attributes.{name}": value for name, value in scene.attributes.items()}
    row = {"customer_id": _CAMPAIGN, "display_name": scene.name, **named}
    with path.open("x", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([row.keys(), row.values()])
    return path


def _planned(table: Path, instance: AmazonConnectInstance, ledger: str) -> Plan:
    plan = validate_customers.fn(
        str(table),
        campaign=_CAMPAIGN,
        connect=instance,
        ledger=ledger,
        mode=CampaignMode.INVITATION,
    )
    if plan.rejected:
        why = CampaignResult(_CAMPAIGN, ledger, plan).contacts["error_message"].iloc[0]
        raise InputError(f"No such customer can be: {why}.")
    return plan


def _ended(opened: Ledger, instance: AmazonConnectInstance, ledger: str) -> CampaignResult | None:
    """The result, once the conversation is over and on record, whoever followed included."""
    collected = collect_campaign(opened, _CAMPAIGN, instance.connect())
    result = CampaignResult(_CAMPAIGN, ledger)
    is_over = result.summary["completed"] and not collected.open and not collected.awaited
    return result if is_over else None


def _answered(result: CampaignResult) -> Answered:
    stored = records_of(result.attributes.drop(columns=["customer_id", "contact_id"]))
    told = {name: str(value) for row in stored[:1] for name, value in row.items() if value}
    replies = result.replies[["question", "answer", "seconds_to_answer"]]
    return Answered(records_of(replies), told)
