"""The transcripts of the local Amazon Connect, as boto3's own clients find and read them."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, IncompleteReadError

from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas, TranscriptStorage
from connect_tasks.emulator.faults.plan import FILE_KINDS

KEY = re.compile(
    r"connect/local/ChatTranscripts/(\d{4})/(\d\d)/(\d\d)/"
    r"([0-9a-f-]{36})_(\d{8})T(\d\d):(\d\d)_UTC\.json"
)
MORNING = datetime(2026, 11, 22, 7, 59, 59, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.moment = MORNING

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **spans: float) -> None:
        self.moment += timedelta(**spans)


class Account:
    """boto3's clients of one local instance."""

    def __init__(self, local: LocalConnect, stack: ExitStack) -> None:
        self.local = local
        self._stack = stack
        self.connect, self.people, self.s3 = map(
            self.client, ("connect", "connectparticipant", "s3")
        )

    def client(self, service: str, **config: Any) -> Any:
        make: Any = boto3.client
        made = make(
            service,
            endpoint_url=self.local.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}, **config),
        )
        self._stack.callback(made.close)
        return made

    def chat(self, *texts: str, number: int = 1, **members: Any) -> str:
        """A whole chat with the flow echo; the contact's id."""
        started = self.connect.start_chat_contact(
            InstanceId=self.local.instance_id,
            ContactFlowId=self.local.flow_ids["echo"],
            ParticipantDetails={"DisplayName": "Ann"},
            ClientToken=f"t-{number}",
            ConnectionTypes=["CONNECTION_CREDENTIALS"],
            ChatStreamingConfiguration={"StreamingEndpointArn": "arn:aws:sns:us-east-1:1:t"},
            **members,
        )
        self.people.create_participant_connection(
            ParticipantToken=started["ParticipantToken"],
            Type=["CONNECTION_CREDENTIALS"],
            ConnectParticipant=True,
        )
        bearer = started["ConnectionCredentials"]["ConnectionToken"]
        for text in texts:
            self.people.send_message(ConnectionToken=bearer, ContentType="text/plain", Content=text)
        self.people.disconnect_participant(ConnectionToken=bearer)
        contact_id: str = started["ContactId"]
        return contact_id

    def describe(self, contact_id: str) -> dict[str, Any]:
        ids = {"InstanceId": self.local.instance_id, "ContactId": contact_id}
        contact: dict[str, Any] = self.connect.describe_contact(**ids)["Contact"]
        return contact

    def place(self, contact_id: str) -> dict[str, str]:
        """Bucket and key, as DescribeContact tells them."""
        (recording,) = self.describe(contact_id)["Recordings"]
        bucket, _, key = recording["Location"].partition("/")
        return {"Bucket": bucket, "Key": key}

    def read(self, contact_id: str) -> dict[str, Any]:
        """The transcript file."""
        body: bytes = self.s3.get_object(**self.place(contact_id))["Body"].read()
        document: dict[str, Any] = json.loads(body)
        return document


@contextmanager
def account(**arguments: Any) -> Iterator[Account]:
    settings = {"quotas": LocalQuotas.unlimited(), **arguments}
    with ExitStack() as stack:
        yield Account(stack.enter_context(LocalConnect(**settings)), stack)


@pytest.fixture
def here() -> Iterator[Account]:
    with account() as made:
        yield made


def code_of(call: Callable[[], Any]) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_the_file_of_a_contact_has_the_form_that_was_seen_at_amazon(here: Account) -> None:
    contact_id = here.chat("Hello ☕", CustomerId="c-1")
    document = here.read(contact_id)

    assert list(document) == [
        "Version",
        "AWSAccountId",
        "InstanceId",
        "InitialContactId",
        "ContactId",
        "Participants",
        "Transcript",
    ]
    assert document["Version"] == "2019-08-26"
    assert document["InstanceId"] == here.local.instance_id
    assert document["InitialContactId"] == document["ContactId"] == contact_id
    items = document["Transcript"]
    assert [item["Type"] for item in items] == ["EVENT", "MESSAGE", "MESSAGE", "MESSAGE"] + [
        "EVENT"
    ] * 2
    assert (items[2]["Content"], items[2]["ParticipantRole"]) == ("Hello ☕", "CUSTOMER")
    assert set(items[2]) == {
        "AbsoluteTime",
        "Content",
        "ContentType",
        "DisplayName",
        "Id",
        "ParticipantId",
        "ParticipantRole",
        "Type",
    }
    assert set(items[-1]) == {"AbsoluteTime", "ContentType", "Id", "Type"}
    speakers = [one["ParticipantId"] for one in document["Participants"]]
    assert set(speakers) == {item["ParticipantId"] for item in items if "ParticipantId" in item}


