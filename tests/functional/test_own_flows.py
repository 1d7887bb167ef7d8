"""Single chats in flows of one's own, on a real Prefect server and a local Amazon Connect."""

import asyncio
import base64
import gc
import json
import logging
import pickle
import re
import warnings
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from prefect import flow, unmapped
from prefect.filesystems import LocalFileSystem
from prefect.futures import wait
from prefect.transactions import transaction
from pydantic import SecretStr

from connect_tasks import Conversation
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.idempotency import client_token
from connect_tasks.aws.instance import Instance
from connect_tasks.chat import single
from connect_tasks.chat.single import HeldChat, StartedChat
from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.errors import InputError, OutcomeUnknownError
from connect_tasks.tasks import (
    collect_responses,
    hold_chat,
    start_chat,
    start_chats,
    stop_chat,
    validate_customers,
)
from tests.functional.world import FAST, QUICK, always, customers, session

pytestmark = pytest.mark.usefixtures("prefect_home")

DOCUMENT = (Path(__file__).parents[2] / "docs" / "own-flows.md").read_text(encoding="utf-8")
COLUMNS = [
    "customer_id",
    "contact_id",
    "message_id",
    "absolute_time",
    "participant_role",
    "participant_id",
    "display_name",
    "type",
    "content_type",
    "content",
]
PATIENT = Conversation(settle_seconds=0, reply_timeout_seconds=20)
ONE_ANSWER = Conversation(settle_seconds=0, max_replies=1)
QUICKLY: dict[str, Any] = {"retry_delay_seconds": 0, "retry_jitter_factor": 0}


def at_once(*faults: Fault, flow: str = "survey") -> LocalConnect:
    return LocalConnect(flow=flow, quotas=LocalQuotas.unlimited(), faults=faults)


@pytest.fixture(name="local")
def _local() -> Iterator[LocalConnect]:
    with at_once() as local:
        yield local


def request_of(local: LocalConnect, number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "instance_id": local.instance_id,
        "contact_flow_id": local.flow_id,
        "participant_details": {"display_name": f"Zebulon {number}"},
        "customer_id": f"{number:04}",
        **more,
    }


def requests_of(local: LocalConnect, count: int) -> list[dict[str, Any]]:
    return [request_of(local, number) for number in range(count)]


def said(held: HeldChat, role: str = "CUSTOMER") -> list[str]:
    spoken = held.messages[held.messages["type"] == "MESSAGE"]
    return list(spoken[spoken["participant_role"] == role]["content"])


