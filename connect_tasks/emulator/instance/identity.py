"""Ids and bearer tokens that follow from the seed alone, so that a run can be repeated exactly."""

import base64
import hashlib
import hmac
from functools import lru_cache

__all__ = ["ACCOUNT", "INSTANCE_ID", "REGION", "Identities", "instance_arn"]

INSTANCE_ID = "6f1c2d3e-0000-4000-8000-c0ffee000001"
"""Fixed, so that the next process is the same instance again."""

REGION = "us-east-1"
ACCOUNT = "111122223333"


def instance_arn(instance_id: str) -> str:
    """The ARN of an instance here."""
    return f"arn:aws:connect:{REGION}:{ACCOUNT}:instance/{instance_id}"


class Identities:
    """Makes every id and token of one local instance.

    The same seed, instance and parts always give the same value; another seed gives others. No
    clock and no random source is involved.

    Args:
        seed: The seed of the local Amazon Connect.
        instance_id: The instance the ids belong to.

    Attributes:
        uuid: Makes the version 4 UUID that stands for some parts.
    """

    def __init__(self, seed: int, instance_id: str) -> None:
        self._key = f"{seed}:{instance_id}".encode()
        # One call asks for its contact's id several times.
        self.uuid = lru_cache(maxsize=64)(self._uuid)

    def _uuid(self, *parts: object) -> str:
        text = self._digest("id", parts, hashlib.sha256)[:16].hex()
        variant = "89ab"[int(text[16], 16) & 3]
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"

    def token(self, *parts: object) -> str:
        """An opaque bearer token for these parts; 172 characters, URL-safe."""
        first = self._digest("token", parts, hashlib.sha512)
        second = hashlib.sha512(first).digest()
        return base64.urlsafe_b64encode(first + second).decode()

    def _digest(self, kind: str, parts: tuple[object, ...], algorithm: object) -> bytes:
        text = "\x1f".join((kind, *map(str, parts)))
        return hmac.digest(self._key, text.encode(), algorithm)  # type: ignore[arg-type]
