"""A request that can be sent, and what botocore needs to understand its answer."""

from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSPreparedRequest

__all__ = ["Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """One try of a call.

    Args:
        parts: What botocore made of the arguments, by its own names.
        prepared: What is sent, signed.
        model: The operation, as botocore knows it.
        context: What botocore notes about the call.
    """

    # What customers and tokens are in is shown nowhere.
    parts: dict[str, Any] = field(repr=False)
    prepared: AWSPreparedRequest = field(repr=False)
    model: Any
    context: dict[str, Any] = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What is sent as headers, as texts: botocore keeps them as bytes."""
        given: Any = self.prepared.headers
        if type(given) is dict:
            # A stamp's, which are texts already.
            return given
        return {
            name: value.decode("utf-8") if isinstance(value, bytes) else value
            for name, value in given.items()
        }
