"""A policy where campaigns begin, on a real Prefect server; chats are counted at Amazon."""

import re
import secrets
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import validate

from connect_tasks import Conversation
from connect_tasks.blocks import OutreachPolicyBlock, load_policy
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.manage import status
from connect_tasks.campaign.policy import OutreachPolicy
from connect_tasks.campaign.policy.assignment import is_held_out
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.suppression import suppress
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.errors import InputError
from connect_tasks.flows.invite import invite
from connect_tasks.flows.manage import resume
from connect_tasks.flows.outreach import outreach
from connect_tasks.flows.workers import campaign_worker, outreach_on_workers
from connect_tasks.ledger.store import Ledger
from connect_tasks.tasks import preview, start_chats, validate_customers

pytestmark = pytest.mark.usefixtures("prefect_home")

ONCE = Conversation(messages=("hi",), settle_seconds=0, max_replies=1)
CUSTOMERS = pd.DataFrame(
    {"customer_id": ["0000", "0001", "0002"], "display_name": ["Ada", "Zebulon", "Mina"]}
)


LINK_KEY = secrets.token_urlsafe(32)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
# Not today and, should it be midnight meanwhile, not tomorrow.
OPENS = TODAY + timedelta(days=2)
SAID = f"{OPENS:%Y-%m-%d %H:%M} UTC"
STOCKTAKING = {
    "name": "stocktaking",
    "start_date": TODAY.date(),
    "end_date": TODAY.date() + timedelta(days=1),
}
CLOSED = OutreachPolicy(
    communication_time={"restricted_periods": [STOCKTAKING], "default_time_zone": "UTC"}
)


@pytest.fixture(name="local")
def _local() -> Iterator[LocalConnect]:
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        yield local


