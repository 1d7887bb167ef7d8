"""What else public code asks of Amazon Connect, as boto3 gets it from the local one."""

import json
import queue
import socket as sockets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpx
import pytest
from botocore.exceptions import ClientError
from websockets.sync.client import connect

from connect_tasks.emulator import LocalConnect, LocalQuotas
from tests.functional.test_emulator_clients import BOTH, SUBSCRIBE, client, read_items, smallest

EVENT = "application/vnd.amazonaws.connect.event."
TOPIC = "arn:aws:sns:us-east-1:111122223333:chats"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def strange(value: Any, shape: Any, path: str = "") -> list[str]:  # noqa: PLR0911 - one for each type
    """Where an answer has what its model does not."""
    if shape is None:
        return [path] if value else []
    match shape.type_name:
        case "structure" if isinstance(value, dict):
            members = shape.members
            unknown = [f"{path}.{name}" for name in value if name not in members]
            inner = [strange(value[n], members[n], f"{path}.{n}") for n in value if n in members]
            missing = [f"{path}.{n} is missing" for n in shape.required_members if n not in value]
            return [*unknown, *missing, *(found for each in inner for found in each)]
        case "list" if isinstance(value, list):
            return [found for one in value for found in strange(one, shape.member, f"{path}[]")]
        case "map" if isinstance(value, dict):
            return [f for k, one in value.items() for f in strange(one, shape.value, f"{path}.{k}")]
        case "string" if isinstance(value, str):
            enum = getattr(shape, "enum", ())
            return [f"{path}: {value}"] if enum and value not in enum else []
        case "integer" | "long" if type(value) is int:
            return []
        case "timestamp" | "float" | "double" if isinstance(value, (int, float)):
            return []
        case "boolean" if isinstance(value, bool):
            return []
    return [f"{path} is no {shape.type_name}"]


def check_answers(made: Any, service: str) -> Any:
    """Let each answer that a client gets be compared with the model, member by member."""

    def check(response_dict: dict[str, Any], operation_model: Any, **_: object) -> None:
        if response_dict["status_code"] == 200:
            body = json.loads(response_dict["body"])
            assert strange(body, operation_model.output_shape) == []

    made.meta.events.register(f"before-parse.{service}.*", check)
    return made


@pytest.fixture(name="local")
def _local(request: pytest.FixtureRequest) -> Iterator[LocalConnect]:
    settings = getattr(request, "param", {})
    settings = {"flow": "echo", "quotas": LocalQuotas.unlimited(), **settings}
    with LocalConnect(**settings) as running:
        yield running


@pytest.fixture(name="contacts")
def _contacts(local: LocalConnect) -> Iterator[Any]:
    with client(local, "connect") as made:
        yield check_answers(made, "connect")


@pytest.fixture(name="participants")
def _participants(local: LocalConnect) -> Iterator[Any]:
    with client(local, "connectparticipant") as made:
        yield check_answers(made, "connectparticipant")


@contextmanager
def joined(participants: Any, participant_token: str) -> Iterator[tuple[str, Any]]:
    """A participant's connection token and subscribed socket."""
    info = participants.create_participant_connection(ParticipantToken=participant_token, Type=BOTH)
    with connect(info["Websocket"]["Url"]) as socket:
        socket.send(SUBSCRIBE)
        assert json.loads(socket.recv(timeout=10))["topic"] == "aws/subscribe"
        yield info["ConnectionCredentials"]["ConnectionToken"], socket


def until(socket: Any, wanted: str) -> dict[str, Any]:
    """The first item of a type or content type that comes on a socket."""
    while True:
        (item,) = read_items(socket, 1)
        if wanted in (item["Type"], item.get("ContentType")):
            return item


def ids(local: LocalConnect, contact_id: str) -> dict[str, str]:
    return {"InstanceId": local.instance_id, "ContactId": contact_id}


def code_of(error: ClientError) -> tuple[str, int]:
    return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]


