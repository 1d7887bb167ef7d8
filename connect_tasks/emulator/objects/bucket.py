"""S3 without HTTP: requests for the bucket of the transcripts, and their answers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from connect_tasks.emulator.faults.plan import FaultKind
from connect_tasks.emulator.instance.archive import Archive, File
from connect_tasks.emulator.instance.transcript import iso
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.objects.content import Content, read_range, spoil
from connect_tasks.emulator.objects.listing import (
    Entry,
    Page,
    Wish,
    page_of,
    read_token,
    write_token,
)
from connect_tasks.emulator.objects.xml import Tree, document
from connect_tasks.emulator.transcript_storage import TranscriptStorage

__all__ = ["Bucket", "ObjectAnswer", "ObjectRequest"]

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class ObjectRequest:
    """A request to S3, addressed by path or by host name.

    Attributes:
        method: The HTTP method.
        bucket: Name of the bucket; empty where none is named.
        key: The key in it; empty where the bucket itself is meant.
        query: The query's members.
        headers: The headers, by their names in lower case.
    """

    method: str
    bucket: str
    key: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls, method: str, raw_path: str, query: str, headers: Mapping[str, str], host_bucket: str
    ) -> "ObjectRequest":
        """Put a request together from its parts on the wire.

        Args:
            method: The HTTP method.
            raw_path: The path as it was sent.
            query: The query string.
            headers: The headers.
            host_bucket: The bucket that the host's name begins with, if it does.
        """
        path = raw_path.removeprefix("/")
        bucket, _, key = (host_bucket, "", path) if host_bucket else path.partition("/")
        named = dict(parse_qsl(query, keep_blank_values=True))
        return cls(method, unquote(bucket), unquote(key), named, headers)

    @property
    def operation(self) -> str | None:
        """The operation that is asked for, if it is served."""
        if self.key:
            return {"GET": "GetObject", "HEAD": "HeadObject"}.get(self.method)
        if self.method == "HEAD":
            return "HeadBucket"
        is_listing = self.method == "GET" and self.query.get("list-type") == "2"
        return "ListObjectsV2" if is_listing else None


@dataclass(frozen=True, slots=True)
class ObjectAnswer:
    """An answer of S3.

    Attributes:
        status: The HTTP status.
        headers: Its headers.
        body: What it says.
        begin: From which byte of the body on.
        end: Up to which.
    """

    status: int
    headers: Mapping[str, str]
    body: Content
    begin: int
    end: int

    @classmethod
    def of_xml(cls, status: int, root: Tree, *, namespace: str = "") -> "ObjectAnswer":
        """An answer that is an XML document."""
        body = Content(document(root, namespace=namespace))
        headers = {"content-type": "application/xml", "content-length": str(body.size)}
        return cls(status, headers, body, 0, body.size)


class Bucket:
    """The bucket of one instance.

    Args:
        archive: The transcripts.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    @property
    def name(self) -> str:
        """The bucket's name; empty where no transcripts are kept."""
        return self._archive.settings.bucket if self._archive.settings else ""

    def customer_id(self, request: ObjectRequest) -> str | None:
        """Whose file is asked for, as far as that can be told."""
        file = self._archive.find(request.key)
        return file.chat.customer_id if file else None

    def answer(self, request: ObjectRequest, spoilt: FaultKind | None = None) -> ObjectAnswer:
        """Carry a request out.

        Args:
            request: The request.
            spoilt: What is wrong with the file that is read.

        Raises:
            RefusedError: It was refused.
        """
        settings = self._archive.settings
        if settings is None or request.bucket != settings.bucket:
            raise RefusedError("NoSuchBucket", "The specified bucket does not exist")
        match request.operation:
            case "GetObject" | "HeadObject":
                return self._read(request, settings, spoilt)
            case "ListObjectsV2":
                return self._list(request, settings)
            case "HeadBucket":
                return ObjectAnswer(200, {"x-amz-bucket-region": "us-east-1"}, Content(b""), 0, 0)
        if request.method in ("GET", "HEAD"):
            message = "A header or query you provided is not served here"
            raise RefusedError("NotImplemented", message)
        message = "The specified method is not allowed against this resource"
        raise RefusedError("MethodNotAllowed", message)

    def _read(
        self, request: ObjectRequest, settings: TranscriptStorage, spoilt: FaultKind | None
    ) -> ObjectAnswer:
        file = self._archive.find(request.key)
        # Who may not list is not told what there is.
        if not settings.may_read or (file is None and not settings.may_list):
            raise RefusedError("AccessDenied", "Access Denied")
        if file is None:
            raise RefusedError("NoSuchKey", "The specified key does not exist.")
        content = self._archive.read(file)
        body = Content(content) if spoilt is None else spoil(spoilt, content)
        return _given_out(request, body, self._headers(file, settings))

    def _headers(self, file: File, settings: TranscriptStorage) -> dict[str, str]:
        headers = {
            "accept-ranges": "bytes",
            "content-type": "application/json",
            "last-modified": format_datetime(file.since, usegmt=True),
        }
        if settings.kms_key_arn:
            headers["x-amz-server-side-encryption"] = "aws:kms"
            headers["x-amz-server-side-encryption-aws-kms-key-id"] = settings.kms_key_arn
        return headers

    def _list(self, request: ObjectRequest, settings: TranscriptStorage) -> ObjectAnswer:
        if not settings.may_list:
            raise RefusedError("AccessDenied", "Access Denied")
        wish = _wish(request.query)
        page = page_of(self._keys, wish)
        root = ("ListBucketResult", list(self._listing(request.query, wish, page, settings.bucket)))
        return ObjectAnswer.of_xml(200, root, namespace=_NAMESPACE)

    def _keys(self, prefix: str, after: str) -> Iterator[str]:
        return (file.key for file in self._archive.files(prefix, after=after))

    def _listing(
        self, query: Mapping[str, str], wish: Wish, page: Page, bucket: str
    ) -> Iterator[Tree]:
        encode = _encoder(query)
        yield "Name", bucket
        yield "Prefix", encode(wish.prefix)
        yield "KeyCount", str(len(page.entries))
        yield "MaxKeys", str(wish.most)
        yield "IsTruncated", str(page.is_truncated).lower()
        for name, element in (("delimiter", "Delimiter"), ("start-after", "StartAfter")):
            if query.get(name):
                yield element, encode(query[name])
        for name, element in (
            ("encoding-type", "EncodingType"),
            ("continuation-token", "ContinuationToken"),
        ):
            if query.get(name):
                yield element, query[name]
        if page.is_truncated:
            yield "NextContinuationToken", write_token(page.entries[-1])
        yield from (self._line(entry, encode) for entry in page.entries)

    def _line(self, entry: Entry, encode: Callable[[str], str]) -> Tree:
        if entry.is_group:
            return "CommonPrefixes", [("Prefix", encode(entry.name))]
        file = self._archive.find(entry.name)
        mark = self._archive.mark(file) if file else None
        members: list[Tree] = [("Key", encode(entry.name))]
        if file is not None and mark is not None:
            members += [
                ("LastModified", iso(file.since)),
                ("ETag", mark.etag),
                ("Size", str(mark.size)),
                ("StorageClass", "STANDARD"),
            ]
        return "Contents", members


