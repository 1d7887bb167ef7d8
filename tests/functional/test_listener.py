"""Our second socket in people's chats, over real sockets at a local Amazon Connect."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from websockets.sync.client import connect

from connect_tasks import RetryPolicy, StartChatContactResponse
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.paced_calls import PacedCalls
from connect_tasks.aws.pacing.clock import SystemClock
from connect_tasks.aws.pacing.token_bucket import PermitRequest, Permits
from connect_tasks.chat.dialogue import EndReason, Finish, Wait
from connect_tasks.chat.onlooker import Onlooker
from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.invitations.listener import Listener
from connect_tasks.ledger.async_ledger import AsyncLedger
from connect_tasks.ledger.contact import CampaignMode, Contact
from connect_tasks.ledger.erasure import forget
from connect_tasks.ledger.group_commit import GroupCommit
from connect_tasks.ledger.schema import contacts
from connect_tasks.ledger.store import Ledger
from tests.functional.hand_over_world import SUBSCRIBE
from tests.functional.links_world import LinksWorld, key_in_environment
from tests.functional.test_collecting_from_local import collect
from tests.functional.world import FAST, always, session
from tests.ledger_rows import enter
from tests.postgresql import new_database

CAMPAIGN = "renewals"
PATIENCE = 30.0


class Quick(Listener):
    FIRST_LOOK_SECONDS = 0.02
    LONGEST_LOOK_SECONDS = 0.05
    SHARE = 1.0


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@dataclass
class Person:
    """The customer in their chat."""

    client: Any
    token: str
    url: str
    connection_token: str = ""

    @contextmanager
    def joined(self) -> Iterator["Person"]:
        answer = self.client.create_participant_connection(
            Type=["WEBSOCKET", "CONNECTION_CREDENTIALS"], ParticipantToken=self.token
        )
        self.connection_token = answer["ConnectionCredentials"]["ConnectionToken"]
        with connect(answer["Websocket"]["Url"], compression=None) as socket:
            socket.send(SUBSCRIBE)
            socket.recv(timeout=PATIENCE)
            yield self

    def say(self, text: str) -> None:
        self.client.send_message(
            ContentType="text/plain", Content=text, ConnectionToken=self.connection_token
        )


class Room:
    """A local Amazon Connect, a ledger of invitations, and a listener in a thread of its own."""

    def __init__(
        self, local: LocalConnect, ledger: Ledger, kind: type[Listener] = Quick, **options: Any
    ) -> None:
        self.local, self.ledger = local, ledger
        self.amazon = session().client("connect", endpoint_url=local.endpoint_url)
        self.participant = session().client("connectparticipant", endpoint_url=local.endpoint_url)
        self._kind, self._options = kind, {"quotas": FAST, **options}
        self.listener: Listener | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self._duty: asyncio.Task[Any] | None = None
        self._ready, self.commits = threading.Event(), 0

    def start(self, customer: str) -> tuple[Contact, StartChatContactResponse, Person]:
        """Somebody presses their button."""
        answer = self.amazon.start_chat_contact(
            InstanceId=self.local.instance_id,
            ContactFlowId=self.local.flow_id,
            ParticipantDetails={"DisplayName": customer},
            CustomerId=customer,
            ClientToken=customer,
        )
        token, contact_id = answer["ParticipantToken"], answer["ContactId"]
        if customer not in self.contacts():
            enter(
                self.ledger,
                customer,
                mode=CampaignMode.INVITATION,
                instance_id=self.local.instance_id,
                contact_id=contact_id,
                started_at=datetime.now(UTC),
            )
        response = StartChatContactResponse.from_wire(answer)
        person = Person(self.participant, token, self.local.endpoint_url)
        return self.contacts()[customer], response, person

    def contacts(self) -> dict[str, Contact]:
        found = self.ledger._contacts(contacts.c.campaign == CAMPAIGN)
        return {contact.customer_id: contact for contact in found}

    def press(self, customer: str) -> Person:
        """Somebody presses their button, and the listener is told."""
        contact, response, person = self.start(customer)
        self.tell(contact, response)
        return person

    def tell(self, contact: Contact, response: StartChatContactResponse) -> None:
        assert self.listener is not None
        assert self.loop is not None
        told = threading.Event()
        self.loop.call_soon_threadsafe(self.listener.started, contact, response)
        self.loop.call_soon_threadsafe(told.set)
        # Before that it listens to nobody, as if it were over.
        assert told.wait(PATIENCE)

    def heard(self, customer: str) -> list[str]:
        """The ids of what the ledger has of a customer's chat."""
        rows = self.ledger.message_records(CAMPAIGN)
        return sorted(row["message_id"] for row in rows if row["customer_id"] == customer)

    def said(self, customer: str) -> list[str]:
        """The ids of what Amazon has of it."""
        mine = [one for one in self.local.contacts if one.customer_id == customer]
        return sorted(item.id for one in mine for item in one.transcript)

    def listens_to(self) -> set[str]:
        assert self.listener is not None
        return set(self.listener._known)

    def wait_for_a_place(self) -> int:
        """How many chats it knows to be joined, and does not join itself yet."""
        assert self.listener is not None
        return len(self.listener._places._waiters or ())

    @contextmanager
    def open(self) -> Iterator["Room"]:
        thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        thread.start()
        assert self._ready.wait(PATIENCE)
        try:
            yield self
        finally:
            self.end()
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def end(self) -> None:
        assert self._duty is not None
        assert self.loop is not None
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._duty.cancel)

    async def _run(self) -> None:
        self.loop = asyncio.get_running_loop()
        options = ClientOptions(parameters={"endpoint_url": self.local.endpoint_url})
        with ThreadPoolExecutor(8) as pool, ThreadPoolExecutor(1) as writes:
            ledger = AsyncLedger(self.ledger, writes, SystemClock())
            calls = PacedCalls(
                ConnectApi(session, options),
                RetryPolicy(attempts=3, wait_initial_seconds=0.01),
                acquire=_freely,
                executor=pool,
                clock=SystemClock(),
                random=Random(0),  # noqa: S311 - jitter
            )
            commit = GroupCommit(lambda changes: ledger.run(lambda one: one.apply("app", changes)))
            self.listener = self._kind(
                calls, commit, SystemClock(), instance_id=self.local.instance_id, **self._options
            )
            self._duty = asyncio.ensure_future(self.listener.run())
            self._ready.set()
            with suppress(asyncio.CancelledError):
                await self._duty