def test_items_of_the_file_have_the_ids_that_they_had_in_the_chat(here: Account) -> None:
    document = here.read(here.chat("Hello"))
    (contact,) = here.local.contacts

    assert [item["Id"] for item in document["Transcript"]] == [
        item.id for item in contact.transcript
    ]


def test_the_key_is_dated_by_the_minute_of_the_start_in_utc() -> None:
    clock = Clock()
    with account(now=clock) as here:
        contact_id = here.chat("Hello")
        clock.advance(days=1)
        place = here.place(contact_id)

    assert place["Key"] == (
        f"connect/local/ChatTranscripts/2026/11/22/{contact_id}_20261122T07:59_UTC.json"
    )


def test_what_one_looks_for_by_day_and_contact_is_what_describe_contact_names(
    here: Account,
) -> None:
    contact_id = here.chat("Hello")
    ids = {"InstanceId": here.local.instance_id}
    (config,) = here.connect.list_instance_storage_configs(
        **ids, ResourceType="CHAT_TRANSCRIPTS", MaxResults=10
    )["StorageConfigs"]
    bucket, prefix = config["S3Config"]["BucketName"], config["S3Config"]["BucketPrefix"]
    started = here.describe(contact_id)["InitiationTimestamp"].astimezone(UTC)
    (found,) = here.s3.list_objects_v2(
        Bucket=bucket, Prefix=f"{prefix}/{started:%Y/%m/%d}/{contact_id}_"
    )["Contents"]

    assert {"Bucket": bucket, "Key": found["Key"]} == here.place(contact_id)
    assert KEY.fullmatch(found["Key"])
    assert found["Size"] == here.s3.head_object(Bucket=bucket, Key=found["Key"])["ContentLength"]
    assert (
        here.connect.list_instance_storage_configs(**ids, ResourceType="CALL_RECORDINGS")[
            "StorageConfigs"
        ]
        == []
    )


def test_the_file_comes_some_time_after_the_end_and_not_before() -> None:
    clock = Clock()
    with account(now=clock, storage=TranscriptStorage(delay_seconds=45)) as here:
        contact_id = here.chat("Hello")
        clock.advance(seconds=44)
        early = here.describe(contact_id)
        listed = here.s3.list_objects_v2(Bucket="amazon-connect-local")["KeyCount"]
        clock.advance(seconds=1)
        late = here.read(contact_id)

    assert "DisconnectTimestamp" in early
    assert "Recordings" not in early
    assert listed == 0
    assert late["ContactId"] == contact_id


def test_an_instance_without_storage_says_so_everywhere() -> None:
    with account(storage=None) as here:
        contact_id = here.chat("Hello")
        configs = here.connect.list_instance_storage_configs(
            InstanceId=here.local.instance_id, ResourceType="CHAT_TRANSCRIPTS"
        )["StorageConfigs"]
        described = here.describe(contact_id)
        missing = code_of(lambda: here.s3.list_objects_v2(Bucket="amazon-connect-local"))

    assert configs == []
    assert "Recordings" not in described
    assert missing == ("NoSuchBucket", 404)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"recordings": "never"}, None),
        ({"recordings": "at_end", "delay_seconds": 3600}, "amazon-connect-local/connect/local/"),
        ({"location_has_scheme": True}, "s3://amazon-connect-local/connect/local/"),
        ({"bucket": "mine", "prefix": "a/b"}, "mine/a/b/2026/11/22/"),
    ],
)
def test_how_describe_contact_tells_of_the_file_can_be_chosen(
    settings: dict[str, Any], expected: str | None
) -> None:
    with account(now=Clock(), storage=TranscriptStorage(**settings)) as here:
        recordings = here.describe(here.chat("Hello")).get("Recordings", [])

    assert [one["StorageType"] for one in recordings] == ["S3"] * (expected is not None)
    assert all(one["Location"].startswith(expected) for one in recordings)


