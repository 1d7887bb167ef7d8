"""When people in a chat count as idle, and when an idle chat loses its agent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.flows.steps import Speaker
from connect_tasks.emulator.instance.agent_desk import AGENT, AgentDesk
from connect_tasks.emulator.model.errors import RefusedError
from tests.unit.emulator.world import SUBSCRIBE, Socket, World

EVENT = "application/vnd.amazonaws.connect.event."


class Floor:
    """A chat of the flow `echo` with timers, and the agent's desk."""

    def __init__(self, *timers: tuple[str, str, int | None]) -> None:
        self.world = World()
        self.desk = AgentDesk(self.world.backend)
        self.contact_id = self.world.start("echo")["ContactId"]
        self.socket, self.token = self.world.connect(self.world.start("echo"))
        self.socket.send(SUBSCRIBE)
        if timers:
            self.configure(*timers)

    def configure(self, *timers: tuple[str, str, int | None]) -> None:
        """Set timers: role, type and minutes, or None to take one away."""
        self.world.call(
            "UpdateParticipantRoleConfig",
            InstanceId=self.world.backend.instance_id,
            ContactId=self.contact_id,
            ChannelConfiguration={
                "Chat": {"ParticipantTimerConfigList": [_timer(*timer) for timer in timers]}
            },
        )

    def join(self) -> None:
        """An agent joins."""
        chat = self.world.backend.chats[self.contact_id]
        self.world.backend.presence.join_agent(chat, AGENT)

    def events(self) -> list[tuple[str, str]]:
        """The events of idleness so far, and whose they were."""
        found = [
            (it["ContentType"].removeprefix(EVENT), it)
            for it in self.socket.items
            if it["Type"] == "EVENT"
        ]
        wanted = {"participant.idle", "participant.returned", "participant.autodisconnection"}
        return [
            (name.removeprefix("participant."), item["ParticipantRole"])
            for name, item in found
            if name in wanted
        ]

    def reason(self) -> str | None:
        """Why the contact ended, if it did."""
        return self.world.describe(self.contact_id).get("DisconnectReason")


def _timer(role: str, kind: str, minutes: int | None) -> dict[str, Any]:
    value: dict[str, Any] = {"ParticipantTimerDurationInMinutes": minutes}
    if minutes is None:
        value = {"ParticipantTimerAction": "Unset"}
    return {"ParticipantRole": role, "TimerType": kind, "TimerValue": value}


def test_without_an_agent_no_timer_runs() -> None:
    floor = Floor(("CUSTOMER", "IDLE", 2), ("CUSTOMER", "DISCONNECT_NONCUSTOMER", 2))
    floor.world.pass_time(minutes=60)

    assert floor.events() == []
    assert floor.reason() is None


def test_who_says_nothing_for_so_long_is_idle_and_returns_with_a_word() -> None:
    floor = Floor(("CUSTOMER", "IDLE", 3), ("AGENT", "IDLE", 5))
    floor.join()
    floor.world.pass_time(minutes=2, seconds=59)
    before = floor.events()
    floor.world.pass_time(seconds=1)
    floor.world.pass_time(minutes=1)
    floor.world.say(floor.token, "still here")
    floor.world.pass_time(minutes=1)
    floor.desk.say(floor.contact_id, "AGENT", "me too")

    assert before == []
    assert floor.events() == [
        ("idle", "CUSTOMER"),
        ("returned", "CUSTOMER"),
        ("idle", "AGENT"),
        ("returned", "AGENT"),
    ]


def test_a_message_starts_only_the_timers_of_who_sent_it_anew() -> None:
    floor = Floor(("CUSTOMER", "IDLE", 3), ("AGENT", "IDLE", 3))
    floor.join()
    for _ in range(3):
        floor.world.pass_time(minutes=2)
        floor.world.say(floor.token, "hello?")

    assert floor.events() == [("idle", "AGENT")]


def test_the_disconnection_counts_from_the_idleness_where_both_are_set() -> None:
    floor = Floor(("CUSTOMER", "IDLE", 3), ("CUSTOMER", "DISCONNECT_NONCUSTOMER", 4))
    floor.join()
    floor.world.pass_time(minutes=3)
    floor.world.pass_time(minutes=3, seconds=59)
    early = floor.reason()
    floor.world.pass_time(seconds=1)

    assert early is None
    assert floor.events() == [("idle", "CUSTOMER"), ("autodisconnection", "CUSTOMER")]
    assert floor.reason() == "IDLE_DISCONNECT"
    assert floor.socket.items[-1]["ContentType"] == f"{EVENT}chat.ended"
    assert floor.socket.items[-2]["ContentType"] == f"{EVENT}participant.left"
    assert floor.socket.items[-2]["ParticipantRole"] == "AGENT"


def test_the_disconnection_alone_counts_from_the_start() -> None:
    floor = Floor(("AGENT", "DISCONNECT_NONCUSTOMER", 4))
    floor.join()
    floor.world.pass_time(minutes=4)

    assert floor.events() == [("autodisconnection", "AGENT")]
    assert floor.reason() == "IDLE_DISCONNECT"


