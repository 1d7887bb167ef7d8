"""What one asks the local Connect about exported flows, and what happens beside them."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from connect_tasks.emulator.flows.exported.forms import read_flow
from tests.functional.test_emulator_operations import check_answers, code_of
from tests.functional.test_exported_flows import (
    AFTER,
    END,
    QUEUE,
    Customer,
    action,
    say,
    write_flow,
)

EVENT = "application/vnd.amazonaws.connect.event."


def until(customer: Customer, wanted: str) -> dict[str, Any]:
    while True:
        frame = json.loads(customer.socket.recv(timeout=20))
        if frame["topic"] == "aws/chat":
            item: dict[str, Any] = json.loads(frame["content"])
            if wanted in (item["Type"], item.get("ContentType"), item.get("Content")):
                return item


def agent_flow(folder: Path, says: list[str]) -> tuple[Path, Path]:
    """A flow that waits 5 s, and leads to a scripted agent and then to another flow; its world."""
    hooks = {"EventHooks": {"CustomerRemaining": AFTER}}
    flow = write_flow(
        folder / "to agent.json",
        say("hello", "One moment.", "wait"),
        action("wait", "Wait", {"TimeLimitSeconds": "5"}, "queue"),
        action("queue", "UpdateContactTargetQueue", {"QueueId": QUEUE}, "hook"),
        action("hook", "UpdateContactEventHooks", hooks, "go"),
        action("go", "TransferContactToQueue", {}, "end"),
        END,
    )
    write_flow(folder / "after.json", say("bye", "How was it?", "end"), END)
    world = folder / "world.json"
    queues = {QUEUE: {"name": "Support", "agent": {"displayName": "Alex", "says": says}}}
    world.write_text(json.dumps({"queues": queues, "flows": {AFTER: "after.json"}}))
    return flow, world


def to_agent(folder: Path, says: list[str]) -> Customer:
    """A customer of this flow."""
    return Customer(*agent_flow(folder, says))


def test_flows_and_queues_of_the_world_are_listed_and_described_with_their_content(
    tmp_path: Path,
) -> None:
    customer = to_agent(tmp_path, ["I am Alex."])
    instance = {"InstanceId": customer.local.instance_id}

    with customer.chat("Ada"):
        check_answers(customer.connect, "connect")
        queues = customer.connect.list_queues(**instance)["QueueSummaryList"]
        none = customer.connect.list_queues(**instance, QueueTypes=["AGENT"])["QueueSummaryList"]
        flows = customer.connect.list_contact_flows(**instance, MaxResults=1000)
        flow = customer.connect.describe_contact_flow(
            **instance, ContactFlowId=customer.local.flow_id
        )["ContactFlow"]

    assert [(queue["Name"], queue["Arn"]) for queue in queues] == [("Support", QUEUE)]
    assert none == []
    assert {"to agent", "after"} < {one["Name"] for one in flows["ContactFlowSummaryList"]}
    assert json.loads(flow["Content"]) == json.loads(read_flow(tmp_path / "to agent.json").content)
    assert flow["Name"] == "to agent"


def test_an_idle_customer_loses_the_agent_and_comes_to_the_disconnect_flow(
    tmp_path: Path,
) -> None:
    customer = to_agent(tmp_path, ["I am Alex.", "Goodbye."])
    timers = [
        {
            "ParticipantRole": "CUSTOMER",
            "TimerType": kind,
            "TimerValue": {"ParticipantTimerDurationInMinutes": minutes},
        }
        for kind, minutes in (("IDLE", 2), ("DISCONNECT_NONCUSTOMER", 3))
    ]

    with customer.chat("Ada"):
        until(customer, "One moment.")
        ids = {"InstanceId": customer.local.instance_id, "ContactId": customer.contact_id}
        customer.connect.update_participant_role_config(
            **ids, ChannelConfiguration={"Chat": {"ParticipantTimerConfigList": timers}}
        )
        customer.now += timedelta(seconds=5)
        until(customer, "I am Alex.")
        customer.now += timedelta(minutes=2)
        idle = until(customer, f"{EVENT}participant.idle")
        customer.now += timedelta(minutes=3)
        lost = until(customer, f"{EVENT}participant.autodisconnection")
        left = until(customer, f"{EVENT}participant.left")
        after = until(customer, "How was it?")
        first = customer.connect.describe_contact(**ids)["Contact"]

    assert idle["ParticipantRole"] == lost["ParticipantRole"] == "CUSTOMER"
    assert left["DisplayName"] == "Alex"
    assert first["DisconnectReason"] == "IDLE_DISCONNECT"
    assert first["QueueInfo"]["Id"] == QUEUE.rpartition("/")[2]
    assert after["ContactId"] != customer.contact_id
    assert [contact.previous_contact_id for contact in customer.local.contacts] == [
        None,
        customer.contact_id,
    ]


def test_contacts_are_found_by_the_queue_that_they_came_to(tmp_path: Path) -> None:
    customer = to_agent(tmp_path, ["I am Alex.", "Goodbye."])
    now = customer.began.timestamp()
    times = {"Type": "ENQUEUE_TIMESTAMP", "StartTime": now - 60, "EndTime": now + 60}

    with customer.chat("Ada"):
        check_answers(customer.connect, "connect")
        until(customer, "One moment.")
        search = {"InstanceId": customer.local.instance_id, "TimeRange": times}
        before = customer.connect.search_contacts(**search)["Contacts"]
        customer.now += timedelta(seconds=5)
        until(customer, "I am Alex.")
        queues = [[QUEUE.rpartition("/")[2]], ["another"]]
        found, none = (
            customer.connect.search_contacts(**search, SearchCriteria={"QueueIds": ids})["Contacts"]
            for ids in queues
        )

    assert (before, none) == ([], [])
    assert [contact["Id"] for contact in found] == [customer.contact_id]
    assert found[0]["QueueInfo"]["EnqueueTimestamp"].timestamp() == now + 5


def test_a_view_that_the_flow_shows_can_be_asked_for_by_its_token(tmp_path: Path) -> None:
    shows = action(
        "show",
        "ShowView",
        {
            "ViewResource": {"Id": "arn:aws:connect:us-east-1:aws:view/form:1", "Version": "1"},
            "ViewData": {"Heading": "Your order"},
            "InvocationTimeLimitSeconds": "400",
        },
        "end",
    )
    customer = Customer(write_flow(tmp_path / "shows.json", shows, END), None)
    types = ["text/plain", "application/vnd.amazonaws.connect.message.interactive"]

    with customer.chat("Ada", SupportedMessagingContentTypes=types):
        check_answers(customer.participant, "connectparticipant")
        shown = json.loads(customer.next_message()["Content"])
        token = shown["data"]["content"]["viewToken"]
        view = customer.participant.describe_view(ConnectionToken=customer.token, ViewToken=token)
        with pytest.raises(ClientError) as unknown:
            customer.participant.describe_view(ConnectionToken=customer.token, ViewToken="x")
        with pytest.raises(ClientError) as stranger:
            customer.participant.describe_view(ConnectionToken="x", ViewToken=token)

    assert view["View"]["Id"] == "arn:aws:connect:us-east-1:aws:view/form:1"
    assert list(json.loads(view["View"]["Content"]["InputSchema"])["properties"]) == ["Heading"]
    assert code_of(unknown.value) == ("ResourceNotFoundException", 404)
    assert code_of(stranger.value) == ("AccessDeniedException", 403)