@pytest.mark.parametrize(("dated_by", "day"), [("started", 22), ("connected", 22), ("ended", 23)])
def test_what_keys_are_dated_by_can_be_chosen(dated_by: Any, day: int) -> None:
    clock = Clock()
    with account(now=clock, storage=TranscriptStorage(dated_by=dated_by)) as here:
        started = here.connect.start_chat_contact(
            InstanceId=here.local.instance_id,
            ContactFlowId=here.local.flow_ids["echo"],
            ParticipantDetails={"DisplayName": "Ann"},
            ChatStreamingConfiguration={"StreamingEndpointArn": "arn:aws:sns:us-east-1:1:t"},
        )
        here.people.create_participant_connection(
            ParticipantToken=started["ParticipantToken"],
            Type=["CONNECTION_CREDENTIALS"],
            ConnectParticipant=True,
        )
        clock.advance(hours=18)
        here.connect.stop_contact(InstanceId=here.local.instance_id, ContactId=started["ContactId"])
        key = here.place(started["ContactId"])["Key"]

    assert KEY.fullmatch(key)[3] == f"{day}"  # type: ignore[index]


@pytest.mark.parametrize("of_unconnected", [False, True])
def test_a_contact_that_nobody_joined_has_a_file_only_if_one_says_so(
    *, of_unconnected: bool
) -> None:
    storage = TranscriptStorage(of_unconnected=of_unconnected)
    with account(storage=storage) as here:
        started = here.connect.start_chat_contact(
            InstanceId=here.local.instance_id,
            ContactFlowId=here.local.flow_id,
            ParticipantDetails={"DisplayName": "Ann"},
        )
        here.connect.stop_contact(InstanceId=here.local.instance_id, ContactId=started["ContactId"])
        count = here.s3.list_objects_v2(Bucket=storage.bucket)["KeyCount"]

    assert count == int(of_unconnected)


def test_ids_of_the_file_can_be_others_than_those_of_the_chat() -> None:
    with account(storage=TranscriptStorage(same_ids=False)) as here:
        items = here.read(here.chat("Hello"))["Transcript"]
        (contact,) = here.local.contacts

    assert {item["Id"] for item in items}.isdisjoint(item.id for item in contact.transcript)
    assert len({item["Id"] for item in items}) == len(items)


def test_errors_of_s3_are_those_that_boto3_knows(here: Account) -> None:
    s3, place = here.s3, here.place(here.chat("Hello"))
    bucket, key = place["Bucket"], place["Key"]

    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=bucket, Key=f"{key}.gz")
    with pytest.raises(s3.exceptions.NoSuchBucket):
        s3.list_objects_v2(Bucket="somebody-elses")
    assert code_of(lambda: s3.head_object(Bucket=bucket, Key="nothing")) == ("404", 404)
    assert code_of(lambda: s3.head_bucket(Bucket="somebody-elses")) == ("404", 404)
    assert s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert code_of(lambda: s3.put_object(Bucket=bucket, Key=key, Body=b"")) == (
        "MethodNotAllowed",
        405,
    )
    assert code_of(lambda: s3.delete_object(Bucket=bucket, Key=key))[0] == "MethodNotAllowed"
    assert code_of(lambda: s3.list_objects(Bucket=bucket)) == ("NotImplemented", 501)
    wrong: tuple[dict[str, Any], ...] = ({"ContinuationToken": "made up"}, {"MaxKeys": -1})
    for listing in wrong:
        call = partial(s3.list_objects_v2, Bucket=bucket, **listing)
        assert code_of(call)[0] == "InvalidArgument"
    assert here.read(next(c.contact_id for c in here.local.contacts))["Version"]


