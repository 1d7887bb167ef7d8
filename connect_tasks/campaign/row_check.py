"""The row check: each row of a table becomes a request, or a refusal with reasons."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.aws.outbound_models import StartOutboundChatContactRequest
from connect_tasks.aws.problems import Problem, shortened
from connect_tasks.aws.stored_text import LONGEST_REASON, as_stored
from connect_tasks.campaign.policy.outreach_policy import OutreachPolicy
from connect_tasks.campaign.row_maker import RowMaker, Rows, ValidRow, number_of
from connect_tasks.campaign.row_policy import RowPolicy
from connect_tasks.campaign.variant_renderer import AnyRendered, EitherRenderer
from connect_tasks.campaign.warnings import OddIds
from connect_tasks.chat.template.utterance import OwnMessage
from connect_tasks.ledger.contact import Refusal, Status

__all__ = ["Intake", "RowCheck", "RowCounts", "Sample"]

_MOST_REASONS = 12
# What is told apart at all: a table may be wrong in as many ways as it has rows.
_MOST_KINDS = 1_000
# "…, has 2,000" is the same complaint as "…, has 3,000".
_OWN_SIZE = re.compile(r", has [\d,]+$")
_NOTHING_SEEN = "holds nothing that a person could see: a campaign knows its customers by it"

# The code and the words of a row whose number the campaign has under another customer's name.
_OTHERS_NUMBER = ("DuplicateNumber", "has the number of another customer of this campaign")


@dataclass(frozen=True, slots=True)
class RowCounts:
    """How many rows of a table were gone through so far, and how many of them were refused."""

    rows: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one customer will be sent.

    Args:
        customer_id: The customer.
        display_name: Their name in the chat; the number that is written to, outbound.
        initial_message: The chat's first message, if there is one.
        messages: What our side says in the conversation.
    """

    customer_id: str
    display_name: str
    initial_message: str | None
    messages: tuple[OwnMessage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What a table of customers came to.

    Args:
        rows: All rows.
        valid: Rows that make a request, each of another customer.
        rejected: Rows with something wrong.
        duplicate: Rows that repeat a customer.
        contacted: Valid rows whose customers the campaign has contacted before.
        opened: Valid rows whose chat opens with a message.
        said: Messages that our side has for the conversations of all valid rows.
        connected: Valid rows whose start brings the chat's connection, too.
        reasons: What is wrong with the rejected rows and with how many of them, the commonest
            first; a row may have several reasons.
        more_reasons: How many further reasons there are.
        samples: What the first customers will be sent.
        warnings: What is no error and yet looks like a slip, in sentences without a value.
    """

    rows: int
    valid: int
    rejected: int
    duplicate: int
    contacted: int
    opened: int
    said: int
    reasons: Mapping[str, int]
    more_reasons: int
    samples: tuple[Sample, ...] = field(repr=False)
    connected: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def to_contact(self) -> int:
        """Customers of the table whose chats are yet to be started."""
        return self.valid - self.contacted


class RowCheck:
    """Renders a table's rows, parts the valid from the refused and counts both.

    Args:
        renderer: Makes requests of rows.
        samples: How many customers' messages to keep.
        policy: What a row must say for it: where its customer is.
        shared_numbers: Whether several customers may have one number.
        token_of: Makes the client token of a first contact, by the customer's key. None if the rows
            are only looked at.
    """

    def __init__(
        self,
        renderer: EitherRenderer,
        samples: int,
        policy: OutreachPolicy | None = None,
        *,
        shared_numbers: bool = False,
        token_of: Callable[[str], str] | None = None,
    ) -> None:
        self._renderer = renderer
        self._maker = RowMaker(renderer, RowPolicy(policy or OutreachPolicy()), token_of)
        self._shared_numbers = shared_numbers
        self._numbers: dict[str, int] = {}
        self._most_samples = samples
        self._samples: list[Sample] = []
        self._positions: dict[str, int] = {}
        self._reasons: Counter[str] = Counter()
        self._refused: Counter[Status] = Counter()
        self._opened = 0
        self._said = 0
        self._connected = 0
        self.customer_ids: list[str | None] = []
        self._odd_ids = OddIds()

    def check(self, rows: Rows) -> tuple[list[ValidRow], list[Refusal]]:
        """Take the next rows of the table in: the valid ones, and the others with the reason."""
        valid: list[ValidRow] = []
        refused: list[Refusal] = []
        first_row = len(self.customer_ids)
        for row, sure in zip(rows, self._maker.sure(rows), strict=True):
            if sure is not None and self._may_be_taken(sure):
                valid.append(self._take(sure))
            elif isinstance(found := self._looked_at(row), Refusal):
                refused.append(found)
            else:
                valid.append(found)
        self._odd_ids.look(self.customer_ids[first_row:], first_row)
        return valid, refused

    def _may_be_taken(self, row: ValidRow) -> bool:
        """Whether a row that is right by itself is nobody's sample, and repeats nobody."""
        return row.customer_key not in self._positions and len(self._samples) >= self._most_samples

    def _looked_at(self, row: Mapping[str, Any]) -> ValidRow | Refusal:
        """The whole way of a row."""
        rendered = self._renderer.render(row)
        if rendered.request is None:
            return self._reject(rendered)
        if not (key := canonical_key(str(rendered.customer_id))):
            return self._reject(_without_id(rendered))
        if key in self._positions:
            return self._repeated(key, str(rendered.customer_id))
        if isinstance(zone := self._maker.zone(row), Problem):
            return self._reject(replace(rendered, request=None, problems=(zone,)))
        if (other := self._numbers.get(number_of(rendered.request) or "")) is not None:
            return self._same_number(other, str(rendered.customer_id))
        if len(self._samples) < self._most_samples:
            self._samples.append(_sample(rendered))
        return self._take(self._maker.whole(key, rendered, zone))

    def has(self, customer_key: str) -> bool:
        """Whether a valid row was of this customer."""
        return customer_key in self._positions

    def row_of(self, customer_key: str) -> int:
        """Which valid row is of a customer who has one; the first row is 0."""
        return self._positions[customer_key]

    @property
    def columns(self) -> dict[str, frozenset[str]]:
        """The columns of which each field of a request is made."""
        made: dict[str, frozenset[str]] = {}
        for where, text in self._renderer.expressions():
            made[where] = made.get(where, frozenset()) | text.columns
        return made

    @property
    def counts(self) -> RowCounts:
        """How far the table was gone through."""
        return RowCounts(len(self.customer_ids), self._refused.total())

    def intake(self, contacted: int) -> Intake:
        """Sum up."""
        return Intake(
            rows=len(self.customer_ids),
            valid=len(self._positions),
            rejected=self._refused[Status.REJECTED],
            duplicate=self._refused[Status.DUPLICATE],
            contacted=contacted,
            opened=self._opened,
            said=self._said,
            connected=self._connected,
            reasons=dict(self._reasons.most_common(_MOST_REASONS)),
            more_reasons=max(0, len(self._reasons) - _MOST_REASONS),
            samples=tuple(self._samples),
            warnings=tuple(self._odd_ids.sentences()),
        )

    def take_back(self, customer_key: str, customer_id: str) -> Refusal:
        """Refuse a row after all that was valid by itself: its number is another customer's.

        Args:
            customer_key: Whose row.
            customer_id: Whose it was, as it was planned.
        """
        position = self._positions.pop(customer_key)
        self.customer_ids[position] = None
        self._refused[Status.DUPLICATE] += 1
        return _refusal(position, Status.DUPLICATE, customer_id, *_OTHERS_NUMBER)

    def _take(self, row: ValidRow) -> ValidRow:
        position = len(self.customer_ids)
        if row.endpoint is not None and not self._shared_numbers:
            self._numbers[row.endpoint] = position
        self._positions[row.customer_key] = position
        self.customer_ids.append(row.customer_id)
        self._opened += row.opens
        self._said += len(row.messages)
        self._connected += row.connects
        return row

    def _reject(self, rendered: AnyRendered) -> Refusal:
        for kind in dict.fromkeys(map(_kind, rendered.problems)):
            if kind in self._reasons or len(self._reasons) < _MOST_KINDS:
                self._reasons[kind] += 1
        reason = "; ".join(map(str, rendered.problems))
        return self._refuse(Status.REJECTED, rendered.customer_id, "InvalidRow", reason)

    def _repeated(self, key: str, customer_id: str) -> Refusal:
        reason = f"repeats the customer of row {self._positions[key]} (counted from 0)"
        return self._refuse(Status.DUPLICATE, customer_id, "DuplicateCustomer", reason)

    def _same_number(self, other: int, customer_id: str) -> Refusal:
        reason = f"repeats the number of row {other} (counted from 0)"
        return self._refuse(Status.DUPLICATE, customer_id, _OTHERS_NUMBER[0], reason)

    def _refuse(self, status: Status, customer_id: str | None, code: str, reason: str) -> Refusal:
        refusal = _refusal(len(self.customer_ids), status, customer_id, code, reason)
        self._refused[status] += 1
        self.customer_ids.append(None)
        return refusal


def _sample(rendered: AnyRendered) -> Sample:
    request = rendered.request
    if isinstance(request, StartOutboundChatContactRequest):
        name, opening = request.destination_endpoint.address, request.initial_system_message
    else:
        assert request is not None  # noqa: S101 - for mypy
        name, opening = request.participant_details.display_name, request.initial_message
    return Sample(
        customer_id=str(rendered.customer_id),
        display_name=name,
        initial_message=opening.content if opening else None,
        messages=rendered.messages,
    )


def _refusal(
    position: int, status: Status, customer_id: str | None, code: str, reason: str
) -> Refusal:
    return Refusal(
        position=position,
        customer_id=customer_id,
        status=status,
        error_code=code,
        # A template's failure may quote the row, and a key may be any text at all.
        error_message=as_stored(reason, most=LONGEST_REASON),
    )


def _without_id(rendered: AnyRendered) -> AnyRendered:
    problem = Problem("customer_id", shortened(str(rendered.customer_id)), _NOTHING_SEEN)
    return replace(rendered, request=None, problems=(*rendered.problems, problem))


def _kind(problem: Problem) -> str:
    """A problem without what is only the row's own, so that equal ones can be counted."""
    rule = _OWN_SIZE.sub("", problem.rule)
    return f"{problem.field}: {rule}"
