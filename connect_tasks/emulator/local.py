"""The local Amazon Connect as an object: starts a server in this process, and lets one look in."""

import logging
import math
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Self

from connect_tasks.emulator.faults.plan import Fault, FaultPlan
from connect_tasks.emulator.flows.checking.check import check
from connect_tasks.emulator.flows.exported.document import Flow
from connect_tasks.emulator.flows.python_functions import PythonFunctions
from connect_tasks.emulator.flows.steps import Invoke
from connect_tasks.emulator.flows.world.reading import read_together
from connect_tasks.emulator.flows.world.world import FunctionAnswer, World
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.identity import INSTANCE_ID
from connect_tasks.emulator.instance.installed_flows import InstalledFlows
from connect_tasks.emulator.instance.record import ContactRecord
from connect_tasks.emulator.limits import LocalLimits
from connect_tasks.emulator.phones.settings import LocalPhones
from connect_tasks.emulator.quotas import LocalQuotas
from connect_tasks.emulator.server.background import Background
from connect_tasks.emulator.server.ticker import steady_clock
from connect_tasks.emulator.server.topics import Topics
from connect_tasks.emulator.server.transports import Transports, listen
from connect_tasks.emulator.server.visitors import is_host_local, url_host
from connect_tasks.emulator.server.wire import Wire
from connect_tasks.emulator.service import Service
from connect_tasks.emulator.state import InstanceState
from connect_tasks.emulator.transcript_storage import TranscriptStorage

if TYPE_CHECKING:
    from connect_tasks.aws.quotas import Quotas
    from connect_tasks.blocks import AmazonConnectInstance

__all__ = ["LocalConnect"]

_log = logging.getLogger(__name__)
_HOST = "127.0.0.1"
_REGION = "us-east-1"
_STORAGE = TranscriptStorage()


