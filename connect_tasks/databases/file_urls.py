"""URLs of databases that are files: the same file, from another folder."""

import os

import sqlalchemy as sa
from sqlalchemy import exc

__all__ = ["url_counted_from"]

_NO_FILES = frozenset({"", ":memory:"})
_URI = "file:"


def url_counted_from(folder: str | os.PathLike[str], url: str) -> str:
    """A URL whose relative path counts from a folder; one of anything but a SQLite file as it is.

    Args:
        folder: From where the path counts that the URL has.
        url: A SQLAlchemy URL. One that is none stays as it is: what is wrong is told at its use.

    Example:
        >>> url_counted_from("../p", "sqlite:///l.db"), url_counted_from("../p", "sqlite:////l.db")
        ('sqlite:///../p/l.db', 'sqlite:////l.db')
        >>> url_counted_from("../p", "postgresql://host/l")
        'postgresql://host/l'
    """
    try:
        parsed = sa.make_url(url)
    except (exc.ArgumentError, ValueError):
        return url
    database = parsed.database or ""
    if parsed.get_backend_name() != "sqlite" or database in _NO_FILES:
        return url
    uri = _URI if database.startswith(_URI) else ""
    # Joined as text: of an absolute path it is all.
    path = os.path.join(folder, database.removeprefix(uri))  # noqa: PTH118
    return parsed.set(database=uri + path).render_as_string(hide_password=False)
