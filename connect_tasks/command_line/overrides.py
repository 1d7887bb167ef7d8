"""Overrides: settings that are typed, with `--set` or as flags, over those of the file."""

import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from connect_tasks.aws.problems import shortened
from connect_tasks.command_line.secret_settings import refuse_secret
from connect_tasks.errors import InputError

__all__ = ["Path", "overridden", "typed_flags", "typed_settings"]

Path = tuple[str, ...]
"""A setting by its names."""


def typed_settings(pairs: Iterable[str]) -> dict[Path, Any]:
    """What `--set` says, by setting.

    Args:
        pairs: Each as `KEY=VALUE`. A key is dotted as in TOML; a value is one of TOML's, or else
            text as it stands.

    Raises:
        InputError: One is no such pair, or a secret.

    Example:
        >>> typed_settings(["instance.quotas.open_chats=50", "template.attributes.plan={{ plan }}"])
        {('instance', 'quotas', 'open_chats'): 50, ('template', 'attributes', 'plan'): '{{ plan }}'}
    """
    said = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        path = _path(key.strip()) if equals else ()
        if not path:
            raise InputError(
                f"--set {shortened(key if equals else pair)} is no setting: write KEY=VALUE, as "
                "campaign.name=renewals."
            )
        said[path] = _value(value)
        _check(path, said[path])
    return said


def typed_flags(flags: Mapping[str, Any]) -> dict[Path, Any]:
    """What a command's own flags say, by setting; those that are None say nothing.

    Raises:
        InputError: One is a secret.
    """
    said = {tuple(name.split(".")): value for name, value in flags.items() if value is not None}
    for path, value in said.items():
        refuse_secret(path, value)
    return said


def overridden(fields: Mapping[str, Any], said: Mapping[Path, Any]) -> dict[str, Any]:
    """Settings with what was typed over them; what was given stays as it is.

    Args:
        fields: Those of the file.
        said: What was typed.

    Raises:
        InputError: A setting would be inside of one that is no table.

    Example:
        >>> overridden({"a": {"b": 1, "c": 2}}, {("a", "b"): 3})
        {'a': {'b': 3, 'c': 2}}
    """
    whole = dict(fields)
    for path, value in said.items():
        table = whole
        for depth, name in enumerate(path[:-1], 1):
            inner = table.get(name, {})
            if not isinstance(inner, Mapping):
                raise InputError(
                    f"{'.'.join(path)} cannot be set: {'.'.join(path[:depth])} is no table."
                )
            table[name] = dict(inner)
            table = table[name]
        table[path[-1]] = value
    return whole


def _path(key: str) -> Path:
    """The names of a dotted key; none where it is not one."""
    if "\n" in key:
        return ()  # As two lines it may be TOML, and no key.
    try:
        inner: Any = tomllib.loads(f"{key} = 0")
    except (tomllib.TOMLDecodeError, RecursionError):
        return ()
    names: list[str] = []
    while isinstance(inner, dict):
        if len(inner) != 1:
            return ()
        ((name, inner),) = inner.items()
        names.append(name)
    return tuple(names)


def _check(path: Path, value: object) -> None:
    """A table or a list that is typed whole is looked through."""
    refuse_secret(path, value)
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _check((*path, name), inner)
    elif isinstance(value, list):
        for inner in value:
            _check(path, inner)


def _value(text: str) -> Any:
    try:
        read = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    # More lines could say more.
    return read["value"] if len(read) == 1 else text