def test_what_is_set_while_an_agent_is_there_does_not_count_for_them() -> None:
    floor = Floor(("CUSTOMER", "IDLE", 2))
    floor.join()
    floor.configure(("CUSTOMER", "IDLE", None), ("CUSTOMER", "DISCONNECT_NONCUSTOMER", 2))
    for _ in range(5):
        floor.world.pass_time(minutes=2)

    assert floor.events() == [("idle", "CUSTOMER")]
    assert floor.reason() is None


def test_a_timer_that_is_taken_away_before_never_runs() -> None:
    floor = Floor(("CUSTOMER", "IDLE", 2), ("AGENT", "IDLE", 2))
    floor.configure(("CUSTOMER", "IDLE", None))
    floor.join()
    floor.world.pass_time(minutes=2)

    assert floor.events() == [("idle", "AGENT")]


def test_a_custom_bot_counts_as_the_other_side_and_is_out_after_the_disconnection() -> None:
    floor = Floor(("CUSTOMER", "IDLE", 2), ("CUSTOMER", "DISCONNECT_NONCUSTOMER", 2))
    added = floor.world.call(
        "CreateParticipant",
        InstanceId=floor.world.backend.instance_id,
        ContactId=floor.contact_id,
        ParticipantDetails={"ParticipantRole": "CUSTOM_BOT", "DisplayName": "Bot"},
    )
    info = floor.world.call(
        "CreateParticipantConnection", added["ParticipantCredentials"]["ParticipantToken"]
    )
    Socket(floor.world.backend, info["Websocket"]["Url"]).send(SUBSCRIBE)
    floor.world.pass_time(minutes=2)
    floor.world.pass_time(minutes=2)

    assert floor.events() == [("idle", "CUSTOMER"), ("autodisconnection", "CUSTOMER")]
    with pytest.raises(RefusedError, match="AccessDenied"):
        floor.world.say(info["ConnectionCredentials"]["ConnectionToken"], "again")


def test_events_of_idleness_are_in_no_transcript() -> None:
    floor = Floor(("CUSTOMER", "IDLE", 2))
    floor.join()
    floor.world.pass_time(minutes=2)
    page = floor.world.call("GetTranscript", floor.token, MaxResults=100)["Transcript"]

    assert floor.events() == [("idle", "CUSTOMER")]
    assert not [item for item in page if "idle" in item.get("ContentType", "")]


def test_a_chat_that_has_ended_has_no_timers() -> None:
    floor = Floor(("CUSTOMER", "IDLE", 2), ("AGENT", "IDLE", 2))
    floor.join()
    floor.world.stop(floor.contact_id)
    floor.world.pass_time(minutes=10)

    assert floor.events() == []
    with pytest.raises(RefusedError) as caught:
        floor.configure(("CUSTOMER", "IDLE", 2))
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"Chat": {"ParticipantTimerConfigList": [_timer("AGENT", "IDLE", 1)]}},
        {"Chat": {"ParticipantTimerConfigList": [_timer("AGENT", "IDLE", 481)]}},
        {"Chat": {"ParticipantTimerConfigList": [_timer("AGENT", "IDLE", 2)] * 2}},
        {
            "Chat": {
                "ParticipantTimerConfigList": [{**_timer("AGENT", "IDLE", 2), "TimerValue": {}}]
            }
        },
    ],
    ids=["nothing", "too short", "too long", "twice", "neither"],
)
def test_timers_that_aws_does_not_take_are_refused(settings: dict[str, Any]) -> None:
    world = World()
    contact_id = world.start("echo")["ContactId"]
    with pytest.raises(RefusedError) as caught:
        world.call(
            "UpdateParticipantRoleConfig",
            InstanceId=world.backend.instance_id,
            ContactId=contact_id,
            ChannelConfiguration=settings,
        )

    assert caught.value.status == 400


ACTS = st.sampled_from(["wait", "customer", "agent"])


@given(acts=st.lists(ACTS, max_size=12), limit=st.integers(2, 6))
def test_nobody_is_idle_before_their_time_and_everybody_is_after_it(
    acts: list[str], limit: int
) -> None:
    floor = Floor(("CUSTOMER", "IDLE", limit), ("AGENT", "IDLE", limit))
    floor.join()
    silent = {"CUSTOMER": 0, "AGENT": 0}
    expected: list[tuple[str, str]] = []
    for act in acts:
        if act == "wait":
            floor.world.pass_time(minutes=1)
            silent = {role: minutes + 1 for role, minutes in silent.items()}
            # In the order that their timers began in.
            late = [role for role, minutes in silent.items() if minutes == limit]
            expected += [("idle", role) for role in late]
            continue
        role = act.upper()
        if silent[role] >= limit:
            expected.append(("returned", role))
        silent[role] = 0
        if act == "agent":
            floor.desk.say(floor.contact_id, "AGENT", "x")
        else:
            floor.world.say(floor.token, "x")

    assert sorted(floor.events()) == sorted(expected)


def test_speakers_of_the_flow_hold_no_timer() -> None:
    floor = Floor(("AGENT", "IDLE", 3))
    floor.join()
    chat = floor.world.backend.chats[floor.contact_id]
    floor.world.pass_time(minutes=2)
    chat.say(Speaker("SYSTEM", "BOT"), "still there?")
    floor.world.pass_time(minutes=1)

    assert floor.events() == [("idle", "AGENT")]
