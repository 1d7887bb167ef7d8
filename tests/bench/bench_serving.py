"""Line j: how fast the local Amazon Connect serves from one core, and what open sockets take."""

import asyncio
import base64
import json
import os
from collections.abc import Iterator
from http import HTTPStatus
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.processes import Amazon, Spent, local_amazon, spent_on, starting
from tests.bench.table import Row

__all__ = ["measure_serving"]

CONNECTIONS = 16
_SIGNED = "AWS4-HMAC-SHA256 Credential=local/20261122/us-east-1/connect/aws4_request, Signature=00"
_SUBSCRIBE = b'{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}'
_AT_ONCE = 50


def measure_serving(count: int = 5_000, runs: int = 5, sockets: int = 5_000) -> Iterator[Row]:
    """Server and client are on a core each, where there are two; the median of several runs."""
    yield _starts(count, runs)
    yield _sockets(sockets)


def _starts(count: int, runs: int) -> Row:
    found = [_run(count) for _ in range(runs)]
    per_second = median(run["per_second"] for run in found)
    cpu_ms = median(run["cpu_ms"] for run in found)
    return Row(
        line="j",
        what=f"StartChatContact over {CONNECTIONS} kept connections, one core",
        measured=f"{per_second:,.0f}/s, {cpu_ms:.2f} ms CPU each",
        reference=f"a client without boto3, {median(run['client_ms'] for run in found):.2f} ms",
        ratio=f"{1000 / cpu_ms:,.0f} per second of CPU",
        aim="≥ 1,500/s",
        raw={"count": count, "runs": found},
    )


def _run(count: int) -> dict[str, float]:
    with local_amazon() as amazon, starting(_client, amazon.where, count) as client:
        _pin(amazon, client.process.pid)
        before = amazon.cpu_seconds()
        client.ask("go")
        spent: Spent = client.hear()
        return {
            "per_second": count / spent.wall_seconds,
            "cpu_ms": (amazon.cpu_seconds() - before) / count * 1e3,
            "client_ms": spent.cpu_seconds / count * 1e3,
        }


def _pin(amazon: Amazon, client: int | None) -> None:
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        first, second, *_ = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(amazon.child.process.pid or 0, {first})
        os.sched_setaffinity(client or 0, {second})


def _client(pipe: Connection, where: tuple[str, str, str], count: int) -> None:
    pipe.send("ready")
    pipe.recv()
    pipe.send(spent_on(lambda: asyncio.run(_start_all(where, count))))


async def _start_all(where: tuple[str, str, str], count: int) -> None:
    numbers = iter(range(count))

    async def start_some() -> None:
        lines = await asyncio.open_connection("127.0.0.1", _port(where))
        for number in numbers:
            await _ask(lines, _start(where, number))
        lines[1].close()

    await asyncio.gather(*(start_some() for _ in range(CONNECTIONS)))


def _start(where: tuple[str, str, str], number: int, **more: Any) -> bytes:
    body = {
        "InstanceId": where[1],
        "ContactFlowId": where[2],
        "ParticipantDetails": {"DisplayName": f"Customer {number}"},
        "Attributes": {"customer_id": f"c-{number}", "language": "en"},
        "ClientToken": f"{number:064x}",
        "CustomerId": f"c-{number}",
        **more,
    }
    content = json.dumps(body).encode()
    head = (
        f"PUT /contact/chat HTTP/1.1\r\nHost: 127.0.0.1:{_port(where)}\r\n"
        "Accept-Encoding: identity\r\nContent-Type: application/json\r\nUser-Agent: bench\r\n"
        f"X-Amz-Date: 20261122T070000Z\r\nAuthorization: {_SIGNED}\r\n"
        f"amz-sdk-invocation-id: {number}\r\namz-sdk-request: attempt=1\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def _port(where: tuple[str, str, str]) -> int:
    return int(where[0].rpartition(":")[2])


async def _ask(lines: tuple[asyncio.StreamReader, asyncio.StreamWriter], data: bytes) -> Any:
    reader, writer = lines
    writer.write(data)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    if int(head.split()[1]) != HTTPStatus.OK:
        raise RuntimeError(f"The start was refused: {body!r}")
    return json.loads(body)


def _sockets(count: int) -> Row:
    with local_amazon() as amazon, starting(_listener, amazon.where, count) as client:
        sizes = [_resident(amazon)]
        for word in ("start", "open"):
            client.ask(word)
            client.hear()
            sizes.append(_resident(amazon))
        client.ask("close")
    chat, each = ((after - before) / count for before, after in pairwise(sizes))
    return Row(
        line="j",
        what=f"{count:,} open sockets, subscribed and greeted",
        measured=f"{each / 1024:.1f} KiB each",
        reference=f"a chat by itself {chat / 1024:.1f} KiB",
        ratio=f"{sizes[-1] / 2**20:,.0f} MiB in all",
        aim="≤ 40 KiB each",
        raw={"count": count, "bytes": sizes},
    )


def _resident(amazon: Amazon) -> int:
    """The resident memory of the server's process; 0 where that is not told."""
    told = Path(f"/proc/{amazon.child.process.pid}/statm")
    if not told.exists():
        return 0
    return int(told.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _listener(pipe: Connection, where: tuple[str, str, str], count: int) -> None:
    asyncio.run(_listen(pipe, where, count))


async def _listen(pipe: Connection, where: tuple[str, str, str], count: int) -> None:
    pipe.send("ready")
    pipe.recv()
    lines = await asyncio.open_connection("127.0.0.1", _port(where))
    kinds = ["WEBSOCKET", "CONNECTION_CREDENTIALS"]
    urls = [
        (await _ask(lines, _start(where, number, ConnectionTypes=kinds)))["Websocket"]["Url"]
        for number in range(count)
    ]
    pipe.send("started")
    pipe.recv()
    # Kept, so that they stay open.
    held = [
        one
        for begin in range(0, count, _AT_ONCE)
        for one in await asyncio.gather(*map(_open, urls[begin : begin + _AT_ONCE]))
    ]
    pipe.send(len(held))
    await asyncio.to_thread(pipe.recv)


async def _open(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, path = url.removeprefix("ws://").partition("/")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(host.rpartition(":")[2]))
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    # A text whose mask is of zeros.
    writer.write(bytes([0x81, 0x80 | len(_SUBSCRIBE)]) + bytes(4) + _SUBSCRIBE)
    await reader.readuntil(b"I repeat")
    return reader, writer
