"""The row maker: what a row of a table comes to by itself.

Nothing in here knows a ledger or another row: the same row always comes to the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from connect_tasks.aws.idempotency import RequestText, canonical_key
from connect_tasks.aws.models import StartChatContactRequest
from connect_tasks.aws.outbound_models import StartOutboundChatContactRequest
from connect_tasks.aws.problems import Problem
from connect_tasks.campaign.row_policy import RowPolicy
from connect_tasks.campaign.variant_renderer import AnyRendered, EitherRenderer
from connect_tasks.chat.template.row_writer import WrittenRow
from connect_tasks.chat.template.utterance import OwnMessage

__all__ = ["RowMaker", "Rows", "ValidRow", "number_of"]

Rows: TypeAlias = Sequence[Mapping[str, Any]]


# Not frozen: that would take longer than all else that is done to make one, a million times.
@dataclass(slots=True)
class ValidRow:
    """A valid row: its customer, the request, and what our side will say.

    Args:
        customer_id: Who the customer is.
        customer_key: By what they are compared with others.
        before: The request up to its client token, which is not known yet (`RequestText`).
        after: The rest of it.
        messages: What our side will say in the conversation.
        time_zone: Where the customer is, if the policy asks.
        variant: Which one they have.
        endpoint: The number to which it is written, if it is no chat of its own.
        opens: Whether the chat opens with a message.
        connects: Whether the start brings the chat's connection, too.
        token: The client token of a first contact; empty if nothing is to be written.
        fingerprint: The request's; empty if nothing is to be written.
    """

    customer_id: str
    customer_key: str
    before: str
    after: str
    messages: tuple[OwnMessage, ...]
    time_zone: str | None
    variant: str | None
    endpoint: str | None
    opens: bool
    connects: bool
    token: str
    fingerprint: str

    @property
    def request(self) -> RequestText:
        """The request without a token."""
        return RequestText(self.before, self.after)


class RowMaker:
    """Makes valid rows; safe to share by threads.

    Args:
        renderer: Makes requests of rows.
        policy: What a row must say for it: where its customer is.
        token_of: Makes the client token of a first contact, by the customer's key. None if rows are
            only looked at.
    """

    def __init__(
        self,
        renderer: EitherRenderer,
        policy: RowPolicy,
        token_of: Callable[[str], str] | None = None,
    ) -> None:
        self._renderer = renderer
        self._policy = policy
        self._token_of = token_of

    def sure(self, rows: Rows) -> list[ValidRow | None]:
        """Make rows in the short way; None for each that is not surely right."""
        written = self._renderer.write(rows)
        return [
            None if one is None else self._sure(row, one)
            for row, one in zip(rows, written, strict=True)
        ]

    def zone(self, row: Mapping[str, Any]) -> str | Problem | None:
        """The time zone of a row's customer, or what is wrong with it; None if none is needed."""
        return self._policy.zone(row)

    def whole(self, key: str, rendered: AnyRendered, zone: str | None) -> ValidRow:
        """Make a row of what the whole way made of it: a request of a customer with a key."""
        request = rendered.request
        assert request is not None  # noqa: S101 - for mypy
        chat = request if isinstance(request, StartChatContactRequest) else None
        written = WrittenRow(
            str(rendered.customer_id),
            *RequestText.of(request.to_wire()),
            rendered.messages,
            opens=chat is not None and chat.initial_message is not None,
            connects=chat is not None and chat.brings_connection,
        )
        return self._made(key, written, zone, number_of(request))

    def _sure(self, row: Mapping[str, Any], written: WrittenRow) -> ValidRow | None:
        key = canonical_key(written.customer_id)
        zone = self._policy.zone(row)
        if not key or isinstance(zone, Problem):
            return None
        return self._made(key, written, zone, None)

    def _made(self, key: str, row: WrittenRow, zone: str | None, number: str | None) -> ValidRow:
        return ValidRow(
            row.customer_id,
            key,
            row.before,
            row.after,
            row.messages,
            zone,
            self._policy.variant(key),
            number,
            row.opens,
            row.connects,
            self._token_of(key) if self._token_of else "",
            RequestText(row.before, row.after).fingerprint if self._token_of else "",
        )


def number_of(request: StartChatContactRequest | StartOutboundChatContactRequest) -> str | None:
    """The number to which a request writes; None if it is a chat of its own."""
    if isinstance(request, StartOutboundChatContactRequest):
        return request.destination_endpoint.address
    return None
