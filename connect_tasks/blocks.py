"""The Prefect block that says which Amazon Connect instance to use, and how fast."""

from collections.abc import Callable
from typing import Annotated, Any

from prefect.blocks.core import Block
from prefect_aws import AwsClientParameters, AwsCredentials
from pydantic import BeforeValidator, Field, PrivateAttr

from connect_tasks.allowance import PrefectAllowance
from connect_tasks.aws import ClientOptions, ConnectApi
from connect_tasks.campaign import Instance
from connect_tasks.errors import InputError
from connect_tasks.quotas import Quotas, threads_for
from connect_tasks.rules import instance_id as id_of_instance

__all__ = ["AmazonConnectInstance", "block_name", "load_instance"]


class AmazonConnectInstance(Block):
    """An Amazon Connect instance: where chats are started, with which rights, and how fast.

    Attributes:
        instance_id: The instance's ID or ARN; the ID is kept.
        contact_flow_id: The flow that receives the chats, unless a template names another.
        aws_credentials: Who calls; without it, boto3's default chain decides.
        aws_client_parameters: How clients are made, such as another endpoint.
        quotas: What the instance grants.
        start_limit: A global concurrency limit of Prefect that starts are bought from as well.

    Example:
        Load a stored instance and run a campaign on it:
        ```python
        from connect_tasks.blocks import AmazonConnectInstance
        from flows.outreach import outreach

        instance = AmazonConnectInstance.load("BLOCK_NAME")
        outreach("customers.csv", campaign="renewals-2026-11", connect=instance)
        ```
    """

    _block_type_name = "Amazon Connect Instance"
    _block_type_slug = "amazon-connect-instance"

    instance_id: Annotated[str, BeforeValidator(id_of_instance)] = Field(
        title="Instance ID",
        description="The ID or ARN of the Amazon Connect instance.",
        min_length=1,
    )
    contact_flow_id: str = Field(
        title="Flow ID",
        description="The ID or ARN of the flow that receives the chats.",
        min_length=1,
    )
    aws_credentials: AwsCredentials | None = Field(
        default=None,
        title="AWS Credentials",
        description="Who calls Amazon; boto3's default credential chain when left out.",
    )
    aws_client_parameters: AwsClientParameters = Field(
        default_factory=AwsClientParameters,
        title="AWS Client Parameters",
        description="How clients are made, for example another endpoint URL.",
    )
    quotas: Quotas = Field(
        default_factory=Quotas,
        title="Quotas",
        description="What the instance grants; the defaults are those of a new account.",
    )
    start_limit: str | None = Field(
        default=None,
        title="Start limit",
        description="Name of a global concurrency limit in Prefect, with slot decay, that others "
        "use for the same quota too. Starts are bought from it, about a second's worth at a time.",
        min_length=1,
    )

    _api: ConnectApi | None = PrivateAttr(default=None)
    _made_of: tuple[Any, ...] = PrivateAttr(default=())

    def connect(self) -> Instance:
        """Make what a campaign needs to call this instance. Amazon is not called yet.

        Raises:
            InputError: Prefect has no `start_limit` of this name that can be bought from.
        """
        return Instance(
            api=self._kept_api(),
            quotas=self.quotas,
            threads=threads_for(self.quotas),
            allowance=PrefectAllowance(self.start_limit) if self.start_limit else None,
        )

    def _kept_api(self) -> ConnectApi:
        """Clients take long to make: they are kept until what they are made of changes."""
        credentials = self.aws_credentials
        made_of = (
            credentials.model_copy() if credentials else None,
            self.aws_client_parameters.model_copy(),
            self.quotas,
        )
        if self._api is None or self._made_of != made_of:
            self._made_of, self._api = made_of, self._new_api()
        return self._api

    def _new_api(self) -> ConnectApi:
        options = ClientOptions(
            parameters=self._client_parameters(), connections=threads_for(self.quotas)
        )
        return ConnectApi(self._session_maker(), options)

    def _session_maker(self) -> Callable[[], Any] | None:
        credentials = self.aws_credentials
        return credentials.get_boto3_session if credentials else None

    def _client_parameters(self) -> dict[str, Any]:
        credentials = self.aws_credentials
        shared = credentials.aws_client_parameters.get_params_override() if credentials else {}
        return {**shared, **self.aws_client_parameters.get_params_override()}


def load_instance(connect: object) -> object:
    """Load a saved instance by the name of its block; anything else is passed on.

    Args:
        connect: A block's name, or what is to be used as it is.

    Raises:
        InputError: No block of this name is saved.
    """
    if not isinstance(connect, str):
        return connect
    try:
        # `_sync`: inside Jupyter's event loop this would return a coroutine that nobody awaits.
        return AmazonConnectInstance.load(connect, _sync=True)  # type: ignore[call-arg]
    except ValueError as error:
        raise InputError(
            f"There is no Amazon Connect instance saved under the name {connect!r}. "
            "`prefect block ls` lists what is saved; make one in Prefect's UI after "
            "`prefect block register -m connect_tasks.blocks`, or in Python with "
            "`AmazonConnectInstance(...).save(name)`."
        ) from error


def block_name(connect: object) -> str:
    """The name of a saved instance, for flows whose parameters travel to other machines.

    Args:
        connect: A block's name.

    Raises:
        InputError: It is something else; an instance may hold secrets, which stay where they are.
    """
    if isinstance(connect, str):
        return connect
    raise InputError(
        "`connect` must be the name of a saved instance here, not the instance: it is written "
        "down in Prefect and sent to other machines, and its secrets must not be. Save it with "
        "`connect.save(name)` and pass the name."
    )
