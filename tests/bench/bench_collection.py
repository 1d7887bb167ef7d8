"""Line i: what it takes to collect the contacts of a campaign that is over.

Amazon's side is as fast as Python: DescribeContact and SearchContacts are answered in the process,
S3 by another one. Amazon's quotas are so much slower that how long it takes follows from the
calls: those of each API one after the other, at the rate that is granted.
"""

import json
import multiprocessing
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connect_tasks import Quotas
from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.campaign.collection.collecting import collect_campaign
from connect_tasks.ledger.store import Ledger
from tests.bench.table import Row
from tests.functional.world import session
from tests.ledger_rows import INSTANCE, enter_many

__all__ = ["measure_collection"]

_CAMPAIGN = "bench"
_ENDED = datetime(2026, 11, 26, 12, tzinfo=UTC)
_PREFIX = "connect/bench/ChatTranscripts"
_DAY = f"{_PREFIX}/2026/11/26/"
_PAGE = 1_000
_ITEMS = 12
_UNBOUND = dict.fromkeys(
    ("describes_per_second", "searches_per_second", "storage_lists_per_second"), 1e6
) | dict.fromkeys(("describe_burst", "search_burst", "storage_list_burst"), 1_000_000)


class _Amazon(ConnectApi):
    """Every contact is over, and has a transcript of a dozen items."""

    def __init__(self, endpoint_url: str, *, tells_place: bool) -> None:
        self._endpoint_url = endpoint_url
        self._tells_place = tells_place
        self._lock = threading.Lock()
        self.calls: Counter[str] = Counter()

    @property
    def made_of(self) -> Any:
        return self._session, ClientOptions(parameters={"endpoint_url": self._endpoint_url})

    def _session(self) -> Any:
        made = session()
        made.events.register("before-call.s3", lambda model, **_: self._count(model.name))
        return made

    def describe_contact(self, instance_id: str, contact_id: str) -> Mapping[str, Any]:  # noqa: ARG002 - Amazon's
        self._count("DescribeContact")
        found: dict[str, Any] = {
            "InitiationTimestamp": _ENDED - timedelta(minutes=9),
            "ConnectedToSystemTimestamp": _ENDED - timedelta(minutes=8),
            "DisconnectTimestamp": _ENDED,
            "DisconnectReason": "CONTACT_FLOW_DISCONNECT",
            "Attributes": {"score": "9", "reason": "price"},
            "ChatMetrics": {"CustomerMetrics": {"MessagesSent": 4}},
        }
        if self._tells_place:
            recording = {"StorageType": "S3", "Location": f"bench/{_key(contact_id)}"}
            found["Recordings"] = [recording]
        return found

    def search_contacts(self, *_: Any, **__: Any) -> Mapping[str, Any]:
        self._count("SearchContacts")
        return {"Contacts": []}

    def transcript_places(self, instance_id: str) -> list[tuple[str, str]]:  # noqa: ARG002 - the same
        self._count("ListInstanceStorageConfigs")
        return [("bench", _PREFIX)]

    def _count(self, operation: str) -> None:
        with self._lock:
            self.calls[operation] += 1


def _key(contact_id: str) -> str:
    return f"{_DAY}{contact_id}_20261126T11:51_UTC.json"


def _file(contact_id: str) -> bytes:
    items = [
        {
            "AbsoluteTime": (_ENDED - timedelta(seconds=_ITEMS - number)).isoformat(),
            "Content": "It was quite all right, thank you for asking. " * 3,
            "ContentType": "text/plain",
            "Id": f"{contact_id}-{number}",
            "ParticipantId": f"p-{number % 2}",
            "ParticipantRole": ("SYSTEM", "CUSTOMER")[number % 2],
            "Type": "MESSAGE",
        }
        for number in range(_ITEMS)
    ]
    head = {"Version": "2019-08-26", "InstanceId": INSTANCE, "ContactId": contact_id}
    return json.dumps({**head, "Transcript": items}).encode()


