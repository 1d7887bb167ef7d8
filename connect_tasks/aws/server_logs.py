"""Server logs: what an ASGI server logs where this package, and with it Prefect, is loaded.

A server configures its logs and then imports the app. That loads Prefect, which configures the
logs of uvicorn anew, for the server of its own: handlers gone, nothing below a warning told. So
what was there before is remembered, and an app puts it back.
"""

import logging
from dataclasses import dataclass

__all__ = ["BEFORE_PREFECT", "ServerLogs"]

_UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


@dataclass(frozen=True, slots=True)
class _LoggerState:
    logger: logging.Logger
    handlers: tuple[logging.Handler, ...]
    level: int
    propagate: bool

    def put_back(self) -> None:
        self.logger.handlers[:] = self.handlers
        self.logger.setLevel(self.level)
        self.logger.propagate = self.propagate


class ServerLogs:
    """How the logs of uvicorn were configured when this was made."""

    def __init__(self) -> None:
        loggers = [logging.getLogger(name) for name in _UVICORN]
        self._states = [
            _LoggerState(each, tuple(each.handlers), each.level, each.propagate) for each in loggers
        ]

    def put_back(self) -> None:
        """Undo what Prefect did to them; a second call changes nothing.

        Nothing is done where nobody had configured them, or somebody has since.
        """
        was_configured = any(state.handlers for state in self._states)
        if was_configured and _are_prefects():
            for state in self._states:
                state.put_back()


def _are_prefects() -> bool:
    """Whether they are as Prefect leaves them: with no handlers but its own, above all others."""
    top, *others = (logging.getLogger(name) for name in _UVICORN)
    theirs = [type(each).__module__.startswith("prefect.") for each in top.handlers]
    return bool(theirs) and all(theirs) and not any(each.handlers for each in others)


BEFORE_PREFECT = ServerLogs()
"""As they were when this package was first imported, which loads no Prefect yet."""
