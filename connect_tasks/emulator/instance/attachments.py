"""Files that people send in a chat: links to put them to, and to get them by."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from connect_tasks.emulator.flows.steps import Speaker
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.seats import Seat
from connect_tasks.emulator.instance.transcript import AttachedFile, TranscriptItem, iso
from connect_tasks.emulator.instance.uploads import Upload
from connect_tasks.emulator.model.errors import RefusedError, access_denied
from connect_tasks.emulator.model.rules import EVENT
from connect_tasks.emulator.quotas import LocalQuotas

__all__ = ["ATTACHMENT_PATH", "Attachments"]

ATTACHMENT_PATH = "/participant/attachments/"
"""Where the links lead; behind it comes what opens one file."""

# How long the links last unless told is not documented.
_UPLOAD_LIFE = timedelta(minutes=5)
_DOWNLOAD_SECONDS = 300
# A link that was handed out in the last moment still works so long.
_KEPT_AFTER_END = timedelta(seconds=_DOWNLOAD_SECONDS)


class Attachments:
    """The files of one instance.

    Args:
        backend: The instance.
        quotas: How many files a conversation may have, and how large.
    """

    def __init__(self, backend: Backend, quotas: LocalQuotas) -> None:
        self._backend = backend
        self._most = quotas.attachments
        self._most_bytes = quotas.attachment_bytes
        self._identities = backend.identities
        self._now = backend.schedule.now
        self._to_put: dict[str, tuple[Upload, Chat]] = {}
        self._to_get: dict[str, tuple[Upload, datetime]] = {}
        self._numbers = count()

    def start(self, seat: Seat, request: Mapping[str, Any]) -> dict[str, Any]:
        """StartAttachmentUpload: a link that takes this file, once.

        Raises:
            RefusedError: The file is too large, or the conversation has its number of files.
        """
        if self._most_bytes is not None and request["AttachmentSizeInBytes"] > self._most_bytes:
            message = f"AttachmentSizeInBytes is more than {self._most_bytes}"
            raise RefusedError("ValidationException", message)
        first = seat.chat.first
        self._check_number(first)
        upload = self._new(first, seat.speaker, request)
        key = self._identities.token("upload", upload.id)
        self._to_put[key] = upload, first
        return {
            "AttachmentId": upload.id,
            "UploadMetadata": {
                "Url": self._url(key),
                "UrlExpiry": iso(upload.until),
                "HeadersToInclude": {"Content-Type": upload.content_type},
            },
        }

    def complete(self, seat: Seat, request: Mapping[str, Any]) -> dict[str, Any]:
        """CompleteAttachmentUpload: the file that was put is sent to everybody.

        Raises:
            RefusedError: It is not the sender's, was not put yet, or was sent before.
        """
        uploads = [self._own(seat, upload_id) for upload_id in request["AttachmentIds"]]
        if any(upload.sent_in is not None for upload in uploads):
            raise RefusedError("ConflictException", "The attachment has been sent already")
        if any(upload.content is None for upload in uploads):
            raise RefusedError("ValidationException", "The attachment has not been uploaded")
        for upload in uploads:
            upload.sent_in = seat.chat.contact_id
        files = [AttachedFile(id=u.id, name=u.name, content_type=u.content_type) for u in uploads]
        seat.chat.attach(seat.speaker, files)
        return {}

    def get(self, seat: Seat, request: Mapping[str, Any]) -> dict[str, Any]:
        """GetAttachment: a link to a file that was sent in this conversation.

        Raises:
            RefusedError: There is no such file here, or a custom bot asks, which may not.
        """
        upload = _find(seat.chat, request["AttachmentId"])
        if upload is None or upload.sent_in is None:
            raise RefusedError("ValidationException", "There is no attachment of this AttachmentId")
        if seat.speaker.role == "CUSTOM_BOT":
            raise access_denied()
        seconds = request.get("UrlExpiryInSeconds") or _DOWNLOAD_SECONDS
        until = self._now() + timedelta(seconds=seconds)
        key = self._identities.token("download", upload.id, next(self._numbers))
        self._to_get[key] = (upload, until)
        return {
            "Url": self._url(key),
            "UrlExpiry": iso(until),
            "AttachmentSizeInBytes": upload.size,
        }

    def expected(self, key: str) -> Upload:
        """The file that a link takes.

        Raises:
            RefusedError: The link takes none, any more or at all.
        """
        upload, chat = self._to_put.get(key, (None, None))
        is_open = chat is not None and chat.latest.is_open
        if upload is None or self._now() >= upload.until or not is_open:
            raise RefusedError("AccessDenied", "Request has expired")
        return upload

    def put(self, key: str, content_type: str, content: bytes) -> None:
        """Take the bytes of a file; the link takes no others afterwards.

        Raises:
            RefusedError: The link takes none, or a file of another type or size.
        """
        upload = self.expected(key)
        if content_type != upload.content_type:
            message = f"The Content-Type that was signed is {upload.content_type}"
            raise RefusedError("SignatureDoesNotMatch", message)
        if len(content) != upload.size:
            code = "EntityTooLarge" if len(content) > upload.size else "InvalidArgument"
            raise RefusedError(code, f"The file was announced with {upload.size} bytes")
        upload.content = content
        del self._to_put[key]

    def read(self, key: str) -> Upload:
        """The file that a link gives.

        Raises:
            RefusedError: It gives none, any more or at all.
        """
        upload, until = self._to_get.get(key, (None, None))
        if upload is None or until is None or self._now() >= until or upload.content is None:
            raise RefusedError("AccessDenied", "Request has expired")
        return upload

    def sent_in(self, chat: Chat) -> Iterator[Upload]:
        """The files that were sent in a contact, in their order."""
        for upload in chat.first.uploads:
            if upload.sent_in == chat.contact_id:
                yield upload

    def _check_number(self, chat: Chat) -> None:
        counted = [
            upload
            for upload in chat.uploads
            if upload.content is not None or self._now() < upload.until
        ]
        if self._most is not None and len(counted) >= self._most:
            message = f"A conversation may have {self._most} attachments"
            raise RefusedError("ServiceQuotaExceededException", message)

    def _new(self, chat: Chat, sender: Speaker, request: Mapping[str, Any]) -> Upload:
        if not chat.uploads:
            chat.watchers.append(self._forget_after_end)
        upload = Upload(
            id=self._identities.uuid("attachment", chat.key, len(chat.uploads)),
            sender=sender,
            name=request["AttachmentName"],
            content_type=request["ContentType"],
            size=request["AttachmentSizeInBytes"],
            until=self._now() + _UPLOAD_LIFE,
        )
        chat.uploads.append(upload)
        return upload

    def _own(self, seat: Seat, upload_id: str) -> Upload:
        upload = _find(seat.chat, upload_id)
        if upload is None or upload.sender != seat.speaker:
            raise RefusedError("ValidationException", "There is no attachment of this id")
        return upload

    def _url(self, key: str) -> str:
        return f"{self._backend.connections.http_base}{ATTACHMENT_PATH}{key}"

    def _forget_after_end(self, chat: Chat, item: TranscriptItem) -> None:
        """Let go of the files of a conversation that is over: they are most of its bytes."""
        if item.content_type == f"{EVENT}chat.ended":
            seconds = _KEPT_AFTER_END.total_seconds()
            self._backend.schedule.after(seconds, lambda: self._forget(chat.first))

    def _forget(self, chat: Chat) -> None:
        for upload in chat.uploads:
            upload.content = None
        gone = {upload.id for upload in chat.uploads}
        self._to_put = {k: entry for k, entry in self._to_put.items() if entry[0].id not in gone}
        self._to_get = {k: entry for k, entry in self._to_get.items() if entry[0].id not in gone}


def _find(chat: Chat, upload_id: str) -> Upload | None:
    """A file of a conversation."""
    return next((upload for upload in chat.first.uploads if upload.id == upload_id), None)
