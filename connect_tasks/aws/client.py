"""The client: the one place that makes boto3's clients, and one method a call.

boto3's own retries are off. They would repeat a call for which no chat slot is free, and burn
the account's rate doing so (ADR 0003).
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar
from urllib.request import getproxies
from weakref import WeakKeyDictionary

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from pydantic import SecretStr

from connect_tasks import errors
from connect_tasks.aws import calls
from connect_tasks.aws.calls import Call, Carrier
from connect_tasks.aws.clients import Clients, call_by
from connect_tasks.aws.error_table import FOREIGN, MAKE_CLIENT, translate
from connect_tasks.aws.models import StartChatContactResponse
from connect_tasks.aws.outbound_models import StartOutboundChatContactResponse
from connect_tasks.aws.proxies import check_proxies, proxies_for
from connect_tasks.aws.quiet_logs import quieten_boto
from connect_tasks.aws.transcript import Connection, Page
from connect_tasks.aws.whole_answers import insist_on_whole_answers

__all__ = ["ClientOptions", "ConnectApi", "make_client"]

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """How clients are made.

    Args:
        parameters: Keyword arguments of boto3's `Session.client`, such as `endpoint_url`.
        connect_timeout_seconds: How long to wait for a connection.
        read_timeout_seconds: How long to wait for an answer. A call that times out may have
            taken effect.
        connections: The most calls at one time.
        transport: What carries the calls of a campaign: `lean` sends what boto3 would send, and
            takes its answers as boto3 does, without threads; `boto3` leaves it all to boto3. What
            the lean one does not know, such as a proxy, goes by boto3 in any case.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    connect_timeout_seconds: float = 5
    read_timeout_seconds: float = 15
    connections: int = 16
    transport: Literal["lean", "boto3"] = "lean"

    def config(self, **more: Any) -> Config:
        """The botocore configuration: the caller's own, with what must not differ on top."""
        own = self.parameters.get("config") or Config()
        ours = {
            "connect_timeout": self.connect_timeout_seconds,
            "read_timeout": self.read_timeout_seconds,
            "max_pool_connections": self.connections,
            "retries": {"total_max_attempts": 1},
            **more,
        }
        return own.merge(Config(**ours))