@contextmanager
def asyncio_sockets_left_alone() -> Iterator[None]:
    """Prefect leaves sockets of an async flow to the garbage collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def in_a_loop(function: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    with asyncio_sockets_left_alone():
        return asyncio.run(function())


def open_chats(local: LocalConnect) -> set[str]:
    return {str(contact.customer_id) for contact in local.contacts if not contact.ended_at}


def test_chats_are_started_and_held_by_map(local: LocalConnect) -> None:
    instance = local.instance()

    @flow
    def survey() -> list[HeldChat]:
        chats = start_chat.map(requests_of(local, 5), connect=unmapped(instance))
        return hold_chat.map(
            chats, unmapped(instance), unmapped(PATIENT), messages=["9", "3", "9", "7", "0"]
        ).result()

    held = survey()

    assert [chat.customer_id for chat in held] == ["0000", "0001", "0002", "0003", "0004"]
    assert {chat.end_reason for chat in held} == {"chat_ended"}
    assert [said(chat) for chat in held] == [["9"], ["3"], ["9"], ["7"], ["0"]]
    assert said(held[0], "SYSTEM")[-1] == "Thank you, 9 makes our day. Goodbye!"
    assert [chat.contact_id for chat in held] == [contact.contact_id for contact in by_id(local)]
    assert open_chats(local) == set()


# The blocks of one document are one program; those that name a file run in `test_delayed.py`.
def test_the_documents_examples_run_and_print_what_it_shows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    blocks = re.findall(r"```(python|text)\n(.*?)```", DOCUMENT, flags=re.DOTALL)
    names: dict[str, Any] = {"__name__": "own_flows"}
    shown = ""
    for language, block in blocks:
        if language == "python" and not block.startswith("# "):
            capsys.readouterr()
            with asyncio_sockets_left_alone():
                exec(compile(block, "docs/own-flows.md", "exec"), names)  # noqa: S102
            shown = capsys.readouterr().out
        elif language == "text" and shown:
            assert shown == block
            shown = ""

    assert len([1 for language, _ in blocks if language == "text"]) == 5


def by_id(local: LocalConnect) -> list[Any]:
    return sorted(local.contacts, key=lambda contact: str(contact.customer_id))


def test_a_held_chat_has_the_columns_of_a_campaigns_messages(local: LocalConnect) -> None:
    instance = local.instance()
    held = hold_chat.fn(start_chat.fn(request_of(local), instance), instance, PATIENT, ["9"])

    assert list(held.messages.columns) == COLUMNS
    assert str(held.messages["absolute_time"].dtype) == "datetime64[us, UTC]"
    assert held.messages["absolute_time"].is_monotonic_increasing
    assert set(held.messages["customer_id"]) == {"0001"}
    assert set(held.messages["contact_id"]) == {held.contact_id}
    assert "makes our day" not in repr(held)


def test_async_flows_call_the_tasks_without_await_and_may_leave_their_loop_free(
    local: LocalConnect,
) -> None:
    instance = local.instance()

    def ask(request: dict[str, Any]) -> HeldChat:
        return hold_chat(start_chat(request, instance), instance, PATIENT, ["9"])

    @flow
    async def survey() -> list[HeldChat]:
        first = ask(request_of(local, 0))
        others = [asyncio.to_thread(ask, request_of(local, number)) for number in (1, 2)]
        mapped = hold_chat.map(
            start_chat.map([request_of(local, 3)], unmapped(instance)),
            unmapped(instance),
            unmapped(PATIENT),
            unmapped(["9"]),
        )
        return [first, *await asyncio.gather(*others), *mapped.result()]

    held = in_a_loop(survey)

    assert [chat.customer_id for chat in held] == ["0000", "0001", "0002", "0003"]
    assert {chat.end_reason for chat in held} == {"chat_ended"}
    assert len(local.contacts) == 4


def test_submitted_chats_wait_for_each_other_and_take_a_blocks_name(local: LocalConnect) -> None:
    local.instance().save("own-flows", overwrite=True)

    @flow
    def survey() -> HeldChat:
        hold: Any = hold_chat
        chat = start_chat.submit(request_of(local), "own-flows")
        held = hold.submit(chat, "own-flows", PATIENT, ["9"])
        stop: Any = stop_chat
        stopped = stop.submit(chat.result().contact_id, "own-flows", wait_for=[held])
        stopped.wait()
        answer: HeldChat = held.result()
        return answer

    assert survey().end_reason == "chat_ended"


def test_a_throttled_start_with_other_retries_makes_one_contact() -> None:
    with at_once(*(Fault.throttle("StartChatContact", nth=n) for n in (1, 2))) as local:
        instance = local.instance()

        @flow
        def mine() -> list[str]:
            patient = start_chat.with_options(retries=3, **QUICKLY)
            chats = patient.map([request_of(local)], unmapped(instance)).result()
            return [chat.contact_id for chat in chats]

        contact_ids = mine()

        assert local.calls["StartChatContact"] == 3
        assert [contact.contact_id for contact in local.contacts] == contact_ids


def test_a_refused_start_is_not_repeated_with_other_retries() -> None:
    with at_once(always("StartChatContact", 400, "InvalidRequestException")) as local:
        instance = local.instance()

        @flow
        def mine() -> None:
            start_chat.with_options(retries=3, **QUICKLY)(request_of(local), instance)

        with pytest.raises(Exception, match="InvalidRequestException"):
            mine()

        assert local.calls["StartChatContact"] == 1


def test_a_flow_that_is_retried_contacts_nobody_twice_where_the_request_has_a_token(
    local: LocalConnect,
) -> None:
    instance = local.instance()
    attempts: list[int] = []

    @flow(retries=1)
    def mine() -> None:
        token = client_token("winter", "0001")
        start_chat(request_of(local, client_token=token), instance)
        attempts.append(1)
        if len(attempts) == 1:
            raise RuntimeError("a fault of the flow's own")

    mine()

    assert local.calls["StartChatContact"] == 2
    assert len(local.contacts) == 1


def test_all_chats_of_a_process_keep_one_pace() -> None:
    quotas = LocalQuotas(start_chat_contact=(20, 10), stop_contact=(20, 10))
    with LocalConnect(quotas=quotas) as local:
        instance = local.instance()

        @flow
        def mine() -> None:
            chats = start_chat.map(requests_of(local, 40), unmapped(instance)).result()
            stop_chat.map([chat.contact_id for chat in chats], unmapped(instance)).result()

        mine()

        # Without a common pace 30 of the first 40 calls of each would be refused.
        assert sum(local.refusals.values()) <= 30
        assert (len(local.contacts), open_chats(local)) == (40, set())


def test_the_first_message_of_a_request_is_none_of_ours(local: LocalConnect) -> None:
    instance = local.instance()
    hello = {"content_type": "text/plain", "content": "Hello"}
    chat = start_chat.fn(request_of(local, initial_message=hello), instance)

    assert said(hold_chat.fn(chat, instance, PATIENT, "9")) == ["Hello", "9"]


def test_the_messages_of_a_conversation_are_said_if_there_are_no_others(
    local: LocalConnect,
) -> None:
    instance = local.instance()
    plain = Conversation(settle_seconds=0, messages=("9",), reply_timeout_seconds=20)
    template = Conversation(settle_seconds=0, messages=("{{ score }}",))

    held = hold_chat.fn(start_chat.fn(request_of(local), instance), instance, plain)

    assert said(held) == ["9"]
    with pytest.raises(InputError, match="Message 1 of the conversation is a template"):
        hold_chat.fn(start_chat.fn(request_of(local), instance), instance, template)


def test_a_chat_that_ended_before_it_was_held_is_lost(local: LocalConnect) -> None:
    instance = local.instance()
    chat = start_chat.fn(request_of(local), instance)
    stop_chat.fn(chat.contact_id, instance)
    stop_chat.fn(chat.contact_id, instance)

    held = hold_chat.fn(chat, instance, PATIENT, ["9"])

    assert (held.end_reason, len(held.messages)) == ("lost", 0)
    assert list(held.messages.columns) == COLUMNS


def test_a_chat_whose_socket_cannot_be_restored_is_lost_and_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    drop = Fault(operation="ChatFrame", kind=FaultKind.SOCKET_DROP, nth=2)
    with at_once(drop, flow="echo") as local:
        instance = local.instance()
        chat = start_chat.fn(request_of(local), instance)
        held = single.hold(instance.connect(), chat, PATIENT, ["9"], reconnects=0)

        assert held.end_reason == "lost"
        assert open_chats(local) == set()
    assert f"contact {chat.contact_id} is lost" in caplog.text


class _NotingApi(ConnectApi):
    """Notes the token of each message."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.tokens: list[str] = []

    def send_message(self, connection_token: SecretStr, text: str, *, client_token: str) -> None:
        self.tokens.append(client_token)
        super().send_message(connection_token, text, client_token=client_token)


