"""Selection: a campaign's customers by what became of them, as a table for the next campaign."""

import json
import logging
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.aws.pacing.clock import Clock, SystemClock
from connect_tasks.aws.problems import did_you_mean
from connect_tasks.campaign.answers.attributes import MOST_ATTRIBUTES, attributes_of
from connect_tasks.campaign.outcome_groups import GROUPS, groups_of
from connect_tasks.errors import InputError
from connect_tasks.ledger.contact import Refusal, Status, Withdrawal
from connect_tasks.ledger.keys import is_whole, legacy_id
from connect_tasks.ledger.opening import opened
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.choosing import chosen_rows
from connect_tasks.tables.layouts import customers_layout

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["select"]

_log = logging.getLogger(__name__)

# How many customers are looked up at once.
_PIECE = 2_000
_PREFIX = "attributes."


def select(
    campaign: str,
    *,
    status: str | Collection[str],
    customers: "pd.DataFrame | str | os.PathLike[str] | None" = None,
    on: str = "customer_id",
    ledger: Ledger | str | None = None,
    clock: Clock | None = None,
) -> "pd.DataFrame":
    """The customers of a campaign of whom something is so: who did not open, answer or finish.

    What came of people's chats is what `collect` found out last. Each customer counts once, by
    their latest contact; who was forgotten is in no group. Nothing is changed, and nobody is
    contacted: the table is for the next campaign, whose policy decides about them anew.

    Args:
        campaign: Its name.
        status: One or more groups; whoever is in any of them is selected. A status (`planned`,
            `completed`, `failed`, `unknown`, `withheld` and so on), where `failed` is without those
            who were taken out, and `rejected` those whom the last table refused and who have no
            contact; `withdrawn`: who was taken out; the name of a rule (`held_out`, `opted_out` and
            so on): whom the policy withheld by it. How far people came:

            - `unopened`: could have had their link by now and have not pressed its button, whether
              it still works or not; where there are no links, have a chat that is over and that
              nobody joined. `opened`: the others whose chat was started.
            - `unanswered`: those, and whose chat is over without an answer. `answered`: who said
              something; in a simulation, to whom the other side said something.
            - `unfinished`: those who speak for themselves and have not answered, and whose chat is
              over otherwise than by the flow or an agent: the customer left, time ran out, it was
              stopped or lost. In a simulation: whose chat was silent, too long or lost. `finished`:
              the other chats that are over.

            Whose chat is still open, or of whom nobody knows whether they have one, is in no group
            of those who did not.
        customers: A table of one's own, or the path or URI of one. Of it the rows of these
            customers are given, with all columns.
        on: Its column, or level of its index, with the id as the campaign has it.
        ledger: SQLAlchemy URL, or a ledger that is open; `$CONNECT_TASKS_LEDGER` or the file in
            `.connect_tasks` if None.
        clock: Tells the time; the machine's by default.

    Returns:
        With *customers* their rows in their order, with index and dtypes. Otherwise one row a
        customer in the order of planning, as they were to be contacted: customer_id, display_name,
        and `attributes.` and the name for each attribute (`string`), which a campaign without a
        template takes as they are; of more than 500 attributes those that most customers have.

    Raises:
        InputError: There is no ledger, no such campaign, group, file or column.

    Example:
        ```python
        from connect_tasks.campaign import select

        silent = select("renewals", status="unanswered", customers=customers)
        outreach(silent, template, campaign="renewals-again", connect=instance)
        ```
    """
    groups = _known(status)
    with opened(ledger) as open_ledger:
        name = open_ledger.existing_campaign(campaign)
        chosen = _Chosen(open_ledger, name, groups, clock or SystemClock())
        if customers is None:
            return _as_sent(name, chosen.records(with_requests=True))
        keys = {row["customer_key"] for row in chosen.records()}
    return chosen_rows(customers, lambda value: _is_in(keys, canonical_key(value)), on=on)


class _Chosen:
    """The customers of a campaign who are in any of some groups."""

    def __init__(
        self, ledger: Ledger, campaign: str, groups: Collection[str], clock: Clock
    ) -> None:
        self._ledger, self._campaign, self._groups = ledger, campaign, groups
        self._now = clock.now()

    def records(self, *, with_requests: bool = False) -> Iterator[Mapping[str, Any]]:
        """Their latest contacts, and then the refused rows of who has none."""
        mode = self._ledger.mode(self._campaign)
        for row in self._ledger.outcomes(self._campaign, with_requests=with_requests):
            if not groups_of(row, mode, now=self._now).isdisjoint(self._groups):
                yield row
        if Status.REJECTED in self._groups:
            yield from self._refused()

    def _refused(self) -> Iterator[Mapping[str, Any]]:
        rows = [
            row
            for row in self._ledger.refused_rows(self._campaign)
            if row.status is Status.REJECTED and row.customer_key
        ]
        for start in range(0, len(rows), _PIECE):
            yield from self._without_contact(rows[start : start + _PIECE])

    def _without_contact(self, rows: Iterable[Refusal]) -> Iterator[Mapping[str, Any]]:
        names = {row.customer_key: row.customer_id for row in rows}
        known = self._ledger.recognised(self._campaign, [key for key in names if key])
        for key, name in names.items():
            contact = known.get(key or "")
            if contact is None or contact.error_code == Withdrawal.BY_TABLE:
                yield {"customer_key": key, "customer_id": name}


def _known(status: str | Collection[str]) -> frozenset[str]:
    if not isinstance(status, Collection):
        raise InputError(
            f"status is a {type(status).__name__}: give one or more of {', '.join(GROUPS)}."
        )
    names = [status] if isinstance(status, str) else list(status)
    if not names:
        raise InputError(f"status names no group: give one or more of {', '.join(GROUPS)}.")
    for name in names:
        if name == Status.DUPLICATE:
            raise InputError(
                "status names 'duplicate', which is a row and no customer: who repeats an earlier "
                "row is in that one's group."
            )
        if name not in GROUPS:
            raise InputError(
                f"There is no group {name!r}{did_you_mean(str(name), GROUPS)}: give one or more of "
                f"{', '.join(GROUPS)}."
            )
    return frozenset(map(str, names))


def _is_in(keys: Collection[str], key: str) -> bool:
    # An earlier version called the number 1 `1.0` where its column held a gap.
    return key in keys or (is_whole(key) and legacy_id(key) in keys)


def _as_sent(campaign: str, rows: Iterable[Mapping[str, Any]]) -> "pd.DataFrame":
    counted: Counter[str] = Counter()
    records: list[dict[str, Any]] = []
    for row in rows:
        attributes = attributes_of(row)
        counted.update(attributes.keys())
        own = {"customer_id": row["customer_id"], "display_name": _display_name(row)}
        records.append(own | {_PREFIX + name: value for name, value in attributes.items()})
    names = sorted(counted, key=lambda name: (-counted[name], name))[:MOST_ATTRIBUTES]
    if len(counted) > len(names):
        _log.warning(
            "campaign %s has %d different attributes: the table has the %d that most customers "
            "have",
            campaign,
            len(counted),
            len(names),
        )
    return customers_layout(sorted(names)).frame(records)


def _display_name(row: Mapping[str, Any]) -> str | None:
    details = json.loads(row.get("request") or "{}").get("ParticipantDetails") or {}
    name: str | None = details.get("DisplayName")
    return name
