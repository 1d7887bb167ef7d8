"""The flow `text_out`, on a real Prefect server."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from prefect.client.orchestration import get_client

from connect_tasks import OutboundChatTemplate, OutreachPolicy
from connect_tasks.campaign.policy_in_force import stored_policy
from connect_tasks.emulator import LocalConnect, LocalQuotas, TranscriptStorage
from connect_tasks.emulator.phones import LocalPhones, PhoneKind
from connect_tasks.errors import InputError
from connect_tasks.flows.collect import collect
from connect_tasks.flows.manage import pause, resume
from connect_tasks.flows.outreach import outreach
from connect_tasks.flows.text_out import text_out
from connect_tasks.flows.workers import campaign_worker
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.ledger.store import Ledger
from connect_tasks.tasks import start_chats, validate_customers
from tests.functional.outbound_world import ARN, number, phones

pytestmark = pytest.mark.usefixtures("prefect_home")

TEMPLATE = OutboundChatTemplate(
    source_endpoint=ARN, initial_system_message="Zebulon asks {{ customer_id }}"
)


def table(count: int = 3) -> pd.DataFrame:
    return pd.DataFrame(phones(count))


def made(local: LocalConnect) -> dict[str, int]:
    numbers = [str(contact.phone_number) for contact in local.contacts]
    return {name: numbers.count(name) for name in numbers}


def everybody(count: int) -> dict[str, int]:
    return {number(place): 1 for place in range(count)}


def test_each_customer_is_written_to_once_and_the_table_says_so(
    local: LocalConnect, ledger: str
) -> None:
    def run() -> Any:
        return text_out(
            table(), TEMPLATE, campaign="a", connect=local.instance(), ledger=ledger, policy=None
        )

    result = run()
    again = run()

    assert made(local) == everybody(3)
    assert list(result.contacts["status"]) == ["started"] * 3
    assert result.contacts["contact_id"].notna().all()
    assert again.summary["started"] == 3
    assert local.calls["CreateParticipantConnection"] == 0


def test_without_a_word_on_the_policy_nothing_is_sent(local: LocalConnect, ledger: str) -> None:
    run: Any = text_out
    with pytest.raises(InputError, match="policy"):
        run(table(), TEMPLATE, campaign="a", connect=local.instance(), ledger=ledger)

    assert local.calls.total() == 0
    assert inspect.signature(text_out.fn).parameters["policy"].default is inspect.Parameter.empty
    assert "policy" in text_out.parameters.required


def test_a_policy_is_kept_and_none_takes_it_not_away(local: LocalConnect, ledger: str) -> None:
    kept = OutreachPolicy(suppression=("marketing",))
    for policy in (kept, None):
        text_out(
            table(), TEMPLATE, campaign="a", connect=local.instance(), ledger=ledger, policy=policy
        )

    with Ledger(ledger) as opened:
        assert stored_policy(opened, "a") == kept


def test_settings_say_both_the_message_and_the_policy(local: LocalConnect, ledger: str) -> None:
    settings = (
        f"[text_out]\nsource_endpoint = '{ARN}'\ninitial_system_message = 'Hi'\n"
        "[policy]\nsuppression = ['marketing']\n"
    )
    text_out(
        table(),
        campaign="a",
        connect=local.instance(),
        ledger=ledger,
        policy=None,
        settings=settings,
    )

    assert made(local) == everybody(3)
    with Ledger(ledger) as opened:
        assert stored_policy(opened, "a").suppression == ("marketing",)


def test_a_row_that_is_wrong_is_refused_with_its_reason_and_stops_nobody(
    local: LocalConnect, ledger: str
) -> None:
    rows = phones(4)
    rows[1]["phone"] = "0151 12345678"
    rows[3]["phone"] = rows[0]["phone"]
    result = text_out(
        pd.DataFrame(rows),
        TEMPLATE,
        campaign="a",
        connect=local.instance(),
        ledger=ledger,
        policy=None,
    )

    assert made(local) == {number(0): 1, number(2): 1}
    told = dict(zip(result.contacts["status"], result.contacts["error_message"], strict=True))
    assert "destination_endpoint.address = '0151 12345678'" in told["rejected"]
    assert told["duplicate"] == "repeats the number of row 0 (counted from 0)"


def test_numbers_are_shared_where_it_is_wished(local: LocalConnect, ledger: str) -> None:
    rows = table(2).assign(phone=number(0))
    text_out(
        rows,
        TEMPLATE,
        campaign="a",
        connect=local.instance(),
        ledger=ledger,
        policy=None,
        shared_numbers=True,
    )

    assert made(local) == {number(0): 2}


def test_a_dry_run_says_messages_and_contacts_and_sends_nothing(
    local: LocalConnect, ledger: str
) -> None:
    template = TEMPLATE.model_copy(update={"chat_duration_in_minutes": 90})
    said: Any = text_out(
        table(),
        template,
        campaign="a",
        connect=local.instance(),
        ledger=ledger,
        policy=None,
        dry_run=True,
    )

    assert said.summary.startswith("3 messages in about")
    assert "3 contacts, each begun with one message" in said.outline
    assert "1 h 30 min of an open chat for each" in said.outline
    assert said.calls == {"StartOutboundChatContact": 3}
    assert local.calls.total() == 0
    with Ledger(ledger) as opened:
        assert opened.campaigns() == []


def test_a_dry_run_knows_the_numbers_that_the_campaign_has(
    local: LocalConnect, ledger: str
) -> None:
    options: dict[str, Any] = {
        "campaign": "a",
        "connect": local.instance(),
        "ledger": ledger,
        "policy": None,
    }
    text_out(table(1), TEMPLATE, **options)
    said: Any = text_out(table(2).assign(customer_id=["x", "y"]), TEMPLATE, dry_run=True, **options)

    assert (said.valid, said.duplicate) == (1, 1)


def test_a_campaign_keeps_its_way_in_every_flow_and_task(local: LocalConnect, ledger: str) -> None:
    options: dict[str, Any] = {"connect": local.instance(), "ledger": ledger}
    outbound: dict[str, Any] = {"mode": CampaignMode.OUTBOUND, **options}
    validate_customers.fn(table(), TEMPLATE, campaign="by-sms", **outbound)
    chats = table().assign(display_name="Ada")
    validate_customers.fn(chats, campaign="ours", **options)
    validate_customers.fn(chats, campaign="by-link", mode=CampaignMode.INVITATION, **options)
    runs: list[Callable[[], object]] = [
        lambda: outreach(chats, campaign="by-sms", **options),
        lambda: outreach(chats, campaign="by-sms", dry_run=True, **options),
        lambda: outreach(chats, campaign="by-sms", hand_over=lambda _: None, **options),
        lambda: start_chats.fn("by-sms", **options),
        lambda: resume("by-sms", hand_over=lambda _: None, **options),
        lambda: text_out(table(), TEMPLATE, campaign="ours", policy=None, **options),
        lambda: text_out(table(), TEMPLATE, campaign="ours", policy=None, dry_run=True, **options),
        lambda: text_out(table(), TEMPLATE, campaign="by-link", policy=None, **options),
        lambda: start_chats.fn("ours", outbound=True, **options),
        lambda: start_chats.fn("by-link", outbound=True, **options),
    ]
    for run in runs:
        with pytest.raises(InputError, match="keeps its way"):
            run()

    assert local.calls.total() == 0


def test_a_template_of_the_other_way_is_refused_in_a_sentence(
    local: LocalConnect, ledger: str
) -> None:
    options: dict[str, Any] = {"campaign": "a", "connect": local.instance(), "ledger": ledger}
    with pytest.raises(InputError, match="give it to `text_out`"):
        validate_customers.fn(table(), TEMPLATE, **options)
    with pytest.raises(InputError, match="takes an OutboundChatTemplate"):
        text_out(table(), policy=None, **options)

    assert local.calls.total() == 0


def test_a_paused_campaign_is_resumed_without_its_table(local: LocalConnect, ledger: str) -> None:
    options: dict[str, Any] = {"connect": local.instance(), "ledger": ledger}
    validate_customers.fn(table(), TEMPLATE, campaign="a", mode=CampaignMode.OUTBOUND, **options)
    pause("a", ledger=ledger)
    resume("a", **options)

    assert made(local) == everybody(3)


def test_a_worker_helps_a_campaign_that_writes_to_phones(local: LocalConnect, ledger: str) -> None:
    instance = local.instance()
    instance.save("text-out-worker", overwrite=True, _sync=True)
    validate_customers.fn(
        table(),
        TEMPLATE,
        campaign="a",
        mode=CampaignMode.OUTBOUND,
        connect=instance,
        ledger=ledger,
    )
    campaign_worker("a", connect="text-out-worker", ledger=ledger)

    assert made(local) == everybody(3)


def test_arms_of_an_experiment_are_told_apart_in_the_text(local: LocalConnect, ledger: str) -> None:
    policy = OutreachPolicy.model_validate({"variants": {"short": {"share": 0.5}}})
    template = TEMPLATE.model_copy(update={"attributes": {"arm": "{{ variant | default('own') }}"}})
    result = text_out(
        table(40), template, campaign="a", connect=local.instance(), ledger=ledger, policy=policy
    )

    sent = [json.loads(text)["Attributes"]["arm"] for text in requests(ledger)]
    assert set(sent) == {"short", "own"}
    assert sent.count("short") == (result.contacts["variant"] == "short").sum()


def test_an_arm_with_a_chat_s_template_is_refused(local: LocalConnect, ledger: str) -> None:
    policy = {"variants": {"b": {"template": {"display_name": "B"}}}}
    with pytest.raises(InputError, match="writes to phones"):
        text_out(
            table(),
            TEMPLATE,
            campaign="a",
            connect=local.instance(),
            ledger=ledger,
            policy=OutreachPolicy.model_validate(policy),
        )


def requests(ledger: str) -> list[str]:
    with Ledger(ledger) as opened:
        return [str(row["request"]) for row in opened.contact_records("a")]


def test_collect_brings_replies_and_puts_who_says_stop_on_the_list(
    ledger: str, tmp_path: Path
) -> None:
    people = LocalPhones(by_number={number(1): PhoneKind.STOP}, texts={number(0): ["9"]})
    storage = TranscriptStorage(recordings="with_file")
    with LocalConnect(
        flow="echo", quotas=LocalQuotas.unlimited(), phones=people, storage=storage
    ) as local:
        options: dict[str, Any] = {"connect": local.instance(), "ledger": ledger}
        text_out(
            table(2),
            TEMPLATE,
            campaign="a",
            policy=OutreachPolicy(suppression=("marketing",)),
            **options,
        )
        for contact in local.contacts:
            local.instance().connect().api.stop_contact(local.instance_id, contact.contact_id)
        result = collect("a", save_to=str(tmp_path / "out"), **options)

    assert result.replies.loc[result.replies["customer_id"] == "0000", "answer"].iloc[0] == "9"
    assert result.summary["replied"] == 2
    assert "Phones written to" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    with Ledger(ledger) as opened:
        assert opened.suppressions.lists() == ["marketing"]


def test_no_number_and_no_text_reaches_prefect_s_database(
    local: LocalConnect, ledger: str, prefect_home: Path
) -> None:
    named = text_out.with_options(name="texted")
    named(table(), TEMPLATE, campaign="texts", connect=local.instance(), ledger=ledger, policy=None)
    with get_client(sync_client=True) as client:
        runs = [run for run in client.read_flow_runs() if "texts" in str(run.parameters)]

    assert runs
    assert number(0) not in str([run.parameters for run in runs])
    files = [path for path in prefect_home.rglob("*") if path.is_file()]
    assert [path for path in files if number(0).encode() in path.read_bytes()] == []
