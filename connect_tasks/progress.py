"""What a person sees while a campaign runs: a bar in a terminal, a line now and then elsewhere."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from connect_tasks.tally import Funnel

__all__ = ["watching"]

Show = Callable[[Funnel], None]
Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]

_LINE_SECONDS = 5.0


@contextmanager
def watching(campaign: str, logger: Logger) -> Iterator[Show]:
    """Show a campaign's funnel while it changes.

    Args:
        campaign: Its name.
        logger: Takes the lines where standard error is no terminal.

    Yields:
        What to call with each funnel.
    """
    if sys.stderr.isatty():
        with _bar() as bar:
            yield _on_bar(bar, bar.add_task(campaign, total=None, funnel=""))
    else:
        yield _as_lines(campaign, logger)


def _bar() -> Progress:
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} settled"),
        TextColumn("[dim]{task.fields[funnel]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def _on_bar(bar: Progress, task: TaskID) -> Show:
    def show(funnel: Funnel) -> None:
        words = f"{funnel.open_chats} open · {funnel.replied} replied"
        settled = funnel.settled
        bar.update(task, total=funnel.valid, completed=settled, funnel=words)

    return show


def _as_lines(campaign: str, logger: Logger) -> Show:
    next_line = time.monotonic() + _LINE_SECONDS

    def show(funnel: Funnel) -> None:
        nonlocal next_line
        if time.monotonic() >= next_line:
            next_line = time.monotonic() + _LINE_SECONDS
            logger.info(
                "campaign %s: %d of %d settled, %d chats open, %d replied",
                campaign,
                funnel.settled,
                funnel.valid,
                funnel.open_chats,
                funnel.replied,
            )

    return show
