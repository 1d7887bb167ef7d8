from datetime import datetime
from typing import Any

import pytest
from botocore.validate import ParamValidator

from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.validation import Validator, service_model
from connect_tasks.emulator.quotas import LocalQuotas
from connect_tasks.emulator.service import Request
from tests.unit.emulator.world import BOTH, SUBSCRIBE, Socket, World

ENDED = "application/vnd.amazonaws.connect.event.chat.ended"


def code_of(world: World, operation: str, bearer: str = "", **params: object) -> str:
    with pytest.raises(RefusedError) as caught:
        world.call(operation, bearer, **params)
    return caught.value.code


def errors_in(answer: dict[str, object], shape: Any) -> str:
    """By botocore's check: ours cannot read the patterns of tags, which are written for Java."""
    found: str = ParamValidator().validate(answer, shape).generate_report()
    return found


@pytest.mark.parametrize("members", [{}, {"ConnectionTypes": BOTH}])
def test_answers_have_the_form_of_the_model(world: World, members: dict[str, object]) -> None:
    connect = service_model("connect")
    started = world.start(Attributes={"plan": "gold"}, CustomerId="c-1", **members)
    described = world.describe(started["ContactId"])

    assert Validator(connect.shape_for("StartChatContactResponse"))(started) == []
    assert Validator(connect.shape_for("Contact"))(described) == []


def test_the_instance_and_its_flows_are_described_in_the_form_of_the_model(world: World) -> None:
    connect = service_model("connect")
    ids = {"InstanceId": world.backend.instance_id}
    instance = world.call("DescribeInstance", **ids)
    flows = {
        name: world.call("DescribeContactFlow", **ids, ContactFlowId=flow_id)
        for name, flow_id in world.backend.flow_ids.items()
    }

    assert errors_in(instance, connect.shape_for("DescribeInstanceResponse")) == ""
    assert instance["Instance"]["Arn"] == world.backend.instance_arn
    for name, flow in flows.items():
        assert errors_in(flow, connect.shape_for("DescribeContactFlowResponse")) == ""
        assert flow["ContactFlow"]["Name"] == name
        assert flow["ContactFlow"]["Arn"] == world.backend.flow_arn(name)


def test_another_instance_or_flow_is_not_described(world: World) -> None:
    here = world.backend.instance_id

    for operation, ids in (
        ("DescribeInstance", {"InstanceId": "elsewhere"}),
        ("DescribeContactFlow", {"InstanceId": here, "ContactFlowId": "nowhere"}),
        ("DescribeContactFlow", {"InstanceId": "elsewhere", "ContactFlowId": "nowhere"}),
    ):
        assert code_of(world, operation, **ids) == "ResourceNotFoundException"


def test_the_same_client_token_returns_the_same_contact(world: World) -> None:
    first, second = world.start(), world.start(ParticipantDetails={"DisplayName": "Another"})

    assert first == second
    assert len(world.backend.chats) == 1


def test_client_tokens_are_case_sensitive(world: World) -> None:
    first, second = world.start(ClientToken="a"), world.start(ClientToken="A")

    assert first["ContactId"] != second["ContactId"]


def test_without_a_client_token_each_call_is_a_new_contact(world: World) -> None:
    started = [world.start(ClientToken=None) for _ in range(3)]

    assert len({response["ContactId"] for response in started}) == 3


def test_a_dead_chat_is_returned_without_an_error_and_without_a_connection(world: World) -> None:
    first = world.start(ConnectionTypes=BOTH)
    world.stop(first["ContactId"])

    again = world.start(ConnectionTypes=BOTH)

    assert again["ContactId"] == first["ContactId"]
    assert {"Websocket", "ConnectionCredentials"}.isdisjoint(again)
    assert code_of(world, "CreateParticipantConnection", again["ParticipantToken"]) == (
        "AccessDeniedException"
    )


def test_ids_and_tokens_follow_from_seed_and_client_token_alone() -> None:
    early, late, other = World(seed=1), World(seed=1), World(seed=2)
    late.clock.advance(days=9)
    late.start(ClientToken="somebody before")

    assert early.start() == late.start()
    assert set(early.start().values()).isdisjoint(other.start().values())


def test_ids_of_messages_repeat_from_run_to_run() -> None:
    first, second = World(), World()
    transcripts = [world.join()[0].items for world in (first, second)]

    assert transcripts[0] == transcripts[1]


def test_connection_types_make_create_participant_connection_unnecessary(world: World) -> None:
    started = world.start("echo", ConnectionTypes=BOTH)
    socket = Socket(world.backend, started["Websocket"]["Url"])
    socket.send(SUBSCRIBE)
    world.say(started["ConnectionCredentials"]["ConnectionToken"], "one")

    assert socket.said[-1] == ("SYSTEM", "one")


def test_credentials_alone_give_no_url(world: World) -> None:
    started = world.start(ConnectionTypes=["CONNECTION_CREDENTIALS"])

    assert "ConnectionCredentials" in started
    assert "Websocket" not in started


