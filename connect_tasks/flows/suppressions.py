"""Say whom nobody is to contact: put customers on a list, take them off it, list them.

Ids are in the ledger and in the files, and nowhere in Prefect but where a deployment's run was
given some.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import WithJsonSchema

from connect_tasks.campaign import suppression
from connect_tasks.campaign.policy.field_rules import Duration
from connect_tasks.flows.table_flow import table_flow
from connect_tasks.ledger.suppression_lists import ALL
from connect_tasks.tasks.run_context import run_logger

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["suppress", "suppressed", "unsuppress"]

_CUSTOMERS = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "minLength": 1},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
        ],
        "title": "Customers",
        "description": "Path or URI of a CSV or Parquet file with a column customer_id, or ids.",
    }
)


@table_flow(name="suppress", flow_run_name="suppress on list {list}")
def suppress(
    customers: Annotated[Any, _CUSTOMERS],
    *,
    list: str = ALL,  # noqa: A002 - a field's name
    reason: str = "person",
    source: str = "",
    expires_at: datetime | None = None,
    expires_after: Duration | None = None,
    ledger: str | None = None,
    new_list: bool = False,
) -> int:
    """Put customers on a list of those whom nobody is to contact. It holds from the next call on.

    Who is on the list stays as they came to it, unless it is for longer now. Run again, it changes
    nothing. Nothing is written if a row cannot be used.

    Args:
        customers: The path or URI of a CSV or Parquet file with a column `customer_id`, and
            `list`, `reason`, `source` and `expires_at` as far as rows differ in them; or ids. In
            Python also a DataFrame.
        list: Which list: `all` holds in every campaign, another one where a policy names it.
        reason: Why, in a word, such as person, complaint, import.
        source: Where that came from, such as a ticket's number.
        expires_at: Until when it holds; UTC where it names no zone. For good when left out.
        expires_after: The same, from now on; in Prefect's form as `P90D`. A number alone, which
            would be one of seconds, is refused.
        ledger: SQLAlchemy URL of the ledger; `$CONNECT_TASKS_LEDGER` or a file in
            `.connect_tasks` when left out.
        new_list: Whether a list is made also where another one is called nearly so, as `news-de`
            beside `news-fr`.

    Returns:
        How many came onto a list, or are on it for longer.

    Raises:
        InputError: A row or an argument cannot be used, or a list is not there and another one is
            called nearly so. Nothing was written.
        LedgerError: The ledger cannot be written.

    Example:
        ```python
        from connect_tasks.flows.suppressions import suppress

        suppress(["0042", "0043"], list="marketing", reason="complaint")
        ```
    """
    added = suppression.suppress(
        customers,
        list=list,
        reason=reason,
        source=source,
        expires_at=expires_at,
        expires_after=expires_after,
        ledger=ledger,
        new_list=new_list,
    )
    run_logger().info("%d customers came onto a list, or are on it for longer", added)
    return added


@table_flow(name="unsuppress", flow_run_name="take off list {list}")
def unsuppress(
    customers: Annotated[Any, _CUSTOMERS],
    *,
    list: str = ALL,  # noqa: A002 - a field's name
    ledger: str | None = None,
) -> int:
    """Take customers off a list. What they said before this does not put them on it again.

    Args:
        customers: As `suppress` takes them; of a file the columns `customer_id` and `list` count.
        list: Which list.
        ledger: SQLAlchemy URL of the ledger; `$CONNECT_TASKS_LEDGER` or a file in
            `.connect_tasks` when left out.

    Returns:
        How many were taken off; the others were not on it.

    Raises:
        InputError: A row cannot be used, or there is no such list or ledger. Nobody was taken off.
        LedgerError: The ledger cannot be written.
    """
    removed = suppression.unsuppress(customers, list=list, ledger=ledger)
    run_logger().info("%d customers were taken off a list", removed)
    return removed


@table_flow(name="suppressed", flow_run_name="suppressed", persist_result=False)
def suppressed(
    list: str | None = None,  # noqa: A002 - a field's name
    ledger: str | None = None,
    save_to: str | None = None,
) -> "pd.DataFrame":
    """List whom nobody is to contact now. Prefect is told how many there are, and not who.

    Args:
        list: Only of this list.
        ledger: SQLAlchemy URL of the ledger; `$CONNECT_TASKS_LEDGER` or a file in
            `.connect_tasks` when left out.
        save_to: Folder or `s3://` URI for `suppressed.csv`, which `suppress` reads again; who was
            forgotten is not in it.

    Returns:
        One row for each customer and list, as of `connect_tasks.campaign.suppression.suppressed`.

    Raises:
        InputError: There is no such list, or no ledger.
    """
    table = suppression.suppressed(list=list, ledger=ledger, save_to=save_to)
    counts = table["list"].value_counts().to_dict()
    told = ", ".join(f"{count:,} on {name}" for name, count in sorted(counts.items()))
    run_logger().info("suppressed customers: %s", told or "none")
    return table
