"""Conversations that begin on a phone: the instance alone, without HTTP, in the time of a test."""

from typing import Any

import pytest

from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.phones import LocalPhones, PhoneKind
from connect_tasks.emulator.quotas import LocalQuotas
from connect_tasks.emulator.transcript_storage import TranscriptStorage
from tests.unit.emulator.world import World

SOURCE = "arn:aws:connect:us-east-1:111122223333:phone-number/p-1"
ADA, BOB = "+4915112345678", "+4915112345679"


def having(kind: PhoneKind, **settings: Any) -> World:
    phones = LocalPhones(shares={kind: 1}, **settings)
    return World(storage=TranscriptStorage(), phones=phones)


def refusal(world: World, **members: object) -> tuple[str, str]:
    with pytest.raises(RefusedError) as caught:
        world.call("StartOutboundChatContact", **world.outbound(**members))
    return caught.value.code, caught.value.message


# --- the answer ---


def test_the_answer_is_a_contact_id_and_no_token() -> None:
    world = World()

    answer = world.call("StartOutboundChatContact", **world.outbound())

    assert list(answer) == ["ContactId"]
    assert world.backend.connections.issued == []


def test_the_same_token_finds_the_same_contact_for_seven_days() -> None:
    world = World(phones=LocalPhones(shares={PhoneKind.SILENT: 1}))
    first = world.text_to(ADA, ChatDurationInMinutes=60)
    world.pass_time(days=7, seconds=-1)

    assert world.text_to(ADA) == first
    assert len(world.backend.chats) == 1

    world.pass_time(seconds=1)
    assert world.text_to(ADA) != first


def test_another_token_is_another_contact_on_the_same_phone() -> None:
    world = World()

    assert world.text_to(ADA) != world.text_to(ADA, ClientToken="another")


def test_the_two_calls_that_start_chats_do_not_share_their_tokens() -> None:
    world = World()
    chat = world.start(ClientToken="one")["ContactId"]
    text = world.call("StartOutboundChatContact", **world.outbound(ClientToken="one"))["ContactId"]

    assert chat != text


# --- what is refused ---


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"DestinationEndpoint": {}}, "DestinationEndpoint.Type"),
        ({"DestinationEndpoint": {"Type": "TELEPHONE_NUMBER"}}, "DestinationEndpoint.Address"),
        (
            {"DestinationEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "call me"}},
            "DestinationEndpoint.Address",
        ),
        (
            {"DestinationEndpoint": {"Type": "EMAIL_ADDRESS", "Address": ADA}},
            "DestinationEndpoint.Type",
        ),
        ({"SourceEndpoint": {}}, "SourceEndpoint.Address"),
        ({"SourceEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": ADA}}, "SourceEndpoint.Type"),
        ({"SegmentAttributes": {}}, "SegmentAttributes"),
        ({"SegmentAttributes": {"connect:Channel": {"ValueString": "SMS"}}}, "SegmentAttributes"),
        ({"ChatDurationInMinutes": 99_999}, "ChatDurationInMinutes"),
        ({"ChatDurationInMinutes": 59}, "ChatDurationInMinutes"),
        ({"ClientToken": "t" * 501}, "ClientToken"),
        ({"Attributes": {"a": "b" * 32_767, "c": "d"}}, "Attributes"),
        (
            {"InitialSystemMessage": {"ContentType": "text/plain", "Content": "x" * 20_000}},
            "InitialSystemMessage.Content",
        ),
        (
            {"InitialSystemMessage": {"ContentType": "text/plain", "Content": "ü" * 8_193}},
            "InitialSystemMessage.Content",
        ),
        (
            {
                "InitialSystemMessage": {"ContentType": "text/plain", "Content": "Hi"},
                "InitialTemplatedSystemMessage": {
                    "KnowledgeBaseId": "k",
                    "MessageTemplateId": "t",
                    "TemplateAttributes": {},
                },
            },
            "InitialTemplatedSystemMessage",
        ),
        ({"SupportedMessagingContentTypes": ["text/markdown"]}, "SupportedMessagingContentTypes"),
    ],
)
def test_what_is_wrong_is_refused_and_makes_no_contact(members: Any, where: str) -> None:
    world = World()

    code, message = refusal(world, **members)

    assert code == "InvalidRequestException"
    assert where in message
    assert not world.backend.chats


def test_a_flow_or_a_number_that_is_not_here_is_not_found() -> None:
    here = frozenset({"arn:aws:connect:us-east-1:111122223333:phone-number/other"})
    world = World(phones=LocalPhones(source_arns=here))

    assert refusal(world)[0] == "ResourceNotFoundException"
    assert refusal(World(), ContactFlowId="nowhere")[0] == "ResourceNotFoundException"


