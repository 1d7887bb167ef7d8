"""What the local Amazon Connect bears from one client, and what it keeps of contacts that ended."""

from dataclasses import dataclass

__all__ = ["LocalLimits"]


@dataclass(frozen=True, kw_only=True)
class LocalLimits:
    """Where patience with one client ends; no other client notices.

    That a web socket is closed when its `ConnectionExpiry` has come, after ten minutes of silence
    or two hours, and for a frame of more than 32 KiB, is inferred: Amazon Connect's sockets show
    the shape of API Gateway's, whose documented quotas these are. With None each of them is off.
    All times of sockets are by the instance's clock.

    Attributes:
        body_bytes: The largest body of a request; more is answered with 413. The longest that AWS
            documents, each character of it escaped, has some 300,000.
        request_seconds: How long a whole request may take to arrive; then comes a 408.
        expiring_sockets: Whether a web socket is closed at its `ConnectionExpiry`.
        idle_socket_seconds: How long no frame may pass on a web socket, heartbeats included.
        socket_seconds: How long a web socket may be open.
        frame_bytes: The largest frame of a web socket's client.
        message_bytes: The largest message of a web socket's client, however many frames it has.
        unread_bytes: How much may wait for a web socket's client to read it.
        ended_contacts: How many contacts that have ended are kept whole. Of older ones only what
            a restart leaves is: the client token stays used, DescribeContact tells their times.
    """

    body_bytes: int = 512 * 1024
    request_seconds: float = 30
    expiring_sockets: bool = True
    idle_socket_seconds: float | None = 600
    socket_seconds: float | None = 7200
    frame_bytes: int | None = 32 * 1024
    message_bytes: int | None = 128 * 1024
    unread_bytes: int = 4 * 1024 * 1024
    ended_contacts: int = 50_000
