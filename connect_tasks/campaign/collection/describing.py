"""Describing: asking Amazon what became of contacts that no worker of ours holds.

A person's chat ends without us. Whether its customer joined, and that it is over, is learnt by
asking: of each chat in turn, those that were asked about longest ago first.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connect_tasks.aws.contact_record import (
    NEVER_JOINED,
    UNKNOWN_CONTACT,
    ContactRecord,
    read_contact,
)
from connect_tasks.aws.paced_calls import PacedCalls
from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.pacing.turns import Turn, Urgency
from connect_tasks.campaign.collection.look_schedule import GIVE_UP_AFTER, next_look
from connect_tasks.chat.dialogue import EndReason
from connect_tasks.errors import AmazonError, CampaignWideError, NotFoundError, PermanentError
from connect_tasks.ledger.async_ledger import AsyncLedger
from connect_tasks.ledger.contact import OPEN
from connect_tasks.ledger.described import Asked, Described, TranscriptState
from connect_tasks.ledger.peoples_chats import DEFAULT_MINUTES

__all__ = ["FOLLOW_SECONDS", "Describer", "described"]

FOLLOW_SECONDS = 900
"""How long after a contact's end others may follow from it, and turn up in Amazon's search."""

# A live chat's own calls go first, and those of one that waits to be joined.
_QUIET = Turn(Urgency.QUIET)


class Describer:
    """Asks Amazon about contacts, and keeps what it tells.

    Args:
        calls: Makes the calls, at the pace that all workers share.
        ledger: Where it is kept.
        clock: Tells the time.
        turn: How urgent the calls are; by default all others go first.
        give_up_after: How long after the end of a chat its transcript is looked for.
    """

    def __init__(
        self,
        calls: PacedCalls,
        ledger: AsyncLedger,
        clock: Clock,
        *,
        turn: Turn = _QUIET,
        give_up_after: timedelta = GIVE_UP_AFTER,
    ) -> None:
        self._calls = calls
        self._ledger = ledger
        self._clock = clock
        self._turn = turn
        self._give_up_after = give_up_after

    async def look(self, instance_id: str, *, campaign: str | None, most: int) -> int:
        """Ask about people's chats that may still go on, and bring the ledger up to date.

        A second call asks about those that were asked about longest ago. Concurrent calls, also of
        other processes, may ask the same and write the same. Cancelled, nothing of it is kept.

        Args:
            instance_id: Whose chats.
            campaign: Only this campaign's; all of the instance if None.
            most: The most chats to ask about; one DescribeContact call for each.

        Returns:
            How many chats it found to be over.

        Raises:
            CampaignWideError: Amazon does not permit the question, or refuses the credentials.
            AmazonError: Not one question was answered.
            LedgerError: The ledger cannot be used.
        """
        now = self._clock.now()
        asked = await self._ledger.run(
            lambda ledger: ledger.collection.peoples_open(
                instance_id, campaign=campaign, now=now, most=most
            )
        )
        looked = await self.ask(instance_id, asked)
        return sum(one.end_reason is not None for one in looked)

    async def ask(self, instance_id: str, asked: Sequence[Asked]) -> list[Described]:
        """Ask about these contacts, and keep what Amazon tells of them.

        Concurrent calls may ask the same and write the same. Cancelled, nothing of it is kept.

        Args:
            instance_id: Whose contacts.
            asked: The contacts; one call for each, as many at a time as the pace permits.

        Returns:
            What came of each.

        Raises:
            AmazonError: As for `look`.
            LedgerError: The ledger cannot be used.
        """
        answers = await self._answers(instance_id, asked)
        now = self._clock.now()
        looked = [
            described(one, answer, now, self._give_up_after)
            for one, answer in zip(asked, answers, strict=True)
        ]
        await self._ledger.run(lambda ledger: ledger.collection.note(looked, now=now))
        return looked

    async def _answers(
        self, instance_id: str, asked: Sequence[Asked]
    ) -> list[ContactRecord | AmazonError]:
        answers = [asyncio.ensure_future(self._answer(instance_id, one)) for one in asked]
        try:
            found = await asyncio.gather(*answers)
        finally:
            # One that nobody permits is no reason to ask for all the others.
            for answer in answers:
                answer.cancel()
        silent = [one for one in found if isinstance(one, AmazonError) and not _is_told(one)]
        if silent and len(silent) == len(found):
            raise silent[0]
        return found

    async def _answer(self, instance_id: str, one: Asked) -> ContactRecord | AmazonError:
        try:
            answer = await self._calls.describe(instance_id, one.contact_id, self._turn)
        except CampaignWideError:
            raise
        except AmazonError as error:
            return error
        return read_contact(answer, one.contact_id)


def described(
    asked: Asked,
    answer: ContactRecord | AmazonError,
    now: datetime,
    give_up_after: timedelta = GIVE_UP_AFTER,
) -> Described:
    """Say what an answer means.

    What Amazon does not know is over once it cannot go on: a question in the wrong Region is
    answered in the same way.

    Args:
        asked: The contact.
        answer: What Amazon told of it, or why it did not.
        now: The present time.
        give_up_after: How long after the end of a chat its transcript is looked for.
    """
    trouble = None
    if isinstance(answer, AmazonError):
        trouble = answer.code or type(answer).__name__
        answer = _as_we_know_it(asked, answer, now)
    if answer.ended_at is None:
        return Described(
            asked=asked, record=answer, transcript=TranscriptState.OPEN, trouble=trouble
        )
    lost = UNKNOWN_CONTACT if trouble else _never_joined(answer)
    is_silent = not trouble and _is_silent(asked, answer)
    state, look_again_at = _transcript(asked, answer, now, give_up_after, is_silent=is_silent)
    return Described(
        asked=asked,
        record=answer,
        transcript=state,
        look_again_at=look_again_at,
        end_reason=EndReason.LOST if lost else EndReason.CHAT_ENDED,
        error_code=lost,
        trouble=trouble,
        follow_until=None if lost else answer.ended_at + timedelta(seconds=FOLLOW_SECONDS),
    )


def _as_we_know_it(asked: Asked, error: AmazonError, now: datetime) -> ContactRecord:
    record = ContactRecord(contact_id=asked.contact_id, started_at=asked.started_at)
    if not isinstance(error, NotFoundError):
        return record
    if asked.status not in OPEN and not asked.follows:
        return replace(record, ended_at=asked.ended_at or now)
    last = None if asked.started_at is None else asked.started_at + _longest(asked.request)
    return record if last is None or last > now else replace(record, ended_at=last)


def _longest(request: str) -> timedelta:
    minutes = json.loads(request).get("ChatDurationInMinutes") or DEFAULT_MINUTES
    return timedelta(minutes=minutes)


def _transcript(
    asked: Asked,
    record: ContactRecord,
    now: datetime,
    give_up_after: timedelta,
    *,
    is_silent: bool,
) -> tuple[TranscriptState, datetime | None]:
    if asked.transcript_complete and not asked.follows:
        return TranscriptState.STORED, None
    if is_silent or _never_joined(record) or record.ended_at is None:
        # Its flow never ran, and nobody said anything.
        return TranscriptState.ABSENT, None
    first = next_look(record.ended_at, record.ended_at, give_up_after)
    return TranscriptState.AWAITED, first or now


def _is_silent(asked: Asked, record: ContactRecord) -> bool:
    """Whether a chat of ours was over before anybody joined it: stopped, or given up."""
    is_joined = asked.joined or record.connected_at is not None
    has_more = bool(record.messages_sent or record.transcripts)
    return not (asked.follows or is_joined or has_more)


def _never_joined(record: ContactRecord) -> str | None:
    return NEVER_JOINED if record.disconnect_reason == NEVER_JOINED else None


def _is_told(error: AmazonError) -> bool:
    """Whether it says something of the one contact, and not of the way to Amazon."""
    return isinstance(error, PermanentError)
