"""Every fenced example in a docstring runs as it stands; those with `>>>` run as doctests.

They find what their words say: a table, a ledger with two campaigns, saved instances, and AWS
settings that lead to a local Amazon Connect. What an example only defines is called as well.
"""

import ast
import importlib
import re
import shutil
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import connect_tasks
from connect_tasks.campaign.links import KEYS_VARIABLE
from connect_tasks.emulator import LocalConnect
from tests.functional.examples_world import (
    KEY,
    known_names,
    make_local,  # noqa: F401 - a fixture, as those below
    make_settled,  # noqa: F401
    make_unknown,  # noqa: F401
    real_names,
    save_blocks,  # noqa: F401
)
from tests.functional.examples_world import request as request_of

pytestmark = pytest.mark.usefixtures("prefect_home")

PACKAGE = Path(connect_tasks.__file__).parent
FENCED = re.compile(r"^ *```python\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
# What cannot run here, and what does instead.
ELSEWHERE = {
    "outreach_on_workers": "it needs PostgreSQL and a deployment: e2e/test_fleet.py",
    "folder_for": "it writes to S3: functional/test_results.py has one of its own",
    "local_connect": "it needs the plugin: functional/test_pytest_plugin.py",
    "local_ledger": "the same",
}


@dataclass(frozen=True)
class Example:
    """A fenced block of a docstring."""

    module: str
    owner: str
    code: str


def examples() -> Iterator[Example]:
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                for code in FENCED.findall(ast.get_docstring(node) or ""):
                    yield Example(module, node.name, textwrap.dedent(code))


EXAMPLES = list(examples())


def checked(test: Any) -> None:
    """What pytest would do with a test of cases."""
    for case in test.pytestmark[0].args[1]:
        test(case)


# What an example defines is called like this.
CALLS: Mapping[str, Callable[[Mapping[str, Any], LocalConnect], Any]] = {
    "cases": lambda names, _: checked(names["test_the_survey"]),
    "validate_customers": lambda names, _: names["check"]("customers.csv"),
    "start_chats": lambda names, _: names["contact"]("customers.csv"),
    "collect_responses": lambda names, _: names["export"](),
    "start_chat": lambda names, local: names["greet"]([request_of(local)], local.instance()),
    "hold_chat": lambda names, local: names["ask"](request_of(local), local.instance()),
    "stop_chat": lambda names, local: names["clean_up"](
        [local.contacts[0].contact_id], local.instance()
    ),
    "issue_invitations": lambda names, _: names["invite_them"]("customers.csv"),
    "SharedLedger": lambda names, local: names["go_on"]("renewals", local.instance()),
    "table_flow": lambda names, _: names["count"](pd.DataFrame({"customer_id": ["0042"]})),
}


def test_what_cannot_run_here_is_still_there() -> None:
    owners = {example.owner for example in EXAMPLES}

    assert set(ELSEWHERE) - owners == set()
    assert set(CALLS) - owners == set()
    assert len(EXAMPLES) > 30


@pytest.mark.usefixtures("saved")
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "example",
    [example for example in EXAMPLES if example.owner not in ELSEWHERE],
    ids=lambda example: f"{example.module.rpartition('.')[2]}.{example.owner}",
)
def test_an_example_runs_as_it_stands(
    example: Example,
    local: LocalConnect,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    prepared = request.getfixturevalue("unknown" if example.owner == "resolve" else "settled")
    shutil.copytree(prepared, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    for name, value in {**local.environment(), KEYS_VARIABLE: KEY}.items():
        monkeypatch.setenv(name, value)
    code = example.code
    for word, real in real_names(local).items():
        code = code.replace(word, real)
    names = {**known_names(local), **vars(importlib.import_module(example.module))}

    exec(compile(code, example.owner, "exec"), names)  # noqa: S102 - the examples are ours
    if example.owner in CALLS:
        CALLS[example.owner](names, local)
