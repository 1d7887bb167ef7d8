"""The Prefect server that is set: whether it answers. None is started."""

from connect_tasks.databases.addresses import hide_password

__all__ = ["answering_server"]


def answering_server() -> str | None:
    """Ask the server at `PREFECT_API_URL`, or that of Prefect's profile, whether it is there.

    Returns:
        Its URL, without a password; None where none is set.

    Raises:
        ConnectionError: It does not answer, in words.
    """
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    if not url:
        return None
    shown = hide_password(str(url))
    with get_client(sync_client=True) as client:
        trouble = client.api_healthcheck()
    if trouble is not None:
        raise ConnectionError(f"{shown} does not answer ({type(trouble).__name__})")
    return shown
