"""The renderer of an experiment: each row is filled in by the template of its customer's variant.

Who the customer is does not depend on the variant: it is what decides about it. So every variant
has the campaign's `customer_id`, and a row without one is told as the campaign's own template does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.campaign.policy.assignment import variant_of
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.policy.variant import Variant
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.chat.template.expression import Expression
from connect_tasks.chat.template.outbound_renderer import RenderedOutbound
from connect_tasks.chat.template.outbound_template import OutboundChatTemplate
from connect_tasks.chat.template.renderer import Rendered
from connect_tasks.chat.template.row_writer import WrittenRow
from connect_tasks.errors import InputError

__all__ = [
    "VARIANT",
    "AnyRendered",
    "AnyRenderer",
    "EitherRenderer",
    "Renderer",
    "VariantRenderer",
    "bind_variants",
]

VARIANT = "variant"
"""The column that templates find a customer's variant in, unless the table has one of its own."""

_DEFAULT_ID = ChatTemplate.model_fields["customer_id"].default
_DEFAULT_DETAILS = ChatTemplate().participant_details

AnyRendered: TypeAlias = Rendered | RenderedOutbound
AnyTemplate: TypeAlias = ChatTemplate | OutboundChatTemplate
Template = TypeVar("Template", ChatTemplate, OutboundChatTemplate)
Made_co = TypeVar("Made_co", bound=AnyRendered, covariant=True)


