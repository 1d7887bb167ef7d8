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


def test_each_claim_of_what_others_do_not_do_leads_to_a_test() -> None:
    table = README.partition("| the others | shown by |")[2].partition("\n\n")[0]
    rows = [row for row in table.splitlines() if row.startswith("| ")]
    tests = [path for row in rows for path in re.findall(r"\]\((tests/[\w/]+\.py)\)", row)]

    assert len(tests) == len(rows) >= 9
    assert [path for path in tests if "def test_" not in (ROOT / path).read_text("utf-8")] == []


def test_its_two_commands_are_those_that_are_run_in_an_empty_folder() -> None:
    (shown,) = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
    run = (ROOT / "tests" / "e2e" / "test_empty_folder.py").read_text(encoding="utf-8")

    assert shown.splitlines() == [
        "$ connect-tasks init && connect-tasks local",
        "$ connect-tasks run customers.csv",
    ]
    for words in ('"init")', '"local", "--port", "0"', '("run", "customers.csv", "--set"'):
        assert words in run


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
