"""The package from outside: what it exports, what it imports, what it documents."""

import ast
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import connect_tasks

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "connect_tasks"

PUBLIC = {
    "connect_tasks": [
        "ChatTemplate",
        "Conversation",
        "Quotas",
        "RetryPolicy",
        "StartChatContactRequest",
        "StartChatContactResponse",
        "client_token",
    ],
    "connect_tasks.blocks": ["AmazonConnectInstance"],
    "connect_tasks.tasks": [
        "collect_responses",
        "hold_chat",
        "preview",
        "start_chat",
        "start_chats",
        "stop_chat",
        "validate_customers",
    ],
    "connect_tasks.chat.single": ["HeldChat", "StartedChat"],
    "connect_tasks.emulator": ["LocalConnect"],
    "flows.outreach": ["outreach"],
}

# Who may import what, as the design promises; the emulator is checked by import-linter.
OWNERS = {
    "boto3": {"aws"},
    "botocore": {"aws", "translation"},
    "pandas": {"cells", "formats", "frames", "tables"},
    "sqlalchemy": {
        "archive",
        "claims",
        "content",
        "database",
        "erasure",
        "ledger",
        "records",
        "schema",
        "shares",
    },
    "websockets": {"session"},
    "prefect": {
        "allowance",
        "artifacts",
        "blocks",
        "events",
        "fleet",
        "flow",
        "recovery",
        "runs",
        "tasks",
    },
    "prefect_aws": {"blocks"},
    "jinja2": {"expressions", "places", "report"},
}


def modules() -> list[ModuleType]:
    names = [info.name for info in pkgutil.walk_packages([str(PACKAGE)], "connect_tasks.")]
    return [
        importlib.import_module(name)
        for name in ["connect_tasks", *names]
        if not name.endswith("__main__")
    ]


def imports_at_run_time(source: str) -> Iterator[str]:
    """Top-level packages that a module imports, those for type checkers left out."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize(("module", "names"), PUBLIC.items(), ids=list(PUBLIC))
def test_the_promised_names_can_be_imported(module: str, names: list[str]) -> None:
    assert [name for name in names if not hasattr(importlib.import_module(module), name)] == []


@pytest.mark.parametrize("module", modules(), ids=lambda module: str(module.__name__))
def test_all_lists_exactly_what_exists_sorted_and_documented(module: ModuleType) -> None:
    exported = list(getattr(module, "__all__", []))
    classes_and_functions = [
        value
        for name in exported
        if inspect.isclass(value := getattr(module, name)) or inspect.isfunction(value)
    ]

    assert module.__doc__
    assert [name for name in exported if not hasattr(module, name)] == []
    assert [value for value in classes_and_functions if not inspect.getdoc(value)] == []


@pytest.mark.parametrize(("library", "owners"), OWNERS.items(), ids=list(OWNERS))
def test_each_library_is_imported_only_where_it_belongs(library: str, owners: set[str]) -> None:
    importers = {
        path.stem if path.parent == PACKAGE else path.parent.name
        for folder in (".", "report", "tasks")
        for path in (PACKAGE / folder).glob("*.py")
        if library in imports_at_run_time(path.read_text(encoding="utf-8"))
    }

    assert importers == owners


def test_importing_the_package_loads_neither_prefect_nor_pandas_nor_boto3() -> None:
    code = "import connect_tasks, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert not {"prefect", "pandas", "boto3", "sqlalchemy"} & set(json.loads(done.stdout))


def test_the_version_is_the_installed_one() -> None:
    assert connect_tasks.__version__.count(".") == 2


def test_clients_are_made_in_one_place() -> None:
    makers = {
        path.name
        for path in [*PACKAGE.glob("*.py"), *(ROOT / "flows").glob("*.py")]
        if ".client(" in path.read_text(encoding="utf-8")
    }

    assert makers == {"aws.py"}
