"""Customers by what became of them: who did not open, answer or finish, in each way."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.campaign.outcome_groups import GROUPS, groups_of
from connect_tasks.campaign.report.words import ENDS_OF_PEOPLE
from connect_tasks.chat.dialogue import EndReason
from connect_tasks.ledger.contact import CampaignMode, Status, Withdrawal
from connect_tasks.ledger.verdicts import Rule

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SIMULATION, INVITATION, HAND_OVER = (
    CampaignMode.SIMULATION,
    CampaignMode.INVITATION,
    CampaignMode.HAND_OVER,
)
PEOPLE = (INVITATION, HAND_OVER)
DID_NOT = {"unopened", "unanswered", "unfinished"}
DID = {"opened", "answered", "finished"}


def row(status: str, **changes: Any) -> dict[str, Any]:
    """A customer as the ledger tells of them."""
    nothing = dict.fromkeys(
        [
            *("error_code", "end_reason", "disconnect_reason", "started_at", "connected_at"),
            *("first_reply_at", "link_not_before", "link_opened_at", "link_revoked_at"),
            "link_taken_out",
        ]
    )
    return {**nothing, "status": status, **changes}


def steps(mode: CampaignMode, status: str, **changes: Any) -> set[str]:
    """How far a customer came."""
    return set(groups_of(row(status, **changes), mode, now=NOW)) & (DID | DID_NOT)


JOINED = {"connected_at": NOW, "started_at": NOW}
ANSWERED = {**JOINED, "first_reply_at": NOW}
OVER = {"end_reason": "chat_ended", "disconnect_reason": "CONTACT_FLOW_DISCONNECT"}


# --- links ---


@pytest.mark.parametrize("issued", [NOW, NOW - timedelta(days=40)])
def test_a_link_whose_button_nobody_pressed_is_unopened_however_old_it_is(issued: datetime) -> None:
    assert steps(INVITATION, "planned", link_not_before=issued) == DID_NOT


@pytest.mark.parametrize(
    "link",
    [
        pytest.param({}, id="there is none"),
        pytest.param({"link_not_before": None}, id="nobody may send it"),
        pytest.param({"link_not_before": NOW + timedelta(seconds=1)}, id="it is sent later"),
        pytest.param({"link_not_before": NOW, "link_revoked_at": NOW}, id="it was taken back"),
        pytest.param({"link_not_before": NOW, "link_opened_at": NOW}, id="its chat is to start"),
    ],
)
def test_a_link_that_its_customer_could_not_use_was_not_left_unopened(link: dict[str, Any]) -> None:
    assert steps(INVITATION, "planned", **link) == set()


def test_a_pressed_button_is_an_opened_link_also_if_nobody_joined_its_chat() -> None:
    left = {"end_reason": "lost", "error_code": "CUSTOMER_CONNECTION_NOT_ESTABLISHED"}
    found = steps(INVITATION, "completed", started_at=NOW, link_opened_at=NOW, **left)

    assert found == {"opened", "unanswered", "unfinished"}


# --- chats that the company's app takes ---


def test_who_never_joined_what_was_handed_over_has_not_opened_it() -> None:
    left = {"end_reason": "lost", "error_code": "CUSTOMER_CONNECTION_NOT_ESTABLISHED"}

    assert steps(HAND_OVER, "completed", started_at=NOW, **left) == DID_NOT


# --- where people speak ---


@pytest.mark.parametrize("mode", PEOPLE)
@pytest.mark.parametrize("reason", [*ENDS_OF_PEOPLE, None])
def test_who_answered_has_finished_if_the_other_side_brought_the_chat_to_its_end(
    mode: CampaignMode, reason: str | None
) -> None:
    # Where Amazon does not say why, nobody is asked again to be safe.
    brought = {"CONTACT_FLOW_DISCONNECT", "AGENT_DISCONNECT", "THIRD_PARTY_DISCONNECT", "BARGED"}
    told = {**ANSWERED, "end_reason": "chat_ended", "disconnect_reason": reason}
    is_finished = reason in {*brought, None}

    assert steps(mode, "completed", **told) == {
        "opened",
        "answered",
        "finished" if is_finished else "unfinished",
    }


@pytest.mark.parametrize("mode", PEOPLE)
def test_a_flow_that_gives_up_waiting_has_not_made_anybody_finish(mode: CampaignMode) -> None:
    assert steps(mode, "completed", **JOINED, **OVER) == {"opened", "unanswered", "unfinished"}


@pytest.mark.parametrize("mode", PEOPLE)
def test_a_chat_of_which_our_side_lost_sight_is_not_finished(mode: CampaignMode) -> None:
    found = steps(mode, "completed", **ANSWERED, end_reason="lost")

    assert found == {"opened", "answered", "unfinished"}


# --- where our side speaks ---


@pytest.mark.parametrize(
    ("end", "step"),
    [
        (EndReason.CHAT_ENDED, "finished"),
        (EndReason.REPLIED, "finished"),
        (EndReason.HEARD, "finished"),
        (EndReason.LEFT_OPEN, "finished"),
        (EndReason.SILENT, "unfinished"),
        (EndReason.TIME_LIMIT, "unfinished"),
        (EndReason.LOST, "unfinished"),
    ],
)
def test_a_simulation_is_finished_if_our_side_said_all_or_the_other_ended_it(
    end: EndReason, step: str
) -> None:
    # Amazon's own reason is that our side stopped it.
    told = {**ANSWERED, "end_reason": end, "disconnect_reason": "API"}

    assert steps(SIMULATION, "completed", **told) == {"opened", "answered", step}


def test_each_end_of_a_simulation_is_one_or_the_other() -> None:
    for end in EndReason:
        found = steps(SIMULATION, "completed", **ANSWERED, end_reason=end)
        assert len(found & {"finished", "unfinished"}) == 1


# --- everybody ---


@pytest.mark.parametrize("mode", CampaignMode)
@pytest.mark.parametrize(
    "status", ["starting", "unknown", "failed", "withheld", "rejected", "planned"]
)
def test_of_whom_nothing_is_known_nothing_is_said_that_they_did_not_do(
    mode: CampaignMode, status: str
) -> None:
    assert steps(mode, status) == set()


@pytest.mark.parametrize("mode", CampaignMode)
@pytest.mark.parametrize("status", ["started", "connected"])
def test_while_a_chat_is_open_only_what_was_done_counts(mode: CampaignMode, status: str) -> None:
    assert steps(mode, status, started_at=NOW) <= {"opened"}
    assert steps(mode, status, **JOINED) == {"opened"}
    assert steps(mode, status, **ANSWERED) == {"opened", "answered"}


@pytest.mark.parametrize("by", Withdrawal)
def test_who_was_taken_out_is_withdrawn_and_has_not_failed(by: Withdrawal) -> None:
    taken_out = row("failed", error_code=by, link_not_before=NOW)

    assert groups_of(taken_out, INVITATION, now=NOW) == {"withdrawn"}


@pytest.mark.parametrize("status", ["planned", "completed", "withheld"])
def test_who_gets_no_other_chat_by_their_link_is_not_asked_again(status: str) -> None:
    taken_out = {"link_taken_out": "WithdrawnByPerson", "link_not_before": NOW}
    found = groups_of(row(status, started_at=NOW, **taken_out), INVITATION, now=NOW)

    assert found <= {"withdrawn", "opened"}
    assert "withdrawn" in found


def test_who_answered_after_they_were_taken_out_has_answered_all_the_same() -> None:
    taken_out = row("completed", **ANSWERED, **OVER, link_taken_out="WithdrawnByPerson")

    assert groups_of(taken_out, INVITATION, now=NOW) == {"withdrawn", *DID}


@pytest.mark.parametrize("rule", sorted(set(Rule) - {Rule.ALLOWED}))
def test_whom_the_policy_withheld_is_found_by_its_rule(rule: str) -> None:
    found = groups_of(row("withheld", error_code=rule), SIMULATION, now=NOW)

    assert found == {"withheld", rule}


def test_a_failure_with_a_rules_name_was_not_withheld() -> None:
    assert groups_of(row("failed", error_code="expired"), SIMULATION, now=NOW) == {"failed"}


def test_the_second_contact_that_an_earlier_version_made_of_a_customer_is_in_no_group() -> None:
    assert groups_of(row("failed", error_code="SameCustomer"), SIMULATION, now=NOW) == set()


times = st.one_of(st.none(), st.just(NOW), st.just(NOW + timedelta(days=1)))
rows = st.fixed_dictionaries(
    {
        "status": st.sampled_from(Status),
        "error_code": st.sampled_from([None, "SomeError", *Withdrawal, *Rule]),
        "end_reason": st.sampled_from([None, *EndReason]),
        "disconnect_reason": st.sampled_from([None, "A_NEW_REASON", *ENDS_OF_PEOPLE]),
        "connected_at": times,
        "first_reply_at": times,
        "link_not_before": times,
        "link_opened_at": times,
        "link_revoked_at": times,
        "link_taken_out": st.sampled_from([None, *Withdrawal]),
    }
)


@given(rows, st.sampled_from(CampaignMode))
def test_groups_never_contradict_each_other(told: dict[str, Any], mode: CampaignMode) -> None:
    found = groups_of(told, mode, now=NOW)

    assert found <= {*GROUPS, "duplicate"}
    assert len(found & set(Status)) <= 1
    for name in DID:
        assert not {name, f"un{name}"} <= found
    if "withdrawn" in found:
        assert not found & (DID_NOT | set(Status))


@given(rows, st.sampled_from(PEOPLE))
def test_where_people_speak_who_did_less_did_not_do_more(
    told: dict[str, Any], mode: CampaignMode
) -> None:
    if told["first_reply_at"]:
        # Nobody says something before they are there.
        told = {**told, "connected_at": NOW}
    found = groups_of(told, mode, now=NOW)

    if "unopened" in found:
        assert "unanswered" in found
    if "unanswered" in found:
        assert "unfinished" in found
