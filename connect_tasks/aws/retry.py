"""The retry policy: wait how long, or give up; the same in Prefect's words."""

from typing import Any, Protocol

from pydantic import Field

from connect_tasks.aws.strict_model import StrictModel
from connect_tasks.errors import OutcomeUnknownError, RetryableError

__all__ = ["RandomSource", "RetryPolicy", "is_worth_retrying"]


class RandomSource(Protocol):
    """Where jitter comes from; `random.Random` fits."""

    def random(self) -> float:
        """A number from 0 up to, not including, 1."""
        ...


class RetryPolicy(StrictModel):
    """How often, and how patiently, a failed call is made again.

    Before attempt n + 1 the wait is drawn evenly from 0 to
    `min(wait_max_seconds, wait_initial_seconds * 2 ** (n - 1))` (full jitter), until
    `attempts` calls were made or `total_seconds` have passed since the first.
    Throttles do not count: they are the pace's business, not the customer's.

    Attributes:
        attempts: How many calls at most, the first one included.
        wait_initial_seconds: The longest wait after the first failure.
        wait_max_seconds: The longest wait ever.
        total_seconds: No attempt is begun later than this after the first one.

    Example:
        ```python
        from random import Random
        from connect_tasks import RetryPolicy

        RetryPolicy().next_wait(attempt=1, elapsed_seconds=0.2, random=Random(0))
        ```
    """

    attempts: int = Field(default=6, ge=1, le=50, description="Calls at most, the first included.")
    wait_initial_seconds: float = Field(
        default=0.5, gt=0, description="The longest wait after the first failure, in seconds."
    )
    wait_max_seconds: float = Field(default=20, gt=0, description="The longest wait, in seconds.")
    total_seconds: float = Field(
        default=120, gt=0, description="No attempt begins later than this after the first."
    )

    def longest_wait(self, attempt: int) -> float:
        """The upper end of the wait after this attempt (the first is 1), in seconds."""
        return float(min(self.wait_max_seconds, self.wait_initial_seconds * 2 ** (attempt - 1)))

    def next_wait(
        self, *, attempt: int, elapsed_seconds: float, random: RandomSource
    ) -> float | None:
        """Seconds to wait before the next attempt, or None to give up.

        Args:
            attempt: How many calls were made.
            elapsed_seconds: Time since the first of them began.
            random: Where the jitter comes from.

        Returns:
            The wait in seconds; None when the attempts or the time are used up.
        """
        if attempt >= self.attempts:
            return None
        wait = self.longest_wait(attempt) * random.random()
        return None if elapsed_seconds + wait > self.total_seconds else wait

    def task_options(self) -> dict[str, Any]:
        """The same policy as keyword arguments of Prefect's `@task`.

        Prefect counts retries without the first call and jitters around the given delays, so
        each delay is half of the longest wait. Prefect has no total bound and no difference
        between a throttle and a failure; campaigns use `next_wait` instead.
        """
        delays = [self.longest_wait(attempt) / 2 for attempt in range(1, self.attempts)]
        return {
            "retries": self.attempts - 1,
            "retry_delay_seconds": delays,
            "retry_jitter_factor": 1.0,
            "retry_condition_fn": is_worth_retrying,
        }


def is_worth_retrying(_task: Any, _task_run: Any, state: Any) -> bool:
    """Whether Prefect should retry: throttles, faults and unknown outcomes, never refusals.

    Prefect takes only plain functions here: a method would silently mean "never".
    """
    failure = state.result(raise_on_failure=False)
    return isinstance(failure, (RetryableError, OutcomeUnknownError))
