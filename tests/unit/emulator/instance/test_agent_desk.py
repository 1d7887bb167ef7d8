"""Chats by hand: what a person does as the agent or the customer, as its socket sees it."""

import pytest

from connect_tasks.emulator.instance.agent_desk import AgentDesk
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.quotas import LocalQuotas
from tests.unit.emulator.world import World

JOINED = "application/vnd.amazonaws.connect.event.participant.joined"
LEFT = "application/vnd.amazonaws.connect.event.participant.left"
ENDED = "application/vnd.amazonaws.connect.event.chat.ended"


@pytest.fixture
def desk(world: World) -> AgentDesk:
    return AgentDesk(world.backend)


def transcript(world: World, contact_id: str) -> list[tuple[str | None, str]]:
    items = world.backend.chats[contact_id].items
    return [(item.participant_role, item.content or item.content_type) for item in items]


def test_a_chat_that_is_started_by_hand_has_its_customer_in_it(
    world: World, desk: AgentDesk
) -> None:
    flow_id = world.backend.flow_ids["echo"]
    contact_id = desk.start(
        flow_id, display_name="Ada", attributes={"plan": "basic"}, initial_message="Hello"
    )

    assert world.backend.chats[contact_id].attributes == {"plan": "basic"}
    assert transcript(world, contact_id) == [
        ("CUSTOMER", "Hello"),
        ("CUSTOMER", JOINED),
        ("SYSTEM", "Hello Ada, I repeat whatever you say."),
    ]


def test_each_start_by_hand_is_another_chat(world: World, desk: AgentDesk) -> None:
    flow_id = world.backend.flow_ids["echo"]

    assert desk.start(flow_id, display_name="A") != desk.start(flow_id, display_name="A")


def test_the_customers_words_are_heard_by_the_flow(world: World, desk: AgentDesk) -> None:
    contact_id = desk.start(world.backend.flow_ids["echo"], display_name="Ada")
    desk.say(contact_id, "CUSTOMER", "ping")

    assert transcript(world, contact_id)[-2:] == [("CUSTOMER", "ping"), ("SYSTEM", "ping")]


def test_the_agent_joins_once_and_is_heard_by_the_customers_socket(
    world: World, desk: AgentDesk
) -> None:
    socket, _ = world.join("silent")
    contact_id = socket.items[0]["ContactId"]
    desk.say(contact_id, "AGENT", "How can I help?")
    desk.say(contact_id, "AGENT", "Hello?")

    assert socket.said[1:] == [
        ("AGENT", JOINED),
        ("AGENT", "How can I help?"),
        ("AGENT", "Hello?"),
    ]


def test_the_agents_words_are_not_the_customers_to_the_flow(world: World, desk: AgentDesk) -> None:
    contact_id = desk.start(world.backend.flow_ids["echo"], display_name="Ada")
    desk.say(contact_id, "AGENT", "ping")

    assert transcript(world, contact_id)[-1] == ("AGENT", "ping")


def test_speaking_as_a_customer_who_is_not_there_yet_lets_them_join(
    world: World, desk: AgentDesk
) -> None:
    contact_id = world.start("echo")["ContactId"]
    desk.say(contact_id, "CUSTOMER", "ping")

    assert [who for who, _ in transcript(world, contact_id)] == [
        "CUSTOMER",
        "SYSTEM",
        "CUSTOMER",
        "SYSTEM",
    ]


@pytest.mark.parametrize(
    ("role", "reason"), [("AGENT", "AGENT_DISCONNECT"), ("CUSTOMER", "CUSTOMER_DISCONNECT")]
)
def test_who_leaves_ends_the_chat_and_is_named(
    world: World, desk: AgentDesk, role: str, reason: str
) -> None:
    socket, _ = world.join("silent")
    contact_id = socket.items[0]["ContactId"]
    desk.leave(contact_id, role)  # type: ignore[arg-type]

    assert world.describe(contact_id)["DisconnectReason"] == reason
    assert socket.said[-2:] == [(role, LEFT), ("", ENDED)]


@pytest.mark.parametrize("text", ["", "x" * 1025])
def test_what_send_message_would_refuse_is_refused_and_changes_nothing(
    world: World, desk: AgentDesk, text: str
) -> None:
    contact_id = world.start("silent")["ContactId"]
    with pytest.raises(RefusedError, match="Content"):
        desk.say(contact_id, "AGENT", text)

    assert transcript(world, contact_id) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"display_name": ""}, "DisplayName"),
        ({"display_name": "x" * 257}, "DisplayName"),
        ({"display_name": "Ada", "attributes": {"no spaces": "x"}}, "Attributes"),
        ({"display_name": "Ada", "initial_message": "x" * 20_000}, "InitialMessage"),
    ],
)
def test_what_start_chat_contact_would_refuse_is_refused(
    world: World, desk: AgentDesk, arguments: dict[str, str], words: str
) -> None:
    with pytest.raises(RefusedError, match=words):
        desk.start(world.backend.flow_ids["echo"], **arguments)  # type: ignore[arg-type]

    assert not world.backend.chats


def test_a_flow_that_is_not_here_is_refused(desk: AgentDesk) -> None:
    with pytest.raises(RefusedError) as refused:
        desk.start("nope", display_name="Ada")

    assert refused.value.code == "ResourceNotFoundException"


def test_a_chat_takes_a_slot_by_hand_too() -> None:
    world = World(quotas=LocalQuotas(open_chats=1))
    desk = AgentDesk(world.backend)
    desk.start(world.backend.flow_ids["echo"], display_name="Ada")

    with pytest.raises(RefusedError, match="concurrent active chats"):
        desk.start(world.backend.flow_ids["echo"], display_name="Bob")


@pytest.mark.parametrize("is_known", [True, False])
def test_a_chat_that_is_over_or_unknown_is_not_spoken_in(
    world: World, desk: AgentDesk, *, is_known: bool
) -> None:
    contact_id = world.start("echo")["ContactId"]
    world.stop(contact_id)
    asked = contact_id if is_known else "nobody"

    with pytest.raises(RefusedError, match="not found or already ended"):
        desk.say(asked, "AGENT", "hello")
    with pytest.raises(RefusedError, match="not found or already ended"):
        desk.leave(asked, "CUSTOMER")