def test_attributes_that_are_updated_are_read_back_and_others_stay(
    local: LocalConnect, contacts: Any
) -> None:
    made = contacts.start_chat_contact(**smallest(local, Attributes={"a": "1", "b": "2"}))
    which = {"InstanceId": local.instance_id, "InitialContactId": made["ContactId"]}
    contacts.update_contact_attributes(**which, Attributes={"b": "3", "c": ""})
    contacts.stop_contact(**ids(local, made["ContactId"]))
    contacts.update_contact_attributes(**which, Attributes={"after": "the end"})
    with pytest.raises(ClientError) as too_much:
        contacts.update_contact_attributes(**which, Attributes={"d": "x" * 32_760})
    with pytest.raises(ClientError) as no_key:
        contacts.update_contact_attributes(**which, Attributes={"no key": "x"})
    with pytest.raises(ClientError) as unknown:
        contacts.update_contact_attributes(
            **{**which, "InitialContactId": "unknown"}, Attributes={"a": "b"}
        )

    told = contacts.get_contact_attributes(**which)["Attributes"]
    described = contacts.describe_contact(**ids(local, made["ContactId"]))["Contact"]
    assert told == {"a": "1", "b": "3", "c": "", "after": "the end"}
    assert described["Attributes"] == told
    assert code_of(too_much.value) == ("InvalidParameterException", 400)
    assert code_of(no_key.value) == ("InvalidParameterException", 400)
    assert code_of(unknown.value) == ("ResourceNotFoundException", 404)


def test_flows_are_listed_page_by_page_and_found_again_by_their_id(
    local: LocalConnect, contacts: Any
) -> None:
    pages = contacts.get_paginator("list_contact_flows").paginate(
        InstanceId=local.instance_id, PaginationConfig={"PageSize": 2}
    )
    found = [page["ContactFlowSummaryList"] for page in pages]
    listed = [flow for page in found for flow in page]
    none = contacts.list_contact_flows(
        InstanceId=local.instance_arn, ContactFlowTypes=["AGENT_WHISPER"]
    )
    described = contacts.describe_contact_flow(
        InstanceId=local.instance_id, ContactFlowId=listed[0]["Id"]
    )["ContactFlow"]

    assert {flow["Name"]: flow["Id"] for flow in listed} == dict(local.flow_ids)
    assert len(listed) == len(local.flow_ids) > 2
    assert [len(page) for page in found[:-1]] == [2] * (len(found) - 1)
    assert len(found[-1]) in (1, 2)
    assert described["Arn"] == listed[0]["Arn"]
    assert none["ContactFlowSummaryList"] == []


def test_a_page_token_of_nobody_is_refused(local: LocalConnect, contacts: Any) -> None:
    for list_them in (contacts.list_contact_flows, contacts.list_queues):
        with pytest.raises(ClientError) as caught:
            list_them(InstanceId=local.instance_id, NextToken="another list's")
        assert code_of(caught.value) == ("InvalidRequestException", 400)


def test_the_instance_is_found_without_knowing_its_id(local: LocalConnect, contacts: Any) -> None:
    (instance,) = contacts.list_instances()["InstanceSummaryList"]

    assert (instance["Id"], instance["Arn"]) == (local.instance_id, local.instance_arn)
    assert contacts.list_queues(InstanceId=instance["Id"])["QueueSummaryList"] == []


def test_details_and_tags_of_a_contact_are_described_and_listed(
    local: LocalConnect, contacts: Any
) -> None:
    made = contacts.start_chat_contact(**smallest(local))
    which = ids(local, made["ContactId"])
    contacts.update_contact(
        **which,
        Name="Renewal",
        Description="about the renewal",
        References={"ticket": {"Type": "URL", "Value": "https://t.example/1"}},
        SegmentAttributes={"plan": {"ValueString": "gold"}},
    )
    contacts.update_contact(**which, Name="Renewal 2")
    contacts.tag_contact(**which, Tags={"team": "a", "cost": "b"})
    contacts.untag_contact(**which, TagKeys=["cost", "unknown"])

    described = contacts.describe_contact(**which)["Contact"]
    links = contacts.list_contact_references(**which, ReferenceTypes=["URL", "ATTACHMENT"])
    numbers = contacts.list_contact_references(**which, ReferenceTypes=["NUMBER"])
    assert (described["Name"], described["Description"]) == ("Renewal 2", "about the renewal")
    assert described["Tags"] == {"team": "a"}
    assert described["SegmentAttributes"]["plan"] == {"ValueString": "gold"}
    assert described["SegmentAttributes"]["connect:Subtype"] == {"ValueString": "connect:Chat"}
    assert links["ReferenceSummaryList"] == [
        {"Url": {"Name": "ticket", "Value": "https://t.example/1"}}
    ]
    assert numbers["ReferenceSummaryList"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"QueueInfo": {"Id": "q"}},
        {"References": {"mail": {"Type": "EMAIL_MESSAGE", "Value": "x"}}},
        {"SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:Guide"}}},
        {"Name": "x" * 1025},
    ],
    ids=["nothing", "of calls", "of mails", "the system's", "too long"],
)
def test_what_aws_does_not_let_one_update_is_refused(
    local: LocalConnect, contacts: Any, wrong: dict[str, Any]
) -> None:
    made = contacts.start_chat_contact(**smallest(local))
    with pytest.raises(ClientError) as caught:
        contacts.update_contact(**ids(local, made["ContactId"]), **wrong)

    assert code_of(caught.value)[1] == 400


