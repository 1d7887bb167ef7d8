"""Paced calls: each at the pace of its API's quota, and again when that is worth it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from functools import partial
from typing import Any, ParamSpec, TypeVar

from pydantic import SecretStr

from connect_tasks.aws import calls
from connect_tasks.aws.calls import Call
from connect_tasks.aws.client import ConnectApi
from connect_tasks.aws.models import StartChatContactResponse
from connect_tasks.aws.outbound_models import StartOutboundChatContactResponse
from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.pacing.rate_limiter import Acquire, RateLimiter
from connect_tasks.aws.pacing.turns import CAN_WAIT, Turn, Urgency
from connect_tasks.aws.retry import RandomSource, RetryPolicy
from connect_tasks.aws.transcript import Connection, Odd, Page
from connect_tasks.errors import (
    AccessDeniedError,
    AmazonError,
    ChatEndedError,
    OutcomeUnknownError,
    RetryableError,
    ThrottledError,
)

__all__ = ["PacedCalls"]

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

MOST_PAGES = 200
"""How many pages of one transcript are read, of 100 items each: a chat has some dozens of items."""

_LIVE, _JOINING, _QUIET = Turn(Urgency.LIVE), Turn(Urgency.WAITING), Turn(Urgency.QUIET)


class PacedCalls:
    """Every call of a campaign but the retrying of starts, which the pipeline owns.

    All methods may be called concurrently; calls of one API go out by their turn, and those that
    are as urgent as each other in the order in which they were asked for. Cancelling gives up the
    waiting: a call that has gone out is carried out all the same, and its answer is dropped.

    Args:
        api: Makes the calls.
        policy: How often a failed call is repeated.
        acquire: Asks for permits, of which all workers share the quota.
        acquire_starts: The same for starts, where a limit of the user's own counts too.
        executor: The threads of what blocks, and of calls that only boto3 can make.
        clock: Tells the time and waits.
        random: Where the jitter of waits comes from.
    """

    def __init__(
        self,
        api: ConnectApi,
        policy: RetryPolicy,
        *,
        acquire: Acquire,
        acquire_starts: Acquire | None = None,
        executor: Executor,
        clock: Clock,
        random: RandomSource,
    ) -> None:
        self.api = api
        self._policy = policy
        self._executor = executor
        self._clock = clock
        self._random = random
        self._may_stop = True

        self._limiters: list[RateLimiter] = []

        def limiter(api_name: str, acquire: Acquire = acquire) -> RateLimiter:
            self._limiters.append(RateLimiter(api_name, acquire=acquire, clock=clock))
            return self._limiters[-1]

        self.starts = limiter("StartChatContact", acquire_starts or acquire)
        self.outbound_starts = limiter("StartOutboundChatContact", acquire_starts or acquire)
        self._stops = limiter("StopContact")
        self._describes = limiter("DescribeContact")
        self._searches = limiter("SearchContacts")
        self._storage_lists = limiter("ListInstanceStorageConfigs")
        self._connections = limiter("CreateParticipantConnection")
        self._messages = limiter("SendMessage")
        self._transcripts = limiter("GetTranscript")
        self._disconnects = limiter("DisconnectParticipant")

    @property
    def waiting(self) -> dict[str, int]:
        """How many calls of each API wait for their turn."""
        return {limiter.api: limiter.waiting for limiter in self._limiters}

    async def return_unused(self) -> None:
        """Give back the permits that were not used.

        Not concurrently with other calls, which would ask for permits anew. Cancelled, some are
        given back and the others come back with the rate.
        """
        for limiter in self._limiters:
            await limiter.return_unused()

    async def start_chat(self, request: str) -> StartChatContactResponse:
        """One StartChatContact call, now and once: the caller has passed `starts`.

        Concurrent calls must be of different contacts. Never cancel it and forget the contact: the
        call goes on and may make a chat; `campaign.start` waits for its end.
        """
        call = self._carry(self.api.start_chat, calls.start_chat, request)
        return await self._once(self.starts, call)

    async def start_outbound_chat(self, request: str) -> StartOutboundChatContactResponse:
        """One StartOutboundChatContact call: the caller has passed `outbound_starts`.

        As with `start_chat`: of different contacts if concurrent, and never cancelled and
        forgotten. Experimental: never run against Amazon.
        """
        call = self._carry(self.api.start_outbound_chat, calls.start_outbound_chat, request)
        return await self._once(self.outbound_starts, call)

    async def describe(
        self, instance_id: str, contact_id: str, turn: Turn = CAN_WAIT
    ) -> Mapping[str, Any]:
        """DescribeContact, which changes nothing, neither concurrent nor cancelled."""
        return await self._paced(
            self._describes,
            lambda: self._carry(
                self.api.describe_contact, calls.describe_contact, instance_id, contact_id
            ),
            turn,
        )

    async def search(
        self,
        instance_id: str,
        *,
        since: datetime,
        until: datetime,
        methods: Sequence[str],
        page: str | None = None,
    ) -> Mapping[str, Any]:
        """SearchContacts as of `ConnectApi`: changes nothing, neither concurrent nor cancelled."""
        return await self._paced(
            self._searches,
            lambda: self._carry(
                self.api.search_contacts,
                calls.search_contacts,
                instance_id,
                since=since,
                until=until,
                methods=methods,
                page=page,
            ),
            _QUIET,
        )

    async def transcript_places(self, instance_id: str) -> list[tuple[str, str]]:
        """ListInstanceStorageConfigs, which changes nothing, neither concurrent nor cancelled."""
        return await self._paced(
            self._storage_lists,
            lambda: self._carry(self.api.transcript_places, calls.transcript_places, instance_id),
            _QUIET,
        )

    async def stop(self, instance_id: str, contact_id: str) -> None:
        """StopContact; fine if the chat is over already.

        Concurrent calls for one chat end it once. Cancelled, the chat may be stopped or not.
        """
        try:
            await self._paced(
                self._stops,
                lambda: self._carry(
                    self.api.stop_contact, calls.stop_contact, instance_id, contact_id
                ),
            )
        except ChatEndedError:
            return

    async def close(
        self, instance_id: str, contact_id: str, connection: Connection, *, stop: bool
    ) -> None:
        """End a chat: by StopContact if wanted and permitted, else by leaving it.

        Concurrent calls for one chat end it once. Cancelled, the chat may be over or not; a second
        call makes sure.
        """
        if stop and self._may_stop:
            try:
                await self.stop(instance_id, contact_id)
            except AccessDeniedError:
                self._may_stop = False
            else:
                return
        await self._leave(connection)

    async def connect(self, participant_token: SecretStr, turn: Turn = _JOINING) -> Connection:
        """CreateParticipantConnection.

        Concurrent calls give a connection each, of which Amazon keeps the newest. Cancelled, one
        may have been made that nobody uses.
        """
        return await self._paced(
            self._connections,
            lambda: self._carry(
                self.api.connect_participant, calls.connect_participant, participant_token
            ),
            turn,
        )

    async def say(self, connection: Connection, text: str, *, client_token: str) -> datetime | None:
        """SendMessage; when that was, by Amazon's time, if it tells.

        Concurrent calls with one token say the message once. Cancelled, it may be said or not; the
        same token again says nothing twice.
        """
        return await self._paced(
            self._messages,
            lambda: self._carry(
                self.api.send_message,
                calls.send_message,
                connection.token,
                text,
                client_token=client_token,
            ),
        )

    async def read(
        self, connection: Connection, after: str | None, turn: Turn = _LIVE, *, contact_id: str
    ) -> Page:
        """GetTranscript, all pages from an item on as one.

        It changes nothing, so it may run concurrently; cancelled, it gives no page at all. A
        transcript that has no end is cut off, and says so as something odd.
        """
        page = await self._read_page(connection, after, None, turn, contact_id)
        items, odd, count = [*page.items], [*page.odd], 1
        while page.following and count < MOST_PAGES:
            page = await self._read_page(connection, after, page.following, turn, contact_id)
            items, odd, count = [*items, *page.items], [*odd, *page.odd], count + 1
        if page.following:
            odd.append(Odd(f"more than {MOST_PAGES} pages"))
        return Page(items=items, odd=odd)

    async def _read_page(
        self,
        connection: Connection,
        after: str | None,
        page: str | None,
        turn: Turn,
        contact_id: str,
    ) -> Page:
        return await self._paced(
            self._transcripts,
            lambda: self._carry(
                self.api.read_transcript,
                calls.read_transcript,
                connection.token,
                contact_id=contact_id,
                after=after,
                page=page,
            ),
            turn,
        )

    async def _leave(self, connection: Connection) -> None:
        try:
            await self._paced(
                self._disconnects,
                lambda: self._carry(
                    self.api.disconnect_participant,
                    calls.disconnect_participant,
                    connection.token,
                ),
            )
        except ChatEndedError:
            return

    async def _once(self, limiter: RateLimiter, call: Awaitable[Result]) -> Result:
        called_at = self._clock.monotonic()
        try:
            return await call
        except ThrottledError:
            limiter.throttled(called_at)
            raise

    async def _paced(
        self, limiter: RateLimiter, call: Callable[[], Awaitable[Result]], turn: Turn = CAN_WAIT
    ) -> Result:
        """Make a call that may be repeated freely, until it works or the policy gives up."""
        began, attempt = self._clock.monotonic(), 0
        while True:
            await limiter.acquire(turn)
            called_at = self._clock.monotonic()
            try:
                return await call()
            except ThrottledError:
                limiter.throttled(called_at)
            except (OutcomeUnknownError, RetryableError) as error:
                attempt += 1
                await self._back_off(error, attempt, began)

    async def _back_off(self, error: AmazonError, attempt: int, began: float) -> None:
        wait = self._policy.next_wait(
            attempt=attempt,
            elapsed_seconds=self._clock.monotonic() - began,
            random=self._random,
        )
        if wait is None:
            raise error
        await self._clock.sleep(wait)

    async def _carry(
        self,
        method: Callable[Arguments, Result],
        description: Callable[Arguments, Call[Result]],
        *args: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Result:
        """Make a call without a thread where that can be, else by the client's method in one."""
        lean = self.api.lean_for(method)
        if lean is not None:
            return await lean.carry(description(*args, **named))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(method, *args, **named))
