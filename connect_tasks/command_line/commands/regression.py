"""`regression`: the cases of a table, played with a contact flow."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from connect_tasks.command_line.options import Given, Options
from connect_tasks.command_line.outcome import Outcome

if TYPE_CHECKING:
    from connect_tasks.command_line.settings import Settings
    from connect_tasks.testing.result import RegressionResult

__all__ = ["regression"]


def regression(
    cases: str,
    /,
    *,
    flow: str | None = None,
    world: str | None = None,
    every_line: Annotated[bool, Parameter(negative="")] = False,
    junit: str | None = None,
    options: Given = None,
) -> Outcome:
    """Play the cases of a table, and say what came otherwise than expected.

    With --flow they are rehearsed on this machine, in virtual time, and nobody is contacted.
    Without it each case is a real contact on the instance of the settings, and each run a campaign
    of its own unless --campaign names one.

    Args:
        cases: The path or URI of a table with what is said and expected.
        flow: The flow's file, as it is exported from the console.
        world: What stands around it: bots, queues, hours, functions. Only with --flow.
        every_line: A line that no row expects is a difference, too.
        junit: Where the result is written as JUnit XML: a file, or an `s3://` URI.
        options: What all commands take.
    """
    from connect_tasks.command_line.calling import call_flow

    given = options or Options()
    settings = given.settings(of_campaign=flow is None)
    parameters: dict[str, Any] = {"connect": flow, "world": world, "every_line": every_line}
    if flow is None:
        parameters |= _on_instance(settings, given)
    result = call_flow(
        "regression:regression", settings, given.output, cases, junit=junit, **parameters
    )
    return _outcome(result)


def _on_instance(settings: "Settings", given: Options) -> dict[str, Any]:
    from connect_tasks.command_line.instance import instance_of

    # The settings' campaign is one of customers, and its messages are theirs.
    return {
        "connect": instance_of(settings),
        "campaign": given.typed_campaign,
        "ledger": settings.campaign.ledger,
    }


def _outcome(result: "RegressionResult") -> Outcome:
    from connect_tasks.command_line.exit_codes import ExitCode
    from connect_tasks.command_line.tables import records_of

    return Outcome(
        text=f"{result.difference}\n{result.flow}: {result.summary}".lstrip("\n"),
        document={
            "flow": result.flow,
            "passed": result.passed,
            "summary": result.summary,
            "warnings": list(result.warnings),
            "cases": records_of(result.table),
        },
        code=ExitCode.DONE if result.passed else ExitCode.LOOK,
    )