def test_a_file_goes_up_is_shown_to_all_and_comes_down_unchanged(
    local: LocalConnect, contacts: Any, participants: Any
) -> None:
    made = contacts.start_chat_contact(**smallest(local))
    file = {"ContentType": "image/png", "AttachmentName": "a b.png"}
    with joined(participants, made["ParticipantToken"]) as (token, socket):
        announced = {**file, "AttachmentSizeInBytes": len(PNG), "ClientToken": "t"}
        upload = participants.start_attachment_upload(ConnectionToken=token, **announced)
        again = participants.start_attachment_upload(ConnectionToken=token, **announced)
        with pytest.raises(ClientError) as early:
            participants.complete_attachment_upload(
                ConnectionToken=token, AttachmentIds=[upload["AttachmentId"]], ClientToken="c0"
            )
        place = upload["UploadMetadata"]
        headers = place["HeadersToInclude"]
        wrong_type = httpx.put(place["Url"], content=PNG, headers={"Content-Type": "text/html"})
        too_long = httpx.put(place["Url"], content=PNG * 2, headers=headers)
        too_short = httpx.put(place["Url"], content=PNG[:-1], headers=headers)
        put = httpx.put(place["Url"], content=PNG, headers=headers)
        twice = httpx.put(place["Url"], content=PNG, headers=headers)
        for _ in range(2):
            participants.complete_attachment_upload(
                ConnectionToken=token, AttachmentIds=[upload["AttachmentId"]], ClientToken="c1"
            )
        with pytest.raises(ClientError) as late:
            participants.complete_attachment_upload(
                ConnectionToken=token, AttachmentIds=[upload["AttachmentId"]], ClientToken="c2"
            )
        item = until(socket, "ATTACHMENT")
        page = participants.get_transcript(ConnectionToken=token, SortOrder="ASCENDING")
        link = participants.get_attachment(
            ConnectionToken=token, AttachmentId=upload["AttachmentId"], UrlExpiryInSeconds=60
        )
        got = httpx.get(link["Url"])
        references = contacts.list_contact_references(
            **ids(local, made["ContactId"]), ReferenceTypes=["ATTACHMENT"]
        )["ReferenceSummaryList"]

    assert again["AttachmentId"] == upload["AttachmentId"]
    assert [it.status_code for it in (wrong_type, too_long, too_short)] == [403, 400, 400]
    assert (put.status_code, twice.status_code) == (200, 403)
    assert code_of(early.value) == ("ValidationException", 400)
    assert code_of(late.value) == ("ConflictException", 409)
    shown = {
        "AttachmentName": "a b.png",
        "ContentType": "image/png",
        "AttachmentId": upload["AttachmentId"],
        "Status": "APPROVED",
    }
    assert item["Attachments"] == [shown]
    assert item["ParticipantRole"] == "CUSTOMER"
    kept = [it for it in page["Transcript"] if it["Type"] == "ATTACHMENT"]
    assert [(it["Id"], it["Attachments"]) for it in kept] == [(item["Id"], [shown])]
    assert (got.content, got.headers["content-type"]) == (PNG, "image/png")
    assert link["AttachmentSizeInBytes"] == len(PNG)
    (reference,) = references
    assert reference["Attachment"]["Name"] == upload["AttachmentId"]
    assert reference["Attachment"]["Status"] == "APPROVED"


