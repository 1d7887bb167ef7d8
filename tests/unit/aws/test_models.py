import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from connect_tasks.aws.models import (
    ChatMessage,
    ParticipantDetails,
    Problem,
    SegmentAttributeValue,
    StartChatContactRequest,
    StartChatContactResponse,
    problems,
)

INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
RESPONSE = "application/vnd.amazonaws.connect.message.interactive.response"
INSTANCE_ARN = "arn:aws:connect:eu-central-1:123456789012:instance/i-1"

any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)


def request(**fields: Any) -> StartChatContactRequest:
    required = {
        "instance_id": "i-1",
        "contact_flow_id": "f-1",
        "participant_details": {"display_name": "Ada"},
    }
    return StartChatContactRequest.model_validate({**required, **fields})


def wrong(**fields: Any) -> dict[str, str]:
    """The rules that a request breaks, by field."""
    with pytest.raises(ValidationError) as caught:
        request(**fields)
    return {problem.field: problem.rule for problem in problems(caught.value)}


def test_a_request_is_made_of_snake_case_and_written_in_amazons_names() -> None:
    made = request(
        attributes={"plan": "gold"},
        initial_message={"content_type": "text/plain", "content": "Hi"},
        segment_attributes={"tier": {"value_map": {"level": {"value_integer": 2}}}},
        disconnect_on_customer_exit=["AGENT"],
    )

    assert made.to_wire() == {
        "InstanceId": "i-1",
        "ContactFlowId": "f-1",
        "ParticipantDetails": {"DisplayName": "Ada"},
        "Attributes": {"plan": "gold"},
        "InitialMessage": {"ContentType": "text/plain", "Content": "Hi"},
        "SegmentAttributes": {"tier": {"ValueMap": {"level": {"ValueInteger": 2}}}},
        "DisconnectOnCustomerExit": ["AGENT"],
    }


@given(
    name=st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=256
    ),
    v=any_text,
)
def test_any_text_survives_the_wire(name: str, v: str) -> None:
    made = request(participant_details={"display_name": name}, attributes={"a": v})

    assert StartChatContactRequest.from_wire(json.loads(json.dumps(made.to_wire()))) == made


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"instance_id": "\ud800"}, id="half a surrogate pair"),
        pytest.param({"instance_id": 7}, id="a number for a text"),
        pytest.param({"attributes": {"a": 1}}, id="a number for an attribute"),
        pytest.param({"attributes": {"a": None}}, id="none for an attribute"),
        pytest.param({"attributes": {"a": float("nan")}}, id="NaN for an attribute"),
    ],
)
def test_nothing_is_made_a_text_silently(fields: dict[str, Any]) -> None:
    assert wrong(**fields)


def test_an_unknown_field_is_refused_by_its_name() -> None:
    assert wrong(recipient="0042") == {"recipient": "is not a field that is known here"}


def test_amazons_names_are_not_accepted_in_python() -> None:
    with pytest.raises(ValidationError):
        StartChatContactRequest.model_validate(request().to_wire())


def test_a_request_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        request().instance_id = "i-2"  # type: ignore[misc]


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_the_id_is_taken_out_of_an_arn(partition: str) -> None:
    instance = f"arn:{partition}:connect:eu-central-1:123456789012:instance/i-1"
    made = request(instance_id=instance, contact_flow_id=f"{instance}/contact-flow/f-9")

    assert (made.instance_id, made.contact_flow_id) == ("i-1", "f-9")


def test_a_flow_of_another_instance_is_refused() -> None:
    found = wrong(instance_id="i-2", contact_flow_id=f"{INSTANCE_ARN}/contact-flow/f-1")

    assert found == {"contact_flow_id": "belongs to another instance (i-1) than instance_id (i-2)"}


@pytest.mark.parametrize(
    "arn",
    [
        pytest.param("arn:aws:s3:::bucket", id="of another service"),
        pytest.param(f"{INSTANCE_ARN}/queue/q-1", id="of something else in the instance"),
    ],
)
@pytest.mark.parametrize("field", ["instance_id", "contact_flow_id"])
def test_an_arn_of_something_else_is_refused(field: str, arn: str) -> None:
    assert list(wrong(**{field: arn})) == [field]


def test_an_id_is_as_long_as_documented_after_it_was_taken_from_the_arn() -> None:
    arn = "arn:aws:connect:eu-central-1:123456789012:instance/"

    assert request(instance_id=arn + "i" * 100).instance_id == "i" * 100
    assert list(wrong(instance_id=arn + "i" * 101)) == ["instance_id"]


