"""Variants: what each part of a campaign's customers gets, so that the parts can be compared."""

import math
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from connect_tasks.aws.strict_model import StrictModel
from connect_tasks.campaign.policy.field_rules import LEAST_SHARE, Count, Share, refuse
from connect_tasks.chat.template.chat_template import ChatTemplate
from connect_tasks.chat.template.conversation import Conversation

__all__ = ["HELD_OUT", "OWN", "WHOLE", "Variant", "shares_of", "with_shares_that_fit"]

OWN = "own"
"""What results call those who have no variant, but the campaign's own template."""

HELD_OUT = "held_out"
"""What results call those who are not contacted."""

WHOLE = 10_000
"""In how many parts customers are dealt out."""

# A third three times may be a little more than a whole.
_ROUNDING = 1e-9


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
    sample: Annotated[Count, Field(ge=1)] | None = Field(
        default=None, description="How many customers it is planned to take before judging."
    )


def shares_of(variants: Mapping[str, Variant]) -> dict[str, float]:
    """The share of each variant, by name, in the order of the names.

    Example:
        >>> shares_of({"b": Variant(), "a": Variant(share=0.2), "c": Variant()})
        {'a': 0.2, 'b': 0.4, 'c': 0.4}
    """
    left = 1 - _given(variants)
    open_ones = sum(variant.share is None for variant in variants.values())
    # By name: who has read a policy from a database may have its variants in another order.
    return {
        name: left / open_ones if variant.share is None else variant.share
        for name, variant in sorted(variants.items())
    }


def with_shares_that_fit(variants: dict[str, Variant]) -> dict[str, Variant]:
    """Variants, if each can have its share.

    Raises:
        PydanticCustomError: Their shares come to more than all, or leave some nothing; or one is
            called as the result of an experiment calls those without a variant.

    Example:
        >>> list(with_shares_that_fit({"short": Variant(share=1)}))
        ['short']
    """
    if taken := {OWN, HELD_OUT} & variants.keys():
        refuse(f"must not call a variant {min(taken)!r}: results call others so")
    given = _given(variants)
    open_ones = sum(variant.share is None for variant in variants.values())
    if given > 1 + _ROUNDING:
        refuse(f"must have shares that come to 1 at most, and they come to {given:.6g}")
    if open_ones and (1 - given) / open_ones < LEAST_SHARE - _ROUNDING:
        refuse(f"must leave a share to those without one, and the others come to {given:.6g}")
    return variants


def _given(variants: Mapping[str, Variant]) -> float:
    # The same in whatever order, on whichever Python: a customer at a border must not change sides.
    return math.fsum(variant.share or 0 for variant in variants.values())
