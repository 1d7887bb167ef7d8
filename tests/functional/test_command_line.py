"""The command line at a local Amazon Connect: each command in this process, and what it prints."""

import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from connect_tasks.command_line.app import main
from connect_tasks.command_line.exit_codes import ExitCode
from connect_tasks.emulator import LocalConnect
from tests.functional.links_world import KEY

TABLE = "customer_id,name,score\n0000,Ada,9\n0001,,9\n0002,Cleo,3\n"
SETTINGS = """\
[campaign]
name = "scores"
prefect = false

[instance]
instance_id = "{instance_id}"
contact_flow_id = "{flow}"
endpoint_url = "{endpoint_url}"
quotas = {{ starts_per_second = 100, start_burst = 100, connections_per_second = 100 }}

[template]
display_name = "{{{{ name }}}}"

[conversation]
messages = ["{{{{ score }}}}"]
settle_seconds = 0
reply_timeout_seconds = 20
"""


class Spoken:
    """What a command came to: its exit code, its document, and what else it said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = ExitCode(code)
        self.out = out
        self.err = err

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        assert found["exit_code"] == self.code
        return found


Say = Callable[..., Spoken]


@pytest.fixture(autouse=True)
def _no_prefect() -> Iterator[None]:
    """Whoever asks for a Prefect server is found out."""
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}):
        yield


@pytest.fixture
def say(
    local: LocalConnect,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Say:
    """Say something to the command line, in a folder with settings and a table."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONNECT_TASKS_LEDGER", raising=False)
    text = SETTINGS.format(
        instance_id=local.instance_id, flow=local.flow_id, endpoint_url=local.endpoint_url
    )
    Path("connect-tasks.toml").write_text(text)
    Path("customers.csv").write_text(TABLE)

    def said(*words: str, pipe: str = "") -> Spoken:
        monkeypatch.setattr("sys.stdin", io.StringIO(pipe))
        capsys.readouterr()
        code = main(words)
        return Spoken(code, *capsys.readouterr())

    return said


def ids_in(name: str) -> list[str]:
    return list(pd.read_csv(name, dtype="string")["customer_id"])


def test_a_table_is_run_and_a_second_run_contacts_nobody(say: Say, local: LocalConnect) -> None:
    first = say("run", "customers.csv", "--save-to", "out")
    second = say("run", "customers.csv", "--json")

    # One row has no name: it is refused, and the exit code says that somebody is to look.
    assert (first.code, second.code) == (ExitCode.LOOK, ExitCode.LOOK)
    assert "2 of 3 rows contacted, 2 replied, 1 refused" in first.out
    assert "Without Prefect: no run in its UI" in first.err
    assert sorted(str(one.customer_id) for one in local.contacts) == ["0000", "0002"]
    assert second.document["summary"]["completed"] == 2
    assert second.document["conclusion"] == "Completed"
    assert ids_in("out/contacts.csv") == ["0000", "0001", "0002"]


def test_a_dry_run_only_tells(say: Say, local: LocalConnect) -> None:
    told = say("dry-run", "customers.csv", "--json", "-q")

    assert (told.code, told.err) == (ExitCode.LOOK, "")
    assert told.document["to_contact"] == 2
    assert local.calls == {}
    # Samples hold what customers would be sent: they are for a person's eyes.
    assert "Ada" not in told.out
    assert "Ada" in say("dry-run", "customers.csv").out
    assert say("status").code is ExitCode.INPUT


def test_what_is_set_goes_before_the_file(say: Say, local: LocalConnect) -> None:
    told = say("run", "customers.csv", "--set", "template.display_name={{ customer_id }}", "--json")

    assert told.code is ExitCode.DONE
    assert {one.display_name for one in local.contacts} == {"0000", "0001", "0002"}


