"""The automations of docs/automations, as Prefect's server understands them."""

from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import pytest
import yaml  # type: ignore[import-untyped]
from prefect.server.events.schemas.automations import AutomationCore, EventTrigger
from prefect.server.events.schemas.events import ReceivedEvent, Resource
from prefect.types._datetime import now

from connect_tasks.tasks.events import Ending

FOLDER = Path(__file__).parents[3] / "docs" / "automations"


def trigger_of(name: str) -> EventTrigger:
    content = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    trigger = AutomationCore.model_validate(content).trigger
    assert isinstance(trigger, EventTrigger)
    return trigger


def told(event: str, resource: str = "connect-tasks.campaign.renewals") -> Any:
    """An event as the package sends it."""
    about = Resource({"prefect.resource.id": resource, "prefect.resource.name": "renewals"})
    return ReceivedEvent(id=uuid4(), event=event, resource=about, occurred=now("UTC"))


@pytest.mark.parametrize("event", ["started", "progress"])
def test_a_campaign_is_awaited_from_when_it_begins_or_moves(event: str) -> None:
    trigger = trigger_of("notify-when-a-campaign-is-quiet")

    assert trigger.covers(told(f"connect-tasks.campaign.{event}"))
    assert trigger.starts_after(f"connect-tasks.campaign.{event}")


@pytest.mark.parametrize("event", get_args(Ending))
def test_however_a_campaign_ends_it_is_awaited_no_longer(event: str) -> None:
    trigger, name = trigger_of("notify-when-a-campaign-is-quiet"), f"connect-tasks.campaign.{event}"

    assert trigger.covers(told(name))
    assert trigger.expects(name)
    assert not trigger.starts_after(name)


def test_a_run_that_leaves_unknown_contacts_does_not_end_the_watch_over_the_rest() -> None:
    trigger = trigger_of("notify-when-a-campaign-is-quiet")

    assert not trigger.expects("connect-tasks.contact.unknown")
    assert not trigger.starts_after("connect-tasks.contact.unknown")


def test_each_campaign_is_awaited_by_itself_and_nothing_else_is() -> None:
    trigger = trigger_of("notify-when-a-campaign-is-quiet")
    keys = [trigger.bucketing_key(told("x", f"connect-tasks.campaign.{n}")) for n in ("a", "b")]

    assert keys[0] != keys[1]
    assert not trigger.covers(told("prefect.flow-run.Running", "prefect.flow-run.0"))


@pytest.mark.parametrize("event", [*get_args(Ending), "started", "progress"])
def test_a_person_is_told_at_once_of_a_campaign_that_halts_and_of_nothing_else(event: str) -> None:
    trigger = trigger_of("notify-when-a-campaign-halts")

    assert trigger.expects(f"connect-tasks.campaign.{event}") == (event == "halted")
