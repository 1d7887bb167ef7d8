"""The file of settings: what holds, and where what is wrong stands."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from connect_tasks.command_line.settings_file import FILE_NAME, find_settings, read_settings
from connect_tasks.errors import InputError

WHOLE = """\
[campaign]
name = "renewals"
save_to = "out"

[instance]
instance_id = "i-1"
contact_flow_id = "f-1"
quotas = { open_chats = 50 }

[template]
display_name = "{{ name }}"
attributes.plan = "{{ plan }}"

[conversation]
messages = ["{{ score }}", { text = "Thanks", after = { pattern = "(?i)thank" } }]

[policy]
hold_out = 0.1
[policy.communication_time]
default_time_zone = "Europe/Berlin"
[policy.communication_time.open_hours]
MONDAY = [{ start_time = "09:00", end_time = "20:00" }]
"""
HOURS = """\
[policy.communication_time]
default_time_zone = "UTC"
[policy.communication_time.open_hours]
"""
# A setting that breaks a rule, and what stands at its place.
WRONG = [
    ('[campaign]\n@nam = "x"', "nam"),
    ('[instance]\ncontact_flow_id = "f"\n  @instance_id = 3', "instance_id"),
    ('[instance]\ninstance_id="i"\ncontact_flow_id="f"\nquotas = {@open_chats = 0 }', "open_chats"),
    ('[instance]\ninstance_id="i"\ncontact_flow_id="f"\nquotas.@open_chat = 5', "open_chat"),
    ('[template]\n@display_name = "{{ name"', "display_name"),
    ('[template.attributes]\nb = "x"\n@plan = "{{ plan }"', "plan"),
    ("[conversation]\n@max_replies = 0", "max_replies"),
    ('[conversation]\nmessages = [\n "a",\n @3,\n]', "3"),
    ('[conversation]\nmessages = [{ text = "a", @afte = {} }]', "afte"),
    ("[policy]\n@hold_out = 7", "hold_out"),
    (f'{HOURS}MONDAY = [{{ @start_time = "late", end_time = "20:00" }}]', "start_time"),
    ("[policy.@communication_time]\ndefault_time_zone = 3", None),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / FILE_NAME


def read(file: Path, text: str, *pairs: str, **flags: Any) -> Any:
    file.write_text(text, encoding="utf-8")
    said = {name.replace("__", "."): value for name, value in flags.items()}
    return read_settings(file, pairs, said)


def refused(file: Path, text: str, *pairs: str, **flags: Any) -> str:
    with pytest.raises(InputError) as raised:
        read(file, text, *pairs, **flags)
    return str(raised.value)


def test_all_that_a_campaign_is_made_of_is_read(file: Path) -> None:
    settings = read(file, WHOLE)

    assert settings.campaign_name == "renewals"
    assert settings.instance.quotas.open_chats == 50
    assert settings.template.participant_details.display_name == "{{ name }}"
    assert len(settings.conversation.messages) == 2
    policy = settings.policy.parameter()
    assert (type(policy).__name__, policy.hold_out) == ("OutreachPolicy", 0.1)


def test_nothing_at_all_is_settings_too(tmp_path: Path) -> None:
    settings = read_settings(folder=tmp_path)

    assert (settings.instance, settings.campaign.prefect) == (None, True)
    with pytest.raises(InputError, match="--campaign"):
        _ = settings.campaign_name


@pytest.mark.parametrize(("text", "name"), WRONG, ids=[str(name) for _, name in WRONG])
def test_what_is_wrong_is_told_with_its_line_and_column(
    text: str, name: str | None, file: Path
) -> None:
    text = f"# [x]\n\n  # y = 1\n{text}"
    before = text[: text.index("@")].split("\n")
    told = refused(file, text.replace("@", ""))

    # Of a table that is right, what is wrong stands in the next line.
    line, column = (len(before), len(before[-1]) + 1) if name else (len(before) + 1, 1)
    assert f"{file}:{line}:{column}: " in told


def test_everything_that_is_wrong_is_said_at_once(file: Path) -> None:
    told = refused(file, '[campaign]\nname = ""\nsave = 1\n[conversation]\nmax_replies = -1\n')

    places = [re.match(r".*:(\d+):(\d+): ", line) for line in told.splitlines()]
    assert [place and place.groups() for place in places] == [("2", "1"), ("3", "1"), ("5", "1")]


def test_a_setting_that_is_not_known_names_the_one_that_was_meant(file: Path) -> None:
    told = refused(file, '[campaign]\nnmae = "x"\n')

    assert "campaign.nmae = 'x'" in told
    assert "(did you mean 'name'?)" in told
    assert "did you mean 'template'" in refused(file, "[templat]\n")


def test_what_is_missing_is_told_at_its_table(file: Path) -> None:
    told = refused(file, '\n[instance]\nregion = "eu-central-1"\n')

    assert f"{file}:2:2: instance: needs instance_id and contact_flow_id" in told


def test_a_value_is_shortened(file: Path) -> None:
    assert "x" * 100 not in refused(file, f'[campaign]\nprefect = "{"x" * 100}"\n')


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("a = 1\nb = \n", 2, 5), ("[a\n", 1, 3), ("a = 1\na = 2\n", 2, 6), ('a = "x\n', 1, 7)],
)
def test_what_is_no_toml_is_told_with_its_place(
    file: Path, text: str, line: int, column: int
) -> None:
    assert refused(file, text).startswith(f"{file}:{line}:{column}: no TOML: ")


def test_a_text_that_does_not_end_is_told_with_the_last_line(file: Path) -> None:
    assert refused(file, '[campaign]\nname = """x\n').startswith(f"{file}:3: no TOML: ")


