"""Fixtures of pytest for whoever builds on chat: a local Amazon Connect, its clients, a ledger.

It is loaded only by who names it, in the `conftest.py` at the top of their tests:
`pytest_plugins = ["connect_tasks.emulator.pytest_plugin"]`. Nothing else here needs pytest.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from connect_tasks.emulator.local import LocalConnect
from connect_tasks.emulator.quotas import LocalQuotas

__all__ = [
    "connect_client",
    "local_connect",
    "local_environment",
    "local_ledger",
    "participant_client",
    "pytest_configure",
]

_MARKER = "local_connect"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, so that `--strict-markers` lets it pass."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(**arguments): what the fixture {_MARKER} is made with, as LocalConnect takes "
        "it: flow, flow_files, world, faults, quotas, seed, ...",
    )


@pytest.fixture
def local_connect(request: pytest.FixtureRequest) -> Iterator[LocalConnect]:
    """A local Amazon Connect of this test alone, started, and stopped after the test.

    It grants whatever is asked. The marker `local_connect` gives it other arguments of
    `LocalConnect`; on a class or module it holds for all tests there, and a marker nearer to the
    test adds to it and wins.

    Example:
        ```python
        @pytest.mark.local_connect(flow="echo", faults=[Fault.throttle("SendMessage", nth=1)])
        def test_a_throttled_message_is_sent_again(local_connect, local_ledger):
            ...
            assert local_connect.injected == {("SendMessage", "throttle"): 1}
        ```
    """
    positional, named = _arguments(request)
    # Whatever is wrong with them is LocalConnect's to say.
    with LocalConnect(*positional, **{"quotas": LocalQuotas.unlimited(), **named}) as local:
        yield local


def _arguments(request: pytest.FixtureRequest) -> tuple[list[Any], dict[str, Any]]:
    positional: list[Any] = []
    named: dict[str, Any] = {}
    # pytest gives the nearest first.
    for marker in reversed(list(request.node.iter_markers(_MARKER))):
        positional += marker.args
        named |= marker.kwargs
    return positional, named


@pytest.fixture
def connect_client(local_connect: LocalConnect) -> Iterator[Any]:
    """A boto3 client of `connect` for the local Amazon Connect of this test, closed after it.

    It needs no credentials, and asks through no proxy. It asks once, so that a test sees what is
    refused.

    Example:
        ```python
        def test_a_chat_starts(local_connect, connect_client):
            connect_client.start_chat_contact(
                InstanceId=local_connect.instance_id,
                ContactFlowId=local_connect.flow_id,
                ParticipantDetails={"DisplayName": "Ada"},
            )
        ```
    """
    with closing(_client("connect", local_connect)) as client:
        yield client


@pytest.fixture
def participant_client(local_connect: LocalConnect) -> Iterator[Any]:
    """A boto3 client of `connectparticipant`, as `connect_client` is one of `connect`.

    Example:
        ```python
        def test_the_flow_greets(participant_client, started):
            participant_client.create_participant_connection(
                ParticipantToken=started["ParticipantToken"], Type=["CONNECTION_CREDENTIALS"]
            )
        ```
    """
    with closing(_client("connectparticipant", local_connect)) as client:
        yield client


@pytest.fixture
def local_environment(local_connect: LocalConnect, monkeypatch: pytest.MonkeyPatch) -> LocalConnect:
    """The local Amazon Connect, with the environment leading whatever makes its own clients there.

    It lasts as long as the test, and holds for its child processes, too.

    Example:
        ```python
        def test_my_app_starts_a_chat(local_environment):
            my_app.start_chat()  # makes its client by boto3.client("connect")
            assert len(local_environment.contacts) == 1
        ```
    """
    # A profile would win over the variables, or be asked for where there is none.
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in local_connect.environment().items():
        monkeypatch.setenv(name, value)
    return local_connect


def _client(service: str, local: LocalConnect) -> Any:
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=local.endpoint_url,
        region_name=local.environment()["AWS_REGION"],
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - any will do
        config=Config(proxies={}, retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def local_ledger(tmp_path: Path) -> str:
    """The SQLAlchemy URL of a ledger that does not exist yet: a SQLite file of this test alone.

    Example:
        ```python
        def test_nobody_is_contacted_twice(local_connect, local_ledger):
            for _ in range(2):
                my_campaign(connect=local_connect.instance(), ledger=local_ledger)
            assert len(local_connect.contacts) == 1
        ```
    """
    return f"sqlite:///{tmp_path / 'ledger.db'}"