@pytest.mark.parametrize("member", ["InstanceId", "ContactFlowId"])
def test_an_unknown_instance_or_flow_is_not_found(world: World, member: str) -> None:
    request = world.request(**{member: "00000000-0000-0000-0000-000000000000"})

    assert code_of(world, "StartChatContact", **request) == "ResourceNotFoundException"


def test_a_contact_can_be_stopped_once(world: World) -> None:
    contact_id = world.start()["ContactId"]
    world.stop(contact_id)
    ids = {"InstanceId": world.backend.instance_id, "ContactId": contact_id}

    assert world.describe(contact_id)["DisconnectReason"] == "API"
    assert code_of(world, "StopContact", **ids) == "ContactNotFoundException"


def test_an_unknown_contact_cannot_be_described(world: World) -> None:
    ids = {"InstanceId": world.backend.instance_id, "ContactId": "nobody"}

    assert code_of(world, "DescribeContact", **ids) == "ResourceNotFoundException"


def test_a_description_tells_the_life_of_a_contact(world: World) -> None:
    socket, _ = world.join(Attributes={"plan": "gold"}, CustomerId="c-1")
    began = world.clock().timestamp()
    world.pass_time(seconds=60)
    world.stop(socket.items[0]["ContactId"])

    described = world.describe(socket.items[0]["ContactId"])

    assert described["InitiationMethod"] == "API"
    assert described["Channel"] == "CHAT"
    assert described["InitiationTimestamp"] == began
    assert described["ConnectedToSystemTimestamp"] == began
    assert described["DisconnectTimestamp"] == began + 60
    assert described["Attributes"] == {"plan": "gold"}
    assert described["CustomerId"] == "c-1"


def test_a_customer_who_does_not_connect_in_five_minutes_is_given_up(world: World) -> None:
    started = world.start()
    world.pass_time(minutes=4, seconds=59)
    world.call("CreateParticipantConnection", started["ParticipantToken"])
    world.pass_time(seconds=1)

    reason = world.describe(started["ContactId"])["DisconnectReason"]
    assert reason == "CUSTOMER_CONNECTION_NOT_ESTABLISHED"
    assert code_of(world, "CreateParticipantConnection", started["ParticipantToken"]) == (
        "AccessDeniedException"
    )


def test_a_customer_who_subscribed_is_not_given_up(world: World) -> None:
    socket, token = world.join("silent")
    world.pass_time(minutes=6)

    assert world.say(token, "still here")["Id"] == socket.items[-1]["Id"]


@pytest.mark.parametrize(
    ("members", "minutes"), [({}, 25 * 60), ({"ChatDurationInMinutes": 60}, 60)]
)
def test_a_chat_ends_when_its_duration_is_over(
    world: World, members: dict[str, object], minutes: float
) -> None:
    socket, _ = world.join("silent", **members)
    world.pass_time(minutes=minutes, seconds=-1)
    assert socket.items[-1]["ContentType"] != ENDED
    world.pass_time(seconds=1)

    assert socket.items[-1]["ContentType"] == ENDED
    assert world.describe(socket.items[0]["ContactId"])["DisconnectReason"] == "EXPIRED"


def test_open_chats_are_limited_and_a_closed_one_makes_room() -> None:
    world = World(quotas=LocalQuotas(start_chat_contact=None, open_chats=2))
    first = world.start(ClientToken="1")
    world.start(ClientToken="2")

    third = world.request(ClientToken="3")
    assert code_of(world, "StartChatContact", **third) == "LimitExceededException"
    assert world.start(ClientToken="1") == first
    world.stop(first["ContactId"])
    assert world.call("StartChatContact", **third)["ContactId"]


def test_a_persistent_chat_continues_the_latest_ended_one_of_its_session(world: World) -> None:
    first = world.start(
        ClientToken="1", InitialMessage={"ContentType": "text/plain", "Content": "A"}
    )
    world.stop(first["ContactId"])
    source = {"SourceContactId": first["ContactId"], "RehydrationType": "ENTIRE_PAST_SESSION"}
    world.clock.advance(seconds=1)
    second = world.start(ClientToken="2", PersistentChat=source)
    world.stop(second["ContactId"])
    socket, token = world.connect(world.start(ClientToken="3", PersistentChat=source))
    socket.send(SUBSCRIBE)

    page = world.call("GetTranscript", token, SortOrder="ASCENDING", MaxResults=100)["Transcript"]
    again = world.start(ClientToken="3")
    assert again["ContinuedFromContactId"] == second["ContactId"]
    assert (page[0]["Content"], page[0]["RelatedContactId"]) == ("A", first["ContactId"])
    assert "ContactId" not in page[0]
    assert page[-1]["ContactId"] == again["ContactId"]
    assert any(item["ContentType"].endswith("chat.rehydrated") for item in socket.items)