# -- attributes


def test_attributes_may_have_32768_bytes_in_all() -> None:
    attributes = {"a": "é" * 8_000, "b": "x" * (32_768 - 2 - 16_000)}

    assert request(attributes=attributes).to_wire()["Attributes"] == attributes


def test_attributes_count_utf8_bytes_over_keys_and_values() -> None:
    found = wrong(attributes={"a": "é" * 8_000, "b": "x" * (32_768 - 1 - 16_000)})

    assert found == {"attributes": "may have at most 32,768 UTF-8 bytes in all, has 32,769"}


@pytest.mark.parametrize("key", ["plan", "Plan-2", "_", "0", "a" * 1000])
def test_attribute_keys_are_alphanumeric_dash_and_underscore(key: str) -> None:
    assert request(attributes={key: ""}).attributes == {key: ""}


@pytest.mark.parametrize("key", ["", "my plan", "a.b", "connect:x", "größe", "a\n", "٣"])
def test_other_attribute_keys_are_refused_by_name(key: str) -> None:
    assert list(wrong(attributes={key: ""})) == [f"attributes.{key}"]


# -- the initial message


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("text/plain", "Hi"),
        ("text/markdown", "**Hi**"),
        ("application/json", '{"a": [1, null]}'),
        (RESPONSE, "{}"),
    ],
)
def test_the_four_types_of_an_initial_message(kind: str, content: str) -> None:
    message = {"content_type": kind, "content": content}
    supported = ["text/plain", *{kind} - {"text/plain"}]

    wire = request(initial_message=message, supported_messaging_content_types=supported).to_wire()
    assert wire["InitialMessage"] == {"ContentType": kind, "Content": content}
    assert wire["SupportedMessagingContentTypes"] == supported


@pytest.mark.parametrize("kind", ["", "text/html", INTERACTIVE, "TEXT/PLAIN"])
def test_other_types_of_an_initial_message_are_refused(kind: str) -> None:
    message = {"content_type": kind, "content": "{}"}

    assert list(wrong(initial_message=message)) == ["initial_message.content_type"]


def test_an_initial_message_has_16384_bytes_not_characters() -> None:
    ChatMessage(content_type="text/plain", content="é" * 8_192)

    message = {"content_type": "text/plain", "content": "é" * 8_192 + "."}
    assert wrong(initial_message=message) == {
        "initial_message.content": "may have at most 16,384 bytes, has 16,385"
    }


@pytest.mark.parametrize("kind", ["application/json", RESPONSE])
@pytest.mark.parametrize("content", ["{", "Hi", "NaN", "[Infinity]", "{'a': 1}", " ", "[" * 9_000])
def test_a_json_type_must_hold_json(kind: str, content: str) -> None:
    message = {"content_type": kind, "content": content}
    supported = ["text/plain", kind]

    assert wrong(initial_message=message, supported_messaging_content_types=supported) == {
        "initial_message.content": f"must be JSON, as its type is {kind}"
    }


def test_json_may_hold_integers_of_any_length() -> None:
    message = ChatMessage(content_type="application/json", content="1" * 5_000)

    assert message.content == "1" * 5_000


def test_without_supported_types_only_plain_text_is_supported() -> None:
    message = {"content_type": "text/markdown", "content": "Hi"}

    assert list(wrong(initial_message=message)) == ["initial_message.content_type"]


def test_the_initial_message_is_of_a_supported_type() -> None:
    message = {"content_type": "text/markdown", "content": "Hi"}
    given = ["text/plain", "application/json"]

    found = wrong(initial_message=message, supported_messaging_content_types=given)
    assert list(found) == ["initial_message.content_type"]


# -- supported types


@pytest.mark.parametrize(
    "types",
    [
        pytest.param([], id="none"),
        pytest.param(["text/markdown"], id="without plain text"),
        pytest.param(["text/plain", "text/plain"], id="repeated"),
    ],
)
def test_supported_types_hold_plain_text_once(types: list[str]) -> None:
    assert list(wrong(supported_messaging_content_types=types)) == [
        "supported_messaging_content_types"
    ]


def test_an_unknown_supported_type_is_told_by_its_place() -> None:
    found = wrong(supported_messaging_content_types=["text/plain", "image/png"])

    assert list(found) == ["supported_messaging_content_types[1]"]


# -- what excludes or needs something else


def test_related_contact_and_persistent_chat_exclude_each_other() -> None:
    past = {"rehydration_type": "FROM_SEGMENT", "source_contact_id": "c-1"}

    request(persistent_chat=past)
    request(related_contact_id="c-1")
    assert wrong(persistent_chat=past, related_contact_id="c-1") == {
        "related_contact_id": "cannot be given together with persistent_chat"
    }


