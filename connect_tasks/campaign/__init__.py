"""Many chats: a table is planned, run, managed and reported on, without Prefect."""

from connect_tasks.campaign.forecast import Forecast
from connect_tasks.campaign.funnel import Funnel
from connect_tasks.campaign.planning import Plan
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.run import run_campaign
from connect_tasks.campaign.selection import select

__all__ = ["CampaignResult", "Forecast", "Funnel", "Plan", "run_campaign", "select"]
