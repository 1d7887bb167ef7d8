"""`init`: a project's files, written over nothing."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from connect_tasks.command_line.new_project import FILES, NewProject, write_project
from connect_tasks.command_line.options import Given
from connect_tasks.command_line.outcome import Outcome

__all__ = ["init"]

_NEXT = """\
Try it on this machine, without an AWS account:
  connect-tasks local               in a terminal of its own: a local Amazon Connect
  connect-tasks run customers.csv   in another: asks each customer once, and tells what came of it
Then write your instance into connect-tasks.toml; `connect-tasks check` says what is missing."""


def init(
    folder: Annotated[Path, Parameter(allow_leading_hyphen=False)] = Path(),
    /,
    *,
    options: Given = None,  # noqa: ARG001 - they are every command's
) -> Outcome:
    """Write the files of a new project; what is there already stays as it is.

    Args:
        folder: Where to; made if it is not there.
        options: What all commands take.
    """
    project = write_project(folder)
    document = {
        "folder": str(folder.absolute()),
        "written": list(project.written),
        "kept": list(project.kept),
    }
    return Outcome(text=_told(project), document=document)


def _told(project: NewProject) -> str:
    width = max(map(len, FILES))
    lines = [f"  {name:{width}}  {FILES[name]}" for name in project.written]
    if lines:
        where = "here" if project.folder == Path() else f"to {project.folder}"
        lines.insert(0, f"Written {where}:")
    if project.kept:
        lines.append(f"There already, and left as they are: {', '.join(project.kept)}")
    way = "" if project.folder == Path() else f"cd {project.folder}\n"
    return "\n".join([*lines, "", way + _NEXT])
