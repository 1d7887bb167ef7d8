"""A run whose server dies: what the flow returned or raised is what its caller gets."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    temporary_settings,
)

from connect_tasks.blocks.ephemeral_server import STARTUP_SECONDS, patient_start
from connect_tasks.errors import CampaignHaltedError
from connect_tasks.flows import lost_server
from connect_tasks.flows.lost_server import kept, with_or_without_server


@pytest.fixture(autouse=True)
def _nobody_answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(lost_server, "_RETRIES_AT_END", 0)
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        yield


def engine(function: Callable[[], Any]) -> Callable[[], Any]:
    """What Prefect does: run the function, then ask the server how the run may end."""

    def call() -> Any:
        try:
            function()
        except Exception as error:
            raise httpx.ConnectError("refused") from error
        raise httpx.ConnectError("refused")

    return call


def test_what_the_flow_returned_is_returned_and_the_loss_is_one_sentence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert with_or_without_server(engine(kept(lambda: "tables"))) == "tables"

    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len([one for one in told if "cannot be reached any more (ConnectError)" in one]) == 1


def test_what_the_flow_raised_is_raised() -> None:
    def halt() -> None:
        raise CampaignHaltedError("no rights")

    with pytest.raises(CampaignHaltedError, match="no rights"):
        with_or_without_server(engine(kept(halt)))


def test_whoever_wants_a_state_gets_one() -> None:
    state = with_or_without_server(engine(kept(lambda: "tables")), return_state=True)

    assert state.is_completed()
    assert state.result() == "tables"


def test_a_server_that_was_never_there_is_told_by_prefect() -> None:
    def call() -> None:
        raise httpx.ConnectError("refused")

    with pytest.raises(httpx.ConnectError):
        with_or_without_server(call)


def test_what_is_no_matter_of_the_server_passes() -> None:
    def call() -> None:
        kept(lambda: "tables")()
        raise KeyError("a fault")

    with pytest.raises(KeyError):
        with_or_without_server(call)


def test_prefect_does_not_wait_for_a_server_that_is_gone_and_does_for_the_next_one() -> None:
    before, seen = PREFECT_CLIENT_MAX_RETRIES.value(), []

    def call() -> None:
        kept(lambda: "tables")()
        seen.append(PREFECT_CLIENT_MAX_RETRIES.value())
        raise httpx.ConnectError("refused")

    with_or_without_server(call)

    assert (seen, PREFECT_CLIENT_MAX_RETRIES.value()) == ([0], before)


def test_what_prefect_says_of_a_lost_server_is_said_once_and_without_its_events(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = logging.getLogger("prefect._internal.concurrency")
    with_or_without_server(lambda: None)

    for _ in range(3):
        logger.error("Service %r failed to process item %r", "EventsWorker", "of customer 0042")
    logger.error("something else")

    said = [record.getMessage() for record in caplog.records if record.name == logger.name]
    assert said.count("Prefect's server does not answer; the run goes on.") <= 1
    assert said[-1] == "something else"
    assert not [line for line in said if "0042" in line]


@pytest.mark.parametrize("own", [None, 7])
def test_a_server_of_the_process_gets_time_to_start_unless_somebody_said_how_much(
    own: int | None,
) -> None:
    setting = PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS
    with temporary_settings({setting: own} if own else {}), patient_start():
        assert setting.value() == (own or STARTUP_SECONDS)


def test_a_function_outside_of_a_flow_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask() -> None:
        raise AssertionError("the server was asked")

    monkeypatch.setattr(lost_server, "get_client", ask)

    assert kept(lambda: "tables")() == "tables"
