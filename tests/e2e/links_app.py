"""A process that serves links, and may be doomed to die at one step of a press.

The steps are watched from outside: the ledger and the calls are wrapped in here. `SIGKILL` leaves
it no chance to tidy up.
"""

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import uvicorn

from connect_tasks import StartChatContactResponse
from connect_tasks.aws.client import ConnectApi
from connect_tasks.campaign.links import KEYS_VARIABLE
from connect_tasks.emulator import LocalQuotas
from connect_tasks.emulator.block import make_block
from connect_tasks.invitations import app as app_module
from connect_tasks.invitations import invitation_app
from connect_tasks.invitations.service import ServiceSettings
from connect_tasks.ledger.changes import Change, Progress
from connect_tasks.ledger.clicks import Clicks
from connect_tasks.ledger.store import Ledger
from tests.amazon_models import share_models
from tests.functional.links_world import KEY
from tests.functional.world import FAST, session

__all__ = ["STEPS", "Job", "serve"]

# Read before processes are forked off, so that none has to.
share_models()
session().client("connect")

STEPS = (
    "before claim",
    "after claim",
    "before sending",
    "after sending",
    "before start_chat",
    "after start_chat",
    "before started",
    "after started",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a process is to do.

    Args:
        endpoint_url: Of Amazon Connect.
        instance_id: The instance there.
        flow_arn: The flow that answers.
        ledger_url: Where the links are.
        port: Where it serves.
        doom: The step at which it dies.
        lease_seconds: How long what it was at stays its.
    """

    endpoint_url: str
    instance_id: str
    flow_arn: str
    ledger_url: str
    port: int
    doom: str | None = None
    lease_seconds: float = 2


def serve(job: Job) -> None:
    """Serve until killed, or told to end."""
    os.environ[KEYS_VARIABLE] = KEY
    if job.doom:
        _doom(job.doom)
    block = make_block(
        instance_id=job.instance_id,
        flow_arn=job.flow_arn,
        endpoint_url=job.endpoint_url,
        enforced=LocalQuotas.unlimited(),
        connect_window_seconds=300,
        # People's chats stay open, and nobody is to wait for a place.
        quotas=FAST.model_copy(update={"open_chats": 100_000}),
    )
    lease = timedelta(seconds=job.lease_seconds)
    setattr(app_module, "ServiceSettings", partial(ServiceSettings, lease=lease))  # noqa: B010 - it is a class
    app = invitation_app(connect=block, ledger=job.ledger_url)
    uvicorn.run(app, port=job.port, log_level="warning")


def _doom(step: str) -> None:
    def dies_around(name: str, work: Callable[[], Any]) -> Any:
        if step == f"before {name}":
            os.kill(os.getpid(), signal.SIGKILL)
        result = work()
        if step == f"after {name}":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    claim, apply, start = Clicks.claim, Ledger.apply, ConnectApi.start_chat

    def doomed_claim(self: Clicks, worker: str, ids: Any, **more: Any) -> Any:
        if not ids:
            return claim(self, worker, ids, **more)
        return dies_around("claim", lambda: claim(self, worker, ids, **more))

    def doomed_apply(self: Ledger, worker: str, changes: Sequence[Change], **more: Any) -> None:
        names = {c.contact.status.value for c in changes if isinstance(c, Progress)}
        name = "started" if "started" in names else "sending"
        dies_around(name, lambda: apply(self, worker, changes, **more))

    def doomed_start(self: ConnectApi, request: str) -> StartChatContactResponse:
        answer: StartChatContactResponse = dies_around("start_chat", lambda: start(self, request))
        return answer

    Clicks.claim = doomed_claim  # type: ignore[method-assign]
    Ledger.apply = doomed_apply  # type: ignore[method-assign]
    ConnectApi.start_chat = doomed_start  # type: ignore[method-assign]
