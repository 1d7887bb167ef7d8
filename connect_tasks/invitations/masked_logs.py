"""Masked logs: who reads a server's access log must not be able to open people's chats.

Servers log the path of each request, and here it holds a link's token.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["mask_access_logs", "masked"]

# Of the servers that write such a log by Python's logging. At the level of traces uvicorn writes
# each request to two more.
_LOGGERS = (
    "uvicorn.access",
    "uvicorn.asgi",
    "uvicorn.error",
    "hypercorn.access",
    "gunicorn.access",
    "daphne.access",
    "granian.access",
)
# As it stands in the path, or in what was sent for it.
_TOKEN = re.compile(r"((?:/|%2f)(?:i|%69)(?:/|%2f))[^\s?#\"']+", re.IGNORECASE)


def masked(text: str) -> str:
    """A text without the tokens in it.

    Example:
        >>> masked("POST /i/Yt0vB3m1 HTTP/1.1")
        'POST /i/… HTTP/1.1'
    """
    return _TOKEN.sub(r"\1…", text)


def mask_access_logs() -> None:
    """Mask tokens in the access logs of servers that are known; a second call does nothing."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(each, _Mask) for each in logger.filters):
            logger.addFilter(_Mask())


class _Mask(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, without tokens."""
        record.msg = _masked(record.msg)
        if isinstance(record.args, Mapping):
            # Some servers' mapping makes its values when it is asked: copied, it would be empty.
            record.args = _MaskedMapping(record.args)
        elif record.args:
            record.args = tuple(map(_masked, record.args))
        return True


class _MaskedMapping(dict[str, Any]):
    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__()
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return _masked(self._values[name])

    def __len__(self) -> int:
        return len(self._values)


def _masked(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    said = value if isinstance(value, str) else str(value)
    # Left as it is where there is no token in it: a formatter may want more of it than its text.
    return masked(said) if _TOKEN.search(said) else value
