"""Events for Prefect's automations: counts and ids, never what was said.

| event | when | payload |
|---|---|---|
| `connect-tasks.campaign.started` | a run begins to start chats | counts |
| `connect-tasks.campaign.progress` | a run moves it, once a minute | counts, `until` if it waits |
| `connect-tasks.campaign.paused` | a run ends because somebody paused the campaign | counts |
| `connect-tasks.campaign.stopped` | a run ends because somebody stopped the campaign | counts |
| `connect-tasks.campaign.deferred` | a run ends, all left of its table wait | counts, `until` |
| `connect-tasks.campaign.finished` | nothing of the run's table is left to do | counts |
| `connect-tasks.campaign.halted` | something concerns everybody | counts, `reason`, `error` |
| `connect-tasks.contact.unknown` | a run leaves unknown contacts | `count`, `customer_ids` |

Each is about the resource `connect-tasks.campaign.<name>`; Prefect adds flow run, flow and
deployment as related resources. Counts are `valid`, `started`, `replied`, `completed`, `failed`,
`withheld`, `unknown` and `planned`; `until` is when the first may be contacted who has to wait. Of
the customers' ids, the first 100 are told, or none if `may_tell_ids` says so. Where several workers
share a campaign, each tells of its own run.
"""

from collections.abc import Sequence
from typing import Any, Literal

from prefect.events import emit_event

from connect_tasks.campaign.funnel import Funnel
from connect_tasks.tasks.run_context import in_run, may_tell_ids

__all__ = ["Ending", "tell_campaign", "tell_unknown"]

Ending = Literal["paused", "stopped", "deferred", "finished", "halted"]

MOST_IDS = 100
_COUNTS = (
    "valid",
    "started",
    "replied",
    "completed",
    "failed",
    "withheld",
    "unknown",
    "planned",
)


def tell_campaign(
    what: Literal["started", "progress"] | Ending, campaign: str, funnel: Funnel, **more: str
) -> None:
    """Tell what became of a campaign; outside a run it does nothing.

    Args:
        what: Which event.
        campaign: The campaign's name.
        funnel: Its counts.
        more: What else the payload holds.

    Example:
        ```python
        tell_campaign("halted", "renewals", funnel, error="AccessDeniedError", reason="…")
        ```
    """
    counts = {name: getattr(funnel, name) for name in _COUNTS}
    _emit(f"connect-tasks.campaign.{what}", campaign, {"campaign": campaign, **counts, **more})


def tell_unknown(campaign: str, customer_ids: Sequence[str]) -> None:
    """Tell of which contacts nobody knows whether they were made; outside a run it does nothing.

    Args:
        campaign: The campaign's name.
        customer_ids: Of all of them; the payload holds the first 100.

    Example:
        ```python
        tell_unknown("renewals", ["0042", "0043"])
        ```
    """
    ids = list(customer_ids[:MOST_IDS]) if may_tell_ids() else []
    payload = {"campaign": campaign, "count": len(customer_ids), "customer_ids": ids}
    _emit("connect-tasks.contact.unknown", campaign, payload)


def _emit(event: str, campaign: str, payload: dict[str, Any]) -> None:
    if in_run():
        resource = {
            "prefect.resource.id": f"connect-tasks.campaign.{campaign}",
            "prefect.resource.name": campaign,
        }
        emit_event(event, resource, payload=payload)