def test_links_are_in_the_file_and_nowhere_else(
    say: Say, local: LocalConnect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECT_TASKS_INVITATION_KEYS", KEY)
    flags = ("--campaign", "by-link", "--base-url", "https://chat.example.com", "--json", "-v")
    told = say("invite", "customers.csv", "--save-to", "out", *flags)

    assert told.code is ExitCode.LOOK
    assert told.document["summary"]["issued"] == 2
    links = pd.read_csv("out/invitations.csv")["url"]
    assert len(links) == 2
    tokens = [re.sub(r".*/i/", "", link) for link in links]
    assert [token for token in tokens if token in told.out + told.err] == []
    assert local.contacts == []
    rest = say("invite", "customers.csv", "--dry-run", *flags)
    assert rest.document["valid"] == 2


def test_without_keys_nobody_is_invited(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONNECT_TASKS_INVITATION_KEYS", raising=False)
    base_url = ("--base-url", "https://chat.example.com")
    told = say("invite", "customers.csv", *base_url, "--save-to", "out", "--json")

    assert told.code is ExitCode.INPUT
    assert "CONNECT_TASKS_INVITATION_KEYS" in told.document["error"]["message"]
    assert "--base-url" in say("invite", "customers.csv", "--campaign", "x").err


def test_links_that_nobody_would_get_are_not_issued(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECT_TASKS_INVITATION_KEYS", KEY)
    told = say("invite", "customers.csv", "--base-url", "https://chat.example.com", "--json")

    assert told.code is ExitCode.INPUT
    assert "--save-to" in told.document["error"]["message"]
    assert say("status").code is ExitCode.INPUT


def test_a_campaign_is_looked_after(say: Say, local: LocalConnect) -> None:
    say("run", "customers.csv")

    listed = say("campaigns", "--json").document["campaigns"]
    assert [(row["campaign"], row["customers"], row["waiting"]) for row in listed] == [
        ("scores", 2, 0)
    ]
    assert "scores" in say("campaigns").out
    stood = say("status", "--json")
    assert (stood.code, stood.document["state"]) == (ExitCode.DONE, "running")
    assert (stood.document["completed"], stood.document["rejected"]) == (2, 1)
    told = "Campaign scores (simulation): 2 of 3 rows contacted, 2 replied, 1 refused.\n"
    assert say("status").out.startswith(told)

    Path("more.csv").write_text("customer_id,name,score\n0003,Dana,7\n")
    assert say("pause").code is ExitCode.DONE
    held = say("run", "more.csv", "--json")
    assert (held.code, held.document["state"]) == (ExitCode.NOT_YET, "paused")
    assert len(local.contacts) == 2
    assert " 1 left: the flow campaign-resume goes on with them." in say("status").out
    gone_on = say("resume", "--save-to", "out")
    # What was refused was of the table before.
    assert (gone_on.code, len(local.contacts)) == (ExitCode.DONE, 3)
    assert "0003" in ids_in("out/contacts.csv")


@pytest.mark.parametrize("is_before", [True, False])
def test_a_campaign_goes_on_by_the_policy_that_the_settings_have_or_not_at_all(
    say: Say, local: LocalConnect, *, is_before: bool
) -> None:
    file = Path("connect-tasks.toml")
    without = file.read_text()
    file.write_text(f"{without}[policy]\nhold_out = 0.0001\n" if is_before else without)
    say("run", "customers.csv", "--json")
    say("pause")
    held = len(local.contacts)
    file.write_text(f"{without}[policy]\nhold_out = 0.0002\n")
    refused = say("resume", "--json")

    assert refused.code is ExitCode.INPUT
    assert "run TABLE" in refused.document["error"]["message"]
    assert (say("status", "--json").document["state"], len(local.contacts)) == ("paused", held)
    # Settings that say nothing of it leave it as it is, and a run gives it theirs.
    say("run", "customers.csv")
    assert say("resume", "--json").code is not ExitCode.INPUT


def test_a_stop_asks_first_and_is_refused_where_nobody_can_be_asked(say: Say) -> None:
    say("run", "customers.csv")
    refused = say("stop", "--json")

    assert (refused.code, refused.document["outcome"]) == (ExitCode.DECLINED, "declined")
    assert "--yes" in refused.err
    assert say("status", "--json").document["state"] == "running"
    assert say("stop", "scores", "--yes").code is ExitCode.DONE
    assert say("status", "scores", "--json").document["state"] == "stopped"
    missing = say("stop", "scorse", "--yes")
    assert (missing.code, "scores" in missing.err) == (ExitCode.INPUT, True)


def test_what_people_said_is_collected(say: Say) -> None:
    say("run", "customers.csv")
    told = say("collect", "--save-to", "out", "--json")

    assert told.code is ExitCode.LOOK
    assert told.document["summary"]["transcripts_awaited"] == 0
    assert len(pd.read_csv("out/messages.csv")) > 0


def test_customers_are_withdrawn_from_a_pipe_or_a_file(say: Say, local: LocalConnect) -> None:
    say("run", "customers.csv")
    say("pause")
    Path("more.csv").write_text("customer_id,name,score\n0003,Dana,7\n0004,Emre,7\n")
    say("run", "more.csv")

    assert say("withdraw", "-", pipe="0003\n").code is ExitCode.DECLINED
    assert say("withdraw", "-", "--yes", pipe="0003\n").code is ExitCode.DONE
    # Contacted already: somebody is to look.
    told = say("withdraw", "more.csv", "--yes", "--json")
    assert (told.code, told.document["withdrawn"]) == (ExitCode.LOOK, 1)
    say("resume")
    assert {str(one.customer_id) for one in local.contacts} == {"0000", "0002"}
    assert "does not know '0009'" in say("withdraw", "-", "--yes", pipe="0009").err


def test_customers_are_forgotten_in_every_campaign_unless_one_is_named(
    say: Say, local: LocalConnect
) -> None:
    say("run", "customers.csv")
    say("run", "customers.csv", "--campaign", "second")

    assert say("forget", "-", pipe="0000").code is ExitCode.DECLINED
    one = say("forget", "-", "--yes", "--campaign", "second", "--json", pipe="0000")
    assert (one.code, one.document["contacts"]) == (ExitCode.DONE, 1)
    rest = say("forget", "-", "--yes", "--json", pipe="0000\n0002\n")
    assert rest.document["contacts"] == 3
    # That they were contacted stays, and nothing of what they said.
    say("run", "customers.csv", "--save-to", "out")
    assert ids_in("out/messages.csv") == []
    assert len(local.contacts) == 4


def test_all_of_a_campaign_are_forgotten_where_it_is_named(say: Say) -> None:
    say("run", "customers.csv")

    assert say("forget", "--everybody", "--yes").code is ExitCode.INPUT
    told = say("forget", "--everybody", "--yes", "--campaign", "scores", "--json")
    assert told.document["contacts"] == 2
    assert say("forget", "-", "--yes", "--campaign", "none", pipe="1").code is ExitCode.INPUT


def test_who_is_suppressed_is_not_contacted_and_taking_off_asks(
    say: Say, local: LocalConnect
) -> None:
    added = say("suppress", "-", "--json", pipe="0002\n")
    say("run", "customers.csv")

    assert added.document["added"] == 1
    assert [str(one.customer_id) for one in local.contacts] == ["0000"]
    assert say("suppress", "-", "--take-off", pipe="0002\n").code is ExitCode.DECLINED
    off = say("suppress", "-", "--take-off", "--yes", "--json", pipe="0002\n")
    assert off.document["removed"] == 1


@pytest.mark.parametrize("command", ["withdraw", "forget", "suppress"])
def test_an_id_is_no_argument(say: Say, command: str) -> None:
    told = say(command, "4711", "--yes", "--json")

    assert told.code is ExitCode.INPUT
    assert "4711" not in told.out + told.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("run", "missing.csv"), ExitCode.INPUT),
        (("run", "customers.csv", "--set", "template.display_name={{ nmae }}"), ExitCode.INPUT),
        (("run", "customers.csv", "--set", "instance.contact_flow_id=none"), ExitCode.HALTED),
        (("run", "customers.csv", "--ledger", "sqlite:////proc/none/l.db"), ExitCode.LEDGER),
        (("run", "customers.csv", "--ledger", "no-url"), ExitCode.INPUT),
        (("status",), ExitCode.INPUT),
        (("collect",), ExitCode.INPUT),
        (("run", "customers.csv", "--config", "missing.toml"), ExitCode.INPUT),
        (("run", "customers.csv", "--ledger", "postgresql://a:b@host/l"), ExitCode.INPUT),
    ],
)
def test_what_cannot_be_done_ends_with_its_code_and_a_sentence(
    say: Say, words: tuple[str, ...], code: ExitCode
) -> None:
    told = say(*words, "--json")

    assert told.code is code
    assert told.document["error"]["message"]
    assert "Traceback" not in told.err
    assert "Ada" not in told.out + told.err