def instance_at(local: LocalConnect) -> tuple[Instance, _NotingApi]:
    options = ClientOptions(parameters={"endpoint_url": local.endpoint_url})
    api = _NotingApi(session, options)
    return Instance(api=api, quotas=FAST, policy=QUICK), api


def test_a_chat_that_is_held_again_goes_on_and_says_nothing_twice() -> None:
    cuts = [Fault(operation="SendMessage", kind=FaultKind.CUT_AFTER, nth=n) for n in (1, 2, 3, 4)]
    with at_once(*cuts, flow="echo") as local:
        instance, _ = instance_at(local)
        chat = start_chat.fn(request_of(local), local.instance())
        talk = Conversation(settle_seconds=0, max_replies=2)
        with pytest.raises(OutcomeUnknownError):
            single.hold(instance, chat, talk, ["one", "two"])
        held = single.hold(instance, chat, talk, ["one", "two"])

    assert said(held) == ["one", "two"]
    assert said(held, "SYSTEM")[1:] == ["one", "two"]
    assert held.end_reason == "replied"


def test_a_message_has_the_same_token_whenever_it_is_sent() -> None:
    with at_once(always("SendMessage", 400, "ValidationException"), flow="echo") as local:
        instance, api = instance_at(local)
        chat = start_chat.fn(request_of(local, client_token="t-1"), local.instance())
        for _ in range(2):
            with pytest.raises(Exception, match="ValidationException"):
                single.hold(instance, chat, PATIENT, ["one"])

    # connect-tasks-message-1 of ("t-1", 1), worked out by hand: sha256 of "3:t-11:1".
    expected = "bd6e1a0d"
    assert len(api.tokens) == 2
    assert {token[:32] for token in api.tokens} == {f"connect-tasks-message-1-{expected}"}


