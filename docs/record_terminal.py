"""Records the story of the empty folder: real commands, real output, as a picture and as text.

`python docs/record_terminal.py` runs each command in a new folder and writes
`docs/images/empty-folder.svg`, README's part of it, `docs/images/run.svg`, and the text of
`docs/command-line.md` anew. It needs the port of the local Amazon Connect, 4577.
"""  # noqa: INP001

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).parent
PICTURE = DOCS / "images" / "empty-folder.svg"
PICTURE_OF_RUN = DOCS / "images" / "run.svg"
PAGE = DOCS / "command-line.md"
PROGRAM = "connect-tasks"
WIDTH = 104
INIT, LOCAL = f"{PROGRAM} init", f"{PROGRAM} local"
OTHERS = (
    f"{PROGRAM} check",
    f"{PROGRAM} dry-run customers.csv",
    f"{PROGRAM} run customers.csv",
    f"{PROGRAM} run customers.csv",
    f"{PROGRAM} status",
    "ls out",
)
_PART = re.compile("(<!-- recorded:begin -->\n).*?(<!-- recorded:end -->)", re.DOTALL)
# The picture's font would be fetched from elsewhere.
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_IS_READY = "# default flow"


def words(command: str) -> list[str]:
    """The command, by this Python: its script may be on no path."""
    first, *rest = command.split()
    start = [sys.executable, "-m", "connect_tasks.command_line"] if first == PROGRAM else [first]
    return [*start, *rest]


def output_of(command: str, folder: Path) -> str:
    """What a command prints, errors too."""
    done = subprocess.run(  # noqa: S603 - our own commands
        words(command),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def environment() -> dict[str, str]:
    """Nothing of the writer's own."""
    own = ("AWS_", "PREFECT_", "CONNECT_TASKS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return kept | {"COLUMNS": str(WIDTH), "TERM": "dumb"}


@contextmanager
def local_connect(folder: Path) -> Iterator[str]:
    """The local Amazon Connect while it serves, and what it printed first.

    Raises:
        SystemExit: It ended before it served.
    """
    with subprocess.Popen(  # noqa: S603 - the same
        words(LOCAL), cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        printed = ""
        while process.stdout and (line := process.stdout.readline()):
            printed += line
            if line.startswith(_IS_READY):
                break
        if process.poll() is not None:
            raise SystemExit("The local Amazon Connect did not begin to serve.")
        try:
            yield printed
        finally:
            process.terminate()
            process.communicate()


def recorded() -> list[tuple[str, str]]:
    """Each command with what it printed, in a folder that was empty."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        first = (INIT, output_of(INIT, folder))
        with local_connect(folder) as printed:
            others = [(command, output_of(command, folder)) for command in OTHERS]
        return [first, (LOCAL, printed), *others]


def picture(story: list[tuple[str, str]], name: str = "empty-folder") -> str:
    """The same as an SVG of a terminal."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False)
    for command, printed in story:
        console.print(Text("$ ", style="bold green").append(command, style="bold white"))
        console.print(Text(printed.rstrip("\n")))
        console.print()
    drawn = console.export_svg(title=name.replace("-", " "), unique_id=name)
    return _FONT.sub("", drawn)


def text(story: list[tuple[str, str]]) -> str:
    """The same as a block of Markdown."""
    lines = "\n".join(f"$ {command}\n{printed.rstrip()}" for command, printed in story)
    return f"```console\n{lines}\n```\n"


def main() -> None:
    """Record, and write both."""
    story = recorded()
    PICTURE.write_text(picture(story), encoding="utf-8")
    run = next(told for told in story if told[0] == f"{PROGRAM} run customers.csv")
    PICTURE_OF_RUN.write_text(picture([run], "run"), encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    block = text(story)
    PAGE.write_text(_PART.sub(lambda found: found[1] + block + found[2], page), encoding="utf-8")


if __name__ == "__main__":
    main()
