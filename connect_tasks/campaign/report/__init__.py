"""The report: a campaign as one HTML page for whoever ordered it."""

from connect_tasks.campaign.report.page import render_report
from connect_tasks.campaign.report.steps import WHOLE, Stage, stages

__all__ = ["WHOLE", "Stage", "render_report", "stages"]
