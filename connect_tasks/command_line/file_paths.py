"""Paths in a file of settings: they count from its folder, from wherever it is used.

The ledger, too, that it leaves out: from another folder there would be another one, which knows
nobody whom the first one has contacted.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["counted_from"]

_HERE = Path()


def counted_from(
    folder: Path, fields: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """The fields of a file, with its paths as they are from where one is.

    Args:
        folder: The file's.
        fields: Its fields, which are not checked yet: what is no text stays as it is.
        environ: Where the ledger may be that the file leaves out.

    Example:
        >>> counted_from(Path("../p"), {"campaign": {"save_to": "out", "ledger": "sqlite:///l.db"}})
        {'campaign': {'ledger': 'sqlite:///../p/l.db', 'save_to': '../p/out'}}
        >>> counted_from(Path("../p"), {}, {})
        {'campaign': {'ledger': 'sqlite:///../p/.connect_tasks/ledger.db'}}
    """
    whole = dict(fields)
    if folder == _HERE:
        return whole
    from connect_tasks.ledger.opening import default_url

    if not environ.get("CONNECT_TASKS_LEDGER") and isinstance(whole.get("campaign", {}), Mapping):
        whole["campaign"] = {"ledger": default_url({}), **whole.get("campaign", {})}
    for table, name, moved in _PATHS:
        inner = whole.get(table)
        if isinstance(inner, Mapping) and isinstance(inner.get(name), str) and inner[name]:
            whole[table] = {**inner, name: moved(folder, inner[name])}
    return whole


def _path(folder: Path, text: str) -> str:
    # Joined as text: of one that is absolute, or of a home, it is all.
    return text if text.startswith("~") else os.path.join(folder, text)  # noqa: PTH118


def _url(folder: Path, text: str) -> str:
    from connect_tasks.databases.file_urls import url_counted_from

    return url_counted_from(folder, text)


def _place(folder: Path, text: str) -> str:
    """A folder, a URI, or the URL of a database."""
    return _url(folder, text) if ":" in text else _path(folder, text)


_PATHS: tuple[tuple[str, str, Callable[[Path, str], str]], ...] = (
    ("campaign", "ledger", _url),
    ("campaign", "save_to", _place),
    ("policy", "path", _path),
)
