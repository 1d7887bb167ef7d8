from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connect_tasks.aws.quotas import Quotas, threads_for


# Amazon Connect administrator guide, service quotas (facts/connect.md 1a and 1b).
def test_the_defaults_are_those_that_amazon_documents() -> None:
    assert Quotas().model_dump(
        exclude={"token_validity", "outbound_token_validity", "connect_window"}
    ) == {
        "starts_per_second": 5,
        "start_burst": 8,
        "outbound_starts_per_second": 2,
        "outbound_start_burst": 5,
        "open_chats": 500,
        "stops_per_second": 10,
        "stop_burst": 15,
        "describes_per_second": 10,
        "describe_burst": 15,
        "searches_per_second": 0.5,
        "search_burst": 1,
        "storage_lists_per_second": 2,
        "storage_list_burst": 5,
        "connections_per_second": 6,
        "connection_burst": 9,
        "messages_per_second": 10,
        "message_burst": 15,
        "transcripts_per_second": 8,
        "transcript_burst": 12,
        "disconnects_per_second": 3,
        "disconnect_burst": 5,
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"starts_per_second": 0},
        {"starts_per_second": -5},
        {"start_burst": 0},
        {"open_chats": 0},
        {"token_validity": timedelta(0)},
        {"outbound_token_validity": timedelta(0)},
        {"connect_window": timedelta(0)},
        {"calls": 3},
    ],
    ids=[
        "no rate",
        "a negative rate",
        "no burst",
        "no chats",
        "no validity",
        "no validity of outbound tokens",
        "no window",
        "unknown quota",
    ],
)
def test_senseless_quotas_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Quotas(**wrong)


def test_a_new_accounts_quotas_need_few_threads() -> None:
    assert threads_for(Quotas()) == 16


def test_large_quotas_need_more_threads_but_not_without_end() -> None:
    large = Quotas(starts_per_second=50, connections_per_second=50, messages_per_second=100)

    assert 16 < threads_for(large) < threads_for(Quotas(starts_per_second=100_000)) == 64


# Amazon wants each connected within five minutes (facts/connect.md 1c); half of that is kept back.
def test_no_more_chats_may_wait_than_can_be_connected_in_half_of_the_window() -> None:
    assert Quotas().most_unconnected() == 6 * 150
    assert Quotas(connections_per_second=20).most_unconnected() == 3_000
    assert Quotas().most_unconnected(connections_per_second=2) == 300
    assert Quotas(connect_window=timedelta(seconds=30)).most_unconnected() == 90
    assert Quotas(connections_per_second=0.001).most_unconnected() == 1
