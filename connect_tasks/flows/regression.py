"""Find out whether a contact flow still does what the cases of a table expect."""

from datetime import UTC, datetime
from secrets import token_hex
from typing import Annotated, Any

from httpx import HTTPError
from prefect.artifacts import create_table_artifact
from pydantic import BeforeValidator, WithJsonSchema

from connect_tasks.blocks import AmazonConnectInstance, load_instance
from connect_tasks.blocks.written import ConversationParameter
from connect_tasks.errors import CampaignHaltedError, InputError
from connect_tasks.flows.run_texts import named_after_cases
from connect_tasks.flows.table_flow import table_flow
from connect_tasks.tables.destinations import folder_for, parted
from connect_tasks.tasks import (
    collect_contacts,
    collect_responses,
    start_chats,
    validate_customers,
)
from connect_tasks.tasks.artifacts import artifact_key
from connect_tasks.tasks.run_context import SharedLedger, in_run, run_logger
from connect_tasks.testing.campaign_cases import CampaignCases
from connect_tasks.testing.case_table import read_cases
from connect_tasks.testing.rehearsing import is_local, rehearse_cases
from connect_tasks.testing.result import RegressionResult

__all__ = ["regression"]

_CASES_FORM = WithJsonSchema(
    {
        "type": "string",
        "title": "Cases",
        "description": "Path or URI of a CSV or Parquet file with what is said and expected.",
        "minLength": 1,
    }
)
_CONNECT_FORM = WithJsonSchema(
    {
        "type": "string",
        "title": "Connect",
        "description": "Path of the flow's file, which is rehearsed; or the name of a saved "
        "Amazon Connect instance, where each case is a real contact.",
        "minLength": 1,
    }
)
_WORLD_FORM = WithJsonSchema(
    {
        "anyOf": [{"type": "string"}, {"type": "null"}],
        "title": "World",
        "description": "Path of the world's file, where a flow's file is rehearsed.",
    }
)
# A person reads no more, and what is not there is in the result.
_MOST_SHOWN = 500


def _loaded(connect: object) -> object:
    return connect if is_local(connect) else load_instance(connect)


@table_flow(name="regression", flow_run_name=named_after_cases)
def regression(
    cases: Annotated[Any, _CASES_FORM],
    *,
    connect: Annotated[Any, BeforeValidator(_loaded), _CONNECT_FORM],
    world: Annotated[Any, _WORLD_FORM] = None,
    every_line: bool = False,
    fail_on_difference: bool = False,
    junit: str | None = None,
    campaign: str | None = None,
    conversation: ConversationParameter = None,
    ledger: str | None = None,
) -> RegressionResult:
    """Play the cases of a table with a contact flow, and say what came otherwise than expected.

    With the flow's file, as it is exported, the cases are rehearsed on this machine in virtual
    time: nobody is contacted, and a run can be repeated. With an instance, each case is a real
    contact of a campaign, in the simulation way, within the same quotas; what cannot be done there
    (silence, times, draws, another world, queues) is refused case by case, with the reason. Each
    run is a campaign of its own, unless you name one: a named one that ran before contacts nobody
    again, and tells of its contacts.

    Args:
        cases: The path or URI of a CSV or Parquet file, or a spreadsheet; in Python also a
            DataFrame. `docs/test-your-flow.md` has the columns.
        connect: The path of the flow's file, or the name of a saved Amazon Connect instance; in
            Python also `LocalConnect(flow_files=[...])`, or an instance that is not saved.
        world: The path of the world's file: bots, queues, hours and functions. Only for a flow's
            file; that of the `LocalConnect` when left out.
        every_line: Whether a line that no row expects is a difference, too.
        fail_on_difference: Whether the run fails if a case does.
        junit: Where the result is written as JUnit XML: a file, or an `s3://` URI.
        campaign: The campaign's name on an instance; a new one when left out.
        conversation: How conversations are held on an instance, without messages: how long to
            wait, and when a turn is over.
        ledger: SQLAlchemy URL of the ledger, on an instance; `$CONNECT_TASKS_LEDGER` or a file in
            `.connect_tasks` when left out.

    Returns:
        `table`, one row per case; `lines`, one row per line with what was expected and what came;
        `coverage`, one row per branch of the flow, and the same as a picture.

    Raises:
        InputError: The table, the flow or the world cannot be used: all that is wrong is said, and
            nothing was played.
        CasesFailedError: A case failed, and `fail_on_difference` is set.
        CampaignHaltedError: Something concerns every contact of an instance.
        LedgerError: The ledger cannot be used.

    Example:
        ```python
        from connect_tasks.flows.regression import regression

        result = regression("cases.csv", connect="survey.json", world="survey.world.json")
        print(result.table[["case", "passed", "difference"]])
        ```
    """
    read = read_cases(cases)
    if is_local(connect):
        result = rehearse_cases(read, connect=connect, world=world, every_line=every_line)
    else:
        if world is not None:
            raise InputError("world is only for a flow's file: an instance has its own.")
        played = CampaignCases(read, conversation)
        name = campaign or _new_name(datetime.now(UTC))
        result = _on_instance(played, name, connect, ledger=ledger, every_line=every_line)
    _tell(result)
    if junit:
        folder, file = parted(junit)
        with folder_for(folder) as path:
            result.to_junit(path / file)
    if fail_on_difference:
        result.raise_for_failures()
    return result


