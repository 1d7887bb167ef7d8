"""What a person reads when something is wrong: one sentence, without a customer in it."""

import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from prefect import flow

from connect_tasks import ChatTemplate
from connect_tasks.emulator import LocalConnect
from connect_tasks.errors import InputError
from connect_tasks.flows.outreach import outreach
from connect_tasks.tasks import validate_customers

pytestmark = pytest.mark.usefixtures("prefect_home")

CUSTOMERS = pd.DataFrame({"customer_id": ["0001"], "name": ["Zebulon"]})
WRONG = ChatTemplate(display_name="{{ nmae }}")


class Recorder(logging.Handler):
    """Keeps what it would write."""

    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__()
        self.records = records

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(name="log")
def _log() -> Iterator[list[logging.LogRecord]]:
    """What Prefect's handlers get to write."""
    records: list[logging.LogRecord] = []
    handler = Recorder(records)
    loggers = [logging.getLogger(f"prefect.{kind}_runs") for kind in ("flow", "task")]
    for logger in loggers:
        logger.addHandler(handler)
    yield records
    for logger in loggers:
        logger.removeHandler(handler)


def call(local: LocalConnect, ledger: str, **options: Any) -> Any:
    return outreach(CUSTOMERS, connect=local.instance(), ledger=ledger, **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "missing a required argument: 'campaign'"),
        ({"campain": "renewals"}, "no argument 'campain' .did you mean 'campaign'"),
        ({"campaign": "renewals", "customers": CUSTOMERS}, "multiple values for .* 'customers'"),
        ({"campaign": "renewals", "template": {"dispaly_name": "x"}}, "mean 'display_name'"),
        ({"campaign": "renewals", "workers": 0}, "workers: .* greater than or equal to 1"),
    ],
)
def test_wrong_arguments_are_told_in_one_line_that_holds_no_customer(
    local: LocalConnect, ledger: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words) as told:
        call(local, ledger, **options)

    assert "\n" not in str(told.value)
    assert "Zebulon" not in "".join(traceback.format_exception(told.value))


def test_an_error_comes_without_prefects_frames_and_without_a_traceback_in_the_log(
    local: LocalConnect, ledger: str, log: list[logging.LogRecord]
) -> None:
    with pytest.raises(InputError, match="did you mean 'name'") as told:
        call(local, ledger, campaign="renewals", template=WRONG)

    frames = traceback.extract_tb(told.value.__traceback__)
    assert not any("prefect" in frame.filename for frame in frames)
    assert not [record for record in log if record.exc_info]
    # Once by the task's state, once by the flow's.
    assert sum("did you mean 'name'" in record.getMessage() for record in log) == 2


def test_a_flow_of_ones_own_logs_our_errors_plainly_and_its_own_as_ever(
    local: LocalConnect, ledger: str, log: list[logging.LogRecord]
) -> None:
    @flow
    def own(*, task_first: bool) -> None:
        if task_first:
            validate_customers(
                CUSTOMERS, WRONG, campaign="own", connect=local.instance(), ledger=ledger
            )
        raise ZeroDivisionError

    with pytest.raises(InputError):
        own(task_first=True)
    assert not [record for record in log if record.exc_info]

    with pytest.raises(ZeroDivisionError):
        own(task_first=False)
    assert [record.exc_info[0] for record in log if record.exc_info] == [ZeroDivisionError]


def test_at_the_level_debug_nothing_is_left_out(
    local: LocalConnect, ledger: str, log: list[logging.LogRecord]
) -> None:
    loggers = [logging.getLogger(f"prefect.{kind}_runs") for kind in ("flow", "task")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    try:
        with pytest.raises(InputError) as told:
            call(local, ledger, campaign="renewals", template=WRONG)
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

    assert [record for record in log if record.exc_info]
    assert any("prefect" in f.filename for f in traceback.extract_tb(told.value.__traceback__))


def test_a_notebook_shows_the_sentence_alone(capsys: pytest.CaptureFixture[str]) -> None:
    shell: Any = InteractiveShell  # without types
    shell = shell()
    shell.run_cell("from connect_tasks.errors import InputError")
    capsys.readouterr()

    shell.run_cell("raise InputError('Column customer_id is missing.')")

    assert capsys.readouterr().out.splitlines() == ["InputError: Column customer_id is missing."]


def test_an_interrupt_is_a_line_in_the_log_and_leaves_prefects_frames_out(
    local: LocalConnect,
    ledger: str,
    log: list[logging.LogRecord],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: Any, **__: Any) -> Callable[..., Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr("connect_tasks.tasks.campaigns.plan_campaign", interrupted)

    with pytest.raises(KeyboardInterrupt) as told:
        call(local, ledger, campaign="renewals", template=ChatTemplate(display_name="{{ name }}"))

    said = [record.getMessage() for record in log]
    assert not any("Crash detected" in line for line in said)
    assert any("ended from outside" in line and "interrupt" in line for line in said)
    frames = traceback.extract_tb(told.value.__traceback__)
    assert not any("prefect" in frame.filename for frame in frames)
