"""Which requests of a browser may look at the instance, and act on it by hand."""

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

__all__ = ["is_host_known", "is_host_written", "is_own_form"]

_WRITTEN = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")


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
