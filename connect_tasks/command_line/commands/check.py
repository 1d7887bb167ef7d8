"""`check`: what is missing for a campaign, each thing with what to do."""

import os
from typing import TYPE_CHECKING, cast

from connect_tasks.command_line.options import Given, Options
from connect_tasks.command_line.outcome import Outcome

if TYPE_CHECKING:
    from connect_tasks.aws.preflight.report import ConnectionReport
    from connect_tasks.blocks import AmazonConnectInstance
    from connect_tasks.command_line.exit_codes import ExitCode

__all__ = ["check"]


def check(*, options: Given = None) -> Outcome:
    """Say what is missing: credentials, permissions, quotas, storage, ledger, keys of links.

    No chat is started, and nobody is contacted. What is missing is said with what to do about it.

    Args:
        options: What all commands take.
    """
    from dataclasses import replace

    from connect_tasks.blocks import load_instance
    from connect_tasks.command_line.calling import unreachable_told
    from connect_tasks.command_line.instance import instance_of
    from connect_tasks.command_line.prefect_server import answering_server
    from connect_tasks.command_line.readiness import readiness

    settings = (options or Options()).settings(of_campaign=False)
    with unreachable_told():
        instance = cast("AmazonConnectInstance", load_instance(instance_of(settings)))
    report = instance.check_connection(outbound=settings.text_out)
    besides = readiness(settings, os.environ, answering_server)
    return _outcome(replace(report, findings=(*report.findings, *besides)))


def _outcome(report: "ConnectionReport") -> Outcome:
    findings = [
        {
            "subject": finding.subject,
            "verdict": finding.verdict.value,
            "text": finding.text,
            "advice": finding.advice,
            "is_obstacle": finding.is_obstacle,
        }
        for finding in report.findings
    ]
    document = {
        "instance_id": report.instance_id,
        "can_run": report.can_run,
        "findings": findings,
    }
    return Outcome(text=str(report), document=document, code=_code(report))


def _code(report: "ConnectionReport") -> "ExitCode":
    from connect_tasks.aws.preflight.report import Verdict
    from connect_tasks.command_line.exit_codes import ExitCode

    if report.obstacles:
        subjects = {finding.subject for finding in report.obstacles}
        return ExitCode.LEDGER if subjects == {"Ledger"} else ExitCode.HALTED
    is_missing = any(finding.verdict is Verdict.NO for finding in report.findings)
    return ExitCode.LOOK if is_missing else ExitCode.DONE
