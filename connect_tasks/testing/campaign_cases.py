"""Cases on a real instance: as the customers of a campaign, and what came of it as results.

What only a rehearsal can do is refused case by case, with the reason: nobody can pass time on a
real instance, draw its numbers, or change what stands around its flow.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connect_tasks.campaign.answers.said import is_customers, is_spoken
from connect_tasks.chat.template.conversation import Conversation
from connect_tasks.emulator.flows.rehearsal import Line, Rehearsed
from connect_tasks.errors import InputError
from connect_tasks.tables.reading import open_table
from connect_tasks.tables.table_layout import TableLayout
from connect_tasks.testing.case import Case
from connect_tasks.testing.case_comparison import compare_case
from connect_tasks.testing.case_result import CaseResult, not_played

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CampaignCases"]

_Items = Sequence[Mapping[str, Any]]
_COMPLETED = "completed"
_SAYS = "says_{}"
_BY_US = {"replied", "heard", "silent", "time_limit", "left_open"}


@dataclass(frozen=True, slots=True)
class CampaignCases:
    """Cases as a campaign: a table of customers, what they say, and whom that leaves out.

    Args:
        cases: The cases, in order.
        conversation: How the conversations are held; what is said comes from the cases.

    Raises:
        InputError: The conversation says something itself, or no case can be played on an
            instance.
    """

    cases: Sequence[Case]
    settings: Conversation | None = None

    def __post_init__(self) -> None:
        if self.settings is not None and self.settings.messages:
            raise InputError("conversation.messages must be empty: what is said is in the cases.")
        if self.cases and all(map(_why_not, self.cases)):
            reasons = "\n".join(f"- {case.name}: {_why_not(case)}" for case in self.cases)
            raise InputError(f"No case can be played on an instance:\n{reasons}")

    @property
    def customers(self) -> "pd.DataFrame":
        """One row per case that can be played, named like the fields of a request."""
        rows = [_row(number, case) for number, case in self._playable()]
        columns = dict.fromkeys(column for row in rows for column in row)
        return TableLayout(dict.fromkeys(columns, "string")).frame(rows)

    @property
    def conversation(self) -> Conversation:
        """What the customers say: each their own messages, as many as they have."""
        most = max((len(case.script.customer) for _, case in self._playable()), default=0)
        texts = [f"{{{{ {_SAYS.format(n)} | default(none) }}}}" for n in range(1, most + 1)]
        settings = self.settings or Conversation()
        # Validated, as templates are; the settings were already.
        return Conversation(**settings.model_dump(exclude={"messages"}), messages=tuple(texts))

    @property
    def needs_collecting(self) -> bool:
        """Whether anything is compared that only Amazon knows."""
        return any(
            case.attributes_after or (case.end is not None and case.end.reasons)
            for _, case in self._playable()
        )

    def results(
        self,
        contacts: "pd.DataFrame",
        messages: "pd.DataFrame",
        attributes: "pd.DataFrame",
        *,
        every_line: bool = False,
    ) -> list[CaseResult]:
        """What came of each case.

        Args:
            contacts: The campaign's contacts.
            messages: Its messages.
            attributes: Its attributes.
            every_line: Whether a line that no row expects is a difference, too.
        """
        by_id = {row["customer_id"]: row for row in _records(contacts)}
        said: dict[str, list[dict[str, Any]]] = {}
        for item in _records(messages):
            said.setdefault(item["customer_id"], []).append(item)
        stored = {row["customer_id"]: row for row in _records(attributes)}
        results = []
        for number, case in enumerate(self.cases):
            customer = _customer(number)
            happened = _happened(
                by_id.get(customer, {}),
                said.get(customer, []),
                stored.get(customer, {}),
                case.script.initial_message,
            )
            why = _why_not(case) or _why_lost(by_id.get(customer, {}))
            results.append(
                not_played(case, why)
                if why
                else CaseResult(
                    case=case,
                    happened=happened,
                    compared=compare_case(case, happened, every_line=every_line),
                )
            )
        return results

    def _playable(self) -> Iterator[tuple[int, Case]]:
        return ((number, case) for number, case in enumerate(self.cases) if not _why_not(case))


def _customer(number: int) -> str:
    return f"case-{number}"


def _row(number: int, case: Case) -> dict[str, str]:
    script = case.script
    row = {"customer_id": _customer(number), "display_name": script.display_name}
    row |= {f"attributes.{name}": value for name, value in script.attributes.items()}
    if script.initial_message is not None:
        row["initial_message.content"] = script.initial_message
    return row | {_SAYS.format(n): text for n, text in enumerate(script.customer, 1)}


def _why_not(case: Case) -> str:
    """What of a case cannot be done on an instance; empty if all can."""
    script, end = case.script, case.end
    reasons = {
        "silence_seconds: no time can be passed there": any(
            isinstance(deed, Mapping) and "silence" in deed for deed in script.customer
        ),
        "chooses.FIELD: only texts are sent there": any(
            isinstance(deed, Mapping) and "silence" not in deed for deed in script.customer
        ),
        "now: it is what it is there": script.now is not None,
        "attributes.NAME: no name has a dot there": any("." in name for name in script.attributes),
        "draws: nobody draws them there": bool(script.draws),
        "world_patch: what is around the flow is the instance's": bool(script.world_patch),
        "queue: Amazon does not tell its name": end is not None and end.queue is not None,
        "end_state: whether it is queued is not told": end is not None and end.state == "queued",
    }
    found = "; ".join(reason for reason, is_so in reasons.items() if is_so)
    return f"it cannot be played on an instance, only rehearsed: {found}" if found else ""


def _why_lost(contact: Mapping[str, Any]) -> str:
    if contact.get("status") == _COMPLETED and contact.get("end_reason") != "lost":
        return ""
    told = [contact.get(name) for name in ("status", "error_code", "error_message")]
    return f"it was not played to its end: {': '.join(filter(None, told)) or 'not contacted'}"


def _happened(
    contact: Mapping[str, Any],
    items: _Items,
    stored: Mapping[str, Any],
    opening: str | None,
) -> Rehearsed:
    spoken = _without_opening([item for item in items if is_spoken(item)], opening)
    began = contact.get("connected_at") or contact.get("started_at")
    ended = contact.get("ended_at")
    return Rehearsed(
        lines=tuple(_line(item, began) for item in spoken),
        end=_end(contact),
        attributes=dict(_stored(stored)),
        contact_id=contact.get("contact_id") or "",
        seconds=(ended - began).total_seconds() if began and ended else 0.0,
        trace=(),
    )


def _without_opening(items: _Items, opening: str | None) -> _Items:
    """An initial message is in the transcript, and no line of the conversation."""
    first = next((item for item in items if is_customers(item)), None)
    if opening is None or first is None or first.get("content") != opening:
        return items
    return [item for item in items if item is not first]


def _line(item: Mapping[str, Any], began: datetime | None) -> Line:
    at = item.get("absolute_time")
    seconds = max((at - began).total_seconds(), 0.0) if at and began else 0.0
    return Line(_speaker(item), item.get("content") or "", seconds)


def _speaker(item: Mapping[str, Any]) -> str:
    if is_customers(item):
        return "CUSTOMER"
    role, name = item.get("participant_role"), item.get("display_name")
    if role == "AGENT":
        return "AGENT"
    return "BOT" if role == "CUSTOM_BOT" or name == "BOT" else "FLOW"


def _end(contact: Mapping[str, Any]) -> dict[str, str]:
    state = "open" if contact.get("end_reason") in _BY_US else "ended"
    reason = contact.get("disconnect_reason")
    # Of a chat that our side has closed, the reason is our own.
    return {"state": state, "reason": reason} if reason and state == "ended" else {"state": state}


def _stored(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in row.items():
        if name not in {"customer_id", "contact_id"} and value is not None:
            yield name.removeprefix("attribute_") if name in _CALLED_LIKE_IDS else name, value


_CALLED_LIKE_IDS = {"attribute_customer_id", "attribute_contact_id"}


def _records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    table = open_table(frame, of="contacts") if len(frame) else None
    return [row for chunk in table.chunks() for row in chunk] if table else []
