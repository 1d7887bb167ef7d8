"""The documents beside the code that they describe."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from connect_tasks.ledger.contact import diagram
from tests.module_tables import module_tables

ROOT = Path(__file__).parents[2]
ARCHITECTURE = ROOT / "docs" / "architecture.md"
DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
HEADINGS = ["Context", "Decision", "Alternatives", "Consequences"]
FOR_WORK = {"dev", "docs", "test"}
MADE_BY_TOOLS = {"build", "dist", "out", "__pycache__"}

_FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def is_ours(path: Path) -> bool:
    folders = path.relative_to(ROOT).parts[:-1]
    return not any(name.startswith(".") or name in MADE_BY_TOOLS for name in folders)


DOCUMENTS = sorted(path for path in ROOT.rglob("*.md") if is_ours(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def marked(what: str) -> str:
    """The part of the architecture's page between two markers."""
    text = ARCHITECTURE.read_text(encoding="utf-8")
    found = re.search(f"<!-- {what}:begin -->\n(.*?)<!-- {what}:end -->", text, re.DOTALL)
    assert found, f"{name_of(ARCHITECTURE)} has no part marked {what!r}"
    return found[1].strip()


def prose(path: Path) -> str:
    """A document without its code."""
    return _INLINE.sub("", _FENCED.sub("", path.read_text(encoding="utf-8")))


def relative_links(path: Path) -> Iterator[str]:
    return (link for link in _LINK.findall(prose(path)) if not _SCHEME.match(link))


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    text = _FENCED.sub("", path.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_state_diagram_is_the_one_of_the_transition_table() -> None:
    assert marked("states") == f"```mermaid\n{diagram()}\n```", (
        "TRANSITIONS changed: put the output of connect_tasks.ledger.contact.diagram() between the "
        f"markers in {name_of(ARCHITECTURE)}"
    )


def test_the_layers_are_those_that_import_linter_checks() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    expected = "\n".join(layers)

    assert marked("layers") == f"```text\n{expected}\n```", (
        f"the layers in pyproject.toml changed: copy them to {name_of(ARCHITECTURE)}"
    )


def test_the_module_tables_are_the_first_lines_of_the_modules() -> None:
    assert marked("modules") == module_tables().strip(), (
        "a module came, went or says something else in its first line: "
        "`python -m tests.module_tables` writes the tables anew"
    )


def test_every_test_that_a_document_names_is_there() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/*.py"))
    named = {
        name
        for path in DOCUMENTS
        for name in re.findall(r"`(test_[a-z0-9_]{20,})`", path.read_text(encoding="utf-8"))
    }

    assert named
    assert [name for name in sorted(named) if f"def {name}(" not in sources] == []


def test_there_are_decisions_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in DECISIONS]

    assert numbers == list(range(1, len(DECISIONS) + 1))
    assert numbers


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_its_number_its_status_and_the_four_headings(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.startswith(f"# {path.name[:4]}: ")
    assert re.search(r"^Status: .+, \d{4}-\d{2}-\d{2}$", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_in_the_index_under_its_own_title(path: Path) -> None:
    index = (path.parent / "README.md").read_text(encoding="utf-8")
    title = path.read_text(encoding="utf-8").partition("\n")[0].partition(": ")[2]
    line = next((line for line in index.splitlines() if f"({path.name})" in line), None)

    assert line is not None, f"add a line for {path.name} to {name_of(path.parent / 'README.md')}"
    assert f"| {title} |" in line


def test_the_decision_on_dependencies_says_what_each_of_them_is_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    ours = [entry for name, entries in extras.items() if name not in FOR_WORK for entry in entries]
    names = {re.split(r"[\[<>=]", entry)[0] for entry in (*project["dependencies"], *ours)}
    table = (ROOT / "docs" / "adr" / "0008-dependencies.md").read_text(encoding="utf-8")
    rows = "".join(line for line in table.splitlines() if line.startswith("| `"))

    assert sorted(name for name in names - {"connect-tasks"} if f"`{name}`" not in rows) == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/*.md")), ids=name_of)
def test_a_guide_is_found_from_the_readme_and_on_the_site(page: Path) -> None:
    readme = list(relative_links(ROOT / "README.md"))
    site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")

    assert name_of(page) in readme
    assert f"- {name_of(page)}\n" in site


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_a_link_within_the_repository_leads_somewhere(path: Path) -> None:
    dead = []
    for link in relative_links(path):
        file, _, anchor = unquote(link).partition("#")
        target = path.parent / file if file else path
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors(target)
        ):
            dead.append(link)

    assert not dead
