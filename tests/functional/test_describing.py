"""What becomes of people's chats, as Amazon tells it: asked for, kept, and nobody's work undone."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from connect_tasks.aws.client import ConnectApi
from connect_tasks.aws.paced_calls import PacedCalls
from connect_tasks.aws.pacing.clock import SystemClock
from connect_tasks.aws.pacing.token_bucket import PermitRequest, Permits
from connect_tasks.aws.retry import RetryPolicy
from connect_tasks.campaign.collection.describing import Describer
from connect_tasks.errors import AccessDeniedError, NotFoundError, ServiceFaultError
from connect_tasks.ledger.async_ledger import AsyncLedger
from connect_tasks.ledger.schema import collected, contacts
from connect_tasks.ledger.store import Ledger
from tests.ledger_rows import INSTANCE, enter, table

Result = TypeVar("Result")

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
ENDED = NOW - timedelta(minutes=3)


@dataclass
class Amazon(ConnectApi):
    """What DescribeContact answers, by contact; what it was asked."""

    answers: Mapping[str, Any]
    asked: list[str] = field(default_factory=list)

    def describe_contact(self, instance_id: str, contact_id: str) -> Mapping[str, Any]:
        assert instance_id == INSTANCE
        self.asked.append(contact_id)
        answer = self.answers.get(contact_id, {})
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)


class Noon(SystemClock):
    """It is always noon."""

    def now(self) -> datetime:
        return NOW


async def _at_once(request: PermitRequest) -> Permits:
    return Permits(count=request.wanted, first_seconds=0, interval_seconds=0.001)


@contextmanager
def describer(ledger: Ledger, amazon: Amazon) -> Iterator[Describer]:
    with ThreadPoolExecutor(4) as threads, ThreadPoolExecutor(1) as writes:
        policy = RetryPolicy(attempts=1)
        calls = PacedCalls(
            amazon,
            policy,
            acquire=_at_once,
            executor=threads,
            clock=Noon(),
            random=Random(0),  # noqa: S311 - jitter
        )
        yield Describer(calls, AsyncLedger(ledger, writes, Noon()), Noon())


def look(ledger: Ledger, amazon: Amazon, *, most: int = 100, campaign: str | None = None) -> int:
    with describer(ledger, amazon) as found:
        return run(found.look(INSTANCE, campaign=campaign, most=most))


def run(work: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(work)


def told(**more: Any) -> dict[str, Any]:
    return {"InitiationMethod": "API", "InitiationTimestamp": NOW - timedelta(minutes=9), **more}


@pytest.fixture
def opened(ledger_url: str) -> Iterator[Ledger]:
    with Ledger(ledger_url) as ledger:
        yield ledger


def statuses(ledger: Ledger) -> dict[str, str]:
    return {row["customer_id"]: row["status"] for row in table(ledger, contacts)}


def test_a_chat_that_its_customer_joined_is_connected_since_then(opened: Ledger) -> None:
    enter(opened, "ada", mode="invitation")
    joined = NOW - timedelta(minutes=8)

    over = look(opened, Amazon({"c-ada": told(ConnectedToSystemTimestamp=joined)}))

    (contact,) = table(opened, contacts)
    assert (over, contact["status"], contact["connected_at"]) == (0, "connected", joined)
    (kept,) = table(opened, collected)
    assert (kept["transcript"], kept["ended_at"], kept["described_at"]) == ("open", None, NOW)


def test_a_chat_that_ended_is_completed_with_all_that_amazon_tells(opened: Ledger) -> None:
    enter(opened, "ada", mode="invitation")
    answer = told(
        ConnectedToSystemTimestamp=NOW - timedelta(minutes=8),
        DisconnectTimestamp=ENDED,
        DisconnectReason="CUSTOMER_DISCONNECT",
        Attributes={"score": "9"},
        ChatMetrics={"CustomerMetrics": {"MessagesSent": 3}},
    )

    over = look(opened, Amazon({"c-ada": answer}))

    (contact,) = table(opened, contacts)
    assert (over, contact["status"], contact["end_reason"]) == (1, "completed", "chat_ended")
    assert (contact["ended_at"], contact["error_code"]) == (ENDED, None)
    (kept,) = table(opened, collected)
    assert (kept["disconnect_reason"], kept["messages_sent"]) == ("CUSTOMER_DISCONNECT", 3)
    assert (kept["attributes"], kept["transcript"]) == ({"score": "9"}, "awaited")
    assert kept["look_again_at"] == ENDED + timedelta(minutes=1)


def test_a_chat_that_nobody_joined_is_lost_and_has_no_transcript(opened: Ledger) -> None:
    enter(opened, "ada", mode="invitation")
    never = "CUSTOMER_CONNECTION_NOT_ESTABLISHED"

    look(opened, Amazon({"c-ada": told(DisconnectTimestamp=ENDED, DisconnectReason=never)}))

    (contact,) = table(opened, contacts)
    assert (contact["end_reason"], contact["error_code"]) == ("lost", never)
    (kept,) = table(opened, collected)
    assert (kept["transcript"], kept["look_again_at"], kept["follow_until"]) == (
        "absent",
        None,
        None,
    )


NOBODYS: dict[str, dict[str, Any]] = {
    "an invitation's": {"mode": "invitation"},
    "a hand-over's that nobody took": {"mode": "hand_over", "status": "completed"},
    "a simulation's that was lost": {"mode": "simulation", "status": "completed"},
}


@pytest.mark.parametrize("whose", NOBODYS)
@pytest.mark.parametrize("reason", ["API", "CUSTOMER_DISCONNECT", None])
def test_a_chat_that_was_over_before_anybody_joined_has_no_transcript(
    opened: Ledger, whose: str, reason: str | None
) -> None:
    enter(opened, "ada", **NOBODYS[whose])

    ask_all(opened, Amazon({"c-ada": told(DisconnectTimestamp=ENDED, DisconnectReason=reason)}))

    assert transcripts(opened) == {"c-ada": ("absent", None)}


SIGNS: dict[str, dict[str, Any]] = {
    "Amazon says when somebody joined": {"ConnectedToSystemTimestamp": ENDED},
    "somebody sent messages": {"ChatMetrics": {"CustomerMetrics": {"MessagesSent": 1}}},
    "there is a file": {
        "Recordings": [
            {"StorageType": "S3", "Location": "b/c-ada_20261126T11:00_UTC.json"},
        ]
    },
}


@pytest.mark.parametrize("sign", SIGNS)
def test_where_anything_says_that_somebody_was_there_a_transcript_is_looked_for(
    opened: Ledger, sign: str
) -> None:
    enter(opened, "ada", mode="simulation", status="completed")

    ask_all(opened, Amazon({"c-ada": told(DisconnectTimestamp=ENDED, **SIGNS[sign])}))

    assert transcripts(opened) == {"c-ada": ("awaited", ENDED + timedelta(minutes=1))}


def test_or_where_our_side_joined_it_or_amazon_could_not_tell(opened: Ledger) -> None:
    over: dict[str, Any] = {"mode": "simulation", "status": "completed", "ended_at": ENDED}
    enter(opened, "ada", connected_at=ENDED, **over)
    enter(opened, "bob", **over)
    unknown = NotFoundError("", code="ResourceNotFoundException")

    ask_all(opened, Amazon({"c-ada": told(DisconnectTimestamp=ENDED), "c-bob": unknown}))

    awaited = ("awaited", ENDED + timedelta(minutes=1))
    assert transcripts(opened) == {"c-ada": awaited, "c-bob": awaited}


def ask_all(ledger: Ledger, amazon: Amazon) -> None:
    peoples = ledger.collection.peoples_open(INSTANCE, campaign=None, now=NOW, most=9)
    over = ledger.collection.ended_here("renewals", before=NOW, most=9)
    with describer(ledger, amazon) as found:
        run(found.ask(INSTANCE, [*peoples, *over]))


def transcripts(ledger: Ledger) -> dict[str, tuple[str, datetime | None]]:
    return {
        row["contact_id"]: (row["transcript"], row["look_again_at"])
        for row in table(ledger, collected)
    }


@pytest.mark.parametrize("mode", ["simulation", "hand_over"])
def test_chats_that_are_workers_are_not_asked_about(opened: Ledger, mode: str) -> None:
    enter(opened, "ada", mode=mode)
    amazon = Amazon({})

    look(opened, amazon)

    assert (amazon.asked, statuses(opened)) == ([], {"ada": "started"})


def test_chats_that_were_handed_over_are_peoples(opened: Ledger) -> None:
    enter(opened, "ada", mode="hand_over", handed_over_at=NOW)

    look(opened, Amazon({"c-ada": told(DisconnectTimestamp=ENDED)}))

    assert statuses(opened) == {"ada": "completed"}


def test_a_contact_that_somebody_holds_is_left_alone(opened: Ledger) -> None:
    enter(
        opened, "ada", mode="invitation", claimed_by="w", claimed_until=NOW + timedelta(minutes=1)
    )
    amazon = Amazon({})

    look(opened, amazon)

    assert (amazon.asked, statuses(opened)) == ([], {"ada": "started"})


def test_a_contact_that_is_taken_while_amazon_is_asked_keeps_its_status(opened: Ledger) -> None:
    enter(opened, "ada", mode="invitation")
    with describer(opened, Amazon({"c-ada": told(DisconnectTimestamp=ENDED)})) as found:
        (asked,) = opened.collection.peoples_open(INSTANCE, campaign=None, now=NOW, most=9)
        taken = {"claimed_by": "w", "claimed_until": NOW + timedelta(minutes=1)}
        with opened._writing() as connection:
            connection.execute(sa.update(contacts).values(taken))
        run(found.ask(INSTANCE, [asked]))

    assert statuses(opened) == {"ada": "started"}
    assert [row["ended_at"] for row in table(opened, collected)] == [ENDED]


def test_those_asked_about_longest_ago_come_first(opened: Ledger) -> None:
    for name in ("ada", "bob", "cyd"):
        enter(opened, name, mode="invitation")
    amazon = Amazon({})

    look(opened, amazon, most=2)
    look(opened, amazon, most=1)

    assert (sorted(amazon.asked[:2]), amazon.asked[2:]) == (["c-ada", "c-bob"], ["c-cyd"])


def test_only_one_campaigns_chats_if_so_wanted(opened: Ledger) -> None:
    enter(opened, "ada", mode="invitation")
    enter(opened, "bob", mode="invitation", campaign="other")
    amazon = Amazon({})

    look(opened, amazon, campaign="other")

    assert amazon.asked == ["c-bob"]


def test_a_chat_that_amazon_does_not_know_is_over_once_it_cannot_go_on(opened: Ledger) -> None:
    unknown = NotFoundError("", code="ResourceNotFoundException")
    enter(opened, "new", mode="invitation", started_at=NOW - timedelta(hours=24))
    enter(opened, "old", mode="invitation", started_at=NOW - timedelta(hours=26))
    short = '{"ChatDurationInMinutes": 60}'
    enter(opened, "short", mode="invitation", request=short, started_at=NOW - timedelta(hours=2))
    amazon = Amazon({"c-new": unknown, "c-old": unknown, "c-short": unknown})

    assert look(opened, amazon) == 2
    assert statuses(opened) == {"new": "started", "old": "completed", "short": "completed"}


def test_one_question_that_fails_does_not_keep_the_others_from_their_answer(opened: Ledger) -> None:
    enter(opened, "ada", mode="invitation")
    enter(opened, "bob", mode="invitation")
    fault = ServiceFaultError("", code="InternalServiceException")

    look(opened, Amazon({"c-ada": fault, "c-bob": told(DisconnectTimestamp=ENDED)}))

    assert statuses(opened) == {"ada": "started", "bob": "completed"}
    kept = {row["contact_id"]: row["trouble"] for row in table(opened, collected)}
    assert kept == {"c-ada": "InternalServiceException", "c-bob": None}


def test_no_answer_at_all_is_raised_and_nothing_kept(opened: Ledger) -> None:
    enter(opened, "ada", mode="invitation")

    with pytest.raises(ServiceFaultError):
        look(opened, Amazon({"c-ada": ServiceFaultError("", code="EndpointConnectionError")}))

    assert table(opened, collected) == []


def test_a_permission_that_is_missing_is_raised(opened: Ledger) -> None:
    enter(opened, "ada", mode="invitation")

    with pytest.raises(AccessDeniedError):
        look(opened, Amazon({"c-ada": AccessDeniedError("no", operation="DescribeContact")}))


def test_what_is_known_of_a_contact_only_grows(opened: Ledger) -> None:
    enter(opened, "ada", mode="simulation", status="completed")
    ended = told(
        ConnectedToSystemTimestamp=NOW - timedelta(minutes=8),
        DisconnectTimestamp=ENDED,
        Attributes={"score": "9"},
    )
    (asked,) = opened.collection.ended_here("renewals", before=NOW, most=9)
    for answer in (ended, told()):
        with describer(opened, Amazon({"c-ada": answer})) as found:
            run(found.ask(INSTANCE, [asked]))

    (kept,) = table(opened, collected)
    assert (kept["ended_at"], kept["attributes"], kept["transcript"]) == (
        ENDED,
        {"score": "9"},
        "awaited",
    )


def test_nothing_is_kept_of_a_customer_who_was_forgotten_meanwhile(opened: Ledger) -> None:
    enter(opened, "ada", mode="simulation", status="completed")
    (asked,) = opened.collection.ended_here("renewals", before=NOW, most=9)
    with opened._writing() as connection:
        connection.execute(sa.update(contacts).values(contact_id=None))

    with describer(opened, Amazon({"c-ada": told(DisconnectTimestamp=ENDED)})) as found:
        run(found.ask(INSTANCE, [asked]))

    assert table(opened, collected) == []