@pytest.fixture(name="ledger")
def _ledger(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


def run(local: LocalConnect, ledger: str, **changes: Any) -> State[CampaignResult]:
    arguments: dict[str, Any] = {
        "customers": CUSTOMERS,
        "campaign": "a",
        "connect": local.instance(),
        "conversation": ONCE,
        "ledger": ledger,
        "return_state": True,
    }
    returned: State[CampaignResult] = outreach(**{**arguments, **changes})
    return returned


def contacted(local: LocalConnect) -> Counter[str | None]:
    return Counter(contact.customer_id for contact in local.contacts)


def flow_run(state: State[Any]) -> FlowRun:
    assert state.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        return client.read_flow_run(state.state_details.flow_run_id)


def let_wait(ledger: str, seconds: float) -> None:
    """Nobody may be contacted for a while: their places on a list end with it."""
    while_it_lasts = timedelta(seconds=seconds)
    suppress(["0000", "0001", "0002"], ledger=ledger, expires_after=while_it_lasts)


def plan(local: LocalConnect, ledger: str, **more: Any) -> None:
    connect = local.instance()
    validate_customers.fn(
        CUSTOMERS, campaign="a", connect=connect, conversation=ONCE, ledger=ledger, **more
    )


# --- what a run does ---


def test_who_is_on_a_list_is_not_contacted_and_the_others_are(
    local: LocalConnect, ledger: str
) -> None:
    suppress(["0001"], list="marketing", ledger=ledger)

    state = run(local, ledger, policy=OutreachPolicy(suppression=["marketing"]))

    assert contacted(local) == {"0000": 1, "0002": 1}
    assert (state.name, state.message) == (
        "Completed",
        "2 of 3 rows contacted, 2 replied, 1 withheld.",
    )
    result: Any = state.result()
    contacts = result.contacts.set_index("customer_id")
    assert contacts.loc["0001", ["status", "error_code"]].tolist() == ["withheld", "opted_out"]


def test_a_run_that_meets_nobody_whose_hours_it_is_ends_and_says_when_to_come_back(
    local: LocalConnect, ledger: str, caplog: pytest.LogCaptureFixture
) -> None:
    state = run(local, ledger, policy=CLOSED)

    again = f"3 have to wait: run the same campaign again from {SAID} on"
    assert contacted(local) == {}
    assert state.is_completed()
    assert (state.name, state.message) == (
        "Deferred",
        f"0 of 3 rows contacted, 0 replied. {again}.",
    )
    assert f"campaign a: 0 of 3 settled, {again}" in caplog.text
    assert status("a", ledger)["deferred_until"] == OPENS


def test_a_second_run_without_a_policy_keeps_to_the_first_ones(
    local: LocalConnect, ledger: str
) -> None:
    run(local, ledger, policy=CLOSED)

    assert run(local, ledger).name == "Deferred"
    assert contacted(local) == {}


def test_another_policy_lets_those_be_contacted_who_had_to_wait(
    local: LocalConnect, ledger: str
) -> None:
    run(local, ledger, policy=CLOSED)

    state = run(local, ledger, policy=OutreachPolicy())

    assert state.name == "Completed"
    assert contacted(local) == {"0000": 1, "0001": 1, "0002": 1}


def test_only_of_the_table_it_is_said_who_has_to_wait(local: LocalConnect, ledger: str) -> None:
    run(local, ledger, policy=CLOSED)

    state = run(local, ledger, customers=CUSTOMERS.head(1))

    assert state.name == "Deferred"
    assert "2 more customers wait in the campaign and are not in this table" in str(state.message)
    assert "1 has to wait" in str(state.message)


# --- waiting ---


def wait_by_outreach(local: LocalConnect, ledger: str, **when: Any) -> None:
    run(local, ledger, return_state=False, **when)


def wait_by_resume(local: LocalConnect, ledger: str, **when: Any) -> None:
    resume("a", local.instance(), ledger, **when)


def wait_by_worker(local: LocalConnect, ledger: str, **when: Any) -> None:
    local.instance().save("waiting", overwrite=True)
    campaign_worker("a", "waiting", ledger, **when)


def wait_by_task(local: LocalConnect, ledger: str, **when: Any) -> None:
    funnel: Funnel = start_chats.fn("a", connect=local.instance(), ledger=ledger, **when)
    assert funnel.mode == "simulation"


WAYS = [wait_by_outreach, wait_by_resume, wait_by_worker, wait_by_task]


@pytest.mark.parametrize("start", WAYS)
def test_a_run_that_is_to_wait_contacts_whoever_had_to(
    local: LocalConnect, ledger: str, start: Any
) -> None:
    plan(local, ledger)
    let_wait(ledger, 4)

    start(local, ledger, when_deferred="wait")

    assert contacted(local) == {"0000": 1, "0001": 1, "0002": 1}


@pytest.mark.parametrize("start", WAYS)
def test_a_run_that_is_not_to_wait_leaves_them(
    local: LocalConnect, ledger: str, start: Any
) -> None:
    plan(local, ledger)
    let_wait(ledger, 3_600)

    start(local, ledger)

    assert contacted(local) == {}


def test_there_is_no_third_thing_to_do_when_people_have_to_wait(
    local: LocalConnect, ledger: str
) -> None:
    with pytest.raises(InputError, match="when_deferred"):
        run(local, ledger, when_deferred="skip", return_state=False)


# --- the dry run and the plan ---


def test_a_dry_run_says_who_may_be_contacted_now_later_and_never(
    local: LocalConnect, ledger: str
) -> None:
    suppress(["0001"], list="marketing", ledger=ledger)
    never = OutreachPolicy(suppression=["marketing"])

    closed_now = CLOSED.model_copy(update={"suppression": ("marketing",)})
    open_now = run(local, ledger, policy=never, dry_run=True, return_state=False)
    later = run(local, ledger, policy=closed_now, dry_run=True)

    assert "Of 3 customers 2 may be contacted now, 1 never (opted_out)" in str(open_now)
    assert f"2 later (restricted_period, at {SAID})" in str(later.result())
    assert f"2 from {SAID} on" in str(later.message)
    assert contacted(local) == {}


def test_a_dry_run_without_a_ledger_knows_the_hours(local: LocalConnect, tmp_path: Path) -> None:
    missing = f"sqlite:///{tmp_path / 'none.db'}"

    made = preview.fn(CUSTOMERS, None, local.instance(), ledger=missing, policy=CLOSED)

    assert (made.outlook.now, made.outlook.deferred) == (0, 3)
    assert made.outlook.first == OPENS
    assert not (tmp_path / "none.db").exists()


def test_a_dry_run_of_a_campaign_goes_by_the_policy_that_it_has(
    local: LocalConnect, ledger: str
) -> None:
    plan(local, ledger, policy=CLOSED)

    kept = preview.fn(CUSTOMERS, None, local.instance(), campaign="a", ledger=ledger)
    other = preview.fn(
        CUSTOMERS, None, local.instance(), campaign="a", ledger=ledger, policy=OutreachPolicy()
    )

    assert (kept.outlook.deferred, other.outlook.deferred) == (3, 0)


def test_the_plans_words_are_the_dry_runs(
    local: LocalConnect, ledger: str, caplog: pytest.LogCaptureFixture
) -> None:
    run(local, ledger, policy=CLOSED)

    assert "Of 3 customers 0 may be contacted now, 3 later (restricted_period" in caplog.text


@pytest.mark.parametrize(("hours", "links"), [(1, 0), (72, 3)])
def test_an_invitations_dry_run_promises_the_links_that_are_then_issued(
    local: LocalConnect,
    ledger: str,
    monkeypatch: pytest.MonkeyPatch,
    hours: int,
    links: int,
) -> None:
    monkeypatch.setenv("CONNECT_TASKS_INVITATION_KEYS", LINK_KEY)
    arguments: dict[str, Any] = {
        "campaign": "a",
        "connect": local.instance(),
        "base_url": "https://chat.example.com",
        "ledger": ledger,
        "policy": CLOSED,
        "expires_after": timedelta(hours=hours),
    }

    promised = invite(CUSTOMERS, dry_run=True, **arguments)
    issued = invite(CUSTOMERS, **arguments)

    assert promised.to_contact == len(issued.invitations) == links
    late = "3 links would end before the policy lets them be sent"
    assert (late in str(promised)) == (not links)


def test_a_dry_run_knows_who_of_those_who_wait_is_held_out_then(
    local: LocalConnect, tmp_path: Path
) -> None:
    names = [f"{number:04}" for number in range(100)]
    policy = CLOSED.model_copy(update={"hold_out": 0.3})
    out = sum(is_held_out(name, policy) for name in names)
    # Else the share would be enough to tell.
    assert out != 30
    table = pd.DataFrame({"customer_id": names, "display_name": names})
    missing = f"sqlite:///{tmp_path / 'none.db'}"

    made = preview.fn(table, None, local.instance(), ledger=missing, policy=policy)

    assert (made.outlook.held_out_later, made.to_contact) == (out, 100 - out)


def test_a_dry_run_and_the_plan_say_how_a_ramp_begins(
    local: LocalConnect, ledger: str, caplog: pytest.LogCaptureFixture
) -> None:
    begins = "by its ramp the first 2, then looked at, then all others"

    promised = run(local, ledger, policy=OutreachPolicy(ramp=(2,)), dry_run=True)
    assert begins in str(promised.message)
    assert begins in str(promised.result())

    caplog.clear()
    run(local, ledger, policy=OutreachPolicy(ramp=(2,)))
    assert begins in caplog.text
    assert "campaign a went on after step 1 of 1, 2 contacts: errors 0 of 2" in caplog.text


def test_an_invitations_dry_run_says_when_links_are_sent(
    local: LocalConnect, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECT_TASKS_INVITATION_KEYS", LINK_KEY)

    made = invite(
        CUSTOMERS,
        campaign="links",
        connect=local.instance(),
        base_url="http://127.0.0.1:8000",
        ledger=ledger,
        policy=CLOSED,
        dry_run=True,
    )

    assert f"3 links, to be sent from {SAID} on" in str(made)


def test_an_invitation_keeps_its_policy(
    local: LocalConnect, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECT_TASKS_INVITATION_KEYS", LINK_KEY)

    result = invite(
        CUSTOMERS,
        campaign="links",
        connect=local.instance(),
        base_url="http://127.0.0.1:8000",
        ledger=ledger,
        policy=CLOSED,
    )

    assert set(result.invitations["not_before"]) == {pd.Timestamp(OPENS)}


def test_a_zone_column_that_the_table_does_not_have_stops_all_of_it(
    local: LocalConnect, ledger: str
) -> None:
    """Else everybody would be judged by the default zone, and nobody would notice."""
    typo = CLOSED.model_dump(mode="json")
    typo["communication_time"]["time_zone_column"] = "display_nam"

    for dry_run in (True, False):
        with pytest.raises(InputError, match=r"'display_nam', which the table does not have"):
            run(local, ledger, policy=typo, dry_run=dry_run, return_state=False)
    assert contacted(local) == {}


def test_each_customers_own_zone_counts(local: LocalConnect, ledger: str) -> None:
    here = datetime.now(UTC)
    window = {
        "start_time": f"{here - timedelta(hours=1):%H:%M}",
        "end_time": f"{here + timedelta(hours=2):%H:%M}",
    }
    days = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
    policy = {
        "communication_time": {
            "open_hours": {day: [window] for day in days},
            "default_time_zone": "UTC",
            "time_zone_column": "zone",
        }
    }
    zones = CUSTOMERS.assign(zone=pd.Series(["UTC", "Asia/Tokyo", None]))

    run(local, ledger, customers=zones, policy=policy)

    assert contacted(local) == {"0000": 1, "0002": 1}


# --- how a policy is given, and what Prefect has of it ---


def test_a_saved_policy_is_loaded_by_its_name_and_by_its_file(
    local: LocalConnect, ledger: str, tmp_path: Path
) -> None:
    OutreachPolicyBlock(policy=CLOSED).save("stocktaking", overwrite=True)
    file = tmp_path / "policy.toml"
    file.write_text('suppression = ["marketing"]', encoding="utf-8")

    named = run(local, ledger, policy="stocktaking")
    blocked = run(local, ledger, campaign="b", policy=OutreachPolicyBlock.load("stocktaking"))
    filed = run(local, ledger, campaign="c", policy=str(file))

    assert [named.name, blocked.name, filed.name] == ["Deferred", "Deferred", "Completed"]
    assert load_policy("stocktaking") == CLOSED
    with Ledger(ledger) as opened:
        assert opened.policy("a") == opened.policy("b") == CLOSED.model_dump(mode="json")


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("no-such-policy", "There is no outreach policy saved under the name 'no-such-policy'"),
        ("none.toml", "'none.toml' cannot be read"),
        ({"hold_out": 2}, "hold_out"),
        ({"expire_after": "P1D"}, "expire_after"),
    ],
    ids=["name", "file", "value", "field"],
)
def test_a_policy_that_cannot_be_used_stops_all_of_it_with_one_sentence(
    local: LocalConnect, ledger: str, policy: Any, words: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        run(local, ledger, policy=policy, return_state=False)

    assert "\n" not in str(caught.value)
    assert not re.search(r"Value error|Input|\.\.$", str(caught.value))
    assert str(caught.value).count(words) == 1
    assert contacted(local) == {}


@pytest.mark.parametrize("flow", [outreach, invite, outreach_on_workers])
def test_the_form_takes_a_saved_policy_or_its_fields(flow: Any) -> None:
    schema = parameter_schema(flow).model_dump()
    taken = {key: {"$ref": f"#/definitions/{key}"} for key in schema["definitions"]}

    def wrong(policy: Any) -> list[Any]:
        only = {**schema, "required": [], "properties": {"policy": schema["properties"]["policy"]}}
        return validate({"policy": policy}, only)

    assert taken["OutreachPolicyBlock"] in schema["properties"]["policy"]["anyOf"]
    assert schema["definitions"]["OutreachPolicyBlock"]["block_type_slug"] == "outreach-policy"
    reference = {"$ref": {"block_document_id": "b3f937de-ff46-4f46-b7fc-97aabc31ffb5"}}
    assert wrong(reference) == []
    assert wrong(CLOSED.model_dump(mode="json")) == []
    assert wrong({"suppression": ["marketing"], "expires_after": "P14D"}) == []
    assert wrong(None) == []
    assert wrong({"hold_out": 2})
    # A name, of a block or a variable: whether it is there, the run finds out.
    assert wrong("stocktaking") == []


def test_a_deployments_run_takes_a_reference_to_a_saved_policy(local: LocalConnect) -> None:
    document = OutreachPolicyBlock(policy=CLOSED).save("by-reference", overwrite=True)
    reference = {"$ref": {"block_document_id": str(document)}}

    checked = outreach.validate_parameters(
        {"customers": "x.csv", "campaign": "a", "connect": local.instance(), "policy": reference}
    )

    assert checked["policy"] == CLOSED


@pytest.mark.parametrize("as_block", [False, True])
def test_prefect_has_the_rules_of_a_run_and_no_more(
    local: LocalConnect, ledger: str, *, as_block: bool
) -> None:
    state = run(local, ledger, policy=OutreachPolicyBlock(policy=CLOSED) if as_block else CLOSED)

    recorded = flow_run(state).parameters["policy"]
    assert OutreachPolicy.model_validate(recorded) == CLOSED
