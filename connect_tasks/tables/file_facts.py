"""File facts: what may be said of a table's file to those who may not read it."""

import csv
import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

__all__ = ["csv_facts"]

# Of one column that Arrow reads without looking into it; a row fits into a block.
_FIRST = "f0"
_READ = arrow_csv.ReadOptions(autogenerate_column_names=True, block_size=16 * 1024 * 1024)
_PARSE = arrow_csv.ParseOptions(newlines_in_values=True)
_CONVERT = arrow_csv.ConvertOptions(
    include_columns=[_FIRST], column_types={_FIRST: pa.string()}, check_utf8=False
)


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
        columns = next(csv.reader(file))
    with arrow_csv.open_csv(path, _READ, _PARSE, _CONVERT) as batches:
        lines = sum(batch.num_rows for batch in batches)
    return {"rows": lines - 1, "columns": columns, "fingerprint": fingerprint}
