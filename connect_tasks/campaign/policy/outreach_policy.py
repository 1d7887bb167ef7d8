"""The outreach policy: who may be contacted when, how often and never, and how it begins."""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from connect_tasks.aws.problems import RULE, problem_details, problems
from connect_tasks.aws.strict_model import StrictModel
from connect_tasks.campaign.policy.communication_limits import CommunicationLimits
from connect_tasks.campaign.policy.communication_time import CommunicationTime
from connect_tasks.campaign.policy.field_rules import (
    LEAST_SHARE,
    Duration,
    Listed,
    ListName,
    Name,
    Rate,
    refuse,
)
from connect_tasks.campaign.policy.opt_out import OptOut
from connect_tasks.campaign.policy.policy_file import read_fields
from connect_tasks.campaign.policy.ramp import Ramp
from connect_tasks.campaign.policy.variant import Variant, with_shares_that_fit
from connect_tasks.errors import InputError
from connect_tasks.ledger.suppression_lists import ALL

__all__ = ["OutreachPolicy"]

_FINGERPRINT_LENGTH = 12


def _hold_out(value: float) -> float:
    if 0 < value < LEAST_SHARE or value > 1 - LEAST_SHARE:
        refuse("must be 0, or from 0.0001 to 0.9999")
    return value


def _told_apart(names: tuple[str, ...]) -> tuple[str, ...]:
    forms = [name.casefold() for name in names]
    if len(set(forms)) < len(forms):
        refuse("must name each list once")
    return names


def _ramp(value: Any) -> Any:
    """A policy's ramp may be its steps alone."""
    if isinstance(value, int | float):
        value = (value,)
    if isinstance(value, str):
        refuse("must be the customers after each step, as [50, 500], or a table with steps")
    return {"steps": value} if isinstance(value, list | tuple) else value


Lists = Annotated[tuple[ListName, ...], Listed, AfterValidator(_told_apart)]
HoldOutShare = Annotated[Rate, AfterValidator(_hold_out)]
Variants = Annotated[dict[Name, Variant], AfterValidator(with_shares_that_fit)]


class OutreachPolicy(StrictModel, title="Outreach policy"):
    """Who may be contacted when, how often and never; without any field, everybody always.

    Whoever is on the suppression list `all` is contacted by no campaign, whatever its policy.

    Example:
        >>> policy = OutreachPolicy(suppression=["marketing"], expires_after="P14D", ramp=(50, 500))
        >>> policy.opt_out_list, policy.expires_after.days, policy.ramp.steps
        ('marketing', 14, (50, 500))
    """

    communication_time: CommunicationTime | None = Field(
        default=None, description="Open hours and restricted periods; at any time when left out."
    )
    communication_limits: CommunicationLimits | None = Field(
        default=None, description="How often somebody may be contacted; no limit when left out."
    )
    expires_after: Duration | None = Field(
        default=None,
        description="How long after they were planned somebody may still be contacted, as `P14D` "
        "or `14 days`; for ever when left out.",
    )
    suppression: Lists = Field(
        default=(),
        max_length=100,
        description="Lists of those who are not contacted, as `marketing`; `all` always counts.",
    )
    opt_out: OptOut = Field(
        default_factory=OptOut, description="The words of an opt-out, and the list it goes to."
    )
    hold_out: HoldOutShare = Field(
        default=0.0,
        description="The share of customers who are not contacted, to compare the others with "
        "them, as 0.1.",
    )
    experiment: Name | None = Field(
        default=None,
        description="The experiment's name. Campaigns with the same one, or none, deal their "
        "customers out alike.",
    )
    variants: Variants = Field(
        default_factory=dict,
        max_length=100,
        description="Parts of the customers that get another template or conversation. Shares "
        "may come to 1; who is left over gets the campaign's own.",
    )
    ramp: Annotated[Ramp, BeforeValidator(_ramp)] | None = Field(
        default=None, description="The first steps of the campaign; all at once when left out."
    )

    @model_validator(mode="after")
    def _asks_where_opt_outs_go(self) -> Self:
        name = self.opt_out.list
        if name is None or name in self.lists:
            return self
        rule = "must be 'all' or one of suppression: else an opt-out would be asked by nobody here"
        line = problem_details(RULE, rule, ("opt_out", "list"), name)
        raise ValidationError.from_exception_data(type(self).__name__, [line])

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Read a policy from a TOML file.

        Args:
            path: The file; its keys are the policy's fields.

        Raises:
            InputError: It cannot be read or breaks a rule; it says where and what to do.
        """
        fields = read_fields(path)
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            wrong = "; ".join(map(str, problems(error)))
            raise InputError(f"The policy {str(path)!r} cannot be used: {wrong}.") from None

    @property
    def lists(self) -> frozenset[str]:
        """The suppression lists that count, `all` among them."""
        return frozenset({ALL, *self.suppression})

    @property
    def opt_out_list(self) -> str:
        """The list that an opt-out puts somebody on."""
        first = self.suppression[0] if self.suppression else ALL
        return self.opt_out.list or first

    @property
    def opt_out_words(self) -> Mapping[str, tuple[str, ...]]:
        """The words of an opt-out, by language."""
        return self.opt_out.words

    @property
    def look_back(self) -> timedelta:
        """How far back contacts count; nothing if none do."""
        return self.communication_limits.look_back if self.communication_limits else timedelta(0)

    @property
    def group(self) -> str | None:
        """Campaigns of which group count; all if None."""
        return self.communication_limits.group if self.communication_limits else None

    @property
    def fingerprint(self) -> str:
        """Which policy it is, in 12 characters: equal ones have the same; empty for no rules.

        Example:
            >>> OutreachPolicy().fingerprint, len(OutreachPolicy(hold_out=0.1).fingerprint)
            ('', 12)
        """
        if self == OutreachPolicy():
            return ""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:_FINGERPRINT_LENGTH]