class Renderer(Protocol[Made_co]):
    """Makes requests of rows: chats' (`RowRenderer`) or outbound ones' (`OutboundRenderer`)."""

    @property
    def columns(self) -> frozenset[str] | None:
        """The columns that it reads; None if it may read any."""
        ...

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Go through the texts to fill in, each with the field where it stands."""
        ...

    def warnings(self) -> tuple[str, ...]:
        """Say what is no error and yet looks like a slip."""
        ...

    def customer_id(self, row: Mapping[str, Any]) -> str | None:
        """Make a row's id, and nothing else of its request."""
        ...

    def render(self, row: Mapping[str, Any]) -> Made_co:
        """Make one row's request, or say all that is wrong with it."""
        ...

    def write(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[WrittenRow | None]:
        """Make the wire form of rows that are surely right; None where only `render` can say."""
        ...


AnyRenderer: TypeAlias = Renderer[Rendered]
EitherRenderer: TypeAlias = Renderer[Rendered] | Renderer[RenderedOutbound]
Bind: TypeAlias = Callable[[Template, Conversation | None], Renderer[Made_co]]


class VariantRenderer(Generic[Made_co]):
    """The templates of a campaign and its variants, each bound once; safe to share by threads.

    A row is refused only for what is wrong with it in its own customer's variant.

    Args:
        own: The campaign's own template.
        arms: Those of the variants that have one, or a conversation.
        variant_of: Which variant a customer has, by their key.
        remarks: What looks like a slip in the templates beside each other.

    Attributes:
        columns: The columns that any of them reads; None if one may read any.
    """

    def __init__(
        self,
        own: Renderer[Made_co],
        arms: Mapping[str, Renderer[Made_co]],
        variant_of: Callable[[str], str | None],
        remarks: Sequence[str] = (),
    ) -> None:
        self._own = own
        self._arms = dict(arms)
        self._variant_of = variant_of
        self._remarks = remarks
        read = [renderer.columns for renderer in (own, *arms.values())]
        named = [columns for columns in read if columns is not None]
        whole = len(named) < len(read)
        self.columns: frozenset[str] | None = None if whole else frozenset().union(*named)

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Go through the texts to fill in, of all variants, each with the field where it stands."""
        for renderer in (self._own, *self._arms.values()):
            yield from renderer.expressions()

    def warnings(self) -> tuple[str, ...]:
        """Say what is no error and yet looks like a slip, and of which variant."""
        told = [*self._own.warnings(), *self._remarks]
        for name, renderer in self._arms.items():
            # What the campaign's own template does, too, is said once.
            new = (text for text in renderer.warnings() if text not in self._own.warnings())
            told += [f"variant {name}: {text}" for text in new]
        return tuple(told)

    def render(self, row: Mapping[str, Any]) -> Made_co:
        """Make one row's request by its customer's variant; see `RowRenderer.render`."""
        renderer, row = self._theirs(row)
        return renderer.render(row)

    def write(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[WrittenRow | None]:
        """Make rows' wire forms by their customers' variants; see `RowRenderer.write`."""
        written: list[WrittenRow | None] = [None] * len(rows)
        theirs = [self._theirs(row) for row in rows]
        for one in (self._own, *self._arms.values()):
            places = [place for place, (renderer, _) in enumerate(theirs) if renderer is one]
            made = one.write([theirs[place][1] for place in places])
            for place, row in zip(places, made, strict=True):
                written[place] = row
        return iter(written)

    def customer_id(self, row: Mapping[str, Any]) -> str | None:
        """Make a row's id, and nothing else of its request; see `RowRenderer.customer_id`."""
        return self._own.customer_id(row)

    def _theirs(self, row: Mapping[str, Any]) -> tuple[Renderer[Made_co], Mapping[str, Any]]:
        key = canonical_key(self._own.customer_id(row) or "")
        variant = self._variant_of(key) if key else None
        renderer = self._arms.get(variant or "", self._own)
        if variant is not None and VARIANT not in row:
            row = {**row, VARIANT: variant}
        return renderer, row


def bind_variants(
    template: Template,
    conversation: Conversation | None,
    policy: OutreachPolicy,
    bind: Bind[Template, Made_co],
    *,
    converses: bool = True,
) -> Renderer[Made_co]:
    """Compile a campaign's template, and those of its policy's variants.

    Args:
        template: The campaign's own.
        conversation: Whose messages are filled in, too, unless a variant has a conversation.
        policy: Says which variants there are, and deals the customers out.
        bind: Compiles a template for the table, which may name the column `variant`.
        converses: Whether our side speaks in this campaign.

    Raises:
        InputError: A template cannot be used with the table or the policy at all; it says whose.

    Example:
        >>> policy = OutreachPolicy(variants={"b": {"template": {"display_name": "{{ name }} B"}}})
        >>> def bind(template, conversation):
        ...     return template.bind(instance_id="i-1", contact_flow_id="f-1")
        >>> renderer = bind_variants(ChatTemplate(), None, policy, bind)
        >>> row = {"customer_id": "0042", "name": "Ada"}
        >>> renderer.render(row).request.participant_details.display_name
        'Ada B'
    """
    own = bind(template, conversation)
    arms = {
        name: _bound(name, variant, template, conversation, bind, converses=converses)
        for name, variant in policy.variants.items()
        if variant.template is not None or variant.conversation is not None
    }
    if not arms and not (policy.variants and _reads_variant(own)):
        return own
    slips = tuple(_lacks(template, policy))
    return VariantRenderer(own, arms, lambda key: variant_of(key, policy), slips)


def _lacks(own: AnyTemplate, policy: OutreachPolicy) -> Iterator[str]:
    """Say what a variant's template leaves out: nothing of the campaign's own is taken over."""
    for name, variant in policy.variants.items():
        if variant.template is None or not isinstance(own, ChatTemplate):
            continue
        theirs = _said_in(variant.template)
        if left_out := [field for field in _said_in(own) if field not in theirs]:
            yield (
                f"variant {name}: its template is without {', '.join(left_out)}, which the "
                "campaign's own has: a variant's template is a whole one, so repeat there what "
                "its customers are to have"
            )


def _said_in(template: ChatTemplate) -> list[str]:
    """What a template fills in, but for who the customer is."""
    fields = template.model_dump(exclude_none=True, exclude={"customer_id", "display_name"})
    attributes = fields.pop("attributes", None) or {}
    del fields["participant_details"]
    if template.participant_details != _DEFAULT_DETAILS:
        fields = {"display_name": None, **fields}
    return [*fields, *(f"attributes.{name}" for name in attributes)]


def _bound(
    name: str,
    variant: Variant,
    template: Template,
    conversation: Conversation | None,
    bind: Bind[Template, Made_co],
    *,
    converses: bool,
) -> Renderer[Made_co]:
    if variant.conversation is not None and not converses:
        raise InputError(
            f"Variant {name!r} has a conversation, and in this campaign people speak themselves: "
            "leave it out, and give the variant another template or flow."
        )
    try:
        its_own = _own_of(template, variant.template)
        return bind(its_own, variant.conversation or conversation)
    except InputError as error:
        raise InputError(f"Variant {name!r}: {error}") from error


def _own_of(template: Template, other: ChatTemplate | None) -> Template:
    if other is None:
        return template
    if isinstance(template, OutboundChatTemplate):
        raise InputError(
            "its template is one of a chat, and this campaign writes to phones: leave it out, and "
            "name the column `variant` in the campaign's own template."
        )
    return _with_id_of(template, other)


def _with_id_of(template: ChatTemplate, other: ChatTemplate) -> ChatTemplate:
    """A variant's template; left out, its customer_id is the campaign's."""
    if other.customer_id not in {_DEFAULT_ID, template.customer_id}:
        raise InputError(
            "its template has a customer_id of its own, and who a customer is decides about the "
            "variant: leave it out, or write it as the campaign's template does."
        )
    return other.model_copy(update={"customer_id": template.customer_id})


def _reads_variant(renderer: Renderer[AnyRendered]) -> bool:
    return renderer.columns is None or VARIANT in renderer.columns
