"""A new project: the files that `connect-tasks init` writes, and writing them over nothing."""

from dataclasses import dataclass
from pathlib import Path

from connect_tasks.command_line.settings_schema import SCHEMA_FILE
from connect_tasks.errors import InputError

__all__ = ["FILES", "NewProject", "write_project"]

_PROJECT = Path(__file__).with_name("project")

FILES = {
    "connect-tasks.toml": "which instance, what is said, who may be contacted when",
    "customers.csv": "a sample table: twelve made-up customers, four rows wrong on purpose",
    "own_flow.py": "a flow of your own over the package's tasks",
    "answers.ipynb": "a notebook: from a table to a table of answers",
    "prefect.yaml": "deployments of the package's flows, their schedules paused",
    "README.md": "how they go together",
    ".gitignore": "keeps answers and the ledger out of git",
    SCHEMA_FILE.name: "what editors check connect-tasks.toml by",
}
"""What is written, in the order in which it is told, and what each file is."""


@dataclass(frozen=True, slots=True)
class NewProject:
    """What came of writing a project.

    Attributes:
        folder: Where it is.
        written: The names of the files that were not there before.
        kept: Those of the files that were there, and are as they were.
    """

    folder: Path
    written: tuple[str, ...]
    kept: tuple[str, ...]


def write_project(folder: Path) -> NewProject:
    """Write the files of a new project; one that is there already stays as it is.

    A second call writes what is missing by then, and changes nothing else.

    Args:
        folder: Where to; made if it is not there.

    Raises:
        InputError: It is no folder, or cannot be written to. No file is left half written.

    Example:
        ```python
        from pathlib import Path
        from connect_tasks.command_line.new_project import write_project

        print(write_project(Path("campaigns")).written)
        ```
    """
    texts = {name: _shipped(name).read_bytes() for name in FILES}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = tuple(name for name in FILES if _write_new(folder / name, texts[name]))
    except OSError as error:
        where = error.filename or folder
        raise InputError(
            f"{where} cannot be written: {error.strerror}. Name a folder that you may write to."
        ) from error
    return NewProject(folder, written, tuple(name for name in FILES if name not in written))


def _shipped(name: str) -> Path:
    if name == ".gitignore":
        # Under its own name it would hold for this package's files.
        return _PROJECT / "gitignore"
    # Of the settings, whoever writes them.
    return SCHEMA_FILE if name == SCHEMA_FILE.name else _PROJECT / name


def _write_new(path: Path, text: bytes) -> bool:
    """Whether it was written: not over anything, whoever else may be writing."""
    try:
        file = path.open("xb")
    except FileExistsError:
        return False
    try:
        with file:
            file.write(text)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return True
