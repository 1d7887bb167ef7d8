"""The report: a campaign as one HTML page for whoever ordered it."""

from connect_tasks.campaign.report.figures import Stage, stages
from connect_tasks.campaign.report.page import render_report

__all__ = ["Stage", "render_report", "stages"]