def test_without_permission_to_list_a_missing_file_is_denied_and_one_that_is_there_is_read() -> (
    None
):
    with account(storage=TranscriptStorage(may_list=False)) as here:
        contact_id = here.chat("Hello")
        place = here.place(contact_id)
        denied = [
            code_of(lambda: here.s3.list_objects_v2(Bucket=place["Bucket"])),
            code_of(lambda: here.s3.get_object(Bucket=place["Bucket"], Key="nothing")),
        ]
        assert here.read(contact_id)["ContactId"] == contact_id

    assert denied == [("AccessDenied", 403)] * 2


def test_without_permission_to_read_every_file_is_denied() -> None:
    with account(storage=TranscriptStorage(may_read=False)) as here:
        place = here.place(here.chat("Hello"))
        assert code_of(lambda: here.s3.get_object(**place)) == ("AccessDenied", 403)
        assert here.s3.list_objects_v2(Bucket=place["Bucket"])["KeyCount"] == 1


def test_an_unsigned_request_and_one_with_expired_credentials_are_refused(here: Account) -> None:
    place = here.place(here.chat("Hello"))
    unsigned = here.client("s3", signature_version=UNSIGNED)
    assert code_of(lambda: unsigned.get_object(**place)) == ("AccessDenied", 403)

    here.local.expire_credentials("local")
    assert code_of(lambda: here.s3.get_object(**place)) == ("ExpiredToken", 400)


def test_a_link_that_was_signed_beforehand_opens_the_file(here: Account) -> None:
    contact_id = here.chat("Hello")
    clients = [here.client("s3", signature_version=version) for version in ("s3", "s3v4")]
    place = here.place(contact_id)
    links = [client.generate_presigned_url("get_object", Params=place) for client in clients]

    assert [httpx.get(link).json()["ContactId"] for link in links] == [contact_id] * 2
    here.local.expire_credentials("local")
    assert [httpx.get(link).status_code for link in links] == [400, 400]


def test_parts_of_a_file_are_read_by_range_and_files_by_their_etag(
    here: Account, tmp_path: Path
) -> None:
    place = here.place(here.chat("Hello"))
    whole = here.s3.get_object(**place)
    content = whole["Body"].read()

    def part(range_: str) -> tuple[bytes, str]:
        answer = here.s3.get_object(**place, Range=range_)
        return answer["Body"].read(), answer["ContentRange"]

    size = len(content)
    assert part("bytes=0-9") == (content[:10], f"bytes 0-9/{size}")
    assert part("bytes=10-") == (content[10:], f"bytes 10-{size - 1}/{size}")
    assert part("bytes=-5") == (content[-5:], f"bytes {size - 5}-{size - 1}/{size}")
    assert part(f"bytes=0-{size + 9}")[0] == content
    assert code_of(lambda: part(f"bytes={size}-")) == ("InvalidRange", 416)
    assert here.s3.get_object(**place, IfMatch=whole["ETag"])["ETag"] == whole["ETag"]
    assert code_of(lambda: here.s3.get_object(**place, IfMatch='"x"')) == (
        "PreconditionFailed",
        412,
    )
    assert code_of(lambda: here.s3.get_object(**place, IfNoneMatch=whole["ETag"])) == ("304", 304)
    here.s3.download_file(place["Bucket"], place["Key"], str(tmp_path / "file.json"))
    assert (tmp_path / "file.json").read_bytes() == content


