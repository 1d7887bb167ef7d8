"""Proxies: which way out of this machine's network the environment names, one rule for all.

`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in capitals or not, hold for calls and for
web sockets. What is on this machine is never asked through a proxy: a proxy would look for it on
its own.
"""

import ipaddress
import socket
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from urllib.parse import quote, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from connect_tasks.errors import CampaignWideError

__all__ = ["UNUSABLE_PROXY", "check_proxies", "is_loopback", "proxies_for", "socket_proxy"]

UNUSABLE_PROXY = "UnusableProxy"
"""The code of the error about a proxy that cannot be used."""

# As in RFC 6455 and `websockets`, which knows nothing of ALL_PROXY.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "https": ("https", "all"),
    "http": ("http", "all"),
    "wss": ("wss", "socks", "https", "all"),
    "ws": ("ws", "socks", "https", "http", "all"),
}
_NOT_IN_USERINFO = frozenset("/?#[]\\ ")


def is_loopback(url: str) -> bool:
    """Whether a URL is of this machine.

    Example:
        >>> is_loopback("http://127.0.0.2:8080"), is_loopback("wss://connect.example.com/x")
        (True, False)
    """
    return _is_this_machine((urlsplit(url).hostname or "").removesuffix("."))


@lru_cache(maxsize=256)
def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    mapped = getattr(address, "ipv4_mapped", None) or address
    # Whoever connects to the unspecified address reaches this machine, too.
    return mapped is not None and (mapped.is_loopback or mapped.is_unspecified)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """A host's address, in short as the system reads it too, such as 127.1."""
    for read in (ipaddress.ip_address, lambda text: ipaddress.IPv4Address(socket.inet_aton(text))):
        with suppress(ValueError, OSError):
            return read(host)
    return None


def proxies_for(url: str) -> dict[str, str]:
    """The proxy for calls to an endpoint, as botocore's `Config` takes it; empty for none.

    Args:
        url: The endpoint's.

    Raises:
        CampaignWideError: It is a SOCKS proxy, which boto3 cannot use.
    """
    proxy = _named(url)
    if proxy is None:
        return {}
    if _is_socks(proxy):
        raise _unusable(
            "calls of Amazon's API cannot go through a SOCKS proxy: set HTTPS_PROXY to an HTTP "
            f"proxy, or NO_PROXY to {urlsplit(url).hostname} to call it directly"
        )
    return {urlsplit(url).scheme: proxy}


def socket_proxy(url: str) -> str | None:
    """The proxy for a web socket, as `websockets` takes it; None for none.

    Args:
        url: The socket's.

    Example:
        >>> socket_proxy("ws://localhost:8080/chat")
    """
    proxy = _named(url)
    if proxy is None:
        return None
    parts = urlsplit(proxy)
    if parts.username is None:
        return proxy
    # `websockets` sends what is written there as it is, and wants a password.
    user, password = (_plain(part or "") for part in (parts.username, parts.password))
    return parts._replace(netloc=f"{user}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()


def check_proxies(url: str) -> None:
    """Make sure that a web socket could be opened, before a chat is started for it.

    Args:
        url: A socket's.

    Raises:
        CampaignWideError: Its proxy is a SOCKS proxy, and `python-socks` is not installed.
    """
    proxy = _named(url)
    if proxy and _is_socks(proxy) and find_spec("python_socks") is None:
        raise _unusable(
            "web sockets would go through a SOCKS proxy, which needs one more package: "
            "`pip install python-socks[asyncio]`, or set HTTPS_PROXY to an HTTP proxy"
        )


def _named(url: str) -> str | None:
    if is_loopback(url) or not (proxies := getproxies()).keys() - {"no"}:
        return None
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    names = (name for name in _NAMES[parts.scheme] if proxies.get(name))
    return next((_with_scheme(proxies[name], name) for name in names), None)


def _with_scheme(proxy: str, name: str) -> str:
    # Some systems write the address of a SOCKS proxy as if it spoke HTTP.
    if name == "socks" and not _is_socks(proxy):
        return f"socks5h://{proxy.rpartition('://')[2].removeprefix('//')}"
    return proxy if "://" in proxy else f"http://{proxy.removeprefix('//')}"


def _is_socks(proxy: str) -> bool:
    return urlsplit(proxy).scheme.startswith("socks")


def _plain(part: str) -> str:
    """A user's name or password without percent signs, unless it could not be told apart then."""
    plain = unquote(part)
    return quote(plain, safe="") if _NOT_IN_USERINFO & set(plain) else plain


def _unusable(reason: str) -> CampaignWideError:
    return CampaignWideError(reason, operation="", code=UNUSABLE_PROXY)
