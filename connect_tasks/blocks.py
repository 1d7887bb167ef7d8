"""The Prefect block that says which Amazon Connect instance to use, and how fast."""

from collections.abc import Callable
from typing import Annotated, Any

from prefect.blocks.core import Block
from prefect_aws import AwsClientParameters, AwsCredentials
from pydantic import BeforeValidator, Field

from connect_tasks.aws import ClientOptions, ConnectApi
from connect_tasks.campaign import Instance
from connect_tasks.errors import InputError
from connect_tasks.pacing import Quotas
from connect_tasks.rules import instance_id as id_of_instance

__all__ = ["AmazonConnectInstance", "load_instance"]


class AmazonConnectInstance(Block):
    """An Amazon Connect instance: where chats are started, with which rights, and how fast.

    Attributes:
        instance_id: The instance's ID or ARN; the ID is kept.
        contact_flow_id: The flow that receives the chats, unless a template names another.
        aws_credentials: Who calls; without it, boto3's default chain decides.
        aws_client_parameters: How clients are made, such as another endpoint.
        quotas: What the instance grants.

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

    def connect(self) -> Instance:
        """Make what a campaign needs to call this instance. No call is made yet."""
        options = ClientOptions(parameters=self._client_parameters())
        return Instance(api=ConnectApi(self._session_maker(), options), quotas=self.quotas)

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
