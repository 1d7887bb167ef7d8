"""What the local Amazon Connect bears from one client: bytes, seconds, and frames not read."""

from dataclasses import dataclass

__all__ = ["LocalLimits"]


@dataclass(frozen=True, kw_only=True)
class LocalLimits:
    """Where patience with one client ends; no other client notices.

    Attributes:
        body_bytes: The largest body of a request; more is answered with 413. The longest that AWS
            documents, each character of it escaped, has some 300,000.
        request_seconds: How long a whole request may take to arrive; then comes a 408.
        idle_socket_seconds: How long a web socket may say nothing at all, heartbeats included;
            API Gateway, which Amazon Connect's sockets show the shape of, closes after 10 minutes.
        unread_bytes: How much may wait for a web socket's client to read it.
    """

    body_bytes: int = 512 * 1024
    request_seconds: float = 30
    idle_socket_seconds: float = 600
    unread_bytes: int = 4 * 1024 * 1024
