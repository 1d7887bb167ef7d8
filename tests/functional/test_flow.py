"""The flow and the tasks on a real Prefect server and a local Amazon Connect."""

import asyncio
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from prefect import flow, unmapped
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import ArtifactSort, FlowRunSort
from prefect_aws import AwsCredentials
from pydantic import SecretStr

from connect_tasks import ChatTemplate, Conversation, StartChatContactRequest
from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.campaign.forecast import Forecast
from connect_tasks.emulator import Fault, FaultKind, LocalConnect, LocalQuotas
from connect_tasks.errors import CampaignHaltedError, InputError, LedgerError
from connect_tasks.flows.manage import resume, status
from connect_tasks.flows.outreach import outreach
from connect_tasks.tasks import (
    collect_responses,
    preview,
    start_chat,
    start_chats,
    stop_chat,
    validate_customers,
)
from tests.functional.world import always

pytestmark = pytest.mark.usefixtures("prefect_home")

SURVEY = Conversation(settle_seconds=0, messages=("{{ score }}",), reply_timeout_seconds=5)


def table(count: int = 4) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [f"{number:04}" for number in range(count)],
            "display_name": [f"Zebulon {number}" for number in range(count)],
            "score": range(count),
        },
        index=[f"line {number}" for number in range(count)],
    )


