"""The transcripts of ended contacts: which file each has, and from when on it is there."""

import hashlib
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.transcript_file import key_of, write_file
from connect_tasks.emulator.transcript_storage import TranscriptStorage

__all__ = ["Archive", "File", "Mark"]


class Mark(NamedTuple):
    """What a listing tells of a file's content.

    Attributes:
        size: Its bytes.
        etag: Its MD5, in quotes, as S3 writes it.
    """

    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class File:
    """One transcript file.

    Attributes:
        key: Its key in the bucket.
        chat: The contact that it is of.
        since: From when on it is there.
    """

    key: str
    chat: Chat
    since: datetime


class Archive:
    """The files of one instance, in order of their keys; their bytes are made when asked for.

    Args:
        settings: The bucket; with None nothing is kept.
        now: The clock.
        instance_id: The instance.
        account_id: Its AWS account.
    """

    def __init__(
        self,
        settings: TranscriptStorage | None,
        *,
        now: Callable[[], datetime],
        instance_id: str,
        account_id: str,
    ) -> None:
        self.settings = settings
        self._now = now
        self._instance_id = instance_id
        self._account_id = account_id
        self._keys: list[str] = []
        self._files: dict[str, File] = {}
        self._by_contact: dict[str, str] = {}
        self._marks: dict[str, Mark] = {}

    def add(self, chat: Chat) -> None:
        """A contact has ended; its file is there after the delay."""
        settings = self.settings
        if settings is None or chat.ended_at is None:
            return
        if chat.connected_at is None and not settings.of_unconnected:
            return
        dates = {"started": chat.started_at, "connected": chat.connected_at, "ended": chat.ended_at}
        moment = dates[settings.dated_by] or chat.started_at
        key = key_of(settings.prefix, chat.contact_id, moment)
        since = chat.ended_at + timedelta(seconds=settings.delay_seconds)
        insort(self._keys, key)
        self._files[key] = File(key, chat, since)
        self._by_contact[chat.contact_id] = key

    def drop(self, chat: Chat) -> None:
        """Drop a contact's file, if there is one."""
        key = self._by_contact.pop(chat.contact_id, None)
        if key is not None:
            del self._keys[bisect_left(self._keys, key)]
            del self._files[key]
            self._marks.pop(key, None)

    def find(self, key: str) -> File | None:
        """The file of a key, if it is there by now."""
        file = self._files.get(key)
        return file if file is not None and file.since <= self._now() else None

    def files(self, prefix: str, *, after: str = "") -> Iterator[File]:
        """The files whose keys begin with a prefix and come after another, in their order."""
        begin = bisect_left(self._keys, max(prefix, after))
        for index in range(begin, len(self._keys)):
            key = self._keys[index]
            if not key.startswith(prefix):
                # Keys that come before the prefix are skipped by the search, so this is the end.
                return
            file = self.find(key)
            if file is not None and key > after:
                yield file

    def read(self, file: File) -> bytes:
        """The bytes of a file."""
        same_ids = self.settings is None or self.settings.same_ids
        return write_file(file.chat, self._instance_id, self._account_id, same_ids=same_ids)

    def mark(self, file: File) -> Mark:
        """Size and ETag of a file; worked out once, since its contact says nothing any more."""
        if file.key not in self._marks:
            content = self.read(file)
            # S324: S3's ETag of a plain upload is its MD5.
            etag = f'"{hashlib.md5(content).hexdigest()}"'  # noqa: S324
            self._marks[file.key] = Mark(len(content), etag)
        return self._marks[file.key]

    def recordings(self, chat: Chat) -> list[dict[str, Any]]:
        """What DescribeContact tells of a contact's file."""
        settings, key = self.settings, self._by_contact.get(chat.contact_id)
        if settings is None or key is None or settings.recordings == "never":
            return []
        if settings.recordings == "with_file" and self.find(key) is None:
            return []
        scheme = "s3://" if settings.location_has_scheme else ""
        members = {
            "StorageType": "S3",
            "Location": f"{scheme}{settings.bucket}/{key}",
            "MediaStreamType": settings.media_stream_type,
            "Status": "AVAILABLE",
        }
        return [{name: value for name, value in members.items() if value is not None}]

    def config(self) -> dict[str, Any] | None:
        """What ListInstanceStorageConfigs tells of the bucket, if there is one."""
        settings = self.settings
        if settings is None:
            return None
        place: dict[str, Any] = {"BucketName": settings.bucket, "BucketPrefix": settings.prefix}
        if settings.kms_key_arn:
            key = {"EncryptionType": "KMS", "KeyId": settings.kms_key_arn}
            place["EncryptionConfig"] = key
        identity = hashlib.sha256(f"{settings.bucket}/{settings.prefix}".encode()).hexdigest()
        return {"AssociationId": identity, "StorageType": "S3", "S3Config": place}
