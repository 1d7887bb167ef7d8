"""Addresses of databases as they may be shown: any URL or DSN, whole or mistyped, without secrets.

What is shown is masked as text: a parser refuses some addresses, and reads others differently from
what their writer meant, and they hold the same password. Rather too much is masked than too little.
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import sqlalchemy as sa
from sqlalchemy import exc

__all__ = [
    "has_secret",
    "hide_password",
    "hide_password_in",
    "with_known_password",
    "without_password",
]

_HIDDEN = "***"

_NAMES = (
    r"(?:[\w.%-]*(?:pass(?!file)|pwd|secret|token|credential|signature|api_?key|scram_\w+_key)"
    r"[\w.%-]*|sig)"
)
_IS_NAME = re.compile(rf"(?i){_NAMES}")
# In quotes, in an ODBC driver's braces, or as far as it goes.
_VALUE = r"'(?:[^'\\]|\\.)*'?|\"[^\"]*\"?|\{(?:[^}]|\}\})*\}?"
_KEYWORD = re.compile(rf"(?i)(?<![\w.-])({_NAMES}\s*=\s*)({_VALUE}|(?:\\.|[^\s;\\])+)")
_ODBC = re.compile(rf"(?i)(?<![\w.-])({_NAMES}\s*=\s*)({_VALUE}|[^;]+)")
# With one slash only where nobody could have such a name: of `ada:/…@host` it is the password.
_SCHEME = re.compile(
    r"(?i)\s*(?:jdbc:)?(?:[a-z][\w+.-]*:/{2,}|(?:postgres|mysql|mssql|oracle|sqlite)[\w+.-]*:/)"
)
_NO_SCHEME = re.compile(r"(?=[^\s=;]*:.*@)", re.DOTALL)
_FILE = re.compile(r"(?i)\s*sqlite[\w+]*:///")


def hide_password(address: str) -> str:
    """A database's URL or DSN as it may be shown.

    Example:
        >>> hide_password("postgresql://ada:secret@host/ledger?sslpassword=other")
        'postgresql://ada:***@host/ledger?sslpassword=***'
        >>> hide_password("host=db user=ada password='a secret'")
        'host=db user=ada password=***'
    """
    return "".join(_HIDDEN if is_secret else text for text, is_secret in _parts(address))


def hide_password_in(text: str, address: str) -> str:
    """What was said about a database, without the secrets of its address however they are written.

    Args:
        text: Such as a driver's error.
        address: The URL or DSN that was used.

    Example:
        >>> hide_password_in('invalid token: "se%t"', "postgresql://ada:se%t@host/ledger")
        'invalid token: "***"'
    """
    secrets = {form for part, secret in _parts(address) if secret for form in _forms(part)}
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text


def has_secret(address: str) -> bool:
    """Whether a URL or DSN holds a password or the like."""
    try:
        url = sa.make_url(address)
    except (exc.ArgumentError, ValueError):
        return any(is_secret for _, is_secret in _parts(address))
    return bool(url.password) or any(map(_is_secret, url.query, url.query.values()))


def without_password(url: str) -> str:
    """A URL that is the same but for its secrets, which are left out; for what is written down.

    Example:
        >>> without_password("postgresql://ada:secret@host/ledger?sslpassword=other&sslmode=require")
        'postgresql://ada@host/ledger?sslmode=require'
    """
    try:
        parsed = sa.make_url(url)
    except (exc.ArgumentError, ValueError):
        return hide_password(url)
    secret = [name for name, value in parsed.query.items() if _is_secret(name, value)]
    if not secret and not parsed.password:
        return url
    bare = sa.URL.create(
        parsed.drivername,
        parsed.username,
        None,
        parsed.host,
        parsed.port,
        parsed.database,
        parsed.query,
    )
    return bare.difference_update_query(secret).render_as_string()


def with_known_password(url: str, environ: Mapping[str, str]) -> str:
    """The URL with its password, where the environment has a ledger that differs in nothing else.

    Example:
        >>> known = {"CONNECT_TASKS_LEDGER": "postgresql://ada:secret@host/ledger"}
        >>> with_known_password("postgresql://ada@host/ledger", known) == known.popitem()[1]
        True
    """
    known = environ.get("CONNECT_TASKS_LEDGER", "")
    return known if known and without_password(known) == url else url


def _is_secret(name: str, value: str | tuple[str, ...]) -> bool:
    values = (value,) if isinstance(value, str) else value
    return bool(_IS_NAME.fullmatch(name) or any(map(_ODBC.search, values)))


def _parts(address: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, and of each whether it is secret."""
    scheme = _SCHEME.match(address) or _NO_SCHEME.match(address)
    if scheme is None:
        yield from _pairs(address, _ODBC if ";" in address else _KEYWORD)
        return
    rest = address[scheme.end() :]
    user, colon, behind = rest.partition(":")
    password, at, _ = behind.rpartition("@")
    yield scheme[0], False
    if at and not _FILE.match(address):
        yield from ((user + colon, False), (password, bool(password)))
        rest = behind[len(password) :]
    for number, pair in enumerate(re.split("([?&])", rest)):
        yield from _pair(pair) if number % 2 == 0 else [(pair, False)]


def _pair(pair: str) -> Iterator[tuple[str, bool]]:
    name, equals, value = pair.partition("=")
    yield name + equals, False
    yield value, bool(value and _is_secret(unquote(name), unquote_plus(value)))


def _pairs(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, bool]]:
    end = 0
    for found in pattern.finditer(text):
        yield text[end : found.end(1)], False
        yield found[2], True
        end = found.end()
    yield text[end:], False


def _forms(secret: str) -> set[str]:
    """How a secret may be written, and what is in one that is a DSN itself."""
    plain = unquote_plus(secret), unquote(secret), secret.strip("'\"{}")
    inner = (found[2].strip("'\"{}") for text in plain for found in _ODBC.finditer(text))
    every = {secret, *plain, *inner}
    return every | {quote(text, safe="") for text in every} | {quote_plus(text) for text in every}
