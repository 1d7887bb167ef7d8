"""Quiet logs: what the libraries under us log of our calls and sockets, without what is in them.

At the level DEBUG, boto3 logs requests and answers whole, with bearer tokens, signatures and what
customers wrote, and `websockets` logs the address of each socket and every frame. Filters take that
out before any handler sees it. They are set when a client or a socket is made, not on import, and
cost nothing where DEBUG is off.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel

__all__ = ["quieten_boto", "socket_logger"]

_HIDDEN = "***"
_LIBRARIES = ("boto3", "botocore", "urllib3")

# They log requests, answers, signatures and credentials; what they say of them is kept.
_OF_CONTENT = frozenset(
    f"botocore.{module}"
    for module in (
        "auth",
        "awsrequest",
        "credentials",
        "crt.auth",
        "endpoint",
        "httpchecksum",
        "httpsession",
        "parsers",
        "retries.standard",
        "retryhandler",
        "signers",
        "tokens",
        "utils",
    )
)
_HARMLESS = (int, float, OperationModel, type(None))

_NAMES = (
    "authorization",
    "bearer",
    "connection_?token",
    "participant_?token",
    "secret_?access_?key",
    "security[-_]?token",
    "session_?token",
    "x-amz-credential",
    "x-amz-signature",
)
_NAMED = re.compile(
    rf"(?i)((?:{'|'.join(_NAMES)})[\"']?\s*[:=,]\s*b?[\"']?)[^\s\"',}}&][^\"'\n}}&]*"
)
_QUERY = re.compile(r"(/[\w.~:/@%-]*)\?[^\s\"']+")


def quieten_boto() -> None:
    """Have boto3's loggers say what is called, and nothing of what is sent and answered.

    It concerns every client of the process: a logger does not know whose call it is. A second call
    does nothing but look for loggers that are new.
    """
    known = (name for name in logging.root.manager.loggerDict if name.startswith(_LIBRARIES))
    for name in {*known, *_OF_CONTENT, *_LIBRARIES, "urllib3.connectionpool"}:
        logging.getLogger(name).addFilter(_without_secrets)


def socket_logger() -> logging.Logger:
    """A logger for sockets of chats: no addresses and no frames, at whatever level."""
    logger = logging.getLogger("connect_tasks.chat.socket")
    logger.addFilter(_no_frames)
    return logger


def _no_frames(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG


def _without_secrets(record: logging.LogRecord) -> bool:
    if record.name in _OF_CONTENT:
        record.args = _hidden(record.args)
        if record.exc_info and record.exc_info[0]:
            # What an answer held that could not be read stands in the exception.
            record.msg = f"{record.msg} ({record.exc_info[0].__name__})"
            record.exc_info = record.exc_text = None
    else:
        text = record.getMessage()
        record.msg, record.args = (
            _QUERY.sub(rf"\1?{_HIDDEN}", _NAMED.sub(rf"\1{_HIDDEN}", text)),
            (),
        )
    return True


def _hidden(args: Any) -> tuple[Any, ...]:
    # A mapping that is the only argument stands there by itself.
    if isinstance(args, Mapping):
        return (_HIDDEN,)
    return tuple(value if isinstance(value, _HARMLESS) else _HIDDEN for value in args or ())