class LocalConnect:
    """An Amazon Connect instance on this machine, for as long as the `with` block lasts.

    It serves the chat operations of `connect` and `connectparticipant`, the participant's web
    socket, and the S3 bucket of the transcripts, on one port of 127.0.0.1. It runs in a thread of
    its own, so it also works where an event loop is already running, as in a notebook. What it
    knows stays readable after a stop.

    Args:
        seed: What ids, tokens and times of thought follow from, never the wall time; by default
            that of `state_dir`, else 0.
        port: The port; 0 takes a free one.
        host: What it listens on. Anything but this machine's own loopback lets others in: whoever
            reaches it can start, read and end chats.
        flow: Name of the flow that is meant unless another is named; by default the first of the
            files, or `survey` where there are none.
        flow_files: Contact flows as they are exported, by file; contacts can start with each.
        world: The file of what stands around them: queues, hours, bots, functions, other flows.
            Python functions that it names run when a flow invokes them, and not before.
        quotas: What is enforced; by default what AWS documents for a new account.
        think_seconds: Least and most seconds before each utterance of a flow.
        connect_window_seconds: How long a new chat waits for its customer.
        answer_seconds: How long a flow waits for the customer's next message before it ends the
            chat, as a Lex bot and the block Wait do; for ever if None.
        now: The clock, in UTC; by default the machine's.
        clock_factor: How many times as fast as the machine's its clock runs: everything that it
            waits for, counts or lets expire. A clock of your own goes as it goes.
        faults: What goes wrong; `read_faults` reads it from a file.
        limits: What is borne from one client.
        state_dir: A folder that remembers the instance, so that another process that is given it
            goes on: the same ids and tokens, open chats are open, what has ended stays ended. It
            holds what StartChatContact was given of open chats, no transcripts and no tokens.
            Without one, all is forgotten with the object.
        sns: The URL of the endpoint of each SNS topic that chats are streamed to, by its ARN. What
            is streamed to others nobody hears.
        receipts: Whether the other side confirms each message of the customer as delivered and
            read, as the workspace of an agent does.
        phones: The phones that StartOutboundChatContact reaches, and what they write back; by
            default all of them answer. Experimental: never compared with Amazon.
        log_requests: One line for each request in the log `connect_tasks.emulator.server
            .request_log`: operation, status, milliseconds.
        storage: The S3 bucket that transcripts of ended contacts are kept in; with None the
            instance has none. Transcripts of contacts before a restart are not kept.

    Raises:
        ValueError: There is no flow of this name, a flow's or the world's file is not one (all that
            is wrong with them is said at once), the factor is not above 0, a topic's ARN or URL is
            none, or `state_dir` was made with another seed or holds something else.
        OSError: `state_dir` cannot be read or written.

    Example:
        ```python
        with LocalConnect(flow="echo") as local:
            connect = boto3.client("connect", endpoint_url=local.endpoint_url)
        ```
    """

    def __init__(  # noqa: PLR0913 - settings, each with a default of its own
        self,
        *,
        seed: int | None = None,
        port: int = 0,
        host: str = _HOST,
        flow: str | None = None,
        flow_files: Sequence[Path | str] = (),
        world: Path | str | None = None,
        quotas: LocalQuotas | None = None,
        think_seconds: tuple[float, float] = (0, 0),
        connect_window_seconds: float = 300,
        answer_seconds: float | None = None,
        now: Callable[[], datetime] | None = None,
        clock_factor: float = 1,
        faults: Sequence[Fault] = (),
        limits: LocalLimits | None = None,
        state_dir: Path | str | None = None,
        storage: TranscriptStorage | None = _STORAGE,
        log_requests: bool = False,
        sns: Mapping[str, str] = MappingProxyType({}),
        receipts: bool = False,
        phones: LocalPhones | None = None,
    ) -> None:
        flows = _installed(flow_files, world)
        self.flow = _chosen(flow, flows)
        self.world_file = None if world is None else Path(world)
        self.quotas = quotas or LocalQuotas()
        limits = limits or LocalLimits()
        if not 0 < clock_factor < math.inf:
            raise ValueError(f"clock_factor must be above 0, not {clock_factor}.")
        self._host = host
        self._port = port
        self._clock_factor = clock_factor
        self._connect_window_seconds = connect_window_seconds
        self._has_foreign_clock = now is not None
        clock = now or steady_clock(clock_factor)
        state = InstanceState(Path(state_dir) if state_dir is not None else None, seed)
        remembered = state.read()
        self._backend = Backend(
            now=clock,
            seed=state.seed,
            open_chats=self.quotas.open_chats,
            think_seconds=think_seconds,
            connect_window_seconds=connect_window_seconds,
            answer_seconds=answer_seconds,
            remembered=remembered.ended,
            note=state.add,
            storage=storage,
            flows=flows,
            call=self._call,
            ended_contacts=limits.ended_contacts,
        )
        self._functions = PythonFunctions()
        self._topics = Topics(sns, clock)
        self._service = Service(
            self._backend,
            self.quotas,
            lambda: clock().timestamp(),
            publish=self._topics.publish,
            receipts=receipts,
            phones=phones,
        )
        self._backend.take_up(remembered.started, remembered.issued)
        self._lock = threading.Lock()
        self._transports = Transports()
        self._wire = Wire(
            self._backend,
            self._service,
            FaultPlan(faults, state.seed),
            lock=self._lock,
            transports=self._transports,
            limits=limits,
            any_host=not is_host_local(host),
            log_requests=log_requests,
            flow_id=self.flow_id,
        )
        self._background: Background | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = self.endpoint_url if self._background else "stopped"
        return f"<LocalConnect {state}, {len(self._backend.chats)} contacts>"

    @property
    def endpoint_url(self) -> str:
        """The URL of all its services.

        Raises:
            RuntimeError: It has never been started, so there is no port yet.
        """
        if self._port == 0:
            raise RuntimeError("The local Amazon Connect has not been started.")
        return f"http://{url_host(self._host)}:{self._port}"

    @property
    def instance_id(self) -> str:
        """The instance's id, the same in every process."""
        return self._backend.instance_id

    @property
    def instance_arn(self) -> str:
        """The instance's ARN."""
        return self._backend.instance_arn

    @property
    def flow_id(self) -> str:
        """The id of the flow that is meant unless another is named."""
        return self.flow_ids[self.flow]

    @property
    def flow_ids(self) -> Mapping[str, str]:
        """The id of each flow, by its name."""
        return MappingProxyType(self._backend.flow_ids)

    @property
    def exported(self) -> Mapping[str, Flow]:
        """The flows that were exported and that contacts can start with, by their names."""
        return MappingProxyType(self._backend.flows.exported)

    @property
    def world(self) -> World:
        """What stands around them; it has each of them by its ARN here."""
        return self._backend.flows.world

    def flow_arn(self, name: str) -> str:
        """The ARN of a flow, by its name."""
        return self._backend.flow_arn(name)

    @property
    def contacts(self) -> list[ContactRecord]:
        """Every contact as it is now, in order of their start."""
        with self._lock:
            return [chat.record() for chat in self._backend.chats.values()]

    @property
    def calls(self) -> Counter[str]:
        """How many requests arrived, by operation, refused and failed ones included."""
        with self._lock:
            return Counter(self._service.calls)

    @property
    def refusals(self) -> Counter[tuple[str, str]]:
        """How many requests were refused by the rules, by operation and error code."""
        with self._lock:
            return Counter(self._service.refusals)

    @property
    def injected(self) -> Counter[tuple[str, str]]:
        """How many faults were injected, by operation and kind."""
        with self._lock:
            return Counter(self._wire.injected)

    @property
    def issued_tokens(self) -> list[str]:
        """Every participant token, connection token and socket URL that was handed out."""
        with self._lock:
            return list(self._backend.connections.issued)

    def instance(
        self, flow: str | None = None, quotas: "Quotas | None" = None
    ) -> "AmazonConnectInstance":
        """This instance as the block that campaigns take.

        Args:
            flow: Name of the flow that receives the chats; the instance's own if None.
            quotas: The pace to keep; what the instance enforces if None.

        Example:
            ```python
            with LocalConnect() as local:
                print(local.instance().check_connection())
            ```
        """
        from connect_tasks.emulator.block import make_block

        return make_block(
            instance_id=self.instance_id,
            flow_arn=self.flow_arn(flow or self.flow),
            endpoint_url=self.endpoint_url,
            enforced=self.quotas,
            connect_window_seconds=self._connect_window_seconds,
            quotas=quotas,
        )

    def expire_credentials(self, access_key: str) -> None:
        """From now on refuse what is signed with this access key, as Amazon does an expired one.

        Example:
            ```python
            with LocalConnect() as local:
                local.expire_credentials("local")
            ```
        """
        with self._lock:
            self._service.expired_keys.add(access_key)

    def ask_to_sign_in(self, contact_id: str) -> str:
        """Ask a chat's customer to sign in, as the block "Authenticate Customer" does.

        Returns:
            The id of the session, which the customer's client gets with the event
            `authentication.initiated`. Each call asks anew.

        Raises:
            KeyError: There is no open chat of this id.

        Example:
            ```python
            with LocalConnect() as local:
                for contact in local.contacts:
                    local.ask_to_sign_in(contact.contact_id)
            ```
        """
        with self._lock:
            chat = self._backend.chats[contact_id].latest
            if not chat.is_open:
                raise KeyError(contact_id)
            return self._service.sign_ins.ask(chat)

    def environment(self) -> dict[str, str]:
        """The environment variables that point AWS clients of another process here."""
        return {
            "AWS_ENDPOINT_URL_CONNECT": self.endpoint_url,
            "AWS_ENDPOINT_URL_CONNECTPARTICIPANT": self.endpoint_url,
            "AWS_ENDPOINT_URL_S3": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": _REGION,
            "AWS_DEFAULT_REGION": _REGION,
        }

    def _call(self, step: Invoke, done: Callable[[FunctionAnswer], None]) -> None:
        """Call a function in its own thread; its answer is taken in by the schedule."""

        def answered(answer: FunctionAnswer) -> None:
            with self._lock:
                self._backend.schedule.after(0, partial(done, answer))

        self._functions.begin(step, answered)

    def start(self) -> Self:
        """Begin to serve; a second call does nothing. After a stop, on the same port again.

        Raises:
            OSError: The port is taken, or the host is not this machine's.
        """
        if self._background is None:
            listener = listen(self._host, self._port)
            self._port = listener.getsockname()[1]
            self._backend.connections.socket_base = f"ws://{url_host(self._host)}:{self._port}"
            self._background = Background(
                self._wire.config(),
                self._backend.schedule,
                lock=self._lock,
                transports=self._transports,
                has_foreign_clock=self._has_foreign_clock,
                clock_factor=self._clock_factor,
            )
            self._background.start(listener)
        return self

    def stop(self) -> None:
        """Stop serving and cut whatever is still open; a second call does nothing."""
        background, self._background = self._background, None
        if background is not None:
            background.stop()
            self._topics.stop()


def _installed(files: Sequence[Path | str], world: Path | str | None) -> InstalledFlows:
    """The flows of the files; what they name and nothing here has is logged."""
    given = Path(world) if world is not None else None
    flows, around = read_together([Path(file) for file in files], given)
    installed = InstalledFlows(INSTANCE_ID, files=flows, world=around)
    # Flows that are installed side by side can lead to each other.
    found = [problem for flow in flows for problem in check(flow, installed.world)]
    for problem in dict.fromkeys(map(str, found)):
        _log.warning("%s", problem)
    return installed


def _chosen(flow: str | None, flows: InstalledFlows) -> str:
    name = flow or next(iter(flows.exported), "survey")
    if name not in flows.ids:
        raise ValueError(f"There is no flow {name!r}; there are {', '.join(sorted(flows.ids))}.")
    return name
