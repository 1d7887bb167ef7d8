"""A campaign over real sockets: what it does to Amazon Connect and what it brings back."""

import gc
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import boto3
import pytest

from connect_tasks import ChatTemplate, Conversation, Quotas, StartChatContactResponse
from connect_tasks.aws.client import ConnectApi
from connect_tasks.campaign.claimed_contact import ClaimedContact
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.pipeline import Pipeline
from connect_tasks.chat.chat_connection import ChatConnection
from connect_tasks.chat.dialogue import Dialogue
from connect_tasks.chat.session import ChatSession
from connect_tasks.emulator import Fault, FaultKind, LocalQuotas, Rate
from connect_tasks.errors import CampaignHaltedError
from connect_tasks.ledger.contact import Contact
from connect_tasks.ledger.store import Ledger
from tests.functional.world import FAST, World, always, customers, session, world


def outcome(of: World) -> set[tuple[str, str | None]]:
    return {(row["status"], row["end_reason"]) for row in of.contacts()}


def test_each_customer_gets_one_chat_and_the_answers_come_back(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.plan(customers(20))
        funnel = here.run()

        assert here.made() == {f"{number:04}": 1 for number in range(20)}
        assert outcome(here) == {("completed", "chat_ended")}
        assert (funnel.started, funnel.connected, funnel.replied, funnel.completed) == (20,) * 4


def test_the_messages_are_the_transcripts_that_amazon_has(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.plan(customers(5))
        here.run()

        stored = [row["message_id"] for row in here.ledger.message_records("renewals")]
        theirs = {contact.contact_id: contact for contact in here.local.contacts}
        order = [theirs[row["contact_id"]] for row in here.contacts()]
        assert stored == [item.id for contact in order for item in contact.transcript]


def test_a_second_call_contacts_nobody_again(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.plan(customers(5))
        here.run()
        before = (here.contacts(), here.said(), here.local.calls.copy())
        here.plan(customers(5))
        here.run()

        assert (here.contacts(), here.said(), here.local.calls) == before


def test_customers_added_later_are_contacted_and_the_others_are_not(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.plan(customers(3))
        here.run()
        here.plan(customers(5))
        here.run()

        assert here.made() == {f"{number:04}": 1 for number in range(5)}


def test_an_edited_text_contacts_nobody_again_and_is_reported(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.plan(customers(3))
        here.run()
        here.template = ChatTemplate(initial_message="Something else")
        plan = here.plan(customers(3))
        here.run()

        assert plan.request_changed == 3
        assert here.made() == {f"{number:04}": 1 for number in range(3)}


def test_our_second_message_waits_for_the_answer_to_the_first(tmp_path: Path) -> None:
    with world(tmp_path, flow="echo") as here:
        here.conversation = Conversation(settle_seconds=0, messages=("one", "two"), max_replies=2)
        here.plan(customers(1))
        here.run()

        assert [content for _, content in here.said()] == [
            "Hello Customer 0, I repeat whatever you say.",
            "one",
            "one",
            "two",
            "two",
        ]
        assert outcome(here) == {("completed", "replied")}


def test_a_chat_in_which_nobody_answers_is_closed_as_silent(tmp_path: Path) -> None:
    with world(tmp_path, flow="silent") as here:
        here.conversation = Conversation(
            settle_seconds=0, messages=("hello?",), reply_timeout_seconds=0.2
        )
        here.plan(customers(2))
        here.run()

        assert outcome(here) == {("completed", "silent")}
        assert all(contact.disconnect_reason == "API" for contact in here.local.contacts)


def test_a_conversation_ends_at_its_time_limit(tmp_path: Path) -> None:
    with world(tmp_path, flow="echo") as here:
        here.conversation = Conversation(
            settle_seconds=0, reply_timeout_seconds=60, max_seconds=0.3
        )
        here.plan(customers(1))
        here.run()

        assert outcome(here) == {("completed", "time_limit")}


def test_a_chat_can_be_left_open(tmp_path: Path) -> None:
    with world(tmp_path, flow="echo") as here:
        here.conversation = Conversation(settle_seconds=0, max_replies=1, close="leave_open")
        here.plan(customers(1))
        here.run()

        assert outcome(here) == {("completed", "left_open")}
        assert [contact.ended_at for contact in here.local.contacts] == [None]


def test_a_chat_can_be_closed_by_leaving_it(tmp_path: Path) -> None:
    with world(tmp_path, flow="echo") as here:
        here.conversation = Conversation(settle_seconds=0, max_replies=1, close="disconnect")
        here.plan(customers(1))
        here.run()

        assert here.local.contacts[0].disconnect_reason == "CUSTOMER_DISCONNECT"
        assert here.local.calls["StopContact"] == 0


def test_where_stopping_is_not_permitted_the_chat_is_left_instead(tmp_path: Path) -> None:
    denied = always("StopContact", 403, "AccessDeniedException")
    with world(tmp_path, flow="echo", faults=[denied]) as here:
        here.conversation = Conversation(settle_seconds=0, max_replies=1)
        here.plan(customers(3))
        here.run()

        reasons = {contact.disconnect_reason for contact in here.local.contacts}
        assert reasons == {"CUSTOMER_DISCONNECT"}


def test_an_agents_answers_are_collected(tmp_path: Path) -> None:
    with world(tmp_path, flow="agent") as here:
        here.conversation = Conversation(settle_seconds=0, messages=("my bill", "thanks"))
        here.plan(customers(1))
        here.run()

        roles = [role for role, _ in here.said()]
        assert roles == ["SYSTEM", "AGENT", "CUSTOMER", "AGENT", "CUSTOMER", "AGENT"]
        assert outcome(here) == {("completed", "chat_ended")}


def test_the_initial_message_is_part_of_the_messages(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.template = ChatTemplate(initial_message="I am {{ display_name }}")
        here.plan(customers(1))
        here.run()

        assert here.said()[0] == ("CUSTOMER", "I am Customer 0")
        assert outcome(here) == {("completed", "chat_ended")}


def test_socket_and_credentials_of_the_start_itself_are_used_when_asked_for(
    tmp_path: Path,
) -> None:
    with world(tmp_path) as here:
        here.template = ChatTemplate(connection_types=("WEBSOCKET", "CONNECTION_CREDENTIALS"))
        here.plan(customers(3))
        here.run()

        assert here.local.calls["CreateParticipantConnection"] == 0
        assert outcome(here) == {("completed", "chat_ended")}


class HalfAConnection(ConnectApi):
    """Answers as Amazon may to a token that was sent before: without the socket."""

    def start_chat(self, request: str) -> StartChatContactResponse:
        return super().start_chat(request).model_copy(update={"websocket": None})


def test_a_start_that_brings_half_a_connection_costs_one_call_more(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.api_class = HalfAConnection
        here.template = ChatTemplate(connection_types=("WEBSOCKET", "CONNECTION_CREDENTIALS"))
        here.plan(customers(3))
        here.run()

        assert here.local.calls["CreateParticipantConnection"] == 3
        assert outcome(here) == {("completed", "chat_ended")}


def test_no_more_chats_are_open_at_a_time_than_the_quota_allows(tmp_path: Path) -> None:
    with world(
        tmp_path, flow="echo", quotas=replace(LocalQuotas.unlimited(), open_chats=4)
    ) as here:
        here.quotas = Quotas.model_validate({**FAST.model_dump(), "open_chats": 4})
        here.conversation = Conversation(settle_seconds=0, max_replies=1)
        here.plan(customers(12))
        here.run()

        assert here.local.refusals["StartChatContact", "LimitExceededException"] == 0
        assert len(here.made()) == 12


def test_a_slot_taken_by_somebody_else_is_waited_for_without_hammering(tmp_path: Path) -> None:
    quotas = replace(LocalQuotas.unlimited(), open_chats=3)
    with world(tmp_path, flow="echo", quotas=quotas) as here:
        here.conversation = Conversation(settle_seconds=0, max_replies=1)
        here.plan(customers(12))
        here.run()

        refused = here.local.refusals["StartChatContact", "LimitExceededException"]
        assert here.made() == {f"{number:04}": 1 for number in range(12)}
        assert 0 < refused <= 24


def test_throttled_customers_are_contacted_later_and_lose_no_attempt(tmp_path: Path) -> None:
    quotas = replace(LocalQuotas.unlimited(), start_chat_contact=Rate(20, 5))
    with world(tmp_path, quotas=quotas) as here:
        here.plan(customers(15))
        here.run()

        assert here.local.refusals["StartChatContact", "TooManyRequestsException"] > 0
        assert here.made() == {f"{number:04}": 1 for number in range(15)}
        assert {row["attempts"] for row in here.contacts()} == {1}


@pytest.mark.parametrize(
    "kind",
    [FaultKind.ERROR_AFTER, FaultKind.CUT_AFTER, FaultKind.ERROR_BEFORE, FaultKind.CUT_BEFORE],
    ids=["fault after commit", "cut after commit", "fault before commit", "cut before commit"],
)
def test_a_start_whose_outcome_is_unknown_is_repeated_and_makes_one_contact(
    tmp_path: Path, kind: FaultKind
) -> None:
    faults = [Fault(operation="StartChatContact", kind=kind, nth=n) for n in (1, 2, 3)]
    with world(tmp_path, faults=faults) as here:
        here.plan(customers(10))
        here.run()

        assert here.local.injected["StartChatContact", kind] == 3
        assert here.made() == {f"{number:04}": 1 for number in range(10)}
        assert outcome(here) == {("completed", "chat_ended")}


def interrupt(here: World) -> None:
    """Run until all conversations are going on, and then be stopped as by Ctrl-C."""

    def report(funnel: Funnel) -> None:
        if funnel.connected == funnel.valid:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        here.run(report)
    assert {row["status"] for row in here.contacts()} == {"connected"}


def test_an_interrupted_conversation_goes_on_where_it_was(tmp_path: Path) -> None:
    with world(tmp_path, flow="echo") as here:
        here.conversation = Conversation(
            settle_seconds=0, messages=("one",), reply_timeout_seconds=1
        )
        here.plan(customers(2))
        interrupt(here)
        here.run()

        spoken = ["Hello Customer {}, I repeat whatever you say.", "one", "one"]
        expected = [text.format(number) for number in range(2) for text in spoken]
        assert [content for _, content in here.said()] == expected
        assert outcome(here) == {("completed", "replied")}
        assert here.made() == {"0000": 1, "0001": 1}


def test_no_bearer_token_is_on_disk_while_a_chat_is_open(tmp_path: Path) -> None:
    with world(tmp_path, flow="echo") as here:
        here.plan(customers(3))
        interrupt(here)

        written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert here.local.issued_tokens
        assert [token for token in here.local.issued_tokens if token.encode() in written] == []


def test_a_chat_that_ended_between_two_runs_is_closed_with_amazons_reason(tmp_path: Path) -> None:
    with world(tmp_path, flow="echo") as here:
        here.plan(customers(1))
        interrupt(here)
        here.stop_contact(here.local.contacts[0].contact_id)
        here.run()

        assert outcome(here) == {("completed", "lost")}
        assert [row["error_code"] for row in here.contacts()] == ["API"]
        assert here.made() == {"0000": 1}


@pytest.mark.parametrize("may_ask", [True, False], ids=["may describe", "may not describe"])
def test_a_token_that_is_too_old_is_not_sent_again_for_an_interrupted_chat(
    tmp_path: Path, *, may_ask: bool
) -> None:
    denied = always("DescribeContact", 403, "AccessDeniedException")
    with world(tmp_path, flow="echo", faults=[] if may_ask else [denied]) as here:
        here.plan(customers(1))
        interrupt(here)
        here.quotas = FAST.model_copy(update={"token_validity": timedelta(microseconds=1)})
        here.run()

        assert here.local.calls["StartChatContact"] == 1
        assert outcome(here) == {("completed", "lost")}
        assert here.local.contacts[0].ended_at


def test_an_open_outcome_whose_token_is_too_old_is_left_for_a_person(tmp_path: Path) -> None:
    cuts = [
        Fault(operation="StartChatContact", kind=FaultKind.CUT_AFTER, nth=n) for n in range(1, 9)
    ]
    with world(tmp_path, faults=cuts) as here:
        here.plan(customers(1))
        here.run()
        here.quotas = FAST.model_copy(update={"token_validity": timedelta(microseconds=1)})
        here.run()

        assert [row["status"] for row in here.contacts()] == ["unknown"]
        assert here.local.calls["StartChatContact"] == 8


def test_token_and_request_are_on_disk_before_the_call(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        seen: list[tuple[str, bool, bool]] = []

        class Watched(ConnectApi):
            def start_chat(self, request: str) -> StartChatContactResponse:
                with Ledger(here.ledger.url) as ledger:
                    (row,) = ledger.contact_records("renewals")
                seen.append((row["status"], row["sent_at"] is not None, row["request"] == request))
                return super().start_chat(request)

        here.api_class = Watched
        here.plan(customers(1))
        here.run()

        assert seen == [("starting", True, True)]


def test_a_start_that_times_out_is_repeated_and_makes_one_contact(tmp_path: Path) -> None:
    slow = Fault(operation="StartChatContact", kind=FaultKind.DELAY, nth=1, seconds=1.5)
    with world(tmp_path, faults=[slow]) as here:
        here.read_timeout_seconds = 0.3
        here.plan(customers(3))
        here.run()

        assert here.made() == {f"{number:04}": 1 for number in range(3)}
        assert outcome(here) == {("completed", "chat_ended")}


def test_an_outcome_that_stays_unknown_is_said_so_and_settled_by_the_next_run(
    tmp_path: Path,
) -> None:
    # All that a run tries, and all that it tries once more before it ends.
    faults = [
        Fault(operation="StartChatContact", kind=FaultKind.CUT_AFTER, customer_id="0001", nth=n)
        for n in range(1, 9)
    ]
    with world(tmp_path, faults=faults) as here:
        here.plan(customers(3))
        here.run()
        first = {row["customer_id"]: row["status"] for row in here.contacts()}
        here.run()

        assert first == {"0000": "completed", "0001": "unknown", "0002": "completed"}
        assert outcome(here) == {("completed", "chat_ended")}
        assert here.made() == {"0000": 1, "0001": 1, "0002": 1}


def test_a_request_that_amazon_refuses_fails_alone_and_for_good(tmp_path: Path) -> None:
    refusal = Fault(
        operation="StartChatContact",
        kind=FaultKind.ERROR_BEFORE,
        customer_id="0001",
        every=1,
        status=400,
        code="InvalidParameterException",
        message="not this one",
    )
    with world(tmp_path, faults=[refusal]) as here:
        here.plan(customers(3))
        here.run()
        here.run()

        failed = [row for row in here.contacts() if row["status"] == "failed"]
        assert [row["customer_id"] for row in failed] == ["0001"]
        assert failed[0]["error_code"] == "InvalidParameterException"
        assert failed[0]["request_id"]
        assert here.local.injected["StartChatContact", FaultKind.ERROR_BEFORE] == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "AccessDeniedException"),
        (403, None),
        (403, "ExpiredTokenException"),
        (404, "ResourceNotFoundException"),
    ],
    ids=["access denied", "untyped 403", "expired credentials", "unknown instance or flow"],
)
def test_what_concerns_everybody_stops_the_campaign_at_once_and_is_resumable(
    tmp_path: Path, status: int, code: str | None
) -> None:
    wrong = [
        Fault(
            operation="StartChatContact",
            kind=FaultKind.ERROR_BEFORE,
            nth=n,
            status=status,
            code=code,
        )
        for n in range(1, 61)
    ]
    with world(tmp_path, faults=wrong) as here:
        here.quotas = Quotas.model_validate(
            {**FAST.model_dump(), "starts_per_second": 10.0, "start_burst": 1}
        )
        here.plan(customers(50))
        with pytest.raises(CampaignHaltedError, match="run the same campaign again"):
            here.run()
        calls = here.local.calls["StartChatContact"]

        assert calls <= 20
        assert here.made() == {}
        assert {row["status"] for row in here.contacts()} <= {"planned", "starting"}
        assert {row["sent_at"] for row in here.contacts()} == {None}


def test_an_amazon_that_cannot_be_reached_halts_the_campaign_instead_of_ending_it(
    tmp_path: Path,
) -> None:
    with world(tmp_path) as here:
        here.plan(customers(3))
        here.local.stop()
        with pytest.raises(CampaignHaltedError, match="StartChatContact"):
            here.run()
        here.local.start()
        here.run()

        assert outcome(here) == {("completed", "chat_ended")}
        assert here.made() == {f"{number:04}": 1 for number in range(3)}


def test_an_unknown_flow_stops_the_campaign_before_anybody_is_contacted(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.contact_flow_id = "00000000-0000-4000-8000-000000000000"
        here.plan(customers(3))
        with pytest.raises(CampaignHaltedError, match="ResourceNotFoundException"):
            here.run()

        assert here.made() == {}


def test_credentials_that_expire_are_renewed_once(tmp_path: Path) -> None:
    expired = Fault(
        operation="StartChatContact",
        kind=FaultKind.ERROR_BEFORE,
        nth=2,
        status=403,
        code="ExpiredTokenException",
    )
    with world(tmp_path, faults=[expired]) as here:
        made: list[boto3.Session] = []

        def make_session() -> boto3.Session:
            made.append(session())
            return made[-1]

        here.make_session = make_session
        here.plan(customers(5))
        here.run()

        assert len(made) == 2
        assert here.made() == {f"{number:04}": 1 for number in range(5)}


def test_a_dropped_socket_is_opened_again_and_no_message_is_lost_or_doubled(
    tmp_path: Path,
) -> None:
    drop = Fault(operation="ChatFrame", kind=FaultKind.SOCKET_DROP, nth=2, per_customer=True)
    with world(tmp_path, flow="echo", faults=[drop]) as here:
        here.conversation = Conversation(settle_seconds=0, messages=("one", "two"), max_replies=2)
        here.plan(customers(5))
        here.run()

        assert here.local.injected["ChatFrame", FaultKind.SOCKET_DROP] >= 5
        spoken = ["Hello Customer {}, I repeat whatever you say.", "one", "one", "two", "two"]
        expected = [text.format(number) for number in range(5) for text in spoken]
        assert [content for _, content in here.said()] == expected


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "kind",
    [FaultKind.FRAME_LOST, FaultKind.FRAME_DUPLICATED, FaultKind.FRAME_SWAPPED],
    ids=["lost", "duplicated", "swapped"],
)
def test_what_a_socket_garbles_is_in_the_messages_once_and_in_order(
    tmp_path: Path, kind: FaultKind, nth: int
) -> None:
    fault = Fault(operation="ChatFrame", kind=kind, nth=nth, per_customer=True)
    with world(tmp_path, flow="echo", faults=[fault]) as here:
        here.conversation = Conversation(
            settle_seconds=0, messages=("one", "two"), reply_timeout_seconds=0.5
        )
        here.plan(customers(3))
        here.run()

        assert {row["end_reason"] for row in here.contacts()} == {"replied"}
        theirs = {contact.contact_id: contact.transcript for contact in here.local.contacts}
        for row in here.contacts():
            stored = [
                item["message_id"]
                for item in here.ledger.message_records("renewals")
                if item["contact_id"] == row["contact_id"]
            ]
            assert stored == [item.id for item in theirs[row["contact_id"]]]


def test_a_socket_that_falls_silent_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    silent = Fault(operation="ChatFrame", kind=FaultKind.SOCKET_SILENT, nth=3, per_customer=True)
    with world(tmp_path, flow="echo", faults=[silent]) as here:
        here.conversation = Conversation(
            settle_seconds=0, messages=("one", "two"), max_replies=2, reply_timeout_seconds=40
        )
        here.beat_seconds = 1
        here.plan(customers(2))
        here.run()

        spoken = ["Hello Customer {}, I repeat whatever you say.", "one", "one", "two", "two"]
        expected = [text.format(number) for number in range(2) for text in spoken]
        assert [content for _, content in here.said()] == expected


def test_an_answer_that_is_cut_short_makes_no_second_contact(tmp_path: Path) -> None:
    short = Fault(operation="StartChatContact", kind=FaultKind.TRUNCATED, nth=1)
    with world(tmp_path, faults=[short]) as here:
        here.plan(customers(3))
        here.run()

        assert here.local.injected["StartChatContact", FaultKind.TRUNCATED] == 1
        assert outcome(here) == {("completed", "chat_ended")}
        assert here.made() == {f"{number:04}": 1 for number in range(3)}


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({"starts_per_second": 10, "start_burst": 1}, "StartChatContact"),
        ({"transcripts_per_second": 10, "transcript_burst": 1}, "GetTranscript"),
        ({"open_chats": 5}, "open_chats"),
    ],
    ids=["starts", "transcripts", "open chats"],
)
def test_the_funnel_names_what_limits_the_pace(
    tmp_path: Path, changes: dict[str, float], limit: str
) -> None:
    with world(tmp_path, flow="echo", think_seconds=(0.3, 0.3)) as here:
        here.quotas = FAST.model_copy(update=changes)
        here.conversation = Conversation(settle_seconds=0, max_replies=1)
        here.plan(customers(30))
        seen: Counter[str | None] = Counter()
        here.run(lambda funnel: seen.update([funnel.limited_by]))

        # Not always: at the beginning and at the end nobody waits.
        waiting = {name: count for name, count in seen.items() if name}
        assert max(waiting, key=waiting.__getitem__) == limit


def test_of_chats_that_are_over_nothing_is_left_to_a_garbage_collection(tmp_path: Path) -> None:
    parts = (Pipeline, ClaimedContact, ChatSession, ChatConnection, Dialogue, Contact)
    with world(tmp_path) as here:
        here.plan(customers(10))
        gc.collect()
        gc.disable()
        try:
            here.run()
            left = [type(one).__name__ for one in gc.get_objects() if isinstance(one, parts)]
        finally:
            gc.enable()

        assert len(here.made()) == 10
        assert left == []
