"""Whole answers: one that was cut short, or is something else, must not pass for an empty one.

botocore takes a body that is no JSON for an answer without members. A transcript that was cut short
would then be one in which nothing was said, and count as read to its end.
"""

import json
from typing import Any

from botocore.parsers import ResponseParserError

__all__ = ["insist_on_whole_answers"]

_REFUSED_FROM = 300


def insist_on_whole_answers(client: Any) -> None:
    """Let calls of a client raise `ResponseParserError` where botocore would find nothing.

    Args:
        client: One of boto3's, of any service.
    """
    client.meta.events.register("after-call", _check)


def _check(*, http_response: Any, parsed: Any, model: Any, **_: Any) -> None:
    # A refusal's words may be anything, an answer with members was understood, and what is read
    # bit by bit says by itself where it ends. botocore's stubs have no body at all.
    if http_response.status_code >= _REFUSED_FROM or model.has_streaming_output:
        return
    if http_response.raw is None and http_response._content is None:  # noqa: SLF001 - known nowhere else
        return
    if model.service_model.resolved_protocol not in {"json", "rest-json"} or set(parsed) - {
        "ResponseMetadata"
    }:
        return
    if http_response.content and not _is_object(http_response.content):
        raise ResponseParserError(f"the answer to {model.name} is not whole")


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    # Also what is no text, and what is nested too deep.
    except (ValueError, RecursionError):
        return False
