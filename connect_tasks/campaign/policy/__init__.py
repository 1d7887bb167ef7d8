"""Policy: who may be contacted now, later or never; pure, but for reading a file."""

from connect_tasks.campaign.policy.communication_limits import (
    CommunicationLimit,
    CommunicationLimits,
)
from connect_tasks.campaign.policy.communication_time import CommunicationTime, RestrictedPeriod
from connect_tasks.campaign.policy.decide import decide
from connect_tasks.campaign.policy.judge import PolicyJudge
from connect_tasks.campaign.policy.open_hours import OpenHours, TimeWindow
from connect_tasks.campaign.policy.opt_out import OptOut
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.policy.ramp import Ramp
from connect_tasks.campaign.policy.variant import Variant
from connect_tasks.ledger.verdicts import (
    Allow,
    Customer,
    Decision,
    Defer,
    History,
    HoldOut,
    Rule,
    Suppress,
    Suppression,
    Verdict,
    Why,
)

__all__ = [
    "Allow",
    "CommunicationLimit",
    "CommunicationLimits",
    "CommunicationTime",
    "Customer",
    "Decision",
    "Defer",
    "History",
    "HoldOut",
    "OpenHours",
    "OptOut",
    "OutreachPolicy",
    "PolicyJudge",
    "Ramp",
    "RestrictedPeriod",
    "Rule",
    "Suppress",
    "Suppression",
    "TimeWindow",
    "Variant",
    "Verdict",
    "Why",
    "decide",
]
