"""The text of a CSV: UTF-8, or UTF-16 as Excel saves it; from a plain or a compressed file."""

import codecs
import gzip
import io
import zlib
from pathlib import Path
from typing import IO, cast

__all__ = ["CsvText"]

# The longer marks first: one begins like another.
_MARKS = {
    codecs.BOM_UTF8: "UTF-8-sig",
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class CsvText(io.TextIOWrapper):
    """The text of a file; a byte that is no text is told with its place in the whole file.

    Args:
        path: The file.
        gzipped: Whether it is compressed.
    """

    def __init__(self, path: Path, *, gzipped: bool) -> None:
        self._file = cast("IO[bytes]", gzip.open(path) if gzipped else path.open("rb"))  # noqa: SIM115 -- closed with this
        super().__init__(self._file, encoding=_encoding(self._file), newline="")

    def read(self, size: int | None = -1) -> str:
        """Read characters.

        Raises:
            ValueError: They are not of the encoding.
            OSError: The compressed file is damaged.
        """
        try:
            return super().read(size)
        except UnicodeDecodeError as error:
            byte = self._file.tell() - len(error.object) + error.start
            coding = self.encoding.removesuffix("-sig")
            raise ValueError(f"it is not {coding} (byte {byte}); save it as CSV UTF-8") from error
        except (EOFError, zlib.error) as error:
            raise OSError(f"what was compressed is damaged: {error}") from error


def _encoding(file: IO[bytes]) -> str:
    """What the file's first bytes say; it is closed if they cannot be read."""
    try:
        beginning = file.read(4)
        file.seek(0)
    except (EOFError, zlib.error) as error:
        file.close()
        raise OSError(f"what was compressed is damaged: {error}") from error
    except OSError:
        file.close()
        raise
    marked = (encoding for mark, encoding in _MARKS.items() if beginning.startswith(mark))
    return next(marked, "UTF-8")