async def _freely(request: PermitRequest) -> Permits:
    return Permits(count=request.wanted, first_seconds=0, interval_seconds=1e-6)


@contextmanager
def room(
    folder: Path,
    *,
    kind: type[Listener] = Quick,
    listener: Any = None,
    ledger_url: str | None = None,
    **local: Any,
) -> Iterator[Room]:
    local = {"flow": "survey", "quotas": LocalQuotas.unlimited(), **local}
    with (
        LocalConnect(**local) as amazon,
        Ledger(ledger_url or f"sqlite:///{folder / 'ledger.db'}") as ledger,
        Room(amazon, ledger, kind, **(listener or {})).open() as here,
    ):
        yield here


def test_everything_that_is_said_is_kept_while_the_chat_lives(tmp_path: Path) -> None:
    with room(tmp_path, flow="echo") as here:
        person = here.press("ada")
        with person.joined():
            eventually(lambda: len(here.heard("ada")) >= 2)
            person.say("9")
            # The chat lives, and its ledger has what was said.
            eventually(lambda: len(here.heard("ada")) >= 4)
            assert here.heard("ada") == here.said("ada")
            assert here.local.contacts[0].ended_at is None


def test_a_chat_is_heard_to_its_end_and_let_go_then(tmp_path: Path) -> None:
    with room(tmp_path) as here:
        person = here.press("ada")
        with person.joined():
            eventually(lambda: here.heard("ada"))
            person.say("9")
            eventually(lambda: not here.listens_to())

        assert here.heard("ada") == here.said("ada")
        assert here.local.contacts[0].disconnect_reason == "CONTACT_FLOW_DISCONNECT"


def test_what_was_said_before_we_came_is_read(tmp_path: Path) -> None:
    with room(tmp_path, flow="echo") as here:
        contact, response, person = here.start("ada")
        with person.joined():
            person.say("one")
            person.say("two")
            here.tell(contact, response)
            eventually(lambda: len(here.heard("ada")) >= 6)

            assert here.heard("ada") == here.said("ada")


def test_we_never_come_first(tmp_path: Path) -> None:
    with room(tmp_path) as here:
        here.press("ada")
        asked = here.local.calls["DescribeContact"]
        eventually(lambda: here.local.calls["DescribeContact"] > asked + 10)

        assert here.local.calls["CreateParticipantConnection"] == 0
        assert here.local.contacts[0].connected_at is None


