"""An answer as it came, which botocore gets to see only where it must judge."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSResponse

__all__ = ["Answer"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer.

    Args:
        url: Who was asked.
        status: The HTTP status.
        headers: The headers, as bytes, in their order.
        body: What was said.
    """

    url: str
    status: int
    # Tokens and what customers wrote are shown nowhere.
    headers: Sequence[tuple[bytes, bytes]] = field(repr=False)
    body: bytes = field(repr=False)

    def for_botocore(self) -> AWSResponse:
        """The same, as if it came from botocore's own connection."""
        # botocore takes any mapping, whatever its stubs say.
        named: Any = self._named()
        response: Any = AWSResponse(self.url, self.status, named, None)
        response._content = self.body  # noqa: SLF001 - it would be read from a socket otherwise
        made: AWSResponse = response
        return made

    def _named(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        names: dict[str, str] = {}
        for raw, value in self.headers:
            name = names.setdefault(raw.decode("latin-1").lower(), raw.decode("latin-1"))
            text = value.decode("latin-1")
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
        return headers
