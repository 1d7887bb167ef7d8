"""What a person sees while a campaign runs."""

import io
import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from rich.console import Console
from traitlets.config import Config

from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.row_check import RowCounts
from connect_tasks.tasks.progress import watching, watching_rows

FUNNEL = Funnel(
    rows=12,
    valid=10,
    rejected=1,
    duplicate=1,
    started=8,
    connected=8,
    replied=7,
    completed=5,
    failed=1,
    unknown=0,
    planned=2,
    open_chats=2,
)


def test_a_terminal_shows_a_bar_with_the_counts() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, color_system=None)

    with watching("renewals", logging.getLogger("test"), console=console) as show:
        show(FUNNEL)

    assert "renewals" in screen.getvalue()
    assert "6/10" in screen.getvalue()
    assert "2 open · 7 replied" in screen.getvalue()


def test_a_run_that_waits_says_until_when() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=160, color_system=None)
    opens = datetime(2026, 11, 28, 8, tzinfo=UTC)

    with watching("renewals", logging.getLogger("test"), console=console) as show:
        show(replace(FUNNEL, waits_until=opens))

    assert "7 replied, waiting until 2026-11-28 08:00 UTC" in screen.getvalue()


def notebook() -> Console:
    shell: Any = InteractiveShell  # without types
    # Not into the developer's own history, in a database that nobody would close.
    shell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    return Console(force_jupyter=True)


def test_a_notebook_shows_one_bar_that_moves() -> None:
    log, jupyter = logging.getLogger("test"), notebook()
    with capture_output() as captured, watching("<a>", log, console=jupyter) as show:
        show(replace(FUNNEL, completed=0))
        show(FUNNEL)

    first, then = captured.outputs
    assert 'max="10" value="1"' in first.data["text/html"]
    assert 'max="10" value="6"' in then.data["text/html"]
    assert "&lt;a&gt;: 6 of 10 settled, 2 chats open, 7 replied" in then.data["text/html"]
    assert then.update
    assert first.transient == then.transient


def test_a_table_of_unknown_length_moves_a_bar_without_an_end() -> None:
    log, jupyter = logging.getLogger("test"), notebook()
    with capture_output() as captured, watching_rows("a", log, console=jupyter) as show:
        show(RowCounts(rows=2000, refused=1))

    (bar,) = captured.outputs
    assert bar.data["text/html"] == "<progress></progress> a: 2000 rows checked, 1 refused"


def test_elsewhere_a_line_is_logged_soon_and_then_ever_more_rarely(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    a_day = iter(range(24 * 60 * 60))
    quiet = Console(file=io.StringIO())

    with watching(
        "renewals", logging.getLogger("test"), console=quiet, monotonic=lambda: next(a_day)
    ) as show:
        for _ in range(4):
            show(FUNNEL)
        assert caplog.messages == []
        for _ in range(20):
            show(FUNNEL)
        assert len(caplog.messages) == 2
        for _ in range(24 * 60 * 60 - 30):
            show(FUNNEL)

    assert caplog.messages[0] == "campaign renewals: 6 of 10 settled, 2 chats open, 7 replied"
    assert len(caplog.messages) < 300


def test_a_terminal_shows_how_far_a_table_was_checked() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, color_system=None)
    logger = logging.getLogger("test")

    with watching_rows("renewals", logger, total=1_000, console=console) as show:
        show(RowCounts(400, 12))

    assert "400/1000" in screen.getvalue()
    assert "12 refused" in screen.getvalue()


@pytest.mark.parametrize(
    ("total", "line"),
    [
        (1_000, "campaign renewals: 400 of 1000 rows checked, 12 refused"),
        (None, "campaign renewals: 400 rows checked, 12 refused"),
    ],
    ids=["a frame", "a file of unknown length"],
)
def test_elsewhere_a_line_tells_how_far_a_table_was_checked(
    total: int | None, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    times = iter([0.0, 4.9, 5.0, 5.0])
    quiet = Console(file=io.StringIO())
    logger = logging.getLogger("test")

    with watching_rows(
        "renewals", logger, total=total, console=quiet, monotonic=lambda: next(times)
    ) as show:
        show(RowCounts(200, 3))
        show(RowCounts(400, 12))

    assert caplog.messages == [line]
