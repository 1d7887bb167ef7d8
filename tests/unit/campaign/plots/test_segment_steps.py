"""The steps of a segment are counted as those of the whole campaign."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connect_tasks.campaign.plots.segment_steps import segment_summary

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_each_step_counts_who_came_so_far() -> None:
    contacts: list[dict[str, Any]] = [
        {"status": "planned"},
        {"status": "started", "started_at": AT},
        {"status": "connected", "started_at": AT, "connected_at": AT},
        {
            "status": "completed",
            "started_at": AT,
            "handed_over_at": AT,
            "connected_at": AT,
            "first_reply_at": AT,
        },
        {"status": "rejected"},
        {"status": "duplicate"},
    ]

    assert segment_summary({"mode": "simulation"}, contacts, []) == {
        "mode": "simulation",
        "valid": 4,
        "started": 3,
        "handed_over": 1,
        "connected": 2,
        "joined": 2,
        "replied": 1,
        "completed": 1,
    }


@pytest.mark.parametrize("code", ["WithdrawnByTable", "WithdrawnByPerson"])
def test_who_was_withdrawn_is_not_valid_and_who_failed_is(code: str) -> None:
    withdrawn = {"status": "failed", "error_code": code}
    failed = {"status": "failed", "error_code": "LimitExceededException"}

    assert segment_summary({}, [withdrawn, failed], [])["valid"] == 1


def test_links_count_where_there_are_links() -> None:
    links: list[dict[str, Any]] = [{"opened_at": AT}, {"opened_at": None}]

    told = segment_summary({"mode": "invitation"}, [], links)
    assert (told["issued"], told["opened"]) == (2, 1)
    assert "issued" not in segment_summary({"mode": "hand_over"}, [], links)
