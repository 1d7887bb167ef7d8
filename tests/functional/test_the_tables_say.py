"""A run contacts only whom its table names and accepts; who was planned before is told of."""

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connect_tasks import Conversation
from connect_tasks.campaign import CampaignResult, manage
from connect_tasks.campaign.planning import Plan, plan_campaign
from connect_tasks.emulator import LocalConnect
from connect_tasks.errors import InputError
from connect_tasks.flows.manage import resume, withdraw
from connect_tasks.flows.outreach import outreach
from connect_tasks.ledger import forget
from connect_tasks.tasks import validate_customers
from tests.functional.world import CAMPAIGN, FAST, World, world

ONE_ANSWER = Conversation(settle_seconds=0, messages=("{{ score }}",), max_replies=1)


def row(name: str, score: str | None = "9") -> dict[str, Any]:
    return {"customer_id": name, "display_name": f"Customer {name}", "score": score}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as here:
        yield here


def contact(here: World, *rows: Mapping[str, Any]) -> Plan:
    """Do with a table what `outreach` does."""
    plan = here.plan(rows)
    here.run(table_id=plan.table_id)
    return plan


def statuses(here: World) -> dict[str, tuple[str, str | None]]:
    return {r["customer_id"]: (r["status"], r["error_code"]) for r in here.contacts()}


def test_who_is_refused_now_is_not_contacted_though_planned_before(here: World) -> None:
    here.plan([row("a"), row("b")])
    plan = contact(here, row("a"), row("b", score=None))

    assert here.made() == {"a": 1}
    assert (plan.withdrawn, plan.rejected, plan.outside) == (1, 1, 0)
    assert statuses(here)["b"] == ("failed", "WithdrawnByTable")
    assert "column 'score' is empty" in str(here.contacts()[1]["error_message"])
    contacts = CampaignResult(CAMPAIGN, here.ledger.url, plan).contacts
    assert list(contacts["status"]) == ["completed", "rejected"]


def test_who_is_right_again_is_contacted_with_the_new_request(here: World) -> None:
    here.plan([row("a", score="1")])
    contact(here, row("a", score=None))
    contact(here, row("a", score="7"))

    assert here.made() == {"a": 1}
    assert ("CUSTOMER", "7") in here.said()
    assert here.ledger.counts(CAMPAIGN)["withdrawn"] == 0


def test_a_row_that_was_corrected_before_it_was_sent_is_sent_as_it_is_now(here: World) -> None:
    here.plan([row("a", score="1")])
    contact(here, row("a", score="8"))

    assert [said for role, said in here.said() if role == "CUSTOMER"] == ["8"]


def test_who_is_not_in_the_table_is_left_alone_and_counted(here: World) -> None:
    here.plan([row("a"), row("b"), row("c")])
    plan = contact(here, row("a"))

    assert here.made() == {"a": 1}
    assert plan.outside == 2
    assert CampaignResult(CAMPAIGN, here.ledger.url, plan).summary["outside"] == 2
    assert {n: s for n, (s, _) in statuses(here).items()} == {
        "a": "completed",
        "b": "planned",
        "c": "planned",
    }


def test_whoever_is_left_can_be_contacted_without_a_table(here: World) -> None:
    here.plan([row("a"), row("b")])
    contact(here, row("a"))
    here.run()

    assert here.made() == {"a": 1, "b": 1}


def test_a_wrong_row_and_a_right_one_of_the_same_customer_are_a_right_one(here: World) -> None:
    here.plan([row("a")])
    plan = contact(here, row(" a", score=None), row("a"))

    assert here.made() == {"a": 1}
    assert (plan.withdrawn, plan.rejected) == (0, 1)


def test_whom_a_person_takes_out_stays_out_whatever_tables_say(here: World) -> None:
    here.plan([row("a"), row("b")])
    taken = manage.withdraw(CAMPAIGN, ["b"], here.ledger, reason="complained")
    again = manage.withdraw(CAMPAIGN, "b", here.ledger)
    plan = contact(here, row("a"), row("b", score="3"))

    assert (taken, again) == (1, 0)
    assert here.made() == {"a": 1}
    assert (plan.kept_out, plan.outside) == (1, 0)
    assert statuses(here)["b"] == ("failed", "WithdrawnByPerson")
    assert here.contacts()[1]["error_message"] == "complained"
    assert here.contacts()[1]["ended_at"] is not None


