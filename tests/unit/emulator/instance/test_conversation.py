import pytest

from connect_tasks.emulator.flows.scripts import read_score
from connect_tasks.emulator.model.errors import RefusedError
from tests.unit.emulator.world import SUBSCRIBE, Socket, World

JOINED = "application/vnd.amazonaws.connect.event.participant.joined"
LEFT = "application/vnd.amazonaws.connect.event.participant.left"
TYPING = "application/vnd.amazonaws.connect.event.typing"
ENDED = "application/vnd.amazonaws.connect.event.chat.ended"


def reason(world: World, socket: Socket) -> str:
    described: str = world.describe(socket.items[0]["ContactId"])["DisconnectReason"]
    return described


def test_the_flow_starts_only_when_the_customer_has_subscribed(world: World) -> None:
    socket, token = world.connect(world.start())
    world.say(token, "10")
    assert socket.frames == []

    socket.send(SUBSCRIBE)

    assert [frame["topic"] for frame in socket.frames] == ["aws/subscribe", "aws/chat", "aws/chat"]
    assert socket.said[0] == ("CUSTOMER", JOINED)
    assert socket.items[1]["DisplayName"] == "BOT"


def test_the_survey_greets_by_name_and_names_the_plan(world: World) -> None:
    socket, _ = world.join(Attributes={"plan": "Gold"})

    assert "Ann" in socket.items[-1]["Content"]
    assert "Gold" in socket.items[-1]["Content"]


def test_a_score_is_thanked_for_and_ends_the_chat_in_the_order_of_real_transcripts(
    world: World,
) -> None:
    socket, token = world.join()
    world.say(token, "10")

    assert [role for role, _ in socket.said[2:]] == ["CUSTOMER", "SYSTEM", "CUSTOMER", ""]
    assert [what for _, what in socket.said[-2:]] == [LEFT, ENDED]
    assert reason(world, socket) == "CONTACT_FLOW_DISCONNECT"


def test_high_middle_and_low_scores_are_answered_differently() -> None:
    answers = {}
    for score in range(11):
        world = World()
        socket, token = world.join()
        world.say(token, str(score))
        answers[score] = socket.items[-3]["Content"].replace(str(score), "#")

    assert len({answers[score] for score in (9, 10)}) == 1
    assert len({answers[score] for score in (7, 8)}) == 1
    assert len({answers[score] for score in range(7)}) == 1
    assert len(set(answers.values())) == 3


def test_the_survey_asks_once_more_and_then_ends_politely(world: World) -> None:
    socket, token = world.join()
    world.say(token, "what?")
    assert socket.said[-1][0] == "SYSTEM"
    world.say(token, "no idea")

    assert socket.said[-1] == ("", ENDED)
    assert reason(world, socket) == "CONTACT_FLOW_DISCONNECT"


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("0", 0),
        (" 10 ", 10),
        ("I'd say 8!", 8),
        ("9/10", 9),
        ("11", None),
        ("-3", None),
        ("8.5", None),
        ("ten", None),
        ("", None),
        ("100", None),
    ],
)
def test_a_score_is_the_first_number_if_whole_and_from_0_to_10(
    text: str, score: int | None
) -> None:
    assert read_score(text) == score


def test_the_echo_repeats_and_never_ends(world: World) -> None:
    socket, token = world.join("echo")
    for number in range(20):
        world.say(token, f"message {number}")

    assert socket.said[-2:] == [("CUSTOMER", "message 19"), ("SYSTEM", "message 19")]


def test_the_silent_flow_says_nothing(world: World) -> None:
    socket, token = world.join("silent")
    world.say(token, "hello?")

    assert socket.said == [("CUSTOMER", JOINED), ("CUSTOMER", "hello?")]


def test_the_agent_joins_answers_and_leaves_after_the_second_message(world: World) -> None:
    socket, token = world.join("agent")
    assert [role for role, _ in socket.said] == ["CUSTOMER", "SYSTEM", "AGENT", "AGENT"]
    assert socket.said[2] == ("AGENT", JOINED)
    assert "Ann" in socket.items[3]["Content"]
    world.say(token, "one")
    world.say(token, "two")

    after_one, after_two = socket.said[5:7], socket.said[8:]
    assert after_one[0] == ("AGENT", TYPING)
    assert after_two[0] == ("AGENT", TYPING)
    assert after_two[2:] == [("AGENT", LEFT), ("", ENDED)]
    assert reason(world, socket) == "AGENT_DISCONNECT"


