"""Prefect tasks around the package: thin, documented, and usable without Prefect by `.fn`.

A campaign is a few long task runs over the ledger, never one task run per customer: each would cost
30 ms of CPU and Prefect loses records of them by the thousand (ADR 0005). For a handful of chats in
a flow of your own there are `start_chat`, `hold_chat` and `stop_chat`.
"""

from connect_tasks.campaign import CampaignResult, Forecast, Funnel, Plan
from connect_tasks.chat.single import HeldChat, StartedChat
from connect_tasks.tasks.campaigns import collect_responses, start_chats, validate_customers
from connect_tasks.tasks.chats import hold_chat, start_chat, stop_chat
from connect_tasks.tasks.collecting import collect_contacts
from connect_tasks.tasks.forecasts import preview
from connect_tasks.tasks.invitations import issue_invitations

__all__ = [
    "CampaignResult",
    "Forecast",
    "Funnel",
    "HeldChat",
    "Plan",
    "StartedChat",
    "collect_contacts",
    "collect_responses",
    "hold_chat",
    "issue_invitations",
    "preview",
    "start_chat",
    "start_chats",
    "stop_chat",
    "validate_customers",
]
