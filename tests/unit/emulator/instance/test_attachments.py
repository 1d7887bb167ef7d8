"""Files that people send: whose they are, how long their links last, and when they are let go."""

from itertools import count
from typing import Any

import pytest

from connect_tasks.emulator.instance.attachments import ATTACHMENT_PATH
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.quotas import LocalQuotas
from tests.unit.emulator.world import World

BYTES = b"0123456789"
NUMBERS = count()


def start(world: World, token: str, **members: object) -> dict[str, Any]:
    request = {
        "ContentType": "image/png",
        "AttachmentSizeInBytes": len(BYTES),
        "AttachmentName": "a.png",
        "ClientToken": f"start {next(NUMBERS)}",
        **members,
    }
    return world.call("StartAttachmentUpload", token, **request)


def key_of(url: str) -> str:
    return url.partition(ATTACHMENT_PATH)[2]


def put(world: World, upload: dict[str, Any], content: bytes = BYTES) -> None:
    key = key_of(upload["UploadMetadata"]["Url"])
    world.service.attachments.put(key, "image/png", content)


def complete(world: World, token: str, upload: dict[str, Any]) -> None:
    named = {"AttachmentIds": [upload["AttachmentId"]], "ClientToken": f"end {next(NUMBERS)}"}
    world.call("CompleteAttachmentUpload", token, **named)


def send(world: World, token: str, **members: object) -> str:
    """Send a file; its id."""
    upload = start(world, token, **members)
    put(world, upload)
    complete(world, token, upload)
    attachment_id: str = upload["AttachmentId"]
    return attachment_id


def link(world: World, token: str, attachment_id: str, **members: object) -> str:
    answer = world.call("GetAttachment", token, AttachmentId=attachment_id, **members)
    return key_of(answer["Url"])


def code(caught: pytest.ExceptionInfo[RefusedError]) -> str:
    return caught.value.code


def test_a_link_to_put_a_file_to_lasts_five_minutes(world: World) -> None:
    _, token = world.join("echo")
    early, late = start(world, token), start(world, token)
    world.pass_time(minutes=4, seconds=59)
    put(world, early)
    world.pass_time(seconds=1)

    with pytest.raises(RefusedError) as caught:
        put(world, late)
    assert code(caught) == "AccessDenied"


def test_a_link_to_get_a_file_lasts_as_long_as_was_asked(world: World) -> None:
    _, token = world.join("echo")
    attachment_id = send(world, token)
    short = link(world, token, attachment_id, UrlExpiryInSeconds=5)
    usual = link(world, token, attachment_id)
    world.pass_time(seconds=4.9)
    found = world.service.attachments.read(short).content
    world.pass_time(seconds=0.1)

    assert found == BYTES
    assert world.service.attachments.read(usual).content == BYTES
    with pytest.raises(RefusedError):
        world.service.attachments.read(short)


def test_no_link_takes_the_place_of_one_before_it(world: World) -> None:
    _, ann = world.join("echo")
    other, bob = world.join("echo", ClientToken="another chat")
    of_ann, of_bob = send(world, ann), send(world, bob)
    link(world, bob, of_bob)
    world.stop(other.items[0]["ContactId"])
    world.pass_time(seconds=299)
    long = link(world, ann, of_ann, UrlExpiryInSeconds=300)
    # Bob's is forgotten then.
    world.pass_time(seconds=1)
    short = link(world, ann, of_ann, UrlExpiryInSeconds=5)
    world.pass_time(seconds=5)

    assert short != long
    assert world.service.attachments.read(long).content == BYTES


def test_a_file_is_of_its_sender_until_it_is_sent_and_of_its_chat_then(world: World) -> None:
    _, ann = world.join("echo")
    _, bob = world.join("echo", ClientToken="another chat")
    upload = start(world, ann)
    put(world, upload)
    with pytest.raises(RefusedError) as unsent:
        link(world, ann, upload["AttachmentId"])
    with pytest.raises(RefusedError) as foreign:
        complete(world, bob, upload)
    complete(world, ann, upload)
    with pytest.raises(RefusedError) as stranger:
        link(world, bob, upload["AttachmentId"])

    assert code(unsent) == code(foreign) == code(stranger) == "ValidationException"
    assert world.service.attachments.read(link(world, ann, upload["AttachmentId"])).content == BYTES


