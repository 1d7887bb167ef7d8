"""The page of the command line beside the code that it describes."""

import re
from html import unescape
from pathlib import Path

import pytest

from connect_tasks.command_line.app import COMMANDS
from connect_tasks.command_line.exit_codes import MEANINGS
from connect_tasks.command_line.new_project import FILES
from connect_tasks.command_line.settings import CampaignSettings, InstanceSettings, Settings

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "command-line.md").read_text(encoding="utf-8")
RECORDED = re.search(r"<!-- recorded:begin -->\n(.*?)<!-- recorded:end -->", PAGE, re.DOTALL)


def test_each_command_is_in_its_table_as_its_help_has_it() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (.+) \|$", PAGE, re.MULTILINE)

    assert rows == [(one.name, one.help) for one in COMMANDS]


def test_each_exit_code_is_in_its_table_as_it_is_promised() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", PAGE, re.MULTILINE)

    assert rows == [(str(int(code)), meaning) for code, meaning in MEANINGS.items()]


def test_each_table_of_the_settings_is_named_with_its_fields() -> None:
    rows = dict(re.findall(r"^\| `\[(\w+)\]` \| (.+?) \| ", PAGE, re.MULTILINE))
    named = {name: set(re.findall(r"`(\w+)`", row)) for name, row in rows.items()}

    assert set(rows) == set(Settings.model_fields)
    assert named["campaign"] == set(CampaignSettings.model_fields)
    assert named["instance"] == set(InstanceSettings.model_fields)


def test_what_was_recorded_is_of_commands_and_files_that_exist() -> None:
    assert RECORDED
    commands = re.findall(r"^\$ connect-tasks ([\w-]+)", RECORDED[1], re.MULTILINE)

    assert set(commands) <= {one.name for one in COMMANDS}
    assert {"init", "local", "run"} <= set(commands)
    assert [name for name in FILES if name not in RECORDED[1]] == []
    assert commands.count("run") == 2


@pytest.mark.parametrize("name", ["empty-folder.svg", "run.svg"])
def test_a_picture_fetches_nothing_from_elsewhere(name: str) -> None:
    drawn = (DOCS / "images" / name).read_text(encoding="utf-8")

    assert re.findall(r"url\(.?http|@import|<image|<script", drawn) == []


def test_the_picture_of_readme_is_of_the_same_run() -> None:
    assert RECORDED
    drawn = unescape((DOCS / "images" / "run.svg").read_text(encoding="utf-8")).replace("\xa0", " ")
    run = RECORDED[1].partition("$ connect-tasks run customers.csv\n")[2].partition("\n$ ")[0]

    # Its first line is longer than the picture is wide.
    assert [line for line in run.splitlines()[1:] if line.strip() not in drawn] == []