def test_a_chat_that_nobody_joins_ends_as_one_and_is_let_go(tmp_path: Path) -> None:
    with room(tmp_path, connect_window_seconds=0.3) as here:
        here.press("ada")
        eventually(lambda: not here.listens_to())

        assert here.local.contacts[0].disconnect_reason == "CUSTOMER_CONNECTION_NOT_ESTABLISHED"
        assert here.local.calls["CreateParticipantConnection"] == 0


def test_one_of_which_amazon_tells_nothing_is_let_go_once_it_must_be_over(tmp_path: Path) -> None:
    from connect_tasks.invitations import listener

    quotas = FAST.model_copy(update={"connect_window": _seconds(0.2)})
    faults = [always("DescribeContact", 500, "InternalServiceException")]
    with (
        pytest.MonkeyPatch.context() as patch,
        room(tmp_path, listener={"quotas": quotas}, faults=faults) as here,
    ):
        patch.setattr(listener, "_SLACK_SECONDS", 0.1)
        here.press("ada")
        eventually(lambda: not here.listens_to())


def _seconds(seconds: float) -> Any:
    from datetime import timedelta

    return timedelta(seconds=seconds)


def test_without_permission_to_ask_nobody_is_listened_to(tmp_path: Path) -> None:
    faults = [always("DescribeContact", 403, "AccessDeniedException")]
    with room(tmp_path, faults=faults) as here, here.press("ada").joined():
        eventually(lambda: not here.listens_to())

        assert here.local.calls["CreateParticipantConnection"] == 1


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.SOCKET_DROP,
        FaultKind.FRAME_DUPLICATED,
        FaultKind.FRAME_SWAPPED,
    ],
)
def test_sockets_that_break_repeat_and_reorder_lose_and_double_nothing(
    tmp_path: Path, kind: FaultKind
) -> None:
    with room(
        tmp_path, flow="echo", faults=[Fault(kind=kind, operation="ChatFrame", every=3)]
    ) as here:
        person = here.press("ada")
        with person.joined():
            eventually(lambda: here.heard("ada"))
        # Alone with the flow from here on: all frames are ours.
        for number in range(6):
            person.say(f"{number}")
        # Joined, a greeting, and six times what was said and its echo.
        eventually(lambda: len(here.said("ada")) == len(here.heard("ada")) == 14)

        assert Counter(here.heard("ada")) == Counter(here.said("ada"))


def test_many_presses_of_one_chat_are_listened_to_once(tmp_path: Path) -> None:
    with room(tmp_path, flow="echo") as here:
        person = here.press("ada")
        with person.joined():
            eventually(lambda: here.heard("ada"))
            for _ in range(5):
                here.press("ada")
            person.say("one")
            eventually(lambda: len(here.heard("ada")) >= 4)

            assert here.local.calls["CreateParticipantConnection"] == 2


def test_no_more_chats_are_listened_to_at_once_than_is_said(tmp_path: Path) -> None:
    with room(tmp_path, listener={"most": 2}) as here:
        people = [here.press(f"c{number}") for number in range(5)]
        with people[0].joined(), people[1].joined():
            eventually(lambda: here.heard("c0") and here.heard("c1"))
            with people[2].joined(), people[3].joined(), people[4].joined():
                eventually(lambda: here.wait_for_a_place() == 3)
                time.sleep(0.2)
                assert here.local.calls["CreateParticipantConnection"] == 5 + 2
                for person in people:
                    person.say("9")
                # Those that waited had ended by then: `collect` has them.
                eventually(lambda: not here.listens_to())
        assert here.heard("c0") == here.said("c0")
        assert here.heard("c1") == here.said("c1")


def test_the_app_s_end_closes_our_sockets_and_no_chat(tmp_path: Path) -> None:
    with room(tmp_path, flow="echo") as here:
        person = here.press("ada")
        with person.joined():
            eventually(lambda: here.heard("ada"))
            here.end()
            person.say("one")

            assert here.local.contacts[0].ended_at is None


def test_what_a_dead_app_has_missed_is_collected_and_nothing_is_there_twice(
    tmp_path: Path,
) -> None:
    with room(tmp_path) as here:
        person = here.press("ada")
        with person.joined():
            eventually(lambda: here.heard("ada"))
            heard = here.heard("ada")
            here.end()
            person.say("no number")
            person.say("9")
            eventually(lambda: here.local.contacts[0].ended_at)
        collect(here.local, here.ledger)

        assert set(heard) < set(here.said("ada"))
        assert here.heard("ada") == here.said("ada")
        assert here.contacts()["ada"].status == "completed"