def bot(world: World) -> str:
    """A custom bot in the one chat; its connection token."""
    (contact_id,) = world.backend.chats
    added = world.call(
        "CreateParticipant",
        InstanceId=world.backend.instance_id,
        ContactId=contact_id,
        ParticipantDetails={"ParticipantRole": "CUSTOM_BOT", "DisplayName": "Bot"},
    )
    info = world.call(
        "CreateParticipantConnection", added["ParticipantCredentials"]["ParticipantToken"]
    )
    return str(info["ConnectionCredentials"]["ConnectionToken"])


def test_a_custom_bot_may_not_get_files(world: World) -> None:
    _, customer = world.join("echo")
    attachment_id = send(world, customer)

    with pytest.raises(RefusedError) as caught:
        link(world, bot(world), attachment_id)
    assert code(caught) == "AccessDeniedException"


def test_nobody_sends_what_another_one_in_the_chat_has_put(world: World) -> None:
    _, customer = world.join("echo")
    upload = start(world, customer)
    put(world, upload)
    helper = bot(world)

    with pytest.raises(RefusedError) as caught:
        complete(world, helper, upload)
    assert code(caught) == "ValidationException"
    complete(world, customer, upload)


def test_client_tokens_of_two_participants_are_not_the_same(world: World) -> None:
    _, customer = world.join("echo")
    helper = bot(world)
    own = start(world, customer, ClientToken="one")
    again = start(world, customer, ClientToken="one")
    other = start(world, helper, ClientToken="one")

    assert own["AttachmentId"] == again["AttachmentId"] != other["AttachmentId"]


def test_files_are_let_go_five_minutes_after_the_end_and_are_still_told_of(world: World) -> None:
    started = world.start("echo")
    _, token = world.join("echo")
    attachment_id = send(world, token)
    key = link(world, token, attachment_id, UrlExpiryInSeconds=300)
    open_link = key_of(start(world, token)["UploadMetadata"]["Url"])
    chat = world.backend.chats[started["ContactId"]]
    world.stop(started["ContactId"])
    world.pass_time(minutes=4, seconds=59)
    before = world.service.attachments.read(key).content
    with pytest.raises(RefusedError):
        world.service.attachments.put(open_link, "image/png", BYTES)
    world.pass_time(seconds=1)
    listed = world.call(
        "ListContactReferences",
        InstanceId=world.backend.instance_id,
        ContactId=started["ContactId"],
        ReferenceTypes=["ATTACHMENT"],
    )["ReferenceSummaryList"]

    assert before == BYTES
    assert [upload.content for upload in chat.uploads] == [None, None]
    assert [one["Attachment"]["Name"] for one in listed] == [attachment_id]
    with pytest.raises(RefusedError):
        world.service.attachments.read(key)


def test_an_upload_that_was_given_up_makes_room_for_another() -> None:
    world = World(quotas=LocalQuotas(start_attachment_upload=None, attachments=1))
    _, token = world.join("echo")
    start(world, token)
    with pytest.raises(RefusedError) as caught:
        start(world, token)
    world.pass_time(minutes=5)
    send(world, token)
    with pytest.raises(RefusedError):
        start(world, token)

    assert (code(caught), caught.value.status) == ("ServiceQuotaExceededException", 402)


@pytest.mark.parametrize(
    "kind", ["image/png", "text/plain; charset=utf-8", "APPLICATION/PDF", "image/jpeg"]
)
def test_the_types_that_aws_names_are_taken(world: World, kind: str) -> None:
    _, token = world.join("echo")

    assert start(world, token, ContentType=kind)["AttachmentId"]


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/x-sh", "png", "*/*"])
def test_no_other_types_are_taken(world: World, kind: str) -> None:
    _, token = world.join("echo")
    with pytest.raises(RefusedError) as caught:
        start(world, token, ContentType=kind)

    assert code(caught) == "ValidationException"


def test_a_file_is_an_item_of_the_contact_that_it_was_sent_in(world: World) -> None:
    socket, token = world.join("echo")
    attachment_id = send(world, token, AttachmentName="b.png")
    (item,) = [item for item in socket.items if item["Type"] == "ATTACHMENT"]
    (record,) = [chat.record() for chat in world.backend.chats.values()]

    assert "ContentType" not in item
    assert record.transcript[-1].attachments[0].id == attachment_id
    assert record.transcript[-1].attachments[0].name == "b.png"
