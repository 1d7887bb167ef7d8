"""Whatever a table holds ends in rows with reasons or in one sentence."""

import warnings
from pathlib import Path
from random import Random

import pytest

from tests.bench import fuzz_tables

pytestmark = pytest.mark.thorough


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", [1, 2])
def test_tables_of_all_dtypes_end_in_rows_or_a_sentence(seed: int, tmp_path: Path) -> None:
    warnings.simplefilter("error")
    counts = fuzz_tables.check_some(1_500, seed, tmp_path)

    assert counts["memory rows"] > 0
    assert counts["memory cells"] > 0


@pytest.mark.parametrize("dtype", fuzz_tables.DTYPES, ids=str)
def test_a_cell_is_what_it_is_alone_in_a_column_of_any_dtype(dtype: object) -> None:
    counts = fuzz_tables.from_memory([dtype], 40, Random(3))  # noqa: S311 -- to be repeated

    assert counts["cells"] >= 40
