"""A campaign as one HTML page for whoever ordered it."""

from connect_tasks.campaign.report.figures import Stage, funnel
from connect_tasks.campaign.report.page import render_report

__all__ = ["Stage", "funnel", "render_report"]
