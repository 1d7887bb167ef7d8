"""The report's page: a campaign as one HTML file for whoever ordered it.

The page needs nothing beside itself: no script, no font, no picture from elsewhere. Everything that
customers wrote is escaped, and the page's own policy forbids the browser to run or fetch anything.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from connect_tasks.campaign.report import words
from connect_tasks.campaign.report.chats import ChatChoice
from connect_tasks.campaign.report.figures import (
    Columns,
    answer_columns,
    answers,
    funnel_bars,
    reply_columns,
)
from connect_tasks.campaign.report.outcomes import Outcomes
from connect_tasks.campaign.report.questions import QuestionList
from connect_tasks.campaign.report.refusals import RefusalList
from connect_tasks.campaign.report.steps import stages
from connect_tasks.ledger.contact import CampaignMode

__all__ = ["render_report"]

_REFUSED = ("rejected", "duplicate", "failed")
_PIECE = 1_000


def render_report(
    *,
    campaign: str,
    summary: Mapping[str, Any],
    contacts: Iterable[Mapping[str, Any]],
    messages: Iterable[Mapping[str, Any]],
    replies: Iterable[Mapping[str, Any]] = (),
    conversations: int = 5,
    refused_rows: int = 200,
) -> str:
    """The report of one campaign as a self-contained HTML page.

    A part about which nothing is known is left out. The page's size is bounded: beyond the limits
    it says how many more there are. Client tokens are never shown. Only what the page needs is kept
    of contacts and messages while they go by.

    Args:
        campaign: The campaign's name.
        summary: Counts and timings; any may be missing. Its `mode` says who spoke as the customer:
            our side, if it is missing.
        contacts: One mapping per row of the input table, in its order; None for what isn't known.
        messages: One mapping per transcript item; gone through twice, so no mere iterator.
        replies: One mapping per question; shown where people answered.
        conversations: How many conversations are shown at most.
        refused_rows: How many refused rows are listed one by one at most; as many of those whose
            outcome is unknown, and of those whom the policy withheld.

    Returns:
        The text of an HTML file, to be written as UTF-8.

    Example:
        >>> page = render_report(campaign="renewals", summary={}, contacts=[], messages=[])
        >>> page.splitlines()[0]
        '<!doctype html>'
    """
    mode = words.mode_of(summary)
    by_people = mode is not CampaignMode.SIMULATION
    choice, answered = ChatChoice(conversations), array("d")
    for piece in _pieces(messages):
        choice.hear(piece)
        answered.extend(() if by_people else answers(piece))
    questions = QuestionList()
    questions.hear(replies if by_people else ())
    listed, more_questions = questions.listing()
    seen = _Contacts(choice, refused_rows, mode)
    for piece in _pieces(contacts):
        seen.meet(piece)
    shown = choice.chats(messages)
    return _template().render(
        campaign=words.clean(campaign),
        by_people=by_people,
        way=words.WAY_WORDS[mode],
        questions=listed,
        more_questions=more_questions,
        headline=words.headline(summary),
        remarks=words.remarks(summary),
        period=words.period(summary),
        funnel=funnel_bars(stages(summary)),
        replies=reply_columns(seen.outcomes.seconds),
        answers=answer_columns(answered),
        statuses=seen.outcomes.statuses,
        ends=seen.outcomes.ends,
        refused=seen.refused.listing(),
        unknown=seen.unknown.listing(),
        withheld=seen.withheld.listing(),
        chats=shown,
        more_chats=choice.total - len(shown),
    )


class _Contacts:
    """What the page needs of the contacts."""

    def __init__(self, choice: ChatChoice, refused_rows: int, mode: CampaignMode) -> None:
        self.outcomes = Outcomes(mode)
        self.refused = RefusalList(_REFUSED, refused_rows)
        self.unknown = RefusalList(("unknown",), refused_rows)
        self.withheld = RefusalList(("withheld",), refused_rows)
        self._choice = choice

    def meet(self, contacts: Sequence[Mapping[str, Any]]) -> None:
        """Take some contacts in, in their order."""
        for part in (self.outcomes, self.refused, self.unknown, self.withheld, self._choice):
            part.meet(contacts)


def _pieces(records: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    rest = iter(records)
    while piece := list(islice(rest, _PIECE)):
        yield piece


@cache
def _template() -> Template:
    source = (
        files("connect_tasks.campaign.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    )
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "column_geometry": _column_geometry,
        "short_count": words.short_count,
    }
    return environment.from_string(source)


def _column_geometry(
    columns: Columns, width: float, height: float
) -> list[tuple[float, float, float]]:
    """Left edge, top and height of each column in a box of *width* by *height*."""
    highest = max(columns.counts) or 1
    wide = width / len(columns.counts)
    return [
        (round(i * wide, 1), round(height * (1 - n / highest), 1), round(height * n / highest, 1))
        for i, n in enumerate(columns.counts)
    ]
