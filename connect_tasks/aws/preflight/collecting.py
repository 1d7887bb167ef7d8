"""What the preflight's answers say of collecting, judged without I/O.

Nothing of it keeps a campaign from running: what is missing is missing to `collect` alone.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from connect_tasks.aws.preflight.report import Finding, Verdict
from connect_tasks.errors import (
    AccessDeniedError,
    AmazonError,
    NotFoundError,
    PermanentError,
    ThrottledError,
)

__all__ = ["judge_collecting", "silence"]

Answer = Mapping[str, Any] | AmazonError

_ONLY = "Only `collect` needs it."
_NO_PLACE = (
    "the instance keeps no transcripts of chats.",
    "Name a bucket for them under Data storage in the Amazon Connect console. " + _ONLY,
)


def judge_collecting(
    places: Answer, listed: Answer | None, read: Answer | None, searched: Answer
) -> Iterator[Finding]:
    """Say what the answers mean for `collect`.

    Args:
        places: Of ListInstanceStorageConfigs: `Places`, each with bucket, prefix and key.
        listed: Of ListObjectsV2 in the first place; None if there is none.
        read: Of GetObject of one byte there; None if that was not asked.
        searched: Of SearchContacts.
    """
    yield _kept(places)
    if listed is not None:
        yield _readable(places, listed, read)
    yield _searchable(searched)


def _kept(places: Answer) -> Finding:
    subject = "Transcripts"
    if isinstance(places, AccessDeniedError):
        return _denied(subject, "where they are cannot be looked up", "ListInstanceStorageConfigs")
    if isinstance(places, AmazonError):
        return Finding(subject, Verdict.UNKNOWN, silence(places))
    if not places["Places"]:
        return Finding(subject, Verdict.NO, *_NO_PLACE)
    return Finding(subject, Verdict.YES, f"kept in {_address(places)}.")


def _readable(places: Answer, listed: Answer, read: Answer | None) -> Finding:
    subject = "Read transcripts"
    if isinstance(listed, AccessDeniedError):
        return _denied(subject, "files cannot be listed", "ListObjectsV2")
    if isinstance(listed, AmazonError):
        # Such as a bucket that is gone.
        is_clear = isinstance(listed, PermanentError)
        return Finding(subject, Verdict.NO if is_clear else Verdict.UNKNOWN, silence(listed))
    if isinstance(read, AccessDeniedError):
        return _denied(subject, "files cannot be read", "GetObject")
    if isinstance(read, NotFoundError):
        key = isinstance(places, Mapping) and places["Places"][0]["Key"]
        later = " Whether kms:Decrypt is, too, shows with the first file." if key else ""
        return Finding(subject, Verdict.YES, f"permitted; there is none yet.{later}")
    if isinstance(read, AmazonError):
        return Finding(subject, Verdict.UNKNOWN, silence(read))
    return Finding(subject, Verdict.YES, "permitted.")


def _searchable(searched: Answer) -> Finding:
    subject = "Search chats"
    if isinstance(searched, AccessDeniedError):
        return _denied(
            subject, "transfers and surveys after a chat are not found", "SearchContacts"
        )
    if isinstance(searched, AmazonError):
        return Finding(subject, Verdict.UNKNOWN, silence(searched))
    return Finding(subject, Verdict.YES, "permitted.")


_ALLOW = {
    "ListInstanceStorageConfigs": "Allow connect:ListInstanceStorageConfigs.",
    "ListObjectsV2": "Allow s3:ListBucket on the bucket, and s3:GetObject on its files.",
    "GetObject": "Allow s3:GetObject on the files, and kms:Decrypt with their key if there is one.",
    "SearchContacts": "Allow connect:SearchContacts, or collect with `follow=False`.",
}


def _denied(subject: str, what: str, operation: str) -> Finding:
    advice = f"{_ALLOW[operation]} {_ONLY}"
    return Finding(subject, Verdict.NO, f"{what}: {operation} is not permitted.", advice)


def _address(places: Mapping[str, Any]) -> str:
    first = places["Places"][0]
    return f"s3://{first['Bucket']}/{first['Prefix']}"


def silence(error: AmazonError) -> str:
    """Say that something was not answered, or not as it should be.

    Example:
        >>> silence(AmazonError("", operation="GetObject", code="SlowDown", status=503))
        'GetObject was answered with SlowDown.'
    """
    if isinstance(error, ThrottledError):
        return f"{error.operation} is called too often at the moment ({error.code})."
    if error.status is None:
        return f"{error.operation} was not answered ({error.code})."
    return f"{error.operation} was answered with {error.code or error.status}."
