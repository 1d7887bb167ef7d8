"""Dirty tables leave the same ledger as they always did: bytes, tokens, refusals, order, counts."""

import json
from pathlib import Path

import pytest

from tests.planned_ledgers import LEDGER_CASES, planned_ledger
from tests.postgresql import new_database

DATA = Path(__file__).parents[1] / "data"
EXPECTED, ON_POSTGRESQL = (
    json.loads((DATA / f"planned_ledgers_of_a0e3c39{kind}.json").read_text(encoding="utf-8"))
    for kind in ("", "_on_postgresql")
)


@pytest.mark.parametrize("case", LEDGER_CASES)
def test_dirty_tables_are_planned_as_they_always_were(case: str, tmp_path: Path) -> None:
    assert planned_ledger(case, f"sqlite:///{tmp_path / 'ledger.db'}") == EXPECTED[case]


@pytest.mark.long
@pytest.mark.parametrize("case", LEDGER_CASES)
def test_so_they_are_on_postgresql(case: str) -> None:
    with new_database() as url:
        assert planned_ledger(case, url) == ON_POSTGRESQL[case]


@pytest.mark.parametrize("case", ["columns", "policy", "zones and variants"])
def test_whoever_is_nobodys_sample_is_planned_no_differently(case: str, tmp_path: Path) -> None:
    found = planned_ledger(case, f"sqlite:///{tmp_path / 'ledger.db'}", samples=10**9)

    # All but the plan's own digest, which holds the samples.
    assert [one[1:] for one in found] == [one[1:] for one in EXPECTED[case]]