def _given_out(request: ObjectRequest, body: Content, headers: dict[str, str]) -> ObjectAnswer:
    headers = {**headers, "etag": body.etag}
    if request.headers.get("if-match", body.etag) not in (body.etag, "*"):
        message = "At least one of the pre-conditions you specified did not hold"
        raise RefusedError("PreconditionFailed", message)
    if request.headers.get("if-none-match") in (body.etag, "*"):
        return ObjectAnswer(_NOT_MODIFIED, headers, Content(b""), 0, 0)
    part = read_range(request.headers.get("range"), body.size)
    begin, end = part or (0, body.size)
    if part is not None:
        headers["content-range"] = f"bytes {begin}-{end - 1}/{body.size}"
    headers["content-length"] = str(end - begin)
    if request.method == "HEAD":
        return ObjectAnswer(206 if part else 200, headers, Content(b""), 0, 0)
    return ObjectAnswer(206 if part else 200, headers, body, begin, end)


def _wish(query: Mapping[str, str]) -> Wish:
    if query.get("encoding-type", "url") != "url":
        raise RefusedError("InvalidArgument", "Invalid Encoding Method specified in Request")
    most = query.get("max-keys") or "1000"
    if not (most.isascii() and most.isdecimal() and len(most) < _LONGEST_NUMBER):
        raise RefusedError("InvalidArgument", "Provided max-keys not an integer or within range")
    token = query.get("continuation-token")
    return Wish(
        prefix=query.get("prefix", ""),
        delimiter=query.get("delimiter", ""),
        after=Entry(query.get("start-after", "")) if token is None else read_token(token),
        most=int(most),
    )


_LONGEST_NUMBER = 10


def _encoder(query: Mapping[str, str]) -> Callable[[Any], str]:
    return quote if query.get("encoding-type") == "url" else str