def test_what_is_no_text_is_told_with_its_line(file: Path) -> None:
    file.write_bytes(b"[campaign]\nname = '\xff'\n")

    with pytest.raises(InputError, match=f"{re.escape(str(file))}:2: this is not UTF-8"):
        read_settings(file)


def test_a_file_that_is_named_must_be_there(file: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        read_settings(file)


def test_what_was_typed_goes_before_the_file_and_flags_before_all(file: Path) -> None:
    settings = read(
        file,
        WHOLE,
        "campaign.name=second",
        "campaign.save_to=there",
        "instance.quotas.open_chats=7",
        campaign__name="third",
    )

    assert (settings.campaign.name, settings.campaign.save_to) == ("third", "there")
    assert settings.instance.quotas.open_chats == 7
    assert settings.instance.instance_id == "i-1"


def test_what_was_typed_and_is_wrong_is_told_as_of_the_command_line(file: Path) -> None:
    told = refused(file, WHOLE, "template.display_name={{ name", "campaign.nam=x")

    assert "command line: campaign.nam = 'x'" in told
    assert "command line: template.participant_details.display_name" in told
    assert str(file) not in told


def test_a_table_that_was_only_typed_is_not_looked_for_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "connect-tasks.toml"
    path.write_text("[campaign]\nname = 'a'\n")
    with pytest.raises(InputError, match=r"^command line: foo") as caught:
        read_settings(path, ["foo.bar=1"])
    assert str(path) not in str(caught.value)

    path.write_text("[campaign]\nname = 'a'\n[foo]\nbaz = 1\n")
    with pytest.raises(InputError, match=r"connect-tasks\.toml:3:\d+: foo"):
        read_settings(path, ["foo.bar=1"])


@pytest.mark.parametrize(
    ("key", "way"),
    [
        ("instance.aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"),
        ("instance.aws_session_token", "AWS_SESSION_TOKEN"),
        ("campaign.keys", "CONNECT_TASKS_INVITATION_KEYS"),
        ("campaign.ledger_password", "pgpass"),
    ],
)
def test_a_secret_in_the_file_is_not_repeated_and_shown_its_place(
    file: Path, key: str, way: str
) -> None:
    table, _, name = key.partition(".")
    told = refused(file, f'[{table}]\n{name} = "wJalrXUtnFEMI"\n')

    assert "wJalr" not in told
    assert way in told


def test_a_policy_is_its_fields_or_says_where_they_are(file: Path) -> None:
    path = str(file.with_name("policy.toml"))
    assert read(file, '[policy]\npath = "policy.toml"\n').policy.parameter() == path
    assert read(file, '[policy]\nblock = "evenings"\n').policy.parameter() == "evenings"
    assert "leave the rest out" in refused(file, '[policy]\nblock = "x"\nhold_out = 0.1\n')


def test_a_block_says_all_of_an_instance(file: Path) -> None:
    assert read(file, '[instance]\nblock = "production"\n').instance.block == "production"
    told = refused(file, '[instance]\nblock = "production"\nregion = "eu-central-1"\n')
    assert "leave region out" in told


def test_a_file_above_is_not_taken(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    (tmp_path / FILE_NAME).touch()

    assert find_settings(None, below) is None
    assert find_settings(None, tmp_path) == tmp_path / FILE_NAME


def test_the_file_of_this_folder_is_named_as_it_would_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / FILE_NAME).write_text("[campaign]\nx = 1\n")

    with pytest.raises(InputError) as raised:
        read_settings(folder=Path(os.getcwd()))  # noqa: PTH109 - what the process has

    assert str(raised.value).startswith(f"{FILE_NAME}:2:1: campaign.x = 1")


@pytest.mark.parametrize(
    ("table", "value"),
    [
        ("campaign", '"postgresql://ada:wJalr@host/l"'),
        ("instance", '["postgresql://ada:wJalr@host/l"]'),
        ("conversation", '["a", ["postgresql://ada:wJalr@host/l"]]'),
        ("template", '"https://ada:wJalr@host/x"'),
    ],
)
def test_a_url_with_a_password_is_not_repeated_wherever_it_stands(
    file: Path, table: str, value: str
) -> None:
    told = refused(file, f"[{table}]\nnamed = {value}\n")

    assert f"{table}.named" in told
    assert "wJalr" not in told


@pytest.mark.parametrize(
    ("table", "name", "written", "counted"),
    [
        ("campaign", "save_to", "out", "{folder}/out"),
        ("campaign", "save_to", "/out", "/out"),
        ("campaign", "save_to", "~/out", "~/out"),
        ("campaign", "save_to", "s3://bucket/out", "s3://bucket/out"),
        ("campaign", "save_to", "sqlite:///out.db", "sqlite:///{folder}/out.db"),
        ("campaign", "save_to", "postgresql://host/out", "postgresql://host/out"),
        ("campaign", "ledger", "sqlite:///l.db", "sqlite:///{folder}/l.db"),
        ("campaign", "ledger", "sqlite:////l.db", "sqlite:////l.db"),
        ("campaign", "ledger", "sqlite://", "sqlite://"),
        ("campaign", "ledger", "postgresql://host/l", "postgresql://host/l"),
        ("policy", "path", "policy.toml", "{folder}/policy.toml"),
        ("policy", "path", "/policy.toml", "/policy.toml"),
    ],
)
def test_what_the_file_says_counts_from_its_folder_and_what_is_typed_from_here(
    tmp_path: Path, table: str, name: str, written: str, counted: str
) -> None:
    file = tmp_path / "p" / FILE_NAME
    file.parent.mkdir()
    text = f'[{table}]\n{name} = "{written}"\n'
    settings = read(file, text)

    assert getattr(getattr(settings, table), name) == counted.format(folder=file.parent)
    typed = read(file, text, f"{table}.{name}={written}")
    assert getattr(getattr(typed, table), name) == written


def test_a_ledger_that_nobody_names_is_in_the_files_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONNECT_TASKS_LEDGER", raising=False)
    file = tmp_path / FILE_NAME
    beside = f"sqlite:///{tmp_path}/.connect_tasks/ledger.db"

    assert read(file, "").campaign.ledger == beside
    assert read(file, "", "campaign.ledger=sqlite:///l.db").campaign.ledger == "sqlite:///l.db"
    monkeypatch.setenv("CONNECT_TASKS_LEDGER", "")
    assert read(file, "").campaign.ledger == beside
    monkeypatch.setenv("CONNECT_TASKS_LEDGER", "sqlite:///of-the-environment.db")
    assert read(file, "").campaign.ledger is None


def test_from_its_own_folder_a_file_says_what_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(FILE_NAME).write_text('[campaign]\nsave_to = "out"\n')

    for config in (None, Path(FILE_NAME), Path(f"./{FILE_NAME}")):
        campaign = read_settings(config).campaign
        assert (campaign.save_to, campaign.ledger) == ("out", None)
