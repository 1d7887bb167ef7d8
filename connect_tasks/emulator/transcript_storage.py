"""Where the local Amazon Connect puts the transcripts of ended contacts, and how it tells of it."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["TranscriptStorage"]


@dataclass(frozen=True, kw_only=True)
class TranscriptStorage:
    """The S3 bucket of an instance for chat transcripts.

    What AWS documents is not adjustable. What was only seen, or is inferred, is, so that a
    collector can be tried on the other possibility.

    Attributes:
        bucket: Name of the bucket.
        prefix: What the keys begin with; the instance's alias is `local`.
        delay_seconds: How long after a contact's end its file is there. AWS says 30 to 60 s.
        recordings: When DescribeContact names the file (inferred): once it is there, as soon as
            the contact has ended, or never.
        location_has_scheme: DescribeContact's Location begins with `s3://`; seen without.
        media_stream_type: MediaStreamType of the recording, which for chats nobody has written
            down; the API's own values are AUDIO and VIDEO. `None` leaves it out.
        dated_by: What day and minute in a key are those of; seen as the start.
        of_unconnected: Contacts whose customer never connected have a file, too (inferred: not).
        same_ids: Items have the ids that they had on the socket (inferred).
        kms_key_arn: The key that the bucket is encrypted with, if it is.
        may_list: ListObjectsV2 is allowed. Where it is not, a missing file is AccessDenied.
        may_read: GetObject and HeadObject are allowed.

    Example:
        ```python
        with LocalConnect(storage=TranscriptStorage(delay_seconds=45)) as local:
            ...
        ```
    """

    bucket: str = "amazon-connect-local"
    prefix: str = "connect/local/ChatTranscripts"
    delay_seconds: float = 0.0
    recordings: Literal["with_file", "at_end", "never"] = "with_file"
    location_has_scheme: bool = False
    media_stream_type: str | None = None
    dated_by: Literal["started", "connected", "ended"] = "started"
    of_unconnected: bool = False
    same_ids: bool = True
    kms_key_arn: str | None = None
    may_list: bool = True
    may_read: bool = True