@pytest.fixture
def ledgers_opened() -> Iterator[list[str]]:
    """The files of the ledgers that were opened, one entry for each time."""
    opened: list[str] = []

    def remember(connection: Any, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            file = connection.execute("PRAGMA database_list").fetchone()[2]
            opened.extend([file] if file.endswith("ledger.db") else [])

    sa.event.listen(sa.pool.Pool, "first_connect", remember)
    yield opened
    sa.event.remove(sa.pool.Pool, "first_connect", remember)


def test_a_dataframe_goes_in_and_the_answers_come_out_row_by_row(
    local: LocalConnect, ledger: str
) -> None:
    customers = table()
    customers.loc["line 1", "display_name"] = None
    customers.loc["line 3", "customer_id"] = "0000"
    untouched = customers.copy()

    result = outreach(
        customers, campaign="a", connect=local.instance(), conversation=SURVEY, ledger=ledger
    )

    assert list(result.contacts.index) == ["line 0", "line 1", "line 2", "line 3"]
    assert list(result.contacts["status"]) == ["completed", "rejected", "completed", "duplicate"]
    assert "'display_name' is empty" in str(result.contacts.loc["line 1", "error_message"])
    said = result.messages.query("participant_role == 'CUSTOMER' and type == 'MESSAGE'")
    assert list(said["content"]) == ["0", "2"]
    assert {contact.customer_id for contact in local.contacts} == {"0000", "0002"}
    pd.testing.assert_frame_equal(customers, untouched)


def test_a_second_run_returns_the_same_tables_and_contacts_nobody(
    local: LocalConnect, ledger: str
) -> None:
    def run() -> Any:
        return outreach(
            table(), campaign="a", connect=local.instance(), conversation=SURVEY, ledger=ledger
        )

    first, second = run(), run()

    pd.testing.assert_frame_equal(first.contacts, second.contacts)
    pd.testing.assert_frame_equal(first.messages, second.messages)
    assert first.summary == second.summary
    assert len(local.contacts) == 4


def test_a_flow_run_opens_its_ledger_once(
    local: LocalConnect, ledger: str, tmp_path: Path, ledgers_opened: list[str]
) -> None:
    outreach(table(), campaign="a", connect=local.instance(), ledger=ledger)
    first = list(ledgers_opened)
    resume("a", connect=local.instance(), ledger=ledger, save_to=str(tmp_path / "out"))
    second = ledgers_opened[len(first) :]
    status("a", ledger=ledger)
    third = ledgers_opened[len(first) + len(second) :]

    assert [len(first), len(second), len(third)] == [1, 1, 1]


def test_no_customer_reaches_prefects_database(
    local: LocalConnect, ledger: str, prefect_home: Path
) -> None:
    large = table(6_000).assign(note="x" * 100)
    outreach.with_options(name="renamed")(
        large.tail(5), campaign="a", connect=local.instance(), conversation=SURVEY, ledger=ledger
    )
    with pytest.raises(InputError):
        outreach(
            large.drop(columns="customer_id"),
            campaign="b",
            connect=local.instance(),
            ledger=ledger,
        )

    files = [path for path in prefect_home.rglob("*") if path.is_file()]
    assert any(b"renamed" in path.read_bytes() for path in files)
    assert [path for path in files if b"Zebulon" in path.read_bytes()] == []


# Prefect logs all parameters when one of them is wrong, and masks only some secrets of a block.
def test_neither_wrong_parameters_nor_right_ones_show_customers_or_credentials(
    local: LocalConnect,
    ledger: str,
    prefect_home: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    credentials = AwsCredentials(
        aws_access_key_id="local",
        aws_secret_access_key=SecretStr("local"),
        aws_session_token="bearer-of-a-session",
        region_name="us-east-1",
    )
    connect = local.instance().model_copy(update={"aws_credentials": credentials})
    with pytest.raises(InputError, match="campaign"):
        outreach(table(), campaign=["no name"], connect=connect, ledger=ledger)  # type: ignore[call-overload]
    outreach(table(), campaign="a", connect=connect, conversation=SURVEY, ledger=ledger)

    said = capfd.readouterr()
    for text in (caplog.text, said.out, said.err):
        assert "bearer-of-a-session" not in text
        assert "Zebulon" not in text
    files = [path.read_bytes() for path in prefect_home.rglob("*") if path.is_file()]
    assert [content for content in files if b"bearer-of-a-session" in content] == []


def test_what_prefect_records_of_a_table_is_a_summary(local: LocalConnect) -> None:
    recorded = outreach.serialize_parameters(
        {"customers": table(), "campaign": "a", "connect": local.instance()}
    )

    assert recorded["customers"]["rows"] == 4
    assert recorded["customers"]["columns"] == ["customer_id", "display_name", "score"]
    assert set(recorded["customers"]) == {"rows", "columns", "fingerprint"}


def test_the_form_of_a_deployment_asks_for_a_path() -> None:
    schema = outreach.parameters.properties["customers"]

    assert schema["type"] == "string"
    assert "CSV, Parquet" in schema["description"]


def test_a_flow_with_other_options_is_still_one_that_keeps_tables_out() -> None:
    renamed = outreach.with_options(name="renamed", retries=1)

    assert type(renamed) is type(outreach)
    assert (renamed.name, renamed.retries) == ("renamed", 1)


def test_a_csv_file_works_and_ids_keep_their_zeros(
    local: LocalConnect, ledger: str, tmp_path: Path
) -> None:
    path = tmp_path / "customers.csv"
    table(2).to_csv(path, index=False)

    result = outreach(
        str(path), campaign="a", connect=local.instance(), ledger=ledger, conversation=SURVEY
    )

    assert list(result.contacts["customer_id"]) == ["0000", "0001"]


def test_it_runs_inside_a_running_event_loop_as_in_jupyter(
    local: LocalConnect, ledger: str
) -> None:
    async def cell() -> Any:
        return outreach(
            table(2), campaign="a", connect=local.instance(), conversation=SURVEY, ledger=ledger
        )

    result = asyncio.run(cell())

    assert list(result.contacts["status"]) == ["completed", "completed"]


def test_the_run_is_named_after_campaign_and_count(local: LocalConnect, ledger: str) -> None:
    outreach(
        table(3), campaign="names", connect=local.instance(), conversation=SURVEY, ledger=ledger
    )

    with get_client(sync_client=True) as client:
        names = {run.name for run in client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC)}
        artifacts = {
            artifact.key for artifact in client.read_artifacts(sort=ArtifactSort.UPDATED_DESC)
        }
    assert "names · 3 rows" in names
    assert {"names-progress", "names-summary"} <= artifacts


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"customers": "nowhere.csv"}, "nowhere.csv"),
        ({"customers": [{"customer_id": "1"}]}, "customers is a list"),
        ({"customers": pd.DataFrame({"customer_id": []})}, "empty"),
        ({"customers": pd.DataFrame({"name": ["Ada"]})}, "no column 'customer_id'"),
        ({"template": ChatTemplate(display_name="{{ naem }}")}, "'naem'"),
        ({"ledger": "sqlite:////proc/no/ledger.db"}, "cannot be made"),
        ({"ledger": "mysql://localhost/ledger"}, "not supported"),
        ({"campaign": " "}, "needs a name"),
    ],
    ids=[
        "missing file",
        "no table at all",
        "empty table",
        "no customer_id",
        "absent column",
        "unwritable ledger",
        "other database",
        "nameless campaign",
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence_before_anything_is_sent(
    local: LocalConnect, ledger: str, arguments: dict[str, Any], sentence: str
) -> None:
    defaults = {"customers": table(), "ledger": ledger, "campaign": "a"}
    with pytest.raises((InputError, LedgerError), match=sentence):
        outreach(**{**defaults, **arguments}, connect=local.instance())

    assert local.calls == {}


def test_an_unknown_block_is_named_in_the_refusal(ledger: str) -> None:
    with pytest.raises(Exception, match="no Amazon Connect instance saved under the name 'nope'"):
        outreach(table(), campaign="a", connect="nope", ledger=ledger)  # type: ignore[call-overload]


def test_a_saved_block_can_be_named(local: LocalConnect, ledger: str) -> None:
    local.instance().save("the-local-one", overwrite=True)

    result = outreach(  # type: ignore[call-overload]
        table(1),
        campaign="a",
        connect="the-local-one",
        conversation=SURVEY,
        ledger=ledger,
    )

    assert list(result.contacts["status"]) == ["completed"]


def test_a_halted_campaign_fails_the_run_with_what_was_learnt(ledger: str) -> None:
    denied = always("StartChatContact", 403, "AccessDeniedException")
    with (
        LocalConnect(quotas=LocalQuotas.unlimited(), faults=[denied]) as local,
        pytest.raises(CampaignHaltedError, match="AccessDeniedException"),
    ):
        outreach(table(), campaign="a", connect=local.instance(), ledger=ledger)


def test_a_dry_run_tells_what_would_happen_and_does_nothing(
    local: LocalConnect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    customers = table()
    customers.loc["line 1", "display_name"] = None
    nowhere = tmp_path / "folder" / "ledger.db"

    made: Any = outreach(
        customers,
        campaign="a",
        connect=local.instance(),
        conversation=SURVEY,
        ledger=f"sqlite:///{nowhere}",
        dry_run=True,
    )

    assert isinstance(made, Forecast)
    assert (made.rows, made.valid, made.rejected, made.to_contact) == (4, 3, 1, 3)
    assert [sample.messages for sample in made.samples] == [("0",), ("2",), ("3",)]
    assert made.calls["StartChatContact"] == 3
    assert any("3 chats in about" in message for message in caplog.messages)
    assert "Zebulon" not in caplog.text
    assert local.calls == {}
    assert not nowhere.parent.exists()


def test_a_run_tells_the_forecast_first_and_checks_each_row_once(
    local: LocalConnect, ledger: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    outreach(table(2), campaign="a", connect=local.instance(), conversation=SURVEY, ledger=ledger)

    told = [n for n, message in enumerate(caplog.messages) if "2 chats in about" in message]
    settled = [n for n, message in enumerate(caplog.messages) if "2 of 2 settled" in message]
    assert len(told) == 1
    assert told < settled


def test_a_preview_knows_who_was_contacted_and_how_long_chats_took(
    local: LocalConnect, ledger: str
) -> None:
    instance = local.instance()
    outreach(table(2), campaign="a", connect=instance, conversation=SURVEY, ledger=ledger)
    before = collect_responses.fn("a", ledger=ledger)

    made = preview.fn(table(4), None, instance, SURVEY, campaign="a", ledger=ledger)
    elsewhere = preview.fn(table(4), None, instance, SURVEY, campaign="b", ledger=ledger)
    given = preview.fn(table(4), None, instance, ledger=ledger, mean_chat_seconds=7)

    took = before.contacts["ended_at"] - before.contacts["started_at"]
    assert (made.contacted, made.to_contact) == (2, 2)
    assert made.chat_seconds == pytest.approx(took.dt.total_seconds().mean())
    assert (made.chat_seconds_from, given.chat_seconds_from) == ("measured", "given")
    assert (elsewhere.contacted, given.contacted, given.chat_seconds) == (0, 0, 7)
    pd.testing.assert_frame_equal(
        before.contacts, collect_responses.fn("a", ledger=ledger).contacts
    )
    assert local.calls["StartChatContact"] == 2


@pytest.mark.parametrize("close", ["stop", "disconnect", "leave_open"])
@pytest.mark.parametrize("opening", [None, "Hello"], ids=["silent start", "with a message"])
@pytest.mark.parametrize("with_start", [False, True])
def test_the_calls_that_were_foretold_are_those_that_are_made(
    ledger: str, close: Any, opening: str | None, *, with_start: bool
) -> None:
    template = ChatTemplate(initial_message=opening)
    # With a message at its start, what the other side says first is an answer to that.
    talk = Conversation(
        settle_seconds=0,
        messages=("{{ score }}", "Bye"),
        max_replies=3 if opening else 2,
        # Looks where nothing seems wrong are made when there is time, and not foretold.
        check_transcript=False,
        close=close,
    )
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        instance = local.instance()
        instance.connects_with_start = with_start
        foretold = preview.fn(table(5), template, instance, talk)
        common: dict[str, Any] = {"connect": instance, "conversation": talk, "ledger": ledger}
        validate_customers.fn(table(5), template, campaign="a", **common)
        start_chats.fn("a", **common)
        looks = {"DescribeContact", "ListInstanceStorageConfigs"}
        made = {name: count for name, count in local.calls.items() if name not in looks}

    assert made == foretold.calls
    assert ("CreateParticipantConnection" in made) is not with_start


def test_a_preview_refuses_a_campaign_of_another_instance(local: LocalConnect, ledger: str) -> None:
    validate_customers.fn(table(), campaign="a", connect=local.instance(), ledger=ledger)
    elsewhere = local.instance().model_copy(
        update={"instance_id": "another", "contact_flow_id": "its-flow"}
    )

    with pytest.raises(InputError, match="belongs to instance"):
        preview.fn(table(), None, elsewhere, campaign="a", ledger=ledger)
    with pytest.raises(InputError, match="needs a name"):
        preview.fn(table(), None, elsewhere, campaign=" ", ledger=ledger)


def test_a_preview_refuses_what_a_run_would_refuse(local: LocalConnect) -> None:
    with pytest.raises(InputError, match="'naem'"):
        preview.fn(table(), ChatTemplate(display_name="{{ naem }}"), local.instance())


def request_of(local: LocalConnect, number: int) -> StartChatContactRequest:
    return StartChatContactRequest.model_validate(
        {
            "instance_id": local.instance_id,
            "contact_flow_id": local.flow_id,
            "participant_details": {"display_name": f"Customer {number}"},
            "customer_id": f"{number:04}",
        }
    )


def test_start_chat_can_be_mapped_in_a_flow_of_ones_own(local: LocalConnect) -> None:
    instance = local.instance()

    @flow
    def mine() -> list[str]:
        requests = [request_of(local, number) for number in range(3)]
        started = start_chat.map(requests, connect=unmapped(instance)).result()
        for response in started:
            stop_chat(response.contact_id, instance)
        return [response.contact_id for response in started]

    contact_ids = mine()

    assert {contact.contact_id for contact in local.contacts} == set(contact_ids)
    assert all(contact.ended_at for contact in local.contacts)


def test_prefects_retries_of_start_chat_make_one_contact() -> None:
    cuts = [Fault(operation="StartChatContact", kind=FaultKind.CUT_AFTER, nth=n) for n in (1, 2)]
    with LocalConnect(quotas=LocalQuotas.unlimited(), faults=cuts) as local:
        instance = local.instance()

        @flow
        def mine() -> str:
            quick = start_chat.with_options(retry_delay_seconds=0, retry_jitter_factor=0)
            return quick(request_of(local, 1), instance).contact_id

        contact_id = mine()

        assert local.calls["StartChatContact"] == 3
        assert [contact.contact_id for contact in local.contacts] == [contact_id]


def test_start_chat_does_not_retry_what_amazon_refuses() -> None:
    refusal = always("StartChatContact", 400, "InvalidRequestException")
    with LocalConnect(quotas=LocalQuotas.unlimited(), faults=[refusal]) as local:
        instance = local.instance()

        @flow
        def mine() -> None:
            start_chat(request_of(local, 1), instance)

        with pytest.raises(Exception, match="InvalidRequestException"):
            mine()

        assert local.calls["StartChatContact"] == 1


def test_the_tasks_work_without_a_flow_and_without_prefect(
    local: LocalConnect, ledger: str
) -> None:
    plan = validate_customers.fn(table(2), campaign="a", connect=local.instance(), ledger=ledger)

    assert (plan.added, plan.rejected) == (2, 0)
    assert collect_responses.fn("a", ledger=ledger).summary["planned"] == 2
    assert local.calls == {}


def test_a_wrong_request_is_refused_with_all_that_is_wrong(local: LocalConnect) -> None:
    wrong = {
        "instance_id": "i",
        "contact_flow_id": "f",
        "participant_details": {"display_name": ""},
    }
    with pytest.raises(InputError, match=r"display_name.*customer_id"):
        start_chat.fn({**wrong, "customer_id": "x" * 129}, local.instance())


def test_no_bearer_token_is_written_anywhere(
    ledger: str, tmp_path: Path, prefect_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "connect_tasks")
    drop = Fault(operation="ChatFrame", kind=FaultKind.SOCKET_DROP, nth=2, per_customer=True)
    with LocalConnect(quotas=LocalQuotas.unlimited(), faults=[drop]) as local:
        result = outreach(
            table(), campaign="a", connect=local.instance(), conversation=SURVEY, ledger=ledger
        )
        result.save(tmp_path / "out")
        tokens = [token.encode() for token in local.issued_tokens]

    places = [*tmp_path.rglob("*"), *prefect_home.rglob("*")]
    written = {path: path.read_bytes() for path in places if path.is_file()}
    written[Path("the log")] = caplog.text.encode()
    assert len(tokens) > 8
    assert [path for path, text in written.items() if any(token in text for token in tokens)] == []


def test_the_block_keeps_the_id_of_an_arn(local: LocalConnect) -> None:
    block = AmazonConnectInstance(instance_id=local.instance_arn, contact_flow_id="f")

    assert block.instance_id == local.instance_id
