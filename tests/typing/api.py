"""How the public API is used, for the type checker alone: this file is never run."""

from typing import assert_type

import pandas as pd

from connect_tasks import (
    ChatTemplate,
    Conversation,
    Quotas,
    RetryPolicy,
    StartChatContactRequest,
    StartChatContactResponse,
    client_token,
)
from connect_tasks.blocks import AmazonConnectInstance, OutreachPolicyBlock
from connect_tasks.campaign.forecast import Forecast
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.inviting import Invited
from connect_tasks.campaign.outlook import Outlook
from connect_tasks.campaign.planning import Plan
from connect_tasks.campaign.policy import OutreachPolicy
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.chat.single import HeldChat, StartedChat
from connect_tasks.emulator import LocalConnect
from connect_tasks.flows.invite import invite, revoke
from connect_tasks.flows.outreach import outreach
from connect_tasks.tasks import (
    collect_responses,
    hold_chat,
    issue_invitations,
    preview,
    start_chat,
    start_chats,
    stop_chat,
    validate_customers,
)

with LocalConnect(flow="survey") as local:
    instance = local.instance(quotas=Quotas(starts_per_second=20))
    assert_type(instance, AmazonConnectInstance)

customers = pd.DataFrame({"customer_id": ["0042"]})
template = ChatTemplate(display_name="Ada", initial_message="Hello")
conversation = Conversation(messages=("{{ score }}",), close="leave_open")

result = outreach(
    customers, template, campaign="renewals", connect=instance, conversation=conversation
)
assert_type(result, CampaignResult)
assert_type(result.contacts, pd.DataFrame)
assert_type(result.messages, pd.DataFrame)

policy = OutreachPolicy(suppression=("marketing",))
for given in (
    policy,
    OutreachPolicyBlock(policy=policy),
    "evenings",
    {"suppression": ["news"]},
    None,
):
    outreach(customers, campaign="renewals", connect=instance, policy=given, when_deferred="wait")
assert_type(preview.fn(customers, template, instance, policy="policy.toml").outlook, Outlook)

assert_type(client_token("renewals", "0042"), str)
assert_type(
    RetryPolicy().next_wait(attempt=1, elapsed_seconds=0, random=__import__("random").Random()),
    float | None,
)
assert_type(validate_customers.fn(customers, campaign="renewals", connect=instance), Plan)
assert_type(preview.fn(customers, template, instance, conversation), Forecast)
assert_type(start_chats.fn("renewals", connect=instance), Funnel)
assert_type(collect_responses.fn("renewals"), CampaignResult)
plan = validate_customers.fn(customers, campaign="renewals", connect=instance)
address = "https://chat.example.com"
assert_type(issue_invitations.fn(plan, base_url=address), Invited)
assert_type(
    invite(customers, campaign="renewals", connect=instance, base_url=address), CampaignResult
)
assert_type(revoke("renewals", ["0042"]), int)
request = StartChatContactRequest.from_wire({})
chat = start_chat.fn(request, instance)
assert_type(chat, StartedChat)
answer: StartChatContactResponse = chat
held = hold_chat.fn(chat, "my-instance", conversation, messages=("9",))
assert_type(held, HeldChat)
assert_type(held.messages, pd.DataFrame)
assert_type(hold_chat(start_chat({"customer_id": "0042"}, instance), instance), HeldChat)
stop_chat.fn("contact", "my-instance")