def test_texts_and_web_chats_fill_the_same_slots() -> None:
    quotas = LocalQuotas(start_outbound_chat_contact=None, start_chat_contact=None, open_chats=2)
    world = World(quotas=quotas, phones=LocalPhones(shares={PhoneKind.SILENT: 1}))
    world.start(ClientToken="web")
    world.text_to(ADA)

    code, message = refusal(world)
    assert (code, "concurrent" in message) == ("LimitExceededException", True)
    # A repetition takes no slot of its own.
    world.text_to(ADA)


def test_five_starts_go_at_once_and_two_more_each_second() -> None:
    world = World(quotas=LocalQuotas())
    for number in range(5):
        world.text_to(f"{ADA}{number}")

    assert refusal(world)[0] == "ThrottlingException"
    world.pass_time(seconds=1)
    world.text_to(f"{ADA}6")
    world.text_to(f"{ADA}7")
    assert refusal(world)[0] == "ThrottlingException"


def test_a_number_of_the_instance_is_described_by_its_id_or_arn() -> None:
    world = World(phones=LocalPhones(source_arns=frozenset({SOURCE})))

    by_id, by_arn = (
        world.call("DescribePhoneNumber", PhoneNumberId=given)["ClaimedPhoneNumberSummary"]
        for given in ("p-1", SOURCE)
    )

    assert by_id == by_arn
    assert (by_id["PhoneNumberArn"], by_id["TargetArn"]) == (SOURCE, world.backend.instance_arn)
    with pytest.raises(RefusedError) as caught:
        world.call("DescribePhoneNumber", PhoneNumberId="p-2")
    assert caught.value.code == "ResourceNotFoundException"


# --- the phones ---


def test_whoever_answers_is_asked_and_answers_until_the_flow_is_over() -> None:
    world = having(PhoneKind.ANSWER)

    contact = world.text_to(ADA)

    asked, answer, farewell = world.said_in(contact)
    assert (asked[0], answer[0], farewell[0]) == ("SYSTEM", "CUSTOMER", "SYSTEM")
    assert 0 <= int(answer[1]) <= 10
    assert world.describe(contact)["DisconnectReason"] == "CONTACT_FLOW_DISCONNECT"


def test_a_first_message_comes_before_what_the_flow_says() -> None:
    world = having(PhoneKind.SILENT)
    message = {"ContentType": "text/plain", "Content": "Ada, it is us."}

    contact = world.text_to(ADA, InitialSystemMessage=message)

    assert world.said_in(contact)[0] == ("SYSTEM", "Ada, it is us.")
    assert len(world.said_in(contact)) == 2


def test_a_template_is_told_by_its_id_and_what_it_is_filled_in_with() -> None:
    world = having(PhoneKind.SILENT)
    template = {
        "KnowledgeBaseId": "k-1",
        "MessageTemplateId": "renewal",
        "TemplateAttributes": {"CustomAttributes": {"name": "Ada"}},
    }

    contact = world.text_to(ADA, "silent", InitialTemplatedSystemMessage=template)

    assert world.said_in(contact) == [("SYSTEM", "[renewal] name=Ada")]


def test_a_silent_phone_leaves_the_chat_open_until_its_time_is_over() -> None:
    world = having(PhoneKind.SILENT)
    contact = world.text_to(ADA, ChatDurationInMinutes=60)

    world.pass_time(minutes=59)
    assert "DisconnectTimestamp" not in world.describe(contact)
    world.pass_time(minutes=1)
    assert world.describe(contact)["DisconnectReason"] == "EXPIRED"
    assert [role for role, _ in world.said_in(contact)] == ["SYSTEM"]


def test_stop_is_said_once_and_nothing_after_it() -> None:
    world = having(PhoneKind.STOP)

    contact = world.text_to(ADA)

    said = [text for role, text in world.said_in(contact) if role == "CUSTOMER"]
    assert said == ["STOP"]


def test_a_flow_that_listens_for_stop_hears_it_from_a_phone() -> None:
    world = having(PhoneKind.STOP)

    contact = world.text_to(ADA, "feedback")

    assert world.describe(contact)["Attributes"] == {"opted_out": "true"}


def test_an_undeliverable_message_ends_the_chat_and_frees_its_slot() -> None:
    quotas = LocalQuotas(start_outbound_chat_contact=None, open_chats=1)
    world = World(quotas=quotas, phones=LocalPhones(shares={PhoneKind.UNDELIVERABLE: 1}))

    contact = world.text_to(ADA)

    assert world.describe(contact)["DisconnectReason"] == "SYSTEM_ERROR"
    assert [role for role, _ in world.said_in(contact)] == ["SYSTEM"]
    world.text_to(BOB)


def test_what_is_undeliverable_may_look_as_if_nobody_answered() -> None:
    world = having(PhoneKind.UNDELIVERABLE, undeliverable="stays_open")

    contact = world.text_to(ADA)

    assert "DisconnectTimestamp" not in world.describe(contact)
    assert [role for role, _ in world.said_in(contact)] == ["SYSTEM"]


