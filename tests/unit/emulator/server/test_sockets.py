import pytest

from connect_tasks.emulator.faults.plan import FRAME_KINDS, Fault, FaultKind
from connect_tasks.emulator.server.sockets import ChatFrames
from tests.unit.emulator.world import SUBSCRIBE, Socket, World

ACK = {"topic": "aws/subscribe", "content": {"status": "success", "topics": ["aws/chat"]}}


@pytest.mark.parametrize("text", [SUBSCRIBE, SUBSCRIBE + ")", SUBSCRIBE.replace(":", ": ")])
def test_a_subscription_is_acknowledged_without_a_status_code(world: World, text: str) -> None:
    socket, _ = world.connect(world.start("silent"))

    assert socket.send(text)[0] == ACK


def test_heartbeats_and_pings_are_answered(world: World) -> None:
    socket, _ = world.connect(world.start())

    assert socket.send('{"topic":"aws/heartbeat"}') == [{"topic": "aws/heartbeat"}]
    assert socket.send('{"topic":"aws/ping"}') == [
        {"topic": "aws/ping", "statusCode": 200, "statusContent": "OK"}
    ]


@pytest.mark.parametrize("text", ["hello", '{"topic":"aws/other"}', "[]", SUBSCRIBE + "}"])
def test_anything_else_is_forbidden(world: World, text: str) -> None:
    socket, _ = world.connect(world.start())

    assert socket.send(text)[0]["message"] == "Forbidden"


def test_an_unknown_topic_is_not_subscribed(world: World) -> None:
    socket, _ = world.connect(world.start())

    assert socket.send(SUBSCRIBE.replace("aws/chat", "aws/news")) == [
        {"topic": "aws/subscribe", "content": {"status": "failure", "topics": ["aws/news"]}}
    ]


def test_a_chat_frame_is_json_in_a_json_string_with_both_contact_ids(world: World) -> None:
    started = world.start()
    socket, _ = world.connect(started)
    frame = socket.send(SUBSCRIBE)[1]

    assert set(frame) == {"content", "contentType", "topic"}
    assert isinstance(frame["content"], str)
    assert socket.items[0]["InitialContactId"] == started["ContactId"]
    assert socket.items[0]["ContactId"] == started["ContactId"]


def test_the_end_of_a_chat_names_no_participant(world: World) -> None:
    socket, token = world.join()
    world.call("DisconnectParticipant", token)

    assert set(socket.items[-1]) == {
        "AbsoluteTime",
        "ContactId",
        "ContentType",
        "Id",
        "InitialContactId",
        "Type",
    }


def test_all_subscribed_sockets_get_everything_and_the_flow_runs_once(world: World) -> None:
    started = world.start()
    first, token = world.connect(started)
    second, _ = world.connect(started)
    first.send(SUBSCRIBE)
    second.send(SUBSCRIBE)
    world.say(token, "10")

    assert len(second.items) == 4
    assert first.items[2:] == second.items


def test_closing_the_socket_does_not_end_the_chat(world: World) -> None:
    socket, token = world.join("echo")
    seen = len(socket.items)
    socket.close()
    world.say(token, "still here")

    page = world.call("GetTranscript", token)["Transcript"]
    assert [item["Content"] for item in page[:2]] == ["still here", "still here"]
    assert len(socket.items) == seen


def test_a_url_can_be_opened_for_a_hundred_seconds(world: World) -> None:
    token = world.start()["ParticipantToken"]
    url = world.call("CreateParticipantConnection", token)["Websocket"]["Url"]
    world.pass_time(seconds=99)
    assert Socket(world.backend, url).is_in
    world.pass_time(seconds=1)

    assert not Socket(world.backend, url).is_in


def test_a_sixth_socket_of_a_participant_is_not_let_in(world: World) -> None:
    token = world.start()["ParticipantToken"]
    url = world.call("CreateParticipantConnection", token)["Websocket"]["Url"]

    assert [Socket(world.backend, url).is_in for _ in range(6)] == [True] * 5 + [False]


def test_the_url_of_an_ended_chat_opens_nothing(world: World) -> None:
    started = world.start()
    url = world.call("CreateParticipantConnection", started["ParticipantToken"])["Websocket"]["Url"]
    world.stop(started["ContactId"])

    assert not Socket(world.backend, url).is_in


# The second of the frames a, b and c is struck; "!" is a cut, "?" is silence from here on.
SENT = {
    FaultKind.FRAME_LOST: "ac",
    FaultKind.FRAME_DUPLICATED: "abbc",
    FaultKind.FRAME_SWAPPED: "acb",
    FaultKind.SOCKET_DROP: "ab!c",
    FaultKind.SOCKET_SILENT: "a?",
}


def sent(struck: Fault | None) -> str:
    """What goes out of three frames, the second of which is struck."""
    out: list[str] = []
    strikes = iter([None, struck, None])
    frames = ChatFrames(
        lambda _: next(strikes),
        out.append,
        cut=lambda: out.append("!"),
        silence=lambda: out.append("?"),
    )
    for frame in "abc":
        frames.send(frame)
    return "".join(out)


@pytest.mark.parametrize("kind", FRAME_KINDS)
def test_chat_frames_get_lost_doubled_swapped_cut_or_silenced(kind: FaultKind) -> None:
    assert sent(Fault(operation="ChatFrame", kind=kind)) == SENT[kind]


def test_chat_frames_that_nothing_strikes_go_out_as_they_come() -> None:
    assert sent(None) == "abc"


def test_a_frame_that_is_struck_by_a_fault_of_calls_is_not_let_through_in_silence() -> None:
    with pytest.raises(ValueError, match="cut_after strikes calls, not chat frames"):
        sent(Fault(operation="SendMessage", kind=FaultKind.CUT_AFTER))
