"""Destinations: where files go, a folder of this machine or a place in S3."""

import os
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from connect_tasks.databases.addresses import hide_password, hide_password_in
from connect_tasks.errors import InputError
from connect_tasks.tables.private_files import make_private_file, make_private_folder

__all__ = [
    "as_uri",
    "check_place",
    "expanded",
    "files_like",
    "folder_for",
    "parted",
    "remove_files",
    "replacing",
    "without_uri",
]


@contextmanager
def folder_for(place: str | os.PathLike[str]) -> Iterator[Path]:
    """A folder to write files into; made if absent.

    Args:
        place: A folder, a `file://` URI, or an `s3://` URI. What is written for S3 is copied there
            at the end, with the credentials of pyarrow's own default chain.

    Raises:
        InputError: A URI of another kind, or S3 refuses the files.
        OSError: The folder cannot be made.

    Example:
        ```python
        with folder_for("s3://tables/renewals") as folder:
            (folder / "note.txt").write_text("renewals-2026-11")
        ```
    """
    check_place(place)
    uri = urlsplit(str(place))
    if not _is_uri(uri.scheme):
        yield _made(expanded(place))
    elif uri.scheme == "file":
        yield _made(Path(unquote(uri.path)))
    else:
        with TemporaryDirectory(prefix="connect-tasks-") as made:
            yield Path(made)
            _copy(made, str(place))


def check_place(place: str | os.PathLike[str]) -> None:
    """Make sure that files can go to a place by what it is; nothing is made or opened.

    Args:
        place: A folder, a `file://` URI, or an `s3://` URI.

    Raises:
        InputError: It is a URI of another kind, a broken one, or in the home of somebody who has
            none on this machine.
    """
    try:
        scheme = urlsplit(str(place)).scheme
    # What a parser says repeats what it was given.
    except ValueError:
        scheme = "broken"
    if _is_uri(scheme) and scheme not in {"file", "s3"}:
        raise InputError(
            f"Nothing can be written to {as_uri(str(place))}: give a folder of this machine or an "
            "s3:// URI."
        )
    written = os.fspath(place)
    if written.startswith("~") and str(expanded(place)).startswith("~"):
        raise InputError(
            f"{written.partition('/')[0]!r} has no home folder on this machine: give the whole "
            f"path, or ./{written} for a folder of that name here."
        )


def expanded(place: str | os.PathLike[str]) -> Path:
    """A path of this machine, with `~` and `~name` as the home folders they stand for.

    Whoever has no home folder stays as written, as in a shell.

    Example:
        >>> expanded("out/~contacts.csv").as_posix()
        'out/~contacts.csv'
    """
    try:
        return Path(os.path.expanduser(place))  # noqa: PTH111 -- Path's own raises for a stranger
    # A name that no person could have: a NUL, half a character.
    except ValueError:
        return Path(place)


def _is_uri(scheme: str) -> bool:
    # One letter is a Windows drive.
    return len(scheme) > 1


def as_uri(place: str) -> str:
    """A folder or URI as a link, without what may be secret in it.

    Example:
        >>> as_uri("s3://tables/renewals?endpoint_override=minio")
        's3://tables/renewals'
        >>> as_uri("s3://KEY:SE/CRET@tables/renewals")
        's3://tables/renewals'
    """
    if "://" not in place:
        return expanded(place).absolute().as_uri()
    if place.lower().startswith("file:"):
        # Nobody signs in there: an `@` is one of the path's own.
        return place.partition("?")[0]
    # First the password, which may hold whatever a URI is cut at.
    scheme, _, rest = hide_password(place).partition("://")
    authority, slash, path = re.split("[?#]", rest, maxsplit=1)[0].partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def parted(place: str | os.PathLike[str]) -> tuple[str, str]:
    """The folder and the name of a file, by its path or URI.

    Example:
        >>> parted("s3://tables/renewals.xlsx?endpoint_override=minio")
        ('s3://tables?endpoint_override=minio', 'renewals.xlsx')

    Raises:
        InputError: It is a URI of another kind, or a broken one.
    """
    check_place(place)
    uri = urlsplit(str(place))
    if not _is_uri(uri.scheme):
        folder, name = os.path.split(os.fspath(place))
        return folder or ".", name
    folder, _, name = uri.path.rpartition("/")
    return uri._replace(path=folder).geturl(), unquote(name)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside *path* that takes its place once it is complete, for its owner's eyes only."""
    new = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        make_private_file(new)
        yield new
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _made(path: Path) -> Path:
    make_private_folder(path)
    return path


def _copy(folder: str, uri: str) -> None:
    with _told(uri):
        fs.copy_files(folder, uri)


@contextmanager
def _told(uri: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, pa.ArrowException) as error:
        shown = as_uri(uri)
        reason = str(error).replace(uri, shown).split("\n", 1)[0].strip().removesuffix(".")
        reason = hide_password_in(reason, uri) if "://" in uri else reason
        cause = without_uri(error, uri)
        raise InputError(f"The files cannot be written to {shown}: {reason}.") from cause


def without_uri(error: Exception, uri: str) -> Exception | None:
    """What a library raised, as the cause of what is told; None if it repeats the URI."""
    said = str(error)
    is_repeated = "://" in uri and (uri in said or hide_password_in(said, uri) != said)
    return None if is_repeated else error


def files_like(place: str | os.PathLike[str], pattern: str) -> frozenset[str]:
    """The files that were written to a place before, as paths from there.

    Args:
        place: A folder or URI, as for `folder_for`.
        pattern: Of the files, from there: a folder, what its folders begin with and `*`, and the
            name of a file in each.

    Raises:
        InputError: S3 refuses to list them.
    """
    top, inner, name = pattern.split("/")
    with _told(str(place)):
        store, folder = _store(str(place))
        listed = store.get_file_info(fs.FileSelector(f"{folder}/{top}", allow_not_found=True))
        folders = [info for info in listed if fnmatchcase(info.base_name, inner)]
        paths = {f"{info.path}/{name}": f"{top}/{info.base_name}/{name}" for info in folders}
        there = store.get_file_info(list(paths))
    return frozenset(paths[info.path] for info in there if info.type == fs.FileType.File)


def remove_files(place: str | os.PathLike[str], paths: Iterable[str]) -> None:
    """Remove files of a place; one that is gone already is no fault.

    Args:
        place: A folder or URI, as for `folder_for`.
        paths: From there.

    Raises:
        InputError: S3 refuses to remove them.
    """
    with _told(str(place)):
        store, folder = _store(str(place))
        for path in paths:
            with suppress(FileNotFoundError):
                store.delete_file(f"{folder}/{path}")


def _store(place: str) -> tuple[fs.FileSystem, str]:
    if urlsplit(place).scheme == "s3":
        return fs.FileSystem.from_uri(place)  # type: ignore[no-any-return]
    uri = urlsplit(place)
    path = unquote(uri.path) if uri.scheme == "file" else str(expanded(place))
    return fs.LocalFileSystem(), path.rstrip("/") or path
