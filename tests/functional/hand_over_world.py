"""A campaign that hands its chats over, and people who take them up at a local Amazon Connect."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from websockets.sync.client import connect
from websockets.sync.connection import Connection

from connect_tasks.aws.client import ClientOptions
from connect_tasks.aws.instance import Instance
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.hand_over.started_chat import CHAT_MINUTES, HandOver, StartedChat
from connect_tasks.campaign.planning import Plan, plan_campaign
from connect_tasks.campaign.run import run_campaign
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.store import Ledger
from tests.functional.world import CAMPAIGN, FAST, World, session

__all__ = ["App", "HandOverWorld", "hand_over_world", "join"]

SUBSCRIBE = json.dumps({"topic": "aws/subscribe", "content": {"topics": ["aws/chat"]}})


class App:
    """The company's app: remembers which chats it was given, whatever else it does."""

    def __init__(self, then: Callable[[StartedChat], object] = lambda _: None) -> None:
        self._then = then
        self._lock = threading.Lock()
        self.chats: list[StartedChat] = []

    def __call__(self, chat: StartedChat) -> object:
        with self._lock:
            self.chats.append(chat)
        return self._then(chat)

    @property
    def given(self) -> Counter[str]:
        """How often each customer's chat was given."""
        with self._lock:
            return Counter(chat.customer_id for chat in self.chats)


@dataclass
class HandOverWorld(World):
    """One ledger and one local instance, and a campaign whose customers speak."""

    connect_window: timedelta = timedelta(minutes=5)
    options: Mapping[str, Any] = field(default_factory=dict)

    def plan(self, rows: Sequence[Mapping[str, Any]]) -> Plan:
        now = datetime.now(UTC)
        renderer = self.template.bind(
            instance_id=self.local.instance_id,
            contact_flow_id=self.contact_flow_id or self.local.flow_id,
            chat_minutes=CHAT_MINUTES,
        )
        mode = CampaignMode.HAND_OVER
        self.ledger.open_campaign(CAMPAIGN, self.local.instance_id, now=now, mode=mode)
        return plan_campaign(self.ledger, CAMPAIGN, [rows], renderer, now=now)

    def instance(self) -> Instance:
        parameters = {"endpoint_url": self.local.endpoint_url}
        options = ClientOptions(
            parameters=parameters, read_timeout_seconds=self.read_timeout_seconds
        )
        quotas = self.quotas.model_copy(update={"connect_window": self.connect_window})
        api = self.api_class(self.make_session, options)
        return Instance(api=api, quotas=quotas, policy=self.policy)

    def hand_over(
        self,
        function: HandOver | str,
        *,
        ledger: Ledger | None = None,
        report: Callable[[Funnel], None] = lambda _: None,
        **options: Any,
    ) -> Funnel:
        return run_campaign(
            ledger or self.ledger,
            CAMPAIGN,
            self.instance(),
            hand_over=function,
            on_progress=report,
            poll_seconds=0.02,
            **{**self.options, **options},
        )

    def rows(self) -> dict[str, dict[str, Any]]:
        """The contacts by customer."""
        return {row["customer_id"]: row for row in self.contacts()}

    def ended(self) -> dict[str, str | None]:
        """Why each chat ended, as Amazon has it; None while it goes on."""
        return {str(one.customer_id): one.disconnect_reason for one in self.local.contacts}


@contextmanager
def join(world: World, participant_token: str) -> Iterator[Connection]:
    """Be the customer whom this token was given to, over a real socket."""
    participant = session().client("connectparticipant", endpoint_url=world.local.endpoint_url)
    answer = participant.create_participant_connection(
        Type=["WEBSOCKET", "CONNECTION_CREDENTIALS"],
        ParticipantToken=participant_token,
    )
    with connect(answer["Websocket"]["Url"], compression=None) as socket:
        socket.send(SUBSCRIBE)
        socket.recv(timeout=10)
        yield socket


@contextmanager
def hand_over_world(
    folder: Path, *, ledger_url: str | None = None, **local: Any
) -> Iterator[HandOverWorld]:
    local = {"flow": "survey", "quotas": LocalQuotas.unlimited(), **local}
    url = ledger_url or f"sqlite:///{folder / 'ledger.db'}"
    with LocalConnect(**local) as amazon, Ledger(url) as ledger:
        yield HandOverWorld(amazon, ledger)


def with_slots(count: int) -> Any:
    """Quotas of an instance with so many open chats."""
    return FAST.model_copy(update={"open_chats": count})
