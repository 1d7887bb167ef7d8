"""Variants: what each part of a campaign's customers gets, so that the parts can be compared."""

from collections.abc import Mapping

from pydantic import Field

from connect_tasks.aws.strict_model import StrictModel
from connect_tasks.campaign.policy.field_rules import Share
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation

__all__ = ["WHOLE", "Variant", "shares_of"]

WHOLE = 10_000
"""In how many parts customers are dealt out."""


class Variant(StrictModel, title="Variant"):
    """One arm of an experiment.

    Example:
        >>> Variant(share=0.5, sample=400).sample
        400
    """

    share: Share | None = Field(
        default=None,
        description="Which share of the customers has it; variants without one share what is left.",
    )
    template: ChatTemplate | None = Field(
        default=None, description="Its chat template; the campaign's own when left out."
    )
    conversation: Conversation | None = Field(
        default=None, description="Its conversation; the campaign's own when left out."
    )
    sample: int | None = Field(
        default=None, ge=1, description="How many customers it is planned to take before judging."
    )


def shares_of(variants: Mapping[str, Variant]) -> dict[str, float]:
    """The share of each variant, by name, in the order of the names.

    Example:
        >>> shares_of({"b": Variant(), "a": Variant(share=0.2), "c": Variant()})
        {'a': 0.2, 'b': 0.4, 'c': 0.4}
    """
    left = 1 - sum(variant.share or 0 for variant in variants.values())
    open_ones = sum(variant.share is None for variant in variants.values())
    # By name: who has read a policy from a database may have its variants in another order.
    return {
        name: left / open_ones if variant.share is None else variant.share
        for name, variant in sorted(variants.items())
    }
