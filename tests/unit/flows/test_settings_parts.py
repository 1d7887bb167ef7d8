"""Settings as one text: what a run takes of it, and what is wrong with it in a sentence."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.campaign.policy import OutreachPolicy
from connect_tasks.command_line.settings import PolicySettings, Settings
from connect_tasks.errors import InputError
from connect_tasks.flows.settings_parts import SECTIONS, parts

WHOLE = """
[campaign]
name = "renewals"

[instance]
block = "production"

[template]
display_name = "{{ first_name }}"

[conversation]
messages = ["Is {{ date }} still right?"]
max_replies = 2

[policy]
suppression = ["marketing"]
expires_after = "P14D"
"""


def test_a_whole_file_of_the_command_line_is_taken() -> None:
    taken = parts(WHOLE)

    assert taken.template == ChatTemplate(display_name="{{ first_name }}")
    assert taken.conversation == Conversation(
        messages=("Is {{ date }} still right?",), max_replies=2
    )
    assert taken.policy == OutreachPolicy(
        suppression=("marketing",), expires_after=timedelta(days=14)
    )


def test_windows_line_ends_are_line_ends() -> None:
    assert parts(WHOLE.replace("\n", "\r\n")) == parts(WHOLE)


def test_what_is_given_by_itself_counts_and_the_rest_is_of_the_text() -> None:
    own, template = Conversation(max_replies=7), ChatTemplate(display_name="{{ name }}")
    taken = parts(WHOLE, conversation=own, policy=OutreachPolicy())

    assert parts(WHOLE, template=template).template == template
    assert taken.conversation == own
    assert taken.policy == OutreachPolicy()
    assert taken.template == parts(WHOLE).template


def test_without_a_text_all_is_as_it_is_given() -> None:
    taken = parts(None, conversation=Conversation())

    assert (taken.template, taken.conversation, taken.policy) == (None, Conversation(), None)


def test_a_policy_may_be_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text('expires_after = "P14D"\n', encoding="utf-8")

    taken = parts(f"[policy]\npath = '{tmp_path / 'policy.toml'}'")

    assert taken.policy == OutreachPolicy(expires_after=timedelta(days=14))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("[template\ndisplay_name = 1", r"The settings: no TOML: .*line 1, column \d+"),
        ("[template]\ndisplay_name = ", r"The settings: no TOML: .*at the end, line 2"),
        ("[templates]\ndisplay_name = 'a'", r"'templates' .*did you mean 'template'"),
        ("display_name = 'a'", "'display_name' at their top.*they may have the tables"),
        ("template = 'a'", "'template' at their top"),
        ("[conversation]\nmax_replies = 0", r"\[conversation\] of the settings .*max_replies = 0"),
        ("[template]\ncolour = 'red'", r"\[template\] of the settings .*colour"),
        ("[policy]\npath = 'a.toml'\nsuppression = []", "leave the rest out"),
        (5, "must be a TOML text"),
    ],
)
def test_what_is_wrong_with_a_text_is_said_in_a_sentence(settings: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        parts(settings)

    assert "\n" not in str(caught.value)


def test_the_command_line_and_the_flows_know_the_same_tables() -> None:
    assert set(Settings.model_fields) == set(SECTIONS)
    assert PolicySettings.model_fields.keys() - OutreachPolicy.model_fields == {"path", "block"}