@pytest.mark.parametrize(
    ("given", "lacking"),
    [
        ({"rehydration_type": "FROM_SEGMENT"}, "source_contact_id"),
        ({"source_contact_id": "c-1"}, "rehydration_type"),
    ],
)
def test_a_persistent_chat_is_whole_or_absent(given: dict[str, str], lacking: str) -> None:
    assert wrong(persistent_chat=given) == {f"persistent_chat.{lacking}": "is required"}


@pytest.mark.parametrize(
    ("types", "right"),
    [
        (None, False),
        (["text/plain", INTERACTIVE], False),
        (["text/plain", RESPONSE], False),
        (["text/plain", INTERACTIVE, RESPONSE], True),
    ],
)
def test_a_guide_needs_both_interactive_types(types: list[str] | None, *, right: bool) -> None:
    fields = {
        "segment_attributes": {"connect:Subtype": {"value_string": "connect:Guide"}},
        "supported_messaging_content_types": types,
    }

    if right:
        request(**fields)
    else:
        assert list(wrong(**fields)) == ["segment_attributes.connect:Subtype.value_string"]


@pytest.mark.parametrize("key", ["a", "connect:Subtype", "a" * 128, "connect:" + "a" * 120])
def test_segment_attribute_keys_may_have_amazons_prefix(key: str) -> None:
    wire = request(segment_attributes={key: {"value_string": "x"}}).to_wire()

    assert wire["SegmentAttributes"] == {key: {"ValueString": "x"}}


@pytest.mark.parametrize("key", ["", "a b", "a" * 129, "other:a", "connect:a:b", "connect:" * 2])
def test_other_segment_attribute_keys_are_refused(key: str) -> None:
    assert list(wrong(segment_attributes={key: {"value_string": "x"}})) == [
        f"segment_attributes.{key}"
    ]


@pytest.mark.parametrize(
    ("name", "value"), [("value_list", [{"value_string": "x"}]), ("value_arn", "arn:aws:s3:::b")]
)
def test_lists_and_arns_are_for_system_defined_attributes_only(name: str, value: Any) -> None:
    request(segment_attributes={"connect:x": {name: value}})

    nested = {"mine": {"value_map": {"inner": {name: value}}}}
    assert list(wrong(segment_attributes=nested)) == [
        f"segment_attributes.mine.value_map.inner.{name}"
    ]


@pytest.mark.parametrize("number", [-(2**31), 2**31 - 1])
def test_a_segment_integer_has_32_bits(number: int) -> None:
    assert SegmentAttributeValue(value_integer=number).value_integer == number
    with pytest.raises(ValidationError):
        SegmentAttributeValue(value_integer=number + (1 if number > 0 else -1))


@pytest.mark.parametrize(
    ("arn", "right"),
    [
        ("arn:aws:sns:eu-central-1:123456789012:chats", True),
        ("arn:aws:sns:eu-central-1:123456789012:chats.fifo", False),
        ("arn:aws:sqs:eu-central-1:123456789012:chats", False),
        ("chats", False),
    ],
)
def test_chats_are_streamed_to_a_standard_topic(arn: str, *, right: bool) -> None:
    fields = {"chat_streaming_configuration": {"streaming_endpoint_arn": arn}}

    if right:
        request(**fields)
    else:
        assert list(wrong(**fields)) == ["chat_streaming_configuration.streaming_endpoint_arn"]


# -- everything at once


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = wrong(
        instance_id="",
        participant_details={},
        attributes={"my plan": "x", "b": "é" * 20_000},
        initial_message={"content_type": "application/json", "content": "{" * 17_000},
        chat_duration_in_minutes=59,
        persistent_chat={"rehydration_type": "ALL"},
        related_contact_id="c-1",
        segment_attributes={"connect:Subtype": {"value_string": "connect:Guide"}},
        surplus=1,
    )

    assert set(found) == {
        "instance_id",
        "participant_details.display_name",
        "attributes.my plan",
        "attributes",
        "initial_message.content",
        "initial_message.content_type",
        "chat_duration_in_minutes",
        "persistent_chat.rehydration_type",
        "persistent_chat.source_contact_id",
        "related_contact_id",
        "segment_attributes.connect:Subtype.value_string",
        "surplus",
    }


def test_a_message_that_is_too_long_and_no_json_has_two_problems() -> None:
    with pytest.raises(ValidationError) as caught:
        ChatMessage(content_type="application/json", content="{" * 17_000)

    assert [problem.field for problem in problems(caught.value)] == ["content", "content"]


