"""The charts of a campaign: the report's figures, of all customers or segment by segment.

Each number comes from where the report's come from: its steps, outcomes, questions and columns.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from connect_tasks.campaign.plots.chart import Chart, Panel, aligned, on_one_scale
from connect_tasks.campaign.plots.segment_steps import segment_summary
from connect_tasks.campaign.plots.segments import Segments
from connect_tasks.campaign.report.figures import (
    Bar,
    Columns,
    answer_columns,
    answers,
    funnel_bars,
    reply_columns,
    reply_seconds,
)
from connect_tasks.campaign.report.outcomes import Outcomes
from connect_tasks.campaign.report.questions import NO_ANSWER, Question, QuestionList
from connect_tasks.campaign.report.steps import stages
from connect_tasks.campaign.report.words import headline, percent
from connect_tasks.errors import InputError
from connect_tasks.ledger.contact import CampaignMode

__all__ = ["Kind", "answer_chart", "end_chart", "funnel_chart", "reply_chart", "status_chart"]

Kind: TypeAlias = Literal["funnel", "answers", "reply_times", "ends", "statuses"]
_Records: TypeAlias = Iterable[Mapping[str, Any]]
_Numbers: TypeAlias = Sequence[float]


def funnel_chart(
    summary: Mapping[str, Any], contacts: _Records, links: _Records, segments: Segments | None
) -> Chart:
    """How many got how far.

    Args:
        summary: Of the campaign.
        contacts: Of all customers; not looked at without segments.
        links: Of an invitation; the same.
        segments: The customers by segment. Refused rows are in none, so that "rows" is left out.
    """
    if segments is None:
        return Chart(headline(summary), ((Panel("", funnel_bars(stages(summary))),),))
    theirs, issued = segments.parted(contacts), segments.parted(links)
    parts = {n: segment_summary(summary, theirs[n], issued.get(n, ())) for n in theirs}
    panels = (
        Panel(_told(name, part), funnel_bars(stages(part)))
        for name, part in parts.items()
        if part["valid"] or part.get("issued")
    )
    return _side_by_side(headline(summary), panels)


def _side_by_side(title: str, panels: Iterable[Panel]) -> Chart:
    row = tuple(panels)
    return Chart(title, (row,) if row else ())


def _told(name: str, summary: Mapping[str, Any]) -> str:
    return f"{name}: {headline(summary)}" if summary["started"] else f"{name}: nobody so far."


def reply_chart(contacts: _Records, segments: Segments | None) -> Chart:
    """How long people, or the flow, took to say something first."""
    taken = [(c.get("customer_id"), seconds) for c in contacts for seconds in reply_seconds([c])]
    every = [seconds for _, seconds in taken]
    whole = reply_columns(every)
    if whole is None:
        return Chart("Nobody has replied so far.")
    parts = segments.grouped(taken) if segments else {}
    return _column_chart(whole, parts, lambda part: reply_columns(part, among=every))


def answer_chart(
    mode: CampaignMode,
    messages: _Records,
    replies: _Records,
    segments: Segments | None,
    question: str | None = None,
) -> Chart:
    """What people answered, question by question; in a simulation what the table said.

    Args:
        mode: Who speaks as the customer.
        messages: One record a transcript item; not looked at where people speak.
        replies: One record a question; gone through twice with segments, so no mere iterator.
        segments: The customers by segment.
        question: Part of the questions to be drawn; all of them if None.

    Raises:
        InputError: Nobody was asked such a question.
    """
    if mode is not CampaignMode.SIMULATION:
        return _question_chart(replies, segments, question)
    if question is not None:
        raise InputError("In a simulation the table speaks, and nobody is asked a question.")
    said = [(m.get("customer_id"), number) for m in messages for number in answers([m])]
    every = [number for _, number in said]
    whole = answer_columns(every)
    if whole is None:
        return Chart("No answer so far is a number.")
    parts = segments.grouped(said) if segments else {}
    return _column_chart(whole, parts, lambda part: answer_columns(part, among=every))


def _column_chart(
    whole: Columns, parts: Mapping[str, _Numbers], drawn: Callable[[_Numbers], Columns | None]
) -> Chart:
    if not parts:
        return Chart(whole.sentence, ((Panel("", columns=whole),),))
    found = ((name, drawn(part)) for name, part in parts.items())
    panels = (Panel(f"{name}: {c.sentence}", columns=c) for name, c in found if c is not None)
    return _side_by_side(whole.sentence, panels)


def _question_chart(replies: _Records, segments: Segments | None, wanted: str | None) -> Chart:
    questions = QuestionList()
    questions.hear(replies)
    listed, more = questions.listing()
    parts = segments.parted(replies) if segments else {}
    by_segment = dict(zip(parts, questions.among(parts.values()), strict=True))
    chosen = _chosen(listed, wanted)
    drawn = [place for place in chosen if listed[place].bars or listed[place].columns]
    rows = tuple(_question_row(listed[p], {n: by_segment[n][p] for n in by_segment}) for p in drawn)
    rest = more if wanted is None else 0
    number = len(chosen) + rest
    title = _question_words(listed[chosen[0]]) if number == 1 else _asked_words(number)
    return Chart(title, rows, _left_out(len(chosen) - len(drawn), rest))


def _chosen(listed: Sequence[Question], wanted: str | None) -> list[int]:
    """Where the questions are that have the wanted words."""
    words = (wanted or "").casefold()
    found = [place for place, question in enumerate(listed) if words in question.text.casefold()]
    if wanted is not None and not found:
        asked = ", ".join(repr(question.text) for question in listed) or "no question"
        raise InputError(f"Nobody was asked {wanted!r}. There is {asked}.")
    return found


def _question_row(whole: Question, parts: Mapping[str, Question]) -> tuple[Panel, ...]:
    if not parts:
        return (Panel(f"{whole.text}\n{whole.sentence}", whole.bars, whole.columns),)
    labels = [bar.label for bar in whole.bars]
    told = {name: f"{name}: {_begun_small(part.sentence)}" for name, part in parts.items()}
    # The question is said once, above the first of its panels.
    first = next(iter(parts))
    titles = {**told, first: f"{whole.text}\n{told[first]}"}
    bars = on_one_scale([aligned(part.bars, labels) for part in parts.values()])
    return tuple(
        Panel(titles[name], theirs, part.columns)
        for (name, part), theirs in zip(parts.items(), bars, strict=True)
    )


def _begun_small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _asked_words(number: int) -> str:
    if not number:
        return "Nobody was asked anything so far."
    return f"What people answered to {number} questions"


def _question_words(question: Question) -> str:
    """A question, and what most people answered."""
    asked = question.text.partition("\n")[0]
    given = [bar for bar in question.bars if bar.label != NO_ANSWER]
    if not given:
        return f"{asked} {question.sentence}"
    top, total = max(given, key=lambda bar: bar.count), sum(bar.count for bar in given)
    return f"{asked} Most often: {top.label} ({top.count:,} of {total:,})."


def _left_out(in_words: int, more: int) -> str:
    told = []
    if in_words:
        told.append(f"{in_words} answered in words of people's own")
    if more:
        told.append(f"{more} that fewer were asked")
    return f"Not drawn: {' and '.join(told)}; see the table of replies." if told else ""


def end_chart(mode: CampaignMode, contacts: _Records, segments: Segments | None) -> Chart:
    """How conversations ended."""
    return _outcome_chart(mode, contacts, segments, lambda o: o.ends, "conversations")


def status_chart(mode: CampaignMode, contacts: _Records, segments: Segments | None) -> Chart:
    """Where every row stands."""
    return _outcome_chart(mode, contacts, segments, lambda o: o.statuses, "rows")


def _outcome_chart(
    mode: CampaignMode,
    contacts: _Records,
    segments: Segments | None,
    shown: Callable[[Outcomes], tuple[Bar, ...]],
    what: str,
) -> Chart:
    rows = list(contacts)
    whole = shown(_outcomes(mode, rows))
    title = _most(whole, what)
    if segments is None or not whole:
        return Chart(title, ((Panel("", whole),),) if whole else ())
    labels = [bar.label for bar in whole]
    found = {n: shown(_outcomes(mode, part)) for n, part in segments.parted(rows).items()}
    there = {name: theirs for name, theirs in found.items() if theirs}
    bars = on_one_scale([aligned(theirs, labels) for theirs in there.values()])
    panels = (
        Panel(f"{name}: {_most(theirs, what)}", theirs)
        for name, theirs in zip(there, bars, strict=True)
    )
    return _side_by_side(title, panels)


def _outcomes(mode: CampaignMode, contacts: Sequence[Mapping[str, Any]]) -> Outcomes:
    outcomes = Outcomes(mode)
    outcomes.meet(contacts)
    return outcomes


def _most(bars: Sequence[Bar], what: str) -> str:
    """The longest bar in words."""
    if not bars:
        return f"There are no {what} so far."
    total, top = sum(bar.count for bar in bars), max(bars, key=lambda bar: bar.count)
    return f"{top.label}: {top.count:,} of {total:,} {what} ({percent(top.count / total)})."