def test_a_customer_who_was_forgotten_is_not_written_down_again(tmp_path: Path) -> None:
    with room(tmp_path, flow="echo") as here:
        person = here.press("ada")
        with person.joined():
            eventually(lambda: here.heard("ada"))
            # Amazon says that it is over before the last of it has come to us.
            with here.ledger._writing() as connection:
                over = sa.update(contacts).values(status="completed", ended_at=datetime.now(UTC))
                connection.execute(over)
            forget("ada", here.ledger.url, campaign=CAMPAIGN)
            person.say("one")
            time.sleep(0.3)

            assert list(here.ledger.message_records(CAMPAIGN)) == []


def test_a_text_that_the_database_cannot_hold_is_kept_as_far_as_it_can_be(tmp_path: Path) -> None:
    with new_database() as url, room(tmp_path, flow="echo", ledger_url=url) as here:
        contact, response, person = here.start("ada")
        with person.joined():
            person.say("no database of its kind holds \x00 this")
            person.say("fine")
            # Read at once, as the transcript so far.
            here.tell(contact, response)
            eventually(lambda: len(here.heard("ada")) >= 4)
            person.say("and on")
            # Joined, a greeting, and what was said three times with its echo.
            eventually(lambda: len(here.said("ada")) == 8)
            eventually(lambda: here.heard("ada") == here.said("ada"))

        texts = [row["content"] for row in here.ledger.message_records(CAMPAIGN)]
        assert texts.count("no database of its kind holds \N{REPLACEMENT CHARACTER} this") == 2


def test_an_answer_without_a_token_is_nobody_to_listen_to(tmp_path: Path) -> None:
    with room(tmp_path) as here:
        contact, response, _ = here.start("ada")
        here.tell(contact, response.model_copy(update={"participant_token": None}))
        here.tell(replace(contact), response.model_copy(update={"participant_token": None}))
        time.sleep(0.1)

        assert here.listens_to() == set()


def test_too_many_that_wait_are_left_to_the_collection(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Few(Quick):
        MOST_WAITING = 2

    with room(tmp_path, kind=Few) as here:
        for number in range(4):
            here.press(f"c{number}")
        eventually(lambda: "too many chats" in caplog.text)

        assert len(here.listens_to()) == 2


def test_joining_takes_a_part_of_the_pace_of_connections_only(tmp_path: Path) -> None:
    class Paced(Quick):
        SHARE = 0.25

    quotas = FAST.model_copy(update={"connections_per_second": 20.0})
    with room(tmp_path, kind=Paced, listener={"quotas": quotas}) as here:
        people = [here.press(f"c{number}") for number in range(4)]
        for person in people:
            with person.joined():
                pass
        before = here.local.calls["CreateParticipantConnection"]
        began = time.monotonic()
        eventually(lambda: here.local.calls["CreateParticipantConnection"] >= before + 3)

        # Three joins at a quarter of 20 a second: at least 0.2 seconds lie between each two.
        assert time.monotonic() - began > 0.2


def test_an_app_that_listens_has_what_is_said_while_people_chat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Listener, "FIRST_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(Listener, "SHARE", 1.0)
    key_in_environment(monkeypatch)
    with (
        LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local,
        Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger,
    ):
        links = LinksWorld(local, ledger)
        (token,) = links.invite("ada")
        with links.site(listen=True) as site:
            started = site.press(token).json()["data"]["startChatResult"]
            client = session().client("connectparticipant", endpoint_url=local.endpoint_url)
            with Person(client, started["ParticipantToken"], site.url).joined() as person:
                person.say("hello")
                eventually(lambda: len(list(ledger.message_records(CAMPAIGN))) >= 4)

        said = {item.id for item in local.contacts[0].transcript}
        assert {row["message_id"] for row in ledger.message_records(CAMPAIGN)} <= said
        assert local.contacts[0].ended_at is None


def test_an_onlooker_says_nothing_and_waits_for_the_end() -> None:
    onlooker = Onlooker()
    onlooker.begin(1)
    onlooker.sent(1)
    assert onlooker.next_step(10**9) == Wait(float("inf"))

    class Ended:
        is_end = True

    ended: Any = Ended()
    onlooker.observe(ended, 1)
    assert onlooker.next_step(2) == Finish(EndReason.CHAT_ENDED)
