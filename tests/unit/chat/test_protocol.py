import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connect_tasks.aws.transcript import Connection, Item, Odd, parse_item
from connect_tasks.chat.protocol import Broken, ChatSocket, Received, Subscribed, Transcript

EVENT = "application/vnd.amazonaws.connect.event."
SUBSCRIBE = {"topic": "aws/subscribe", "content": {"topics": ["aws/chat"]}}
BEAT = {"topic": "aws/heartbeat"}
PING = {"topic": "aws/ping"}

# A real capture: the customer's own message comes back (facts/connect.md 3d).
ECHO = (
    r'{"content":"{\"AbsoluteTime\":\"2021-06-19T09:56:18.554Z\",\"Content\":\"Send message --15\"'
    r",\"ContentType\":\"text/plain\",\"Id\":\"4fe10f82-d20d-4dbd-8edc-a1967ede7852\","
    r"\"Type\":\"MESSAGE\",\"ParticipantId\":\"ced34411-415e-43b1-9d2b-ddb9237b58d0\","
    r"\"DisplayName\":\"Customer-LvXuan\",\"ParticipantRole\":\"CUSTOMER\","
    r"\"InitialContactId\":\"ee0ad51d-442e-474b-accc-1ff872c1822e\","
    r"\"ContactId\":\"ee0ad51d-442e-474b-accc-1ff872c1822e\"}"
    r'","contentType":"application/json","topic":"aws/chat"}'
)
ENDED = {
    "AbsoluteTime": "2022-10-27T03:34:43.192Z",
    "ContentType": EVENT + "chat.ended",
    "Id": "2d9a0e4f",
    "Type": "EVENT",
    "InitialContactId": "a307b665",
}
TYPING = {
    "AbsoluteTime": "2022-10-27T03:34:40.000Z",
    "ContentType": EVENT + "typing",
    "Id": "t-1",
    "Type": "EVENT",
    "ParticipantId": "p-1",
    "DisplayName": "Agent",
    "ParticipantRole": "AGENT",
    "InitialContactId": "a307b665",
}
BOT = {
    "AbsoluteTime": "2023-03-21T06:33:01.515Z",
    "Content": '{"templateType":"ListPicker"}',
    "ContentType": "application/vnd.amazonaws.connect.message.interactive",
    "Id": "d2ee0b6e",
    "Type": "MESSAGE",
    "ParticipantId": "1c2142ab",
    "DisplayName": "BOT",
    "ParticipantRole": "SYSTEM",
}
ATTACHED = [{"AttachmentName": "x.png", "ContentType": "image/png", "AttachmentId": "544cd644"}]
ATTACHMENT = {
    "AbsoluteTime": "2022-08-19T17:59:36.503Z",
    "Attachments": ATTACHED,
    "Id": "d01406f0",
    "Type": "ATTACHMENT",
    "ParticipantId": "df731823",
    "DisplayName": "Ágnes",
    "ParticipantRole": "AGENT",
}
RECEIPT = {
    "AbsoluteTime": "2024-07-14T23:41:28.821Z",
    "ContentType": EVENT + "message.metadata",
    "Id": "r-1",
    "Type": "MESSAGEMETADATA",
    "MessageMetadata": {"MessageId": "m-1", "Receipts": [{"RecipientParticipantId": "p-1"}]},
}


def on_the_wire(payload: Any) -> str:
    content = json.dumps(payload)
    return json.dumps({"content": content, "contentType": "application/json", "topic": "aws/chat"})


def answer(status: str) -> str:
    content = {"status": status, "topics": ["aws/chat"]}
    return json.dumps({"topic": "aws/subscribe", "content": content})


def sent(socket: ChatSocket, now: float) -> list[Any]:
    return [json.loads(out) if isinstance(out, str) else out for out in socket.due(now)]


def subscribed_socket(now: float = 0) -> ChatSocket:
    socket = ChatSocket(now)
    socket.due(now)
    socket.feed(answer("success"))
    return socket


def received(payload: Any) -> Item:
    (event,) = ChatSocket(0).feed(on_the_wire(payload))
    assert isinstance(event, Received)
    return event.item


# --- the subscription ---


