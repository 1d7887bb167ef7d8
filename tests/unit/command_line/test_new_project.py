"""What `init` writes: over nothing, and each file of use as it stands."""

import importlib
import json
import re
import tomllib
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]
from prefect import Flow

from connect_tasks.command_line.app import COMMANDS, main
from connect_tasks.command_line.new_project import FILES, write_project
from connect_tasks.command_line.settings_file import read_settings
from connect_tasks.emulator import LocalConnect
from connect_tasks.emulator.command_line import read_arguments
from connect_tasks.errors import InputError

SOME = ("connect-tasks.toml", "customers.csv", "README.md")
# A setting that stands there as a comment, to be used by taking the # away.
COMMENTED_OUT = re.compile(r"^# (?=\[|[\w.]+ = )", re.MULTILINE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_project(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_that_is_not_there_is_made_and_has_each_file(tmp_path: Path) -> None:
    made = write_project(tmp_path / "new" / "campaigns")

    assert (made.written, made.kept) == (tuple(FILES), ())
    assert set(contents(made.folder)) == set(FILES)


def test_a_second_call_changes_nothing(project: Path) -> None:
    before = contents(project)
    again = write_project(project)

    assert (again.written, again.kept) == ((), tuple(FILES))
    assert contents(project) == before


@pytest.mark.parametrize(
    "there", [names for count in range(4) for names in combinations(SOME, count)]
)
def test_what_is_there_stays_as_it_is_and_the_rest_is_written(
    there: tuple[str, ...], tmp_path: Path
) -> None:
    for name in there:
        (tmp_path / name).write_text("mine")
    made = write_project(tmp_path)

    assert set(made.kept) == set(there)
    assert {name for name, text in contents(tmp_path).items() if text == b"mine"} == set(there)
    assert set(made.written) == set(FILES) - set(there)


def test_a_link_that_leads_nowhere_and_a_folder_count_as_files_that_are_there(
    tmp_path: Path,
) -> None:
    (tmp_path / "README.md").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "own_flow.py").mkdir()
    made = write_project(tmp_path)

    assert set(made.kept) == {"README.md", "own_flow.py"}
    assert not (tmp_path / "elsewhere").exists()


def test_a_place_that_is_no_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")

    with pytest.raises(InputError, match=r"file cannot be written: .+\. Name a folder"):
        write_project(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_the_command_says_which_files_were_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "customers.csv").write_text("mine")
    assert main(["init", str(tmp_path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)

    assert document["kept"] == ["customers.csv"]
    assert set(document["written"]) == set(FILES) - {"customers.csv"}
    assert main(["init", str(tmp_path)]) == 0
    assert "left as they are: connect-tasks.toml, customers.csv" in capsys.readouterr().out


def settings_of(project: Path, *, all_of_it: bool) -> Path:
    path = project / "connect-tasks.toml"
    if all_of_it:
        text = path.read_text(encoding="utf-8")
        path.write_text(COMMENTED_OUT.sub("", text), encoding="utf-8")
    return path


@pytest.mark.parametrize("all_of_it", [False, True], ids=["as it is", "with what is commented out"])
def test_the_settings_are_right_by_the_schema_and_by_the_model(
    project: Path, *, all_of_it: bool
) -> None:
    path = settings_of(project, all_of_it=all_of_it)
    text = path.read_text(encoding="utf-8")
    named = re.search(r"^#:schema \./(.+)$", text, re.MULTILINE)
    assert named
    schema = json.loads((project / named[1]).read_text(encoding="utf-8"))
    jsonschema.validate(tomllib.loads(text), schema)
    settings = read_settings(path)

    assert (settings.policy is not None, settings.campaign.base_url is not None) == (
        all_of_it,
        all_of_it,
    )


def test_the_settings_lead_to_the_local_connect_as_the_command_starts_it(project: Path) -> None:
    instance = read_settings(project / "connect-tasks.toml").instance
    arguments = read_arguments([])
    local = LocalConnect(flow=arguments.flow)
    assert instance

    assert instance.endpoint_url == f"http://{arguments.host}:{arguments.port}"
    assert instance.instance_id == local.instance_id
    assert (local.flow, instance.contact_flow_id) == ("survey", local.flow_id)


def deployments(project: Path) -> list[dict[str, Any]]:
    read = yaml.safe_load((project / "prefect.yaml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = read["deployments"]
    return found


def test_each_deployment_is_of_a_flow_of_the_package(project: Path) -> None:
    entrypoints = [one["entrypoint"].rpartition(".") for one in deployments(project)]

    assert len(entrypoints) >= 10
    assert [
        name
        for module, _, name in entrypoints
        if not isinstance(getattr(importlib.import_module(module), name), Flow)
    ] == []


def test_schedules_are_there_and_paused(project: Path) -> None:
    schedules = [one for each in deployments(project) for one in each.get("schedules", [])]

    assert len(schedules) == 2
    assert [one for one in schedules if one["active"]] == []


def test_the_readme_is_ten_lines_and_names_commands_and_files_that_exist(project: Path) -> None:
    text = (project / "README.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"`connect-tasks ([\w-]+)", text))
    files = set(re.findall(r"`(?:python )?([\w-]+\.\w+)`", text))

    assert len(text.splitlines()) <= 10
    assert len(commands) >= 5
    assert commands <= {one.name for one in COMMANDS}
    assert len(files) >= 4
    assert files <= {*FILES, "report.html"}


def test_git_is_told_to_leave_answers_and_the_ledger_alone(project: Path) -> None:
    ignored = (project / ".gitignore").read_text(encoding="utf-8").splitlines()
    settings = tomllib.loads((project / "connect-tasks.toml").read_text(encoding="utf-8"))

    assert f"/{settings['campaign']['save_to']}/" in ignored
    assert "/.connect_tasks/" in ignored
