"""The settings: the fields of `connect-tasks.toml`, which are those of the package's own models."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from connect_tasks.aws.quotas import Quotas
from connect_tasks.aws.strict_model import StrictModel
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.outbound_template import OutboundChatTemplate
from connect_tasks.errors import InputError

__all__ = ["CampaignSettings", "InstanceSettings", "PolicySettings", "Settings"]

_Text = Annotated[str, Field(min_length=1)]


class CampaignSettings(StrictModel, title="Campaign"):
    """The campaign: its name, and where its record and its results are."""

    name: _Text | None = Field(
        default=None, description="The name under which each customer is contacted at most once."
    )
    ledger: _Text | None = Field(
        default=None,
        description="SQLAlchemy URL of the ledger; `$CONNECT_TASKS_LEDGER`, or a file in "
        "`.connect_tasks`, when left out. A password stays out of this file: `~/.pgpass` or "
        "`$CONNECT_TASKS_LEDGER` may hold it.",
    )
    prefect: bool = Field(
        default=True,
        description="Whether runs are Prefect's, which starts a server of its own where there is "
        "none; without it some seconds are saved, and the ledger has the record all the same.",
    )
    save_to: _Text | None = Field(
        default=None, description="Folder or `s3://` URI for the result's files."
    )
    when_deferred: Literal["end", "wait"] = Field(
        default="end",
        description="What a run does when only those are left who have to wait by the policy.",
    )
    hand_over: _Text | None = Field(
        default=None,
        description="The function that gives each started chat to its customer, as "
        "`package.module:function`; our side speaks when left out.",
    )
    base_url: _Text | None = Field(
        default=None,
        description="Where customers reach the app that serves links, as "
        "`https://chat.example.com`. The keys of links are in `$CONNECT_TASKS_INVITATION_KEYS`.",
    )
    expires_after: timedelta | None = Field(
        default=None, description="How long a link works, as `P30D`; 30 days when left out."
    )


class InstanceSettings(StrictModel, title="Instance"):
    """The Amazon Connect instance: the name of a saved Prefect block, or its fields.

    Who calls is up to AWS's own variables and files; keys are no part of it.
    """

    block: _Text | None = Field(
        default=None, description="The name of a saved Prefect block; then nothing else is needed."
    )
    instance_id: _Text | None = Field(
        default=None,
        description="The Amazon Connect instance: the ARN on its page in the AWS console, or the "
        "ID at the end of it.",
    )
    contact_flow_id: _Text | None = Field(
        default=None,
        description="The flow that receives the chats, unless a template names another: the ARN "
        "that its page in Amazon Connect shows, or the ID at the end of it.",
    )
    region: _Text | None = Field(
        default=None, description="The AWS Region; that of the environment when left out."
    )
    profile: _Text | None = Field(
        default=None, description="The profile of AWS's own files; `$AWS_PROFILE` when left out."
    )
    endpoint_url: _Text | None = Field(
        default=None,
        description="Only for another endpoint, such as that of the local Amazon Connect.",
    )
    start_limit: _Text | None = Field(
        default=None,
        description="Only if others start chats on the same quota too, and count them in Prefect: "
        "the name of a global concurrency limit with slot decay. Starts are taken from it, about "
        "a second's worth at a time.",
    )
    connects_with_start: bool = Field(
        default=False,
        description="Ask for a chat's connection in StartChatContact itself (ConnectionTypes), "
        "which saves CreateParticipantConnection and its quota: of use above its 6 per second. "
        "Documented by Amazon, never tried on a real instance.",
    )
    quotas: Quotas = Field(
        default_factory=Quotas,
        description="What the instance grants, as Service Quotas in the AWS console shows it. The "
        "defaults are those of a new account.",
    )

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if self.block and (self.model_fields_set - {"block"}):
            others = ", ".join(sorted(self.model_fields_set - {"block"}))
            raise ValueError(f"names a saved block, which says all of it: leave {others} out")
        if not self.block and not (self.instance_id and self.contact_flow_id):
            raise ValueError("needs instance_id and contact_flow_id, or a saved block's name")
        return self


class PolicySettings(OutreachPolicy, title="Policy"):
    """Who may be contacted when, how often and never: its fields, or where they are."""

    path: _Text | None = Field(
        default=None, description="A TOML file with the policy; then nothing else stands here."
    )
    block: _Text | None = Field(
        default=None, description="The name of a policy saved in Prefect, and nothing else."
    )

    @model_validator(mode="after")
    def _is_said_once(self) -> Self:
        said = self.model_fields_set
        if len(said) > 1 and not said.isdisjoint({"path", "block"}):
            raise ValueError("has a path or a block, which say all of it: leave the rest out")
        return self

    def parameter(self) -> OutreachPolicy | str:
        """The policy as flows take it: itself, its file's path, or its block's name."""
        own = OutreachPolicy.model_fields.keys() & self.model_fields_set
        fields = {name: getattr(self, name) for name in own}
        return self.path or self.block or OutreachPolicy.model_construct(**fields)


class Settings(StrictModel, title="connect-tasks.toml"):
    """All that a campaign is made of besides its table."""

    campaign: CampaignSettings = Field(default_factory=CampaignSettings)
    instance: InstanceSettings | None = Field(
        default=None,
        description="Where chats are started; only what asks the ledger alone does without.",
    )
    template: ChatTemplate | None = Field(
        default=None, description="What is made of a row of the table; of its columns by itself."
    )
    text_out: OutboundChatTemplate | None = Field(
        default=None,
        description="What `text-out` writes to whose phone (experimental: never run against "
        "Amazon).",
    )
    conversation: Conversation | None = Field(
        default=None, description="What our side says, and when a conversation is over."
    )
    policy: PolicySettings | None = Field(
        default=None, description="Who may be contacted when; the campaign keeps it."
    )

    @property
    def campaign_name(self) -> str:
        """The campaign's name.

        Raises:
            InputError: There is none.
        """
        if self.campaign.name is None:
            raise InputError(
                "There is no campaign's name: give --campaign, or name in [campaign] of "
                "connect-tasks.toml. Under one name each customer is contacted at most once."
            )
        return self.campaign.name

    @property
    def base_url(self) -> str:
        """Where customers reach the app that serves links.

        Raises:
            InputError: Nobody says it.
        """
        if self.campaign.base_url is None:
            raise InputError(
                "Nobody says where customers reach the app that serves links: give --base-url, or "
                "base_url in [campaign] of connect-tasks.toml, as https://chat.example.com."
            )
        return self.campaign.base_url
