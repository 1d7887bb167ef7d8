"""Whom the lean transport trusts over TLS: whom boto3 trusts, and nobody else."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import trustme
from botocore.credentials import RefreshableCredentials
from botocore.session import Session as BotocoreSession
from pydantic import SecretStr

from connect_tasks.aws import calls
from connect_tasks.aws.calls import Call
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.lean.carrier import LeanCarrier
from connect_tasks.chat.own_loop import run_on_own_loop
from connect_tasks.errors import AmazonError

STOP = calls.stop_contact("i-1", "c-1")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Answers everything with an empty object, over TLS if it has a certificate."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.asked: list[bytes] = []
        self._context = context
        self._ready = threading.Event()
        threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True).start()
        assert self._ready.wait(20)

    async def _serve(self) -> None:
        self._over, self._loop = asyncio.Event(), asyncio.get_running_loop()
        async with await asyncio.start_server(
            self._talk, "127.0.0.1", 0, ssl=self._context
        ) as served:
            self.port = served.sockets[0].getsockname()[1]
            self._ready.set()
            await self._over.wait()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.asked.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)


pytestmark = pytest.mark.usefixtures("nobody_elses_hooks")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def over_tls(authority: trustme.CA) -> Iterator[Server]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    server = Server(context)
    yield server
    server.close()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    return str(tmp_path / "authority.pem")


def session() -> boto3.Session:
    return boto3.Session("AKIDEXAMPLE", "secret", region_name="us-east-1")


def carried(api: ConnectApi, times: int = 1, call: Call[Any] = STOP) -> tuple[str, Any]:
    """By what calls were carried, and what the last of them came to."""

    async def main() -> tuple[str, Any]:
        with ThreadPoolExecutor(1, "amazon") as executor:
            async with api.connected(executor):
                carrier: Any = api.lean_for(api.start_chat)
                assert isinstance(carrier, LeanCarrier)
                result: Any = None
                for _ in range(times):
                    try:
                        result = await carrier.carry(call)
                    except AmazonError as error:
                        result = error
                return "lean" if carrier._wires else "boto3", result

    return run_on_own_loop(main())


def both(url: str, **parameters: Any) -> tuple[Any, Any]:
    """What a call comes to by the lean transport, and by boto3."""
    options = ClientOptions(parameters={"endpoint_url": url, **parameters})
    way, ours = carried(ConnectApi(session, options))
    assert way == "lean"
    try:
        theirs: Any = ConnectApi(session, options)._call(STOP)
    except AmazonError as error:
        theirs = error
    return ours, theirs


def test_an_authority_that_is_named_is_trusted(over_tls: Server, bundle: str) -> None:
    assert both(f"https://localhost:{over_tls.port}", verify=bundle) == (None, None)
    assert len(over_tls.asked) == 2


def test_so_is_one_that_the_environment_names(
    over_tls: Server, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", bundle)

    assert both(f"https://localhost:{over_tls.port}") == (None, None)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_who_wants_no_proof_gets_none(over_tls: Server) -> None:
    assert both(f"https://localhost:{over_tls.port}", verify=False) == (None, None)


def test_participants_endpoint_may_be_the_only_one_with_a_certificate(
    over_tls: Server, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(None)
    monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
    monkeypatch.setenv("AWS_ENDPOINT_URL_CONNECT", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("AWS_ENDPOINT_URL_CONNECTPARTICIPANT", f"https://localhost:{over_tls.port}")
    leave = calls.disconnect_participant(SecretStr("token"))

    way, error = carried(ConnectApi(session, ClientOptions()), call=leave)
    server.close()

    assert (way, error) == ("lean", None)
    assert len(over_tls.asked) == 1


def test_a_stranger_is_told_nothing(over_tls: Server) -> None:
    ours, theirs = both(f"https://localhost:{over_tls.port}")

    assert (type(ours), type(ours.__cause__)) == (type(theirs), type(theirs.__cause__))
    assert over_tls.asked == []


def test_another_name_than_the_certificates_is_told_nothing(over_tls: Server, bundle: str) -> None:
    ours, theirs = both(f"https://127.0.0.1:{over_tls.port}", verify=bundle)

    assert (type(ours), type(ours.__cause__)) == (type(theirs), type(theirs.__cause__))
    assert over_tls.asked == []


def test_an_authority_that_cannot_be_read_is_boto3s_to_refuse(over_tls: Server) -> None:
    options = ClientOptions(
        parameters={"endpoint_url": f"https://localhost:{over_tls.port}", "verify": "/nowhere.pem"}
    )
    way, error = carried(ConnectApi(session, options))

    assert way == "boto3"
    assert isinstance(error, AmazonError)
    assert over_tls.asked == []


def test_credentials_are_renewed_in_a_thread_and_sign_what_follows() -> None:
    server, renewed_in = Server(None), []
    soon = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()

    def renew() -> dict[str, str]:
        renewed_in.append(threading.current_thread().name)
        expiry = soon if len(renewed_in) == 1 else "2999-01-01T00:00:00Z"
        key = f"AKID{len(renewed_in)}"
        return {"access_key": key, "secret_key": "s", "token": "t", "expiry_time": expiry}

    def temporary() -> boto3.Session:
        inner = BotocoreSession()
        credentials = RefreshableCredentials.create_from_metadata(
            {"access_key": "AKID0", "secret_key": "s", "token": "t", "expiry_time": soon},
            refresh_using=renew,
            method="test",
        )
        inner._credentials = credentials  # type: ignore[attr-defined]
        return boto3.Session(botocore_session=inner, region_name="us-east-1")

    url = f"http://127.0.0.1:{server.port}"
    way, result = carried(
        ConnectApi(temporary, ClientOptions(parameters={"endpoint_url": url})), times=3
    )
    server.close()

    assert (way, result) == ("lean", None)
    assert all(name.startswith("amazon") for name in renewed_in), renewed_in
    keys = [asked.split(b"Credential=")[1].split(b"/")[0] for asked in server.asked]
    assert keys[-2:] == [b"AKID2", b"AKID2"]
