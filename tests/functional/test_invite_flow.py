"""`invite` and `revoke` on a real Prefect server, and what refuses to speak as the invited."""

import csv
import inspect
import pickle
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from prefect.settings import PREFECT_RESULTS_PERSIST_BY_DEFAULT, temporary_settings
from prefect.utilities.callables import parameter_schema
from pydantic import SecretStr, TypeAdapter

from connect_tasks import ChatTemplate, Conversation, Quotas
from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.campaign.forecast import Forecast
from connect_tasks.campaign.inviting import DEFAULT_EXPIRY
from connect_tasks.campaign.links import KEYS_VARIABLE, InvitationKeys, link_url
from connect_tasks.emulator import LocalConnect
from connect_tasks.errors import InputError
from connect_tasks.flows import manage
from connect_tasks.flows.forget import forget
from connect_tasks.flows.invite import invite, revoke
from connect_tasks.flows.outreach import outreach
from connect_tasks.flows.workers import campaign_worker
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.store import Ledger
from connect_tasks.tasks import issue_invitations, preview, start_chats, validate_customers

pytestmark = pytest.mark.usefixtures("prefect_home")

KEY = "Hx0kJ2mQ7vLr5TnWc8YpZd3Fb6Gs9Ae1"
BASE = "https://chat.example.com/c"
TALK = Conversation(settle_seconds=0, messages=("9",), max_replies=1)


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEYS_VARIABLE, KEY)


def table(count: int = 4) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [f"{number:04}" for number in range(count)],
            "display_name": [f"Zebulon {number}" for number in range(count)],
        },
        index=[f"line {number}" for number in range(count)],
    )


def token(customer: str, campaign: str = "by-link") -> str:
    return InvitationKeys(KEY).token(campaign, customer)


def link(customer: str, campaign: str = "by-link") -> str:
    return link_url(BASE, token(customer, campaign))


