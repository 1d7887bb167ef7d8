"""Troubles: what concerns all presses of a campaign is told once, and not tried at each press."""

import logging

from connect_tasks.errors import ConnectTasksError

__all__ = ["Troubles"]

_log = logging.getLogger(__name__)


class Troubles:
    """What keeps presses from opening chats: missing rights, a flow that is gone, a lost ledger.

    Args:
        pause_seconds: How long nothing is tried after it was met.
    """

    def __init__(self, pause_seconds: float = 5.0) -> None:
        self._pause_seconds = pause_seconds
        self._until: dict[str, float] = {}
        self._told: set[tuple[str, str]] = set()

    def meet(self, what: str, error: Exception, now: float) -> None:
        """It was met; the log has it once until `over`.

        Args:
            what: What it concerns: a campaign, or the ledger.
            error: It. Of an error of our own the text is told, of any other only its kind.
            now: The present time in monotonic seconds.
        """
        self._until[what] = now + self._pause_seconds
        code = getattr(error, "code", "") or type(error).__name__
        if (what, code) not in self._told:
            self._told.add((what, code))
            said = error if isinstance(error, ConnectTasksError) else type(error).__name__
            _log.error("%s: links open no chats until this is mended: %s", what, said)

    def wait(self, what: str, now: float) -> float:
        """How many seconds nothing is tried; 0 if it may be tried now."""
        return max(0.0, self._until.get(what, now) - now)

    def over(self, what: str) -> None:
        """Something went through."""
        if self._until.pop(what, None) is not None:
            self._told = {told for told in self._told if told[0] != what}
            _log.warning("%s: links open chats again", what)
