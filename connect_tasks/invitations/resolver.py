"""The resolver: a press of a link's button becomes one answer, and never two chats.

The rules of this file:

- First the look, then the key, then everything else: a token that is none costs one question to
  the ledger and one HMAC, as one does that was found and works no more. Nothing is written for it,
  and all of them get the same answer.
- One flight for each link: who presses while it is under way waits for its answer. What is under
  way belongs to nobody's request; one that is broken off, or waits too long, leaves it alone.
- What would wait too long is turned away before anything is claimed, and what has waited too long
  makes no further call. A call that has begun is finished and recorded, whoever still waits.
- Who needs no call waits for none, and who reloads a chat that goes on waits for no crowd that
  wants a new one.
- A flight that made Amazon be asked is taken from its link's own budget; without any left, nobody
  is asked. An answer is given again for some seconds, as long as its chat is on record as open.
- What concerns all presses of a campaign pauses them all, and is told once.
- An answer with a participant token is kept for those seconds in memory, and nowhere else.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.pacing.slot_pool import SlotPool
from connect_tasks.aws.retry import RandomSource
from connect_tasks.campaign.links import InvitationKeys, token_hash
from connect_tasks.errors import (
    AmazonError,
    CampaignWideError,
    ClaimLostError,
    InputError,
    LedgerError,
    UnwritableError,
)
from connect_tasks.invitations.answers import NOT_VALID, OVER, Answer, busy
from connect_tasks.invitations.budgets import LinkBudgets
from connect_tasks.invitations.looks import FullError, Looks
from connect_tasks.invitations.pressed_chat import PressContext, PressedChat
from connect_tasks.invitations.troubles import LEDGER, Troubles
from connect_tasks.invitations.verdicts import Verdict, is_alive, judge
from connect_tasks.ledger.clicks import FoundLink
from connect_tasks.ledger.contact import OPEN

__all__ = ["Resolver", "ResolverSettings"]

_log = logging.getLogger(__name__)

_NEED_CALLS = frozenset({Verdict.START, Verdict.NEXT, Verdict.REPEAT})

ContextOf = Callable[[FoundLink], PressContext]
"""Makes what a press of a link is worked on with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolverSettings:
    """How long presses wait.

    Args:
        answer_seconds: The longest that one waits for its answer, all in all.
        look_seconds: The longest that its link is looked up.
        queue_seconds: One that would wait longer for its call is turned away at once.
        kept_seconds: How long an answer is kept, so that a chat that goes on is not started again.
        most_flights: The most links at which the same is under way: chats that are started, or
            found again.
    """

    answer_seconds: float = 8.0
    look_seconds: float = 4.0
    queue_seconds: float = 4.0
    kept_seconds: float = 5.0
    most_flights: int = 500


@dataclass(slots=True)
class _Flight:
    chat: PressedChat
    reloads: bool
    task: "asyncio.Task[Answer]" = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Kept:
    contact: int
    answer: Answer
    until: float


