"""What functional tests share: a Prefect server, and ledgers of both kinds."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from unittest.mock import patch

import pytest
from botocore import handlers

from connect_tasks.emulator import LocalConnect, LocalQuotas
from tests.amazon_models import share_models
from tests.kept_counts import miscounted
from tests.postgresql import new_database
from tests.prefect_database import place_database

share_models()

_SERVER = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
}


@pytest.fixture(scope="session")
def prefect_home() -> Iterator[Path]:
    """A Prefect server on a database of its own; yields the folder that holds it."""
    os.environ.update(_SERVER)
    from prefect.settings import (
        PREFECT_API_DATABASE_CONNECTION_URL,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        temporary_settings,
    )
    from prefect.testing import utilities

    with (
        # It makes a folder for its database, in which it finds one.
        patch.object(utilities, "mkdtemp", _folder_with_database),
        # Joining the heartbeat thread costs each flow run a second.
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
        utilities.prefect_test_harness(server_startup_timeout=120),
    ):
        url = PREFECT_API_DATABASE_CONNECTION_URL.value()
        assert url
        yield Path(str(url).removeprefix("sqlite+aiosqlite:///")).parent


def _folder_with_database() -> str:
    folder = mkdtemp()
    place_database(Path(folder, "prefect-test.db"))
    return folder


@pytest.fixture
def local() -> Iterator[LocalConnect]:
    """A local Amazon Connect that grants whatever is asked."""
    with LocalConnect(quotas=LocalQuotas.unlimited()) as local:
        yield local


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    """A ledger in a file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A ledger that does not exist yet; whatever was done to it, what it keeps is so."""
    if request.param == "SQLite":
        yield (url := f"sqlite:///{tmp_path / 'ledger.db'}")
        assert miscounted(url) == {}
        return
    with new_database() as url:
        yield url
        assert miscounted(url) == {}


@pytest.fixture
def nobody_elses_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto, once another test has imported it, hooks on to every session of the process."""
    known = [one for one in handlers.BUILTIN_HANDLERS if one[1].__module__.startswith("botocore")]
    monkeypatch.setattr(handlers, "BUILTIN_HANDLERS", known)