def test_a_prefect_server_that_does_not_answer_is_told_with_what_to_do(
    say: Say, local: LocalConnect
) -> None:
    told = say("run", "customers.csv", "--set", "campaign.prefect=true", "--json")

    assert told.code is ExitCode.HALTED
    assert "--no-prefect" in told.document["error"]["message"]
    assert local.contacts == []


def test_settings_from_another_folder_are_of_the_same_ledger(
    say: Say, local: LocalConnect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say("run", "customers.csv")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    told = say("run", "../customers.csv", "-c", "../connect-tasks.toml", "--json")

    assert (told.document["summary"]["completed"], len(local.contacts)) == (2, 2)
    assert list(Path().iterdir()) == []


def test_another_campaigns_tables_are_not_written_over_those_of_the_settings(say: Say) -> None:
    file = Path("connect-tasks.toml")
    file.write_text(file.read_text().replace("prefect =", 'save_to = "out"\nprefect ='))
    say("run", "customers.csv")
    say("run", "customers.csv", "--campaign", "second", "--save-to", "second")
    Path("out/contacts.csv").write_text("as it was")

    for command in (("collect", "second"), ("resume", "second")):
        told = say(*command, "--json")
        assert told.document["saved_to"] is None
        assert "Nothing is saved" in told.err
    assert (
        say("run", "customers.csv", "--campaign", "second", "--json").document["saved_to"] is None
    )
    assert Path("out/contacts.csv").read_text() == "as it was"
    kept = say("collect", "second", "--set", "campaign.save_to=there", "--json")
    assert kept.document["saved_to"] == "there"
    assert say("collect", "scores", "--json").document["saved_to"] == "out"


@pytest.mark.parametrize(
    "words",
    [
        ("suppress", "-"),
        ("suppress", "-", "--take-off", "--yes"),
        ("serve",),
        ("campaigns",),
        ("check",),
        ("regression", "cases.csv", "--flow", "flow.json"),
    ],
)
@pytest.mark.parametrize("said", [("--campaign", "x"), ("--set", "campaign.name=x")])
def test_a_campaign_is_not_named_where_more_than_one_is_meant(
    say: Say, words: tuple[str, ...], said: tuple[str, str]
) -> None:
    told = say(*words, *said, "--json", pipe="0000\n")

    assert told.code is ExitCode.INPUT
    assert "about more than campaign 'x'" in told.document["error"]["message"]


def test_who_is_forgotten_is_forgotten_in_the_campaign_that_was_typed_however(say: Say) -> None:
    say("run", "customers.csv")
    say("run", "customers.csv", "--campaign", "second")
    told = say("forget", "-", "--yes", "--set", "campaign.name=second", "--json", pipe="0000")

    assert told.document["contacts"] == 1


@pytest.mark.parametrize("ids", ["0000\n9999\n", "9999\n0000\n"])
def test_what_was_forgotten_is_overwritten_whoever_was_named_last(say: Say, ids: str) -> None:
    say("run", "customers.csv")
    told = say("forget", "-", "--yes", "--json", pipe=ids)

    assert (told.code, told.document["not_forgotten"]) == (ExitCode.LOOK, 1)
    assert told.document["overwritten"] is True


@pytest.mark.parametrize(
    ("words", "numbered"),
    [(("run", "customers.csv"), True), (("resume",), False), (("collect",), False)],
)
def test_only_a_table_that_was_run_has_rows_by_number(
    say: Say, words: tuple[str, ...], *, numbered: bool
) -> None:
    say("run", "customers.csv")
    told = say(*words)

    assert "'name' is empty" in told.out
    assert ("by row of the table" in told.out, "  row  " in told.out) == (numbered, numbered)


def test_why_a_row_was_refused_is_told_without_what_stands_in_it(say: Say) -> None:
    Path("customers.csv").write_text(f"customer_id,name,score\n0000,{'SECRET ' * 40},9\n")

    told = say("run", "customers.csv")

    assert re.search(r"0 +0000 +participant_details.display_name: ", told.out)
    assert "SECRET" not in told.out + told.err


def test_a_flows_limits_hold_without_prefect(say: Say) -> None:
    say("run", "customers.csv")
    told = say("collect", "--give-up-after-days", "0", "--json")

    assert told.code is ExitCode.INPUT
    assert "give_up_after_days" in told.document["error"]["message"]


@pytest.mark.parametrize(
    ("setting", "word"),
    [("policy.block=eu", "eu"), ("instance.start_limit=shared", "shared")],
)
@pytest.mark.parametrize("command", [("run", "customers.csv"), ("resume",)])
def test_what_only_prefect_knows_is_refused_without_it(
    say: Say, setting: str, word: str, command: tuple[str, ...]
) -> None:
    told = say(*command, "--set", setting, "--json")

    assert told.code is ExitCode.INPUT
    assert f"{word!r}" in told.document["error"]["message"]
    assert "Without Prefect" in told.document["error"]["message"]


def test_a_hand_over_that_is_typed_puts_the_conversation_aside(say: Say) -> None:
    told = say(
        "dry-run", "customers.csv", "--hand-over", "tests.functional.test_command_line:given"
    )

    assert told.code is ExitCode.LOOK
    assert "[conversation] of the settings is put aside" in told.err


def given(chat: object) -> None:
    """Take a chat, and do nothing with it."""


@pytest.mark.parametrize("command", ["withdraw", "forget", "suppress"])
@pytest.mark.parametrize("word", ["--reasn", "-4711", "--customer=4711"])
def test_a_mistyped_option_is_no_customer(say: Say, command: str, word: str) -> None:
    told = say(command, word, "ids.csv", "--yes", "--json")

    assert told.code is ExitCode.INPUT
    assert "is an option" in told.document["error"]["message"]
    # It may be a customer's id after all.
    assert word not in told.out + told.err


@pytest.mark.parametrize("command", [("check",), ("resume",)])
def test_a_saved_block_that_no_server_can_give_is_told_with_what_to_do(
    say: Say, command: tuple[str, ...]
) -> None:
    file = Path("connect-tasks.toml")
    say("run", "customers.csv")
    saved = '[instance]\nblock = "production"\n' if command == ("check",) else ""
    text = file.read_text().replace("prefect = false", "prefect = true")
    begin, rest = text.split("[instance]", 1)
    instance = saved or f"[instance]{rest.partition('[template]')[0]}"
    file.write_text(f'{begin}{instance}[policy]\nblock = "evenings"\n')
    told = say(*command, "--json")

    assert told.code is ExitCode.HALTED
    assert "--no-prefect" in told.document["error"]["message"]


def test_links_are_served_until_somebody_ends_it(
    say: Say, local: LocalConnect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECT_TASKS_INVITATION_KEYS", KEY)
    flags = ("--base-url", "https://chat.example.com", "--campaign", "by-link")
    say("invite", "customers.csv", "--save-to", "out", *flags)
    link = pd.read_csv("out/invitations.csv")["url"][0].removeprefix("https://chat.example.com")
    words = [sys.executable, "-m", "connect_tasks.command_line", "serve", "--port", "0"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        said = process.stderr.readline()
        try:
            url = re.search(r"http://127\.0\.0\.1:\d+", said)
            assert url, said
            page = httpx.get(url[0] + link, timeout=60)
        finally:
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate()

    assert (page.status_code, process.returncode) == (200, 0)
    assert "text/html" in page.headers["content-type"]
    assert out == "Ended; chats that are open go on.\n"
    assert local.contacts == []


# --- writing to phones ---

PHONES = "customer_id,phone\n0000,+4915112345670\n0001,0151 1\n0002,+4915112345672\n"
TEXT_OUT = """
[text_out]
source_endpoint = "arn:aws:connect:us-east-1:123456789012:phone-number/p-1"
initial_system_message = "Hello {{ customer_id }}"
"""


@pytest.fixture
def phones(say: Say, tmp_path: Path) -> Path:  # noqa: ARG001 - it has written the settings
    """The settings say what is written to whom."""
    settings = tmp_path / "connect-tasks.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + TEXT_OUT, encoding="utf-8")
    table = tmp_path / "phones.csv"
    table.write_text(PHONES, encoding="utf-8")
    return table


def test_text_out_writes_to_each_phone_once(say: Say, local: LocalConnect, phones: Path) -> None:
    first = say("text-out", str(phones), "--no-policy", "--json")
    again = say("text-out", str(phones), "--no-policy", "--json")

    numbers = sorted(str(contact.phone_number) for contact in local.contacts)
    assert numbers == ["+4915112345670", "+4915112345672"]
    assert first.document["summary"]["started"] == 2
    assert (first.code, again.code) == (ExitCode.LOOK, ExitCode.LOOK)


def test_text_out_without_a_policy_has_to_be_told_so(
    say: Say, local: LocalConnect, phones: Path
) -> None:
    said = say("text-out", str(phones), "--json")

    assert said.code == ExitCode.INPUT
    assert "--no-policy" in said.out
    assert local.calls.total() == 0


def test_text_out_says_what_the_settings_lack(say: Say, local: LocalConnect) -> None:
    said = say("text-out", "customers.csv", "--no-policy", "--json")

    assert "[text_out]" in said.out
    assert local.calls.total() == 0


def test_a_dry_run_of_text_out_only_tells(say: Say, local: LocalConnect, phones: Path) -> None:
    said = say("text-out", str(phones), "--no-policy", "--dry-run")

    assert "2 messages" in said.out
    assert local.calls.total() == 0
