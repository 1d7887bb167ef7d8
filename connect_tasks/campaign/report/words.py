"""The report's words: statuses, end reasons, counts, shares and durations as people say them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connect_tasks.chat.dialogue import EndReason
from connect_tasks.ledger.contact import CampaignMode, Status
from connect_tasks.ledger.verdicts import Rule

__all__ = [
    "ENDS_OF_PEOPLE",
    "END_REASON_WORDS",
    "RULE_WORDS",
    "STATUS_WORDS",
    "STATUS_WORDS_OF",
    "WAY_WORDS",
    "clean",
    "count_of",
    "duration_words",
    "ends_of",
    "headline",
    "mode_of",
    "percent",
    "period",
    "remarks",
    "short_count",
    "shorten",
]

NBSP = "\N{NO-BREAK SPACE}"

# Everything invisible but tab and line feed; joiners stay, or Hindi, Persian and emoji fall apart.
_CONTROLS = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)])

STATUS_WORDS: Mapping[str, str] = {
    Status.COMPLETED: "Completed",
    Status.CONNECTED: "Conversation still open",
    Status.STARTED: "Started, not connected yet",
    Status.STARTING: "Being started",
    Status.PLANNED: "Waiting for its turn",
    Status.UNKNOWN: "Outcome unknown, for a person to decide",
    Status.FAILED: "Failed",
    Status.WITHHELD: "Not contacted, by the campaign's policy",
    Status.REJECTED: "Refused: the row is not valid",
    Status.DUPLICATE: "Left out: repeats another row",
}
"""What each status is for a reader, in the order of the page."""

RULE_WORDS: Mapping[str, str] = {
    Rule.OPTED_OUT: "On a list of those whom nobody is to contact",
    Rule.EXPIRED: "The time in which they were to be contacted is over",
    Rule.RESTRICTED_PERIOD: "In a period in which nobody is to be contacted",
    Rule.FREQUENCY_CAPPED: "Contacted as often as is allowed",
    Rule.OUTSIDE_HOURS: "Outside of the hours in which they may be contacted",
    Rule.HELD_OUT: "Held out, so that others can be compared with them",
}
"""Why the policy let nobody contact somebody, for a reader."""

END_REASON_WORDS: Mapping[str, str] = {
    EndReason.CHAT_ENDED: "The other side ended the chat",
    EndReason.REPLIED: "Everything was said; we closed it",
    EndReason.HEARD: "The other side spoke, ours had nothing to say; we closed it",
    EndReason.SILENT: "No reply in time; we closed it",
    EndReason.TIME_LIMIT: "Longest allowed time reached; we closed it",
    EndReason.LEFT_OPEN: "Left open on purpose",
    EndReason.LOST: "Connection lost and not restored",
}
"""What each end reason is for a reader, in the order of the page."""

STATUS_WORDS_OF: Mapping[CampaignMode, Mapping[str, str]] = {
    CampaignMode.SIMULATION: STATUS_WORDS,
    CampaignMode.INVITATION: {
        **STATUS_WORDS,
        Status.CONNECTED: "Joined, and not over yet",
        Status.STARTED: "Opened, not joined yet",
        Status.PLANNED: "Not opened yet",
    },
    CampaignMode.HAND_OVER: {
        **STATUS_WORDS,
        Status.CONNECTED: "Joined, and not over yet",
        Status.STARTED: "Started, not joined yet",
    },
    CampaignMode.OUTBOUND: {
        **STATUS_WORDS,
        Status.CONNECTED: "Written to, and not over yet",
        Status.STARTED: "Written to, nothing known yet",
    },
}
"""The same by a campaign's way: what waits for people waits for something else than a run."""

ENDS_OF_PEOPLE: Mapping[str, str] = {
    "CONTACT_FLOW_DISCONNECT": "The flow ended it",
    "AGENT_DISCONNECT": "The agent ended it",
    "CUSTOMER_DISCONNECT": "The customer left",
    "CUSTOMER_CONNECTION_NOT_ESTABLISHED": "Nobody joined within five minutes",
    "IDLE_DISCONNECT": "Somebody was silent for too long",
    "EXPIRED": "Its time had run out",
    "API": "It was stopped",
    "AGENT_NETWORK_DISCONNECT": "The agent's connection was lost",
    "THIRD_PARTY_DISCONNECT": "A third party ended it",
    "BARGED": "A supervisor ended it",
    "SYSTEM_ERROR": "Amazon Connect failed",
}
"""How people's chats end, by Amazon's own reasons, for a reader."""

