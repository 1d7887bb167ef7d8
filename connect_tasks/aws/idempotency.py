"""Idempotency keys: client tokens, message tokens, fingerprints; their values never change.

A changed result here would contact people twice, so every format carries a version and the tests
pin its values.
"""

import hashlib
import json
import unicodedata
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from typing import Any, NamedTuple, Self

from connect_tasks.errors import InputError

__all__ = [
    "RequestText",
    "canonical_json",
    "canonical_key",
    "client_token",
    "exact_token",
    "fingerprint",
    "first_token_of",
    "length_prefixed",
    "message_token",
]

_CONTACT = "connect-tasks-contact-1-"
_MESSAGE = "connect-tasks-message-1-"
# What is not seen inside a name, as spans of code points: controls; Unicode's category Cf (joiners,
# marks of direction, soft hyphens) and what it has renderers ignore (variation selectors, fillers).
# Written out: Python's own tables grow with its version, and a key must not.
_UNSEEN = (
    (0x00, 0x08), (0x0E, 0x1B), (0x7F, 0x84), (0x86, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F),
    (0x600, 0x605), (0x61C, 0x61C), (0x6DD, 0x6DD), (0x70F, 0x70F), (0x890, 0x891), (0x8E2, 0x8E2),
    (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E),
    (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB), (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
# Whatever else looks like a space, the empty Braille pattern included.
_SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u2800\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_AS_SEEN: Mapping[int, str | None] = {
    **dict.fromkeys(map(ord, _SPACES), " "),
    **{point: None for first, last in _UNSEEN for point in range(first, last + 1)},
}
_UNNAMED = "A client token needs the name of a campaign and a customer_id."
_TOKEN_NAME = "ClientToken"  # noqa: S105 - a name, no secret
# The encoder's `default` is left out on purpose: what is not plain JSON must not get a fingerprint.
_canonical = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


def canonical_key(name: str) -> str:
    """What a customer's id, or a campaign's name, is compared by.

    Two that a person would call the same have the same key: white space around it does not count,
    characters that nobody sees do not anywhere, an accent is the same in one character or two, and
    a space in between is a space, whichever of its kind. Everything else does: capitals, leading
    zeros, how many spaces there are in between.

    Args:
        name: An id or a name, as somebody gave it.

    Returns:
        The key; empty if nothing is left that a person could see. A key's own key is itself.

    Example:
        >>> canonical_key(" Zoe\u0308\u200b 7\u00a0") == canonical_key("Zo\u00eb 7") == "Zo\u00eb 7"
        True
    """
    if not (name.isascii() and name.isprintable()):
        name = unicodedata.normalize("NFC", name.translate(_AS_SEEN))
    return name.strip()


def client_token(campaign: str, customer_id: str, generation: int = 1) -> str:
    """Make the token with which one customer is contacted once in one campaign.

    It depends on nothing else: an edited text keeps its token, so nobody is contacted again by it.
    Names are taken by their `canonical_key`.

    Args:
        campaign: The campaign's name.
        customer_id: The customer.
        generation: 1, and one more for each deliberate new contact with the same customer.

    Returns:
        88 characters of ASCII, the same on every machine and in every later version.

    Raises:
        InputError: If a name is empty or the generation is below 1.

    Example:
        >>> client_token("renewals", "0042")[:32]
        'connect-tasks-contact-1-030bbcd9'
    """
    campaign, customer_id = canonical_key(campaign), canonical_key(customer_id)
    if not campaign or not customer_id:
        raise InputError(_UNNAMED)
    if generation < 1:
        raise InputError(f"generation starts at 1, got {generation}.")
    return exact_token(campaign, customer_id, generation)


def first_token_of(campaign: str) -> Callable[[str], str]:
    """What makes the `client_token` of many customers' first contacts in one campaign.

    Args:
        campaign: The campaign's name.

    Returns:
        A function of a customer's `canonical_key`.

    Raises:
        InputError: If the name is empty.

    Example:
        >>> first_token_of("renewals")("0042") == client_token("renewals", "0042")
        True
    """
    campaign = canonical_key(campaign)
    if not campaign:
        raise InputError(_UNNAMED)
    before, after = length_prefixed(campaign), length_prefixed("1")

    def token(customer_key: str) -> str:
        return (
            _CONTACT + hashlib.sha256(before + _length_prefixed(customer_key) + after).hexdigest()
        )

    return token


def exact_token(campaign: str, customer_id: str, generation: int = 1) -> str:
    """The token of names exactly as they are written, as versions before 0.2 made it.

    Example:
        >>> exact_token("renewals", "0042") == client_token(" renewals", "0042 ")
        True
    """
    return _CONTACT + _digest(campaign, customer_id, str(generation))


def message_token(client_token: str, number: int) -> str:
    """Make the token of the n-th message that our side sends in one contact.

    Args:
        client_token: The contact's own token.
        number: Which message; the first is 0 or 1, as the caller counts.

    Returns:
        88 characters of ASCII; the same contact and number always give the same.

    Example:
        >>> message_token("t", 1) == message_token("t", 1) != message_token("t", 2)
        True
    """
    return _MESSAGE + _digest(client_token, str(number))


def fingerprint(wire: Mapping[str, Any]) -> str:
    """Tell one request's content from another's, whatever token it is sent with.

    Args:
        wire: The request by Amazon's names.

    Returns:
        The SHA-256 of its canonical JSON without `ClientToken`, in hex.

    Example:
        >>> fingerprint({"A": 1, "ClientToken": "x"}) == fingerprint({"A": 1})
        True
    """
    content = {name: value for name, value in wire.items() if name != _TOKEN_NAME}
    return hashlib.sha256(_canonical(content).encode()).hexdigest()


def canonical_json(wire: Mapping[str, Any]) -> str:
    """Write a request as JSON in the one way that equal requests share.

    Sorted keys, no spaces, characters as they are. Mappings that are equal give the same text.

    Args:
        wire: Plain JSON values.

    Raises:
        TypeError: If a value has no JSON form.
        ValueError: If a number is NaN or infinite.

    Example:
        >>> canonical_json({"b": [1, "é"], "a": None})
        '{"a":null,"b":[1,"é"]}'
    """
    return _canonical(dict(wire))


class RequestText(NamedTuple):
    """A request's `canonical_json` in two pieces, between which its client token belongs.

    Written once, it gives both the fingerprint and the text that is sent.

    Example:
        >>> wire = {"Attributes": {}, "InstanceId": "i-1"}
        >>> RequestText.of(wire).signed("t")
        '{"Attributes":{},"ClientToken":"t","InstanceId":"i-1"}'
        >>> RequestText.of(wire).fingerprint == fingerprint(wire)
        True

    Attributes:
        before: What is written before the token.
        after: What is written after it.
    """

    before: str
    after: str

    @classmethod
    def of(cls, wire: Mapping[str, Any]) -> Self:
        """Write a request.

        Args:
            wire: The request by Amazon's names, with an instance as every request.
        """
        before = {name: value for name, value in wire.items() if name < _TOKEN_NAME}
        after = {name: value for name, value in wire.items() if name > _TOKEN_NAME}
        return cls(f"{_canonical(before)[:-1]}," if before else "{", _canonical(after)[1:])

    @property
    def fingerprint(self) -> str:
        """The request's `fingerprint`."""
        return hashlib.sha256(f"{self.before}{self.after}".encode()).hexdigest()

    def signed(self, client_token: str) -> str:
        """The `canonical_json` with this token."""
        return f'{self.before}"{_TOKEN_NAME}":{encode_basestring(client_token)},{self.after}'


def length_prefixed(*parts: str) -> bytes:
    """Texts as bytes that no other texts give: each has its length before it.

    Example:
        >>> length_prefixed("ab", "c"), length_prefixed("a", "bc")
        (b'2:ab1:c', b'1:a2:bc')
    """
    return b"".join(map(_length_prefixed, parts))


def _length_prefixed(part: str) -> bytes:
    encoded = part.encode(errors="surrogatepass")
    return b"%d:%b" % (len(encoded), encoded)


def _digest(*parts: str) -> str:
    return hashlib.sha256(length_prefixed(*parts)).hexdigest()
