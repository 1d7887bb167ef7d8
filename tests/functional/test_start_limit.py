"""Starts within a global concurrency limit, on a real Prefect server."""

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import (
    GlobalConcurrencyLimitCreate,
    GlobalConcurrencyLimitUpdate,
)

from connect_tasks import Conversation
from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.blocks.start_limit import PrefectStartLimit
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.errors import CampaignWideError, InputError
from connect_tasks.flows.outreach import outreach

pytestmark = pytest.mark.usefixtures("prefect_home")


@pytest.fixture(name="local")
def _local() -> Iterator[LocalConnect]:
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        yield local


def make_limit(limit: int, *, decay: float, active: bool = True) -> str:
    name = f"starts-{uuid4().hex[:8]}"
    wanted = GlobalConcurrencyLimitCreate(
        name=name, limit=limit, slot_decay_per_second=decay, active=active
    )
    with get_client(sync_client=True) as client:
        client.create_global_concurrency_limit(wanted)
    return name


def run(local: LocalConnect, folder: Path, start_limit: str, *, rows: int = 4) -> Any:
    instance = AmazonConnectInstance(**{**dict(local.instance()), "start_limit": start_limit})
    customers = pd.DataFrame(
        {"customer_id": [str(number) for number in range(rows)], "display_name": "Ada"}
    )
    return outreach(
        customers,
        campaign="limited",
        connect=instance,
        conversation=Conversation(settle_seconds=0, max_replies=1),
        ledger=f"sqlite:///{folder / 'ledger.db'}",
    )


def most_within_a_second(local: LocalConnect) -> int:
    """Of all seconds, the fullest; counted by Amazon Connect itself."""
    times = sorted(contact.started_at.timestamp() for contact in local.contacts)
    return max(sum(at <= other < at + 1 for other in times) for at in times)


def test_a_campaign_starts_no_more_than_the_limit_grants_and_finishes(
    local: LocalConnect, tmp_path: Path
) -> None:
    name = make_limit(8, decay=8)

    result = run(local, tmp_path, name, rows=40)

    assert list(result.contacts["status"]) == ["completed"] * 40
    assert Counter(contact.customer_id for contact in local.contacts) == Counter(
        str(number) for number in range(40)
    )
    # A bucket that holds 8 and gets 8 a second; the instance itself would take all 40 at once.
    assert most_within_a_second(local) <= 16


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: "nowhere", "prefect gcl create nowhere --limit 5 --slot-decay-per-second 5"),
        (lambda: make_limit(5, decay=0), "--slot-decay-per-second 5"),
        (lambda: make_limit(5, decay=5, active=False), "--enable"),
    ],
    ids=["missing", "without decay", "switched off"],
)
def test_a_limit_that_cannot_be_bought_from_is_refused_with_the_line_that_mends_it(
    local: LocalConnect, tmp_path: Path, make: Any, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        run(local, tmp_path, make())

    assert local.calls == {}


def test_a_limit_that_is_deleted_meanwhile_is_named() -> None:
    name = make_limit(5, decay=5)
    start_limit = PrefectStartLimit(name)
    with get_client(sync_client=True) as client:
        client.delete_global_concurrency_limit_by_name(name)

    with pytest.raises(CampaignWideError, match=f"prefect gcl inspect {name}"):
        start_limit.acquire(1)


def test_a_limit_that_is_lowered_meanwhile_is_said_with_prefects_words() -> None:
    name = make_limit(5, decay=5)
    start_limit = PrefectStartLimit(name)
    with get_client(sync_client=True) as client:
        client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(limit=1))

    with pytest.raises(CampaignWideError, match="greater than the limit"):
        start_limit.acquire(start_limit.largest)


def test_what_is_bought_comes_from_the_server_of_whoever_made_the_allowance() -> None:
    start_limit = PrefectStartLimit(make_limit(5, decay=1))

    thread = threading.Thread(target=start_limit.acquire, args=(3,))
    thread.start()
    thread.join()

    with get_client(sync_client=True) as client:
        left = client.read_global_concurrency_limit_by_name(start_limit.name)
    assert 0 < left.active_slots <= 3
