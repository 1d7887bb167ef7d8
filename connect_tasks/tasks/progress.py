"""Progress of a long task: a bar in a terminal or notebook, a line now and then elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from importlib import import_module
from typing import Any
from uuid import uuid4

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.outlook import utc_minute
from connect_tasks.campaign.row_check import RowCounts
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.tasks.run_context import Logger

__all__ = ["watching", "watching_rows"]

# The first line soon, and then ever more rarely: a campaign may take days.
_FIRST_LINE_SECONDS = 5.0
_MOST_LINE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class _View:
    """How much is done, and of how much if that is known; in words beside a bar, or as a line."""

    done: int
    total: int | None
    words: str
    line: str


_Show = Callable[[_View], None]


@contextmanager
def watching(
    campaign: str,
    logger: Logger,
    *,
    console: Console | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[Callable[[Funnel], None]]:
    """Show a campaign's funnel while it changes.

    Args:
        campaign: Its name.
        logger: Takes a line after five seconds, then ever more rarely, where there is no bar.
        console: Shows a bar if it is a terminal or a notebook; standard error if None.
        monotonic: Tells the time.

    Yields:
        What to call with each funnel.
    """
    with _showing(campaign, logger, console, monotonic) as show:
        yield lambda funnel: show(_view_of_funnel(funnel))


@contextmanager
def watching_rows(
    campaign: str,
    logger: Logger,
    *,
    total: int | None = None,
    console: Console | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[Callable[[RowCounts], None]]:
    """Show how far a campaign's table was checked.

    Args:
        campaign: Its name.
        logger: Takes a line after five seconds, then ever more rarely, where there is no bar.
        total: How many rows there are; None if nobody knows before the end.
        console: Shows a bar if it is a terminal or a notebook; standard error if None.
        monotonic: Tells the time.

    Yields:
        What to call after each piece of the table.
    """
    with _showing(campaign, logger, console, monotonic) as show:
        yield lambda counts: show(_view_of_rows(counts, total))


@contextmanager
def _showing(
    campaign: str,
    logger: Logger,
    console: Console | None,
    monotonic: Callable[[], float],
) -> Iterator[_Show]:
    console = console or Console(stderr=True)
    if console.is_jupyter:
        yield _in_notebook(campaign)
    elif console.is_terminal:
        with _bar(console) as bar:
            yield _on_bar(bar, bar.add_task(campaign, total=None, words=""))
    else:
        yield _as_lines(campaign, logger, monotonic)


def _view_of_funnel(funnel: Funnel) -> _View:
    # What people answer is known when it is collected; that they have their chats, now.
    by_people = funnel.mode is CampaignMode.HAND_OVER
    got = f"{funnel.handed_over} handed over" if by_people else f"{funnel.replied} replied"
    if funnel.mode is CampaignMode.OUTBOUND:
        got = f"{funnel.handed_over} written to"
    if funnel.waits_until:
        got = f"{got}, waiting until {utc_minute(funnel.waits_until)}"
    return _View(
        funnel.settled,
        funnel.valid,
        f"{funnel.open_chats} open · {got}",
        f"{funnel.settled} of {funnel.valid} settled, {funnel.open_chats} chats open, {got}",
    )


def _view_of_rows(counts: RowCounts, total: int | None) -> _View:
    of_all = "" if total is None else f" of {total}"
    refused = f"{counts.refused} refused"
    return _View(counts.rows, total, refused, f"{counts.rows}{of_all} rows checked, {refused}")


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("[dim]{task.fields[words]}"),
        TimeElapsedColumn(),
        console=console,
    )


def _on_bar(bar: Progress, task: TaskID) -> _Show:
    def show(view: _View) -> None:
        bar.update(task, total=view.total, completed=view.done, words=view.words)

    return show


def _in_notebook(campaign: str) -> _Show:
    """A bar of plain HTML, which every notebook shows, also where there are no widgets."""
    # Only a notebook has it for certain. Any: it has no types.
    ipython: Any = import_module("IPython.display")
    place = uuid4().hex
    shown = False

    def show(view: _View) -> None:
        nonlocal shown
        put = ipython.update_display if shown else ipython.display
        put(ipython.HTML(_as_html(campaign, view)), display_id=place)
        shown = True

    return show


def _as_html(campaign: str, view: _View) -> str:
    of_all = "" if view.total is None else f' max="{max(view.total, 1)}" value="{view.done}"'
    return f"<progress{of_all}></progress> {escape(campaign)}: {view.line}"


def _as_lines(campaign: str, logger: Logger, monotonic: Callable[[], float]) -> _Show:
    wait = _FIRST_LINE_SECONDS
    next_line = monotonic() + wait

    def show(view: _View) -> None:
        nonlocal next_line, wait
        now = monotonic()
        if now < next_line:
            return
        wait = min(2 * wait, _MOST_LINE_SECONDS)
        next_line = now + wait
        logger.info("campaign %s: %s", campaign, view.line)

    return show
