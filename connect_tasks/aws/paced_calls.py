"""Amazon's calls at the pace that the quotas allow, and again when that is worth it."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any, Literal, TypeVar

from pydantic import SecretStr

from connect_tasks.aws.client import ConnectApi
from connect_tasks.aws.idempotency import message_token
from connect_tasks.aws.models import StartChatContactResponse
from connect_tasks.aws.pacing.clock import Clock
from connect_tasks.aws.pacing.rate_limiter import Buy, RateGate
from connect_tasks.aws.quotas import Quotas
from connect_tasks.aws.retry import RandomSource, RetryPolicy
from connect_tasks.chat.dialogue import Say
from connect_tasks.chat.protocol import Connection, Item
from connect_tasks.errors import (
    AccessDeniedError,
    AmazonError,
    ChatEndedError,
    OutcomeUnknownError,
    RetryableError,
    ThrottledError,
)

__all__ = ["Chat", "PacedCalls"]

Result = TypeVar("Result")


class PacedCalls:
    """Every call of a campaign but the retrying of starts, which the pipeline owns.

    Args:
        api: Makes the calls.
        quotas: The pace of each.
        policy: How often a failed call is repeated.
        buy: Buys lots of calls from what all workers may make.
        buy_starts: The same for starts, where a permit of the user's own is needed too.
        executor: The threads that the calls run on.
        clock: Tells the time and waits.
        random: Where the jitter of waits comes from.
    """

    def __init__(
        self,
        api: ConnectApi,
        quotas: Quotas,
        policy: RetryPolicy,
        *,
        buy: Buy,
        buy_starts: Buy | None = None,
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

        self._gates: list[RateGate] = []

        def gate(api_name: str, buy: Buy = buy) -> RateGate:
            rate, burst = quotas.rate_of(api_name)
            self._gates.append(RateGate(api_name, rate, burst, buy=buy, clock=clock))
            return self._gates[-1]

        self.starts = gate("StartChatContact", buy_starts or buy)
        self._stops = gate("StopContact")
        self._describes = gate("DescribeContact")
        self._connections = gate("CreateParticipantConnection")
        self._messages = gate("SendMessage")
        self._transcripts = gate("GetTranscript")
        self._disconnects = gate("DisconnectParticipant")

    @property
    def waiting(self) -> dict[str, int]:
        """How many calls of each API wait for their turn."""
        return {gate.api: gate.waiting for gate in self._gates}

    async def hand_back(self) -> None:
        """Give back the calls that were bought and not made."""
        for gate in self._gates:
            await gate.hand_back()

    async def start_chat(self, request: str) -> StartChatContactResponse:
        """One StartChatContact call, now and once: the caller has passed `starts`."""
        called_at = self._clock.monotonic()
        try:
            response = await self._in_thread(lambda: self.api.start_chat(request))
        except ThrottledError:
            self.starts.throttled(called_at)
            raise
        self.starts.succeeded()
        return response

    async def describe(self, instance_id: str, contact_id: str) -> Mapping[str, Any]:
        """DescribeContact."""
        return await self._paced(
            self._describes, lambda: self.api.describe_contact(instance_id, contact_id)
        )

    async def stop(self, instance_id: str, contact_id: str) -> None:
        """StopContact; fine if the chat is over already."""
        try:
            await self._paced(self._stops, lambda: self.api.stop_contact(instance_id, contact_id))
        except ChatEndedError:
            return

    async def close(
        self, instance_id: str, contact_id: str, connection: Connection, *, stop: bool
    ) -> None:
        """End a chat: by StopContact if wanted and permitted, else by leaving it."""
        if stop and self._may_stop:
            try:
                await self.stop(instance_id, contact_id)
            except AccessDeniedError:
                self._may_stop = False
            else:
                return
        await self._leave(connection)

    async def connect(self, participant_token: SecretStr) -> Connection:
        """CreateParticipantConnection."""
        return await self._paced(
            self._connections, lambda: self.api.connect_participant(participant_token)
        )

    async def say(self, connection: Connection, text: str, *, client_token: str) -> None:
        """SendMessage."""
        await self._paced(
            self._messages,
            lambda: self.api.send_message(connection.token, text, client_token=client_token),
        )

    async def read(self, connection: Connection, after: str | None) -> list[Item]:
        """GetTranscript, all pages from an item on."""
        items, page = await self._read_page(connection, after, None)
        while page:
            more, page = await self._read_page(connection, after, page)
            items += more
        return items

    async def _read_page(
        self, connection: Connection, after: str | None, page: str | None
    ) -> tuple[list[Item], str | None]:
        return await self._paced(
            self._transcripts,
            lambda: self.api.read_transcript(connection.token, after=after, page=page),
        )

    async def _leave(self, connection: Connection) -> None:
        try:
            await self._paced(
                self._disconnects, lambda: self.api.disconnect_participant(connection.token)
            )
        except ChatEndedError:
            return

    async def _paced(self, gate: RateGate, call: Callable[[], Result]) -> Result:
        """Make a call that may be repeated freely, until it works or the policy gives up."""
        began, attempt = self._clock.monotonic(), 0
        while True:
            await gate.pass_through()
            called_at = self._clock.monotonic()
            try:
                result = await self._in_thread(call)
            except ThrottledError:
                gate.throttled(called_at)
            except (OutcomeUnknownError, RetryableError) as error:
                attempt += 1
                await self._back_off(error, attempt, began)
            else:
                gate.succeeded()
                return result

    async def _back_off(self, error: AmazonError, attempt: int, began: float) -> None:
        wait = self._policy.next_wait(
            attempt=attempt,
            elapsed_seconds=self._clock.monotonic() - began,
            random=self._random,
        )
        if wait is None:
            raise error
        await self._clock.sleep(wait)

    async def _in_thread(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)


class Chat:
    """The participant calls of one chat; what `ChatSession` needs.

    Args:
        calls: Makes the calls.
        participant_token: The bearer token that the start returned.
        instance_id: Where the chat is.
        contact_id: Which chat it is.
        client_token: Of the contact; each message's own token follows from it.
        close: How a chat is closed.
    """

    def __init__(
        self,
        calls: PacedCalls,
        participant_token: SecretStr,
        *,
        instance_id: str,
        contact_id: str,
        client_token: str,
        close: Literal["stop", "disconnect", "leave_open"],
    ) -> None:
        self._calls = calls
        self._participant_token = participant_token
        self._instance_id = instance_id
        self._contact_id = contact_id
        self._client_token = client_token
        self._close = close

    async def connect(self) -> Connection:
        """Get a connection for the participant."""
        return await self._calls.connect(self._participant_token)

    async def say(self, connection: Connection, message: Say) -> None:
        """Send a message of ours; after a crash, the same one is not sent twice."""
        token = message_token(self._client_token, message.number)
        await self._calls.say(connection, message.text, client_token=token)

    async def read(self, connection: Connection, after: str | None) -> list[Item]:
        """Read the transcript from an item on."""
        return await self._calls.read(connection, after)

    async def close(self, connection: Connection) -> None:
        """End the chat."""
        stop = self._close == "stop"
        await self._calls.close(self._instance_id, self._contact_id, connection, stop=stop)
