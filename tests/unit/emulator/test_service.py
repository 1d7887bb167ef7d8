import pytest

from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.operations import OPERATIONS, route_of
from connect_tasks.emulator.quotas import LocalQuotas
from connect_tasks.emulator.service import Request
from tests.unit.emulator.world import World


def test_routes_are_those_of_the_documented_wire() -> None:
    routes = {name: route_of(name) for names in OPERATIONS.values() for name in names}

    assert routes == {
        "StartChatContact": ("PUT", "/contact/chat"),
        "StartOutboundChatContact": ("PUT", "/contact/outbound-chat"),
        "StopContact": ("POST", "/contact/stop"),
        "DescribeContact": ("GET", "/contacts/{InstanceId}/{ContactId}"),
        "DescribeInstance": ("GET", "/instance/{InstanceId}"),
        "DescribeContactFlow": ("GET", "/contact-flows/{InstanceId}/{ContactFlowId}"),
        "DescribePhoneNumber": ("GET", "/phone-number/{PhoneNumberId}"),
        "GetContactAttributes": (
            "GET",
            "/contact/attributes/{InstanceId}/{InitialContactId}",
        ),
        "ListContactReferences": ("GET", "/contact/references/{InstanceId}/{ContactId}"),
        "ListInstanceStorageConfigs": ("GET", "/instance/{InstanceId}/storage-configs"),
        "SearchContacts": ("POST", "/search-contacts"),
        "UpdateContactAttributes": ("POST", "/contact/attributes"),
        "ListContactFlows": ("GET", "/contact-flows-summary/{InstanceId}"),
        "ListInstances": ("GET", "/instance"),
        "ListQueues": ("GET", "/queues-summary/{InstanceId}"),
        "StartContactStreaming": ("POST", "/contact/start-streaming"),
        "StopContactStreaming": ("POST", "/contact/stop-streaming"),
        "UpdateContact": ("POST", "/contacts/{InstanceId}/{ContactId}"),
        "TagContact": ("POST", "/contact/tags"),
        "UntagContact": ("DELETE", "/contact/tags/{InstanceId}/{ContactId}"),
        "CreatePersistentContactAssociation": (
            "POST",
            "/contact/persistent-contact-association/{InstanceId}/{InitialContactId}",
        ),
        "UpdateParticipantRoleConfig": (
            "PUT",
            "/contact/participant-role-config/{InstanceId}/{ContactId}",
        ),
        "CreateParticipant": ("POST", "/contact/create-participant"),
        "TransferContact": ("POST", "/contact/transfer"),
        "UpdateParticipantAuthentication": ("POST", "/contact/update-participant-authentication"),
        "StartAttachmentUpload": ("POST", "/participant/start-attachment-upload"),
        "CompleteAttachmentUpload": ("POST", "/participant/complete-attachment-upload"),
        "GetAttachment": ("POST", "/participant/attachment"),
        "DescribeView": ("GET", "/participant/views/{ViewToken}"),
        "GetAuthenticationUrl": ("POST", "/participant/authentication-url"),
        "CancelParticipantAuthentication": ("POST", "/participant/cancel-authentication"),
        "CreateParticipantConnection": ("POST", "/participant/connection"),
        "SendMessage": ("POST", "/participant/message"),
        "SendEvent": ("POST", "/participant/event"),
        "GetTranscript": ("POST", "/participant/transcript"),
        "DisconnectParticipant": ("POST", "/participant/disconnect"),
    }


@pytest.mark.parametrize(
    "body",
    [b"{", b"[1]", b'{"ClientToken": NaN}', b"null", b"\xff", b'{"ClientToken": "\\ud800"}'],
    ids=["cut off", "a list", "not a number", "null", "not UTF-8", "half a surrogate pair"],
)
def test_a_body_that_is_no_json_object_is_an_invalid_request(world: World, body: bytes) -> None:
    headers = {"authorization": "AWS4-HMAC-SHA256 Credential=local"}

    with pytest.raises(RefusedError) as caught:
        world.service.answer(Request.read("StartChatContact", body, {}, headers))

    assert caught.value.code == "InvalidRequestException"


def test_the_connect_service_wants_a_signature(world: World) -> None:
    with pytest.raises(RefusedError) as caught:
        world.service.answer(Request("StartChatContact", world.request()))

    assert caught.value.status == 403
    assert world.backend.chats == {}


def test_an_access_key_that_expired_is_refused_and_others_are_not(world: World) -> None:
    world.service.expired_keys.add("ASIAOLD")
    signed = (
        "AWS4-HMAC-SHA256 Credential={}/20261122/us-east-1/connect/aws4_request, SignedHeaders=x"
    )

    with pytest.raises(RefusedError) as caught:
        world.service.answer(
            Request("StartChatContact", world.request(), "", signed.format("ASIAOLD"))
        )
    refused = len(world.backend.chats)
    world.service.answer(Request("StartChatContact", world.request(), "", signed.format("ASIANEW")))

    assert (caught.value.code, caught.value.status) == ("ExpiredTokenException", 403)
    assert (refused, len(world.backend.chats)) == (0, 1)


def test_a_throttled_call_does_nothing_and_is_counted() -> None:
    world = World(quotas=LocalQuotas(start_chat_contact=(1, 2)))
    for number in range(2):
        world.start(ClientToken=str(number))
    for number in range(2, 5):
        with pytest.raises(RefusedError, match="TooManyRequestsException"):
            world.start(ClientToken=str(number))

    assert len(world.backend.chats) == 2
    assert world.service.refusals == {("StartChatContact", "TooManyRequestsException"): 3}


def test_every_token_that_is_handed_out_is_on_the_list(world: World) -> None:
    started = world.start(ConnectionTypes=["WEBSOCKET", "CONNECTION_CREDENTIALS"])
    world.start()
    info = world.call("CreateParticipantConnection", started["ParticipantToken"])

    assert world.backend.connections.issued == [
        started["ParticipantToken"],
        started["Websocket"]["Url"],
        started["ConnectionCredentials"]["ConnectionToken"],
        info["Websocket"]["Url"],
        info["ConnectionCredentials"]["ConnectionToken"],
    ]