def test_prefects_retry_of_a_hold_says_nothing_twice() -> None:
    refusal = Fault(
        operation="SendMessage", kind=FaultKind.ERROR_BEFORE, nth=2, status=400, code="Refused"
    )
    with at_once(refusal, flow="echo") as local:
        instance = local.instance()

        @flow
        def mine() -> HeldChat:
            again = hold_chat.with_options(
                retries=1, retry_condition_fn=lambda *_: True, retry_delay_seconds=0
            )
            chat = start_chat(request_of(local), instance)
            return again(
                chat, instance, Conversation(settle_seconds=0, max_replies=2), ["one", "two"]
            )

        held = mine()

    assert said(held) == ["one", "two"]
    assert local.calls["CreateParticipantConnection"] == 2


def test_a_chat_without_its_token_is_refused_with_what_to_do(local: LocalConnect) -> None:
    instance = local.instance()
    chat = start_chat.fn(request_of(local, connection_types=None), instance)
    travelled: StartedChat = pickle.loads(pickle.dumps(chat))  # noqa: S301 - made here

    assert chat.participant_token is not None
    assert travelled.contact_id == chat.contact_id
    with pytest.raises(InputError, match=r"Start and hold a chat in one process"):
        hold_chat.fn(travelled, instance)


def test_a_failed_transaction_stops_the_chats_that_it_started(local: LocalConnect) -> None:
    instance = local.instance()

    @flow
    def mine() -> None:
        start_chat(request_of(local, 0), instance)
        with transaction():
            start_chat(request_of(local, 1), instance)
            start_chat.with_options(name="renamed")(request_of(local, 2), instance)
            chats = start_chat.map(requests_of(local, 5)[3:], unmapped(instance))
            wait(chats)
            raise RuntimeError("the step after them failed")

    with pytest.raises(RuntimeError, match="the step after them failed"):
        mine()

    assert open_chats(local) == {"0000"}
    assert len(local.contacts) == 5


def test_a_transaction_that_is_committed_leaves_its_chats(local: LocalConnect) -> None:
    instance = local.instance()

    @flow
    def mine() -> None:
        with transaction():
            start_chat(request_of(local), instance)
        raise RuntimeError("too late")

    with pytest.raises(RuntimeError, match="too late"):
        mine()

    assert open_chats(local) == {"0001"}


def test_a_start_that_is_refused_stops_the_chats_before_it() -> None:
    refusal = Fault(
        operation="StartChatContact",
        kind=FaultKind.ERROR_BEFORE,
        customer_id="0002",
        every=1,
        status=400,
        code="InvalidRequestException",
    )
    with at_once(refusal) as local:
        instance = local.instance()

        @flow
        def mine() -> None:
            with transaction():
                start_chat(request_of(local, 1), instance)
                start_chat(request_of(local, 2), instance)

        with pytest.raises(Exception, match="InvalidRequestException"):
            mine()

        assert (len(local.contacts), open_chats(local)) == (1, set())


# By itself, Prefect rolls a transaction back for every attempt that raises, also for a throttled
# one that it repeats: the chats before it would be stopped in a flow that goes on and succeeds.
@pytest.mark.parametrize("last", ["completes", "fails"])
def test_a_throttle_within_a_transaction_stops_nothing_but_a_failure_does(last: str) -> None:
    throttles = [
        Fault.throttle("StartChatContact", customer_id="0002", nth=1),
        Fault.throttle("StartChatContact", customer_id="0003", every=1),
    ]
    with at_once(*throttles) as local:
        instance = local.instance()
        quick = start_chat.with_options(retries=2, **QUICKLY)

        @flow
        def mine() -> None:
            with transaction():
                for number in (1, 2) if last == "completes" else (1, 2, 3):
                    quick(request_of(local, number), instance)

        if last == "completes":
            mine()
            assert open_chats(local) == {"0001", "0002"}
        else:
            with pytest.raises(Exception, match="TooManyRequestsException"):
                mine()
            assert open_chats(local) == set()
            assert local.calls["StartChatContact"] == 6
        assert len(local.contacts) == 2


def test_an_async_flow_rolls_back_too(local: LocalConnect) -> None:
    instance = local.instance()

    @flow
    async def mine() -> None:
        with transaction():
            start_chat(request_of(local, 1), instance)
            start_chat.map([request_of(local, 2)], unmapped(instance)).result()
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        in_a_loop(mine)

    assert (len(local.contacts), open_chats(local)) == (2, set())


