"""Private files: what holds customers' data is made for its owner's eyes only.

Whatever the umask says: a mode of 0600 for files and 0700 for folders. Folders that are there
already stay as they are; whoever made them decides about them.
"""

import os
from pathlib import Path

__all__ = ["make_private_file", "make_private_folder"]

_FILE = 0o600
_FOLDER = 0o700


def make_private_folder(folder: Path) -> None:
    """Make a folder and those above it, as far as they are not there.

    A second call does nothing; others may make the same ones at the same time.

    Raises:
        OSError: One of them cannot be made.
    """
    if folder.is_dir():
        return
    make_private_folder(folder.parent)
    try:
        folder.mkdir(_FOLDER)
    except FileExistsError:
        if not folder.is_dir():
            raise
    else:
        folder.chmod(_FOLDER)


def make_private_file(path: Path) -> None:
    """Make an empty file; one that is there keeps its content and mode, but for other users' part.

    Raises:
        OSError: It cannot be made, or not be opened for writing.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _FILE)
    except FileExistsError:
        os.close(os.open(path, os.O_RDWR))
        _shut_out_others(path)
        return
    os.close(descriptor)
    path.chmod(_FILE)


def _shut_out_others(path: Path) -> None:
    """A group may share a file on purpose; everybody on the machine hardly does."""
    mode = path.stat().st_mode
    if mode & 0o007 and path.stat().st_uid == getattr(os, "getuid", lambda: -1)():
        path.chmod(mode & 0o770)