def test_the_speaker_thinks_before_each_utterance_for_a_seeded_time() -> None:
    times = []
    for _ in range(2):
        world = World(think_seconds=(2, 3))
        socket, token = world.join("echo")
        assert socket.said == [("CUSTOMER", JOINED)]
        world.pass_time(seconds=1.9)
        assert len(socket.items) == 1
        for _ in range(12):
            world.pass_time(seconds=0.1)
        assert len(socket.items) == 2
        times.append(socket.items[1]["AbsoluteTime"])
        world.say(token, "one")
        world.pass_time(seconds=3)
        assert socket.said[-1] == ("SYSTEM", "one")

    assert times[0] == times[1]


def test_a_message_sent_before_the_greeting_is_lost_on_the_flow() -> None:
    world = World(think_seconds=(1, 1))
    socket, token = world.join("echo")
    world.say(token, "too early")
    world.pass_time(seconds=1)
    world.say(token, "in time")
    world.pass_time(seconds=1)

    assert [what for role, what in socket.said if role == "SYSTEM"][1:] == ["in time"]


def test_a_chat_that_was_stopped_while_the_speaker_thinks_stays_quiet() -> None:
    world = World(think_seconds=(1, 1))
    socket, _ = world.join("echo")
    world.stop(socket.items[0]["ContactId"])
    world.pass_time(seconds=5)

    assert socket.said[-1] == ("", ENDED)


def test_disconnecting_ends_the_chat_and_every_later_call_is_denied(world: World) -> None:
    socket, token = world.join("echo")
    world.call("DisconnectParticipant", token, ClientToken="once")

    assert socket.said[-2:] == [("CUSTOMER", LEFT), ("", ENDED)]
    assert reason(world, socket) == "CUSTOMER_DISCONNECT"
    assert world.call("DisconnectParticipant", token, ClientToken="once") == {}
    for operation, params in [
        ("SendMessage", {"ContentType": "text/plain", "Content": "x"}),
        ("SendEvent", {"ContentType": TYPING}),
        ("GetTranscript", {}),
        ("DisconnectParticipant", {"ClientToken": "twice"}),
    ]:
        with pytest.raises(RefusedError) as caught:
            world.call(operation, token, **params)
        assert (caught.value.code, caught.value.message) == (
            "AccessDeniedException",
            "Access denied",
        )


def test_each_token_opens_only_its_own_calls(world: World) -> None:
    started = world.start()
    _, token = world.connect(started)

    for operation, bearer in [
        ("GetTranscript", started["ParticipantToken"]),
        ("CreateParticipantConnection", token),
        ("GetTranscript", ""),
    ]:
        with pytest.raises(RefusedError, match="AccessDenied"):
            world.call(operation, bearer)


def test_a_connection_token_lasts_a_day(world: World) -> None:
    _, token = world.join("silent")
    world.pass_time(hours=23, minutes=59)
    world.call("GetTranscript", token)
    world.pass_time(minutes=1)

    with pytest.raises(RefusedError, match="AccessDenied"):
        world.call("GetTranscript", token)


def test_a_repeated_client_token_says_nothing_twice(world: World) -> None:
    socket, token = world.join("silent")
    first = world.say(token, "once", ClientToken="m-1")
    again = world.say(token, "once", ClientToken="m-1")
    event = world.call("SendEvent", token, ContentType=TYPING, ClientToken="m-1")

    assert first == again
    assert event["Id"] != first["Id"]
    assert [what for _, what in socket.said].count("once") == 1


def test_typing_is_told_to_the_sockets_and_receipts_are_not(world: World) -> None:
    socket, token = world.join("silent")
    world.call("SendEvent", token, ContentType=TYPING)
    receipt = "application/vnd.amazonaws.connect.event.message.read"
    world.call("SendEvent", token, ContentType=receipt, Content='{"messageId":"x"}')

    assert socket.said[1:] == [("CUSTOMER", TYPING)]


def test_written_times_rise_strictly_within_a_chat(world: World) -> None:
    socket, token = world.join("echo")
    for _ in range(5):
        world.say(token, "x")
    times = [item["AbsoluteTime"] for item in socket.items]

    assert times == sorted(set(times))
