"""A second campaign for those who did not open, answer or finish, in each way of a campaign."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.aws.pacing.clock import SystemClock
from connect_tasks.campaign import CampaignResult, run_campaign, select
from connect_tasks.campaign.manage import withdraw
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.suppression import suppress
from connect_tasks.errors import InputError
from connect_tasks.ledger import forget
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.schema import collected
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.reading import open_table
from tests.functional.inviting_world import NOON, Inviting, rows
from tests.functional.world import World, customers, world
from tests.ledger_rows import enter

OVER: dict[str, Any] = {"status": "completed", "end_reason": "chat_ended", "ended_at": NOON}
DAY = timedelta(days=1)


class At(SystemClock):
    """A clock that stands."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger(ledger_url) as opened:
        yield opened


def ids(ledger: Ledger, *status: str, campaign: str = "renewals", now: datetime = NOON) -> set[str]:
    found = select(campaign, status=status, ledger=ledger, clock=At(now))
    assert found["customer_id"].is_unique
    return set(found["customer_id"])


# --- who did not, in each way ---


def test_of_an_invitation_each_did_what_the_ledger_says(ledger: Ledger) -> None:
    here = Inviting(ledger)
    here.invite(rows("unopened", "silent", "left", "done", "open", "revoked", "out"))
    for customer in ("silent", "left", "done", "open"):
        here.becomes(customer, opened_at=NOON, status="started", started_at=NOON)
    here.becomes("silent", **OVER)
    here.becomes("left", **OVER, connected_at=NOON, first_reply_at=NOON, contact_id="c-left")
    here.becomes("done", **OVER, connected_at=NOON, first_reply_at=NOON)
    tell(ledger, "left", disconnect_reason="CUSTOMER_DISCONNECT")
    ledger.invitations.revoke("renewals", ["revoked"], now=NOON)
    withdraw("renewals", ["out"], ledger)

    assert ids(ledger, "unopened") == {"unopened"}
    assert ids(ledger, "unanswered") == {"unopened", "silent"}
    assert ids(ledger, "unfinished") == {"unopened", "silent", "left"}
    assert ids(ledger, "opened") == {"silent", "left", "done", "open"}
    assert ids(ledger, "answered") == {"left", "done"}
    assert ids(ledger, "finished") == {"done"}
    assert ids(ledger, "withdrawn") == {"out"}
    assert ids(ledger, "failed") == set()
    assert ids(ledger, "planned", "withdrawn") == {"unopened", "revoked", "out"}


def tell(ledger: Ledger, customer: str, *, disconnect_reason: str) -> None:
    """What Amazon knows of a customer's contact."""
    row = {
        "campaign": "renewals",
        "contact_id": f"c-{customer}",
        "initial_contact_id": f"c-{customer}",
        "disconnect_reason": disconnect_reason,
        "described_at": NOON,
        "transcript": "absent",
    }
    with ledger._writing() as connection:
        connection.execute(sa.insert(collected).values(row))


def test_a_link_that_is_to_be_sent_later_was_not_left_unopened_before(ledger: Ledger) -> None:
    here = Inviting(ledger)
    here.invite(rows("a"))

    assert ids(ledger, "unopened", now=NOON - timedelta(seconds=1)) == set()
    assert ids(ledger, "unopened", now=NOON) == {"a"}
    # The link has ended long since.
    assert ids(ledger, "unopened", now=NOON + 400 * DAY) == {"a"}


def test_of_a_hand_over_each_did_what_the_ledger_says(ledger: Ledger) -> None:
    joined: dict[str, Any] = {"connected_at": NOON, "handed_over_at": NOON}
    enter(ledger, "never", mode="hand_over", **OVER, error_code="NotHandedOver")
    enter(ledger, "silent", mode="hand_over", **OVER, **joined)
    enter(ledger, "left", mode="hand_over", **OVER, **joined, first_reply_at=NOON)
    enter(ledger, "done", mode="hand_over", **OVER, **joined, first_reply_at=NOON)
    enter(ledger, "speaking", mode="hand_over", **joined, status="connected")
    tell(ledger, "left", disconnect_reason="CUSTOMER_DISCONNECT")
    tell(ledger, "done", disconnect_reason="AGENT_DISCONNECT")

    assert ids(ledger, "unopened") == {"never"}
    assert ids(ledger, "unanswered") == {"never", "silent"}
    assert ids(ledger, "unfinished") == {"never", "silent", "left"}
    assert ids(ledger, "finished") == {"done"}


