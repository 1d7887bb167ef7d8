"""Exit codes: every way in which a command can end has a number, and each number a meaning."""

import inspect
from typing import Any

import pytest

from connect_tasks import errors
from connect_tasks.campaign.conclusion import conclude
from connect_tasks.command_line.confirming import NotConfirmedError
from connect_tasks.command_line.exit_codes import (
    MEANINGS,
    ExitCode,
    code_of_conclusion,
    code_of_error,
)
from connect_tasks.errors import ConnectTasksError
from connect_tasks.ledger.contact import CampaignState

COUNTS: dict[str, Any] = dict.fromkeys(
    ["rows", "valid", "started", "replied", "completed", "rejected", "duplicate", "failed"], 0
)
DONE = {**COUNTS, "rows": 2, "valid": 2, "started": 2, "completed": 2}


def test_the_numbers_are_those_that_were_promised() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0,
        "LOOK": 1,
        "INPUT": 2,
        "NOT_YET": 3,
        "HALTED": 4,
        "LEDGER": 5,
        "DECLINED": 6,
        "BROKEN": 70,
        "INTERRUPTED": 130,
    }
    assert set(MEANINGS) == set(ExitCode)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InputError, ExitCode.INPUT),
        (errors.LedgerAddressError, ExitCode.INPUT),
        (errors.LedgerUnreachableError, ExitCode.LEDGER),
        (errors.UnwritableError, ExitCode.LEDGER),
        (errors.CampaignHaltedError, ExitCode.HALTED),
        (errors.RampHaltedError, ExitCode.HALTED),
        (errors.AccessDeniedError, ExitCode.HALTED),
        (errors.CredentialsError, ExitCode.HALTED),
        (errors.CasesFailedError, ExitCode.LOOK),
        (NotConfirmedError, ExitCode.DECLINED),
        (KeyboardInterrupt, ExitCode.INTERRUPTED),
        (ZeroDivisionError, ExitCode.BROKEN),
    ],
)
def test_an_error_ends_with_what_a_caller_can_do_about_it(
    error: type[BaseException], code: ExitCode
) -> None:
    assert code_of_error(error("x")) is code


def test_no_error_of_the_package_is_taken_for_a_fault_in_it() -> None:
    ours = [
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and issubclass(value, ConnectTasksError)
    ]
    codes = {code_of_error(error("x")) for error in ours}

    assert len(ours) > 20
    assert codes.isdisjoint({ExitCode.BROKEN, ExitCode.DONE})


@pytest.mark.parametrize(
    ("counts", "state", "code"),
    [
        ({}, CampaignState.RUNNING, ExitCode.DONE),
        ({"rejected": 1}, CampaignState.RUNNING, ExitCode.LOOK),
        ({"duplicate": 1}, CampaignState.RUNNING, ExitCode.LOOK),
        ({"completed": 1, "failed": 1}, CampaignState.RUNNING, ExitCode.LOOK),
        ({"completed": 1}, CampaignState.RUNNING, ExitCode.NOT_YET),
        ({"completed": 1}, CampaignState.PAUSED, ExitCode.NOT_YET),
        ({"completed": 1}, CampaignState.STOPPED, ExitCode.NOT_YET),
        ({"completed": 1, "unknown": 1}, CampaignState.RUNNING, ExitCode.NOT_YET),
        (
            {"completed": 1, "deferred": 1, "deferred_until": None, "rejected": 1},
            CampaignState.RUNNING,
            ExitCode.NOT_YET,
        ),
        ({"completed": 1, "withheld": 1}, CampaignState.RUNNING, ExitCode.DONE),
    ],
)
def test_a_campaign_ends_with_what_is_left_of_it(
    counts: dict[str, Any], state: CampaignState, code: ExitCode
) -> None:
    summary = {**DONE, **counts}

    assert code_of_conclusion(conclude(summary, state).name, summary) is code


def test_what_waits_for_people_is_done_for_who_invited_and_not_for_who_collects() -> None:
    summary = {**DONE, "transcripts_awaited": 1}
    name = conclude(summary, CampaignState.RUNNING).name

    assert code_of_conclusion(name, summary) is ExitCode.DONE
    assert code_of_conclusion(name, summary, may_wait=False) is ExitCode.NOT_YET
