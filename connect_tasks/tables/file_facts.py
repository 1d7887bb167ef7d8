"""File facts: what may be said of a table's file to those who may not read it."""

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

__all__ = ["csv_facts"]

# A row that is larger than a block is none that Arrow reads.
_BLOCK = 16 * 1024 * 1024


def csv_facts(path: Path) -> dict[str, Any]:
    """How many rows and which columns a CSV file of a result has, and its fingerprint.

    It is read in pieces, so memory stays small.

    Args:
        path: The file, with a header, as `CampaignResult.save` writes it.

    Returns:
        `rows`; `columns`, their names; and `fingerprint`, the SHA-256 of the file's bytes.

    Example:
        ```python
        csv_facts(Path("out/contacts.csv"))["rows"]
        ```
    """
    with path.open("rb") as file:
        fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
    with path.open(encoding="utf-8-sig", newline="") as file:
        names = _names(file.readline())
    rows = sum(batch.num_rows for batch in _first_column(path, len(names)))
    return {"rows": rows, "columns": names, "fingerprint": fingerprint}
