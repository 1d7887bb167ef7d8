"""Simulated people at a small door of their own: what they do, and that their records are true."""

import asyncio
import contextlib
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import boto3
import pytest
import uvicorn
from botocore.config import Config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.emulator.people import (
    Habits,
    PersonKind,
    PersonOutcome,
    PersonRecord,
    Question,
    asimulate_people,
    simulate_people,
)

QUICK = Habits(
    think_seconds=(0, 0.01), late_seconds=(0.05, 0.2), pause_seconds=0.03, patience_seconds=3
)
CUSTOMER = "CUSTOMER"


@dataclass
class Door:
    """Links of customers: the door starts their chats, and counts who comes."""

    local: LocalConnect
    url: str = ""
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    put_off: dict[str, int] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    came_back_after: list[float] = field(default_factory=list)
    _asked: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        make: Any = boto3.client
        self._connect = make(
            "connect",
            endpoint_url=self.local.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(max_pool_connections=20, retries={"total_max_attempts": 1}),
        )
        self.app = Starlette(
            routes=[
                Route("/i/{token}", self.look, methods=["GET", "HEAD"]),
                Route("/i/{token}", self.press, methods=["POST"]),
            ]
        )

    def links(self, count: int) -> dict[str, str]:
        return {f"c-{number}": f"{self.url}/i/c-{number}" for number in range(count)}

    async def look(self, request: Request) -> Response:
        self.seen[request.method, request.path_params["token"]] += 1
        return PlainTextResponse("a page with a button")

    async def press(self, request: Request) -> Response:
        token = request.path_params["token"]
        self.seen["POST", token] += 1
        if token in self._asked:
            self.came_back_after.append(time.monotonic() - self._asked.pop(token))
        if token in self.gone:
            return JSONResponse({"error": {"code": "not_valid", "message": "no"}}, 410)
        if self.put_off.get(token):
            self.put_off[token] -= 1
            self._asked[token] = time.monotonic()
            error = {"code": "busy", "message": "a moment", "retry_after_seconds": 1}
            return JSONResponse({"error": error}, 503, {"Retry-After": "1"})
        started = await asyncio.to_thread(self.start, token)
        names = ("ContactId", "ParticipantId", "ParticipantToken")
        result = {name: started[name] for name in names}
        return JSONResponse({"data": {"startChatResult": result, "featurePermissions": {}}})

    def start(self, token: str) -> dict[str, Any]:
        started: dict[str, Any] = self._connect.start_chat_contact(
            InstanceId=self.local.instance_id,
            ContactFlowId=self.local.flow_id,
            ParticipantDetails={"DisplayName": token},
            ClientToken=token,
            CustomerId=token,
        )
        return started


