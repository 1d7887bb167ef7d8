"""The page's policy: what a browser may run, show and reach; the text of its headers.

Nothing runs but the page's own scripts, which the policy names by their hashes, and no text can
become markup (trusted types): so what flows, bots and people write stays text.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlsplit

from connect_tasks.errors import InputError

__all__ = ["PageEndpoint", "checked_origins", "page_policy"]

_HOST = r"(?:\*\.)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\]"
_ORIGIN = re.compile(rf"(?P<scheme>[a-z]+)://(?:{_HOST})(?::\d{{1,5}})?")
_AMAZON = re.compile(r"participant\.connect(?:-fips)?(?P<rest>\..+\.amazonaws\.com(?:\.cn)?)")
_SCRIPT_TYPES = ("", "module", "text/javascript", "application/javascript")


@dataclass(frozen=True, slots=True)
class PageEndpoint:
    """Where the chats of a page take place.

    Attributes:
        participant_url: The participant service, for example
            `https://participant.connect.us-east-1.amazonaws.com`, without a path.

    Raises:
        InputError: It is no such URL.

    Example:
        >>> PageEndpoint("https://participant.connect.eu-west-2.amazonaws.com").socket_sources
        ('wss://*.transport.connect.eu-west-2.amazonaws.com',)
        >>> PageEndpoint("http://127.0.0.1:8001").socket_sources
        ('ws://127.0.0.1:8001',)
    """

    participant_url: str

    def __post_init__(self) -> None:
        origin = self.participant_url.removesuffix("/")
        checked_origins("participant_url", [origin], ("http", "https"))
        object.__setattr__(self, "participant_url", origin)

    @property
    def socket_sources(self) -> tuple[str, ...]:
        """Where its web sockets lead: at Amazon, hosts of the Region; elsewhere, itself."""
        parts = urlsplit(self.participant_url)
        if amazon := _AMAZON.fullmatch(parts.hostname or ""):
            return (f"wss://*.transport.connect{amazon['rest']}",)
        scheme = "wss" if parts.scheme == "https" else "ws"
        return (f"{scheme}://{parts.netloc}",)


def checked_origins(
    name: str, origins: Iterable[str], schemes: Sequence[str] = ("https", "http")
) -> tuple[str, ...]:
    """Origins as a policy can name them: a scheme, a host and perhaps a port.

    Args:
        name: The argument they were given as, for the error.
        origins: The origins; a host may begin with `*.`.
        schemes: The schemes that make sense.

    Raises:
        InputError: One is something else, which would also change the rest of the policy.

    Example:
        >>> checked_origins("images_from", ["https://cdn.example.com"])
        ('https://cdn.example.com',)
    """
    if isinstance(origins, str):
        raise InputError(f"{name} must be a list of origins, not one text: [{origins!r}].")
    checked = tuple(origins)
    for origin in checked:
        found = _ORIGIN.fullmatch(origin)
        if found is None or found["scheme"] not in schemes:
            example = f"{schemes[0]}://chat.example.com"
            raise InputError(f"{name}: {origin!r} is no origin such as {example} (without a path).")
    return checked


def page_policy(
    html: str,
    *,
    connect: Iterable[str],
    images: Iterable[str] = (),
    frame_ancestors: Iterable[str] = (),
) -> str:
    """The Content-Security-Policy of one page.

    Args:
        html: The page; the scripts and styles that stand in it are allowed by their hashes.
        connect: Origins that it may call and open sockets to, beside its own.
        images: Origins of pictures, beside its own.
        frame_ancestors: Sites that may show it in a frame.
    """
    inline = _InlineCode()
    inline.feed(html)
    inline.close()
    rules = {
        "default-src": ["'none'"],
        "script-src": _hashes(inline.scripts),
        "style-src": _hashes(inline.styles),
        "img-src": ["'self'", "data:", *images],
        "connect-src": ["'self'", *connect],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": list(frame_ancestors) or ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(values)}" for name, values in rules.items())


def _hashes(codes: Iterable[str]) -> list[str]:
    digests = (hashlib.sha256(code.encode()).digest() for code in codes)
    hashes = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
    return hashes or ["'none'"]


class _InlineCode(HTMLParser):
    """Collects what a browser would run or apply of a page, letter by letter as it reads it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self._current: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        is_code = (named.get("type") or "").strip().lower() in _SCRIPT_TYPES
        if tag == "script" and is_code and "src" not in named:
            self._current = self.scripts
        elif tag == "style":
            self._current = self.styles
        else:
            return
        self._current.append("")

    def handle_data(self, data: str) -> None:
        if self._current is not None:
            self._current[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._current = None
