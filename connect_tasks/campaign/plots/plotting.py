"""Plotting: the picture that was asked for, of what the ledger has at this moment."""

from typing import TYPE_CHECKING, Any, get_args

from connect_tasks.campaign.plots.chart import Chart
from connect_tasks.campaign.plots.charts import (
    Kind,
    answer_chart,
    end_chart,
    funnel_chart,
    reply_chart,
    status_chart,
)
from connect_tasks.campaign.plots.segments import Segments
from connect_tasks.campaign.report.words import mode_of
from connect_tasks.campaign.result_tables import ResultTables
from connect_tasks.errors import InputError

if TYPE_CHECKING:
    from connect_tasks.campaign.plots.drawing import Picture

__all__ = ["chart_of", "plotted"]


def plotted(chart: Chart) -> "Picture":
    """Draw a chart.

    Raises:
        InputError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl  # noqa: F401
    except ImportError as error:
        raise InputError(
            "Plots need matplotlib: pip install 'connect-tasks[plots]'. The same figures are in "
            "the report."
        ) from error
    from connect_tasks.campaign.plots.drawing import drawn

    return drawn(chart)


def chart_of(
    kind: Kind,
    tables: ResultTables,
    summary: dict[str, Any],
    segments: Segments | None = None,
    question: str | None = None,
) -> Chart:
    """The chart of a campaign.

    Args:
        kind: Which one.
        tables: What the campaign's result is made of.
        summary: Its summary.
        segments: The customers by segment; all together if None.
        question: Part of the questions to be drawn, of answers; all of them if None.

    Raises:
        InputError: There is no such chart, or nobody was asked such a question.
    """
    mode, contacts = mode_of(summary), tables.contacts.records
    match kind:
        case "funnel":
            # Of the whole campaign, as the summary is: not only of a run's own table.
            every = ResultTables(tables.campaign, tables.ledger)
            links = every.invitations(None).records
            return funnel_chart(summary, every.contacts.records, links, segments)
        case "answers":
            messages, replies = tables.messages.records, tables.replies.records
            return answer_chart(mode, messages, replies, segments, question)
        case "reply_times":
            return reply_chart(contacts, segments)
        case "ends":
            return end_chart(mode, contacts, segments)
        case "statuses":
            return status_chart(mode, contacts, segments)
    raise InputError(f"There is no plot {kind!r}: give one of {', '.join(get_args(Kind))}.")
