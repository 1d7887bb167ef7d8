"""What stands around a flow: the world file's members, read and checked."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, model_validator

from connect_tasks.emulator.flows.exported.document import Flow
from connect_tasks.emulator.flows.world.assumptions import Assumptions
from connect_tasks.emulator.flows.world.bot import Bot
from connect_tasks.emulator.flows.world.opening_hours import OpeningHours

__all__ = [
    "Agents",
    "Case",
    "Function",
    "FunctionAnswer",
    "Queue",
    "ScriptedAgent",
    "World",
    "named",
]

_Named = TypeVar("_Named")


class _Member(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Agents(_Member):
    """How many agents a queue's metrics show."""

    online: NonNegativeInt = 0
    staffed: NonNegativeInt = 0
    available: NonNegativeInt = 0


class ScriptedAgent(_Member):
    """The agent who takes the contact.

    Attributes:
        display_name: The name they go by.
        says: What they say: the first on joining, then one after each message of the customer;
            they leave after the last.
    """

    display_name: str = Field(default="Agent", alias="displayName")
    says: tuple[str, ...] = ()


class Queue(_Member):
    """A queue.

    Attributes:
        name: Its name.
        hours: ARN of its hours of operation.
        capacity: Contacts that it holds; any number if None.
        waiting: Contacts that wait there already.
        oldest_seconds: How long the oldest of them has waited.
        agents: What its metrics show; from its scripted agent if None.
        agent: The agent who takes the contact; nobody does if None.
        enabled: Whether it takes contacts at all.
    """

    name: str = ""
    hours: str | None = None
    capacity: NonNegativeInt | None = None
    waiting: NonNegativeInt = 0
    oldest_seconds: NonNegativeInt = Field(default=0, alias="oldestSeconds")
    agents: Agents | None = None
    agent: ScriptedAgent | None = None
    enabled: bool = True


class FunctionAnswer(_Member):
    """What a function answers, or how it fails.

    Attributes:
        returned: What it returns, JSON; None where it fails.
        fail: `error` for an exception, `throttle` for a refusal that Connect repeats.
        seconds: How long it takes.
    """

    returned: Any = Field(default=None, alias="return")
    fail: Literal["error", "throttle"] | None = None
    seconds: Annotated[float, Field(ge=0)] = 0


class Case(FunctionAnswer):
    """An answer for the events that it fits.

    Attributes:
        when: Members of the event's Details by their path, and the text that each must have.
        sequence: Answers that are used up one call at a time, before its own.
    """

    when: Mapping[str, Any] = Field(default_factory=dict)
    sequence: tuple[FunctionAnswer, ...] = ()


class Function(_Member):
    """A function that a flow invokes: a Python function, or a table of cases.

    Attributes:
        python: `file.py:name`, relative to the world file; its code runs only when it is invoked.
        sequence: Answers that are used up one call at a time, before all else.
        cases: Answers by what the event holds; the first that fits.
        otherwise: What it answers if no case fits.
    """

    python: str | None = None
    sequence: tuple[FunctionAnswer, ...] = ()
    cases: tuple[Case, ...] = ()
    otherwise: FunctionAnswer | None = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:
        """A text is a Python function; an answer alone is what is always answered."""
        if isinstance(given, str):
            return {"python": given}
        if isinstance(given, dict) and {"return", "fail"} & given.keys():
            return {"otherwise": given}
        if not isinstance(given, dict | cls):
            raise ValueError(  # noqa: TRY004 - what pydantic collects
                "a function is 'file.py:name', or has one of cases, otherwise and sequence"
            )
        return given

    @model_validator(mode="after")
    def _must_answer(self) -> Self:
        if self.python is None and not self.sequence and not self.cases and not self.otherwise:
            raise ValueError(
                "a function is 'file.py:name', or has one of cases, otherwise and sequence"
            )
        return self


class World(_Member):
    """Everything that a flow can name, by ARN.

    Attributes:
        flows: Flows, by ARN.
        modules: Flow modules, by ARN.
        bots: Bots, by the ARN of their alias.
        queues: Queues.
        hours: Hours of operation.
        lambdas: Functions.
        assumptions: How what nobody documents is taken.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    flows: Mapping[str, Flow] = Field(default_factory=dict)
    modules: Mapping[str, Flow] = Field(default_factory=dict)
    bots: Mapping[str, Bot] = Field(default_factory=dict)
    queues: Mapping[str, Queue] = Field(default_factory=dict)
    hours: Mapping[str, OpeningHours] = Field(default_factory=dict)
    lambdas: Mapping[str, Function] = Field(default_factory=dict)
    assumptions: Assumptions = Assumptions()


def named(table: Mapping[str, _Named], arn: str) -> tuple[str, _Named] | None:
    """What an ARN or id names in a table, with the ARN that the table has for it.

    It is matched whole, else by its last part: exports keep the ARNs of the instance that they
    came from. A bot's alias is told apart by its bot; versions of functions and flows do not count.
    """
    if arn in table:
        return arn, table[arn]
    wanted = _last_part(arn)
    found = [key for key in table if wanted and _last_part(key) == wanted]
    return (found[0], table[found[0]]) if found else None


# A bot's alias has the bot's id before its own, and a function's version its name: only together
# do they name anything.
_RESOURCES = (":bot-alias/", ":function:")


def _last_part(arn: str) -> str:
    if ":bot-alias/" in arn:
        return arn.partition(":bot-alias/")[2]
    if ":function:" in arn:
        return arn.partition(":function:")[2].partition(":")[0]
    return arn.rpartition("/")[2].partition(":")[0] if "/" in arn else arn.rpartition(":")[2]