def test_a_rollback_that_cannot_stop_a_chat_says_which_and_hides_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    denied = always("StopContact", 403, "AccessDeniedException")
    with at_once(denied) as local:
        instance = local.instance()

        @flow
        def mine() -> None:
            with transaction():
                start_chat.map(requests_of(local, 2), unmapped(instance)).result()
                raise RuntimeError("why it is rolled back")

        with pytest.raises(RuntimeError, match="why it is rolled back"):
            mine()
        left = {contact.contact_id for contact in local.contacts}

    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    told = [record.getMessage() for record in errors if "could not be stopped" in record.msg]
    assert len(left) == 2
    assert {text.split()[1] for text in told} == left
    assert all(text.endswith("AccessDeniedException") for text in told)
    assert "Traceback" not in " ".join(told)
    assert not any("rolling back transaction" in record.getMessage() for record in errors)


def test_a_rollback_takes_a_chat_that_is_over_as_stopped(
    local: LocalConnect, caplog: pytest.LogCaptureFixture
) -> None:
    instance = local.instance()

    @flow
    def mine() -> None:
        with transaction():
            chat = start_chat(request_of(local), instance)
            stop_chat(chat.contact_id, instance)
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        mine()

    assert "could not be stopped" not in caplog.text
    assert local.calls["StopContact"] == 2


def test_outside_of_a_transaction_nothing_is_stopped(local: LocalConnect) -> None:
    instance = local.instance()

    @flow
    def mine() -> None:
        start_chat(request_of(local, 1), instance)
        start_chat.fn(request_of(local, 2), instance)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        mine()

    assert open_chats(local) == {"0001", "0002"}


def test_single_chats_write_no_token_and_no_line_per_customer(
    local: LocalConnect,
    tmp_path: Path,
    prefect_home: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    instance = local.instance()

    @flow(persist_result=True, result_storage=storage(tmp_path))
    def mine() -> list[Any]:
        with transaction():
            kept = start_chat.with_options(persist_result=True)(request_of(local, 0), instance)
            chats = start_chat.map(requests_of(local, 3)[1:], unmapped(instance)).result()
        held = hold_chat.map(chats, unmapped(instance), unmapped(PATIENT), unmapped(["9"])).result()
        assert {chat.end_reason for chat in held} == {"chat_ended"}
        return [kept, *chats]

    mine()
    tokens = [token.encode() for token in local.issued_tokens]
    places = [*tmp_path.rglob("*"), *prefect_home.rglob("*")]
    written = {path: readable(path.read_bytes()) for path in places if path.is_file()}

    assert len(tokens) >= 7
    assert any(b"0002" in text and path.is_relative_to(tmp_path) for path, text in written.items())
    assert [path for path, text in written.items() if any(token in text for token in tokens)] == []
    assert [token for token in tokens if token.decode() in caplog.text] == []
    assert [c.contact_id for c in local.contacts if c.contact_id in caplog.text] == []


def storage(folder: Path) -> Any:
    block = LocalFileSystem(basepath=str(folder / "results"))
    block.save("own-flows-results", overwrite=True)
    return block


def readable(content: bytes) -> bytes:
    """A file as it is, and what Prefect pickled into it, alone or beside what it tells of it."""
    pickled = content
    with suppress(ValueError, KeyError, TypeError):
        pickled = json.loads(content)["result"]
    with suppress(ValueError):
        return content + base64.b64decode(pickled)
    return content


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_campaigns_tasks_in_a_flow_of_ones_own_contact_nobody_twice(
    local: LocalConnect, tmp_path: Path, *, is_async: bool
) -> None:
    common: dict[str, Any] = {
        "campaign": "own",
        "ledger": f"sqlite:///{tmp_path / 'ledger.db'}",
    }
    at: dict[str, Any] = {**common, "connect": local.instance()}
    talk = Conversation(settle_seconds=0, messages=("{{ score }}",), reply_timeout_seconds=20)

    def steps() -> pd.DataFrame:
        plan = validate_customers.submit(pd.DataFrame(customers(3)), **at, conversation=talk)
        again: Any = start_chats.with_options(retries=1, retry_delay_seconds=0)
        talked = again.submit(**at, wait_for=[plan])
        collect: Any = collect_responses
        result = collect.submit(**common, plan=plan, wait_for=[talked]).result()
        contacts: pd.DataFrame = result.contacts
        return contacts

    @flow
    def mine() -> pd.DataFrame:
        return steps()

    @flow
    async def mine_async() -> pd.DataFrame:
        return steps()

    for _ in range(2):
        contacts = in_a_loop(mine_async) if is_async else mine()
        assert list(contacts["status"]) == ["completed"] * 3
    assert Counter(contact.customer_id for contact in local.contacts) == {
        "0000": 1,
        "0001": 1,
        "0002": 1,
    }
