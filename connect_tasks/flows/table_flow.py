"""A flow that takes tables: keeps them out of Prefect's database, says how it ended.

Prefect records a flow's parameters whole, as JSON. A table of customers has no business there,
and beyond 512 KB the call fails with an error that repeats every row.
"""

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar, cast

from prefect import Flow
from prefect.context import FlowRunContext
from prefect.exceptions import ParameterTypeError
from prefect.states import Completed
from pydantic import WithJsonSchema

from connect_tasks.aws.problems import did_you_mean, plain_rule
from connect_tasks.blocks import OutreachPolicyBlock
from connect_tasks.blocks.ephemeral_server import patient_start
from connect_tasks.campaign.forecast import Forecast
from connect_tasks.campaign.results import CampaignResult
from connect_tasks.campaign.suppression_rows import names_table
from connect_tasks.databases.addresses import hide_password
from connect_tasks.databases.opening import Database, is_database
from connect_tasks.errors import ConnectTasksError, InputError
from connect_tasks.flows.form_order import as_form
from connect_tasks.flows.lost_server import kept, with_or_without_server
from connect_tasks.tables.destinations import check_place
from connect_tasks.tables.fingerprint import describe, is_table
from connect_tasks.tables.streams import kept as kept_table
from connect_tasks.tasks.run_context import may_tell_ids
from connect_tasks.tasks.run_log import plain_errors
from connect_tasks.testing.result import RegressionResult

__all__ = ["TABLE_FORM", "HandOverParameter", "TableFlow", "table_flow"]

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")

TABLE_FORM = WithJsonSchema(
    {
        "type": "string",
        "title": "Customers",
        "description": "Path or URI of a table with one row per customer: CSV, Parquet, JSON lines "
        "or a spreadsheet; or a query, as connector://NAME/query.sql.",
        "minLength": 1,
    }
)
"""How a table parameter looks in the form of a deployment: a path or URI."""

HandOverParameter = Annotated[
    Any,
    WithJsonSchema(
        {
            # Deployments send what was left out as null.
            "anyOf": [{"type": "string"}, {"type": "null"}],
            "title": "Hand over",
            "description": "Where the function is that gives each started chat to its customer: "
            "package.module:function. Left out, our side speaks.",
        }
    ),
]
"""A hand-over as a parameter: in the form of a deployment its place; in Python also a function."""

# What a call of any flow of Prefect's takes besides the flow's own parameters.
_PREFECTS_OWN = ("return_state", "wait_for")
_TABLES = ("customers", "cases")
# What they are is told, and not what they hold.
_NOT_RECORDED = {"connect", "hand_over", "world"}
# What may be a URI, and a password or a signature in it.
_PLACES = {*_TABLES, "world", "save_to", "base_url"}
# Before each thing that Prefect finds wrong with parameters.
_ITEM = "\n - "


class TableFlow(Flow[Parameters, Returned]):
    """A flow whose `customers` or `cases` parameter may be a DataFrame, or a table of its kinds.

    Prefect is given a summary instead (rows, columns, fingerprint), the `ledger` without its
    password, and of an instance at `connect` which it is, without credentials. A run that returns a
    `CampaignResult`, a `Forecast` or a `RegressionResult` ends in a state with its counts (ADR
    0016). In all else it is a flow like any other: `deploy`, `serve` and `with_options` work.
    """

    def __init__(self, fn: Callable[Parameters, Returned], **options: Any) -> None:
        super().__init__(fn=fn, **options)
        self.fn = _concluding(plain_errors(fn))
        self.__signature__ = as_form(fn)

    # Prefect's overloads say more of a call than could be said here.
    if not TYPE_CHECKING:

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            """Run the flow, and return what it returns.

            Raises:
                InputError: An argument is missing, unknown or given twice.
                ConnectTasksError: What the flow raises, without Prefect's frames unless Prefect
                    logs at the level DEBUG.
                KeyboardInterrupt: Somebody pressed Ctrl-C, or stopped the notebook's cell.
            """
            _check_arguments(self.fn, args, kwargs)
            args, kwargs = _kept_tables(self.fn, args, kwargs)
            call = functools.partial(super().__call__, *args, **kwargs)
            try:
                with patient_start():
                    return with_or_without_server(
                        call, return_state=bool(kwargs.get("return_state"))
                    )
            except (ConnectTasksError, KeyboardInterrupt) as error:
                if logging.getLogger("prefect.flow_runs").isEnabledFor(logging.DEBUG):
                    raise
                raise error.with_traceback(None) from None

    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Check and convert the parameters; what is wrong is raised, and nothing is logged."""
        try:
            with _silent("prefect.flows"):
                valid = super().validate_parameters(parameters)
        except ParameterTypeError as error:
            raise InputError(_in_one_line(self.name, error)) from None
        # Before anything is sent: where its results cannot go is no campaign.
        _check_place(valid.get("save_to"))
        return valid

    def serialize_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """What Prefect records of the parameters."""
        return super().serialize_parameters(
            {name: _recorded(name, _unsaved(value)) for name, value in parameters.items()}
        )

    def with_options(self, **options: Any) -> "TableFlow[Parameters, Returned]":
        """The same flow with other options; see Prefect's `Flow.with_options`."""
        flow = super().with_options(**options)
        # Prefect makes a plain Flow here, which would record the table after all.
        flow.__class__ = type(self)
        flow.__signature__ = self.__signature__  # type: ignore[attr-defined]
        return flow  # type: ignore[return-value]