WAY_WORDS: Mapping[CampaignMode, str] = {
    CampaignMode.SIMULATION: "From the table to a finished chat",
    CampaignMode.INVITATION: "From the link to a finished chat",
    CampaignMode.HAND_OVER: "From the start to a finished chat",
    CampaignMode.OUTBOUND: "From the table to a finished conversation",
}
"""What the funnel shows."""

# key of the summary: the sentence for one, and for any other number but none
_REMARKS = {
    "rejected": (
        "1 row was not valid and was never sent.",
        "{n:,} rows were not valid and were never sent.",
    ),
    "duplicate": (
        "1 row repeated a customer and was left out.",
        "{n:,} rows repeated a customer and were left out.",
    ),
    "failed": ("1 contact failed.", "{n:,} contacts failed."),
    "withheld": (
        "1 customer was not contacted, by the campaign's policy.",
        "{n:,} customers were not contacted, by the campaign's policy.",
    ),
    "unknown": (
        "1 outcome is unknown: a person should decide.",
        "{n:,} outcomes are unknown: a person should decide.",
    ),
    "withdrawn": (
        "1 customer was taken out before anybody contacted them.",
        "{n:,} customers were taken out before anybody contacted them.",
    ),
    "outside": (
        "1 customer waits in the campaign and is not in this table.",
        "{n:,} customers wait in the campaign and are not in this table.",
    ),
    "planned": (
        "1 customer is still waiting; run the campaign again to go on.",
        "{n:,} customers are still waiting; run the campaign again to go on.",
    ),
    "request_changed": (
        "1 customer had been contacted before with another text and was not contacted again.",
        "{n:,} customers had been contacted before with another text and were not contacted again.",
    ),
}


_NOT_OPENED = ("1 link was not opened yet.", "{n:,} links were not opened yet.")
_IN_HANDS = ("1 chat is still open.", "{n:,} chats are still open.")
_AWAITED = (
    "1 transcript is not there yet; collect again to go on.",
    "{n:,} transcripts are not there yet; collect again to go on.",
)
_REMARKS_OF = {
    CampaignMode.SIMULATION: _REMARKS,
    CampaignMode.INVITATION: {
        **{key: words for key, words in _REMARKS.items() if key != "planned"},
        "unopened": _NOT_OPENED,
        "in_hands": _IN_HANDS,
        "transcripts_awaited": _AWAITED,
    },
    CampaignMode.HAND_OVER: {
        **_REMARKS,
        "in_hands": _IN_HANDS,
        "transcripts_awaited": _AWAITED,
    },
    CampaignMode.OUTBOUND: {
        **_REMARKS,
        "in_hands": ("1 conversation is still open.", "{n:,} conversations are still open."),
        "transcripts_awaited": _AWAITED,
    },
}


def ends_of(mode: CampaignMode) -> Mapping[str, str]:
    """What each way for a chat to end is for a reader, in the order of the page.

    Args:
        mode: Who speaks as the customer. Where people do, Amazon knows the reason, and not we.
    """
    if mode is CampaignMode.SIMULATION:
        return END_REASON_WORDS
    ours = {**END_REASON_WORDS, EndReason.CHAT_ENDED: "It is over, and Amazon tells no reason"}
    return {**ENDS_OF_PEOPLE, **ours}


def mode_of(summary: Mapping[str, Any]) -> CampaignMode:
    """Who speaks as the customer; our side where the summary doesn't say.

    Example:
        >>> mode_of({"mode": "invitation"}).value, mode_of({}).value
        ('invitation', 'simulation')
    """
    return CampaignMode(summary.get("mode") or CampaignMode.SIMULATION)


def count_of(summary: Mapping[str, Any], key: str) -> int:
    """The count under *key*, and 0 where the summary doesn't say.

    Example:
        >>> count_of({"rows": 3}, "rows"), count_of({}, "rows")
        (3, 0)
    """
    return int(summary.get(key) or 0)


def percent(share: float) -> str:
    r"""A share as a whole percentage that calls nothing 0 or 100 that isn't.

    Example:
        >>> percent(0.849), percent(0.9999)
        ('85\xa0%', '>99\xa0%')
    """
    if 0 < share < 0.01:  # noqa: PLR2004 - one per cent
        return f"<1{NBSP}%"
    if 0.99 < share < 1:  # noqa: PLR2004 - ninety-nine per cent
        return f">99{NBSP}%"
    return f"{share * 100:.0f}{NBSP}%"


