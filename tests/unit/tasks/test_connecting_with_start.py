"""Which requests ask for the chat's connection where the instance says so."""

import pandas as pd
import pytest

from connect_tasks import ChatTemplate
from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.policy.variant import Variant
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.tables.reading import open_table
from connect_tasks.tasks.row_templates import bind_rows

BOTH = ("WEBSOCKET", "CONNECTION_CREDENTIALS")
SAID = ChatTemplate(connection_types=("WEBSOCKET",))


def asked_for(
    template: ChatTemplate,
    *,
    mode: CampaignMode = CampaignMode.SIMULATION,
    policy: OutreachPolicy | None = None,
    with_start: bool = True,
) -> tuple[str, ...] | None:
    instance = AmazonConnectInstance(
        instance_id="i-1", contact_flow_id="f-1", connects_with_start=with_start
    )
    row = {"customer_id": "0042", "display_name": "Ada"}
    table = open_table(pd.DataFrame([row]))
    bound = bind_rows(table, template, instance, None, mode, policy or OutreachPolicy())
    request = bound.render(row).request
    assert request is not None
    return request.connection_types


def test_a_template_that_says_nothing_asks_for_both_parts() -> None:
    assert asked_for(ChatTemplate()) == BOTH
    assert asked_for(ChatTemplate(), with_start=False) is None


def test_a_template_that_says_what_to_ask_for_is_left_as_it_is() -> None:
    assert asked_for(SAID) == asked_for(SAID, with_start=False) == ("WEBSOCKET",)


def test_a_variants_template_asks_for_it_too() -> None:
    all_of_them = OutreachPolicy(variants={"b": Variant(template=ChatTemplate(), share=1)})

    assert asked_for(SAID, policy=all_of_them) == BOTH


@pytest.mark.parametrize("mode", [CampaignMode.HAND_OVER, CampaignMode.INVITATION])
def test_where_people_speak_nothing_is_asked_for(mode: CampaignMode) -> None:
    assert asked_for(ChatTemplate(), mode=mode) is None
