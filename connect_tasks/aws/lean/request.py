"""A request that can be sent, and what botocore needs to understand its answer."""

from dataclasses import dataclass
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

    parts: dict[str, Any]
    prepared: AWSPreparedRequest
    model: Any
    context: dict[str, Any]
