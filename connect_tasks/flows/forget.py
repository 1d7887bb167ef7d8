"""Take a customer, or all of a campaign, out of the ledger; nobody is contacted again for it."""

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run
from pydantic import SecretStr

from connect_tasks.flows.table_flow import table_flow
from connect_tasks.ledger import erasure
from connect_tasks.ledger.erasure import Erased
from connect_tasks.tasks.run_context import ledger_url, run_logger

__all__ = ["erase", "forget"]


@table_flow(name="forget-customer", flow_run_name="forget a customer")
def forget(
    customer_id: SecretStr,
    campaign: str | None = None,
    ledger: str | None = None,
    *,
    unread: bool = False,
) -> Erased:
    """Take one customer out of the ledger; that they were contacted stays, under a hash.

    Refused while a chat with them is under way, its outcome is unknown, or what they said in it
    was not read yet.

    Args:
        customer_id: Whom to forget. Prefect shows it to nobody.
        campaign: Only in this campaign; in every campaign when left out.
        ledger: SQLAlchemy URL of the ledger; `$CONNECT_TASKS_LEDGER` or a file in
            `.connect_tasks` when left out.
        unread: Forget them also where what they said was not read yet: an opt-out in it is lost.

    Returns:
        How much was taken out.
    """
    name = customer_id.get_secret_value()
    try:
        erased = erasure.forget(name, ledger_url(ledger), campaign=campaign, unread=unread)
    finally:
        _take_back(customer_id, campaign, ledger, unread=unread)
    _tell(erased)
    return erased


@table_flow(name="erase-campaign", flow_run_name="erase {campaign}")
def erase(campaign: str, ledger: str | None = None, *, unread: bool = False) -> Erased:
    """Take all customers of a campaign out of the ledger; its counts and times stay.

    Refused while something of the campaign is under way, unknown, or not read yet.

    Args:
        campaign: The campaign's name.
        ledger: SQLAlchemy URL of the ledger.
        unread: Also customers whose words were not read yet: an opt-out in them is lost.

    Returns:
        How much was taken out.
    """
    erased = erasure.erase(campaign, ledger_url(ledger), unread=unread)
    _tell(erased)
    return erased


def _tell(erased: Erased) -> None:
    run_logger().info(
        "%s contacts were forgotten, %s messages and %s refused rows with them%s",
        erased.contacts,
        erased.messages,
        erased.refusals,
        "" if erased.overwritten else "; the ledger was in use: run this again to overwrite it",
    )


def _take_back(
    customer_id: SecretStr, campaign: str | None, ledger: str | None, *, unread: bool
) -> None:
    """A deployment's parameters are recorded before our code runs, and readable."""
    if flow_run.id is None:
        return
    given = {
        "customer_id": customer_id,
        "campaign": campaign,
        "ledger": ledger,
        "unread": unread,
    }
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(flow_run.id, parameters=forget.serialize_parameters(given))
    except HTTPError as error:
        run_logger().warning(
            "Prefect could not be told (%s) to hide whom this was about: if the run was started "
            "from a deployment, delete it in Prefect: prefect flow-run delete %s",
            type(error).__name__,
            flow_run.id,
        )
