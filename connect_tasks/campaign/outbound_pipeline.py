"""The pipeline of one customer who is written to on their phone: claim, slot, rate, start, record.

The rules of this file:

- Amazon answers with a contact and with nothing that opens it: that there is one, and that it is in
  its customer's hands, is one write. From there on nobody of us touches it; `collect` asks what
  became of it.
- Nobody has to join it, so nothing is to be hurried: it waits for a slot and for the rate alone.
"""

from collections.abc import Callable

from connect_tasks.aws.models import StartChatContactResponse
from connect_tasks.aws.pacing.slot_pool import Slot
from connect_tasks.campaign.claimed_contact import ClaimedContact
from connect_tasks.campaign.context import CampaignContext
from connect_tasks.campaign.start import Start, StartCall
from connect_tasks.ledger.contact import OPEN, Contact

__all__ = ["OutboundPipeline"]


class OutboundPipeline:
    """Takes one claimed contact as far as its customer's phone.

    Args:
        context: The campaign's.
        contact: The contact, as claimed.
        on_started: Called once the contact exists: there is nothing more to do with it.
    """

    def __init__(
        self, context: CampaignContext, contact: Contact, *, on_started: Callable[[], None]
    ) -> None:
        self._context = context
        self._claimed = ClaimedContact(context, contact)
        self._on_started = on_started
        self._slot = Slot(context.slots, is_occupied=contact.status in OPEN)
        self._start: Start | None = None

    @property
    def contact(self) -> Contact:
        """The contact as it is now."""
        return self._claimed.contact

    @property
    def may_be_repeated(self) -> bool:
        """Whether nobody knows what came of its start, and the same token may be sent again."""
        return self._claimed.may_be_repeated

    async def run(self) -> None:
        """Go on from the contact's status until its customer has been written to.

        Raises:
            CampaignWideError: No contact of the campaign can be started.
            LedgerError: The ledger cannot be written, or the contact is another worker's now.
            asyncio.CancelledError: Stopped; the contact can be resumed.

        Called once, and not concurrently for one contact: its claim has one holder. Cancelled, it
        ends where it is; a start under way is waited for.
        """
        async with self._slot:
            # Only here: what it waited for its slot is no time in which its start was tried.
            self._start = Start(self._context, self._claimed, self._slot, _outbound(self._context))
            if await self._start.run() is None:
                return
            # From now on the ledger counts it among people's chats: nobody else may start in its
            # slot.
            self._slot.pass_on()
            self._context.counter.hand_over()
            self._on_started()

    def withdraw(self) -> bool:
        """Start nothing any more; whether a call is under way that may still make a contact."""
        return self._start is not None and self._start.withdraw()

    def finish_by(self, deadline: float) -> None:
        """Nothing is held open here that could be finished earlier."""


def _outbound(context: CampaignContext) -> StartCall:
    async def call(request: str) -> StartChatContactResponse:
        answer = await context.calls.start_outbound_chat(request)
        return StartChatContactResponse(contact_id=answer.contact_id)

    return StartCall(context.calls.outbound_starts, call, gives=True)
