"""What a person sees while a campaign runs: a bar in a terminal, a line now and then elsewhere."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from connect_tasks.tally import Funnel

__all__ = ["watching"]

Show = Callable[[Funnel], None]
Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]

_LINE_SECONDS = 5.0


@contextmanager
def watching(
    campaign: str,
    logger: Logger,
    *,
    console: Console | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[Show]:
    """Show a campaign's funnel while it changes.

    Args:
        campaign: Its name.
        logger: Takes a line every five seconds where the console is no terminal.
        console: Shows a bar if it is a terminal; standard error if None.
        monotonic: Tells the time.

    Yields:
        What to call with each funnel.
    """
    console = console or Console(stderr=True)
    if console.is_terminal and not console.is_jupyter:
        with _bar(console) as bar:
            yield _on_bar(bar, bar.add_task(campaign, total=None, words=""))
    else:
        yield _as_lines(campaign, logger, monotonic)


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("[dim]{task.fields[words]}"),
        TimeElapsedColumn(),
        console=console,
    )


def _on_bar(bar: Progress, task: TaskID) -> Show:
    def show(funnel: Funnel) -> None:
        words = f"{funnel.open_chats} open · {funnel.replied} replied"
        bar.update(task, total=funnel.valid, completed=funnel.settled, words=words)

    return show


def _as_lines(campaign: str, logger: Logger, monotonic: Callable[[], float]) -> Show:
    next_line = monotonic() + _LINE_SECONDS

    def show(funnel: Funnel) -> None:
        nonlocal next_line
        if monotonic() < next_line:
            return
        next_line = monotonic() + _LINE_SECONDS
        logger.info(
            "campaign %s: %d of %d settled, %d chats open, %d replied",
            campaign,
            funnel.settled,
            funnel.valid,
            funnel.open_chats,
            funnel.replied,
        )

    return show
