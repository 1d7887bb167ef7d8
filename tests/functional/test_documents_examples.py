"""Every block of README and documents runs, or is what its reader takes it for.

Python runs beside the tables, ledgers and saved instances that it speaks of. Commands are read by
the program that they call: a word that it does not know fails. What takes a server of its own, a
cluster or Amazon runs elsewhere, and `ELSEWHERE` says where.
"""

import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from ruamel.yaml import YAML

from connect_tasks.campaign import CampaignResult
from connect_tasks.campaign.links import KEYS_VARIABLE
from connect_tasks.emulator import LocalConnect
from connect_tasks.flows.outreach import outreach
from tests.functional.examples_world import (
    FLOWS,
    KEY,
    TALK,
    known_names,
    make_local,  # noqa: F401 - a fixture, as those below
    make_settled,  # noqa: F401
    make_unknown,  # noqa: F401
    real_names,
    save_blocks,  # noqa: F401
)

pytestmark = pytest.mark.usefixtures("prefect_home")

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md")))
FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)

# The page, a line of the block, and where that runs.
ELSEWHERE = {
    ("README.md", "with LocalConnect("): "e2e/test_readme.py",
    ("docs/many-machines.md", "outreach_on_workers"): "e2e/test_fleet.py",
    ("docs/many-machines.md", "DaskTaskRunner"): "e2e/test_dask.py",
    ("docs/many-machines.md", "start_limit="): "functional/test_start_limit.py; it has no values",
    ("docs/deploying.md", "outreach.deploy("): "e2e/test_deployments.py",
    ("docs/own-flows.md", ""): "functional/test_own_flows.py, e2e/test_delayed.py",
    ("docs/testing.md", "# "): "functional/test_pytest_plugin.py",
    ("docs/testing.md", "simulate_people("): "functional/test_emulator_people.py",
    ("docs/test-your-flow.md", 'regression("cases.csv", connect="production")'): (
        "functional/test_regression.py: cases of the local Amazon Connect's survey"
    ),
}
# What other programs are called, which we do not have.
OTHERS = frozenset(
    {"aws", "cd", "curl", "docker", "export", "git", "ls", "pip", "pipx", "sqlite3", "uvicorn"}
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    number: int
    language: str
    text: str

    @property
    def elsewhere(self) -> bool:
        return any(page == self.page and part in self.text for page, part in ELSEWHERE)

    def __str__(self) -> str:
        return f"{Path(self.page).stem}-{self.number}"


def blocks(*languages: str) -> list[Block]:
    return [block for block in _all_blocks() if block.language in languages]


@cache
def _all_blocks() -> tuple[Block, ...]:
    return tuple(_read_blocks())


def _read_blocks() -> Iterator[Block]:
    for path in PAGES:
        page = path.relative_to(ROOT).as_posix()
        found = FENCED.findall(path.read_text(encoding="utf-8"))
        for number, (indent, language, text) in enumerate(found, 1):
            own = "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))
            yield Block(page, number, language, own)


def customers() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "account": ["0042", "0043"],
            "customer_id": ["0042", "0043"],
            "display_name": ["Ada", "Bob"],
            "name": ["Ada", "Bob"],
            "segment": ["old", "new"],
        }
    )


class _Collected(CampaignResult):
    """A result whose flow stored a score, as documents say of theirs."""

    @property
    def attributes(self) -> pd.DataFrame:
        return super().attributes.assign(score="9")


def names_for(local: LocalConnect) -> dict[str, Any]:
    return known_names(local) | {
        "customers": customers(),
        "conversation": TALK,
        "result": _Collected("renewals", "sqlite:///.connect_tasks/ledger.db"),
        # Without one it listens until nobody has said anything for half a minute.
        "outreach": partial(outreach, conversation=TALK),
        "app": SimpleNamespace(notify=lambda *_, **__: None),
    }


def real_addresses(folder: Path) -> Mapping[str, str]:
    return {
        "sqlite:////srv/campaigns/ledger.db": f"sqlite:///{folder}/.connect_tasks/ledger.db",
        "postgresql://…": f"sqlite:///{folder}/.connect_tasks/ledger.db",
        '"data/flows/': f'"{FLOWS}/',
    }


