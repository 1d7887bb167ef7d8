"""The Prefect block `OutreachPolicyBlock`: who may be contacted when, saved under a name."""

import os
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

from prefect.blocks.core import Block
from prefect_aws import AwsCredentials
from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, HttpUrl
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from connect_tasks.aws.problems import checked
from connect_tasks.blocks.form_fields import AlsoAsText
from connect_tasks.blocks.notebooks import AlsoInNotebooks, awaited
from connect_tasks.blocks.saved import saved
from connect_tasks.blocks.written import is_toml, variable, written
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.errors import NotSavedError

__all__ = ["OutreachPolicyBlock", "PolicyLike", "PolicyParameter", "load_policy"]

# No name of a block has a dot.
_FILE = ".toml"


class _PlainVariants:
    """Variants as JSON in the form: Prefect saves no schema that has itself inside of it."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        made = handler(schema)
        fields = handler.resolve_ref_schema(made)["properties"]
        words = {name: fields["variants"][name] for name in ("title", "description")}
        fields["variants"] = {"type": "object", **words}
        return made


class OutreachPolicyBlock(AlsoInNotebooks, Block):
    """Who may be contacted when, how often and never, for all campaigns that name it.

    A campaign keeps the policy that it was planned with: what is changed here holds for it from its
    next table on.

    Attributes:
        policy: The rules.

    Example:
        Load a saved policy and say what it comes to for a table; its name would do as well:
        ```python
        from connect_tasks.blocks import AmazonConnectInstance
        from connect_tasks.blocks import OutreachPolicyBlock
        from connect_tasks.flows.outreach import outreach

        policy = OutreachPolicyBlock.load("BLOCK_NAME")
        instance = AmazonConnectInstance.load("BLOCK_NAME")
        outreach(
            "customers.csv", campaign="renewals", connect=instance, policy=policy, dry_run=True
        )
        ```
    """

    _block_type_name = "Outreach Policy"
    _block_type_slug = "outreach-policy"
    # The logo of all blocks for AWS; Prefect takes no picture but one at a URL.
    _logo_url = HttpUrl(str(AwsCredentials._logo_url))  # noqa: SLF001 - Prefect's name for it
    _documentation_url = HttpUrl(
        "https://docs.aws.amazon.com/connect/latest/APIReference/"
        "API_connect-outbound-campaigns-v2_CommunicationTimeConfig.html"
    )
    _description = (
        "Who may be contacted when, how often and never: open hours and restricted periods, "
        "limits over all campaigns, suppression lists, expiry, hold-out and the first steps."
    )

    policy: Annotated[OutreachPolicy, _PlainVariants()] = Field(
        title="Policy",
        description="What is left out is no rule: without any, everybody may be contacted always, "
        "but for those who are on the suppression list `all`.",
    )


PolicyLike: TypeAlias = (
    OutreachPolicy | OutreachPolicyBlock | dict[str, Any] | str | os.PathLike[str]
)
"""A policy, its fields as they are or as TOML, the path of its TOML file, its block, or the name
of its block or of a Prefect variable."""


def load_policy(policy: object) -> OutreachPolicy | None:
    """The policy that is meant.

    Args:
        policy: One, or its fields, also as a TOML text; a block that holds one, or the name under
            which it is saved, or under which a Prefect variable has its fields; the path of a file
            whose name ends in `.toml`. None means none.

    Raises:
        InputError: Nothing is saved under this name, the file cannot be read, or what is there
            breaks a rule.
    """
    match awaited(policy, "policy"):
        case None | OutreachPolicy() as plain:
            return plain
        case OutreachPolicyBlock() as block:
            return block.policy
        case str() as text if is_toml(text):
            return _checked(written(text, "policy"))
        case str() as name if not name.lower().endswith(_FILE):
            return _saved(name)
        case str() | os.PathLike() as path:
            return OutreachPolicy.from_toml(os.fspath(path))
        case fields:
            return _checked(fields)


def _checked(fields: object) -> OutreachPolicy:
    return checked(OutreachPolicy, cast("dict[str, Any]", fields), "policy")


def _saved(name: str) -> OutreachPolicy:
    try:
        block = saved(
            OutreachPolicyBlock,
            name,
            "outreach policy",
            made_by="OutreachPolicyBlock(policy=...)",
            hint=" The name of a policy's file ends in `.toml`. A Prefect variable of this name, "
            "which may hold a policy, is not there either.",
        )
    except NotSavedError:
        if (fields := variable(name)) is None:
            raise
        return _checked(fields)
    return block.policy


if TYPE_CHECKING:
    PolicyParameter: TypeAlias = PolicyLike | None
else:
    # What Python may give besides is no part of a form.
    PolicyParameter = Annotated[
        OutreachPolicyBlock | OutreachPolicy | None,
        BeforeValidator(load_policy),
        AlsoAsText("Name, or TOML"),
    ]
"""A policy as a flow's parameter: in a deployment's form a saved block, the policy's
fields, or a text: their TOML, or the name of a block or a variable."""
