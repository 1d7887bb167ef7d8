"""The Prefect block `AmazonConnectInstance`: which instance to use, and how fast."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from prefect.blocks.core import Block
from prefect_aws import AwsClientParameters, AwsCredentials
from pydantic import (
    BeforeValidator,
    Field,
    HttpUrl,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.aws.instance import Instance
from connect_tasks.aws.isolated_session import isolated_session
from connect_tasks.aws.preflight.outbound import judge_first_message
from connect_tasks.aws.preflight.questions import inspect_instance
from connect_tasks.aws.preflight.report import ConnectionReport, Finding, Verdict
from connect_tasks.aws.problems import RULE
from connect_tasks.aws.proxies import is_loopback
from connect_tasks.aws.quotas import Quotas, threads_for
from connect_tasks.aws.rules import flow_id
from connect_tasks.aws.rules import instance_id as id_of_instance
from connect_tasks.blocks.form_fields import AlsoByName, Folded
from connect_tasks.blocks.notebooks import AlsoInNotebooks, awaited
from connect_tasks.blocks.saved import saved
from connect_tasks.blocks.start_limit import PrefectStartLimit
from connect_tasks.chat.template.outbound_template import OutboundChatTemplate
from connect_tasks.errors import InputError

__all__ = ["AmazonConnectInstance", "InstanceParameter", "block_name", "load_instance"]

_ID = r"[A-Za-z0-9-]{1,100}"
_FLOW_ID = r"[A-Za-z0-9-]{1,100}(:[$A-Za-z0-9_-]+)?"


def _instance_id(value: object) -> object:
    found = id_of_instance(value.strip() if isinstance(value, str) else value)
    if isinstance(found, str) and not re.fullmatch(_ID, found):
        raise PydanticCustomError(
            RULE, "must be an instance ID (letters, digits and dashes) or the instance's ARN"
        )
    return found


def _awaited_credentials(value: object) -> object:
    try:
        return awaited(value, "aws_credentials")
    except InputError as error:
        raise PydanticCustomError(RULE, "{reason}", {"reason": str(error)}) from None


class AmazonConnectInstance(AlsoInNotebooks, Block):
    """An Amazon Connect instance: where chats are started, with which rights, and how fast.

    Attributes:
        instance_id: The instance's ID or ARN; the ID is kept.
        contact_flow_id: The flow that receives the chats, unless a template names another.
        aws_credentials: Who calls; without it, boto3's default chain decides.
        quotas: What the instance grants.
        start_limit: A global concurrency limit of Prefect that starts are taken from as well.
        connects_with_start: Whether each start asks for the chat's connection, too.
        aws_client_parameters: How clients are made, such as another endpoint.
        transport: What carries a campaign's calls: `lean`, without threads, or `boto3`.

    Example:
        Load a stored instance, look what its credentials can do, and run a campaign on it:
        ```python
        from connect_tasks.blocks import AmazonConnectInstance
        from connect_tasks.flows.outreach import outreach

        instance = AmazonConnectInstance.load("BLOCK_NAME")
        print(instance.check_connection())
        outreach("customers.csv", campaign="renewals-2026-11", connect=instance)
        ```
    """

    _block_type_name = "Amazon Connect Instance"
    _block_type_slug = "amazon-connect-instance"
    # The logo of all blocks for AWS; Prefect takes no picture but one at a URL.
    _logo_url = HttpUrl(str(AwsCredentials._logo_url))  # noqa: SLF001 - Prefect's name for it
    _documentation_url = HttpUrl(
        "https://docs.aws.amazon.com/connect/latest/APIReference/API_StartChatContact.html"
    )
    _description = (
        "Where a campaign starts its chats: an Amazon Connect instance, the flow that receives "
        "them, the credentials to call with, and the quotas to keep to."
    )

    instance_id: Annotated[str, BeforeValidator(_instance_id)] = Field(
        title="Instance ID or ARN",
        description="The Amazon Connect instance: the ARN on its page in the AWS console, or the "
        "ID at the end of it.",
        min_length=1,
    )
    contact_flow_id: str = Field(
        title="Flow ID or ARN",
        description="The flow that receives the chats, unless a template names another: the ARN "
        "that its page in Amazon Connect shows, or the ID at the end of it.",
        min_length=1,
    )
    aws_credentials: Annotated[AwsCredentials | None, BeforeValidator(_awaited_credentials)] = (
        Field(
            default=None,
            title="AWS credentials",
            description="Who calls Amazon. Left out: the profile or role of the machine that runs "
            "the campaign, by boto3's default chain.",
        )
    )
    quotas: Annotated[Quotas, Folded(Quotas)] = Field(
        default_factory=Quotas,
        title="Quotas",
        description="What the instance grants, as Service Quotas in the AWS console shows it. Left "
        "out: what a new account has.",
    )
    start_limit: str | None = Field(
        default=None,
        title="Start limit in Prefect",
        description="Only if others start chats on the same quota too, and count them in Prefect: "
        "the name of a global concurrency limit with slot decay. Starts are taken from it, about "
        "a second's worth at a time.",
        min_length=1,
    )
    connects_with_start: bool = Field(
        default=False,
        title="Connect with the start",
        description="Ask for a chat's connection in StartChatContact itself (ConnectionTypes), "
        "which saves CreateParticipantConnection and its quota: of use above its 6 per second. "
        "Documented by Amazon, never tried on a real instance.",
    )
    aws_client_parameters: Annotated[AwsClientParameters, Folded(AwsClientParameters)] = Field(
        default_factory=AwsClientParameters,
        title="AWS client parameters",
        description="Only for another endpoint, a proxy or certificates of your own; they hold "
        "for each AWS service that is called.",
    )

    transport: Literal["lean", "boto3"] = Field(
        default="lean",
        title="Transport",
        description="What carries a campaign's calls: the lean one sends what boto3 would send, "
        "without its threads. boto3 only if something is wrong with that.",
    )

    _api: ConnectApi | None = PrivateAttr(default=None)
    _made_of: tuple[Any, ...] = PrivateAttr(default=())

    def connect(self) -> Instance:
        """Make what a campaign needs to call this instance. Amazon is not called yet.

        Raises:
            InputError: Prefect has no `start_limit` of this name that can be used.
        """
        return Instance(
            api=self._kept_api(),
            quotas=self.quotas,
            threads=threads_for(self.quotas),
            start_limit=PrefectStartLimit(self.start_limit) if self.start_limit else None,
        )

    def check_connection(self, *, outbound: OutboundChatTemplate | None = None) -> ConnectionReport:
        """Find out what the credentials can and cannot do here. No chat is started.

        Every question is one call that changes nothing, or that cannot succeed; all of it takes
        some seconds at most. It works in a notebook, too, and a second call asks again.

        Args:
            outbound: What is to be written to phones, if anything is: then it is also looked at
                whether that is permitted, and at the number that writes.

        Returns:
            One finding for each thing that a campaign needs, in words and with what to do. What
            Amazon refuses is a finding; nothing is raised for it.

        Example:
            ```python
            from connect_tasks.blocks import AmazonConnectInstance

            report = AmazonConnectInstance.load("production").check_connection()
            print(report)
            assert report.can_run
            ```
        """
        report = inspect_instance(
            self._session_maker(),
            self._client_parameters(),
            instance_id=self.instance_id,
            flow_id=str(flow_id(self.contact_flow_id, self.instance_id)),
            most_open_chats=self.quotas.open_chats,
            starts_per_second=self.quotas.starts_per_second,
            source_number=None if outbound is None else outbound.source_number or "",
        )
        besides = (*_judged_template(outbound), *self._judged_start_limit())
        return replace(report, findings=(*report.findings, *besides))

    def _judged_start_limit(self) -> Iterator[Finding]:
        if not self.start_limit:
            return
        try:
            PrefectStartLimit(self.start_limit)
        except InputError as error:
            yield Finding("Start limit", Verdict.NO, str(error), is_obstacle=True)
        else:
            yield Finding("Start limit", Verdict.YES, f"{self.start_limit} grants starts.")

    @field_validator("contact_flow_id")
    @classmethod
    def _flow_is_of_this_instance(cls, value: str, info: ValidationInfo) -> str:
        found = flow_id(value.strip(), info.data.get("instance_id"))
        if not re.fullmatch(_FLOW_ID, str(found)):
            raise PydanticCustomError(
                RULE, "must be a flow ID (letters, digits and dashes) or the flow's ARN"
            )
        return value.strip()

    def _kept_api(self) -> ConnectApi:
        """Clients take long to make: they are kept until what they are made of changes."""
        credentials = self.aws_credentials
        made_of = (
            credentials.model_copy() if credentials else None,
            self.aws_client_parameters.model_copy(),
            self.quotas,
            self.transport,
        )
        if self._api is None or self._made_of != made_of:
            self._made_of, self._api = made_of, self._new_api()
        return self._api

    def _new_api(self) -> ConnectApi:
        options = ClientOptions(
            parameters=self._client_parameters(),
            connections=threads_for(self.quotas),
            transport=self.transport,
        )
        return ConnectApi(self._session_maker(), options)

    def _session_maker(self) -> Callable[[], Any]:
        # Credentials without anything in them mean boto3's default chain.
        credentials = self.aws_credentials or AwsCredentials()
        if is_loopback(str(self._client_parameters().get("endpoint_url", ""))):
            return partial(_local_session, credentials)
        return credentials.get_boto3_session

    def _client_parameters(self) -> dict[str, Any]:
        credentials = self.aws_credentials
        shared = credentials.aws_client_parameters.get_params_override() if credentials else {}
        return {**shared, **self.aws_client_parameters.get_params_override()}


def _local_session(credentials: AwsCredentials) -> Any:
    """A session for this machine: with keys and a Region, its AWS settings concern nobody."""
    key, secret, region = (
        credentials.aws_access_key_id,
        credentials.aws_secret_access_key,
        credentials.region_name,
    )
    if not (key and secret and region) or credentials.profile_name or credentials.assume_role_arn:
        return credentials.get_boto3_session()
    return isolated_session(key, secret.get_secret_value(), credentials.aws_session_token, region)


def load_instance(connect: object) -> object:
    """Load a saved instance by the name of its block; anything else is passed on.

    Args:
        connect: A block's name, or what is to be used as it is.

    Raises:
        InputError: No block of this name is saved, what is saved is not an instance, or it is a
            coroutine that was not awaited.
    """
    if not isinstance(connect, str):
        return awaited(connect, "connect")
    return saved(
        AmazonConnectInstance,
        connect,
        "Amazon Connect instance",
        made_by="AmazonConnectInstance(...)",
    )


if TYPE_CHECKING:
    InstanceParameter: TypeAlias = AmazonConnectInstance
else:
    InstanceParameter = Annotated[
        AmazonConnectInstance, BeforeValidator(load_instance), AlsoByName()
    ]
"""An instance as a flow's parameter: a saved block or its name; in Python also one not saved."""


def block_name(connect: object) -> str:
    """The name of a saved instance, for flows whose parameters travel to other machines.

    Args:
        connect: A block's name.

    Raises:
        InputError: It is something else; an instance may hold secrets, which stay where they are.
    """
    if isinstance(awaited(connect, "connect"), str):
        return str(connect)
    raise InputError(
        "`connect` must be the name of a saved instance here, not the instance: it is written "
        "down in Prefect and sent to other machines, and its secrets must not be. Save it with "
        "`connect.save(name)` and pass the name."
    )


def _judged_template(outbound: OutboundChatTemplate | None) -> Iterator[Finding]:
    if outbound is None:
        return
    is_templated = outbound.initial_templated_system_message is not None
    if found := judge_first_message(is_whatsapp=outbound.is_whatsapp, is_templated=is_templated):
        yield found
