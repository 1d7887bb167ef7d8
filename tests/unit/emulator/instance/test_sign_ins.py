"""Customers who are asked to sign in: one link, within a minute, and an end."""

import json
from typing import Any

import pytest

from connect_tasks.emulator.instance.sign_ins import SIGN_IN_PATH
from connect_tasks.emulator.model.errors import RefusedError
from tests.unit.emulator.world import Socket, World

EVENT = "application/vnd.amazonaws.connect.event.authentication."


def ask(world: World, socket: Socket) -> str:
    (chat,) = world.backend.chats.values()
    world.service.sign_ins.ask(chat)
    asked = socket.items[-1]
    assert asked["ContentType"] == f"{EVENT}initiated"
    session_id: str = json.loads(asked["Content"])["SessionId"]
    return session_id


def url(world: World, token: str, session_id: str, back: str = "https://s.example/a") -> str:
    request: dict[str, Any] = {"SessionId": session_id, "RedirectUri": back}
    answer = world.call("GetAuthenticationUrl", token, **request)["AuthenticationUrl"]
    return str(answer).partition(SIGN_IN_PATH)[2]


def test_a_link_can_be_had_for_a_minute(world: World) -> None:
    socket, token = world.join("echo")
    session_id = ask(world, socket)
    world.pass_time(seconds=60)
    assert url(world, token, session_id)
    late = ask(world, socket)
    world.pass_time(seconds=61)

    with pytest.raises(RefusedError) as caught:
        url(world, token, late)
    assert caught.value.code == "AccessDeniedException"


def test_an_error_that_comes_back_is_a_failed_sign_in_and_no_second_one_counts(
    world: World,
) -> None:
    socket, token = world.join("echo")
    state = url(world, token, ask(world, socket))
    done = {"State": state, "InstanceId": world.backend.instance_id, "Error": "access_denied"}
    world.call("UpdateParticipantAuthentication", **done)
    with pytest.raises(RefusedError):
        world.call("UpdateParticipantAuthentication", **done)

    assert [it["ContentType"] for it in socket.items].count(f"{EVENT}failed") == 1


def test_what_is_cancelled_is_over(world: World) -> None:
    socket, token = world.join("echo")
    session_id = ask(world, socket)
    world.call("CancelParticipantAuthentication", token, SessionId=session_id)
    for again in ("CancelParticipantAuthentication", "GetAuthenticationUrl"):
        more = {"RedirectUri": "https://s.example"} if again.startswith("Get") else {}
        with pytest.raises(RefusedError) as caught:
            world.call(again, token, SessionId=session_id, **more)
        assert caught.value.code == "ValidationException"

    assert socket.items[-1]["ContentType"] == f"{EVENT}cancelled"


def test_a_session_is_of_its_chat_alone(world: World) -> None:
    socket, _ = world.join("echo")
    session_id = ask(world, socket)
    _, stranger = world.join("echo", ClientToken="another chat")

    with pytest.raises(RefusedError):
        url(world, stranger, session_id)


def test_the_way_back_keeps_what_the_address_had(world: World) -> None:
    socket, token = world.join("echo")
    back = "https://s.example/a?x=1#part"
    address = world.service.sign_ins.lead_back(url(world, token, ask(world, socket), back))

    assert address.startswith("https://s.example/a?x=1&code=")
    assert address.endswith("#part")
    with pytest.raises(RefusedError):
        world.service.sign_ins.lead_back("unknown")


def test_an_empty_member_of_the_address_stays(world: World) -> None:
    socket, token = world.join("echo")
    back = "app.example:/back?x=&y"
    address = world.service.sign_ins.lead_back(url(world, token, ask(world, socket), back))

    assert address.startswith("app.example:/back?x=&y=&code=")


@pytest.mark.parametrize("back", ["http://[::1", "http://[x]/", "/back", "back", " "])
def test_an_address_that_nobody_can_be_led_back_to_is_refused_at_once(
    world: World, back: str
) -> None:
    socket, token = world.join("echo")
    session_id = ask(world, socket)
    with pytest.raises(RefusedError, match="RedirectUri") as caught:
        url(world, token, session_id, back)

    assert caught.value.code == "ValidationException"
    assert url(world, token, session_id)
