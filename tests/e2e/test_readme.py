"""What the README says is what happens."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.prefect_database import place_database

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_is_short() -> None:
    assert len(README.split()) <= 750


def test_each_test_that_it_names_exists() -> None:
    names = set(re.findall(r"`(test_\w+)`", README))
    tests = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/*/test_*.py"))

    assert len(names) >= 10
    assert [name for name in names if f"def {name}(" not in tests] == []


@pytest.mark.e2e
@pytest.mark.timeout(180)
def test_its_python_runs_and_prints_the_answer(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    place_database(tmp_path / "prefect" / "prefect.db")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PREFECT_HOME": str(tmp_path / "prefect")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "Thank you, 9 makes our day" in done.stdout
    assert (tmp_path / ".connect_tasks" / "ledger.db").exists()
