"""ChatMetrics: how much was said in a contact, by whom, and how fast it was answered."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any

from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.transcript import TranscriptItem

__all__ = ["chat_metrics"]


def chat_metrics(chat: Chat) -> dict[str, Any] | None:
    """The metrics of a contact; `None` while it is open, or where nobody ever came.

    When Amazon Connect writes them is not documented; here they come with the end.
    """
    if chat.ended_at is None or chat.connected_at is None:
        return None
    said = [item for item in chat.items if item.type == "MESSAGE"]
    metrics: dict[str, Any] = {
        "ChatContactMetrics": _of_contact(chat, said),
        "CustomerMetrics": _of_participant(said, "CUSTOMER", chat.participant_id),
    }
    if chat.agent_joined is not None:
        agent_id = chat.agent_joined.participant_id or ""
        metrics["AgentMetrics"] = _of_participant(said, "AGENT", agent_id)
    return metrics


def _of_contact(chat: Chat, said: Sequence[TranscriptItem]) -> dict[str, Any]:
    of_bots = [item for item in said if item.participant_role == "SYSTEM"]
    members: dict[str, Any] = {
        "MultiParty": False,
        "TotalMessages": len(said),
        "TotalBotMessages": len(of_bots),
        "TotalBotMessageLengthInChars": _length(of_bots),
        "ConversationTurnCount": len(list(_responses(said, "CUSTOMER"))),
    }
    last = _last(said, "CUSTOMER")
    if last is not None and chat.ended_at is not None:
        members["ConversationCloseTimeInMillis"] = _millis(last.absolute_time, chat.ended_at)
    return members | _first_response(chat, said)


def _first_response(chat: Chat, said: Sequence[TranscriptItem]) -> dict[str, Any]:
    first = next((item for item in said if item.participant_role == "AGENT"), None)
    if first is None or chat.agent_joined is None:
        return {}
    return {
        "AgentFirstResponseTimestamp": first.absolute_time.timestamp(),
        "AgentFirstResponseTimeInMillis": _millis(
            chat.agent_joined.absolute_time, first.absolute_time
        ),
    }


def _of_participant(
    said: Sequence[TranscriptItem], role: str, participant_id: str
) -> dict[str, Any]:
    own = [item for item in said if item.participant_role == role]
    waits = list(_responses(said, role))
    members: dict[str, Any] = {
        "ParticipantId": participant_id,
        "ParticipantType": role,
        "MessagesSent": len(own),
        "NumResponses": len(waits),
        "MessageLengthInChars": _length(own),
    }
    if waits:
        members |= {"TotalResponseTimeInMillis": sum(waits), "MaxResponseTimeInMillis": max(waits)}
    if own:
        members["LastMessageTimestamp"] = own[-1].absolute_time.timestamp()
    return members


def _responses(said: Sequence[TranscriptItem], role: str) -> Iterator[int]:
    """How long each answer to the others took: from their last word to the first of ours."""
    turns = [list(turn) for _, turn in groupby(said, lambda item: item.participant_role == role)]
    for before, after in pairwise(turns):
        if after[0].participant_role == role:
            yield _millis(before[-1].absolute_time, after[0].absolute_time)


def _last(said: Sequence[TranscriptItem], role: str) -> TranscriptItem | None:
    return next((item for item in reversed(said) if item.participant_role == role), None)


def _length(said: Sequence[TranscriptItem]) -> int:
    return sum(len(item.content or "") for item in said)


def _millis(begin: datetime, end: datetime) -> int:
    # Items carry whole milliseconds that may run ahead of the clock; no time is negative.
    return max(0, round((end - begin).total_seconds() * 1000))