class ConnectApi:
    """Amazon Connect's calls as this package needs them: one try each, our errors, no waiting.

    Safe to use from many threads. When Amazon says that credentials expired, a new session and
    clients are made once and the call repeated (the first had no effect).

    Args:
        make_session: Makes a boto3 session; called again when credentials expired. boto3's
            default chain if None.
        options: How clients are made.

    Example:
        ```python
        from connect_tasks.aws.client import ConnectApi

        ConnectApi().describe_contact(instance_id="…", contact_id="…")
        ```
    """

    def __init__(
        self,
        make_session: Callable[[], boto3.Session] | None = None,
        options: ClientOptions | None = None,
    ) -> None:
        self._make_session = make_session or boto3.Session
        self._options = options or ClientOptions()
        self._lock = threading.Lock()
        self._clients: Clients | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # In another process it makes clients of its own: boto3's do not travel.
        return type(self), (self._make_session, self._options)

    @property
    def made_of(self) -> tuple[Callable[[], boto3.Session], ClientOptions]:
        """Who calls, and how: what a client of another service is made of."""
        return self._make_session, self._options

    def make_clients(self) -> None:
        """Make the clients now; otherwise the first call does, and others wait for it.

        Raises:
            CredentialsError: There is no Region, no such profile, or the role is refused.
        """
        self.current(expired=None)

    def participant_endpoint(self) -> str:
        """Where participants' own calls go, as a URL: what a person's browser has to be told.

        Raises:
            CredentialsError: There is no Region, no such profile, or the role is refused.
        """
        return str(self.current(expired=None).participant.meta.endpoint_url)

    def start_chat(self, request: str) -> StartChatContactResponse:
        """StartChatContact with these bytes; they hold the client token.

        Args:
            request: The request as JSON with Amazon's names, `ClientToken` included.
        """
        return self._call(calls.start_chat(request))

    def start_outbound_chat(self, request: str) -> StartOutboundChatContactResponse:
        """StartOutboundChatContact with these bytes; they hold the client token.

        A second call with the same token within 7 days gives the same contact. Experimental: never
        run against Amazon.

        Args:
            request: The request as JSON with Amazon's names, `ClientToken` included.
        """
        return self._call(calls.start_outbound_chat(request))

    def stop_contact(self, instance_id: str, contact_id: str) -> None:
        """StopContact: end a chat in whatever state it is."""
        self._call(calls.stop_contact(instance_id, contact_id))

    def describe_contact(self, instance_id: str, contact_id: str) -> Mapping[str, Any]:
        """DescribeContact: Amazon's own record of a contact, with Amazon's names."""
        return self._call(calls.describe_contact(instance_id, contact_id))

    def search_contacts(
        self,
        instance_id: str,
        *,
        since: datetime,
        until: datetime,
        methods: Sequence[str],
        page: str | None = None,
    ) -> Mapping[str, Any]:
        """SearchContacts: a hundred chats of the instance that began in some way in some time.

        Args:
            instance_id: Whose chats.
            since: The earliest time at which they began.
            until: The latest.
            methods: How they began, by Amazon's names.
            page: The token of a further page.

        Returns:
            The answer with Amazon's names: `Contacts`, and `NextToken` if there are more.
        """
        return self._call(
            calls.search_contacts(instance_id, since=since, until=until, methods=methods, page=page)
        )

    def transcript_places(self, instance_id: str) -> list[tuple[str, str]]:
        """ListInstanceStorageConfigs: where in S3 the instance keeps what was said in chats.

        Returns:
            Bucket and prefix of each place; none if transcripts are not kept.
        """
        return self._call(calls.transcript_places(instance_id))

    def connect_participant(self, participant_token: SecretStr) -> Connection:
        """CreateParticipantConnection: a connection token and a socket URL good for 100 s."""
        return self._call(calls.connect_participant(participant_token))

    def send_message(
        self, connection_token: SecretStr, text: str, *, client_token: str
    ) -> datetime | None:
        """SendMessage as plain text; the same client token again sends nothing twice.

        Returns:
            When that was, by Amazon's time, which orders it among what others say; None if the
            answer does not tell.
        """
        return self._call(calls.send_message(connection_token, text, client_token=client_token))

    def read_transcript(
        self,
        connection_token: SecretStr,
        *,
        contact_id: str,
        after: str | None = None,
        page: str | None = None,
    ) -> Page:
        """GetTranscript, oldest first: one page of at most 100 items.

        Args:
            connection_token: The participant's.
            contact_id: Whose chat it is; another contact's items are passed over.
            after: Start at this item (it comes again); None for the beginning.
            page: The token of a further page.
        """
        return self._call(
            calls.read_transcript(connection_token, contact_id=contact_id, after=after, page=page)
        )

    def disconnect_participant(self, connection_token: SecretStr) -> None:
        """DisconnectParticipant: the customer leaves the chat."""
        self._call(calls.disconnect_participant(connection_token))

    @asynccontextmanager
    async def connected(self, executor: Executor) -> AsyncIterator[None]:
        """Let this event loop's calls go out without threads, while it is entered.

        At the end, calls that are under way are waited for, and connections closed; cancelled
        meanwhile, connections are cut. A concurrent one on the same loop changes nothing, nor does
        one where `ClientOptions.transport` says `boto3`.

        Args:
            executor: Where that is done which blocks: clients made, credentials refreshed, and
                calls made that only boto3 can make.
        """
        loop, (_, options) = asyncio.get_running_loop(), self.made_of
        if options.transport == "boto3" or loop in self._carriers:
            yield
            return
        from connect_tasks.aws.lean.carrier import LeanCarrier

        self._carriers[loop] = carrier = LeanCarrier(
            self.current,
            executor,
            connections=options.connections,
            connect_seconds=options.connect_timeout_seconds,
            read_seconds=options.read_timeout_seconds,
        )
        try:
            yield
        finally:
            del self._carriers[loop]
            await carrier.close()

    def lean_for(self, method: Callable[..., object]) -> Carrier | None:
        """What carries a call without a thread on this event loop, where something may.

        Args:
            method: The method of this client that would make the call. One of a subclass is
                called as it is: what it does more would be lost otherwise.
        """
        own = {getattr(each, "__module__", "") for each in (method, self._call)} == {__name__}
        return self._carriers.get(asyncio.get_running_loop()) if own else None

    @property
    def _carriers(self) -> WeakKeyDictionary[asyncio.AbstractEventLoop, Carrier]:
        # Made when it is asked for: a subclass that answers by itself may have its own `__init__`.
        kept: WeakKeyDictionary[asyncio.AbstractEventLoop, Carrier]
        kept = vars(self).setdefault("_carriers_of_loops", WeakKeyDictionary())
        return kept

    def _call(self, call: Call[Result]) -> Result:
        clients = self.current(expired=None)
        try:
            return call_by(clients, call)
        except errors.CredentialsError:
            return call_by(self.current(expired=clients), call)

    def current(self, *, expired: Clients | None) -> Clients:
        """The present clients, made now if there are none or if these have expired.

        Concurrent calls make one set of them.
        """
        with self._lock:
            if self._clients is None or self._clients is expired:
                self._clients = _make_clients(self._make_session, self._options)
            return self._clients