def test_rules_about_several_fields_also_speak_on_amazons_names() -> None:
    wire = {**request(related_contact_id="c-1").to_wire(), "PersistentChat": {}}

    with pytest.raises(ValidationError) as caught:
        StartChatContactRequest.from_wire(wire)
    assert "related_contact_id" in {problem.field for problem in problems(caught.value)}


@given(
    st.dictionaries(
        st.sampled_from(sorted(StartChatContactRequest.model_fields)),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text("a{:", max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["content", "content_type", "value_map", "connect:Subtype", "x"]
                    ),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=4,
        ),
    )
)
def test_whatever_is_given_is_refused_with_words_and_no_other_error(fields: dict[str, Any]) -> None:
    try:
        made = StartChatContactRequest.model_validate(fields)
    except ValidationError as error:
        found = problems(error)
        assert found
        assert all(problem.rule and len(problem.value) <= 60 for problem in found)
    else:
        assert made.to_wire()


# -- problems in words


@pytest.mark.parametrize("value", ["x" * 61, "x" * 10_000, "'" * 300, "\n" * 300, "é🙂" * 100])
def test_a_long_value_is_shortened_to_60_characters(value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ParticipantDetails(display_name=value * 30)
    (problem,) = problems(caught.value)

    assert len(problem.value) <= 60
    assert "…" in problem.value


def test_a_problem_reads_as_field_value_and_rule() -> None:
    assert str(Problem("a.b", "'x'", "must be y")) == "a.b = 'x': must be y"
    assert str(Problem("a.b", "", "is required")) == "a.b: is required"


def test_braces_in_a_value_stay_as_they_are() -> None:
    message = {"content_type": "text/markdown", "content": "{limit} {0} {"}

    assert wrong(initial_message=message, related_contact_id="{x}", persistent_chat={"{y}": 1})


# -- the response


ANSWER = {
    "ContactId": "c-1",
    "ParticipantId": "p-1",
    "ParticipantToken": "secret-participant",
    "ContinuedFromContactId": "c-0",
    "ConnectionCredentials": {
        "ConnectionToken": "secret-connection",
        "Expiry": "2019-11-08T02:41:28.172Z",
    },
    "Websocket": {"Url": "wss://secret", "ConnectionExpiry": "2019-11-08T02:41:28.172Z"},
    "StreamingId": "s-1",
    "SomethingNew": {"x": 1},
    "ResponseMetadata": {"HTTPStatusCode": 200},
}


def test_tokens_of_a_response_are_secret() -> None:
    answer = StartChatContactResponse.from_wire(ANSWER)

    assert answer.participant_token == SecretStr("secret-participant")
    assert answer.connection_credentials is not None
    assert answer.connection_credentials.connection_token.get_secret_value() == "secret-connection"
    assert answer.websocket is not None
    assert answer.websocket.url.get_secret_value() == "wss://secret"
    assert answer.websocket.connection_expiry is not None
    assert answer.websocket.connection_expiry.isoformat() == "2019-11-08T02:41:28.172000+00:00"
    for shown in (repr(answer), str(answer), answer.model_dump_json()):
        assert "secret-" not in shown
        assert "wss://" not in shown


@pytest.mark.parametrize("member", ["ConnectionCredentials", "Websocket", "StreamingId"])
def test_what_amazon_may_leave_out_may_be_missing(member: str) -> None:
    answer = {name: value for name, value in ANSWER.items() if name != member}
    read = StartChatContactResponse.from_wire(answer).model_dump(by_alias=True)

    assert read[member] is None
    assert read["ContactId"] == ANSWER["ContactId"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"ParticipantToken": ["secret"]}, id="a token of another type"),
        pytest.param({"Websocket": "secret"}, id="a text for the socket"),
        pytest.param({"ConnectionCredentials": {"ConnectionToken": ("secret",)}}, id="nested"),
        pytest.param({"ContactId": None}, id="another member"),
    ],
)
def test_a_response_that_cannot_be_read_tells_no_token(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        StartChatContactResponse.from_wire({**ANSWER, **change})

    told = str(caught.value) + "".join(map(str, problems(caught.value)))
    assert "secret" not in told.replace("secret_", "")


def test_the_models_import_neither_pandas_nor_prefect_nor_boto3() -> None:
    code = "import sys, connect_tasks.aws.models; print(*{m.split('.')[0] for m in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )

    assert not {"pandas", "prefect", "boto3", "botocore"} & set(loaded.stdout.split())
