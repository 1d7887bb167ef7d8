"""The renderer of outbound requests: what a row makes of an `OutboundChatTemplate`.

A row goes the whole way here: at some few messages a second nobody waits for the table.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from connect_tasks.aws.field_types import CustomerId
from connect_tasks.aws.outbound_models import StartOutboundChatContactRequest
from connect_tasks.aws.problems import CONFLICT, Problem, problems
from connect_tasks.chat.template.filled_texts import FilledTexts, filling_of, given_id, validated
from connect_tasks.chat.template.parts import ID
from connect_tasks.chat.template.row_writer import WrittenRow
from connect_tasks.chat.template.utterance import OwnMessage

__all__ = ["OutboundRenderer", "RenderedOutbound"]


class _Named(BaseModel):
    customer_id: CustomerId


@dataclass(frozen=True, slots=True)
class RenderedOutbound:
    """What one row became.

    Args:
        request: The validated request; None if anything is wrong with the row.
        problems: Everything that is wrong with the row.
        customer_id: The id that the template gives, at most 128 characters of it, also where the
            row is refused for other reasons; None where the id itself cannot be made. Amazon is not
            told it: the request has no place for it.
        messages: What our side will say: nothing.
    """

    request: StartOutboundChatContactRequest | None
    problems: tuple[Problem, ...]
    customer_id: str | None = None
    messages: tuple[OwnMessage, ...] = ()


class OutboundRenderer(FilledTexts):
    """A template with everything known that does not depend on the row; safe to share by threads.

    Made by `OutboundChatTemplate.bind`.

    Args:
        fields: The request's fields, nested as in the request, and the customer's id; texts may be
            templates.
        defaults: Fields of the request for rows in which `fields` leaves them out.
        table: The table's columns, as far as they are known.

    Raises:
        InputError: There are more texts to fill in than any request has.
    """

    def __init__(
        self,
        fields: Mapping[str, Any],
        defaults: Mapping[str, Any] | None = None,
        table: Iterable[str] = (),
    ) -> None:
        self._defaults = dict(defaults or {})
        super().__init__(fields, table=table)

    def constant_problems(self) -> tuple[Problem, ...]:
        """Find what is wrong with the template in every row, whatever the row holds."""
        constant = {name: v for name, v in self._request.constant().items() if name != ID}
        try:
            StartOutboundChatContactRequest.model_validate({**self._defaults, **constant})
        except ValidationError as error:
            found = problems(error, ignoring=("missing", CONFLICT))
            return tuple(one for one in found if not self._depends_on_row(one.field))
        return ()

    def _depends_on_row(self, field: str) -> bool:
        return any(f"{where}.".startswith(f"{field}.") for where, _ in self.expressions())

    def render(self, row: Mapping[str, Any]) -> RenderedOutbound:
        """Make one row's request; a bad row is told in `problems`, never raised.

        Args:
            row: The row by column names. None, NaN, pandas' NA and blank texts count as missing.

        Returns:
            The request, or everything that is wrong with the row.
        """
        filling = filling_of(row, self.columns)
        fields = self._request.fill(filling)
        if isinstance(fields, dict) and ID in fields:
            filling.problems.extend(_problems_of_id(fields[ID]))
        model = StartOutboundChatContactRequest
        request = validated(model, self._defaults, fields, filling, apart=(ID,))
        return RenderedOutbound(request, tuple(filling.problems), given_id(fields))

    def write(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[WrittenRow | None]:
        """There is no short way here: `render` says."""
        return iter([None] * len(rows))


def _problems_of_id(given: object) -> tuple[Problem, ...]:
    try:
        _Named.model_validate({ID: given})
    except ValidationError as error:
        return tuple(problems(error))
    return ()
