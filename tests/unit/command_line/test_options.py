"""Options of all commands: which campaign is meant is never guessed."""

from pathlib import Path

import pytest

from connect_tasks.command_line.options import Options
from connect_tasks.errors import InputError


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "connect-tasks.toml"
    path.write_text('[campaign]\nname = "of the file"\n', encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("argument", "option", "named"),
    [
        (None, None, "of the file"),
        ("a", None, "a"),
        (None, "b", "b"),
        ("c", "c", "c"),
    ],
)
def test_a_campaign_is_the_one_that_was_named_wherever_it_was(
    config: Path, argument: str | None, option: str | None, named: str
) -> None:
    options = Options(config=config, campaign=option)

    assert options.settings({"campaign.name": argument}).campaign_name == named


def test_of_two_campaigns_none_is_taken(config: Path) -> None:
    options = Options(config=config, campaign="b")

    with pytest.raises(InputError, match="'a' and --campaign 'b': name one"):
        options.settings({"campaign.name": "a"})


def test_a_flag_that_is_not_given_leaves_what_is_set_as_it_is(config: Path) -> None:
    options = Options(config=config, set=("campaign.save_to=out",))

    assert options.settings({"campaign.save_to": None}).campaign.save_to == "out"
