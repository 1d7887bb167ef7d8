"""Secrets: what may not be typed as a setting, as a shell would keep it, and where it may be."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from connect_tasks.errors import InputError

__all__ = [
    "holds_secret_url",
    "is_secret_name",
    "refuse_secret",
    "secret_names",
    "way_of_secret",
]

_SECRET = re.compile(
    r"(?i)pass(word|wd|phrase)?$|pwd|secret|token|credential|private|api_?key|access_?key|"
    r"(^|_)keys?$|signature|invitation_keys"
)
_NO_SECRET = frozenset({"outbound_token_validity", "token_validity"})
# What is said to customers, by names that are theirs: an attribute may be called `token`.
_TEXTS = frozenset({"template", "text_out", "conversation", "policy"})
_WAYS: Mapping[str, str] = MappingProxyType(
    {
        "aws": "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or name a "
        "profile of AWS's own files with instance.profile",
        "links": "set CONNECT_TASKS_INVITATION_KEYS",
        "ledger": "set CONNECT_TASKS_LEDGER to the whole URL, or leave the password out of it and "
        "keep it in ~/.pgpass",
        "other": "set it in the environment, or in a saved Prefect block",
    }
)


def is_secret_name(name: str) -> bool:
    """Whether a setting of this name would hold a secret.

    Example:
        >>> is_secret_name("aws_secret_access_key"), is_secret_name("token_validity")
        (True, False)
    """
    return name not in _NO_SECRET and _SECRET.search(name) is not None


def secret_names(path: Sequence[str | int]) -> list[str]:
    """The names of a setting, or of where it is, that would hold a secret.

    Example:
        >>> secret_names(("instance", "secret_key")), secret_names(("template", "secret_key"))
        (['secret_key'], [])
    """
    if path and path[0] in _TEXTS:
        return []
    return [name for name in path if isinstance(name, str) and is_secret_name(name)]


def way_of_secret(name: str) -> str:
    """Where a secret of this name may be instead, as half a sentence."""
    if re.search(r"(?i)invitation|^keys?$", name):
        return _WAYS["links"]
    if re.search(r"(?i)aws|access|session|secret", name):
        return _WAYS["aws"]
    return _WAYS["ledger" if re.search(r"(?i)ledger|pass|pwd", name) else "other"]


def holds_secret_url(value: object) -> bool:
    """Whether a setting is a text with a URL that holds a password, or has one somewhere inside.

    Example:
        >>> holds_secret_url([{"at": "postgresql://ada:secret@host/l"}]), holds_secret_url("a: b")
        (True, False)
    """
    if isinstance(value, Mapping):
        return any(map(holds_secret_url, [*value, *value.values()]))
    if isinstance(value, list | tuple):
        return any(map(holds_secret_url, value))
    return isinstance(value, str) and "://" in value and _holds_password(value)


def refuse_secret(path: tuple[str, ...], value: object) -> None:
    """Refuse a secret that was typed; the error does not repeat it.

    Args:
        path: The setting, by its names.
        value: What was typed.

    Raises:
        InputError: It is one, or holds one, such as a URL's password.
    """
    setting = ".".join(path)
    if names := secret_names(path):
        raise InputError(
            f"{setting} is secret, and the shell would keep it in its history: "
            f"{way_of_secret(names[0])}."
        )
    is_url = path[-1] == "ledger" or "://" in str(value)
    if is_url and isinstance(value, str) and _holds_password(value):
        way = way_of_secret("ledger" if path[-1] == "ledger" else "other")
        raise InputError(
            f"The URL of {setting} holds a password, and the shell would keep it in its history: "
            f"{way}."
        )


def _holds_password(value: str) -> bool:
    from connect_tasks.databases.addresses import has_secret

    return has_secret(value)