def test_a_number_of_ones_own_goes_before_the_shares() -> None:
    world = having(PhoneKind.SILENT, by_number={ADA: PhoneKind.ANSWER}, texts={ADA: ["7"]})

    ada, bob = world.text_to(ADA), world.text_to(BOB)

    assert ("CUSTOMER", "7") in world.said_in(ada)
    assert all(role != "CUSTOMER" for role, _ in world.said_in(bob))


def test_texts_come_one_for_each_time_that_something_arrives() -> None:
    world = having(PhoneKind.ANSWER, texts={ADA: ["many", "3"]})

    contact = world.text_to(ADA)

    assert [text for role, text in world.said_in(contact) if role == "CUSTOMER"] == ["many", "3"]


def test_somebody_writes_back_after_a_while_and_reads_all_that_has_come_by_then() -> None:
    world = having(PhoneKind.ANSWER, seconds=(30, 30), texts={ADA: ["7", "8"]})
    message = {"ContentType": "text/plain", "Content": "Ada, it is us."}
    contact = world.text_to(ADA, "echo", InitialSystemMessage=message)

    world.pass_time(seconds=29)
    assert all(role != "CUSTOMER" for role, _ in world.said_in(contact))
    world.pass_time(seconds=1)
    assert [role for role, _ in world.said_in(contact)].count("CUSTOMER") == 1


def test_a_chat_that_goes_on_as_another_contact_is_answered_there_too() -> None:
    world = having(PhoneKind.ANSWER)

    contact = world.text_to(ADA, "feedback")

    first = world.backend.chats[contact]
    assert first.next is not None
    assert any(item.participant_role == "CUSTOMER" for item in first.next.items)
    assert world.describe(first.next.contact_id)["InitiationMethod"] == "DISCONNECT"
    assert not first.latest.is_open


def test_a_chat_that_was_stopped_hears_nothing_from_its_phone() -> None:
    world = having(PhoneKind.ANSWER, seconds=(30, 30))
    contact = world.text_to(ADA)
    world.stop(contact)

    world.pass_time(minutes=1)

    assert all(role != "CUSTOMER" for role, _ in world.said_in(contact))
    assert world.describe(contact)["DisconnectReason"] == "API"


# --- the record ---


def test_the_record_tells_of_phone_number_and_subtype() -> None:
    world = having(PhoneKind.SILENT)

    told = world.describe(world.text_to(ADA))

    assert told["InitiationMethod"] == "API"
    assert told["Channel"] == "CHAT"
    assert told["SegmentAttributes"]["connect:Subtype"] == {"ValueString": "connect:SMS"}
    assert told["CustomerEndpoint"] == {"Type": "TELEPHONE_NUMBER", "Address": ADA}
    assert told["SystemEndpoint"]["Type"] == "CONNECT_PHONENUMBER_ARN"
    assert told["ConnectedToSystemTimestamp"] == told["InitiationTimestamp"]


def test_whoever_is_not_named_is_called_by_their_number() -> None:
    world = having(PhoneKind.SILENT)
    ada = world.text_to(ADA, ParticipantDetails={"DisplayName": "Ada"})
    bob = world.text_to(BOB)

    names = [world.backend.chats[each].record().display_name for each in (ada, bob)]
    assert names == ["Ada", BOB]
    assert world.backend.chats[bob].record().phone_number == BOB


def test_the_initiation_method_may_be_another() -> None:
    world = having(PhoneKind.ANSWER, initiation_method="OUTBOUND")

    contact = world.text_to(ADA)

    assert world.describe(contact)["InitiationMethod"] == "OUTBOUND"
    assert world.backend.chats[contact].record().initiation_method == "OUTBOUND"


def test_the_transcript_is_kept_where_those_of_web_chats_are() -> None:
    world = having(PhoneKind.ANSWER)

    told = world.describe(world.text_to(ADA))

    [recording] = told["Recordings"]
    assert f"/{told['Id']}_" in recording["Location"]
    assert told["ChatMetrics"]["CustomerMetrics"]["MessagesSent"] == 1


def test_the_search_finds_it_among_the_chats() -> None:
    world = having(PhoneKind.ANSWER)
    contact = world.text_to(ADA)
    now = world.clock().timestamp()

    found = world.call(
        "SearchContacts",
        InstanceId=world.backend.instance_id,
        TimeRange={"Type": "INITIATION_TIMESTAMP", "StartTime": now - 60, "EndTime": now + 60},
        SearchCriteria={"Channels": ["CHAT"], "InitiationMethods": ["API"]},
    )

    assert [each["Id"] for each in found["Contacts"]] == [contact]


def test_the_same_seed_makes_the_same_people() -> None:
    shares = {PhoneKind.ANSWER: 0.5, PhoneKind.SILENT: 0.3, PhoneKind.STOP: 0.2}

    def said(seed: int) -> list[Any]:
        world = World(seed=seed, phones=LocalPhones(shares=shares))
        return [world.said_in(world.text_to(f"+49151{n:08}", "feedback")) for n in range(30)]

    assert said(1) == said(1)
    assert said(1) != said(2)
