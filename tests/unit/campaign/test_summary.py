"""A campaign in a few words; expected texts are written by hand."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connect_tasks import Quotas
from connect_tasks.campaign.conclusion import conclude
from connect_tasks.campaign.summary import not_contacted, pace_now, summary_markdown
from connect_tasks.ledger.contact import CampaignState, Contact, Refusal, Status

COUNTS = {
    "rows": 250,
    "valid": 240,
    "started": 240,
    "connected": 240,
    "replied": 237,
    "completed": 240,
    "rejected": 8,
    "duplicate": 2,
    "failed": 0,
    "unknown": 0,
}
TOLD = "240 of 250 rows contacted, 237 replied, 10 refused"
FIND_OUT = (
    "Run the same campaign again to find out about the unknown ones; those that stay unknown, a "
    "person decides with the flow campaign-resolve."
)


@pytest.mark.parametrize(
    ("changes", "state", "name", "message"),
    [
        ({}, "running", "Completed", f"{TOLD}."),
        (
            {"completed": 238, "failed": 2},
            "running",
            "Completed",
            f"{TOLD}, 2 failed.",
        ),
        (
            {"completed": 237, "unknown": 3},
            "running",
            "Unresolved",
            f"{TOLD}, 3 unknown. {FIND_OUT}",
        ),
        (
            {"completed": 200},
            "paused",
            "Paused",
            f"{TOLD}. 40 left: the flow campaign-resume goes on with them.",
        ),
        (
            {"completed": 200},
            "stopped",
            "Stopped",
            f"{TOLD}. 40 left: the flow campaign-resume goes on with them.",
        ),
        (
            {"completed": 200},
            "running",
            "Unfinished",
            f"{TOLD}. 40 left: run the same campaign again.",
        ),
        # Paused after its last chat: nothing is left to go on with.
        ({}, "paused", "Completed", f"{TOLD}."),
    ],
    ids=["all done", "failed", "unknown", "paused", "stopped", "left", "paused at the end"],
)
def test_how_a_run_ended_is_said_with_its_counts_and_what_to_do(
    changes: dict[str, int], state: str, name: str, message: str
) -> None:
    ended = conclude({**COUNTS, **changes}, CampaignState(state))

    assert (ended.name, ended.message) == (name, message)


OPENS = datetime(2026, 11, 28, 7, 59, 30, tzinfo=UTC)
HAS_TO_WAIT = "have to wait: run the same campaign again from 2026-11-28 08:00 UTC on."


@pytest.mark.parametrize(
    ("changes", "state", "name", "message"),
    [
        ({"completed": 230, "withheld": 10}, "running", "Completed", f"{TOLD}, 10 withheld."),
        (
            {"completed": 200, "deferred": 40, "deferred_until": OPENS},
            "running",
            "Deferred",
            f"{TOLD}. 40 {HAS_TO_WAIT}",
        ),
        (
            {"completed": 239, "deferred": 1, "deferred_until": OPENS},
            "running",
            "Deferred",
            f"{TOLD}. 1 {HAS_TO_WAIT.replace('have', 'has', 1)}",
        ),
        (
            {"completed": 198, "withheld": 2, "deferred": 35, "deferred_until": OPENS},
            "running",
            "Unfinished",
            f"{TOLD}, 2 withheld. 5 left: run the same campaign again. 35 {HAS_TO_WAIT}",
        ),
        (
            {"completed": 200, "deferred": 35, "deferred_until": OPENS},
            "paused",
            "Paused",
            f"{TOLD}. 40 left: the flow campaign-resume goes on with them.",
        ),
        (
            {"completed": 200, "deferred": 40, "deferred_until": OPENS},
            "stopped",
            "Stopped",
            f"{TOLD}. 40 left: the flow campaign-resume goes on with them.",
        ),
        (
            {"completed": 197, "unknown": 3, "deferred": 40, "deferred_until": OPENS},
            "running",
            "Unresolved",
            f"{TOLD}, 3 unknown. 40 {HAS_TO_WAIT} {FIND_OUT}",
        ),
        (
            {"completed": 200, "deferred": 35, "deferred_until": OPENS, "outside": 5},
            "running",
            "Deferred",
            (
                f"{TOLD}. 5 more customers wait in the campaign and are not in this table: "
                "`resume` contacts them, `withdraw` takes them out (as flows, campaign-resume and "
                f"campaign-withdraw). 35 {HAS_TO_WAIT}"
            ),
        ),
        (
            {
                "mode": "hand_over",
                "completed": 190,
                "in_hands": 10,
                "deferred": 40,
                "deferred_until": OPENS,
            },
            "running",
            "Deferred",
            (
                "240 of 250 rows contacted, 0 handed over, 0 joined, 237 replied, 10 refused. "
                f"10 chats still open; collect again. 40 {HAS_TO_WAIT}"
            ),
        ),
    ],
    ids=[
        "withheld",
        "deferred",
        "one deferred",
        "left too",
        "paused",
        "all deferred and stopped",
        "unknown too",
        "others outside of the table",
        "chats with people",
    ],
)
def test_who_has_to_wait_is_no_work_for_now_and_it_is_said_when_to_come_back(
    changes: dict[str, Any], state: str, name: str, message: str
) -> None:
    ended = conclude({**COUNTS, **changes}, CampaignState(state))

    assert (ended.name, ended.message) == (name, message)


INVITED = {
    "mode": "invitation",
    "rows": 250,
    "valid": 240,
    "rejected": 8,
    "duplicate": 2,
    "issued": 240,
    "opened": 240,
    "unopened": 0,
    "started": 239,
    "joined": 238,
    "connected": 238,
    "replied": 230,
    "completed": 239,
    "in_hands": 0,
    "failed": 0,
    "unknown": 0,
    "planned": 0,
    "transcripts_awaited": 0,
    "unopened_until": None,
}
OPENED = "240 links issued, 240 opened, 238 joined, 230 replied, 10 refused"
LATER = datetime(2026, 12, 27, tzinfo=UTC)
UNOPENED = {"opened": 238, "unopened": 2, "planned": 2, "unopened_until": LATER}
SOME = "240 links issued, 238 opened, 238 joined, 230 replied, 10 refused"


@pytest.mark.parametrize(
    ("changes", "state", "name", "message"),
    [
        ({}, "running", "Completed", f"{OPENED}."),
        (
            UNOPENED,
            "running",
            "Waiting",
            f"{SOME}. 2 of 240 links not opened yet; collect again.",
        ),
        (
            {**UNOPENED, "in_hands": 1, "completed": 236, "transcripts_awaited": 3},
            "running",
            "Waiting",
            (
                f"{SOME}. 2 of 240 links not opened yet, 1 chat still open, 3 transcripts not "
                "there yet; collect again."
            ),
        ),
        (
            {**UNOPENED, "unopened_until": datetime(2026, 11, 27, tzinfo=UTC)},
            "running",
            "Completed",
            f"{SOME}. 2 of 240 links expired unopened.",
        ),
        (
            UNOPENED,
            "paused",
            "Paused",
            (
                f"{SOME}. 2 of 240 links not opened yet: the flow campaign-resume lets people in "
                "again."
            ),
        ),
        ({}, "stopped", "Completed", f"{OPENED}."),
        (
            {"unknown": 1, "completed": 238},
            "running",
            "Unresolved",
            (
                f"{OPENED}, 1 unknown. About the unknown ones the next press of their button finds "
                "out, or a person decides with the flow campaign-resolve."
            ),
        ),
    ],
    ids=["all over", "unopened", "open and awaited", "expired", "paused", "stopped", "unknown"],
)
def test_how_invitations_stand_is_said_with_what_waits_for_people(
    changes: dict[str, Any], state: str, name: str, message: str
) -> None:
    now = datetime(2026, 11, 27, 9, tzinfo=UTC)
    ended = conclude({**INVITED, **changes}, CampaignState(state), now=now)

    assert (ended.name, ended.message) == (name, message)


HANDED = {**INVITED, "mode": "hand_over", "issued": 0, "opened": 0, "started": 240}
GIVEN = "240 of 250 rows contacted, 240 handed over, 238 joined, 230 replied, 10 refused"


@pytest.mark.parametrize(
    ("changes", "state", "name", "message"),
    [
        ({"completed": 240}, "running", "Completed", f"{GIVEN}."),
        (
            {"completed": 200, "in_hands": 40},
            "running",
            "Waiting",
            f"{GIVEN}. 40 chats still open; collect again.",
        ),
        # Nobody but they can go on with what people have, whatever a person wants of the campaign.
        (
            {"completed": 200, "in_hands": 40},
            "paused",
            "Waiting",
            f"{GIVEN}. 40 chats still open; collect again.",
        ),
        (
            {"completed": 200, "in_hands": 30},
            "running",
            "Unfinished",
            f"{GIVEN}. 10 left: run the same campaign again.",
        ),
    ],
    ids=["all over", "in hands", "in hands and paused", "left"],
)
def test_a_chat_in_peoples_hands_is_not_left(
    changes: dict[str, Any], state: str, name: str, message: str
) -> None:
    ended = conclude({**HANDED, "handed_over": 240, **changes}, CampaignState(state))

    assert (ended.name, ended.message) == (name, message)


def test_a_funnel_in_prefect_says_of_what_its_shares_are() -> None:
    invited = summary_markdown("renewals", {**INVITED, **UNOPENED})
    handed = summary_markdown("renewals", {"mode": "hand_over", "started": 4, "connected": 3})

    assert "| stage | count | of links |" in invited
    assert "| Links opened | 238 | 99% |" in invited
    assert "Rows in the table" not in invited
    assert "| stage | count | of chats |" in handed
    # A running campaign's funnel calls it as the ledger does.
    assert "| Chats joined | 3 | 75% |" in handed


@pytest.mark.parametrize(
    ("limited_by", "learnt", "words"),
    [
        (None, {}, "nobody waits for a call or a slot"),
        ("open_chats", {}, "limited by open chats: 500 at a time"),
        ("open_chats", {"open_chats": 120}, "limited by open chats: 120 at a time"),
        ("GetTranscript", {}, "limited by GetTranscript: 8 per second"),
        (
            "StartChatContact",
            {"StartChatContact": 3.75},
            "limited by StartChatContact: 3.75 per second, throttled",
        ),
    ],
)
def test_what_limits_the_pace_is_said_in_words(
    limited_by: str | None, learnt: dict[str, float], words: str
) -> None:
    assert pace_now(limited_by, Quotas(), learnt) == words


def test_a_summary_is_the_funnel_the_rest_and_the_notes() -> None:
    assert summary_markdown("renewals", COUNTS, "limited by nothing", "").splitlines() == [
        "## Campaign renewals",
        "",
        "| stage | count | of rows |",
        "|---|---:|---:|",
        "| Rows in the table | 250 | 100% |",
        "| Valid customers | 240 | 96% |",
        "| Chats started | 240 | 96% |",
        "| Chats connected | 240 | 96% |",
        "| Chats with a reply | 237 | 95% |",
        "| Chats completed | 240 | 96% |",
        "",
        "- 8 rejected, 2 duplicate",
        "- limited by nothing",
    ]


def test_who_was_not_contacted_is_listed_without_what_the_table_held() -> None:
    sent_at = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    unknown = Contact(
        id=1,
        campaign="renewals",
        customer_id="0042",
        generation=1,
        status=Status.UNKNOWN,
        client_token="token",
        request="{}",
        messages=("Zebulon",),
        planned_at=sent_at,
        sent_at=sent_at,
        error_code="ReadTimeoutError",
        error_message="no answer to 'Zebulon'",
    )
    refused = Refusal(
        position=7,
        customer_id="0043",
        status=Status.REJECTED,
        error_code="InvalidRow",
        error_message="attributes.plan = 'Zebulon = gold': must be short; "
        "display_name = 'Zebulon': must not be empty",
    )

    assert list(not_contacted([unknown], [refused])) == [
        {
            "row": "",
            "customer_id": "0042",
            "status": "unknown",
            "reason": "ReadTimeoutError: no answer to '…' (sent at 2026-11-22 09:30:00 UTC)",
        },
        {
            "row": "7",
            "customer_id": "0043",
            "status": "rejected",
            "reason": "attributes.plan: must be short; display_name: must not be empty",
        },
    ]


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("name = 'a: Zebulon; b = Zebulon': must be short", "name: must be short"),
        ('name = "O\'Zebulon": must be short', "name: must be short"),
        ("name = 'it\\'s \"Zebulon\"': must be short", "name: must be short"),
        ("age = 59: must be at least 60", "age: must be at least 60"),
        ("tags = ['Zebulon: x', 'y']: must be short", "tags: must be short"),
        ("tags = ['Zebulon…]: must be short", "InvalidRow"),
        ("name: column 'first name' is empty", "name: column 'first name' is empty"),
        ("name: the template fails: bad 'Zebulon'", "name: the template fails: bad '…'"),
        ("repeats the customer of row 3", "repeats the customer of row 3"),
    ],
)
def test_no_value_of_the_table_gets_into_a_reason(told: str, shown: str) -> None:
    refused = Refusal(
        position=0,
        customer_id="0042",
        status=Status.REJECTED,
        error_code="InvalidRow",
        error_message=told,
    )

    (row,) = not_contacted([], [refused])
    assert row["reason"] == shown
