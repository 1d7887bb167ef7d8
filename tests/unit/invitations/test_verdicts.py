"""What a press may do: the table, and what holds for all of its space."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.invitations.verdicts import Verdict, judge
from connect_tasks.ledger.clicks import FoundLink
from connect_tasks.ledger.contact import CampaignMode, CampaignState, Contact, Status, Withdrawal

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
VALIDITY = timedelta(hours=24)
NEVER = "CUSTOMER_CONNECTION_NOT_ESTABLISHED"


def contact(status: Status = Status.PLANNED, **more: object) -> Contact:
    one = Contact(
        id=1,
        campaign="renewals",
        customer_id="0001",
        generation=1,
        status=status,
        client_token="t",
        request="{}",
        messages=(),
        planned_at=NOON,
    )
    return replace(one, **more)  # type: ignore[arg-type]


def link(of: Contact | None = None, **more: object) -> FoundLink:
    found = FoundLink(
        token_hash="h",
        campaign="renewals",
        customer_id="0001",
        key_id="k",
        expires_at=NOON + timedelta(seconds=1),
        revoked_at=None,
        mode=CampaignMode.INVITATION,
        state=CampaignState.RUNNING,
        instance_id="i-1",
        contact=of or contact(),
    )
    return replace(found, **more)  # type: ignore[arg-type]


LONG_AGO, LATELY = NOON - VALIDITY, NOON - VALIDITY + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("of", "verdict"),
    [
        (contact(Status.PLANNED), Verdict.START),
        (contact(Status.STARTING), Verdict.START),
        (contact(Status.STARTING, sent_at=LATELY), Verdict.START),
        (contact(Status.UNKNOWN, sent_at=LATELY), Verdict.START),
        (contact(Status.STARTING, sent_at=LONG_AGO), Verdict.NEXT),
        (contact(Status.UNKNOWN, sent_at=LONG_AGO), Verdict.NEXT),
        (contact(Status.STARTED), Verdict.REPEAT),
        (contact(Status.CONNECTED), Verdict.REPEAT),
        (contact(Status.COMPLETED), Verdict.OVER),
        (contact(Status.COMPLETED, error_code="ChatEnded"), Verdict.OVER),
        (contact(Status.COMPLETED, error_code=NEVER), Verdict.NEXT),
        (contact(Status.COMPLETED, error_code=NEVER, generation=9), Verdict.NEXT),
        (contact(Status.FAILED), Verdict.NOT_VALID),
        (contact(Status.FAILED, error_code=Withdrawal.BY_TABLE), Verdict.NOT_VALID),
        (contact(Status.WITHHELD, error_code="held_out"), Verdict.NOT_VALID),
        (contact(Status.PLANNED, generation=0), Verdict.NOT_VALID),
    ],
)
def test_the_contact_says_what_a_press_does(of: Contact, verdict: Verdict) -> None:
    assert judge(link(of), NOON, VALIDITY) is verdict


@pytest.mark.parametrize(
    "last",
    [contact(Status.COMPLETED, error_code=NEVER), contact(Status.UNKNOWN, sent_at=LONG_AGO)],
)
@given(chats=st.integers(0, 6), generation=st.integers(1, 9))
def test_three_chats_that_amazon_made_are_the_end_and_plans_are_none(
    last: Contact, chats: int, generation: int
) -> None:
    found = link(replace(last, generation=generation), chats=chats)
    assert judge(found, NOON, VALIDITY) is (Verdict.NEXT if chats < 3 else Verdict.OVER)


@pytest.mark.parametrize(
    "out", [*({"taken_out": by} for by in Withdrawal), {"opted_out": True}], ids=str
)
@pytest.mark.parametrize("sent_at", [None, LATELY, LONG_AGO])
@pytest.mark.parametrize("code", [None, NEVER])
@pytest.mark.parametrize("status", list(Status))
def test_of_who_was_taken_out_or_opted_out_only_the_chat_that_is_open_goes_on(
    status: Status, code: str | None, sent_at: datetime | None, out: dict[str, object]
) -> None:
    found = link(contact(status, error_code=code, sent_at=sent_at), **out)
    is_open = status in {Status.STARTED, Status.CONNECTED}
    assert judge(found, NOON, VALIDITY) is (Verdict.REPEAT if is_open else Verdict.NOT_VALID)


@pytest.mark.parametrize(
    "dead",
    [
        {"revoked_at": NOON + timedelta(days=1)},
        {"expires_at": NOON},
        {"state": CampaignState.STOPPED},
        {"mode": CampaignMode.SIMULATION},
        {"mode": CampaignMode.HAND_OVER},
    ],
)
@pytest.mark.parametrize("status", list(Status))
def test_a_dead_link_opens_nothing_whatever_its_contact_is(
    dead: dict[str, object], status: Status
) -> None:
    assert judge(link(contact(status), **dead), NOON, VALIDITY) is Verdict.NOT_VALID


def test_a_link_whose_customer_is_gone_opens_nothing() -> None:
    assert judge(replace(link(), contact=None), NOON, VALIDITY) is Verdict.NOT_VALID


@given(
    status=st.sampled_from(list(Status)),
    generation=st.integers(-1, 5),
    sent=st.none() | st.timedeltas(timedelta(0), timedelta(days=3)),
    code=st.sampled_from([None, NEVER, "ChatEnded"]),
)
def test_a_paused_campaign_begins_nothing_and_else_is_as_one_that_runs(
    status: Status, generation: int, sent: timedelta | None, code: str | None
) -> None:
    sent_at = None if sent is None else NOON - sent
    of = contact(status, generation=generation, sent_at=sent_at, error_code=code)
    runs = judge(link(of), NOON, VALIDITY)
    paused = judge(link(of, state=CampaignState.PAUSED), NOON, VALIDITY)
    begins = runs in {Verdict.START, Verdict.NEXT}
    assert paused is (Verdict.LATER if begins else runs)