def test_of_a_simulation_each_did_what_the_ledger_says(ledger: Ledger) -> None:
    heard: dict[str, Any] = {"connected_at": NOON, "first_reply_at": NOON}
    enter(ledger, "silent", mode="simulation", **{**OVER, "end_reason": "silent"})
    enter(ledger, "late", mode="simulation", **{**OVER, "end_reason": "time_limit"}, **heard)
    enter(ledger, "done", mode="simulation", **{**OVER, "end_reason": "replied"}, **heard)
    enter(ledger, "refused", mode="simulation", status="failed", error_code="InvalidRequest")
    enter(ledger, "held", mode="simulation", status="withheld", error_code="held_out")
    enter(ledger, "out", mode="simulation", status="withheld", error_code="opted_out")
    enter(ledger, "lost", mode="simulation", status="unknown")

    assert ids(ledger, "unanswered") == {"silent"}
    assert ids(ledger, "unfinished") == {"silent", "late"}
    assert ids(ledger, "finished") == {"done"}
    assert ids(ledger, "failed") == {"refused"}
    assert ids(ledger, "withheld") == {"held", "out"}
    assert ids(ledger, "held_out") == {"held"}
    assert ids(ledger, "unknown", "opted_out") == {"lost", "out"}


def test_only_the_latest_contact_of_a_customer_counts(ledger: Ledger) -> None:
    enter(ledger, "a", mode="simulation", **{**OVER, "end_reason": "silent"})
    again = {**OVER, "end_reason": "replied", "first_reply_at": NOON, "generation": 2}
    enter(ledger, "a", mode="simulation", **again, client_token="another", contact_id="c-2")

    assert ids(ledger, "unfinished") == set()
    assert ids(ledger, "finished") == {"a"}


def test_who_was_forgotten_is_nobody(ledger: Ledger) -> None:
    for customer in ("a", "b"):
        enter(ledger, customer, mode="simulation", **{**OVER, "end_reason": "silent"})
    forget("a", ledger.url, overwrite=False)
    mine = pd.DataFrame({"customer_id": ["a", "b"]})

    assert ids(ledger, "unanswered", "completed") == {"b"}
    found = select("renewals", status="completed", customers=mine, ledger=ledger)
    assert list(found["customer_id"]) == ["b"]


# --- refused rows ---


def test_a_refused_row_is_its_customers_only_while_they_have_no_contact(tmp_path: Path) -> None:
    bad = {"customer_id": "bad", "display_name": "B", "score": None}
    mended = {"customer_id": "0000", "display_name": "B", "score": None}
    nobody = {"customer_id": None, "display_name": "B", "score": "1"}
    with world(tmp_path) as here:
        here.plan([bad, *customers(2), mended, nobody])

        assert ids(here.ledger, "rejected") == {"bad"}
        here.plan([bad, mended])
        # 0000 was planned, and is taken out by the table that has them wrong.
        assert ids(here.ledger, "rejected") == {"bad", "0000"}
        assert ids(here.ledger, "withdrawn") == {"0000"}


# --- what is given ---


def test_without_a_table_there_is_who_was_to_be_contacted_as_they_were(tmp_path: Path) -> None:
    template = ChatTemplate(attributes={"plan": "{{ plan }}", "score": "{{ score }}"})
    table = [
        {"customer_id": "0007", "display_name": "Ada", "plan": "gold", "score": 9},
        {"customer_id": "0042", "display_name": "Zoë", "plan": "tin", "score": 8},
    ]
    with world(tmp_path) as here:
        here.template = template
        here.plan(table)
        found = select("renewals", status="planned", ledger=here.ledger)

    assert set(found.dtypes.astype(str)) == {"string"}
    assert found.to_dict("list") == {
        "customer_id": ["0007", "0042"],
        "display_name": ["Ada", "Zoë"],
        "attributes.plan": ["gold", "tin"],
        "attributes.score": ["9", "8"],
    }


