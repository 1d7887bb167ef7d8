"""The bucket of the transcripts, asked without a socket.

What S3 answers is said in its API reference: GetObject, ListObjectsV2, error responses; ranges and
conditions are RFC 9110's.
"""

import json
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

import pytest

from connect_tasks.emulator.faults.plan import FaultKind
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.objects.bucket import Bucket, ObjectAnswer, ObjectRequest
from connect_tasks.emulator.transcript_storage import TranscriptStorage
from tests.unit.emulator.world import World

NAME = "amazon-connect-local"
DAY = "connect/local/ChatTranscripts/2026/11/22/"
TAG = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Kept(World):
    """A world that keeps transcripts in a bucket, as soon as a contact has ended."""

    def __init__(self, storage: TranscriptStorage | None = None) -> None:
        super().__init__(storage=storage)
        self.bucket = Bucket(self.backend.archive)

    def end_some(self, number: int) -> list[str]:
        """Chats that were held and are over; their files' keys in order."""
        for one in range(number):
            socket, _ = self.join("echo", ClientToken=f"t-{one}", CustomerId="7")
            self.stop(socket.items[0]["ContactId"])
        return sorted(file.key for file in self.backend.archive.files(""))

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        query: dict[str, str] | None = None,
        host: str = "",
        headers: dict[str, str] | None = None,
    ) -> ObjectAnswer:
        request = ObjectRequest.read(
            method, quote(path), urlencode(query or {}), headers or {}, host
        )
        return self.bucket.answer(request)

    def refusal(self, path: str, **asked: object) -> str:
        with pytest.raises(RefusedError) as caught:
            self.ask(path, **asked)  # type: ignore[arg-type]
        return caught.value.code

    def listing(self, **query: str) -> ET.Element:
        answer = self.ask(f"/{NAME}", query={"list-type": "2", **query})
        assert (answer.status, answer.headers["content-type"]) == (200, "application/xml")
        return ET.fromstring(body_of(answer))  # noqa: S314 - our own


def body_of(answer: ObjectAnswer) -> bytes:
    return b"".join(answer.body.chunks(answer.begin, answer.end))


def texts(listing: ET.Element, path: str) -> list[str]:
    steps = "/".join(TAG + step for step in path.split("/"))
    return [element.text or "" for element in listing.findall(steps)]


@pytest.fixture
def world() -> Kept:
    return Kept(TranscriptStorage())


@pytest.mark.parametrize("host", ["", NAME], ids=["by path", "by host"])
def test_a_file_is_found_by_path_and_by_host_name(world: Kept, host: str) -> None:
    (key,) = world.end_some(1)
    answer = world.ask(f"/{key}" if host else f"/{NAME}/{key}", host=host)
    document = json.loads(body_of(answer))

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert key.startswith(DAY + document["ContactId"])
    assert answer.headers["content-length"] == str(len(body_of(answer)))
    assert answer.headers["last-modified"] == "Sun, 22 Nov 2026 07:00:00 GMT"


def test_head_has_the_headers_of_get_and_no_body(world: Kept) -> None:
    (key,) = world.end_some(1)
    got, seen = world.ask(f"/{NAME}/{key}"), world.ask(f"/{NAME}/{key}", method="HEAD")

    assert (seen.status, seen.headers, body_of(seen)) == (200, got.headers, b"")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_range_is_given_as_such(world: Kept, method: str) -> None:
    (key,) = world.end_some(1)
    whole = body_of(world.ask(f"/{NAME}/{key}"))
    part = world.ask(f"/{NAME}/{key}", method=method, headers={"range": "bytes=2-5"})

    assert (part.status, part.headers["content-length"]) == (206, "4")
    assert part.headers["content-range"] == f"bytes 2-5/{len(whole)}"
    assert body_of(part) == (whole[2:6] if method == "GET" else b"")
    beyond = {"range": f"bytes={len(whole)}-"}
    assert world.refusal(f"/{NAME}/{key}", method=method, headers=beyond) == "InvalidRange"


def test_conditions_hold_or_do_not(world: Kept) -> None:
    (key,) = world.end_some(1)
    path = f"/{NAME}/{key}"
    mark = world.ask(path).headers["etag"]

    for same in (mark, "*"):
        assert world.ask(path, headers={"if-match": same}).status == 200
        unchanged = world.ask(path, headers={"if-none-match": same})
        assert (unchanged.status, body_of(unchanged)) == (304, b"")
    assert world.refusal(path, headers={"if-match": '"another"'}) == "PreconditionFailed"
    assert world.ask(path, headers={"if-none-match": '"another"'}).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_not_there_is_told_to_whoever_may_list(method: str) -> None:
    may, may_not = Kept(TranscriptStorage()), Kept(TranscriptStorage(may_list=False))

    assert may.refusal(f"/{NAME}/nothing", method=method) == "NoSuchKey"
    assert may_not.refusal(f"/{NAME}/nothing", method=method) == "AccessDenied"


def test_what_is_not_allowed_is_denied() -> None:
    blind, dumb = Kept(TranscriptStorage(may_list=False)), Kept(TranscriptStorage(may_read=False))
    (key,) = dumb.end_some(1)

    assert blind.refusal(f"/{NAME}", query={"list-type": "2"}) == "AccessDenied"
    assert dumb.refusal(f"/{NAME}/{key}") == "AccessDenied"


def test_there_is_one_bucket_or_none(world: Kept) -> None:
    assert world.bucket.name == NAME
    assert world.refusal("/another/key") == "NoSuchBucket"
    assert world.refusal("/key", host="another") == "NoSuchBucket"
    without = Kept()
    assert without.bucket.name == ""
    assert without.refusal(f"/{NAME}/key") == "NoSuchBucket"


