"""Which requests of a browser may look at the instance, and act on it by hand."""

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

__all__ = ["is_host_known", "is_host_local", "is_host_written", "is_own_form", "url_host"]

_WRITTEN = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")


def is_host_local(host: str) -> bool:
    """Whether only this machine reaches what listens on a host."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def url_host(host: str) -> str:
    """What this machine calls a host that it listens on, in a URL.

    Example:
        >>> [url_host(host) for host in ("0.0.0.0", "::", "box.example")]
        ['127.0.0.1', '[::1]', 'box.example']
    """
    if not _is_address(host):
        return host
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")  # noqa: PLR2004
    return f"[{address}]" if ":" in str(address) else str(address)


def is_host_written(host: str) -> bool:
    """Whether a Host header has the form of a host, and perhaps a port."""
    return _WRITTEN.fullmatch(host) is not None


def is_host_known(host: str) -> bool:
    """Whether a Host header names this machine, or an address.

    A site whose name is made to lead here (DNS rebinding) can only come with that name.

    Example:
        >>> [is_host_known(host) for host in ("localhost:4577", "[::1]", "evil.example")]
        [True, True, False]
    """
    if not is_host_written(host):
        return False
    name = urlsplit(f"//{host}").hostname or ""
    return name == "localhost" or name.endswith(".localhost") or _is_address(name)


def is_own_form(headers: Mapping[str, str]) -> bool:
    """Whether a form was sent by the page itself: no other site, and nothing that does not say.

    Every browser names the origin of a form that it posts; most say how it is related, too.

    Args:
        headers: The request's headers, by their names in small letters.
    """
    related = headers.get("sec-fetch-site")
    if related is not None and related != "same-origin":
        return False
    origin = headers.get("origin")
    if origin is None:
        return related is not None
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc == headers.get("host", "")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
