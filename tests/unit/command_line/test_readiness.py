"""What a campaign needs besides its instance, each thing with what to do."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.aws.preflight.report import Verdict
from connect_tasks.campaign.links import KEYS_VARIABLE
from connect_tasks.command_line.readiness import (
    judge_keys,
    judge_ledger,
    judge_policy,
    judge_prefect,
    readiness,
)
from connect_tasks.command_line.settings import Settings
from connect_tasks.ledger import Ledger

KEY = "Hx0kJ2mQ7vLr5TnWc8YpZd3Fb6Gs9Ae1"


def no_server() -> str | None:
    return None


def silent_server() -> str | None:
    raise ConnectionError("http://127.0.0.1:4200/api does not answer (ConnectError)")


def test_a_ledger_that_is_not_there_yet_is_no_trouble_and_none_is_made(tmp_path: Path) -> None:
    found = judge_ledger(f"sqlite:///{tmp_path / 'new' / 'ledger.db'}")

    assert (found.verdict, found.is_obstacle) == (Verdict.YES, False)
    assert "is made with the first run" in found.text
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_that_is_not_there_yet_is_told_without_its_password(tmp_path: Path) -> None:
    found = judge_ledger(f"sqlite:///{tmp_path / 'ledger.db'}?password=hidden")

    assert found.verdict is Verdict.YES
    assert "hidden" not in str(found)


def test_a_ledger_that_is_there_can_be_written(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger(url):
        pass

    assert judge_ledger(url).verdict is Verdict.YES


def test_a_place_where_no_file_can_be_is_an_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    found = judge_ledger(f"sqlite:///{tmp_path / 'file' / 'ledger.db'}")

    assert (found.verdict, found.is_obstacle) == (Verdict.NO, True)
    assert "CONNECT_TASKS_LEDGER" in found.advice


@pytest.mark.parametrize("content", [b"no database at all, but text", b"\x00" * 4096])
def test_a_file_that_is_no_ledger_is_an_obstacle_in_a_sentence(
    content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "ledger.db").write_bytes(content)
    found = judge_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")

    assert (found.verdict, found.is_obstacle) == (Verdict.NO, True)
    assert (tmp_path / "ledger.db").read_bytes() == content


@pytest.mark.parametrize(
    "url",
    ["", "ledger.db", "mysql://u:hidden@h/d", "postgresql://ada:hidden@127.0.0.1:1/campaigns"],
)
def test_a_url_that_leads_to_no_ledger_is_an_obstacle_without_its_password(url: str) -> None:
    found = judge_ledger(url)

    assert (found.verdict, found.is_obstacle) == (Verdict.NO, True)
    assert "hidden" not in str(found)


@given(are_needed=st.booleans(), keys=st.sampled_from(["", KEY, f"{KEY},{KEY[::-1]}", "short"]))
def test_keys_keep_a_campaign_from_running_only_where_links_are_meant(
    *, are_needed: bool, keys: str
) -> None:
    found = judge_keys({KEYS_VARIABLE: keys}, are_needed=are_needed)
    is_right = KEY in keys

    assert found.is_obstacle is (are_needed and not is_right)
    assert (found.verdict is Verdict.YES) is is_right
    assert KEY not in str(found)


def test_a_policys_file_that_cannot_be_read_is_an_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    missing = judge_policy(str(path))
    path.write_text('suppression = ["marketing"]\n')

    assert (missing.verdict, missing.is_obstacle) == (Verdict.NO, True)
    assert judge_policy(str(path)).verdict is Verdict.YES


def test_a_server_that_does_not_answer_is_an_obstacle_and_none_at_all_is_none() -> None:
    silent, none = judge_prefect(silent_server), judge_prefect(no_server)

    assert (silent.verdict, silent.is_obstacle) == (Verdict.NO, True)
    assert "prefect server start" in silent.advice
    assert (none.verdict, none.is_obstacle) == (Verdict.YES, False)


def test_prefect_and_a_policy_are_asked_about_only_where_they_have_a_part(tmp_path: Path) -> None:
    environ = {"CONNECT_TASKS_LEDGER": f"sqlite:///{tmp_path / 'ledger.db'}"}
    without = Settings.model_validate({"campaign": {"prefect": False}})
    with_both = Settings.model_validate({"policy": {"suppression": ["marketing"]}})

    assert [one.subject for one in readiness(without, environ, silent_server)] == [
        "Ledger",
        "Keys of links",
    ]
    assert [one.subject for one in readiness(with_both, environ, no_server)] == [
        "Ledger",
        "Keys of links",
        "Policy",
        "Prefect",
    ]