@contextlib.contextmanager
def door(flow: str = "feedback", **settings: Any) -> Iterator[Door]:
    arguments = {"quotas": LocalQuotas.unlimited(), "answer_seconds": 20, **settings}
    with LocalConnect(flow=flow, **arguments) as local, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        made = Door(local)
        made.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(made.app, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        try:
            while not server.started:
                time.sleep(0.005)
            yield made
        finally:
            server.should_exit = True
            thread.join()


def only(kind: PersonKind) -> dict[PersonKind, float]:
    return {kind: 1}


def meet(made: Door, count: int, **arguments: Any) -> list[PersonRecord]:
    settings = {"habits": QUICK, **arguments}
    return simulate_people(made.links(count), endpoint_url=made.local.endpoint_url, **settings)


def said_at(local: LocalConnect) -> dict[str, list[tuple[str, str]]]:
    """Each customer's messages at the other side: id and text, in order of time."""
    said: dict[str, list[tuple[str, str]]] = {}
    for contact in local.contacts:
        messages = [
            (item.id, item.content or "")
            for item in contact.transcript
            if item.participant_role == CUSTOMER and item.type == "MESSAGE"
        ]
        said.setdefault(contact.customer_id or "", []).extend(messages)
    return said


def test_a_crowd_of_all_kinds_does_what_its_records_say() -> None:
    with door() as made:
        began = time.monotonic()
        people = meet(made, 240, seed=3)
        lasted = time.monotonic() - began
        said, contacts = said_at(made.local), made.local.contacts

    kinds = Counter(person.kind for person in people)
    assert kinds == {
        PersonKind.PROMPT: 120,
        PersonKind.LATE: 36,
        PersonKind.TWICE: 12,
        PersonKind.HALF_WAY: 19,
        PersonKind.STOP: 10,
        PersonKind.NEVER: 29,
        PersonKind.SCANNER: 14,
    }
    assert [person.customer_id for person in people] == [f"c-{n}" for n in range(240)]
    expected = {
        PersonKind.HALF_WAY: PersonOutcome.LEFT,
        PersonKind.STOP: PersonOutcome.STOPPED,
        PersonKind.NEVER: PersonOutcome.NOT_OPENED,
        PersonKind.SCANNER: PersonOutcome.NOT_OPENED,
    }
    outcomes = {(p.kind, p.outcome, p.error_code) for p in people}
    assert outcomes == {(kind, expected.get(kind, PersonOutcome.COMPLETED), None) for kind in kinds}
    for person in people:
        given = [(answered.message_id, answered.answer) for answered in person.answers]
        assert said.get(person.customer_id or "", []) == given
    started = {contact.customer_id for contact in contacts}
    assert started == {p.customer_id for p in people if p.presses}
    assert lasted < 60


def test_what_was_answered_is_what_the_flow_has_stored() -> None:
    with door() as made:
        people = meet(made, 12, shares=only(PersonKind.PROMPT))
        attributes = {c.contact_id: c.attributes for c in made.local.contacts}

    for person in people:
        score, reason, _, again = (answered.answer for answered in person.answers)
        first, second = person.contact_ids
        assert attributes[first] == {"score": score, "reason": reason}
        assert attributes[second] == {**attributes[first], "contact_again": again.lower()}
        assert person.answers[-1].contact_id == second
    # Not all the same.
    assert len({tuple(a.answer for a in person.answers) for person in people}) > 6


def test_the_same_seed_gives_the_same_people_and_answers() -> None:
    def story(seed: int) -> list[Any]:
        with door() as made:
            people = meet(made, 20, seed=seed)
        return [(p.kind, p.outcome, [a.answer for a in p.answers]) for p in people]

    assert story(1) == story(1) != story(2)


def test_a_scanner_asks_with_get_and_head_and_starts_nothing() -> None:
    with door() as made:
        meet(made, 3, shares=only(PersonKind.SCANNER))
        contacts = made.local.contacts

    assert {method for method, _ in made.seen} == {"GET", "HEAD"}
    assert contacts == []


def test_who_never_comes_is_not_seen_at_the_door() -> None:
    with door() as made:
        meet(made, 3, shares=only(PersonKind.NEVER))

    assert made.seen == {}


def test_two_tabs_press_both_and_one_of_them_answers() -> None:
    with door() as made:
        people = meet(made, 4, shares=only(PersonKind.TWICE))
        contacts = made.local.contacts

    assert {person.presses for person in people} == {2}
    assert {person.outcome for person in people} == {PersonOutcome.COMPLETED}
    # One chat for each: a contact, and the one that follows it.
    assert len(contacts) == 8
    assert [len(person.answers) for person in people] == [4] * 4


def test_whoever_is_put_off_comes_again_no_sooner_than_asked_and_not_all_at_once() -> None:
    with door() as made:
        made.put_off = {f"c-{number}": 1 for number in range(8)}
        people = meet(made, 8, shares=only(PersonKind.PROMPT))

    assert {(p.outcome, p.presses, p.put_off) for p in people} == {(PersonOutcome.COMPLETED, 2, 1)}
    assert min(made.came_back_after) >= 1
    assert len(set(made.came_back_after)) == 8


def test_whoever_is_put_off_again_and_again_gives_up() -> None:
    with door() as made:
        made.put_off = {"c-0": 9}
        habits = Habits(most_presses=2)
        (person,) = meet(made, 1, shares=only(PersonKind.PROMPT), habits=habits)

    assert (person.outcome, person.error_code) == (PersonOutcome.GAVE_UP, "busy")
    assert person.presses == 2


def test_a_link_that_opens_nothing_is_not_pressed_again() -> None:
    with door() as made:
        made.gone = {"c-0"}
        (person,) = meet(made, 1, shares=only(PersonKind.PROMPT))

    assert (person.outcome, person.error_code) == (PersonOutcome.REFUSED, "not_valid")
    assert made.seen["POST", "c-0"] == 1


def test_a_door_that_is_not_there_fails_each_person_and_not_the_crowd() -> None:
    with LocalConnect() as local, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        links = [f"http://127.0.0.1:{nobody.getsockname()[1]}/i/x"] * 2
        people = simulate_people(
            links, endpoint_url=local.endpoint_url, shares=only(PersonKind.PROMPT), habits=QUICK
        )

    assert [(p.outcome, p.error_code) for p in people] == [
        (PersonOutcome.FAILED, "ConnectError")
    ] * 2


def test_answers_can_be_given_and_know_whose_they_are() -> None:
    def answers(question: Question, _: Random) -> str:
        return "3" if question.customer_id == "c-0" else "8"

    with door(flow="survey") as made:
        people = meet(made, 2, shares=only(PersonKind.PROMPT), answers=answers)

    assert [[a.answer for a in person.answers] for person in people] == [["3"], ["8"]]
    assert [a.options for person in people for a in person.answers] == [(), ()]


def test_a_second_question_is_answered_as_one() -> None:
    def answers(question: Question, _: Random) -> str:
        return "no idea" if question.number == 1 else "7"

    with door(flow="survey") as made:
        (person,) = meet(made, 1, shares=only(PersonKind.PROMPT), answers=answers)

    assert [a.answer for a in person.answers] == ["no idea", "7"]
    assert person.outcome is PersonOutcome.COMPLETED


@pytest.mark.parametrize(
    "fault",
    [
        Fault(operation="ChatFrame", kind=FaultKind.SOCKET_DROP, nth=3, per_customer=True),
        Fault(operation="ChatFrame", kind=FaultKind.FRAME_DUPLICATED, every=2),
        Fault.throttle("CreateParticipantConnection", every=2),
        Fault.throttle("SendMessage", every=2),
        Fault(operation="SendMessage", kind=FaultKind.ERROR_AFTER, every=3),
    ],
    ids=lambda fault: f"{fault.operation}-{fault.kind}",
)
def test_trouble_on_the_way_changes_no_answer(fault: Fault) -> None:
    with door() as made:
        expected = meet(made, 5, shares=only(PersonKind.PROMPT))
    with door(faults=[fault]) as made:
        people = meet(made, 5, shares=only(PersonKind.PROMPT))
        said = said_at(made.local)
        assert made.local.injected

    for person, undisturbed in zip(people, expected, strict=True):
        given = [answered.answer for answered in person.answers]
        assert given == [answered.answer for answered in undisturbed.answers]
        assert [text for _, text in said[person.customer_id or ""]] == given
        assert person.outcome is PersonOutcome.COMPLETED


def test_a_chat_that_says_nothing_is_left() -> None:
    habits = Habits(patience_seconds=0.1)
    with door(flow="silent", answer_seconds=None) as made:
        (person,) = meet(made, 1, shares=only(PersonKind.PROMPT), habits=habits)
        (contact,) = made.local.contacts

    assert person.outcome is PersonOutcome.LEFT
    assert contact.ended_at is None


def test_it_works_where_an_event_loop_is_running() -> None:
    async def notebook(made: Door) -> list[int]:
        inside = meet(made, 2, shares=only(PersonKind.PROMPT))
        outside = await asimulate_people(
            list(made.links(2).values()),
            endpoint_url=made.local.endpoint_url,
            shares=only(PersonKind.NEVER),
        )
        return [len(inside), len(outside)]

    with door() as made:
        assert asyncio.run(notebook(made)) == [2, 2]


def test_no_link_and_no_token_is_logged_or_recorded(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[PersonRecord] = []
    with door() as made:
        people = meet(made, 4, shares=only(PersonKind.PROMPT), on_done=told.append)
        secrets = [*made.links(4).values(), *made.local.issued_tokens]
        keys = [token.partition("key=")[2] for token in secrets if "key=" in token]
    # The door is this test's own; what boto3 says of its calls is not meant.
    ours = ("connect_tasks", "httpx", "httpcore", "websockets", "asyncio")
    heard = [record for record in caplog.records if record.name.startswith(ours)]
    written = [record.getMessage() for record in heard] + [repr(people)]

    assert any("/participant/message" in text for text in written)
    assert sorted(person.number for person in told) == [0, 1, 2, 3]
    assert [text for text in written for secret in [*secrets, *keys] if secret in text] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"shares": {}}, "shares"),
        ({"shares": {PersonKind.LATE: -1.0, PersonKind.STOP: 2.0}}, "shares"),
        ({"together": 0}, "together"),
    ],
)
def test_a_crowd_that_cannot_be_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}: must be"):
        simulate_people(["http://127.0.0.1:9/i/x"], endpoint_url="http://127.0.0.1:9", **arguments)


def test_no_links_are_no_people() -> None:
    assert simulate_people([], endpoint_url="http://127.0.0.1:9") == []
