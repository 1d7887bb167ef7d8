"""Who was withheld by the policy and then taken out by a person stays out, whatever comes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from connect_tasks import ChatTemplate, Conversation
from connect_tasks.campaign.manage import withdraw
from connect_tasks.campaign.plan import Plan
from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.suppression import suppress, unsuppress
from connect_tasks.ledger.store import Ledger

CAMPAIGN = "renewals"


def plan(ledger: Ledger, names: Sequence[str]) -> Plan:
    now = datetime.now(UTC)
    renderer = ChatTemplate(display_name="Ada").bind(
        instance_id="i-1", contact_flow_id="f-1", conversation=Conversation(settle_seconds=0)
    )
    ledger.open_campaign(CAMPAIGN, "i-1", now=now)
    rows = [{"customer_id": name} for name in names]
    return plan_campaign(ledger, CAMPAIGN, [rows], renderer, now=now)


def statuses(ledger: Ledger) -> dict[str, str]:
    return {row["customer_id"]: row["status"] for row in ledger.contact_records(CAMPAIGN)}


def test_who_opted_out_is_planned_once_they_are_back_unless_a_person_took_them_out(
    tmp_path: Path,
) -> None:
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        suppress(["0042", "0043"], ledger=ledger)
        plan(ledger, ["0042", "0043"])
        assert statuses(ledger) == {"0042": "withheld", "0043": "withheld"}

        assert withdraw(CAMPAIGN, ["0043"], ledger, reason="their wish") == 1
        unsuppress(["0042", "0043"], ledger=ledger)
        again = plan(ledger, ["0042", "0043"])

        assert statuses(ledger) == {"0042": "planned", "0043": "withheld"}
        assert (again.kept_out, again.outlook.now) == (1, 1)
        assert withdraw(CAMPAIGN, ["0043"], ledger, reason="again") == 0
