"""Links: one customer's way into their chat, made of a key and nothing that is kept.

The rules of this file:

- A link's token is 128 bits of HMAC-SHA256 over the campaign's and the customer's keys. The same
  key gives the same link on every machine, so none has to be kept; what it is never changes.
- The first key signs, all verify. A key that is not among them any more opens nothing.
- Whoever has a link speaks as the customer: neither links nor keys are in any text of ours, and
  the ledger has a hash. Comparisons take the same time, whatever is wrong.
"""

import hashlib
import hmac
import ipaddress
import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import NoReturn, Self
from urllib.parse import SplitResult, urlsplit

from connect_tasks.aws.idempotency import canonical_key, length_prefixed
from connect_tasks.errors import InputError

__all__ = ["KEYS_VARIABLE", "InvitationKeys", "checked_base_url", "link_url", "token_hash"]

KEYS_VARIABLE = "CONNECT_TASKS_INVITATION_KEYS"
"""The environment variable with the keys, the newest first, commas between them."""

_COMMAND = "python -c 'import secrets; print(secrets.token_urlsafe(32))'"
_PURPOSE = "invitation-1"
_TOKEN_BYTES = 16
_ID_LENGTH = 8
# 128 bits even of a key in hexadecimal digits.
_SHORTEST_KEY = 32
# A random one of that length has some 14 different digits.
_FEWEST_SIGNS = 10
# Base64 in both alphabets, and hexadecimal. A quote or a space is a slip in a file of settings,
# which another program would read as another key.
_KEY = re.compile(r"[A-Za-z0-9+/=_-]+")
_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)