def test_who_was_contacted_cannot_be_withdrawn(here: World) -> None:
    contact(here, row("a"))

    assert manage.withdraw(CAMPAIGN, ["a"], here.ledger) == 0
    assert statuses(here)["a"] == ("completed", None)


def test_nobody_is_withdrawn_where_one_is_not_known(here: World) -> None:
    here.plan([row("a")])
    with pytest.raises(InputError, match="does not know 'z'"):
        manage.withdraw(CAMPAIGN, ["a", "z"], here.ledger)

    assert statuses(here)["a"] == ("planned", None)


def test_a_chat_that_is_open_is_held_to_its_end_though_its_row_is_refused_now(
    tmp_path: Path,
) -> None:
    with world(tmp_path, flow="echo") as here:
        here.conversation = Conversation(
            settle_seconds=0, messages=("{{ score }}",), reply_timeout_seconds=60
        )
        plan = here.plan([row("a")])
        with pytest.raises(KeyboardInterrupt):
            here.run(_interrupt_when(lambda funnel: funnel.connected), table_id=plan.table_id)
        here.conversation = Conversation(settle_seconds=0, messages=("{{ score }}",), max_replies=1)
        plan = here.plan([row("a", score=None), row("b")])
        here.run(table_id=plan.table_id)

        assert here.made() == {"a": 1, "b": 1}
        assert statuses(here)["a"][0] == "completed"


def _interrupt_when(condition: Callable[[Any], Any]) -> Callable[[Any], None]:
    def look(funnel: Any) -> None:
        if condition(funnel):
            raise KeyboardInterrupt

    return look


def test_a_worker_that_has_claimed_a_customer_does_not_send_once_they_are_refused(
    here: World,
) -> None:
    here.plan([row("a"), row("b")])

    def refuse(_: Any) -> None:
        if not here.local.contacts and not refused:
            refused.append(here.plan([row("b", score=None)]))

    refused: list[Plan] = []
    here.run(refuse)

    assert here.made() == {"a": 1}


@pytest.mark.parametrize("corrected", [{"score": "7"}, {"score": "7", "display_name": "Zoë"}])
def test_who_is_corrected_while_they_wait_for_their_turn_is_contacted_as_they_are_now(
    tmp_path: Path, corrected: dict[str, str]
) -> None:
    # The first chat is over, and its worker claims further ones, before the second one's turn.
    with world(tmp_path, think_seconds=(0.7, 0.7)) as here:
        here.conversation = ONE_ANSWER
        here.quotas = FAST.model_copy(update={"starts_per_second": 0.25, "start_burst": 1})
        here.plan([row("a"), row("b")])
        plans: list[Plan] = []

        def correct(funnel: Any) -> None:
            if funnel.started and not plans:
                plans.append(here.plan([row("a"), row("b") | corrected]))

        # Without a table, as `resume` does: who is planned anew is claimed anew by this worker.
        here.run(correct)

        assert here.made() == {"a": 1, "b": 1}
        said = Counter(text for role, text in here.said() if role == "CUSTOMER")
        assert said == {"9": 1, "7": 1}
        names = {chat.customer_id: chat.display_name for chat in here.local.contacts}
        assert names["b"] == corrected.get("display_name", "Customer b")


def test_two_tables_at_once_contact_everybody_once_and_only_whom_one_of_them_accepts(
    here: World,
) -> None:
    first = here.plan([row("a"), row("b"), row("c")])
    second = here.plan([row("b"), row("c", score=None), row("d")])
    here.run(table_id=first.table_id)
    between = here.made()
    here.run(table_id=second.table_id)

    assert between == {"a": 1}
    assert here.made() == {"a": 1, "b": 1, "d": 1}


CUSTOMERS = ["a", "b", "c", "d"]


