"""A contact flow as its document says it: actions, and where each leads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["SUCCESS", "Action", "Condition", "Flow"]

SUCCESS = "Success"
"""The branch of an action that has done what it should."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One branch of an action that asks something.

    Attributes:
        operator: How the result is compared, for example `Equals`.
        operand: What it is compared with; can be a reference.
        next_action: Where it leads.
    """

    operator: str
    operand: str
    next_action: str

    @property
    def label(self) -> str:
        """What people call the branch."""
        return self.operand if self.operator == "Equals" else f"{self.operator} {self.operand}"


@dataclass(frozen=True, slots=True)
class Action:
    """One action (a block) of a flow.

    Attributes:
        identifier: Its name, unique in the flow.
        type: What it does, for example `MessageParticipant`.
        parameters: As the document has them.
        next_action: Where it leads if nothing else is said; None where it leads nowhere.
        conditions: Its branches, in their order.
        errors: Where each type of error leads.
        name: What the designer shows for it; its identifier unless somebody gave it a name.
    """

    identifier: str
    type: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    next_action: str | None = None
    conditions: tuple[Condition, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    name: str = ""

    def branches(self) -> Iterator[tuple[str, str]]:
        """Label and next action of every way that leads on; success last where it can be taken.

        Where there is a branch for no match, exports repeat it as the next action: that one is
        not a way of its own.
        """
        yield from ((condition.label, condition.next_action) for condition in self.conditions)
        yield from self.errors.items()
        asks = self.conditions or "NoMatchingCondition" in self.errors
        if self.next_action is not None and not (asks and "NoMatchingCondition" in self.errors):
            yield SUCCESS, self.next_action


@dataclass(frozen=True, slots=True)
class Flow:
    """A contact flow, or a module of flows.

    Attributes:
        name: The name it goes by: that of the document, else that of its file.
        start: Identifier of the first action.
        actions: Every action by its identifier, in the order of the document.
        content: The document as JSON text, as DescribeContactFlow gives it.
        type: What it is for, as the console has it (`contactFlow`, `customerQueue`, ...); empty
            where the document does not say.
        arn: Its ARN, where the document or the world says it.
        file: Where it came from, for messages to people.
        metadata: The document's Metadata, for the names and places of the designer.
    """

    name: str
    start: str
    actions: Mapping[str, Action]
    content: str
    type: str = ""
    arn: str = ""
    file: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
