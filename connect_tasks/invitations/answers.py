"""Answers: what a pressed button is told, as Amazon's chat clients and the page take it.

The rules of this file:

- Whoever has no link that works gets one answer, byte for byte, whatever is wrong with theirs.
- A participant token is in an answer's body and nowhere else; an answer shows none when printed.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from connect_tasks.aws.models import StartChatContactResponse

__all__ = ["NOT_VALID", "OVER", "Answer", "busy", "chat_open", "is_usable"]

# What a chat client offers its customer besides plain text; the flow's own settings decide at
# Amazon, and a client that is told nothing leaves both off.
_FEATURES = {"MESSAGING_MARKDOWN": False, "ATTACHMENTS": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer to a press."""

    status: int
    body: bytes = field(repr=False)
    retry_after_seconds: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that are its own."""
        retry = self.retry_after_seconds
        return {} if retry is None else {"Retry-After": str(retry)}


def chat_open(response: StartChatContactResponse) -> Answer:
    """The chat is there: what ChatJS and Amazon's chat interface begin with.

    Args:
        response: A usable one (`is_usable`).
    """
    token = response.participant_token
    result = {
        "ContactId": response.contact_id,
        "ParticipantId": response.participant_id,
        "ParticipantToken": token.get_secret_value() if token else None,
    }
    body = {"data": {"startChatResult": result, "featurePermissions": _FEATURES}}
    return Answer(status=HTTPStatus.OK, body=_json(body))


def is_usable(response: StartChatContactResponse) -> bool:
    """Whether somebody can join the chat with it: of one that is over, Amazon may tell less."""
    return response.participant_token is not None and response.participant_id is not None


def busy(seconds: float) -> Answer:
    """Nothing is lost: the same press later may open the chat.

    Args:
        seconds: In how many to press again; rounded up, and never less than one.
    """
    retry = max(1, math.ceil(seconds))
    error = _error("busy", "A moment please: the chat cannot be opened right now.")
    error["error"]["retry_after_seconds"] = retry
    return Answer(
        status=HTTPStatus.SERVICE_UNAVAILABLE, body=_json(error), retry_after_seconds=retry
    )


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _error(code: str, message: str) -> dict[str, dict[str, Any]]:
    return {"error": {"code": code, "message": message}}


NOT_VALID = Answer(
    status=HTTPStatus.GONE, body=_json(_error("not_valid", "This link is not valid any more."))
)
"""The link was cut, never issued, revoked, has expired, or opens nothing for another reason."""

OVER = Answer(status=HTTPStatus.GONE, body=_json(_error("over", "This conversation is over.")))
"""The link works, and its conversation has ended."""
