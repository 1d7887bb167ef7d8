"""A campaign as one HTML page for whoever ordered it.

The page needs nothing beside itself: no script, no font, no picture from elsewhere. Everything that
customers wrote is escaped, and the page's own policy forbids the browser to run or fetch anything.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from connect_tasks.report import words
from connect_tasks.report.chats import chats
from connect_tasks.report.figures import (
    Bar,
    Columns,
    answer_columns,
    answers,
    bars,
    funnel,
    funnel_bars,
    reply_columns,
    reply_seconds,
)

__all__ = ["render_report"]

_REFUSED = ("rejected", "duplicate", "failed")
# "plan = 'gold': must be …" is the same complaint as "plan = 'lead': must be …".
_OWN_VALUE = re.compile(r"^([\w.\[\]]+) = .*: ", re.DOTALL)
_MOST_REASONS = 12
_LONGEST_REASON = 300
_LONGEST_ID = 60


@dataclass(frozen=True, slots=True)
class Refusal:
    """One contact that did not become a chat: its row (the first is 0), and why."""

    row: int
    customer_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Refusals grouped by reason, the first of them one by one, and how many more there are."""

    total: int
    reasons: tuple[Bar, ...]
    more_reasons: int
    rows: tuple[Refusal, ...]
    more_rows: int


def render_report(
    *,
    campaign: str,
    summary: Mapping[str, Any],
    contacts: Sequence[Mapping[str, Any]],
    messages: Sequence[Mapping[str, Any]],
    conversations: int = 5,
    refused_rows: int = 200,
) -> str:
    """The report of one campaign as a self-contained HTML page.

    A part about which nothing is known is left out. The page's size is bounded: beyond the limits
    it says how many more there are. Client tokens are never shown.

    Args:
        campaign: The campaign's name.
        summary: Counts and timings; any may be missing.
        contacts: One mapping per row of the input table, in its order; None for what isn't known.
        messages: One mapping per transcript item.
        conversations: How many conversations are shown at most.
        refused_rows: How many refused rows are listed one by one at most.

    Returns:
        The text of an HTML file, to be written as UTF-8.

    Example:
        >>> page = render_report(campaign="renewals", summary={}, contacts=[], messages=[])
        >>> page.splitlines()[0]
        '<!doctype html>'
    """
    shown, all_chats = chats(contacts, messages, conversations)
    replies = reply_columns(reply_seconds(contacts))
    answered = answer_columns(answers(messages))
    return _template().render(
        campaign=words.clean(campaign),
        headline=words.headline(summary),
        remarks=words.remarks(summary),
        period=words.period(summary),
        funnel=funnel_bars(funnel(summary)),
        replies=replies,
        answers=answered,
        statuses=bars(_counted(contacts, "status", words.STATUS_WORDS)),
        ends=bars(_counted(contacts, "end_reason", words.END_REASON_WORDS)),
        refused=_listing(contacts, _REFUSED, refused_rows),
        unknown=_listing(contacts, ("unknown",), refused_rows),
        chats=shown,
        more_chats=all_chats - len(shown),
    )


@cache
def _template() -> Template:
    source = files("connect_tasks.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "column_geometry": _column_geometry,
        "short_count": words.short_count,
    }
    return environment.from_string(source)


def _counted(
    contacts: Iterable[Mapping[str, Any]], key: str, plain: Mapping[str, str]
) -> dict[str, int]:
    """How many contacts have each value of *key*, in plain words, in the words' own order."""
    found = Counter(str(contact[key]) for contact in contacts if contact.get(key) is not None)
    known = {plain[value]: found[value] for value in plain if value in found}
    other = sum(count for value, count in found.items() if value not in plain)
    return known | ({"Other": other} if other else {})


def _listing(
    contacts: Iterable[Mapping[str, Any]], statuses: Sequence[str], limit: int
) -> Listing | None:
    """The contacts in one of *statuses*; None where there are none."""
    found = [(row, c) for row, c in enumerate(contacts) if c.get("status") in statuses]
    if not found:
        return None
    reasons = Counter(kind for _, contact in found for kind in _kinds(contact))
    rows = tuple(_refusal(row, contact) for row, contact in found[: max(limit, 0)])
    return Listing(
        total=len(found),
        reasons=bars(dict(reasons.most_common(_MOST_REASONS))),
        more_reasons=max(len(reasons) - _MOST_REASONS, 0),
        rows=rows,
        more_rows=len(found) - len(rows),
    )


def _refusal(row: int, contact: Mapping[str, Any]) -> Refusal:
    identifier = words.shorten(words.clean(contact.get("customer_id")), _LONGEST_ID)
    return Refusal(row, identifier, words.shorten("; ".join(_reasons(contact)), _LONGEST_REASON))


def _kinds(contact: Mapping[str, Any]) -> list[str]:
    """A contact's reasons without what is only its own: the value, the row that it repeats."""
    if contact["status"] == "duplicate":
        return ["repeats the customer of an earlier row"]
    # A dict and not a set: reasons that are equally frequent keep the table's order on every run.
    return list(dict.fromkeys(_OWN_VALUE.sub(r"\1: ", reason) for reason in _reasons(contact)))


def _reasons(contact: Mapping[str, Any]) -> list[str]:
    """Why a contact did not become a chat, each reason once; a row may have several."""
    told = words.clean(contact.get("error_message")) or words.clean(contact.get("error_code"))
    # Only the check of a row collects several reasons; an error's own semicolons are its grammar.
    several = told.replace("\n", "; ").split("; ") if contact["status"] == "rejected" else [told]
    parts = (part.strip() for part in several)
    reasons = [words.shorten(part, _LONGEST_REASON) for part in dict.fromkeys(parts) if part]
    return reasons or [words.STATUS_WORDS[contact["status"]]]


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
