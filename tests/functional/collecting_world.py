"""What tests of collecting need: contacts at an Amazon of their own, and files in moto's S3."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.aws.pacing.clock import SystemClock
from connect_tasks.campaign.collection.collected import Collected
from connect_tasks.campaign.collection.collecting import collect_campaign
from connect_tasks.errors import AccessDeniedError, AmazonError, NotFoundError
from connect_tasks.ledger.store import Ledger
from tests.functional.world import FAST, QUICK, session
from tests.ledger_rows import INSTANCE

__all__ = [
    "CAMPAIGN",
    "NOON",
    "PREFIX",
    "Amazon",
    "Later",
    "item",
    "moto_s3",
    "new_amazon",
    "told",
    "transcript",
]

CAMPAIGN = "renewals"
PREFIX = "connect/acme/ChatTranscripts"
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
_numbers = count(1)


class Later(SystemClock):
    """Begins at noon of a day, goes as clocks go, and can be set on."""

    def __init__(self) -> None:
        self._began = self.monotonic()
        self.ahead = timedelta()

    def now(self) -> datetime:
        return NOON + self.ahead + timedelta(seconds=self.monotonic() - self._began)


def told(*, ended: datetime | None = None, joined: bool = True, **more: Any) -> dict[str, Any]:
    """DescribeContact's answer of a chat that began at eleven."""
    began = NOON - timedelta(hours=1)
    times = {
        "InitiationTimestamp": began,
        "ConnectedToSystemTimestamp": began + timedelta(seconds=20) if joined else None,
        "DisconnectTimestamp": ended,
    }
    return {**times, "InitiationMethod": "API", **more}


def item(
    number: int, *, role: str = "CUSTOMER", text: str = "hello", **more: Any
) -> dict[str, Any]:
    """One item as Amazon writes it, some seconds after eleven."""
    at = NOON - timedelta(hours=1) + timedelta(seconds=30 + number)
    return {
        "AbsoluteTime": at.strftime("%Y-%m-%dT%H:%M:%S.123Z"),
        "Content": text,
        "ContentType": "text/plain",
        "Id": f"i-{number}",
        "ParticipantId": f"p-{role}",
        "ParticipantRole": role,
        "DisplayName": role.title(),
        "Type": "MESSAGE",
        **more,
    }


def transcript(contact_id: str, items: Sequence[Any], **more: Any) -> bytes:
    """A file as Amazon writes it."""
    document = {
        "Version": "2019-08-26",
        "AWSAccountId": "123456789012",
        "InstanceId": INSTANCE,
        "InitialContactId": contact_id,
        "ContactId": contact_id,
        "Participants": [],
        "Transcript": list(items),
        **more,
    }
    return json.dumps(document).encode()


@dataclass
class Amazon(ConnectApi):
    """An instance: what it tells of contacts, where it keeps transcripts, what it was asked.

    `refused` are operations that the identity may not call, `locked` contacts whose files it may
    not read; `passing` is called before each call,
    of Amazon's and of the store's, with its name.
    """

    endpoint_url: str
    bucket: str
    contacts: dict[str, Any] = field(default_factory=dict)
    places: list[tuple[str, str]] = field(default_factory=list)
    refused: Mapping[str, AmazonError] = field(default_factory=dict)
    locked: Collection[str] = ()
    calls: Counter[str] = field(default_factory=Counter)
    passing: Callable[[str], None] = lambda _: None
    clock: Later = field(default_factory=Later)

    def __post_init__(self) -> None:
        self.places = [(self.bucket, PREFIX)]
        self._counting = threading.Lock()

    @property
    def made_of(self) -> Any:
        parameters = {"endpoint_url": self.endpoint_url}
        return self._session, ClientOptions(parameters=parameters)

    def _session(self) -> boto3.Session:
        return self._kept_session

    @cached_property
    def _kept_session(self) -> boto3.Session:
        made = session()
        made.events.register("before-call.s3", self._pass_store)
        return made

    def _pass_store(self, model: Any, params: Mapping[str, Any], **_: Any) -> None:
        self._pass(model.name)
        if any(f"/{one}_" in params["url_path"] for one in self.locked):
            raise AccessDeniedError("no", operation=model.name, code="AccessDenied", status=403)

    def describe_contact(self, instance_id: str, contact_id: str) -> Mapping[str, Any]:
        self._pass("DescribeContact")
        assert instance_id == INSTANCE
        if contact_id not in self.contacts:
            raise NotFoundError("", code="ResourceNotFoundException", operation="DescribeContact")
        found = self.contacts[contact_id]
        if isinstance(found, Exception):
            raise found
        return dict(found)

    def search_contacts(
        self,
        instance_id: str,  # noqa: ARG002 - Amazon's signature
        *,
        since: datetime,
        until: datetime,
        methods: Sequence[str],
        page: str | None = None,
    ) -> Mapping[str, Any]:
        self._pass("SearchContacts")
        found = [
            {"Id": contact_id, "InitialContactId": None, **one}
            for contact_id, one in sorted(self.contacts.items())
            if isinstance(one, dict)
            and one["InitiationMethod"] in methods
            and since <= one["InitiationTimestamp"] <= until
        ]
        begin = int(page or 0)
        more = {"NextToken": str(begin + 2)} if len(found) > begin + 2 else {}
        return {"Contacts": found[begin : begin + 2], **more}

    def transcript_places(self, instance_id: str) -> list[tuple[str, str]]:  # noqa: ARG002 - the same
        self._pass("ListInstanceStorageConfigs")
        return self.places

    def _pass(self, operation: str) -> None:
        self.passing(operation)
        with self._counting:
            self.calls[operation] += 1
        if operation in self.refused:
            raise self.refused[operation]

    def put(self, contact_id: str, content: bytes, *, began: str = "20261126T11:00") -> str:
        """Write a contact's file; gives `bucket/key`."""
        day = f"{began[:4]}/{began[4:6]}/{began[6:8]}"
        key = f"{PREFIX}/{day}/{contact_id}_{began}_UTC.json"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)
        return f"{self.bucket}/{key}"

    @cached_property
    def s3(self) -> Any:
        return session().client("s3", endpoint_url=self.endpoint_url)

    def collect(self, ledger: Ledger, **options: Any) -> Collected:
        instance = Instance(api=self, quotas=FAST, policy=QUICK)
        return collect_campaign(ledger, CAMPAIGN, instance, clock=self.clock, **options)


@contextmanager
def moto_s3() -> Iterator[str]:
    """The URL of a server that is S3, as far as moto is."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def new_amazon(endpoint_url: str) -> Amazon:
    """An instance whose bucket is empty and nobody else's."""
    amazon = Amazon(endpoint_url, f"transcripts-{next(_numbers)}")
    amazon.s3.create_bucket(Bucket=amazon.bucket)
    return amazon
