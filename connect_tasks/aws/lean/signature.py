"""Signatures as botocore makes them, where everything but body, time and keys is known."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from botocore import auth

__all__ = ["Signature"]

_ALGORITHM = "AWS4-HMAC-SHA256"
_TOKEN, _TIME = "X-Amz-Security-Token", "X-Amz-Date"


class Signature:
    """How requests to one address are signed: Signature Version 4, as `SigV4Auth` decided it once.

    Args:
        credentials: botocore's: they are asked for each request, and renew themselves.
        region: For which Region it counts.
        service: For which service.
        names: The headers that are signed, in their order.
        has_token: Whether the credentials were temporary ones.
    """

    def __init__(
        self, credentials: Any, *, region: str, service: str, names: str, has_token: bool
    ) -> None:
        self._credentials = credentials
        self._scope = f"{region}/{service}/aws4_request"
        self._names = names
        self._has_token = has_token
        self._kept: tuple[tuple[str, str], bytes] | None = None

    @classmethod
    def like(cls, headers: Mapping[str, str], credentials: Any) -> Self:
        """As these headers of botocore's are signed.

        Raises:
            ValueError: They are signed in another way.
            KeyError: The same.
        """
        algorithm, *words = headers["Authorization"].replace(",", "").split(" ")
        fields = dict(word.split("=", 1) for word in words)
        _, _, region, service, end = fields["Credential"].rsplit("/", 4)
        if (algorithm, end) != (_ALGORITHM, "aws4_request"):
            raise ValueError(algorithm)
        names = fields["SignedHeaders"]
        has_token = _TOKEN in headers
        return cls(credentials, region=region, service=service, names=names, has_token=has_token)

    def sign(
        self, method: str, url: str, headers: dict[str, str], body: bytes, *, at: str | None = None
    ) -> bool:
        """Add to the headers who asks and when, and the signature.

        Args:
            method: How it is sent.
            url: Where to.
            headers: All others.
            body: What is sent.
            at: When, as it is written in a signature; now if None.

        Returns:
            Whether it could: not where credentials have become temporary ones, or permanent.
        """
        who = self._credentials.get_frozen_credentials()
        if bool(who.token) != self._has_token:
            return False
        # By its module, as whoever sets botocore's clock expects.
        now = at or auth.get_current_datetime().strftime(auth.SIGV4_TIMESTAMP)  # type: ignore[attr-defined]
        headers[_TIME] = now
        if who.token:
            headers[_TOKEN] = who.token
        scope = f"{now[:8]}/{self._scope}"
        asked = hashlib.sha256(self._canonical(method, url, headers, body).encode()).hexdigest()
        text = f"{_ALGORITHM}\n{now}\n{scope}\n{asked}"
        signed = hmac.digest(self._key(who.secret_key, now[:8]), text.encode(), "sha256").hex()
        headers["Authorization"] = (
            f"{_ALGORITHM} Credential={who.access_key}/{scope}, "
            f"SignedHeaders={self._names}, Signature={signed}"
        )
        return True

    def _canonical(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> str:
        where = urlsplit(url)
        values = {"host": where.netloc} | {name.lower(): headers[name] for name in headers}
        lines = "".join(
            f"{name}:{' '.join(values[name].split())}\n" for name in self._names.split(";")
        )
        digest = hashlib.sha256(body).hexdigest()
        return f"{method}\n{where.path}\n\n{lines}\n{self._names}\n{digest}"

    def _key(self, secret: str, day: str) -> bytes:
        """The key of a day: four hashes, the same for all requests of the day."""
        made_of = secret, day
        if self._kept is None or self._kept[0] != made_of:
            key = f"AWS4{secret}".encode()
            for part in (day, *self._scope.split("/")):
                key = hmac.digest(key, part.encode(), "sha256")
            self._kept = made_of, key
        return self._kept[1]
