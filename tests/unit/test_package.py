"""The package from outside: what it exports, what it imports, what it documents."""

import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
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
    "connect_tasks.blocks": ["AmazonConnectInstance", "block_name", "load_instance"],
    "connect_tasks.campaign": ["CampaignResult", "Forecast", "Funnel", "Plan", "run_campaign"],
    "connect_tasks.emulator": ["LocalConnect"],
    "connect_tasks.flows": ["table_flow"],
    "connect_tasks.campaign.audit": ["decisions", "prune_decisions", "write_decisions"],
    "connect_tasks.flows.audit": ["audit", "prune_decisions"],
    "connect_tasks.flows.collect": ["collect"],
    "connect_tasks.flows.forget": ["erase", "forget"],
    "connect_tasks.flows.invite": ["invite", "revoke"],
    "connect_tasks.flows.manage": ["pause", "resolve", "resume", "status", "stop"],
    "connect_tasks.flows.outreach": ["outreach"],
    "connect_tasks.flows.regression": ["regression"],
    "connect_tasks.flows.suppressions": ["suppress", "suppressed", "unsuppress"],
    "connect_tasks.flows.verify": ["verify"],
    "connect_tasks.flows.workers": ["campaign_worker", "outreach_on_workers"],
    "connect_tasks.ledger": ["Ledger", "erase", "forget"],
    "connect_tasks.tasks": [
        "CampaignResult",
        "Forecast",
        "Funnel",
        "HeldChat",
        "Plan",
        "StartedChat",
        "collect_contacts",
        "collect_responses",
        "hold_chat",
        "issue_invitations",
        "preview",
        "start_chat",
        "start_chats",
        "stop_chat",
        "validate_customers",
    ],
    "connect_tasks.testing": ["RegressionResult", "cases", "read_cases", "rehearse_cases"],
}
ENTRYPOINTS = [
    *(
        "audit",
        "collect",
        "forget",
        "invite",
        "manage",
        "outreach",
        "regression",
        "suppressions",
        "verify",
        "workers",
    ),
]


def modules() -> list[ModuleType]:
    names = [info.name for info in pkgutil.walk_packages([str(PACKAGE)], "connect_tasks.")]
    return [
        importlib.import_module(name)
        for name in ["connect_tasks", *names]
        if not name.endswith("__main__")
    ]


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


@pytest.mark.parametrize("module", ENTRYPOINTS)
def test_a_checkouts_entrypoints_are_the_packages_own_flows(module: str) -> None:
    entrypoints = importlib.import_module(f"flows.{module}")
    flows = importlib.import_module(f"connect_tasks.flows.{module}")

    assert entrypoints.__all__ == flows.__all__
    assert [
        name for name in flows.__all__ if vars(entrypoints)[name] is not vars(flows)[name]
    ] == []


def test_the_top_floor_has_fourteen_entries_at_most() -> None:
    entries = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}

    assert len(entries - {"__init__", "__pycache__"}) <= 14


def test_importing_the_package_loads_neither_prefect_nor_pandas_nor_boto3() -> None:
    code = "import connect_tasks, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert not {"prefect", "pandas", "boto3", "sqlalchemy"} & set(json.loads(done.stdout))


def test_there_is_one_version_and_everything_names_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {
        name: re.findall(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        for name, pattern in {
            "prefect.yaml": r"^ +version: ([\d.]+)$",
            "Dockerfile": r"connect-tasks:([\d.]+)",
            "docs/deploying.md": r"connect-tasks:([\d.]+)",
        }.items()
    }
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    named["CHANGELOG.md"] = re.findall(r"^## \[([\d.]+)\]", changes, re.MULTILINE)[:1]

    assert connect_tasks.__version__ == project["version"]
    assert {
        name: set(found) == {project["version"]} for name, found in named.items()
    } == dict.fromkeys(named, True)


def test_clients_are_made_in_one_place() -> None:
    makers = {
        path.relative_to(ROOT).as_posix()
        for path in [*PACKAGE.rglob("*.py"), *(ROOT / "flows").glob("*.py")]
        if re.search(r"(?<!boto3)\.client\(", path.read_text(encoding="utf-8"))
    }

    # Examples in docstrings, which call boto3 itself, are no part of the package.
    assert makers == {"connect_tasks/aws/client.py"}