def test_that_table_makes_the_same_requests_again(tmp_path: Path) -> None:
    template = ChatTemplate(attributes={"plan": "{{ plan }}"})
    table = [{"customer_id": "0007", "display_name": "Ada", "plan": "gold"}]
    with world(tmp_path) as here:
        here.template, here.conversation = template, Conversation()
        here.plan(table)
        found = select("renewals", status="planned", ledger=here.ledger)
        plan(here, "again", next(open_table(found).chunks()))

        (first,), (second,) = (
            list(here.ledger.outcomes(name, with_requests=True)) for name in ("renewals", "again")
        )
        assert without_token(first["request"]) == without_token(second["request"])


def without_token(request: str) -> dict[str, Any]:
    return {k: v for k, v in json.loads(request).items() if k != "ClientToken"}


def test_of_nobody_there_is_a_table_without_rows(ledger: Ledger) -> None:
    enter(ledger, "a", mode="simulation")

    found = select("renewals", status="failed", ledger=ledger)
    assert list(found.columns) == ["customer_id", "display_name"]
    assert found.empty


def test_a_table_of_ones_own_keeps_its_columns_index_and_dtypes(ledger: Ledger) -> None:
    enter(ledger, "42", mode="simulation", **{**OVER, "end_reason": "silent"})
    enter(ledger, "Zoë", mode="simulation", **{**OVER, "end_reason": "silent"})
    heard: dict[str, Any] = {"end_reason": "replied", "first_reply_at": NOON}
    enter(ledger, "7", mode="simulation", **{**OVER, **heard})
    mine = pd.DataFrame(
        {
            "account": [7, 42.0, " Zoe\N{COMBINING DIAERESIS}", None, "none", "42"],
            "segment": pd.Categorical(list("abcabc")),
            "visits": pd.array([1, None, 3, 4, 5, 6], "Int64"),
        },
        index=pd.Index([10, 20, 30, 40, 50, 60], name="place"),
    )
    found = select("renewals", status="unanswered", customers=mine, on="account", ledger=ledger)

    pd.testing.assert_frame_equal(found, mine.iloc[[1, 2, 5]])


def test_a_file_of_ones_own_is_read_as_a_campaign_reads_it(ledger: Ledger, tmp_path: Path) -> None:
    enter(ledger, "0042", mode="simulation", **{**OVER, "end_reason": "silent"})
    (tmp_path / "c.csv").write_text("customer_id,plan\n7,tin\n0042,gold\n", encoding="utf-8")
    for path in (tmp_path / "c.csv", str(tmp_path / "c.csv")):
        found = select("renewals", status="unanswered", customers=path, ledger=ledger)
        assert found.to_dict("list") == {"customer_id": ["0042"], "plan": ["gold"]}


def test_a_number_that_an_earlier_version_called_a_float_is_found(ledger: Ledger) -> None:
    enter(ledger, "42.0", mode="simulation", **{**OVER, "end_reason": "silent"})
    mine = pd.DataFrame({"customer_id": [42, 7]})
    found = select("renewals", status="completed", customers=mine, ledger=ledger)

    assert list(found["customer_id"]) == [42]


# --- what cannot be ---


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("unopend", r"no group 'unopend' \(did you mean 'unopened'\?\): give one or more of"),
        (["failed", "nope"], "no group 'nope'"),
        ([], "names no group: give one or more of .*unopened"),
        ("duplicate", "is a row and no customer"),
        ("allowed", "no group 'allowed'"),
        ([None], "no group None"),
        (None, "status is a NoneType: give one or more of .*unopened"),
        (3, "status is a int: give one or more of"),
    ],
)
def test_a_group_that_there_is_not_is_told(ledger: Ledger, status: Any, told: str) -> None:
    enter(ledger, "a", mode="simulation")
    with pytest.raises(InputError, match=told):
        select("renewals", status=status, ledger=ledger)


