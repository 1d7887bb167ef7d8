"""Notebooks are kept executed: nbval compares nothing in one that was not."""

import json
from pathlib import Path

import pytest

from tests.notebook_picture import PICTURE, picture

ROOT = Path(__file__).parents[2]
NOTEBOOKS = [
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
    ROOT / "connect_tasks" / "command_line" / "project" / "answers.ipynb",
]
COURSE = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.stem))
def test_each_cell_was_executed_in_order_without_complaints(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    outputs = [output for cell in code for output in cell["outputs"]]

    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert [output for output in outputs if output.get("name") == "stderr"] == []
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert len(outputs) >= len(code) / 2


def test_there_are_notebooks_to_check() -> None:
    assert NOTEBOOKS


def test_the_picture_in_the_documents_is_the_notebooks() -> None:
    assert PICTURE.read_bytes() == picture(), "run `python -m tests.notebook_picture`"


@pytest.mark.parametrize("number", range(1, len(COURSE) + 1))
def test_they_are_one_course_and_each_names_its_place_and_its_neighbours(number: int) -> None:
    cells = json.loads(COURSE[number - 1].read_text(encoding="utf-8"))["cells"]
    told = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    neighbours = [path.name for n, path in enumerate(COURSE, 1) if abs(n - number) == 1]

    assert told.startswith(f"# {number} of {len(COURSE)}: ")
    assert [name for name in neighbours if f"({name})" not in told] == []
    assert "## Conclusion" in "".join(cells[-1]["source"])