class InvitationKeys:
    """The keys that make links and tell whether one is genuine. They cannot be pickled.

    Args:
        text: The keys with commas between them, the newest first: the first signs, all verify.

    Raises:
        InputError: There is none, or one of them could be guessed. The sentence names the command
            that makes one, and holds none.

    Example:
        >>> keys = InvitationKeys("Hx0kJ2mQ7vLr5TnWc8YpZd3Fb6Gs9Ae1")
        >>> token = keys.token("renewals", "0042")
        >>> len(token), keys.is_genuine(token, "renewals", " 0042", keys.signing_id)
        (22, True)
    """

    def __init__(self, text: str) -> None:
        given = [part for part in map(str.strip, text.split(",")) if part]
        if not given:
            raise InputError(
                f"Links need a key that nobody can guess: set {KEYS_VARIABLE}, the same wherever "
                f"links are made or opened, to what `{_COMMAND}` prints."
            )
        for number, key in enumerate(given, 1):
            _check_key(key, number)
        # Once: of a key that stands there twice, the first place counts.
        self._keys = {_id_of(key): key.encode() for key in reversed(given)}
        self.signing_id = _id_of(given[0])

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The keys of `$CONNECT_TASKS_INVITATION_KEYS`.

        Raises:
            InputError: It is not set, or one of its keys could be guessed.
        """
        return cls(environ.get(KEYS_VARIABLE, ""))

    @property
    def ids(self) -> frozenset[str]:
        """What the ledger calls the keys: of each some digits of its hash."""
        return frozenset(self._keys)

    def token(self, campaign: str, customer_id: str, key_id: str | None = None) -> str:
        """Make the token of a customer's link in a campaign; always the same.

        Args:
            campaign: The campaign's name. Names are taken by their `canonical_key`.
            customer_id: The customer.
            key_id: With which key; the one that signs if None.

        Returns:
            22 characters of base64url.

        Raises:
            KeyError: There is no such key.
        """
        return _token(self._keys[key_id or self.signing_id], campaign, customer_id)

    def is_genuine(self, token: str, campaign: str, customer_id: str, key_id: str) -> bool:
        """Whether a token is this customer's, by the key with which theirs was made.

        Takes the same time for every token, and for a key that is not here any more.

        Args:
            token: What somebody gave, whatever it looks like.
            campaign: The campaign of the link that was found by it; any name if none was.
            customer_id: That link's customer; any name if none was.
            key_id: That link's key; any text if none was.
        """
        key = self._keys.get(key_id)
        made = _token(self._keys[self.signing_id] if key is None else key, campaign, customer_id)
        is_same = hmac.compare_digest(made.encode(), token.encode(errors="surrogatepass"))
        return is_same and key is not None

    def __repr__(self) -> str:
        return f"<InvitationKeys: {len(self._keys)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"Keys do not travel: set {KEYS_VARIABLE} where they are needed.")


def token_hash(token: str) -> str:
    """By what the ledger finds a link: it tells nothing of the token.

    Example:
        >>> token_hash("a")[:8], len(token_hash("b"))
        ('ca978112', 64)
    """
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def link_url(base_url: str, token: str) -> str:
    """The link itself, of a `checked_base_url`.

    Example:
        >>> link_url("https://chat.example.com", "…")
        'https://chat.example.com/i/…'
    """
    return f"{base_url}/i/{token}"


def checked_base_url(text: str) -> str:
    """The address under which customers reach the app, as links begin with it.

    Args:
        text: `https://` and a host, maybe with a port and a path; `http://` on this machine only.
            Slashes at its end do not count.

    Raises:
        InputError: It is none, or links could be read or led astray on their way.

    Example:
        >>> checked_base_url("https://Example.com/chat/")
        'https://example.com/chat'
    """
    given = text.strip()
    try:
        # A parser leaves out line breaks, and what is not ASCII is written in two ways.
        parts, port = _split(given) if given.isascii() and given.isprintable() else (None, None)
    except ValueError:
        parts, port = None, None
    if parts is None or parts.scheme not in {"https", "http"}:
        raise _refused(text, "is no address of a web site")
    host = parts.hostname or ""
    if "@" in parts.netloc or "?" in given or "#" in given:
        raise _refused(text, "may have no user, question mark or hash")
    if parts.scheme == "http" and not _is_loopback(host):
        raise _refused(text, "would let links be read on their way: write https")
    path = parts.path.rstrip("/")
    if not _is_host(host) or not _PATH.fullmatch(path):
        raise _refused(text, "has a host or a path of odd characters")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{'' if port is None else f':{port}'}{path}"


def _check_key(key: str, number: int) -> None:
    if not _KEY.fullmatch(key):
        raise _weak(number, "holds other signs than letters, digits and + / = _ -")
    if len(key) < _SHORTEST_KEY:
        raise _weak(number, f"has {len(key)} characters, and {_SHORTEST_KEY} are the least")
    repeats = (key + key).find(key, 1) < len(key)
    if repeats or len(set(key)) < _FEWEST_SIGNS:
        raise _weak(number, "repeats itself, and could be guessed")


def _weak(number: int, why: str) -> InputError:
    return InputError(
        f"Key {number} of {KEYS_VARIABLE} {why}: put what `{_COMMAND}` prints in its place."
    )


def _id_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:_ID_LENGTH]


def _token(key: bytes, campaign: str, customer_id: str) -> str:
    parts = (_PURPOSE, canonical_key(campaign), canonical_key(customer_id))
    made = hmac.digest(key, length_prefixed(*parts), "sha256")[:_TOKEN_BYTES]
    return urlsafe_b64encode(made).decode().rstrip("=")


def _split(text: str) -> tuple[SplitResult, int | None]:
    parts = urlsplit(text)
    if parts.port == 0 or parts.netloc.endswith(":"):
        raise ValueError(text)
    return parts, parts.port


def _is_host(host: str) -> bool:
    if ":" in host:
        return "%" not in host
    return bool(_HOST.fullmatch(host)) and ".." not in host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _refused(text: str, why: str) -> InputError:
    # What stands before an @ may be a password.
    shown = "…" if "@" in text else text[:80]
    return InputError(
        f"base_url {shown!r} {why}: give the address under which customers reach the app, as "
        "https://chat.example.com; http only on this machine, as http://127.0.0.1:8000."
    )