@pytest.mark.usefixtures("saved")
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "block", [b for b in blocks("python") if not b.elsewhere and b.page != "README.md"], ids=str
)
def test_a_block_of_python_runs_as_it_stands(
    block: Block,
    local: LocalConnect,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    prepared = "unknown" if "resolve(" in block.text else "settled"
    folder = tmp_path / "here"
    shutil.copytree(request.getfixturevalue(prepared), folder)
    for file in FLOWS.glob("order*"):
        shutil.copy(file, folder / file.name)
    if "order-status-bot" in block.text:
        shutil.copy(FLOWS / "cases.csv", folder / "cases.csv")
    # Without hours of the day: it is run at night, too.
    (folder / "policy.toml").write_text('suppression = ["marketing"]', encoding="utf-8")
    monkeypatch.chdir(folder)
    for name, value in {**local.environment(), KEYS_VARIABLE: KEY}.items():
        monkeypatch.setenv(name, value)
    code = block.text
    for shown, real in {**real_names(local), **real_addresses(folder)}.items():
        code = code.replace(shown, real)

    exec(compile(code, f"{block.page}, block {block.number}", "exec"), names_for(local))  # noqa: S102


def commands() -> list[Any]:
    return [
        pytest.param(words, id=f"{block}: {' '.join(words)[:60]}")
        for block in blocks("console", "bash", "sh")
        for words in _commands(block)
    ]


def _commands(block: Block) -> Iterator[list[str]]:
    """What is typed; without a prompt in a block of a shell, all of it is."""
    text = block.text.replace("\\\n", " ")
    lines = text.splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    for line in lines:
        for command in re.split(r" && | & ?$| \| ", line):
            if words := shlex.split(command, comments=True):
                yield words


@pytest.mark.parametrize("words", commands())
def test_a_command_is_one_that_its_program_knows(words: list[str]) -> None:
    program, *arguments = words
    if program == "make":
        assert {word for word in arguments if "=" not in word} <= makefile_targets()
    elif program not in OTHERS:
        reader(program, arguments)()


def makefile_targets() -> set[str]:
    return set(
        re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )


def reader(program: str, arguments: list[str]) -> Callable[[], object]:
    """What reads the words of a command; raises where it does not know one."""
    if program == "connect-tasks":
        from connect_tasks.command_line.app import make_app

        return lambda: make_app().parse_args(arguments, exit_on_error=False, print_error=False)
    if program == "prefect":
        from prefect.cli._app import _app

        # Of the program, and not of the command.
        own = [word for word in arguments if word != "--no-prompt"]
        return lambda: _app.parse_args(own, exit_on_error=False, print_error=False)
    if Path(program).name.startswith("python"):
        return lambda: runs_here(arguments)
    raise AssertionError(f"{program} is no program that a test knows: add it to OTHERS")


def runs_here(arguments: list[str]) -> None:
    kind, what = arguments[0], arguments[1] if arguments[1:] else ""
    if kind == "-c":
        compile(what, "-c", "exec")
    elif kind == "-m":
        assert find_spec(what)
    else:
        assert (ROOT / kind).exists()


@pytest.mark.parametrize("block", blocks("json", "toml", "yaml"), ids=str)
def test_what_is_shown_of_a_file_can_be_read(block: Block) -> None:
    readers: Mapping[str, Callable[[str], object]] = {
        "json": json.loads,
        "toml": tomllib.loads,
        "yaml": YAML(typ="safe").load,
    }

    assert readers[block.language](block.text)


def test_what_runs_elsewhere_is_still_there() -> None:
    shown = list(blocks("python"))

    assert [
        (page, part)
        for page, part in ELSEWHERE
        if not any(block.page == page and part in block.text for block in shown)
    ] == []


def test_each_block_says_what_it_is() -> None:
    known = {"python", "console", "bash", "sh", "json", "toml", "yaml", "text", "mermaid"}
    known |= {"sql", "html", "js"}

    assert [str(b) for b in _all_blocks() if b.language not in known] == []