def test_what_else_is_not_there_is_told(ledger: Ledger, tmp_path: Path) -> None:
    enter(ledger, "a", mode="simulation")
    with pytest.raises(InputError, match="renewals"):
        select("renewal", status="failed", ledger=ledger)
    with pytest.raises(InputError, match="no column 'customer_id'"):
        select("renewals", status="failed", customers=pd.DataFrame({"id": ["a"]}), ledger=ledger)
    with pytest.raises(InputError, match="no file"):
        select("renewals", status="failed", customers=tmp_path / "none.csv", ledger=ledger)
    with pytest.raises(InputError, match="no ledger"):
        select("renewals", status="failed", ledger=f"sqlite:///{tmp_path / 'none.db'}")


# --- a second campaign ---


def plan(
    here: World,
    campaign: str,
    table: Sequence[Mapping[str, Any]],
    policy: OutreachPolicy | None = None,
) -> None:
    now = datetime.now(UTC)
    # As a campaign without a template does.
    template = ChatTemplate.from_columns(list(table[0]))
    renderer = template.bind(
        instance_id=here.local.instance_id,
        contact_flow_id=here.local.flow_id,
        conversation=here.conversation,
    )
    stored = None if policy is None else policy.model_dump(mode="json")
    here.ledger.open_campaign(campaign, here.local.instance_id, now=now, policy=stored)
    plan_campaign(here.ledger, campaign, [list(table)], renderer, now=now, policy=policy)


def run(here: World, campaign: str) -> None:
    options = ClientOptions(parameters={"endpoint_url": here.local.endpoint_url})
    api = ConnectApi(here.make_session, options)
    instance = Instance(api=api, quotas=here.quotas, policy=here.policy)
    run_campaign(here.ledger, campaign, instance, conversation=here.conversation)


def test_a_second_campaign_contacts_who_did_not_answer_within_the_same_limits(
    tmp_path: Path,
) -> None:
    limits = {"limits": [{"max_count_per_recipient": 2, "frequency": 7}]}
    policy = OutreachPolicy.model_validate({"communication_limits": limits})
    table = pd.DataFrame(customers(6)).assign(segment=pd.Categorical(list("aabbcc")))
    with world(tmp_path, flow="silent") as here:
        here.conversation = Conversation(
            settle_seconds=0,
            messages=("{{ score }}",),
            reply_timeout_seconds=1,
            max_seconds=2,
        )
        # 0000 and 0001 are contacted by another campaign first: their second is the last one.
        plan(here, "earlier", customers(2), policy)
        run(here, "earlier")
        plan(here, "first", next(open_table(table).chunks()), policy)
        run(here, "first")
        silent = select("first", status="unanswered", customers=table, ledger=here.ledger)
        plan(here, "second", next(open_table(silent).chunks()), policy)
        run(here, "second")

        pd.testing.assert_frame_equal(silent, table)
        # Counted at Amazon Connect: nobody more than twice.
        assert here.made() == Counter({f"{n:04}": 2 for n in range(6)})
        told = CampaignResult("second", here.ledger.url)
        waiting = told.decisions[["customer_id", "rule"]].query("rule == 'frequency_capped'")
        assert set(waiting["customer_id"]) == {"0000", "0001"}
        assert (told.summary["completed"], told.summary["planned"]) == (4, 2)


def test_who_opted_out_meanwhile_is_not_followed_up(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        plan(here, "first", customers(3))
        run(here, "first")
        suppress("0001", ledger=here.ledger)
        again = select("first", status="completed", ledger=here.ledger)
        plan(here, "second", [{**row, "score": "9"} for row in again.to_dict("records")])  # type: ignore[dict-item]
        run(here, "second")

        assert here.made() == Counter({"0000": 2, "0001": 1, "0002": 2})
        assert ids(here.ledger, "opted_out", campaign="second") == {"0001"}
        assert ids(here.ledger, "failed", campaign="second") == set()


def test_a_hand_over_and_an_invitation_are_told_apart(ledger: Ledger) -> None:
    enter(ledger, "a", mode="hand_over", **OVER)
    enter(ledger, "b", mode="invitation", campaign="links", **OVER, client_token="t")

    assert ledger.mode("links") is CampaignMode.INVITATION
    assert ids(ledger, "unopened") == {"a"}
    assert ids(ledger, "unopened", campaign="links") == set()