def test_a_listing_of_many_comes_in_pages_that_hold_each_file_once(here: Account) -> None:
    contacts = {here.chat(number=number) for number in range(23)}
    bucket = "amazon-connect-local"
    pages = here.s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix="connect/", PaginationConfig={"PageSize": 5}
    )
    keys = [one["Key"] for page in pages for one in page["Contents"]]
    groups = here.s3.list_objects_v2(Bucket=bucket, Prefix="connect/", Delimiter="/")

    assert {KEY.fullmatch(key)[4] for key in keys} == contacts  # type: ignore[index]
    assert len(keys) == 23
    assert keys == sorted(keys)
    assert [one["Prefix"] for one in groups["CommonPrefixes"]] == ["connect/local/"]
    after = here.s3.list_objects_v2(Bucket=bucket, StartAfter=keys[20])
    assert [one["Key"] for one in after["Contents"]] == keys[21:]


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_a_file_with_something_wrong_is_whole_when_it_is_read_again(kind: FaultKind) -> None:
    fault = Fault(operation="GetObject", kind=kind, customer_id="c-1", nth=1)
    with account(faults=[fault]) as here:
        other = here.chat("Hello", number=2, CustomerId="c-2")
        contact_id = here.chat("Hello", CustomerId="c-1")
        here.read(other)
        answer = here.s3.get_object(**here.place(contact_id))
        spoilt = answer["Body"].read()
        whole = here.read(contact_id)
        injected = here.local.injected

    assert answer["ContentLength"] == len(spoilt)
    assert injected == {("GetObject", kind.value): 1}
    assert whole["ContactId"] == contact_id
    WRONG[kind](spoilt, whole)


def is_no_json(spoilt: bytes, _whole: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(spoilt)


def is_a_half(spoilt: bytes, whole: dict[str, Any]) -> None:
    is_no_json(spoilt, whole)
    assert spoilt.startswith(b'{"Version":"2019-08-26"')


def is_of_another_version(spoilt: bytes, whole: dict[str, Any]) -> None:
    document = json.loads(spoilt)
    assert document.pop("Version") != whole["Version"]
    assert document.items() < whole.items()


def is_of_another_contact(spoilt: bytes, whole: dict[str, Any]) -> None:
    document = json.loads(spoilt)
    assert document["ContactId"] != whole["ContactId"]
    assert document["Transcript"] == whole["Transcript"]


def is_huge(spoilt: bytes, whole: dict[str, Any]) -> None:
    assert len(spoilt) > 50 * 1024 * 1024
    assert json.loads(spoilt) == whole


WRONG: dict[FaultKind, Callable[[bytes, dict[str, Any]], None]] = {
    FaultKind.FILE_CUT: is_a_half,
    FaultKind.FILE_VERSION: is_of_another_version,
    FaultKind.FILE_CONTACT: is_of_another_contact,
    FaultKind.FILE_NO_JSON: is_no_json,
    FaultKind.FILE_HUGE: is_huge,
}


def test_a_huge_file_is_announced_as_one_and_its_end_can_be_read_alone() -> None:
    faults = [
        Fault(operation=operation, kind=FaultKind.FILE_HUGE)
        for operation in ("HeadObject", "GetObject")
    ]
    with account(faults=faults) as here:
        place = here.place(here.chat("Hello"))
        size = here.s3.head_object(**place)["ContentLength"]
        tail = here.s3.get_object(**place, Range="bytes=-3")["Body"].read()

    assert size > 50 * 1024 * 1024
    assert tail == b"  }"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault.throttle("GetObject", nth=1), ("SlowDown", 503)),
        (Fault.expired_credentials("GetObject", nth=1), ("ExpiredToken", 400)),
        (
            Fault(
                operation="GetObject",
                kind=FaultKind.ERROR_BEFORE,
                status=403,
                code="AccessDenied",
                nth=1,
            ),
            ("AccessDenied", 403),
        ),
        (Fault.untyped_429("GetObject", nth=1), ("429", 429)),
    ],
)
def test_faults_of_calls_strike_s3_in_its_own_words(fault: Fault, outcome: Any) -> None:
    with account(faults=[fault]) as here:
        place = here.place(here.chat("Hello"))
        assert code_of(lambda: here.s3.get_object(**place)) == outcome
        assert here.s3.get_object(**place)["ContentLength"] > 0
        assert here.local.calls["GetObject"] == 2


def test_a_file_that_is_cut_on_its_way_is_known_by_its_length() -> None:
    with account(faults=[Fault(operation="GetObject", kind=FaultKind.TRUNCATED, nth=1)]) as here:
        place = here.place(here.chat("Hello"))
        body = here.s3.get_object(**place)["Body"]
        with pytest.raises((IncompleteReadError, OSError, Exception)) as caught:
            body.read()

    assert "read" in repr(caught.value).lower()