@pytest.mark.parametrize(
    "local",
    [{"quotas": LocalQuotas(start_attachment_upload=None, attachments=2, attachment_bytes=100)}],
    indirect=True,
)
def test_files_have_a_largest_number_size_and_known_types(
    local: LocalConnect, contacts: Any, participants: Any
) -> None:
    made = contacts.start_chat_contact(**smallest(local))
    file = {"ContentType": "text/plain", "AttachmentName": "a.txt", "AttachmentSizeInBytes": 100}
    found = []
    with joined(participants, made["ParticipantToken"]) as (token, _):
        wrongs = ({"AttachmentSizeInBytes": 101}, {"ContentType": "text/html"})
        for wrong in (*wrongs, {}, {}, {}):
            try:
                participants.start_attachment_upload(ConnectionToken=token, **{**file, **wrong})
                found.append(("taken", 200))
            except ClientError as error:
                found.append(code_of(error))

    refused = ("ValidationException", 400)
    over = ("ServiceQuotaExceededException", 402)
    assert found == [refused, refused, ("taken", 200), ("taken", 200), over]


class Endpoint:
    """An HTTP endpoint of a topic, with what was POSTed to it."""

    def __init__(self, *statuses: int) -> None:
        self.got: queue.Queue[tuple[dict[str, str], dict[str, Any]]] = queue.Queue()
        left = list(statuses)
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status = left.pop(0) if left else 200
                if status == 200:
                    got.put(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def next(self) -> tuple[dict[str, str], dict[str, Any]]:
        return self.got.get(timeout=10)


def test_a_chat_is_streamed_to_its_topics_endpoint_in_the_form_of_sns() -> None:
    # The first try is refused, and made again.
    with (
        Endpoint(500) as endpoint,
        LocalConnect(flow="echo", sns={TOPIC: endpoint.url}) as local,
        client(local, "connect") as contacts,
        client(local, "connectparticipant") as participants,
    ):
        made = contacts.start_chat_contact(
            **smallest(
                local,
                ChatStreamingConfiguration={"StreamingEndpointArn": TOPIC},
                InitialMessage={"ContentType": "text/plain", "Content": "Good day"},
            )
        )
        headers, first = endpoint.next()
        with joined(participants, made["ParticipantToken"]) as (token, _):
            _, second = endpoint.next()
            greeting = json.loads(endpoint.next()[1]["Message"])
            contacts.stop_contact_streaming(
                **ids(local, made["ContactId"]), StreamingId=made["StreamingId"]
            )
            participants.send_message(
                ConnectionToken=token, ContentType="text/plain", Content="unheard"
            )
            again = contacts.start_contact_streaming(
                **ids(local, made["ContactId"]),
                ChatStreamingConfiguration={"StreamingEndpointArn": TOPIC},
                ClientToken="again",
            )
            participants.disconnect_participant(ConnectionToken=token)
        left = json.loads(endpoint.next()[1]["Message"])
        ended = json.loads(endpoint.next()[1]["Message"])

    assert headers["x-amz-sns-message-type"] == "Notification"
    assert headers["x-amz-sns-topic-arn"] == TOPIC
    assert headers["x-amz-sns-message-id"] == first["MessageId"]
    assert (first["Type"], first["TopicArn"]) == ("Notification", TOPIC)
    item = json.loads(first["Message"])
    assert (item["Content"], item["ParticipantRole"]) == ("Good day", "CUSTOMER")
    assert {name: it["Value"] for name, it in first["MessageAttributes"].items()} == {
        "InitialContactId": made["ContactId"],
        "ContactId": made["ContactId"],
        "ParticipantRole": "CUSTOMER",
        "InstanceId": local.instance_id,
        "AccountId": local.instance_arn.split(":")[4],
        "Type": "MESSAGE",
        "ContentType": "text/plain",
        "MessageVisibility": "ALL",
    }
    assert json.loads(second["Message"])["ContentType"] == f"{EVENT}participant.joined"
    assert greeting["ParticipantRole"] == "SYSTEM"
    assert again["StreamingId"] != made["StreamingId"]
    assert left["ContentType"] == f"{EVENT}participant.left"
    assert ended["ContentType"] == f"{EVENT}chat.ended"


def test_an_endpoint_that_is_not_there_harms_no_chat() -> None:
    with Endpoint() as gone:
        url = gone.url
    with (
        LocalConnect(flow="echo", sns={TOPIC: url}) as local,
        client(local, "connect") as contacts,
        client(local, "connectparticipant") as participants,
    ):
        streaming = {"StreamingEndpointArn": TOPIC}
        made = contacts.start_chat_contact(**smallest(local, ChatStreamingConfiguration=streaming))
        with joined(participants, made["ParticipantToken"]) as (token, socket):
            participants.send_message(ConnectionToken=token, ContentType="text/plain", Content="Hi")
            heard = [it.get("Content") for it in read_items(socket, 3)]

    assert "Hi" in heard


def test_an_endpoint_that_never_answers_holds_up_no_chat() -> None:
    with sockets.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        with (
            LocalConnect(flow="echo", sns={TOPIC: url}) as local,
            client(local, "connect") as contacts,
            client(local, "connectparticipant") as participants,
        ):
            streaming = {"StreamingEndpointArn": TOPIC}
            made = contacts.start_chat_contact(
                **smallest(local, ChatStreamingConfiguration=streaming)
            )
            with joined(participants, made["ParticipantToken"]) as (token, wire):
                participants.send_message(
                    ConnectionToken=token, ContentType="text/plain", Content="Hi"
                )
                heard = [it.get("Content") for it in read_items(wire, 3)]

    assert "Hi" in heard


def test_a_file_may_be_larger_than_any_other_body(
    local: LocalConnect, contacts: Any, participants: Any
) -> None:
    made = contacts.start_chat_contact(**smallest(local))
    content = bytes(range(256)) * 8192
    with joined(participants, made["ParticipantToken"]) as (token, _):
        upload = participants.start_attachment_upload(
            ConnectionToken=token,
            ContentType="video/mp4",
            AttachmentName="a.mp4",
            AttachmentSizeInBytes=len(content),
        )
        place = upload["UploadMetadata"]
        put = httpx.put(place["Url"], content=content, headers=place["HeadersToInclude"])
        participants.complete_attachment_upload(
            ConnectionToken=token, AttachmentIds=[upload["AttachmentId"]]
        )
        link = participants.get_attachment(
            ConnectionToken=token, AttachmentId=upload["AttachmentId"]
        )
        got = httpx.get(link["Url"])

    assert put.status_code == 200
    assert got.content == content


def test_a_file_that_is_far_too_large_is_refused_before_it_comes(
    local: LocalConnect, contacts: Any, participants: Any
) -> None:
    made = contacts.start_chat_contact(**smallest(local))
    with joined(participants, made["ParticipantToken"]) as (token, _):
        upload = participants.start_attachment_upload(
            ConnectionToken=token,
            ContentType="image/png",
            AttachmentName="a.png",
            AttachmentSizeInBytes=10,
        )
        url = httpx.URL(upload["UploadMetadata"]["Url"])
        head = f"PUT {url.raw_path.decode()} HTTP/1.1\r\nHost: {url.netloc.decode()}\r\n"
        size = "Content-Length: 9000000000\r\nExpect: 100-continue\r\n\r\n"
        with sockets.create_connection((url.host, url.port), timeout=10) as line:
            line.sendall((head + size).encode())
            answer = line.recv(65_536)

    assert answer.startswith(b"HTTP/1.1 400")


def test_a_chat_has_two_topics_and_the_same_client_token_the_same_streaming(
    local: LocalConnect, contacts: Any
) -> None:
    made = contacts.start_chat_contact(**smallest(local))
    which = ids(local, made["ContactId"])
    topics = [{"StreamingEndpointArn": f"{TOPIC}-{number}"} for number in range(3)]
    with LocalConnect(flow="echo") as strict, client(strict, "connect") as calls:
        made = calls.start_chat_contact(**smallest(strict))
        which = ids(strict, made["ContactId"])
        first, second, same = (
            calls.start_contact_streaming(
                **which, ChatStreamingConfiguration=topics[number], ClientToken=str(number)
            )["StreamingId"]
            for number in (0, 1, 0)
        )
        with pytest.raises(ClientError) as third:
            calls.start_contact_streaming(
                **which, ChatStreamingConfiguration=topics[2], ClientToken="2"
            )
        with pytest.raises(ClientError) as no_topic:
            calls.start_contact_streaming(
                **which,
                ChatStreamingConfiguration={"StreamingEndpointArn": "arn:aws:sqs:x:1:q"},
                ClientToken="3",
            )
        with pytest.raises(ClientError) as unknown:
            calls.stop_contact_streaming(**which, StreamingId="unknown")

    assert first == same != second
    assert code_of(third.value) == ("LimitExceededException", 429)
    assert code_of(no_topic.value) == ("InvalidParameterException", 400)
    assert code_of(unknown.value) == ("ResourceNotFoundException", 404)


def test_a_custom_bot_joins_with_its_own_token_and_is_seen_by_the_customer(
    local: LocalConnect, contacts: Any, participants: Any
) -> None:
    made = contacts.start_chat_contact(**smallest(local))
    wanted = {"ParticipantRole": "CUSTOM_BOT", "DisplayName": "Translator"}
    with joined(participants, made["ParticipantToken"]) as (customer, socket):
        added = contacts.create_participant(
            **ids(local, made["ContactId"]), ParticipantDetails=wanted, ClientToken="c"
        )
        same = contacts.create_participant(
            **ids(local, made["ContactId"]), ParticipantDetails=wanted, ClientToken="c"
        )
        bot_token = added["ParticipantCredentials"]["ParticipantToken"]
        with joined(participants, bot_token) as (token, _):
            arrival = until(socket, f"{EVENT}participant.joined")
            while arrival["ParticipantRole"] == "CUSTOMER":
                arrival = until(socket, f"{EVENT}participant.joined")
            sent = participants.send_message(
                ConnectionToken=token, ContentType="text/plain", Content="Bonjour"
            )
            said = until(socket, "MESSAGE")
            while said["ParticipantRole"] == "SYSTEM":
                said = until(socket, "MESSAGE")
            participants.disconnect_participant(ConnectionToken=token)
            leave = until(socket, f"{EVENT}participant.left")
            with pytest.raises(ClientError) as gone:
                participants.send_message(
                    ConnectionToken=token, ContentType="text/plain", Content="again"
                )
        participants.send_message(ConnectionToken=customer, ContentType="text/plain", Content="Hi")

    assert same == {**added, "ResponseMetadata": same["ResponseMetadata"]}
    assert arrival["ParticipantId"] == added["ParticipantId"] == said["ParticipantId"]
    assert (arrival["ParticipantRole"], arrival["DisplayName"]) == ("CUSTOM_BOT", "Translator")
    assert (said["Id"], said["Content"]) == (sent["Id"], "Bonjour")
    assert leave["ParticipantId"] == added["ParticipantId"]
    assert code_of(gone.value) == ("AccessDeniedException", 403)
    (contact,) = local.contacts
    assert contact.ended_at is None


def test_only_one_custom_bot_can_be_added_and_nobody_else() -> None:
    with LocalConnect(flow="echo") as local, client(local, "connect") as contacts:
        which = ids(local, contacts.start_chat_contact(**smallest(local))["ContactId"])
        found = []
        for role, name in (("AGENT", "A"), ("CUSTOM_BOT", "B"), ("CUSTOM_BOT", "C")):
            try:
                contacts.create_participant(
                    **which, ParticipantDetails={"ParticipantRole": role, "DisplayName": name}
                )
                found.append(("taken", 200))
            except ClientError as error:
                found.append(code_of(error))

    assert found == [
        ("InvalidRequestException", 400),
        ("taken", 200),
        ("ServiceQuotaExceededException", 402),
    ]


def test_a_running_chat_can_be_made_to_go_on_from_an_ended_one(
    local: LocalConnect, contacts: Any, participants: Any
) -> None:
    past = contacts.start_chat_contact(**smallest(local))
    with joined(participants, past["ParticipantToken"]) as (token, socket):
        greeting = until(socket, "MESSAGE")
        participants.disconnect_participant(ConnectionToken=token)
    now = contacts.start_chat_contact(**smallest(local))
    which = {"InstanceId": local.instance_id, "InitialContactId": now["ContactId"]}
    wanted = {"RehydrationType": "FROM_SEGMENT", "SourceContactId": past["ContactId"]}
    with joined(participants, now["ParticipantToken"]) as (token, socket):
        answer = contacts.create_persistent_contact_association(**which, **wanted)
        until(socket, f"{EVENT}chat.rehydrated")
        page = participants.get_transcript(
            ConnectionToken=token, SortOrder="ASCENDING", MaxResults=100
        )
        with pytest.raises(ClientError) as twice:
            contacts.create_persistent_contact_association(**which, **wanted)

    assert answer["ContinuedFromContactId"] == past["ContactId"]
    related = [it["Id"] for it in page["Transcript"] if it.get("RelatedContactId")]
    assert greeting["Id"] in related
    assert code_of(twice.value) == ("InvalidRequestException", 400)


def test_chats_are_not_transferred_as_tasks_and_mails_are(
    local: LocalConnect, contacts: Any
) -> None:
    made = contacts.start_chat_contact(**smallest(local))
    with pytest.raises(ClientError) as caught:
        contacts.transfer_contact(
            **ids(local, made["ContactId"]), QueueId="q", ContactFlowId=local.flow_id
        )

    assert code_of(caught.value) == ("InvalidRequestException", 400)
    assert "TASK" in caught.value.response["Error"]["Message"]


@pytest.mark.parametrize("local", [{"receipts": True}], indirect=True)
def test_the_other_side_confirms_what_the_customer_says_where_that_is_wanted(
    local: LocalConnect, contacts: Any, participants: Any
) -> None:
    made = contacts.start_chat_contact(**smallest(local))
    with joined(participants, made["ParticipantToken"]) as (token, socket):
        greeting = until(socket, "MESSAGE")
        sent = participants.send_message(
            ConnectionToken=token, ContentType="text/plain", Content="Hi"
        )
        delivered, read = until(socket, "MESSAGEMETADATA"), until(socket, "MESSAGEMETADATA")
        participants.send_event(
            ConnectionToken=token,
            ContentType=f"{EVENT}message.read",
            Content=json.dumps({"messageId": greeting["Id"]}),
        )
        own = until(socket, "MESSAGEMETADATA")

    (receipt,) = read["MessageMetadata"]["Receipts"]
    assert delivered["MessageMetadata"]["MessageId"] == sent["Id"]
    assert "ReadTimestamp" not in delivered["MessageMetadata"]["Receipts"][0]
    assert receipt["ReadTimestamp"] >= receipt["DeliveredTimestamp"]
    assert receipt["RecipientParticipantId"] == greeting["ParticipantId"]
    assert own["MessageMetadata"]["MessageId"] == greeting["Id"]


def test_a_customer_signs_in_or_does_not_want_to(
    local: LocalConnect, contacts: Any, participants: Any
) -> None:
    made = contacts.start_chat_contact(**smallest(local))
    with joined(participants, made["ParticipantToken"]) as (token, socket):
        local.ask_to_sign_in(made["ContactId"])
        asked = until(socket, f"{EVENT}authentication.initiated")
        session_id = json.loads(asked["Content"])["SessionId"]
        request = {"SessionId": session_id, "RedirectUri": "https://shop.example/back?page=1"}
        url = participants.get_authentication_url(ConnectionToken=token, **request)[
            "AuthenticationUrl"
        ]
        with pytest.raises(ClientError) as again:
            participants.get_authentication_url(ConnectionToken=token, **request)
        back = httpx.URL(httpx.get(url).headers["location"])
        done = {"State": back.params["state"], "InstanceId": local.instance_id}
        with pytest.raises(ClientError) as wrong:
            contacts.update_participant_authentication(**done, Code="wrong")
        contacts.update_participant_authentication(**done, Code=back.params["code"])
        until(socket, f"{EVENT}authentication.succeeded")

        local.ask_to_sign_in(made["ContactId"])
        asked = until(socket, f"{EVENT}authentication.initiated")
        participants.cancel_participant_authentication(
            ConnectionToken=token, SessionId=json.loads(asked["Content"])["SessionId"]
        )
        until(socket, f"{EVENT}authentication.cancelled")

    assert (back.host, back.params["page"]) == ("shop.example", "1")
    assert code_of(again.value) == ("AccessDeniedException", 403)
    assert code_of(wrong.value) == ("InvalidParameterException", 400)


def test_an_unknown_operation_is_named_in_the_answer_and_in_the_log(
    local: LocalConnect, contacts: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ClientError) as caught:
        contacts.list_users(InstanceId=local.instance_id)

    assert code_of(caught.value) == ("UnknownOperationException", 404)
    assert "ListUsers" in caught.value.response["Error"]["Message"]
    assert "ListUsers is not served here" in caplog.text
