"""The ephemeral server: what Prefect starts for a process that names no server, with more time.

Prefect gives it 20 seconds. With a new database, or on a machine that is busy, it needs longer, and
a plain script would fail for nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.settings import (
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    temporary_settings,
)

__all__ = ["STARTUP_SECONDS", "patient_start"]

STARTUP_SECONDS = 120
"""How long it may take, unless the user has set Prefect's own setting."""


@contextmanager
def patient_start() -> Iterator[None]:
    """Wait longer for a server that is started in this block."""
    with temporary_settings(
        set_defaults={PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: STARTUP_SECONDS}
    ):
        yield
