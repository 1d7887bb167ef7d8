"""What holds for all tests: no real AWS, no Prefect of one's own, no network beyond loopback."""

import gc
import os
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.side_by_side import SideBySide, begin_with_the_longest, leave_twins_out


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--aws-verified",
        action="store_true",
        default=False,
        help="run the contract tests on a real Amazon Connect instance",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "apart: the tests of a file may run in several processes")
    # Whoever runs the tests in the background of a script has none of them hear Ctrl-C otherwise.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # How fast a busy machine is says nothing of what is tried. The same cases each time: what a
    # change breaks is then this change's doing; `make test-long` looks for new ones.
    settings.register_profile(
        "any machine",
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    search = settings(settings.get_profile("any machine"), derandomize=False)
    settings.register_profile("search", search)
    # `make test-fast` asks for it: whether a rule holds at all, not whether it holds everywhere.
    settings.register_profile("few", settings.get_profile("any machine"), max_examples=15)
    settings.load_profile(config.getoption("--hypothesis-profile") or "any machine")


# Before pytest itself leaves out what the marks say.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    leave_twins_out(items)
    begin_with_the_longest(items)


def pytest_collection_finish() -> None:
    """Thousands of tests are there to the end: each full collection would look at them all."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SideBySide:
    """Whatever `--dist` says."""
    return SideBySide(config, log)


@pytest.fixture(autouse=True, scope="session")
def _no_aws_account(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Nothing of the developer's own AWS settings reaches a test."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        if not request.config.getoption("--aws-verified"):
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                monkeypatch.delenv(name)
            empty = tmp_path_factory.mktemp("no-aws")
            monkeypatch.setenv("AWS_CONFIG_FILE", str(empty / "config"))
            monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(empty / "credentials"))
            monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(autouse=True, scope="session")
def _only_loopback(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that would call the outside world fails instead."""
    if request.config.getoption("--aws-verified"):
        yield
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else "127.0.0.1"
        assert host in {"127.0.0.1", "::1", "localhost"}, f"a test wanted to call {host}"
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[assignment,method-assign]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]
