"""What MkDocs does beyond its settings: lay the site out like the repository, draw the diagrams."""  # noqa: INP001

import functools
import hashlib
import logging
import posixpath
import re
from pathlib import Path
from typing import Any

import mermaidx
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

# Pages outside docs/, and files that pages link to; with any other link the build fails.
BESIDE_DOCS = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "README.md",
    "SECURITY.md",
    "prefect.yaml",
)

# A diagram that is wider than the page is made smaller, but no smaller than this; then it scrolls.
LEAST_SCALE = 0.6

# The tests that the README names.
_TESTS = re.compile(r"\]\((tests/[\w/]+\.py)\)")
_LOGGER = logging.getLogger("mkdocs.hooks.diagrams")
_DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SIZE = re.compile(r'viewBox="(.+?)"')


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of a folder where the navigation has a star, its README first."""
    root = Path(config.docs_dir).parent

    def filled(item: Any) -> Any:
        if isinstance(item, list):
            return [filled(part) for part in item]
        if isinstance(item, dict):
            return {title: filled(part) for title, part in item.items()}
        if "*" not in item:
            return item
        pages = sorted(root.glob(item), key=lambda page: (page.name != "README.md", page.name))
        return [page.relative_to(root).as_posix() for page in pages]

    config.nav = filled(config.nav)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Give every page its path in the repository, so that links between pages lead where they say.

    MkDocs knows paths in docs/ only. A link from there to `../CONTRIBUTING.md`, or from the README
    to `docs/operating.md`, would be dead on the site.
    """
    docs = Path(config.docs_dir)
    for file in [file for file in files if file.src_dir == config.docs_dir]:
        files.remove(file)
        uri = f"{docs.name}/{file.src_uri}"
        files.append(File.generated(config, uri, abs_src_path=str(file.abs_src_path)))
    readme = (docs.parent / "README.md").read_text(encoding="utf-8")
    for name in (*BESIDE_DOCS, *sorted(set(_TESTS.findall(readme)))):
        files.append(File.generated(config, name, abs_src_path=str(docs.parent / name)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Draw a page's diagrams, so that a reader's browser has no script to fetch for them."""

    def as_image(found: re.Match[str]) -> str:
        try:
            svg = _drawn(found[1])
        except Exception as error:  # noqa: BLE001 - whatever it is, the diagram cannot be drawn
            reason = str(error).partition("\n")[0]
            _LOGGER.warning("Doc file '%s' has a wrong diagram: %s", page.file.src_uri, reason)
            return found[0]
        name = f"diagram-{hashlib.sha256(svg.encode()).hexdigest()[:12]}.svg"
        uri = posixpath.join(posixpath.dirname(page.file.src_uri), name)
        if files.get_file_from_path(uri) is None:
            files.append(File.generated(config, uri, content=svg))
        _, _, width, _ = map(float, _SIZE.findall(svg)[0].split())
        least = round(width * LEAST_SCALE)
        return f'[![Diagram]({name}){{ .diagram style="min-width: {least}px" }}]({name})'

    return _DIAGRAM.sub(as_image, markdown)


@functools.cache
def _drawn(source: str) -> str:
    natural_size: dict[str, Any] = {"useMaxWidth": False}
    config = {"flowchart": natural_size, "sequence": natural_size, "state": natural_size}
    return str(mermaidx.render(source, config=config).svg())