def sent(folder: Path) -> list[dict[str, str]]:
    with (folder / "invitations.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def of_contacts(ledger: str, column: str) -> list[Any]:
    with closing(sqlite3.connect(ledger.removeprefix("sqlite:///"))) as database:
        query = f"SELECT {column} FROM contacts ORDER BY id"  # noqa: S608 - our own column
        return [row[0] for row in database.execute(query)]


@pytest.fixture(name="call")
def _call(local: LocalConnect, ledger: str) -> Callable[..., Any]:
    def call(customers: Any, **options: Any) -> Any:
        usual = {"campaign": "by-link", "connect": local.instance(), "base_url": BASE}
        return invite(customers, **{**usual, "ledger": ledger, **options})

    return call


# --- what comes out ---


def test_a_table_goes_in_and_one_link_for_each_valid_row_comes_out(
    local: LocalConnect, call: Callable[..., Any], tmp_path: Path
) -> None:
    customers = table()
    customers.loc["line 1", "display_name"] = None
    customers.loc["line 3", "customer_id"] = "0000"

    result = call(customers, save_to=str(tmp_path / "out"))

    assert [row["customer_id"] for row in sent(tmp_path / "out")] == ["0000", "0002"]
    assert [row["url"] for row in sent(tmp_path / "out")] == [link("0000"), link("0002")]
    assert dict(zip(result.invitations["customer_id"], result.invitations["url"], strict=True)) == {
        "0000": link("0000"),
        "0002": link("0002"),
    }
    assert list(result.contacts.index) == ["line 0", "line 1", "line 2", "line 3"]
    assert list(result.contacts["status"]) == ["planned", "rejected", "planned", "duplicate"]
    assert local.contacts == []


def test_a_second_run_gives_the_same_links_and_new_ones_for_new_rows(
    local: LocalConnect, call: Callable[..., Any], tmp_path: Path
) -> None:
    call(table(2), save_to=str(tmp_path / "first"))
    call(table(2), save_to=str(tmp_path / "second"))
    call(table(3), save_to=str(tmp_path / "third"))

    first, second, third = (sent(tmp_path / name) for name in ("first", "second", "third"))
    assert first == second == third[:2]
    assert third[2]["url"] == link("0002")
    assert local.contacts == []


def test_the_file_for_senders_says_until_when_in_a_form_that_they_take(
    call: Callable[..., Any], tmp_path: Path
) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    call(table(1), save_to=str(tmp_path), expires_after=timedelta(days=7))

    (row,) = sent(tmp_path)
    assert list(row) == ["customer_id", "url", "not_before", "not_after", "expires_at"]
    first, last, end = (
        datetime.strptime(row[name], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        for name in ("not_before", "not_after", "expires_at")
    )
    assert before <= first <= datetime.now(UTC)
    assert last == end == first + timedelta(days=7)


@pytest.mark.parametrize("odd", ["=1+1", "+49 170 1234567", "@ada", "-5", 'a"b', "a,b", "Zoë"])
def test_a_sender_is_given_each_id_exactly_as_the_table_has_it(
    call: Callable[..., Any], tmp_path: Path, odd: str
) -> None:
    call(pd.DataFrame({"customer_id": [odd], "display_name": ["Ada"]}), save_to=str(tmp_path))

    assert sent(tmp_path)[0]["customer_id"] == odd
    assert (tmp_path / "invitations.csv").read_bytes().startswith(b"customer_id,")


def test_the_file_for_senders_is_for_its_owners_eyes(
    call: Callable[..., Any], tmp_path: Path
) -> None:
    call(table(1), save_to=str(tmp_path / "out"))

    assert (tmp_path / "out" / "invitations.csv").stat().st_mode & 0o077 == 0


def test_who_was_revoked_forgotten_or_taken_out_is_not_in_the_file_any_more(
    call: Callable[..., Any], ledger: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    call(table(5))
    assert revoke("by-link", ["0000"], ledger) == 1
    assert revoke("by-link", ["0000"], ledger) == 0
    forget(SecretStr("0001"), ledger=ledger)
    manage.withdraw("by-link", ["0002"], ledger=ledger)
    customers = table(5)
    customers.loc["line 3", "display_name"] = None

    call(customers, save_to=str(tmp_path))

    assert [row["customer_id"] for row in sent(tmp_path)] == ["0004"]
    assert (
        "1 link works: 1 as before; 1 revoked, and stay so; 1 without a link, as they were taken "
        "out of the campaign; 1 without a link, as they were forgotten" in caplog.text
    )
    assert "1 customers were planned and are refused now: their links open nothing" in caplog.text


def test_who_is_not_in_the_table_any_more_keeps_a_link_which_is_said(
    call: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    call(table(3))
    call(table(1))

    assert (
        "2 customers wait in the campaign and are not in this table: their links stay as they "
        "are; `revoke` or `withdraw` ends them" in caplog.text
    )


# --- what is refused, before anything is written ---


def test_without_keys_nothing_is_planned(
    call: Callable[..., Any], ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEYS_VARIABLE)

    for dry_run in (True, False):
        with pytest.raises(InputError, match=f"set {KEYS_VARIABLE}.*token_urlsafe"):
            call(table(), dry_run=dry_run)
    assert not Path(ledger.removeprefix("sqlite:///")).exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"base_url": "http://chat.example.com"}, "write https"),
        ({"base_url": ""}, "base_url"),
        ({"expires_after": 30}, "expires_after is 0:00:30"),
        ({"expires_after": "P2Y"}, "expires_after is 730 days"),
        ({"expires_after": "soon"}, "expires_after"),
        ({"campaign": " "}, "needs a name"),
        ({"template": ChatTemplate(chat_duration_in_minutes=1441)}, "may be at most 1,440 here"),
        ({"template": ChatTemplate(chat_duration_in_minutes="2000")}, "may be at most 1,440 here"),
    ],
    ids=str,
)
def test_what_no_link_can_be_made_with_is_refused_and_no_link_is_made(
    call: Callable[..., Any], ledger: str, wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        call(table(), **wrong)
    if Path(ledger.removeprefix("sqlite:///")).exists():
        with Ledger(ledger) as opened:
            assert list(opened.campaigns()) == []


def test_a_dry_run_says_what_would_come_and_writes_nothing(
    call: Callable[..., Any], local: LocalConnect, ledger: str
) -> None:
    quotas = Quotas(starts_per_second=1, start_burst=1, open_chats=2)

    expected = call(table(31), dry_run=True, connect=local.instance(quotas=quotas))

    assert isinstance(expected, Forecast)
    assert (
        expected.summary
        == "31 links; opened all at once, the last would wait about 30 s (1 starts per second)"
    )
    assert "at most 2 can chat at the same time: send the links in waves" in str(expected)
    assert "send the links in waves" in expected._repr_html_()
    assert expected.calls == {"StartChatContact": 31}
    assert not Path(ledger.removeprefix("sqlite:///")).exists()


# --- how long a chat lasts ---


def test_a_chat_lasts_four_hours_where_its_row_says_nothing_and_no_longer_than_its_token(
    call: Callable[..., Any], ledger: str
) -> None:
    customers = table(4).assign(chat_duration_in_minutes=["60", "1440", "1441", ""])

    result = call(customers)

    requests = of_contacts(ledger, "json_extract(request, '$.ChatDurationInMinutes')")
    assert requests == [60, 1440, 240]
    refused = result.contacts.loc["line 2"]
    assert refused["status"] == "rejected"
    assert refused["error_message"].startswith(
        "chat_duration_in_minutes = 1441: may be at most 1,440 here: so long a reload"
    )


def test_where_tokens_are_valid_for_less_a_chat_lasts_less(
    call: Callable[..., Any], local: LocalConnect, ledger: str
) -> None:
    short = local.instance(quotas=Quotas(token_validity=timedelta(hours=2)))
    shorter = local.instance(quotas=Quotas(token_validity=timedelta(minutes=59)))

    call(table(1), connect=short)
    with pytest.raises(InputError, match="at most 120 here"):
        call(table(1), connect=short, template=ChatTemplate(chat_duration_in_minutes=121))
    with pytest.raises(InputError, match="token_validity is 0:59:00"):
        call(table(1), connect=shorter)

    assert of_contacts(ledger, "json_extract(request, '$.ChatDurationInMinutes')") == [120]


def test_elsewhere_the_length_of_a_chat_is_amazons(local: LocalConnect, ledger: str) -> None:
    long = ChatTemplate(chat_duration_in_minutes=10_080)
    for name, template in (("long", long), ("usual", ChatTemplate())):
        validate_customers.fn(
            table(1), template, campaign=name, connect=local.instance(), ledger=ledger
        )

    wanted = [10_080, None]
    assert of_contacts(ledger, "json_extract(request, '$.ChatDurationInMinutes')") == wanted


def test_an_initial_message_is_said_to_be_the_customers_own(
    call: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    call(table(1))
    assert "initial message" not in caplog.text

    call(table(1), campaign="opens", template=ChatTemplate(initial_message="Hi"))

    assert "shows as the customer's own first words" in caplog.text


# --- one way is not another's ---


@pytest.fixture(name="invited")
def _invited(call: Callable[..., Any]) -> None:
    call(table(2))


def never_speaks(local: LocalConnect, ledger: str) -> list[Callable[[], Any]]:
    connect: AmazonConnectInstance = local.instance()
    others = table(3)
    others["display_name"] = "Somebody else"
    return [
        lambda: outreach(others, campaign="by-link", connect=connect, ledger=ledger),
        lambda: outreach(others, campaign=" by-link ", connect=connect, ledger=ledger),
        lambda: outreach(others, campaign="by-link", connect=connect, ledger=ledger, dry_run=True),
        lambda: outreach(others, campaign="by-link", connect=connect, ledger=ledger, workers=2),
        lambda: validate_customers.fn(others, campaign="by-link", connect=connect, ledger=ledger),
        lambda: validate_customers.fn(
            others,
            campaign="by-link",
            connect=connect,
            ledger=ledger,
            mode=CampaignMode.HAND_OVER,
        ),
        lambda: preview.fn(others, None, connect, TALK, campaign="by-link", ledger=ledger),
        lambda: start_chats.fn("by-link", connect=connect, ledger=ledger),
        lambda: start_chats.fn("by-link", connect=connect, ledger=ledger, conversation=TALK),
    ]


@pytest.mark.usefixtures("invited")
@pytest.mark.parametrize("number", range(9))
def test_no_run_speaks_as_people_who_were_invited(
    local: LocalConnect, ledger: str, number: int
) -> None:
    before = of_contacts(ledger, "request || status || coalesce(table_id, '')")

    with pytest.raises(InputError, match="is run by invitation"):
        never_speaks(local, ledger)[number]()

    assert of_contacts(ledger, "request || status || coalesce(table_id, '')") == before
    assert local.contacts == []


@pytest.mark.usefixtures("invited")
def test_a_worker_does_not_speak_as_people_who_were_invited(
    local: LocalConnect, ledger: str
) -> None:
    local.instance().save("by-link-worker", overwrite=True, _sync=True)

    with pytest.raises(InputError, match="is run by invitation"):
        campaign_worker("by-link", connect="by-link-worker", ledger=ledger)

    assert local.contacts == []
    assert set(of_contacts(ledger, "status")) == {"planned"}


@pytest.mark.usefixtures("invited")
@pytest.mark.parametrize("halt", [manage.pause, manage.stop])
def test_an_invitation_that_is_resumed_starts_nothing_and_says_so(
    local: LocalConnect, ledger: str, caplog: pytest.LogCaptureFixture, halt: Any
) -> None:
    halt("by-link", ledger)

    result = manage.resume(" by-link", local.instance(), ledger)

    assert "its links work again, and nothing was started" in caplog.text
    assert manage.status("by-link", ledger)["state"] == "running"
    assert list(result.contacts["status"]) == ["planned", "planned"]
    assert local.contacts == []


@pytest.mark.usefixtures("invited")
@pytest.mark.parametrize(
    ("halt", "sentence"),
    [(manage.pause, "ask for a moment's patience"), (manage.stop, "open nothing until")],
)
def test_links_of_a_campaign_that_was_halted_are_issued_with_a_word_about_it(
    call: Callable[..., Any],
    ledger: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    halt: Any,
    sentence: str,
) -> None:
    assert sentence not in caplog.text
    halt("by-link", ledger)

    call(table(3), save_to=str(tmp_path))

    assert sentence in caplog.text
    assert len(sent(tmp_path)) == 3


def test_a_campaign_in_which_our_side_speaks_invites_nobody(
    call: Callable[..., Any], local: LocalConnect, ledger: str
) -> None:
    outreach(table(1), campaign="by-link", connect=local.instance(), ledger=ledger)

    for dry_run in (True, False):
        with pytest.raises(InputError, match="is a simulation"):
            call(table(2), dry_run=dry_run)
    with pytest.raises(InputError, match="is a simulation"):
        revoke("by-link", ["0000"], ledger)

    assert len(of_contacts(ledger, "id")) == 1


def test_a_ledgers_list_says_how_each_campaign_is_run(
    call: Callable[..., Any], local: LocalConnect, ledger: str
) -> None:
    call(table(1))
    outreach(table(1), campaign="spoken", connect=local.instance(), ledger=ledger)

    listed = manage.campaigns(ledger).set_index("campaign")["mode"]

    assert listed.to_dict() == {"by-link": "invitation", "spoken": "simulation"}


# --- nothing that opens a chat is anywhere else ---


def test_no_link_is_in_prefects_database_its_results_or_any_log(
    call: Callable[..., Any],
    ledger: str,
    prefect_home: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PREFECT_LOCAL_STORAGE_PATH", str(tmp_path / "results"))
    with temporary_settings({PREFECT_RESULTS_PERSIST_BY_DEFAULT: True}):
        result = call(table(3), campaign="secret-links", save_to=str(tmp_path / "out"))
        revoke("secret-links", ["0001"], ledger)
    assert len(result.invitations) == 3

    tokens = [token(f"{number:04}", "secret-links").encode() for number in range(3)]
    assert tokens[0] in (tmp_path / "out" / "invitations.csv").read_bytes()
    said = capfd.readouterr()
    texts = [caplog.text, said.out, said.err, repr(result), result._repr_html_(), result.report()]
    kept = [path for path in prefect_home.rglob("*") if path.is_file()]
    kept += [path for path in tmp_path.rglob("*") if path.is_file()]
    kept = [path for path in kept if path.name != "invitations.csv"]
    everything = [path.read_bytes() for path in kept] + [text.encode() for text in texts]
    everything.append(pickle.dumps(result))
    assert any(b"secret-links" in content for content in everything)
    for secret in (*tokens, KEY.encode()):
        assert [content for content in everything if secret in content] == []


def test_ids_are_told_to_prefect_only_where_they_may(
    call: Callable[..., Any],
    ledger: str,
    prefect_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONNECT_TASKS_IDS_IN_PREFECT", "no")
    customers = table(2).replace({"0000": "known-id-7", "0001": "known-id-8"})
    call(customers, campaign="quiet")

    with pytest.raises(InputError, match="does not know 1 of these") as caught:
        revoke("quiet", ["known-id-7", "lost-id-9"], ledger)
    revoke("quiet", ["known-id-7"], ledger)

    assert "lost-id-9" not in str(caught.value)
    files = [path.read_bytes() for path in prefect_home.rglob("*") if path.is_file()]
    assert any(b"quiet" in content for content in files)
    for name in (b"known-id-7", b"lost-id-9"):
        assert [content for content in files if name in content] == []


# --- Prefect's form ---


@pytest.mark.parametrize("flow", [invite, revoke])
def test_the_form_explains_every_field_and_asks_for_no_secret(flow: Any) -> None:
    fields = parameter_schema(flow).properties

    assert [name for name, field in fields.items() if not field.get("description")] == []
    assert not any("key" in name for name in fields)


def test_the_forms_own_defaults_are_what_python_has(call: Callable[..., Any]) -> None:
    field = parameter_schema(invite).properties["expires_after"]

    assert field["type"] == "string"
    assert TypeAdapter(timedelta).validate_python(field["default"]) == DEFAULT_EXPIRY
    result = call(table(1), expires_after=field["default"])
    (row,) = result.invitations.to_dict("records")
    assert row["expires_at"] - row["issued_at"] == DEFAULT_EXPIRY


def test_the_task_can_be_used_in_a_flow_of_ones_own_and_without_prefect(
    local: LocalConnect, ledger: str, tmp_path: Path
) -> None:
    plan = validate_customers.fn(
        table(2),
        campaign="by-link",
        connect=local.instance(),
        ledger=ledger,
        mode=CampaignMode.INVITATION,
    )

    invited = issue_invitations.fn(plan, base_url=BASE, ledger=ledger, save_to=str(tmp_path))

    assert invited.working == 2
    assert [row["url"] for row in sent(tmp_path)] == [link("0000"), link("0001")]
    assert "campaign" not in inspect.signature(issue_invitations.fn).parameters