def _check_arguments(fn: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> None:
    """Prefect's own error repeats every argument, a table of customers with it."""
    signature = inspect.signature(fn)
    given = {name: value for name, value in kwargs.items() if name not in _PREFECTS_OWN}
    try:
        signature.bind(*args, **given)
    except TypeError as error:
        wrong = str(error)
        for name in given.keys() - signature.parameters.keys():
            wrong = f"there is no argument {name!r}{did_you_mean(name, signature.parameters)}"
        raise InputError(f"{fn.__name__}: {wrong}.") from None


def _check_place(save_to: Any) -> None:
    if is_database(save_to):
        Database(save_to)
    elif save_to:
        check_place(save_to)


def _kept_tables(fn: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """The arguments, with what may give its rows only once in a form that gives them again."""
    named = {name: value for name, value in kwargs.items() if name in _TABLES}
    places = list(inspect.signature(fn).parameters)
    kept_args = [
        kept_table(value, of=name) if name in _TABLES else value
        for name, value in zip(places, args, strict=False)
    ]
    return kept_args, {**kwargs, **{n: kept_table(value, of=n) for n, value in named.items()}}


def _in_one_line(flow: str, error: ParameterTypeError) -> str:
    wrong = str(error).partition(_ITEM)[2] or str(error)
    told = "; ".join(map(_plain, wrong.split(_ITEM)))
    return f"The flow {flow} cannot be run with these parameters: {told}."


def _plain(item: str) -> str:
    name, colon, sentence = item.partition(": ")
    return f"{name}{colon}{plain_rule(sentence)}"


def _concluding(fn: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
    """The function, with a state in place of a result where Prefect runs it as a flow."""
    fn = kept(fn)

    @functools.wraps(fn)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
        returned = fn(*args, **kwargs)
        context = FlowRunContext.get()
        if context is None or context.flow is None or context.flow.fn is not run:
            return returned
        return cast("Returned", _final_state(returned))

    return run


def _final_state(returned: Any) -> Any:
    if isinstance(returned, Forecast):
        return Completed(message=f"Nothing was sent. {returned.summary}", data=returned)
    if isinstance(returned, RegressionResult):
        return Completed(
            name="As expected" if returned.passed else "Differences",
            message=returned.summary,
            data=returned,
        )
    if isinstance(returned, CampaignResult):
        ended = returned.conclusion
        return Completed(name=ended.name, message=ended.message, data=returned)
    return returned


def _recorded(name: str, value: Any) -> Any:
    if name in _TABLES and not isinstance(value, str | PurePath | None):
        return describe(value) if is_table(value) else f"<{type(value).__name__}>"
    is_id = name == "customers" and isinstance(value, str) and not names_table(value)
    if (is_id or (name == "customer_id" and isinstance(value, str))) and not may_tell_ids():
        return "<an id>"
    if isinstance(value, str) and (name == "ledger" or (name in _PLACES and _is_uri(value))):
        return hide_password(value)
    if name == "connect" and hasattr(value, "contact_flow_id"):
        # Prefect masks a secret key, but not the session token beside it.
        return {"instance_id": value.instance_id, "contact_flow_id": value.contact_flow_id}
    if name in _NOT_RECORDED and not isinstance(value, str | PurePath | None):
        return f"<{type(value).__name__}>"
    return value


def _is_uri(place: str) -> bool:
    return "://" in place or is_database(place)


def _unsaved(value: Any) -> Any:
    """A policy as it is now: what is saved under its name may change."""
    return value.policy if isinstance(value, OutreachPolicyBlock) else value


@contextmanager
def _silent(logger_name: str) -> Iterator[None]:
    """Prefect logs all parameters of a call when one of them is wrong: tables, credentials."""
    logger = logging.getLogger(logger_name)
    logger.addFilter(_drop)
    try:
        yield
    finally:
        logger.removeFilter(_drop)


def _drop(_: logging.LogRecord) -> bool:
    return False


def table_flow(
    **options: Any,
) -> Callable[[Callable[Parameters, Returned]], TableFlow[Parameters, Returned]]:
    """Make a `TableFlow` of a function with a `customers` parameter; options as for `@flow`.

    Example:
        ```python
        from connect_tasks.flows import table_flow

        @table_flow(name="count")
        def count(customers):
            return len(customers)
        ```
    """

    def decorate(function: Callable[Parameters, Returned]) -> TableFlow[Parameters, Returned]:
        return TableFlow(fn=function, **options)

    return decorate