@settings(max_examples=10)
@given(
    tables=st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(CUSTOMERS), st.booleans()),
            st.booleans(),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_tables_in_any_order_contact_only_whom_they_have_right_and_nobody_twice(
    tables: list[tuple[dict[str, bool], bool]],
) -> None:
    allowed: set[str] = set()
    with TemporaryDirectory() as folder, world(Path(folder)) as here:
        for table, is_run in tables:
            if not table:
                continue
            rows = [row(name, "9" if right else None) for name, right in table.items()]
            plan = here.plan(rows)
            before = here.made()
            if is_run:
                here.run(table_id=plan.table_id)
                right = {name for name, is_right in table.items() if is_right}
                allowed |= right
                assert set(here.made() - before) == right - set(before)

        assert set(here.made()) == allowed
        assert not here.made() or max(here.made().values()) == 1


# --- what may be changed before a chat is sent, and what not ---


def put(here: World, name: str, **values: object) -> None:
    """Bring a contact into a state that only an outage or a kill brings about."""
    change = ", ".join(f"{column} = ?" for column in values)
    with closing(sqlite3.connect(here.ledger.url.removeprefix("sqlite:///"))) as database:
        statement = f"UPDATE contacts SET {change} WHERE customer_id = ?"  # noqa: S608
        database.execute(statement, (*values.values(), name))
        database.commit()


def now(**earlier: float) -> str:
    return f"{datetime.now(UTC).replace(tzinfo=None) - timedelta(**earlier):%Y-%m-%d %H:%M:%S.%f}"


KILLED = {"claimed_by": "w-dead", "claimed_until": now(hours=-0.5)}
SENT = {"status": "starting", "sent_at": now(minutes=1)}
SET_DOWN = {"status": "starting"}
UNKNOWN = {"status": "unknown", "sent_at": now(minutes=1)}


def opening(here: World) -> list[str]:
    """What each chat at Amazon was asked to open with."""
    return [c.display_name for c in here.local.contacts]


def named(name: str, display_name: str | None) -> dict[str, Any]:
    return {"customer_id": name, "display_name": display_name, "score": "9"}


@pytest.mark.parametrize("state", [{}, KILLED], ids=["planned", "claimed by a killed run"])
def test_who_was_not_sent_yet_is_sent_as_the_table_has_them_now(
    here: World, state: dict[str, Any]
) -> None:
    here.plan([named("a", "Old")])
    put(here, "a", **{"error_code": None, **state})
    contact(here, named("a", "New"))

    assert opening(here) == ["New"]


@pytest.mark.parametrize("state", [SENT, UNKNOWN, {**SENT, "claimed_by": "w-dead"}])
def test_what_may_have_been_sent_is_sent_again_byte_for_byte(
    here: World, state: dict[str, Any]
) -> None:
    here.plan([named("a", "Old")])
    put(here, "a", **state)
    plan = contact(here, named("a", "New"))

    assert opening(here) == ["Old"]
    assert plan.request_changed == 1
    assert plan.request_changes.startswith(
        "row 0 (counted from 0): participant_details.display_name"
    )


@pytest.mark.parametrize("state", [{}, KILLED, SET_DOWN], ids=["planned", "claimed", "set down"])
def test_who_surely_was_not_sent_is_withdrawn_once_refused(
    here: World, state: dict[str, Any]
) -> None:
    here.plan([row("a")])
    put(here, "a", **{"error_code": None, **state})
    plan = contact(here, row("a", score=None), row("b"))
    here.run()

    assert here.made() == {"b": 1}
    assert (plan.withdrawn, plan.outside) == (1, 0)
    assert statuses(here)["a"] == ("failed", "WithdrawnByTable")


@pytest.mark.parametrize("state", [SENT, UNKNOWN], ids=["sent", "unknown"])
def test_who_may_have_been_sent_and_is_refused_now_waits_for_resume(
    here: World, state: dict[str, Any]
) -> None:
    here.plan([row("a")])
    put(here, "a", **state)
    contact(here, row("a", score=None), row("b"))
    before = here.made()
    taken = manage.withdraw(CAMPAIGN, ["a"], here.ledger)
    here.run()

    assert before == {"b": 1}
    assert taken == 0
    assert here.made() == {"a": 1, "b": 1}