def test_a_new_socket_subscribes_and_beats_at_once() -> None:
    socket = ChatSocket(now=100)

    assert socket.next_due == 100
    assert sent(socket, 100) == [SUBSCRIBE, PING, BEAT]


def test_the_confirmation_is_told_once() -> None:
    socket = ChatSocket(0)
    socket.due(0)

    assert socket.feed(answer("success")) == [Subscribed()]
    assert socket.feed(answer("success")) == []
    assert socket.subscribed


def test_an_unconfirmed_subscription_is_sent_again_after_a_second() -> None:
    socket = ChatSocket(0)
    socket.due(0)

    assert socket.next_due == 1
    assert sent(socket, 0.9) == []
    assert sent(socket, 1) == [SUBSCRIBE]


def test_a_refused_subscription_is_tried_again() -> None:
    socket = ChatSocket(0)
    socket.due(0)

    assert socket.feed(answer("failure")) == []
    assert not socket.subscribed
    assert sent(socket, 1) == [SUBSCRIBE]


def test_a_subscription_that_is_never_confirmed_breaks_the_socket() -> None:
    socket = ChatSocket(0)
    frames = [frame for second in range(5) for frame in sent(socket, second)]

    assert frames.count(SUBSCRIBE) == 5
    assert sent(socket, 5) == [Broken("the subscription was not confirmed")]


def test_a_confirmed_subscription_is_not_sent_again() -> None:
    socket = subscribed_socket()

    assert socket.next_due == 10
    assert sent(socket, 9.9) == []


# --- heartbeats ---


def test_an_answered_heartbeat_is_followed_by_the_next_after_ten_seconds() -> None:
    socket = subscribed_socket(100)

    assert socket.feed('{"topic":"aws/heartbeat"}') == []
    assert sent(socket, 110) == [PING, BEAT]
    assert socket.next_due == 120


def test_sockets_that_were_opened_at_any_time_beat_at_few_moments() -> None:
    moments = set()
    for number in range(1_000):
        opened_at = 100 + number / 100
        socket = subscribed_socket(opened_at)
        assert opened_at + 9.75 <= socket.next_due <= opened_at + 10
        moments.add(socket.next_due)

    # A quarter of a second apart.
    assert len(moments) == 40


def test_beats_stay_ten_seconds_apart_although_each_is_a_little_late() -> None:
    socket = subscribed_socket(0.1)
    assert socket.next_due == 10
    for beat in (10, 20, 30):
        socket.feed(json.dumps(BEAT))
        socket.due(beat + 0.003)
        assert socket.next_due == beat + 10


def test_an_unanswered_heartbeat_breaks_the_socket() -> None:
    assert sent(subscribed_socket(), 10) == [Broken("a heartbeat was not answered")]


def test_an_answered_ping_does_not_stand_for_a_heartbeat() -> None:
    socket = subscribed_socket()
    socket.feed('{"topic":"aws/ping","statusCode":200,"statusContent":"OK"}')

    assert sent(socket, 10) == [Broken("a heartbeat was not answered")]


def test_an_unanswered_ping_is_forgiven() -> None:
    socket = subscribed_socket()
    socket.feed('{"topic":"aws/heartbeat"}')

    assert sent(socket, 10) == [PING, BEAT]


# --- what arrives ---


def test_our_own_message_comes_back() -> None:
    assert ChatSocket(0).feed(ECHO) == [
        Received(
            Item(
                message_id="4fe10f82-d20d-4dbd-8edc-a1967ede7852",
                absolute_time=datetime(2021, 6, 19, 9, 56, 18, 554_000, tzinfo=UTC),
                type="MESSAGE",
                content_type="text/plain",
                content="Send message --15",
                participant_role="CUSTOMER",
                participant_id="ced34411-415e-43b1-9d2b-ddb9237b58d0",
                display_name="Customer-LvXuan",
            )
        )
    ]