def _new_name(now: datetime) -> str:
    """Another one at each call: a campaign contacts nobody twice."""
    return f"regression-{now:%Y-%m-%d-%H%M%S}-{token_hex(2)}"


def _on_instance(
    played: CampaignCases,
    campaign: str,
    connect: AmazonConnectInstance,
    *,
    ledger: str | None,
    every_line: bool,
) -> RegressionResult:
    with SharedLedger(ledger) as shared:
        plan = validate_customers(
            played.customers,
            campaign=campaign,
            connect=connect,
            conversation=played.conversation,
            ledger=shared,
        )
        start_chats(campaign, connect=connect, table_id=plan.table_id, ledger=shared)
        if played.needs_collecting:
            _collect(campaign, connect, shared)
        found = collect_responses(campaign, ledger=shared, plan=plan)
        results = played.results(
            found.contacts, found.messages, found.attributes, every_line=every_line
        )
    return RegressionResult(f"campaign {campaign}", results)


def _collect(campaign: str, connect: AmazonConnectInstance, ledger: SharedLedger) -> None:
    try:
        collect_contacts(campaign, connect=connect, ledger=ledger, follow=False)
    except CampaignHaltedError as error:
        # What was said is known all the same.
        run_logger().warning("end reasons and attributes cannot be compared: %s", error)


def _tell(result: RegressionResult) -> None:
    log = run_logger()
    for warning in result.warnings:
        log.warning("%s", warning)
    log.info("%s: %s", result.flow, result.summary)
    for one in result.failures:
        log.warning("case %r came otherwise: %d differences", one.case.name, one.differences)
    if in_run():
        _publish(result)


def _publish(result: RegressionResult) -> None:
    try:
        create_table_artifact(
            table=_shown(result.cases),
            key=artifact_key("regression", result.flow),
            description=result.summary,
            _sync=True,  # type: ignore[call-arg]
        )
    except HTTPError as error:
        run_logger().warning("the cases cannot be shown in Prefect: %s", type(error).__name__)


def _shown(cases: Any) -> list[dict[str, str]]:
    """The failed ones first; what they say is made up, and no customer's."""
    ordered = sorted(cases, key=lambda one: one.passed)
    return [
        {
            "case": one.case.name,
            "passed": "yes" if one.passed else "no",
            "difference": one.difference,
        }
        for one in ordered[:_MOST_SHOWN]
    ]
