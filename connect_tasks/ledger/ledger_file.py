"""The ledger's file: it must stay the one that was opened.

SQLite goes on in a file that was deleted, as if nothing had happened, and all that it writes is
gone with the process. The next run would find an empty ledger.
"""

from pathlib import Path

from connect_tasks.errors import LedgerError
from connect_tasks.tables.private_files import make_private_file, make_private_folder

__all__ = ["LedgerFile"]


class LedgerFile:
    """A SQLite file, made if it is not there, and which one it is.

    Args:
        path: Where it is.
        shown: How it is called in an error.

    Raises:
        OSError: It cannot be made or opened.
    """

    def __init__(self, path: Path, *, shown: str) -> None:
        make_private_folder(path.parent)
        make_private_file(path)
        self._path = path.absolute()
        self._shown = shown
        self._made = self._present()

    def check(self, *_: object) -> None:
        """Make sure that it is still there; a few microseconds, before each transaction and commit.

        Raises:
            LedgerError: It was deleted, moved or replaced.
        """
        if self._present() != self._made:
            raise LedgerError(
                f"The ledger {self._shown}: its file was deleted, moved or replaced while it was "
                "open, so nothing more is written or sent. Put the file back, with its -wal beside "
                "it, or restore it from a backup, and run the campaign again; without it, who was "
                "contacted is not known any more."
            )

    def _present(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_dev, found.st_ino