def test_only_what_is_asked_of_a_bucket_here_is_served(world: Kept) -> None:
    assert world.ask(f"/{NAME}", method="HEAD").status == 200
    assert world.refusal(f"/{NAME}", query={"location": ""}) == "NotImplemented"
    assert world.refusal(f"/{NAME}", query={"list-type": "1"}) == "NotImplemented"
    for method in ("PUT", "POST", "DELETE"):
        assert world.refusal(f"/{NAME}/key", method=method) == "MethodNotAllowed"


def test_whose_file_it_is_can_be_told(world: Kept) -> None:
    (key,) = world.end_some(1)
    path = f"/{NAME}/"

    assert world.bucket.customer_id(ObjectRequest.read("GET", path + key, "", {}, "")) == "7"
    assert world.bucket.customer_id(ObjectRequest.read("GET", path + "x", "", {}, "")) is None


def test_an_encrypted_bucket_names_its_key() -> None:
    world = Kept(TranscriptStorage(kms_key_arn="arn:aws:kms:us-east-1:1:key/k"))
    (key,) = world.end_some(1)
    headers = world.ask(f"/{NAME}/{key}").headers

    assert headers["x-amz-server-side-encryption"] == "aws:kms"
    assert headers["x-amz-server-side-encryption-aws-kms-key-id"].endswith("key/k")


def test_a_spoilt_file_is_given_out_instead(world: Kept) -> None:
    (key,) = world.end_some(1)
    request = ObjectRequest.read("GET", f"/{NAME}/{quote(key)}", "", {}, "")
    whole = body_of(world.bucket.answer(request))
    cut = world.bucket.answer(request, FaultKind.FILE_CUT)

    assert body_of(cut) == whole[: len(whole) // 2]
    assert cut.headers["content-length"] == str(len(whole) // 2)


def test_a_listing_tells_of_each_file_what_its_head_does(world: Kept) -> None:
    keys = world.end_some(3)
    listing = world.listing()
    heads = [world.ask(f"/{NAME}/{key}", method="HEAD").headers for key in keys]

    assert texts(listing, "Contents/Key") == keys
    assert texts(listing, "Contents/ETag") == [head["etag"] for head in heads]
    assert texts(listing, "Contents/Size") == [head["content-length"] for head in heads]
    assert texts(listing, "Contents/LastModified") == ["2026-11-22T07:00:00.000Z"] * 3
    assert texts(listing, "Contents/StorageClass") == ["STANDARD"] * 3
    assert (texts(listing, "KeyCount"), texts(listing, "MaxKeys")) == (["3"], ["1000"])
    assert (texts(listing, "Name"), texts(listing, "IsTruncated")) == ([NAME], ["false"])


def test_pages_hold_every_file_once(world: Kept) -> None:
    keys = world.end_some(5)
    seen: list[str] = []
    token: dict[str, str] = {}
    for is_truncated in ("true", "true", "false"):
        page = world.listing(**{"max-keys": "2", **token})
        seen += texts(page, "Contents/Key")
        assert (texts(page, "IsTruncated"), texts(page, "MaxKeys")) == ([is_truncated], ["2"])
        assert texts(page, "ContinuationToken") == list(token.values())
        token = {"continuation-token": (texts(page, "NextContinuationToken") or [""])[0]}

    assert seen == keys


def test_a_prefix_and_a_place_to_begin_narrow_it(world: Kept) -> None:
    keys = world.end_some(3)
    after = world.listing(**{"start-after": keys[1]})

    assert texts(after, "Contents/Key") == keys[2:]
    assert texts(after, "StartAfter") == [keys[1]]
    assert texts(world.listing(prefix=keys[0]), "Contents/Key") == keys[:1]
    assert texts(world.listing(prefix="another/"), "KeyCount") == ["0"]


def test_a_delimiter_makes_folders_of_keys(world: Kept) -> None:
    world.end_some(3)
    listing = world.listing(prefix="connect/", delimiter="/")

    assert texts(listing, "CommonPrefixes/Prefix") == ["connect/local/"]
    assert (texts(listing, "Contents"), texts(listing, "KeyCount")) == ([], ["1"])
    assert (texts(listing, "Prefix"), texts(listing, "Delimiter")) == (["connect/"], ["/"])


def test_names_are_encoded_where_that_is_asked_for() -> None:
    world = Kept(TranscriptStorage(prefix="é(3)"))
    (key,) = world.end_some(1)
    asked = {"encoding-type": "url", "prefix": "é(", "start-after": "é"}
    plain, grouped = world.listing(**asked), world.listing(**asked, delimiter=")")

    assert (texts(plain, "EncodingType"), texts(grouped, "Delimiter")) == (["url"], ["%29"])
    assert texts(plain, "Contents/Key") == ["%C3%A9%283%29" + key[4:].replace(":", "%3A")]
    assert (texts(plain, "Prefix"), texts(plain, "StartAfter")) == (["%C3%A9%28"], ["%C3%A9"])
    assert texts(grouped, "CommonPrefixes/Prefix") == ["%C3%A9%283%29"]


@pytest.mark.parametrize("most", ["-1", "many", "1.5", "٣", "9" * 40])
def test_what_s3_does_not_understand_is_no_argument(world: Kept, most: str) -> None:
    for query in ({"max-keys": most}, {"encoding-type": "xml"}, {"continuation-token": "x"}):
        assert world.refusal(f"/{NAME}", query={"list-type": "2", **query}) == "InvalidArgument"
