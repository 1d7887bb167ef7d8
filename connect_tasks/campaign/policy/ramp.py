"""The ramp: a campaign begins with few customers, and goes on while not too much goes wrong."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from connect_tasks.aws.strict_model import StrictModel
from connect_tasks.campaign.policy.field_rules import NotEmpty, Rate, refuse

__all__ = ["Ramp"]


def _step(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse("must be a number of customers, as 50, or a share of them, as 0.01")
    if not 0 < value < float("inf"):
        refuse("must be more than nothing")
    if isinstance(value, float) and value > 1 and value.is_integer():
        return int(value)
    if value >= 1 and isinstance(value, float):
        refuse("must be whole customers, as 50, or a share below 1: all come after the last step")
    return value


Step = Annotated[int | float, BeforeValidator(_step)]


class Ramp(StrictModel, title="Ramp"):
    """How many customers each step takes in all, and what stops it. After the last step: everybody.

    A step is over when all of its contacts are settled. A rate is over its limit when that is sure:
    when the exact lower bound (95 %) of what was counted is.

    Example:
        >>> Ramp(steps=(50, 500)).most_errors
        0.02
    """

    steps: Annotated[tuple[Step, ...], NotEmpty] = Field(
        max_length=100,
        description="Customers in all after each step, as 50, 500; or shares of them, as 0.01, "
        "0.1. Ascending.",
    )
    most_errors: Rate | None = Field(
        default=0.02, description="The highest rate of errors, as 0.02; not looked at if empty."
    )
    most_opt_outs: Rate | None = Field(
        default=0.02, description="The highest rate of opt-outs; not looked at if empty."
    )
    most_refusals: Rate | None = Field(
        default=0.02, description="The highest rate of refused chats; not looked at if empty."
    )
    approval: Literal["automatic", "by_hand"] = Field(
        default="automatic", description="Whether a person has to let each next step begin."
    )

    @model_validator(mode="after")
    def _ascends(self) -> "Ramp":
        shares = [step for step in self.steps if isinstance(step, float)]
        if 0 < len(shares) < len(self.steps):
            refuse("has steps of both kinds: give numbers of customers, or shares below 1")
        if list(self.steps) != sorted(set(self.steps)):
            refuse("has steps that do not ascend: each is of all customers so far, as 50, 500")
        return self