def _listing(count: int, query: str) -> bytes:
    asked = parse_qs(query)
    begin = int(asked.get("continuation-token", ["0"])[0])
    if not _key("").startswith(asked["prefix"][0][: len(_DAY)]):
        return b"<ListBucketResult/>"
    end = min(count, begin + _PAGE)
    keys = (_key(f"c-{number:07}") for number in range(begin, end))
    rows = "".join(f"<Contents><Key>{key}</Key><Size>3000</Size></Contents>" for key in keys)
    more = f"<NextContinuationToken>{end}</NextContinuationToken>" if end < count else ""
    return f"<ListBucketResult>{rows}{more}</ListBucketResult>".encode()


def _serve(count: int, ready: Connection) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path)
            contact = path.path.rpartition("/")[2].partition("_")[0]
            body = _listing(count, path.query) if path.query else _file(contact)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ready.send(server.server_port)
    server.serve_forever()


@contextmanager
def _store(count: int) -> Iterator[str]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(count, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def _collect(count: int, endpoint_url: str, told: Connection, *, tells_place: bool) -> None:
    """In a process of its own, whose memory nobody else has filled."""
    amazon = _Amazon(endpoint_url, tells_place=tells_place)
    with tempfile.TemporaryDirectory() as folder, Ledger(f"sqlite:///{folder}/ledger.db") as ledger:
        names = (f"{number:07}" for number in range(count))
        while some := list(islice(names, _PAGE)):
            enter_many(ledger, some, mode="invitation", campaign=_CAMPAIGN)
        before, began = _peak_mib(), time.monotonic()
        found = collect_campaign(ledger, _CAMPAIGN, Instance(api=amazon, quotas=Quotas(**_UNBOUND)))
        seconds = time.monotonic() - began
        assert (found.transcripts, found.messages) == (count, count * _ITEMS), found
        told.send(
            {
                "contacts": count,
                "seconds": seconds,
                "mib": _peak_mib() - before,
                "calls": dict(amazon.calls),
            }
        )


def _peak_mib() -> float:
    # Not getrusage: its peak is also that of whoever started this process.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _measured(count: int, *, tells_place: bool) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with _store(count) as url:
        process = context.Process(
            target=_collect, args=(count, url, theirs), kwargs={"tells_place": tells_place}
        )
        process.start()
        theirs.close()  # Or nobody would notice that it died.
        found: dict[str, Any] = ours.recv()
        process.join()
    return found


def seconds_at_default_quotas(calls: Mapping[str, int]) -> dict[str, float]:
    """How long the calls of each API take at what a new account is granted; S3 has no such rate."""
    quotas, seconds = Quotas(), {}
    for api in ("DescribeContact", "SearchContacts", "ListInstanceStorageConfigs"):
        rate, burst = quotas.usable_rate_of(api)
        seconds[api] = max(0, calls.get(api, 0) - burst) / rate
    return seconds


def measure_collection(counts: Sequence[int] = (1_000, 10_000)) -> Iterator[Row]:
    """Collect campaigns of some sizes, with places that Amazon tells and with those it does not."""
    smallest = counts[0]
    for tells_place in (False, True):
        least = _measured(smallest, tells_place=tells_place)
        for count in counts[1:]:
            yield _row(_measured(count, tells_place=tells_place), least, tells_place=tells_place)


def _row(found: Mapping[str, Any], least: Mapping[str, Any], *, tells_place: bool) -> Row:
    count, calls = found["contacts"], found["calls"]
    by_quota = seconds_at_default_quotas(calls)
    each = ", ".join(f"{name} {number / count:.4g}" for name, number in sorted(calls.items()))
    how = "place told by DescribeContact" if tells_place else "found by listing the day"
    return Row(
        line="i",
        what=f"collect {count:,} ended contacts, {how}",
        measured=f"calls a contact: {each}",
        reference=(
            f"{sum(by_quota.values()):,.0f} s at default quotas; our side {found['seconds']:.0f} s"
        ),
        ratio=f"{found['mib']:.0f} MiB more, {least['mib']:.0f} with {least['contacts']:,}",
        aim="one DescribeContact each; memory as with a tenth",
        raw={**found, "seconds_at_default_quotas": by_quota, "tells_place": tells_place},
    )
