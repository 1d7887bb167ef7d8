"""The transcript store: the bucket in S3 into which Amazon Connect writes what was said in chats.

It is read with the credentials and the endpoint of the calls to Amazon Connect. S3's own retries
are on: reading changes nothing, and costs nobody's quota of Amazon Connect.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

from connect_tasks import errors
from connect_tasks.aws.client import ClientOptions, ConnectApi, make_client
from connect_tasks.aws.error_table import FOREIGN, MAKE_CLIENT, translate

if TYPE_CHECKING:
    import boto3

__all__ = [
    "MOST_BYTES",
    "KeyPage",
    "StoredKey",
    "TooLargeError",
    "TranscriptStore",
    "make_store_client",
]

MOST_BYTES = 10_000_000
"""The largest file that is read: some ten thousand messages as long as Amazon permits."""

_MOST_ATTEMPTS = 4

Result = TypeVar("Result")


class TooLargeError(errors.PermanentError):
    """A file is larger than any transcript: it is not read."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A file of the bucket.

    Args:
        key: Its key.
        size: Its bytes.
    """

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class KeyPage:
    """One page of a listing.

    Args:
        keys: Its files, by their keys.
        following: The token of the next page; None for the last one.
    """

    keys: Sequence[StoredKey]
    following: str | None


class TranscriptStore:
    """S3, as far as transcripts need it. Safe to use from many threads.

    When Amazon says that credentials expired, a new session and client are made once and the call
    repeated.

    Args:
        make_session: Makes a boto3 session; called again when credentials expired.
        options: How clients are made; an endpoint that they name is S3's, too.
    """

    def __init__(self, make_session: "Callable[[], boto3.Session]", options: ClientOptions) -> None:
        self._make_session = make_session
        self._options = options
        self._lock = threading.Lock()
        self._client: Any = None

    @classmethod
    def beside(cls, api: ConnectApi) -> Self:
        """The store that is read by whoever calls this instance."""
        return cls(*api.made_of)

    def keys(self, bucket: str, prefix: str, page: str | None = None) -> KeyPage:
        """ListObjectsV2: at most 1,000 files whose keys begin in some way.

        Args:
            bucket: The bucket's name.
            prefix: How the keys begin.
            page: The token of a further page.
        """
        place = {"ContinuationToken": page} if page else {}

        def listed(client: Any) -> KeyPage:
            answer = client.list_objects_v2(Bucket=bucket, Prefix=prefix, **place)
            found = [StoredKey(one["Key"], one["Size"]) for one in answer.get("Contents", ())]
            return KeyPage(found, answer.get("NextContinuationToken"))

        return self._call("ListObjectsV2", listed)

    def read(self, bucket: str, key: str) -> bytes:
        """GetObject: a whole file.

        Raises:
            TooLargeError: It has more than `MOST_BYTES`; not more of them are read.
            NotFoundError: There is no such file.
        """

        def body(client: Any) -> bytes:
            with client.get_object(Bucket=bucket, Key=key)["Body"] as stream:
                # As many as there are, or one more than is wanted: a length can be told wrong.
                return bytes(stream.read(MOST_BYTES + 1))

        found = self._call("GetObject", body)
        if len(found) > MOST_BYTES:
            raise TooLargeError("the file is too large", operation="GetObject", code="TooLarge")
        return found

    def _call(self, operation: str, call: Callable[[Any], Result]) -> Result:
        client = self._current(expired=None)
        try:
            return self._once(operation, call, client)
        except errors.CredentialsError:
            return self._once(operation, call, self._current(expired=client))

    def _once(self, operation: str, call: Callable[[Any], Result], client: Any) -> Result:
        try:
            return call(client)
        except FOREIGN as error:
            raise translate(operation, error) from error

    def _current(self, *, expired: Any) -> Any:
        with self._lock:
            if self._client is None or self._client is expired:
                self._client = _kept(self._make_session, self._options)
            return self._client


def make_store_client(session: "boto3.Session", options: ClientOptions, **config: Any) -> Any:
    """Make a client of S3; at an endpoint of one's own, it names buckets in the path.

    Args:
        session: Whose credentials and Region it uses.
        options: How clients are made.
        config: What its botocore configuration holds besides.

    Raises:
        Exception: As of `make_client`.
    """
    # A bucket's name in front of another endpoint's would be a host that nobody knows.
    own_endpoint = "endpoint_url" in options.parameters
    style = {"s3": {"addressing_style": "path"}} if own_endpoint else {}
    return make_client(session, "s3", options, **style, **config)


def _kept(make_session: "Callable[[], boto3.Session]", options: ClientOptions) -> Any:
    retries = {"total_max_attempts": _MOST_ATTEMPTS, "mode": "standard"}
    try:
        return make_store_client(make_session(), options, retries=retries)
    except FOREIGN as error:
        raise translate(MAKE_CLIENT, error) from error
