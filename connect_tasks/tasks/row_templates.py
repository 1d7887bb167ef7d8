"""Row templates: a campaign's template, bound to its table, its instance and its way."""

from collections.abc import Iterable
from typing import Any, TypeAlias

from connect_tasks.aws.field_types import WHOLE_CONNECTION
from connect_tasks.aws.problems import checked
from connect_tasks.blocks import AmazonConnectInstance
from connect_tasks.campaign.hand_over.started_chat import CHAT_MINUTES
from connect_tasks.campaign.inviting import chat_minutes
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.ramp_steps import check_ramp
from connect_tasks.campaign.variant_renderer import VARIANT, EitherRenderer, Renderer, bind_variants
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.outbound_renderer import OutboundRenderer, RenderedOutbound
from connect_tasks.chat.template.outbound_template import OutboundChatTemplate
from connect_tasks.chat.template.renderer import Rendered, RowRenderer
from connect_tasks.errors import InputError
from connect_tasks.ledger.contact import CampaignMode
from connect_tasks.tables.reading import Table

__all__ = ["GivenTemplate", "bind_outbound", "bind_rows", "held_minutes", "renderer_of"]

GivenTemplate: TypeAlias = ChatTemplate | OutboundChatTemplate | dict[str, Any] | None
"""A template as a task is given it."""


def renderer_of(
    table: Table,
    template: GivenTemplate,
    connect: AmazonConnectInstance,
    conversation: Conversation | None,
    mode: CampaignMode,
    policy: OutreachPolicy,
) -> EitherRenderer:
    """What makes requests of a table's rows, in a campaign of this way.

    Raises:
        InputError: The template cannot be used with this table, or in this way, at all.
    """
    renderer: EitherRenderer
    if mode is CampaignMode.OUTBOUND:
        renderer = bind_outbound(table, template, connect, policy)
    else:
        renderer = bind_rows(table, template, connect, conversation, mode, policy)
    _check_variant(table, policy, renderer)
    return renderer


def bind_rows(
    table: Table,
    template: GivenTemplate,
    connect: AmazonConnectInstance,
    conversation: Conversation | None,
    mode: CampaignMode,
    policy: OutreachPolicy,
) -> Renderer[Rendered]:
    """The templates of a table, its variants' too, compiled for their instance and its way.

    Raises:
        InputError: It cannot be used with this table, or in this way, at all.
    """
    check_ramp(policy, mode)
    minutes = CHAT_MINUTES if mode is CampaignMode.HAND_OVER else None
    if mode is CampaignMode.INVITATION:
        minutes = chat_minutes(connect.quotas)

    with_start = connect.connects_with_start and mode is CampaignMode.SIMULATION

    def bind(of: ChatTemplate, said: Conversation | None) -> RowRenderer:
        return (_with_connection(of) if with_start else of).bind(
            instance_id=connect.instance_id,
            contact_flow_id=connect.contact_flow_id,
            conversation=said,
            columns=table.columns,
            besides=(VARIANT,) if policy.variants else (),
            chat_minutes=minutes,
        )

    return bind_variants(
        _as_template(template, table.columns),
        conversation,
        policy,
        bind,
        converses=mode is CampaignMode.SIMULATION,
    )


def _check_variant(table: Table, policy: OutreachPolicy, renderer: EitherRenderer) -> None:
    """Nobody is told another arm than the one that they are counted in."""
    reads_it = renderer.columns is not None and VARIANT in renderer.columns
    if policy.variants and reads_it and VARIANT in table.columns:
        raise InputError(
            f"The table has a column {VARIANT!r}, and so has the policy's experiment, so nobody "
            f"can tell which of them {{{{ {VARIANT} }}}} means: rename the table's, such as to "
            f"'earlier_{VARIANT}', or leave it out."
        )


def held_minutes(template: GivenTemplate) -> int | None:
    """How long a conversation lasts at most, where a template says it for all rows."""
    given: Any = template.get("chat_duration_in_minutes") if isinstance(template, dict) else None
    if isinstance(template, OutboundChatTemplate):
        given = template.chat_duration_in_minutes
    return given if isinstance(given, int) else None


def bind_outbound(
    table: Table, template: GivenTemplate, connect: AmazonConnectInstance, policy: OutreachPolicy
) -> Renderer[RenderedOutbound]:
    """The same of a campaign that writes to phones.

    Raises:
        InputError: It cannot be used with this table, or in this way, at all.
    """

    def bind(of: OutboundChatTemplate, _: Conversation | None) -> OutboundRenderer:
        return of.bind(
            instance_id=connect.instance_id,
            contact_flow_id=connect.contact_flow_id,
            columns=table.columns,
            besides=(VARIANT,) if policy.variants else (),
        )

    return bind_variants(_as_outbound(template), None, policy, bind, converses=False)


def _as_outbound(template: GivenTemplate) -> OutboundChatTemplate:
    if isinstance(template, OutboundChatTemplate):
        return template
    if isinstance(template, dict):
        return checked(OutboundChatTemplate, template, "template")
    raise InputError(
        "Writing to phones takes an OutboundChatTemplate, which says which of the instance's "
        "numbers writes (source_endpoint), to whom and what."
    )


def _as_template(template: GivenTemplate, columns: Iterable[str]) -> ChatTemplate:
    if template is None:
        return ChatTemplate.from_columns(columns)
    if isinstance(template, OutboundChatTemplate):
        raise InputError(
            "An OutboundChatTemplate writes to phones: give it to `text_out`. A chat's template is "
            "a ChatTemplate."
        )
    if isinstance(template, ChatTemplate):
        return template
    return checked(ChatTemplate, template, "template")


def _with_connection(template: ChatTemplate) -> ChatTemplate:
    """The template, asking for the chat's connection unless it says what to ask for."""
    if template.connection_types is not None:
        return template
    return template.model_copy(update={"connection_types": WHOLE_CONNECTION})
