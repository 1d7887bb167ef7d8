"""Troubles: what concerns all presses of a campaign is told once, and not tried at each press."""

import logging

from connect_tasks.campaign.links import KEYS_VARIABLE
from connect_tasks.errors import ConnectTasksError

__all__ = ["LEDGER", "Troubles"]

_log = logging.getLogger(__name__)

LEDGER = None
"""What concerns the ledger concerns all campaigns, and has no name that one of them may have."""


class Troubles:
    """What keeps presses from opening chats: missing rights, a flow that is gone, a lost ledger.

    Args:
        pause_seconds: How long nothing is tried after it was met.
    """

    def __init__(self, pause_seconds: float = 5.0) -> None:
        self._pause_seconds = pause_seconds
        self._until: dict[str | None, float] = {}
        self._told: set[tuple[str | None, str]] = set()
        self._missed_keys: set[str] = set()

    def meet(self, what: str | None, error: Exception, now: float) -> None:
        """It was met; the log has it once until `over`.

        Args:
            what: What it concerns: a campaign, or the `LEDGER`.
            error: It. Of an error of our own the text is told, of any other only its kind.
            now: The present time in monotonic seconds.
        """
        self._until[what] = now + self._pause_seconds
        code = getattr(error, "code", "") or type(error).__name__
        if (what, code) not in self._told:
            self._told.add((what, code))
            said = error if isinstance(error, ConnectTasksError) else type(error).__name__
            _log.error("%s: links open no chats until this is mended: %s", _named(what), said)

    def wait(self, what: str | None, now: float) -> float:
        """How many seconds nothing is tried; 0 if it may be tried now."""
        return max(0.0, self._until.get(what, now) - now)

    def over(self, what: str | None) -> None:
        """Something went through."""
        if self._until.pop(what, None) is not None:
            self._told = {told for told in self._told if told[0] != what}
            _log.warning("%s: links open chats again", _named(what))

    def miss_key(self, key_id: str, campaign: str) -> None:
        """A link would work but for its key, which is not here; the log has each key once.

        Args:
            key_id: What the ledger calls the key.
            campaign: The link's.
        """
        if key_id not in self._missed_keys:
            self._missed_keys.add(key_id)
            _log.warning(
                "%s: links were made with a key that is not in %s here, and are not valid: add it "
                "(the ledger calls it %s), or make new links with `invite`",
                campaign,
                KEYS_VARIABLE,
                key_id,
            )


def _named(what: str | None) -> str:
    return "the ledger" if what is LEDGER else what