@pytest.mark.parametrize(
    ("payload", "spoken", "ours", "end"),
    [
        (BOT, True, False, False),
        (ATTACHMENT, True, False, False),
        (BOT | {"ParticipantRole": "CUSTOMER"}, True, True, False),
        (TYPING, False, False, False),
        (ENDED, False, False, True),
    ],
    ids=["a bot's message", "an attachment", "our message", "typing", "the end"],
)
def test_an_item_knows_what_it_means(
    payload: dict[str, Any], *, spoken: bool, ours: bool, end: bool
) -> None:
    item = received(payload)

    assert (item.is_spoken, item.is_ours, item.is_end) == (spoken, ours, end)


def test_an_item_that_somebody_else_calls_chat_ended_is_not_the_end() -> None:
    assert not received(BOT | {"Content": EVENT + "chat.ended"}).is_end


def test_the_end_names_no_participant() -> None:
    item = received(ENDED)

    assert (item.participant_role, item.participant_id, item.display_name) == (None, None, None)
    assert item.content is None


def test_the_content_of_an_attachment_is_its_description() -> None:
    assert json.loads(received(ATTACHMENT).content or "") == ATTACHED


def test_only_the_whole_of_a_message_written_in_chunks_is_an_item() -> None:
    chunks = [
        BOT | {"Content": "Hel", "MessageMetadata": {"MessageCompleted": False, "ChunkNumber": 1}},
        BOT | {"Content": "Hello", "MessageMetadata": {"MessageCompleted": True}},
    ]
    socket = ChatSocket(0)

    events = [event for chunk in chunks for event in socket.feed(on_the_wire(chunk))]

    assert [event.item.content for event in events if isinstance(event, Received)] == ["Hello"]
    assert len(events) == 1


def test_a_receipt_is_no_item() -> None:
    assert ChatSocket(0).feed(on_the_wire(RECEIPT)) == []


def test_forbidden_breaks_the_socket() -> None:
    frame = '{"message": "Forbidden", "connectionId":"c=", "requestId":"r="}'

    assert ChatSocket(0).feed(frame) == [Broken("the server said 'Forbidden'")]


@pytest.mark.parametrize(
    "frame",
    ["", " \n", b"", "{}", '{"topic":"aws/unknown"}', '{"topic":["aws/chat"]}', '{"topic":null}'],
    ids=["empty", "blank", "no bytes", "nothing in it", "unknown topic", "a list", "no topic"],
)
def test_a_frame_that_is_for_others_means_nothing(frame: str | bytes) -> None:
    assert ChatSocket(0).feed(frame) == []


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    "frame",
    [
        "{",
        "[]",
        "null",
        '"aws/chat"',
        "NaN",
        "\0",
        "9" * 5_000,
        DEEP,
        '{"topic":' * 100_000,
        '{"topic":"aws/chat","content":' + DEEP + "}",
        '{"topic":"aws/chat"}',
        '{"topic":"aws/chat","content":"not JSON"}',
        '{"topic":"aws/chat","content":[1]}',
        '{"topic":"aws/chat","content":7}',
        json.dumps({"topic": "aws/chat", "content": DEEP}),
        json.dumps({"topic": "aws/chat", "content": '{"Attachments":' + DEEP + "}"}),
        b"\xff\xfe\xfd",
        b'{"topic":"aws/chat","content":"\xff"}',
        on_the_wire([BOT]),
        on_the_wire({"Type": "MESSAGE", "Content": "no id"}),
        on_the_wire(BOT | {"AbsoluteTime": "yesterday"}),
    ],
    ids=lambda frame: repr(frame[:25]),
)
def test_a_frame_that_cannot_be_read_is_odd_and_may_have_been_an_item(frame: str | bytes) -> None:
    (event,) = ChatSocket(0).feed(frame)

    assert isinstance(event, Odd)
    assert event.is_gap


def test_what_is_wrong_with_a_frame_is_told_without_its_content() -> None:
    (event,) = ChatSocket(0).feed(on_the_wire(BOT | {"Id": 5, "Content": "my PIN is 1234"}))

    assert isinstance(event, Odd)
    assert "1234" not in event.why


@pytest.mark.parametrize("message", ["x" * 9_999, {"a": [1]}, None, 5, "a\0\ud800"])
def test_whatever_a_server_refuses_with_breaks_the_socket_in_a_few_printable_words(
    message: object,
) -> None:
    (event,) = ChatSocket(0).feed(json.dumps({"message": message}))

    assert isinstance(event, Broken)
    assert len(event.reason) < 120
    assert event.reason.isprintable()


