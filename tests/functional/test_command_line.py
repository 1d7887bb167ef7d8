"""The command line at a local Amazon Connect: each command in this process, and what it prints."""

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
    told = say("invite", "customers.csv", "--base-url", "https://chat.example.com", "--json")

    assert told.code is ExitCode.INPUT
    assert "CONNECT_TASKS_INVITATION_KEYS" in told.document["error"]["message"]
    assert "--base-url" in say("invite", "customers.csv", "--campaign", "x").err


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

    Path("more.csv").write_text("customer_id,name,score\n0003,Dana,7\n")
    assert say("pause").code is ExitCode.DONE
    held = say("run", "more.csv", "--json")
    assert (held.code, held.document["state"]) == (ExitCode.NOT_YET, "paused")
    assert len(local.contacts) == 2
    gone_on = say("resume", "--save-to", "out")
    # What was refused was of the table before.
    assert (gone_on.code, len(local.contacts)) == (ExitCode.DONE, 3)
    assert "0003" in ids_in("out/contacts.csv")


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
