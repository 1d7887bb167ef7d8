"""A start limit that Prefect keeps: starts are taken from a global concurrency limit.

Prefect's limit is one round trip a time and gives less than its rate, so nobody should ask it
per start. A campaign takes about a second's worth at a time and uses it by its own clock.
"""

import math
from contextvars import Context, copy_context

from prefect.client.orchestration import get_client
from prefect.concurrency.sync import rate_limit
from prefect.exceptions import ObjectNotFound

from connect_tasks.errors import CampaignWideError, InputError

__all__ = ["PrefectStartLimit"]


class PrefectStartLimit:
    """A named global concurrency limit with slot decay, as a source of starts.

    The limit is read once, here. Whoever asks waits until Prefect grants; nothing is given back.

    Args:
        name: The limit's name in Prefect.

    Raises:
        InputError: There is no such limit, it is not active, or its slots do not decay.

    Example:
        ```python
        from connect_tasks.blocks.start_limit import PrefectStartLimit

        start_limit = PrefectStartLimit("chat-starts")
        start_limit.acquire(min(5, start_limit.largest))
        ```
    """

    def __init__(self, name: str) -> None:
        self.name = name
        # Threads do not inherit which Prefect server is meant.
        self._context: Context = copy_context()
        # Prefect forgets what came back since the last grant: granting all at once costs a quarter.
        self.largest = math.ceil(_read_limit(name) / 2)
        """The most starts that are asked for at once: half of what the limit holds."""

    def __repr__(self) -> str:
        return f"PrefectStartLimit({self.name!r}, largest={self.largest})"

    def acquire(self, count: int) -> None:
        """Wait until this many starts are granted. Safe to call from any thread without a loop.

        Args:
            count: How many, at most `largest`.

        Raises:
            CampaignWideError: Prefect refused for good (the limit was deleted or lowered), or
                its server cannot be reached.
        """
        try:
            self._context.copy().run(rate_limit, self.name, occupy=count, strict=True)
        except Exception as error:
            raise CampaignWideError(
                f"no starts can be had from Prefect's global concurrency limit {self.name!r} "
                f"({_reason(error)}): see `prefect gcl inspect {self.name}`",
                operation="rate_limit",
                code=type(error).__name__,
            ) from error


def _read_limit(name: str) -> int:
    try:
        with get_client(sync_client=True) as client:
            limit = client.read_global_concurrency_limit_by_name(name)
    except ObjectNotFound:
        raise InputError(
            f"There is no global concurrency limit {name!r} in Prefect. Make it, for 5 starts per "
            f"second: `prefect gcl create {name} --limit 5 --slot-decay-per-second 5`."
        ) from None
    except Exception as error:
        raise InputError(
            f"Prefect's server, which keeps the global concurrency limit {name!r}, cannot be "
            f"reached: {type(error).__name__}. Start it, or leave out start_limit."
        ) from error
    if not limit.slot_decay_per_second:
        raise InputError(
            f"The slots of the global concurrency limit {name!r} do not come back. For 5 starts "
            f"per second: `prefect gcl update {name} --slot-decay-per-second 5`."
        )
    if not limit.active:
        raise InputError(
            f"The global concurrency limit {name!r} is not active, so it would hold nobody back: "
            f"`prefect gcl update {name} --enable`, or leave out start_limit."
        )
    return limit.limit


def _reason(error: BaseException) -> str:
    """What Prefect says, and what kind of trouble it had."""
    cause = error.__cause__
    return f"{error}, {type(cause).__name__}" if cause else str(error)