@pytest.mark.parametrize("content", ["success", ["success"], None, 5, {"status": ["success"]}])
def test_an_answer_of_another_shape_confirms_nothing(content: object) -> None:
    frame = json.dumps({"topic": "aws/subscribe", "content": content})

    assert ChatSocket(0).feed(frame) == []


def test_of_a_key_that_comes_twice_the_last_counts() -> None:
    content = json.dumps(BOT)[:-1] + ',"Content":"the last"}'

    (event,) = ChatSocket(0).feed(json.dumps({"topic": "aws/chat", "content": content}))

    assert isinstance(event, Received)
    assert event.item.content == "the last"


# --- whose item it is ---


@pytest.mark.parametrize(
    "ids",
    [
        {},
        {"ContactId": "ours"},
        {"InitialContactId": "ours"},
        # After a transfer the chat has a new contact, and is the same chat.
        {"ContactId": "transferred", "InitialContactId": "ours"},
        {"ContactId": "ours", "RelatedContactId": "past"},
        {"ContactId": None, "InitialContactId": None},
    ],
    ids=str,
)
def test_an_item_that_names_our_contact_or_none_is_ours(ids: dict[str, Any]) -> None:
    (event,) = ChatSocket(0, contact_id="ours").feed(on_the_wire(BOT | ids))

    assert isinstance(event, Received)


@pytest.mark.parametrize(
    "ids",
    [
        {"ContactId": "theirs"},
        {"InitialContactId": "theirs"},
        {"ContactId": "theirs", "InitialContactId": "theirs"},
        {"RelatedContactId": "theirs"},
        {"ContactId": "OURS"},
        {"ContactId": "ours "},
        {"ContactId": ""},
        {"ContactId": ["ours"]},
        {"ContactId": 5},
        {"ContactId": {"ours": "ours"}},
    ],
    ids=str,
)
def test_an_item_that_names_another_contact_is_never_ours(ids: dict[str, Any]) -> None:
    wire = ChatSocket(0, contact_id="ours")

    for raw in (BOT, ENDED, RECEIPT):
        own = {name: value for name, value in raw.items() if not name.endswith("ContactId")}
        events = wire.feed(on_the_wire(own | ids))
        assert events == [Odd("it is of another contact", is_gap=False)]