def _make_clients(make_session: Callable[[], boto3.Session], options: ClientOptions) -> Clients:
    quieten_boto()  # A role is assumed while the session is made.
    try:
        session = make_session()
        agent = _user_agent(session, options)
        # Bearer tokens are all the participant service wants; signing would need credentials.
        participant = make_client(
            session, "connectparticipant", options, signature_version=UNSIGNED, **agent
        )
        # Sockets are opened much later, and to a host that nobody knows yet, beside this one.
        check_proxies(participant.meta.endpoint_url.replace("http", "ws", 1))
        return Clients(make_client(session, "connect", options, **agent), participant)
    except FOREIGN as error:
        raise translate(MAKE_CLIENT, error) from error


def make_client(session: boto3.Session, service: str, options: ClientOptions, **config: Any) -> Any:
    """Make a client; the one place where that is done.

    Args:
        session: Whose credentials and Region it uses.
        service: The service, as boto3 names it.
        options: How clients are made.
        config: What its botocore configuration holds besides.

    Raises:
        Exception: Something of `error_table.FOREIGN`, such as botocore's `NoRegionError`.
        CampaignWideError: The environment names a proxy that boto3 cannot use.
    """
    quieten_boto()
    parameters = {name: value for name, value in options.parameters.items() if name != "config"}
    name: Any = service
    own = options.config(**config)
    client: Any = session.client(name, **parameters, config=own)
    if getattr(own, "proxies", None) is None and getproxies().keys() - {"no"}:
        # Only the client knows its endpoint, and it has taken whatever proxy the environment names.
        mended = own.merge(Config(proxies=proxies_for(client.meta.endpoint_url)))
        client = session.client(name, **parameters, config=mended)
    insist_on_whole_answers(client)
    return client


def _user_agent(session: boto3.Session, options: ClientOptions) -> dict[str, Any]:
    """The User-Agent that botocore would send, as a fixed text.

    botocore puts it together twice for each call, which is a seventh of the call's time; a text
    that is given is sent as it is.
    """
    made_of: Any = make_client(session, "connectparticipant", options).meta.config
    # The extra is in that text already.
    return {"user_agent": made_of.user_agent, "user_agent_extra": None}