class Resolver:
    """Answers presses.

    Args:
        instance_id: The instance that chats are started on.
        keys: Tell whether a token is genuine.
        looks: Find links.
        context_of: What presses of a link's campaign are worked on with.
        pace: How many starts a second there are at present.
        clock: Tells the time.
        random: Spreads those who are told to come back.
        note: Keeps that a link that works was pressed.
        settings: How long presses wait.
    """

    def __init__(
        self,
        *,
        instance_id: str,
        keys: InvitationKeys,
        looks: Looks,
        context_of: ContextOf,
        pace: Callable[[], float],
        clock: Clock,
        random: RandomSource,
        note: Callable[[str], None],
        settings: ResolverSettings | None = None,
    ) -> None:
        self._instance_id = instance_id
        self._keys = keys
        self._looks = looks
        self._context_of = context_of
        self._pace = pace
        self._clock = clock
        self._random = random
        self._note = note
        self._settings = settings or ResolverSettings()
        self._budgets = LinkBudgets()
        self._troubles = Troubles()
        self._flights: dict[str, _Flight] = {}
        self._under_way: Counter[bool] = Counter()
        self._kept: dict[str, _Kept] = {}
        self._is_ending = False

    async def press(self, token: str) -> Answer:
        """Answer a press; never raises for anything that concerns the link or Amazon.

        Concurrent presses of one link share what is under way. Cancelled, that goes on.

        Args:
            token: What stands in the place of the link's token, whatever it looks like.
        """
        try:
            async with asyncio.timeout(self._settings.answer_seconds):
                return await self._press(token)
        except TimeoutError:
            return self._busy(self._settings.queue_seconds)

    async def _press(self, token: str) -> Answer:
        try:
            link = await self._find(token)
        except FullError:
            return self._busy(1)
        except LedgerError as error:
            self._troubles.meet(LEDGER, error, self._clock.monotonic())
            return self._busy(2)
        if link is None:
            return NOT_VALID
        self._note(link.token_hash)
        if link.instance_id != self._instance_id:
            return self._of_another_instance(link)
        return await self._answer(link)

    async def end(self) -> None:
        """Begin nothing more, and finish what is under way; a second call finds nothing.

        Concurrent presses are turned away. Cancelled, what is under way goes on.
        """
        self._is_ending = True
        for flight in list(self._flights.values()):
            if not flight.chat.withdraw():
                flight.task.cancel()
        tasks = [flight.task for flight in self._flights.values()]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _find(self, token: str) -> FoundLink | None:
        """The link of a token, if it works; the same work whatever is wrong with it."""
        link = await self._look(token_hash(token))
        named = ("", "", "") if link is None else (link.campaign, link.customer_id, link.key_id)
        is_genuine = self._keys.is_genuine(token, *named)
        if link is None or not is_alive(link, self._clock.now()):
            return None
        if link.key_id not in self._keys.ids:
            self._troubles.miss_key(link.key_id, link.campaign)
        return link if is_genuine else None

    async def _look(self, hashed: str) -> FoundLink | None:
        try:
            async with asyncio.timeout(self._settings.look_seconds):
                link = await self._looks.find(hashed)
        except TimeoutError:
            raise LedgerError("it does not answer questions in time") from None
        self._troubles.over(LEDGER)
        return link

    async def _answer(self, link: FoundLink) -> Answer:
        flight = self._flights.get(link.token_hash)
        if flight is None:
            given = self._given(link)
            if given is not None:
                return given
            flight = self._launch(link)
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            if flight.task.cancelled():
                return self._busy(self._settings.queue_seconds)
            raise

    def _of_another_instance(self, link: FoundLink) -> Answer:
        error = InputError(
            f"it belongs to instance {link.instance_id}, and this app serves "
            f"{self._instance_id}: serve its links by an app of their own"
        )
        self._troubles.meet(link.campaign, error, self._clock.monotonic())
        return self._busy(60)

    def _given(self, link: FoundLink) -> Answer | None:
        """The answer that costs nothing, if there is one.

        Whether a chat goes on is asked anew, as it may have ended since; only who would be turned
        away is told again what was so some seconds ago.
        """
        now = self._clock.monotonic()
        kept = self._kept_answer(link, now)
        if kept is OVER:
            return kept
        wait = self._wait(link, now)
        return (kept or self._busy(wait)) if wait > 0 else None

    def _kept_answer(self, link: FoundLink, now: float) -> Answer | None:
        """What was answered lately, if the ledger still says so of the contact."""
        kept, contact = self._kept.get(link.token_hash), link.contact
        if kept is None or contact is None or kept.contact != contact.id or now >= kept.until:
            return None
        return kept.answer if kept.answer is OVER or contact.status in OPEN else None

    def _wait(self, link: FoundLink, now: float) -> float:
        """How long to stay away; 0 if it may be worked on now."""
        if self._is_ending:
            return self._settings.queue_seconds
        campaign = self._context_of(link).campaign
        verdict = judge(link, self._clock.now(), campaign.token_validity)
        if verdict not in _NEED_CALLS:
            return 0.0
        return (
            self._troubles.wait(link.campaign, now)
            or self._budgets.wait(link.token_hash, now)
            or self._queue_wait(campaign.slots, reloads=_reloads(link))
        )

    def _queue_wait(self, slots: SlotPool, *, reloads: bool) -> float:
        """How long to stay away; 0 if a call comes soon enough."""
        alike, longest = self._under_way[reloads], self._settings.queue_seconds
        if alike >= self._settings.most_flights or (slots.is_full and not reloads):
            return longest
        wait = alike / max(self._pace(), 0.01)
        return wait if wait > longest else 0.0

    def _busy(self, seconds: float) -> Answer:
        """Spread out: those who are turned away together must not all come back together."""
        return busy(seconds * (1 + self._random.random()))

    def _launch(self, link: FoundLink) -> _Flight:
        kept = self._kept_answer(link, self._clock.monotonic())
        chat = PressedChat(self._context_of(link), link, kept)
        task = asyncio.ensure_future(self._fly(chat, link))
        flight = self._flights[link.token_hash] = _Flight(chat, _reloads(link), task)
        self._under_way[flight.reloads] += 1
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._settings.answer_seconds, self._withdraw, flight)
        task.add_done_callback(lambda _: self._land(link.token_hash, timer))
        return flight

    def _withdraw(self, flight: _Flight) -> None:
        if not flight.chat.withdraw():
            flight.task.cancel()

    def _land(self, hashed: str, timer: asyncio.TimerHandle) -> None:
        timer.cancel()
        flight = self._flights.pop(hashed)
        self._under_way[flight.reloads] -= 1
        if flight.chat.has_called:
            self._budgets.spend(hashed, self._clock.monotonic())

    async def _fly(self, chat: PressedChat, link: FoundLink) -> Answer:
        try:
            answer = await chat.run()
        except Exception as error:  # noqa: BLE001 - whatever it is costs one press, not the app
            return self._busy(self._seconds_after(error, chat, link.campaign))
        self._keep(link.token_hash, chat, answer)
        return answer

    def _seconds_after(self, error: Exception, chat: PressedChat, campaign: str) -> float:
        """When to press again after this went wrong; who has to know is told."""
        now, contact = self._clock.monotonic(), chat.contact
        id_ = None if contact is None else contact.id
        match error:
            case ClaimLostError() | FullError():
                return 1
            case UnwritableError():
                _log.error("contact %s is left as it is: %s", id_, error)
                return 60
            case LedgerError():
                self._troubles.meet(LEDGER, error, now)
                return 5
            case CampaignWideError():
                self._troubles.meet(campaign, error, now)
                return 10
            case AmazonError():
                _log.warning("contact %s is left for its next press: %s", id_, error.code)
                return 2
        # Without its text and trace: they may hold what nobody is to read.
        _log.error("contact %s met a fault in connect-tasks: %s", id_, type(error).__name__)
        return 30

    def _keep(self, hashed: str, chat: PressedChat, answer: Answer) -> None:
        if answer.retry_after_seconds is not None or chat.contact is None:
            return
        now = self._clock.monotonic()
        self._troubles.over(chat.contact.campaign)
        kept = _Kept(chat.contact.id, answer, now + self._settings.kept_seconds)
        self._kept[hashed] = kept
        loop = asyncio.get_running_loop()
        loop.call_later(self._settings.kept_seconds, self._drop, hashed, kept)

    def _drop(self, hashed: str, kept: _Kept) -> None:
        if self._kept.get(hashed) is kept:
            del self._kept[hashed]


def _reloads(link: FoundLink) -> bool:
    """Whether its chat is there already, and takes no slot."""
    return link.contact is not None and link.contact.status in OPEN
