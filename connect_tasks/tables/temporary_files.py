"""Temporary files: for what is read once and looked at again, and for nobody else's eyes."""

import os
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = ["gone_with", "temporary_file"]


@contextmanager
def temporary_file() -> Iterator[tuple[Path, IO[bytes]]]:
    """A new file to be filled, gone again if it cannot be; only this user can read it."""
    descriptor, path = tempfile.mkstemp(prefix="connect-tasks-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield Path(path), file
    except BaseException:
        Path(path).unlink()
        raise


def gone_with(owner: object, path: Path) -> None:
    """Remove a file when nobody has its owner any more, at the latest when the program ends."""
    weakref.finalize(owner, path.unlink, missing_ok=True)
