"""Links before a local Amazon Connect: the app on real sockets, as many servers as a test wants."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx
import sqlalchemy as sa
import uvicorn

from connect_tasks import ChatTemplate, Quotas
from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.campaign.links import KEYS_VARIABLE, InvitationKeys, token_hash
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.emulator import LocalConnect
from connect_tasks.invitations import invitation_app
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.issuing import Link
from connect_tasks.ledger.schema import contacts, invitations
from connect_tasks.ledger.store import Ledger
from connect_tasks.ledger.verdicts import Suppression
from tests.functional.world import FAST

__all__ = ["CAMPAIGN", "KEY", "LinksWorld", "Site", "plan_links", "serving"]

CAMPAIGN = "renewals"
KEY = "Hx0kJ2mQ7vLr5TnWc8YpZd3Fb6Gs9Ae1"
_PATIENCE_SECONDS = 30
# Made once: to read certificates for each press takes longer than its answer.
_http = httpx.Client(timeout=_PATIENCE_SECONDS, limits=httpx.Limits(max_keepalive_connections=0))


class Instance(Protocol):
    """Where chats are started, and with which flow."""

    @property
    def instance_id(self) -> str: ...

    @property
    def flow_id(self) -> str: ...


def plan_links(
    ledger: Ledger,
    local: Instance,
    customers: Sequence[str],
    *,
    campaign: str = CAMPAIGN,
    expires_after: timedelta = timedelta(days=30),
) -> dict[str, str]:
    """Plan customers by invitation, and issue their links; the tokens by customer."""
    now, keys = datetime.now(UTC), InvitationKeys(KEY)
    ledger.open_campaign(campaign, local.instance_id, now=now, mode=CampaignMode.INVITATION)
    renderer = ChatTemplate().bind(instance_id=local.instance_id, contact_flow_id=local.flow_id)
    rows = [{"customer_id": customer, "display_name": "Ada"} for customer in customers]
    plan_campaign(ledger, campaign, [rows], renderer, now=now)
    tokens = {customer: keys.token(campaign, customer) for customer in customers}
    links = [
        Link(
            customer_key=canonical_key(customer),
            token_hash=token_hash(token),
            key_id=keys.signing_id,
        )
        for customer, token in tokens.items()
    ]
    ledger.invitations.issue(
        campaign, links, key_ids=keys.ids, now=now, expires_after=expires_after
    )
    return tokens


@dataclass(frozen=True)
class Site:
    """One server of the app."""

    url: str
    server: uvicorn.Server

    def press(self, token: str, **request: Any) -> httpx.Response:
        return _http.post(f"{self.url}/i/{token}", **request)

    def get(self, path: str, **request: Any) -> httpx.Response:
        return _http.get(f"{self.url}{path}", **request)

    def press_at_once(self, tokens: Sequence[str]) -> list[httpx.Response]:
        with ThreadPoolExecutor(len(tokens)) as pool:
            return list(pool.map(self.press, tokens))


@contextmanager
def serving(app: Any, **options: Any) -> Iterator[Site]:
    """Serve an app by uvicorn in a thread of its own; ended as a signal ends it."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, **{"log_config": None, **options})
    server = uvicorn.Server(config)
    run = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    run.start()
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not server.started:
            assert run.is_alive(), "the app did not begin"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield Site(f"http://127.0.0.1:{listener.getsockname()[1]}", server)
    finally:
        server.should_exit = True
        run.join()
        listener.close()


@dataclass
class LinksWorld:
    """One ledger with links, and one local instance."""

    local: LocalConnect
    ledger: Ledger
    quotas: Quotas = FAST
    tokens: dict[str, str] = field(default_factory=dict)

    def invite(self, *customers: str, **options: Any) -> list[str]:
        found = plan_links(self.ledger, self.local, customers, **options)
        self.tokens |= found
        return [found[customer] for customer in customers]

    def app(self, **options: Any) -> Any:
        instance = self.local.instance(quotas=self.quotas)
        return invitation_app(**{"connect": instance, "ledger": self.ledger.url, **options})

    @contextmanager
    def site(self, **options: Any) -> Iterator[Site]:
        with serving(self.app(**options)) as site:
            yield site

    def contacts(self, campaign: str = CAMPAIGN) -> list[dict[str, Any]]:
        # Of its own: it may be asked when the world's is closed.
        with Ledger(self.ledger.url) as ledger:
            return [dict(row) for row in ledger.contact_records(campaign)]

    def link(self, token: str) -> dict[str, Any]:
        query = sa.select(invitations).where(invitations.c.token_hash == token_hash(token))
        with self.ledger._reading() as connection:
            return dict(connection.execute(query).mappings().one())

    def becomes(self, customer: str, **columns: Any) -> None:
        where = (contacts.c.campaign == CAMPAIGN, contacts.c.customer_key == customer)
        with self.ledger._writing() as connection:
            connection.execute(sa.update(contacts).where(*where).values(columns))

    def link_becomes(self, customer: str, **columns: Any) -> None:
        where = (invitations.c.campaign == CAMPAIGN, invitations.c.customer_key == customer)
        with self.ledger._writing() as connection:
            connection.execute(sa.update(invitations).where(*where).values(columns))

    def opt_out(self, customer: str, list_: str = "all") -> None:
        entry = Suppression(list_, "person", "test", datetime.now(UTC))
        self.ledger.suppressions.add([(customer, entry)])

    def open_campaign(self, **options: Any) -> None:
        """Enter the campaign before anybody is invited."""
        now, mode = datetime.now(UTC), CampaignMode.INVITATION
        instance_id = self.local.instance_id
        self.ledger.open_campaign(CAMPAIGN, instance_id, now=now, mode=mode, **options)

    def started(self) -> list[str]:
        """Amazon's ids of the chats that were made there, in their order."""
        return [contact.contact_id for contact in self.local.contacts]


def eventually(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def key_in_environment(environ: Any) -> None:
    environ.setenv(KEYS_VARIABLE, KEY)