def test_the_environment_points_s3_here_too(here: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    place = here.place(here.chat("Hello"))
    for name, value in here.local.environment().items():
        monkeypatch.setenv(name, value)
    session = boto3.Session()
    s3 = session.client("s3")
    try:
        assert s3.get_object(**place)["ContentLength"] > 0
    finally:
        s3.close()


def test_the_block_of_the_instance_reaches_s3_at_the_same_place(here: Account) -> None:
    place = here.place(here.chat("Hello"))
    block = here.local.instance()
    parameters = block.aws_client_parameters.get_params_override()
    assert block.aws_credentials is not None
    s3 = block.aws_credentials.get_boto3_session().client("s3", **parameters)
    try:
        assert s3.get_object(**place)["ContentLength"] > 0
    finally:
        s3.close()


def test_a_bucket_may_be_named_by_the_host_instead_of_the_path(here: Account) -> None:
    place = here.place(here.chat("Hello"))
    link = here.s3.generate_presigned_url("get_object", Params=place)
    host, _, rest = link.removeprefix("http://").partition("/")
    by_host = httpx.get(
        f"http://{host}/{rest.removeprefix(place['Bucket'] + '/')}",
        headers={"Host": f"{place['Bucket']}.localhost"},
    )

    assert by_host.status_code == 200
    assert by_host.content == httpx.get(link).content


def test_searches_find_ended_contacts_by_pages_and_by_what_was_set(here: Account) -> None:
    contacts = [
        here.chat(number=number, Attributes={"wave": str(number % 2)}) for number in range(7)
    ]
    now = datetime.now(UTC)
    times = {
        "Type": "DISCONNECT_TIMESTAMP",
        "StartTime": now - timedelta(hours=1),
        "EndTime": now + timedelta(hours=1),
    }
    pages = here.connect.get_paginator("search_contacts").paginate(
        InstanceId=here.local.instance_id,
        TimeRange=times,
        SearchCriteria={"Channels": ["CHAT"], "InitiationMethods": ["API"]},
        PaginationConfig={"PageSize": 3},
    )
    found = [one["Id"] for page in pages for one in page["Contacts"]]
    odd = {"Criteria": [{"Key": "wave", "Values": ["1"]}]}
    odd_ones = here.connect.search_contacts(
        InstanceId=here.local.instance_id,
        TimeRange=times,
        SearchCriteria={"SearchableContactAttributes": odd},
    )

    assert sorted(found) == sorted(contacts)
    assert {one["Id"] for one in odd_ones["Contacts"]} == set(contacts[1::2])
    assert odd_ones["TotalCount"] == 3


def test_attributes_and_references_of_a_contact_can_be_asked_for(here: Account) -> None:
    contact_id = here.chat("Hello", Attributes={"plan": "gold"})
    ids = {"InstanceId": here.local.instance_id}

    attributes = here.connect.get_contact_attributes(**ids, InitialContactId=contact_id)
    references = here.connect.list_contact_references(
        **ids, ContactId=contact_id, ReferenceTypes=["ATTACHMENT"]
    )
    assert attributes["Attributes"] == {"plan": "gold"}
    assert references["ReferenceSummaryList"] == []
    wrong: tuple[tuple[Any, dict[str, Any]], ...] = (
        (here.connect.get_contact_attributes, {"InitialContactId": "nobody"}),
        (
            here.connect.list_contact_references,
            {"ContactId": "nobody", "ReferenceTypes": ["ATTACHMENT"]},
        ),
    )
    for call, named in wrong:
        assert code_of(partial(call, **ids, **named))[0] == "ResourceNotFoundException"


def test_many_readers_at_once_get_whole_files(here: Account) -> None:
    places = [here.place(here.chat(f"Hello {n}", number=n)) for n in range(8)]
    barrier = threading.Barrier(8)

    def read(number: int) -> str:
        barrier.wait()
        body = here.s3.get_object(**places[number])["Body"].read()
        content: str = json.loads(body)["Transcript"][2]["Content"]
        return content

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(read, range(8))) == [f"Hello {n}" for n in range(8)]
