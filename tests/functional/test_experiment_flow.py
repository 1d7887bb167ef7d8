"""An experiment from its policy to its table: what each arm was sent is counted at Amazon."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.campaign.policy import OutreachPolicy
from connect_tasks.campaign.policy.assignment import is_held_out, variant_of
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.suppression import suppress
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.errors import InputError
from connect_tasks.flows.outreach import outreach
from connect_tasks.ledger.store import Ledger
from connect_tasks.tasks import validate_customers

pytestmark = [pytest.mark.usefixtures("prefect_home"), pytest.mark.timeout(180)]

COUNT = 60
CUSTOMERS = pd.DataFrame(
    {
        "customer_id": [f"{number:04}" for number in range(COUNT)],
        "name": [f"Customer {number}" for number in range(COUNT)],
        "plan": ["gold", "tin"] * (COUNT // 2),
    }
)
OWN = ChatTemplate(display_name="own {{ name }}")
ONCE = Conversation(messages=("hi",), settle_seconds=0, max_replies=1, reply_timeout_seconds=20)
# The second says nothing and waits for nobody: it has no reply.
SILENT = {"messages": [], "settle_seconds": 0, "reply_timeout_seconds": 0.2}
POLICY = OutreachPolicy.model_validate(
    {
        "hold_out": 0.2,
        "variants": {
            "loud": {
                "share": 0.4,
                "sample": 10,
                "template": {"display_name": "loud {{ name }} of {{ variant }}"},
            },
            "silent": {
                "share": 0.4,
                "sample": 10,
                "template": {"display_name": "silent {{ plan }}"},
                "conversation": SILENT,
            },
        },
    }
)


@pytest.fixture(name="local")
def _local() -> Iterator[LocalConnect]:
    with LocalConnect(flow="echo", quotas=LocalQuotas.unlimited()) as local:
        yield local


def run(local: LocalConnect, ledger: str, **changes: Any) -> CampaignResult:
    arguments: dict[str, Any] = {
        "customers": CUSTOMERS,
        "template": OWN,
        "campaign": "a",
        "connect": local.instance(),
        "conversation": ONCE,
        "ledger": ledger,
        "policy": POLICY,
    }
    result: CampaignResult = outreach(**{**arguments, **changes})
    return result


def expected_arms(policy: OutreachPolicy = POLICY) -> dict[str, str]:
    """The arm of each customer, by the rule."""
    names = list(CUSTOMERS["customer_id"])
    return {
        name: "held_out" if is_held_out(name, policy) else variant_of(name, policy) or "own"
        for name in names
    }


def arms_at_amazon(local: LocalConnect) -> dict[str, str]:
    return {str(chat.customer_id): str(chat.display_name).split()[0] for chat in local.contacts}


def test_each_arm_is_sent_its_own_and_counted_as_it_was(local: LocalConnect, ledger: str) -> None:
    expected = expected_arms()
    result = run(local, ledger)

    sent = {name: arm for name, arm in expected.items() if arm != "held_out"}
    assert arms_at_amazon(local) == sent
    loud = next(chat for chat in local.contacts if expected[str(chat.customer_id)] == "loud")
    assert str(loud.display_name).endswith(" of loud")

    table = result.experiment().set_index("arm")
    sizes = Counter(expected.values())
    assert table.index.tolist() == ["loud", "silent", "own", "held_out"]
    assert table["assigned"].to_dict() == table["due"].to_dict() == dict(sizes)
    assert table["contacted"].to_dict() == {**sizes, "held_out": 0}
    assert table["replied"].drop("held_out").to_dict() == {
        "loud": sizes["loud"],
        "silent": 0,
        "own": sizes["own"],
    }
    assert table["replied"].isna().to_dict()["held_out"]
    assert table.loc["silent", "difference"] == -1.0
    assert (table["difference_high"].dropna() < 0).to_dict()["silent"]
    assert table["sample_reached"].dropna().tolist() == [True, True]
    told = result.experiment().attrs["summary"]
    assert told.startswith("Preliminary: ")
    assert "own has no planned sample" in told
    assert "between" not in told
    assert result.summary["experiment"] == told


def test_it_is_said_where_people_look_whether_an_experiment_is_preliminary(
    local: LocalConnect, ledger: str, caplog: pytest.LogCaptureFixture
) -> None:
    halves = {name: variant.model_copy(update={"share": 0.5}) for name, variant in
              POLICY.variants.items()}  # fmt: skip
    policy = POLICY.model_copy(update={"variants": halves, "hold_out": 0.0})

    first = run(local, ledger, policy=policy, customers=CUSTOMERS[:12])
    assert first.summary["experiment"].startswith("Preliminary: loud has ")
    assert "Experiment: Preliminary: loud has " in first.report()
    assert "campaign a: experiment: Preliminary: loud has " in caplog.text

    all_of_them = run(local, ledger, policy=policy)
    assert "0 is not between them" in all_of_them.summary["experiment"]
    assert "The planned samples are reached." in all_of_them.report()


def test_opt_outs_after_a_contact_are_counted_and_outcomes_compare_the_held_out(
    local: LocalConnect, ledger: str
) -> None:
    result = run(local, ledger)
    expected = expected_arms()
    loud = [name for name, arm in expected.items() if arm == "loud"]
    suppress([*loud[:2], "0001" if expected["0001"] == "held_out" else loud[0]], ledger=ledger)
    bought = CUSTOMERS.assign(outcome=[arms in {"loud", "own"} for arms in expected.values()])

    table = result.experiment(bought).set_index("arm")

    assert table.loc["loud", "opted_out"] == 2
    assert table["outcome_rate"].to_dict() == {
        "loud": 1.0,
        "silent": 0.0,
        "own": 1.0,
        "held_out": 0.0,
    }
    assert table.loc["loud", "outcome_difference"] == 1.0
    assert table["outcome_difference"].isna().to_dict()["held_out"]


def test_a_second_table_and_another_policy_move_nobody_who_was_contacted(
    local: LocalConnect, ledger: str
) -> None:
    first = CUSTOMERS.head(30)
    run(local, ledger, customers=first)
    before = arms_at_amazon(local)
    turned = POLICY.model_copy(update={"experiment": "another"})
    expected = expected_arms(turned)

    result = run(local, ledger, policy=turned)

    later = {
        name: arm for name, arm in expected.items() if arm != "held_out" and name not in before
    }
    # Who was held out before is asked anew, as everybody whom nobody has contacted.
    assert arms_at_amazon(local) == {**later, **before}
    assert len(local.contacts) == len(set(before) | set(later))
    contacted = result.experiment().set_index("arm")["contacted"].to_dict()
    assert contacted == {**Counter({**later, **before}.values()), "held_out": 0}
    assert result.summary["request_changed"] == 0


def test_who_is_planned_follows_the_policy(local: LocalConnect, ledger: str) -> None:
    validate_customers.fn(
        CUSTOMERS,
        OWN,
        campaign="a",
        connect=local.instance(),
        conversation=ONCE,
        ledger=ledger,
        policy=POLICY,
    )
    turned = POLICY.model_copy(update={"experiment": "another", "hold_out": 0.0})

    run(local, ledger, policy=turned)

    assert arms_at_amazon(local) == expected_arms(turned)


def test_a_column_that_is_called_as_the_arm_is_is_refused_where_a_text_names_it(
    local: LocalConnect, ledger: str
) -> None:
    earlier = CUSTOMERS.assign(variant="of an earlier campaign")
    with pytest.raises(InputError, match="a column 'variant', and so has the policy's experiment"):
        run(local, ledger, customers=earlier)
    assert local.contacts == []

    silent = {"template": {"display_name": "silent {{ plan }}"}, "conversation": SILENT}
    unread = OutreachPolicy.model_validate({"variants": {"silent": {"share": 0.4, **silent}}})
    run(local, ledger, customers=earlier, policy=unread)
    assert len(local.contacts) == COUNT


def test_a_variants_template_that_fits_no_table_stops_everything_before_it_begins(
    local: LocalConnect, ledger: str
) -> None:
    wrong = OutreachPolicy.model_validate(
        {"variants": {"b": {"share": 0.01, "template": {"display_name": "{{ nmae }}"}}}}
    )

    with pytest.raises(InputError, match=r"Variant 'b': .*did you mean 'name'"):
        run(local, ledger, policy=wrong)

    assert local.contacts == []
    with Ledger(ledger) as opened:
        assert opened.campaigns() == []
