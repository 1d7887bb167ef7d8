"""A pressed chat: one link's way from a press to its chat, for all who press it meanwhile.

The rules of this file:

- What a press may do is said by `verdicts`, of the link as the ledger has it, and asked again after
  each thing that may have changed it.
- Nothing is started but by `campaign.start`, on a contact that is claimed: token and bytes are the
  ledger's, and a call that has begun is finished and recorded.
- A chat that may have been made before this press is looked at before its customer is let in: of
  one that is over, Amazon would answer the same start with a token that opens nothing.
- Who holds the contact is waited for a little, as they are about to start the same chat.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from connect_tasks.aws.models import StartChatContactResponse
from connect_tasks.aws.pacing.slot_pool import Slot, SlotPool
from connect_tasks.aws.pacing.turns import Turn, Urgency
from connect_tasks.campaign.claimed_contact import ClaimedContact
from connect_tasks.campaign.collection.describing import Describer
from connect_tasks.campaign.context import CampaignContext
from connect_tasks.campaign.start import Start
from connect_tasks.campaign.unknown_outcomes import next_generation
from connect_tasks.errors import AccessDeniedError
from connect_tasks.invitations.answers import NOT_VALID, OVER, Answer, busy, chat_open, is_usable
from connect_tasks.invitations.desk import Desk
from connect_tasks.invitations.verdicts import Verdict, judge
from connect_tasks.ledger.clicks import FoundLink, Succession
from connect_tasks.ledger.contact import OPEN, SETTLED, Contact, Status
from connect_tasks.ledger.described import Asked

__all__ = ["URGENT", "PressContext", "PressedChat"]

URGENT = Turn(Urgency.WAITING, 0.0)
"""The turn of a call for which a person waits at the button: before campaigns that can wait."""

_LIVE = Turn(Urgency.LIVE)
_PAUSED_SECONDS = 60
_AGAIN_SECONDS = 2
_HELD_SECONDS = 3.0
_LOOK_SECONDS = 0.1
_MOST_ROUNDS = 40
_MOST_QUESTIONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PressContext:
    """What all presses of a campaign are worked on with."""

    campaign: CampaignContext
    desk: Desk
    describer: Describer
    look: Callable[[str], Awaitable[FoundLink | None]]
    on_started: Callable[[Contact, StartChatContactResponse, bool], None]
    slot_seconds: float = 2.0


class PressedChat:
    """One link's way to its chat.

    Args:
        context: The campaign's.
        link: The link, found and genuine.
        kept: What lets its customer into the chat of its contact, if that was found lately: it
            saves a start, once Amazon says that the chat goes on.
    """

    def __init__(self, context: PressContext, link: FoundLink, kept: Answer | None = None) -> None:
        self._context = context
        self._link = link
        self._start: Start | None = None
        self._is_given_up = False
        self._is_found = True
        self._held_since: float | None = None
        self._found = (link.contact.id, kept) if link.contact and kept else None
        self._questions = 0
        self.has_called = False
        self.contact: Contact | None = link.contact

    def withdraw(self) -> bool:
        """Begin no further call; whether one is under way, which is finished and recorded."""
        self._is_given_up = True
        return self._start is not None and self._start.withdraw()

    async def run(self) -> Answer:
        """Go on until there is an answer.

        Called once, never concurrently. Cancelled between two calls it ends at once, during one
        after its answer is on disk.

        Raises:
            CampaignWideError: No contact of the campaign can be started.
            AmazonError: Amazon cannot be asked now.
            LedgerError: The ledger cannot be used.
        """
        for _ in range(_MOST_ROUNDS):
            answer = await self._go_on()
            if answer is not None:
                return answer
            if self._is_given_up or not await self._look_again():
                break
        return busy(_AGAIN_SECONDS) if self._is_found else NOT_VALID

    async def _look_again(self) -> bool:
        link = await self._context.look(self._link.token_hash)
        self._is_found = link is not None
        if link is not None:
            self._link, self.contact = link, link.contact
        return self._is_found

    async def _go_on(self) -> Answer | None:
        """One step; None where the ledger is to be looked at again."""
        now = self._context.campaign.clock.now()
        verdict = judge(self._link, now, self._context.campaign.token_validity)
        contact = self._link.contact
        match verdict:
            case Verdict.OVER:
                return OVER
            case Verdict.LATER:
                return busy(_PAUSED_SECONDS)
            case Verdict.REPEAT if contact is not None:
                return await self._repeat(contact)
            case Verdict.START if contact is not None:
                return await self._start_claimed(await self._claim(contact))
            case Verdict.NEXT if contact is not None:
                return await self._start_claimed(await self._plan_next(contact))
        return NOT_VALID

    async def _repeat(self, contact: Contact) -> Answer | None:
        if not await self._goes_on(contact):
            return None
        if self._found is not None and self._found[0] == contact.id:
            return self._found[1]
        if not ClaimedContact(self._context.campaign, contact).token_is_valid:
            # It lives, and nobody can be let in again: its token is not sure to find it.
            return OVER
        return await self._start_claimed(await self._claim(contact))

    async def _goes_on(self, contact: Contact) -> bool:
        """Whether a chat is alive, as Amazon says; what it says is in the ledger then.

        Without permission to ask, it counts as alive.
        """
        if self._questions >= _MOST_QUESTIONS:
            # Over, and yet not on record: somebody else is at it.
            self._is_given_up = True
            return False
        self._questions += 1
        self.has_called = True
        # What Amazon says is kept of contacts that nobody holds, and this press may have just now.
        await self._context.desk.written()
        try:
            asked = await self._context.describer.ask(self._link.instance_id, [_asked(contact)])
        except AccessDeniedError:
            return True
        return asked[0].end_reason is None

    async def _claim(self, contact: Contact) -> Contact | None:
        claimed = await self._context.desk.claim(contact.id)
        if claimed is None:
            await self._wait_for_others()
        return claimed

    async def _wait_for_others(self) -> None:
        """Somebody else is at it, and has the chat in a moment; or was killed, and has not."""
        clock = self._context.campaign.clock
        if self._held_since is None:
            self._held_since = clock.monotonic()
        if clock.monotonic() - self._held_since >= _HELD_SECONDS:
            self._is_given_up = True
        else:
            await clock.sleep(_LOOK_SECONDS)

    async def _plan_next(self, contact: Contact) -> Contact | None:
        if contact.status in SETTLED:
            return await self._succeed(contact, contact)
        claimed = await self._claim(contact)
        if claimed is None:
            return None
        try:
            given_up = claimed.advance(
                Status.FAILED,
                ended_at=self._context.campaign.clock.now(),
                error_code="TokenTooOld",
                error_message="nobody knows whether a chat was made, and nobody joined one",
            )
            return await self._succeed(claimed, given_up)
        finally:
            self._context.desk.give_up(claimed.id)

    async def _succeed(self, contact: Contact, over: Contact) -> Contact | None:
        row = self._link.next_row
        again = next_generation(contact, row)
        succession = Succession(over=over, was=contact.status, again=again, next_row=row)
        return await self._context.desk.succeed(self._link.token_hash, succession)

    async def _start_claimed(self, contact: Contact | None) -> Answer | None:
        if contact is None:
            return None
        self.contact = contact
        try:
            return await self._start_in_slot(contact)
        finally:
            self._context.desk.give_up(contact.id)

    async def _start_in_slot(self, contact: Contact) -> Answer | None:
        slot = _PressSlot(self._context.campaign.slots, is_occupied=contact.status in OPEN)
        if not await slot.take(self._context.slot_seconds):
            return busy(2 * _AGAIN_SECONDS)
        try:
            return await self._make(_Pressed(self._context.campaign, contact), slot)
        finally:
            slot.release()

    async def _make(self, claimed: "_Pressed", slot: "_PressSlot") -> Answer | None:
        before = claimed.contact
        self._start = Start(self._context.campaign, claimed, slot)
        slot.on_refused = self._start.withdraw
        if self._is_given_up:
            self._start.withdraw()
        self.has_called = True
        response = await self._start.run()
        self.contact = claimed.contact
        if response is None:
            return NOT_VALID if claimed.contact.status is Status.FAILED else busy(_AGAIN_SECONDS)
        is_new = before.status not in OPEN
        if is_new:
            # On record: from now on the ledger counts it among people's chats.
            slot.pass_on()
        # At once, since no other press finds it new: what comes now may fail, or find it over.
        self._context.on_started(claimed.contact, response, is_new)
        if is_new and before.sent_at is not None:
            self._found = (before.id, _let_in(response))
            return None
        return _let_in(response)


class _Pressed(ClaimedContact):
    """A contact whose customer waits at the button."""

    @property
    def turn(self) -> Turn:
        """Before all that can wait; of a chat that goes on, before those that are not there yet."""
        return _LIVE if self.contact.status in OPEN else URGENT


class _PressSlot(Slot):
    """A slot that is not waited for again: whoever pressed is told to come back."""

    def __init__(self, pool: SlotPool, *, is_occupied: bool) -> None:
        super().__init__(pool, is_occupied=is_occupied)
        self.on_refused: Callable[[], object] = lambda: None

    async def take(self, seconds: float) -> bool:
        """Take it, if there is one within so many seconds. Called once; cancelled, none is held."""
        try:
            async with asyncio.timeout(seconds):
                await self.__aenter__()
        except TimeoutError:
            return False
        return True

    async def refuse(self) -> None:
        """The instance had no slot after all: make no further call. Waits for nothing."""
        self._is_held = False
        self._pool.refuse()
        self.on_refused()


def _let_in(response: StartChatContactResponse) -> Answer:
    return chat_open(response) if is_usable(response) else busy(_AGAIN_SECONDS)


def _asked(contact: Contact) -> Asked:
    return Asked(
        key=contact.id,
        campaign=contact.campaign,
        contact_id=str(contact.contact_id),
        initial_contact_id=str(contact.contact_id),
        status=contact.status,
        request=contact.request,
        started_at=contact.started_at,
        ended_at=contact.ended_at,
        transcript_complete=contact.transcript_complete,
        is_persons=True,
    )
