"""Who opted out is contacted by no campaign, counted at a local Amazon Connect."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from connect_tasks.campaign.planning import plan_campaign
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.run import run_campaign
from connect_tasks.campaign.suppression import suppress, unsuppress
from connect_tasks.emulator import LocalConnect, LocalQuotas
from connect_tasks.errors import InputError
from connect_tasks.ledger.contact import Contact
from connect_tasks.ledger.erasure import forget
from connect_tasks.ledger.store import Ledger
from connect_tasks.tasks import preview, validate_customers
from tests.functional.hand_over_world import App, HandOverWorld

NAMES = ["news", "renewals", "service"]


@dataclass
class Campaigns(HandOverWorld):
    """Several campaigns of one ledger that hand their chats over."""

    def plan_in(
        self, campaign: str, customers: Sequence[str], policy: OutreachPolicy | None = None
    ) -> None:
        now = datetime.now(UTC)
        self.ledger.open_campaign(
            campaign,
            self.local.instance_id,
            now=now,
            mode="hand_over",  # type: ignore[arg-type]
            policy=policy.model_dump(mode="json") if policy else None,
        )
        renderer = self.template.bind(
            instance_id=self.local.instance_id, contact_flow_id=self.local.flow_id
        )
        rows = [{"customer_id": name, "display_name": "Ada"} for name in customers]
        plan_campaign(self.ledger, campaign, [rows], renderer, now=now)

    def run_in(self, campaign: str, ledger: Ledger | None = None) -> None:
        run_campaign(
            ledger or self.ledger, campaign, self.instance(), hand_over=App(), poll_seconds=0.02
        )

    def made(self) -> Counter[str]:
        """How many chats each customer has at Amazon."""
        return Counter(str(one.customer_id).strip() for one in self.local.contacts)

    def stands(self, campaign: str) -> dict[str, tuple[str, str | None]]:
        return {
            row["customer_id"]: (row["status"], row["error_code"])
            for row in self.ledger.contact_records(campaign, latest_only=True)
        }


@pytest.fixture
def here(ledger_url: str) -> Iterator[Campaigns]:
    quotas = LocalQuotas.unlimited()
    with LocalConnect(flow="survey", quotas=quotas) as local, Ledger(ledger_url) as ledger:
        yield Campaigns(local, ledger)


def test_who_opts_out_while_planned_in_several_campaigns_is_contacted_by_none(
    here: Campaigns,
) -> None:
    for name in NAMES:
        here.plan_in(name, ["ada", "bob", "cyd"])
    suppress([" bob"], reason="complaint", ledger=here.ledger)
    for name in NAMES:
        here.run_in(name)

    assert here.made() == {"ada": 3, "cyd": 3}
    assert {here.stands(name)["bob"] for name in NAMES} == {("withheld", "opted_out")}


def test_a_list_holds_where_a_policy_names_it_and_all_holds_everywhere(here: Campaigns) -> None:
    here.plan_in("news", ["ada", "bob", "cyd"], OutreachPolicy(suppression=["marketing"]))
    here.plan_in("service", ["ada", "bob", "cyd"])
    suppress("ada", list="marketing", ledger=here.ledger)
    suppress("bob", ledger=here.ledger)
    for name in ("news", "service"):
        here.run_in(name)

    assert here.made() == {"ada": 1, "cyd": 2}
    assert here.stands("service")["ada"][0] == "started"


def test_who_opts_out_after_they_were_claimed_is_not_called(
    here: Campaigns, ledger_url: str
) -> None:
    class OptsOut(Ledger):
        def claim(self, *args: Any, **options: Any) -> list[Contact]:
            claimed = super().claim(*args, **options)
            if any(one.customer_id == "bob" for one in claimed):
                suppress("bob", ledger=here.ledger)
            return claimed

    here.plan_in("renewals", ["ada", "bob"])
    with OptsOut(ledger_url) as own:
        here.run_in("renewals", own)

    assert here.made() == {"ada": 1}
    assert here.stands("renewals")["bob"] == ("withheld", "opted_out")


def test_who_was_forgotten_is_not_contacted_under_whatever_looks_like_their_id(
    here: Campaigns,
) -> None:
    here.plan_in("news", ["kunde 7", "ada"])
    suppress("kunde 7", ledger=here.ledger)
    here.run_in("news")
    forget("kunde 7", here.ledger.url)
    here.plan_in("service", ["kunde\N{NO-BREAK SPACE}7\N{ZERO WIDTH SPACE} ", "ada", "bob"])
    here.run_in("service")

    assert here.made() == {"ada": 2, "bob": 1}


def test_who_is_taken_off_the_list_is_contacted_by_the_next_table(here: Campaigns) -> None:
    here.plan_in("news", ["ada"])
    suppress("ada", ledger=here.ledger)
    here.run_in("news")
    before = here.made()
    unsuppress("ada", ledger=here.ledger)
    here.plan_in("news", ["ada"])
    here.run_in("news")

    assert (before, here.made()) == (Counter(), Counter({"ada": 1}))


def test_nobody_is_suppressed_by_a_table_that_is_refused(here: Campaigns) -> None:
    here.plan_in("news", ["ada"])
    with pytest.raises(InputError, match="row 1: customer_id: is required"):
        suppress(["ada", None], ledger=here.ledger)
    here.run_in("news")

    assert here.made() == {"ada": 1}


# --- a policy's lists beside the ledger's ---


@pytest.fixture(name="invited")
def _invited(here: Campaigns) -> Callable[..., Any]:
    """Plans a table, or says what would come of it."""
    table = pd.DataFrame({"customer_id": ["ada"], "display_name": ["Ada"]})

    def call(look: Any, *lists: str) -> Any:
        return look.fn(
            table,
            None,
            campaign="news",
            connect=here.local.instance(),
            ledger=here.ledger.url,
            policy=OutreachPolicy(suppression=lists),
        )

    return call


@pytest.mark.parametrize("look", [validate_customers, preview], ids=["plan", "preview"])
def test_a_policy_that_names_another_list_by_a_slip_is_refused_before_anything_is_written(
    here: Campaigns, invited: Callable[..., Any], look: Any
) -> None:
    suppress("ada", list="marketing", ledger=here.ledger)
    with pytest.raises(InputError, match="write 'marketing'"):
        invited(look, "Marketing")

    assert here.ledger.campaigns() == []


@pytest.mark.parametrize("look", [validate_customers, preview], ids=["plan", "preview"])
@pytest.mark.parametrize("slip", ["markting", "marketng", "marketing-2"])
def test_a_policy_whose_list_is_nearly_another_one_is_refused_before_anything_is_written(
    here: Campaigns, invited: Callable[..., Any], look: Any, slip: str
) -> None:
    suppress("ada", list="marketing", ledger=here.ledger)
    with pytest.raises(InputError, match=rf"{slip}', on which nobody is, and there is 'marketing'"):
        invited(look, slip)

    assert here.ledger.campaigns() == []


@pytest.mark.parametrize("look", [validate_customers, preview], ids=["plan", "preview"])
def test_a_list_on_which_nobody_is_yet_is_told_also_beside_a_near_one_that_is_named_too(
    here: Campaigns,
    invited: Callable[..., Any],
    look: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    suppress("ada", list="marketing", ledger=here.ledger)
    caplog.set_level(logging.WARNING)
    came_of_it = invited(look, "marketing", "markting")

    told = [one.getMessage() for one in caplog.records if "nobody is on" in one.getMessage()]
    assert len(told) == 1
    assert "list 'markting'" in told[0]
    assert look is not preview or "Warning: nobody is on the suppression" in f"{came_of_it}"
