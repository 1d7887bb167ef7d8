"""Find out whether an instance, its flow and its credentials are ready, without starting a chat."""

from logging import INFO, WARNING

from httpx import HTTPError
from prefect.artifacts import create_markdown_artifact

from connect_tasks.aws.preflight.report import ConnectionReport, Verdict
from connect_tasks.blocks import InstanceParameter
from connect_tasks.errors import CampaignWideError
from connect_tasks.flows.table_flow import table_flow
from connect_tasks.tasks.artifacts import artifact_key
from connect_tasks.tasks.run_context import in_run, run_logger

__all__ = ["verify"]


@table_flow(name="verify-instance", flow_run_name="verify {connect.instance_id}")
def verify(
    connect: InstanceParameter,
) -> ConnectionReport:
    """Say in plain words what the credentials can and cannot do on an instance.

    No chat is started. The findings are in the log, one line each, and in an artifact.

    Args:
        connect: A saved Amazon Connect instance, or its name; in Python also one that is not saved.

    Returns:
        The findings.

    Raises:
        CampaignWideError: No campaign can run; the message says why, and what to do.

    Example:
        ```python
        from connect_tasks.flows.verify import verify

        print(verify("production"))
        ```
    """
    report = connect.check_connection()
    log = run_logger()
    for finding in report.findings:
        log.log(WARNING if finding.verdict is Verdict.NO else INFO, "%s", finding)
    _publish(report)
    if not report.can_run:
        reasons = (f"{found.subject}: {found.text} {found.advice}" for found in report.obstacles)
        raise CampaignWideError(" ".join((report.headline, *reasons)).strip())
    return report


def _publish(report: ConnectionReport) -> None:
    if not in_run():
        return
    try:
        create_markdown_artifact(
            markdown=report.to_markdown(),
            key=artifact_key("verify", report.instance_id),
            description=report.headline,
            _sync=True,  # type: ignore[call-arg]
        )
    except HTTPError as error:
        run_logger().warning("the findings cannot be shown in Prefect: %s", type(error).__name__)
