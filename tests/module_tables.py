"""The module tables of docs/architecture.md, made of the first lines of the modules' docstrings.

`python -m tests.module_tables` writes them anew.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "connect_tasks"
PAGE = ROOT / "docs" / "architecture.md"

_PART = re.compile("(<!-- modules:begin -->\n).*?(<!-- modules:end -->)", re.DOTALL)


def first_line(path: Path) -> str:
    """What a module is, in one line."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0].removesuffix(".")


def _table(folder: Path) -> Iterator[str]:
    yield "| module | what it is |"
    yield "|---|---|"
    for path in sorted(folder.rglob("*.py")):
        if path.name != "__init__.py" or path.parent != folder:
            name = path.relative_to(PACKAGE).as_posix()
            yield f"| `{name}` | {first_line(path)} |"


def module_tables() -> str:
    """One table for each room, under its name and what it is for."""
    lines = [f"`errors.py`: {first_line(PACKAGE / 'errors.py')}.", ""]
    for folder in sorted(path.parent for path in PACKAGE.glob("*/__init__.py")):
        lines += [f"### {folder.name}", "", f"{first_line(folder / '__init__.py')}.", ""]
        lines += [*_table(folder), ""]
    return "\n".join(lines)


def main() -> None:
    """Write the tables into the page."""
    text = PAGE.read_text(encoding="utf-8")
    new = _PART.sub(lambda found: f"{found[1]}{module_tables()}{found[2]}", text)
    PAGE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