def test_a_persistent_chat_needs_a_source_that_has_ended(world: World) -> None:
    source = {"SourceContactId": "nobody", "RehydrationType": "FROM_SEGMENT"}
    unknown = world.request(ClientToken="2", PersistentChat=source)
    alive = {**source, "SourceContactId": world.start(ClientToken="1")["ContactId"]}

    assert code_of(world, "StartChatContact", **unknown) == "ResourceNotFoundException"
    assert code_of(world, "StartChatContact", **{**unknown, "PersistentChat": alive}) == (
        "InvalidRequestException"
    )


def test_streaming_is_answered_with_an_id_and_allows_connecting_without_a_socket(
    world: World,
) -> None:
    topic = {"StreamingEndpointArn": "arn:aws:sns:us-east-1:111122223333:chats"}
    plain = world.start(ClientToken="1")
    streamed = world.start(ClientToken="2", ChatStreamingConfiguration=topic)
    for started in (plain, streamed):
        arguments = {"Type": ["CONNECTION_CREDENTIALS"], "ConnectParticipant": True}
        world.call("CreateParticipantConnection", started["ParticipantToken"], **arguments)

    assert streamed["StreamingId"]
    assert world.backend.chats[streamed["ContactId"]].connected_at is not None
    assert world.backend.chats[plain["ContactId"]].connected_at is None


def test_an_id_may_be_given_as_its_arn_wherever_it_is_taken(world: World) -> None:
    here, flow_id = world.backend.instance_id, world.backend.flow_ids["echo"]
    instances, flows = (here, world.backend.instance_arn), (flow_id, world.backend.flow_arn("echo"))
    for instance in instances:
        ids = {"InstanceId": instance}
        assert world.call("DescribeInstance", **ids)["Instance"]["Id"] == here
        for flow in flows:
            started = world.start(**ids, ContactFlowId=flow, ClientToken=f"{instance} {flow}")
            contact = {**ids, "ContactId": started["ContactId"]}
            assert world.call("DescribeContact", **contact)["Contact"]["Id"] == contact["ContactId"]
            assert world.call("StopContact", **contact) == {}
            for suffix in ("", ":$SAVED"):
                told = world.call("DescribeContactFlow", **ids, ContactFlowId=flow + suffix)
                assert told["ContactFlow"]["Id"] == flow_id


@pytest.mark.parametrize("change", [("us-east-1", "us-east-2"), ("1111", "2222"), ("/", ":")])
def test_the_arn_of_something_else_is_not_found(world: World, change: tuple[str, str]) -> None:
    instance, flow = world.backend.instance_arn, world.backend.flow_arn("echo")
    for member, arn in (("InstanceId", instance), ("ContactFlowId", flow)):
        request = world.request(**{member: arn.replace(*change)})
        assert code_of(world, "StartChatContact", **request) == "ResourceNotFoundException"
    wrong_way_round = world.request(InstanceId=flow[:100], ContactFlowId=instance)
    assert code_of(world, "StartChatContact", **wrong_way_round) == "ResourceNotFoundException"


def test_the_initial_contact_is_told_only_of_related_contacts_and_is_the_first_of_them(
    world: World,
) -> None:
    alone = world.start(ClientToken="1")["ContactId"]
    second = world.start(ClientToken="2", RelatedContactId=alone)["ContactId"]
    third = world.start(ClientToken="3", RelatedContactId=second)["ContactId"]
    foreign = world.start(ClientToken="4", RelatedContactId="another")["ContactId"]
    world.stop(alone)
    source = {"SourceContactId": alone, "RehydrationType": "FROM_SEGMENT"}
    continued = world.start(ClientToken="5", PersistentChat=source)["ContactId"]

    assert "InitialContactId" not in world.describe(alone)
    initial = [world.describe(c)["InitialContactId"] for c in (second, third, foreign, continued)]
    assert initial == [alone, alone, "another", alone]


def test_the_agent_is_told_of_from_the_moment_it_has_joined(world: World) -> None:
    waiting = world.start("agent")
    assert "AgentInfo" not in world.describe(waiting["ContactId"])
    socket, token = world.connect(waiting)
    socket.send(SUBSCRIBE)
    (joined,) = [
        item
        for item in socket.items
        if item["ContentType"].endswith("participant.joined") and item["ParticipantRole"] == "AGENT"
    ]
    at = datetime.fromisoformat(joined["AbsoluteTime"]).timestamp()
    told = [world.describe(waiting["ContactId"])]
    world.call("DisconnectParticipant", token)
    told.append(world.describe(waiting["ContactId"]))

    for described in told:
        assert described["AgentInfo"]["Id"] == joined["ParticipantId"]
        assert described["AgentInfo"]["ConnectedToAgentTimestamp"] == at
        assert errors_in(described, service_model("connect").shape_for("Contact")) == ""
    bot, _ = world.join("echo", ClientToken="without an agent")
    assert "AgentInfo" not in world.describe(bot.items[0]["ContactId"])


def test_a_customer_id_of_another_type_is_no_customer_of_a_fault(world: World) -> None:
    values: tuple[object, ...] = ([], {}, 1, None)
    for value in values:
        request = Request("StartChatContact", world.request(CustomerId=value))
        assert world.service.customer_id(request) is None
