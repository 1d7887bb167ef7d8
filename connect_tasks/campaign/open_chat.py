"""An open chat of an earlier run: what Amazon says of it, and its record if it can't be joined."""

import contextlib
from collections.abc import Mapping
from typing import Any

from connect_tasks.campaign.claimed_contact import ClaimedContact
from connect_tasks.campaign.context import CampaignContext
from connect_tasks.chat.dialogue import EndReason
from connect_tasks.errors import (
    AccessDeniedError,
    AmazonError,
    ChatEndedError,
    ChatLostError,
    NotFoundError,
)

__all__ = ["OpenChat"]


class OpenChat:
    """A chat that was started before, by this run or an earlier one.

    Never used concurrently: its contact has one pipeline. Cancelling gives up the waiting for
    Amazon and changes nothing; for what it writes, see `ClaimedContact`.

    Args:
        context: The campaign's.
        claimed: Its contact.
    """

    def __init__(self, context: CampaignContext, claimed: ClaimedContact) -> None:
        self._context = context
        self._claimed = claimed

    async def ask(self) -> Mapping[str, Any]:
        """What Amazon says of it; nothing without permission to ask: then it counts as alive.

        Raises:
            ChatEndedError: It is over.
            NotFoundError: Amazon knows no such contact.
            AmazonError: Amazon cannot be asked now.

        It changes nothing, concurrent or cancelled.
        """
        claimed = self._claimed
        try:
            described = await self._context.calls.describe(
                claimed.instance_id, claimed.contact_id, claimed.turn
            )
        except AccessDeniedError:
            return {}
        if described.get("DisconnectTimestamp"):
            raise ChatEndedError("ended meanwhile", code=described.get("DisconnectReason") or "")
        return described

    async def ask_whether_alive(self) -> Mapping[str, Any] | None:
        """What Amazon says of it if it is alive and its token still good; else close its record.

        Raises:
            AmazonError: Amazon cannot be asked now.

        Not concurrently: what it writes is a step of its contact. Cancelled, that may be on disk.
        """
        try:
            described = await self.ask()
        except (NotFoundError, ChatEndedError) as error:
            await self._close_record(error)
            return None
        if self._claimed.token_is_valid:
            return described
        await self.stop()
        why = ChatLostError("its client token is too old")
        await self._claimed.complete(EndReason.LOST, why, transcript_complete=False)
        return None

    async def stop(self) -> None:
        """End it, if that is permitted; fine if it is over.

        Concurrent calls end it once. Cancelled, it may be over or not.
        """
        with contextlib.suppress(AccessDeniedError):
            await self._context.calls.stop(self._claimed.instance_id, self._claimed.contact_id)

    async def why_dead(self) -> ChatEndedError:
        """Why nobody can join it, in Amazon's words if it tells.

        It changes nothing, concurrent or cancelled.
        """
        try:
            await self.ask()
        except ChatEndedError as error:
            return error
        except AmazonError:
            pass
        return ChatEndedError("it had ended before anybody joined it", code="ChatEnded")

    async def _close_record(self, error: AmazonError) -> None:
        """The chat ended while nobody of us was there; at our own wish, if we had just closed it.

        In that case its transcript had been read, and the record says so already.
        """
        contact = self._claimed.contact
        if contact.end_reason:
            skipped = contact.items_skipped
            await self._claimed.complete(contact.end_reason, items_skipped=skipped)
        else:
            await self._claimed.complete(EndReason.LOST, error, transcript_complete=False)