# --- anything at all ---

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=5)
    | st.sampled_from(["\0", "\ud800", "x" * 20_000, 10**400, "0001-01-01T00:00:00+23:59"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
TIMES = st.sampled_from(["2023-03-21T06:33:01.515Z", "9999-12-31T23:59:59-23:59", "0001-01-01"])
members = st.sampled_from(
    [
        "Id",
        "AbsoluteTime",
        "Type",
        "Content",
        "ContentType",
        "Attachments",
        "MessageMetadata",
        "ParticipantId",
        "ParticipantRole",
        "DisplayName",
        "ContactId",
        "InitialContactId",
        "RelatedContactId",
    ]
)
payloads = st.dictionaries(members, json_values | TIMES | st.just("ours"))


def holds_what_no_database_takes(item: Item) -> bool:
    texts = [value for value in asdict(item).values() if isinstance(value, str)]
    whole = "".join(texts)
    return "\0" in whole or whole.encode(errors="replace") != whole.encode(errors="surrogatepass")


@given(payloads | json_values)
def test_whatever_comes_is_an_item_that_every_database_takes_or_odd_or_nothing(raw: Any) -> None:
    for event in ChatSocket(0, contact_id="ours").feed(on_the_wire(raw)):
        assert isinstance(event, Received | Odd)
        if isinstance(event, Received):
            item = event.item
            assert not holds_what_no_database_takes(item)
            assert len(item.message_id.encode()) <= 256
            assert all(
                len(text or "") <= 256
                for text in (item.type, item.content_type, item.participant_role)
            )
            assert len(item.content or "") <= 65_536
            assert datetime(1970, 1, 1, tzinfo=UTC) <= item.absolute_time
            assert item.absolute_time.astimezone(timezone(timedelta(hours=-23))).year < 2200
            named = [raw.get(n) for n in ("ContactId", "InitialContactId", "RelatedContactId")]
            assert "ours" in named or named == [None] * 3


@given(st.binary(max_size=60) | st.text(st.characters(), max_size=60))
def test_no_frame_makes_the_socket_fail(frame: str | bytes) -> None:
    assert all(isinstance(event, Odd | Broken) for event in ChatSocket(0).feed(frame))


# A ledger on SQLite cannot store the first, one on PostgreSQL not the second.
@pytest.mark.parametrize(
    "text", ["cut \ud83d", "nought \0"], ids=["half an emoji", "a zero character"]
)
def test_a_text_that_no_database_takes_becomes_one_that_each_takes(text: str) -> None:
    content = received(BOT | {"Content": text}).content or ""

    assert content.startswith(text[:-1])
    assert "\0" not in content
    assert content.encode()


def test_an_emoji_stays_whole() -> None:
    assert received(BOT | {"Content": "Hi 👋🏽"}).content == "Hi 👋🏽"


def test_get_transcript_gives_items_of_the_same_form() -> None:
    raw = {
        "AbsoluteTime": "2022-10-27T03:31:53.390Z",
        "Content": "Hello, thanks…",
        "ContentType": "text/plain",
        "DisplayName": "SYSTEM_MESSAGE",
        "Id": "78aa8229",
        "ParticipantId": "2b2288b4",
        "ParticipantRole": "SYSTEM",
        "Type": "MESSAGE",
    }

    assert parse_item(raw) == received(raw)


def test_a_connection_shows_no_secret() -> None:
    connection = Connection(token=SecretStr("tok-1"), url=SecretStr("wss://x?token=tok-2"))

    assert "tok-" not in repr(connection)


# --- the transcript ---

START = datetime(2026, 11, 22, 9, tzinfo=UTC)


def item(name: str, second: int) -> Item:
    return Item(message_id=name, absolute_time=START + timedelta(seconds=second), type="MESSAGE")


def ids(items: list[Item]) -> list[str]:
    return [item.message_id for item in items]


def test_an_item_is_new_only_once() -> None:
    transcript = Transcript()

    assert ids(transcript.add([item("a", 1), item("a", 1)])) == ["a"]
    assert transcript.add([item("a", 1)]) == []


def test_new_items_come_back_in_order_of_time() -> None:
    transcript = Transcript()

    assert ids(transcript.add([item("c", 3), item("a", 1), item("b", 2)])) == ["a", "b", "c"]


def test_reading_begins_at_the_beginning() -> None:
    assert Transcript().read_up_to is None


def test_reading_goes_on_after_the_last_item_that_was_read() -> None:
    transcript = Transcript()

    assert ids(transcript.add_read([item("a", 1), item("b", 2)])) == ["a", "b"]
    assert transcript.read_up_to == "b"


# The socket may have lost an item just before the one that it brought.
def test_what_a_socket_brought_does_not_move_the_place_to_read_on() -> None:
    transcript = Transcript()
    transcript.add_read([item("a", 1)])
    transcript.add([item("c", 3)])

    assert transcript.read_up_to == "a"
    assert ids(transcript.add_read([item("a", 1), item("b", 2), item("c", 3)])) == ["b"]
    assert transcript.read_up_to == "c"


def test_an_empty_page_leaves_the_place_to_read_on() -> None:
    transcript = Transcript()
    transcript.add_read([item("a", 1)])

    assert transcript.add_read([]) == []
    assert transcript.read_up_to == "a"


@given(
    st.lists(st.integers(0, 9), max_size=40), st.lists(st.integers(1, 5), min_size=1, max_size=40)
)
def test_however_items_arrive_each_comes_out_once(arrivals: list[int], lots: list[int]) -> None:
    transcript, out, rest = Transcript(), list[str](), list(arrivals)
    for lot in lots:
        fresh = transcript.add([item(str(n), second=n // 2) for n in rest[:lot]])
        assert fresh == sorted(fresh, key=lambda item: item.absolute_time)
        out += ids(fresh)
        rest = rest[lot:]

    seen = arrivals[: len(arrivals) - len(rest)]
    assert sorted(out) == sorted({str(n) for n in seen})