def short_count(count: int) -> str:
    """A count in at most four letters up to a billion, for places that are narrow.

    Example:
        >>> [short_count(n) for n in (999, 7_249, 20_449, 3_000_000)]
        ['999', '7.2k', '20k', '3M']
    """
    if count < 1000:  # noqa: PLR2004 - a thousand
        return str(count)
    # Half a thousand below the million, because 999,500 is nearer to 1M than to 999k.
    size, unit = (1_000_000, "M") if count >= 999_500 else (1000, "k")  # noqa: PLR2004
    return f"{round(count / size, 1 if count < 9950 * size / 1000 else None):g}{unit}"


def duration_words(seconds: float) -> str:
    """A duration as people say it.

    Example:
        >>> [duration_words(s) for s in (0.042, 4.25, 42, 190, 7500)]
        ['42 ms', '4.2 s', '42 s', '3 min 10 s', '2 h 5 min']
    """
    milliseconds = round(seconds * 1000)
    if milliseconds < 1000:  # noqa: PLR2004 - one second
        return f"{milliseconds} ms"
    if milliseconds < 10_000:  # noqa: PLR2004 - ten seconds
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_rest = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_rest} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def headline(summary: Mapping[str, Any]) -> str:
    r"""The campaign in one sentence.

    Example:
        >>> headline({"rows": 250, "started": 240, "replied": 228})
        '228 of 240 chats got a reply (95\xa0%).'
    """
    if mode_of(summary) is CampaignMode.INVITATION and count_of(summary, "issued"):
        return _answered(summary, "issued", "person invited", "people invited")
    started = count_of(summary, "started")
    if not started:
        return _nobody(count_of(summary, "rows"))
    if mode_of(summary) in {CampaignMode.HAND_OVER, CampaignMode.OUTBOUND}:
        return _answered(summary, "started", "customer", "customers")
    chats = "chat" if started == 1 else "chats"
    if summary.get("replied") is None:
        return f"{started:,} {chats} started."
    replied = count_of(summary, "replied")
    return f"{replied:,} of {started:,} {chats} got a reply ({percent(replied / started)})."


def _answered(summary: Mapping[str, Any], whole: str, one: str, many: str) -> str:
    asked, replied = count_of(summary, whole), count_of(summary, "replied")
    who = one if asked == 1 else many
    return f"{replied:,} of {asked:,} {who} answered ({percent(replied / asked)})."


def _nobody(rows: int) -> str:
    if not rows:
        return "Nobody was contacted: the table had no rows."
    if rows == 1:
        return "The one customer in the table was not contacted."
    return f"None of the {rows:,} customers in the table was contacted."


def remarks(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """What else a reader must know, a sentence each; nothing about what didn't happen.

    Example:
        >>> remarks({"rejected": 0, "failed": 2})
        ('2 contacts failed.',)
    """
    told = _REMARKS_OF[mode_of(summary)]
    counts = ((count_of(summary, key), words) for key, words in told.items())
    said = tuple(one if n == 1 else many.format(n=n) for n, (one, many) in counts if n)
    experiment = summary.get("experiment")
    return (*said, f"Experiment: {clean(experiment)}") if experiment else said


def period(summary: Mapping[str, Any]) -> str:
    """When the run took place and how long it took, as far as the summary says.

    Example:
        >>> period({"duration_seconds": 190})
        'took 3 min 10 s'
    """
    parts = []
    if moments := _span(summary.get("started_at"), summary.get("finished_at")):
        parts.append(f"{moments} UTC")
    if summary.get("duration_seconds") is not None:
        parts.append(f"took {duration_words(float(summary['duration_seconds']))}")
    return ", ".join(parts)


def _span(started_at: object, finished_at: object) -> str:
    started, finished = _moment(started_at), _moment(finished_at)
    if not started or not finished or started == finished:
        return started or finished
    # The day is said once when both ends are on it.
    return f"{started} to {finished.removeprefix(started[:11])}"


def _moment(value: object) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}" if isinstance(value, datetime) else ""


def shorten(text: str, limit: int) -> str:
    """*text*, or its beginning and an ellipsis where it is longer than *limit*.

    Example:
        >>> shorten("abcdef", 4)
        'abc…'
    """
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clean(value: object) -> str:
    r"""*value* as text that any HTML file can hold; None is the empty text.

    Example:
        >>> clean("a\x00b"), clean(None)
        ('ab', '')
    """
    text = "" if value is None else str(value)
    # A lone surrogate passes through JSON but cannot be written as UTF-8.
    return text.encode("utf-8", "replace").decode().translate(_CONTROLS)