def test_who_was_withdrawn_by_a_table_and_then_by_a_person_stays_out(here: World) -> None:
    here.plan([row("a")])
    contact(here, row("a", score=None))
    taken = [manage.withdraw(CAMPAIGN, ["a", " a"], here.ledger, reason="asked") for _ in range(2)]
    plan = contact(here, row("a"))
    here.run()

    assert here.made() == {}
    assert (taken, plan.kept_out) == ([1, 0], 1)
    assert here.contacts()[0]["error_message"] == "asked"


@pytest.mark.parametrize("by", ["a table", "a person"])
def test_who_was_withdrawn_can_be_forgotten_and_is_not_contacted_after_that(
    here: World, by: str
) -> None:
    here.plan([row("a")])
    if by == "a table":
        here.plan([row("a", score=None)])
    else:
        manage.withdraw(CAMPAIGN, "a", here.ledger)
    erased = forget("\u200ba", here.ledger.url)
    contact(here, row("a"))

    assert erased.contacts == 1
    assert here.made() == {}


def test_a_planning_killed_half_way_is_made_up_for_by_the_next_one(here: World) -> None:
    rows = [row(f"{number:03}") for number in range(30)]
    here.plan(rows)
    killed = plan_campaign_until(here, rows, 10)
    plan = contact(here, *rows[5:])

    assert killed
    assert here.made() == Counter(str(r["customer_id"]) for r in rows[5:])
    assert plan.outside == 5


def plan_campaign_until(here: World, rows: list[dict[str, Any]], last: int) -> bool:
    """A planning that dies when it has taken in some of its rows."""

    def chunks() -> Iterator[list[dict[str, Any]]]:
        yield rows[:last]
        raise KeyboardInterrupt

    renderer = here.template.bind(
        instance_id=here.local.instance_id,
        contact_flow_id=here.local.flow_id,
        conversation=here.conversation,
    )
    try:
        plan_campaign(here.ledger, CAMPAIGN, chunks(), renderer, now=datetime.now(UTC))
    except KeyboardInterrupt:
        return True
    return False


def test_reasons_of_withdrawn_customers_show_no_values_to_many(here: World) -> None:
    here.plan([named("a", "Ada")])
    here.plan([named("a", "Secret" * 60)])
    (listed, refused) = CampaignResult(CAMPAIGN, here.ledger.url).not_contacted()

    assert listed["reason"].startswith("WithdrawnByTable")
    assert "Secret" not in str(listed) + str(refused)


def test_workers_of_another_table_are_not_waited_for(here: World) -> None:
    here.plan([row("a")])
    put(here, "a", **KILLED)
    contact(here, row("b"))

    assert here.made() == {"b": 1}


# --- as flows ---


def table(*rows: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


@pytest.mark.usefixtures("prefect_home")
def test_the_flow_says_what_to_do_about_those_who_are_not_in_its_table(
    local: LocalConnect, ledger: str, caplog: pytest.LogCaptureFixture
) -> None:
    options: dict[str, Any] = {
        "campaign": "the-tables-say",
        "connect": local.instance(),
        "ledger": ledger,
    }
    everybody = [row(name) for name in ("a", "b", "c", "d")]
    validate_customers.fn(table(*everybody), conversation=ONE_ANSWER, **options)
    with caplog.at_level(logging.WARNING):
        result = outreach(table(row("a"), row("d", score=None)), conversation=ONE_ANSWER, **options)
    taken = withdraw("the-tables-say", ["b"], reason="moved away", ledger=ledger)
    after = resume("the-tables-say", connect=local.instance(), ledger=ledger)

    assert "2 more customers wait in the campaign and are not in this table" in caplog.text
    assert "1 customers were planned and are refused now" in caplog.text
    assert "2 more customers wait" in result.conclusion.message
    assert result.conclusion.name == "Completed"
    assert taken == 1
    assert Counter(str(c.customer_id) for c in local.contacts) == {"a": 1, "c": 1}
    assert after.summary["withdrawn"] == 2
